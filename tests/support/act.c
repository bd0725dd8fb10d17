/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/act.h"

#include <check.h>
#include <ftw.h>
#include <string.h>

#include "apply/generation.h"
#include "support/pending.h"

bool act_choose(struct act *act, int number)
{
	*act = (struct act){
		.change = &host_changes[number / ACT_KINDS],
		.kind = (enum act_kind)(number % ACT_KINDS),
	};
	/* A removal is not to be confirmed. */
	return act->kind == ACT_APPLY || act->change->to != &wanted_nothing;
}

const char *act_name(const struct act *act)
{
	static const char *const names[] = {
		"apply", "apply, to be confirmed", "confirm", "roll back",
	};

	return arena_printf(host.arena, "%s to %s, %s",
			    act->change->from->name, act->change->to->name,
			    names[act->kind]);
}

void act_prepare(struct act *act)
{
	host_open();
	host_settle(act->change->from);
	act->before = host_snapshot();
	act->kept = pending_kept();
	act->sent = host.model->sent;
	if (act->kind == ACT_CONFIRM || act->kind == ACT_ROLL_BACK)
		pending_settle(act->change->to);
}

static int change(struct run *run, const struct act *act)
{
	struct apply_result result;
	struct err ignored;

	if (act->kind == ACT_ARM)
		run->confirm = &pending_confirmable;
	host_plan(run, act->change->to);
	if (apply_plan(run, &result, &host.e))
		return -1;
	/* What fails of it is done by the next removal. */
	if (act->change->to == &wanted_nothing)
		(void)!store_forget(host.store, &ignored);
	return 0;
}

int act_run(const struct act *act)
{
	static struct run run;
	int status = host_try_start(&run);

	if (!status) {
		switch (act->kind) {
		case ACT_APPLY:
		case ACT_ARM:
			status = change(&run, act);
			break;
		case ACT_CONFIRM:
			status = pending_confirm(&run, "tested", &host.e);
			break;
		case ACT_ROLL_BACK:
			status = pending_roll_back(&run, "tested", &host.e);
			break;
		}
	}
	host_finish();
	return status;
}

int act_under(const struct act *act, const struct disk_fault *fault,
	      bool *died)
{
	int status;

	*died = false;
	if (sigsetjmp(disk_killed, 1)) {
		*died = true;
		return -1;
	}
	disk_start(fault);
	status = act_run(act);
	disk_stop();
	return status;
}

size_t act_calls(struct act *act)
{
	size_t count;

	act_prepare(act);
	disk_start(NULL);
	ck_assert_msg(!act_run(act), "%s: %s", act_name(act), host.e.text);
	count = disk_stop();
	host_close();
	ck_assert_uint_gt(count, 4);
	return count;
}

/* What waits to be confirmed has its record. */
static bool is_consistent(void)
{
	struct generations list;

	if (pending_is_there())
		return true;
	ck_assert_msg(!generation_list(host.store, host.arena, &list, &host.e),
		      "%s", host.e.text);
	if (list.unread)
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i]->state == GENERATION_PENDING)
			return false;
	return true;
}

void act_recover(const char *where)
{
	static struct run run;
	bool did;

	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s: %s", where,
		      host.e.text);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
	ck_assert_msg(is_consistent(), "%s: a generation is pending without a "
		      "record, or torn", where);
	host_finish();
	ck_assert_msg(host_tidy(), "%s: a temporary file stays", where);
}

static const char *left;

static int find_file(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F)
		left = arena_strdup(host.arena, path);
	return 0;
}

void act_ends_clean(const struct act *act, const char *where)
{
	static const struct host_change away = {
		&wanted_nothing, &wanted_nothing,
	};
	const struct act remove = { .change = &away, .kind = ACT_APPLY };

	host_settle(act->change->to);
	host_converged(act->change->to, where);
	host_settle(act->change->from);
	host_converged(act->change->from, where);
	ck_assert_msg(!act_run(&remove), "%s: %s", where, host.e.text);
	left = NULL;
	ck_assert_int_eq(nftw(host.scratch.path, find_file, 16, FTW_PHYS), 0);
	ck_assert_msg(!left, "%s: %s is left", where, left);
}
