/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a killed run left. */
#include <string.h>

#include "apply/pending.h"
#include "apply/signals.h"
#include "apply/store_private.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/err.h"

/*
 * The tables of those routes in BEFORE that are seen in no other way: of
 * others, which lead elsewhere than to our devices.
 */
static const uint32_t *tables_of(struct run *run, const struct state *before)
{
	struct tables tables = { .arena = run->arena };

	for (size_t i = 0; i < before->route_count; i++) {
		const struct route *r = &before->routes[i];

		if (r->protocol != OUR_PROTOCOL &&
		    (!*r->device || !state_device(before, r->device)))
			tables_add(&tables, r->table);
	}
	return tables.items;
}

/* All that the journal speaks of is looked at. */
static void scope_of(struct run *run, const struct journal *journal)
{
	const struct state *before = &journal->before;
	const struct state *added = &journal->added;
	size_t count = before->device_count + added->device_count;
	const char **names = arena_new_array(run->arena, const char *, count);
	const char **keys = arena_new_array(run->arena, const char *,
					    before->sysctl_count);

	run->scope = (struct scope){
		.mesh = run->mesh, .devices = names, .device_count = count,
		.sysctls = keys, .sysctl_count = before->sysctl_count,
		.tables = tables_of(run, before),
	};
	for (size_t i = 0; i < before->device_count; i++)
		names[i] = before->devices[i].name;
	for (size_t i = 0; i < added->device_count; i++)
		names[before->device_count + i] = added->devices[i].name;
	for (size_t i = 0; i < before->sysctl_count; i++)
		keys[i] = before->sysctls[i].key;
}

int run_undo_record(struct run *run, const struct journal *journal,
		    struct err *e)
{
	const struct state *want = run->want;
	struct scope scope = run->scope;
	struct plan differs = { 0 };
	struct signals signals;
	int status;

	/* What others have come to need since is theirs. */
	if (sysctls_read(run->store, run->arena, e))
		return -1;
	run->want = NULL;
	scope_of(run, journal);
	signals_block(&signals);
	status = run_undo(run, journal, &differs, e);
	signals_unblock(&signals);
	run->want = want;
	run->scope = scope;
	return status;
}

/* What no run can make sense of is given up, if that is asked for. */
static bool gives_up(const struct run *run, const struct err *e)
{
	return !strcmp(e->guard, "journal") && run_forced(run, "journal");
}

/* *DID: all is undone. */
static int go_on(struct run *run, bool *did, struct err *e)
{
	struct journal *journal = arena_new_object(run->arena,
						   struct journal);
	bool same_boot;
	int status;

	if (journal_read(run->store, run->arena, run->secrets, journal,
			 &same_boot, e))
		return gives_up(run, e) ? 0 : -1;
	/* The kernel forgot it all. */
	if (!same_boot)
		return 0;
	status = run_undo_record(run, journal, e);
	if (status && e->kind != ERR_INCOMPLETE)
		return -1;
	if (status && !run_forced(run, "journal"))
		return err_set(e, ERR_INCOMPLETE, "%s; --force=journal gives "
			       "it up and goes on from what is there",
			       e->text);
	*did = !status;
	return status ? 0 : pending_spent(run, journal, e);
}

int apply_recover(struct run *run, bool *did, struct err *e)
{
	enum journal_mark mark = journal_look(run->store);

	*did = false;
	if (mark == JOURNAL_NONE)
		return 0;
	if (mark == JOURNAL_VERIFIED) {
		if (journal_finish(run->store, e) &&
		    (!gives_up(run, e) || journal_close(run->store, e)))
			return -1;
	} else {
		if (go_on(run, did, e) || journal_close(run->store, e))
			return -1;
	}
	store_sweep(run->store);
	return 0;
}
