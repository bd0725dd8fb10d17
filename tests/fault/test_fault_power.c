/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power is cut at any call of a run to its disk, and what was not synced
 * is lost: once the host is booted, what was to be confirmed is undone, what
 * the run said was done is kept, and nothing is in the way of the next one.
 */
#include <check.h>
#include <stdlib.h>

#include "support/act.h"
#include "support/pending.h"

static const char *const losses[DISK_LOSSES] = {
	[DISK_SYNCED] = "what was not synced is lost",
	[DISK_NAMES] = "contents that were not synced are lost",
	[DISK_ALL] = "nothing is lost",
};

static const char *where_is(const struct act *act, size_t at,
			    enum disk_loss loss)
{
	return arena_printf(host.arena, "%s, cut at call %zu, %s",
			    act_name(act), at, losses[loss]);
}

/* As meshapply-recover.service does it, a cut further on or never. */
static bool boot_and_recover(size_t at)
{
	const struct disk_fault fault = { .at = at };
	static const struct act back = {
		.change = &host_changes[0], .kind = ACT_ROLL_BACK,
	};
	bool died;

	if (!pending_is_there())
		return true;
	if (act_under(&back, &fault, &died))
		ck_assert_msg(died, "%s", host.e.text);
	return !died;
}

/* What the kernel was given has its record, or was not to have one. */
static void expect_record(const struct act *act, bool died, bool sent,
			  const char *where)
{
	bool there = pending_is_there();

	switch (act->kind) {
	case ACT_APPLY:
		ck_assert_msg(!there, "%s", where);
		break;
	case ACT_ARM:
		ck_assert_msg(there || !sent, "%s: the kernel was written to "
			      "and nothing leads back", where);
		break;
	case ACT_CONFIRM:
	case ACT_ROLL_BACK:
		ck_assert_msg(!there || died, "%s: it was settled", where);
		break;
	}
}

/* What a run that came to its end has kept is there. */
static void expect_kept(const struct act *act, const char *where)
{
	const struct wanted *wanted = act->kind == ACT_ROLL_BACK ?
		act->change->from : act->change->to;
	struct run run;

	host.torn = false;
	host_start(&run);
	ck_assert_msg(!run.last == (wanted == &wanted_nothing), "%s: what was "
		      "applied last is lost", where);
	host_finish();
}

static void cut(struct act *act, size_t at, enum disk_loss loss)
{
	const struct disk_fault fault = { .at = at };
	const char *where;
	bool died, sent, there;
	size_t before;

	act_prepare(act);
	disk_settle();
	where = where_is(act, at, loss);
	before = host.model->sent;
	(void)act_under(act, &fault, &died);
	sent = host.model->sent > before;
	disk_lose(loss);
	expect_record(act, died, sent, where);
	there = pending_is_there();
	/* Of what was renamed one by one some may be there. */
	host.torn = true;
	ck_assert(boot_and_recover(SIZE_MAX));
	act_recover(where);
	if (there)
		host_converged(act->change->from, where);
	else if (!died)
		expect_kept(act, where);
	ck_assert_msg(!pending_is_there(), "%s: it is pending still", where);
	act_ends_clean(act, where);
	host_close();
}

START_TEST(the_power_is_cut)
{
	struct act act;
	size_t count;

	if (!act_choose(&act, _i / DISK_LOSSES))
		return;
	count = act_calls(&act);
	for (size_t at = 0; at <= count; at++)
		cut(&act, at, (enum disk_loss)(_i % DISK_LOSSES));
}
END_TEST

/* Cut while a change is pending, and again while that is undone. */
static bool cut_again(struct act *act, size_t at, enum disk_loss loss)
{
	const char *where;
	bool done;

	act_prepare(act);
	ck_assert(!act_run(act));
	disk_settle();
	disk_lose(loss);
	ck_assert(pending_is_there());
	disk_settle();
	host.torn = true;
	where = where_is(act, at, loss);
	done = boot_and_recover(at);
	disk_lose(loss);
	ck_assert_msg(done || boot_and_recover(SIZE_MAX), "%s", where);
	act_recover(where);
	ck_assert_msg(!pending_is_there(), "%s: it is pending still", where);
	act_ends_clean(act, where);
	host_close();
	return !done;
}

START_TEST(the_power_is_cut_twice)
{
	struct act act;
	size_t at = 0;

	if (!act_choose(&act, ACT_KINDS * (_i / DISK_LOSSES) + ACT_ARM))
		return;
	while (cut_again(&act, at, (enum disk_loss)(_i % DISK_LOSSES)))
		at++;
	ck_assert_uint_gt(at, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_power");
	TCase *tc = tcase_create("fault_power");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, the_power_is_cut, 0,
			    ACT_COUNT * DISK_LOSSES);
	tcase_add_loop_test(tc, the_power_is_cut_twice, 0,
			    HOST_CHANGES * DISK_LOSSES);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
