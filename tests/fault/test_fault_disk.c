/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs over the model kernel whose disk fails, or that are killed, at any of
 * their calls to the disk: the state is the one before or the one desired,
 * what the run said tells which, and the next run finds nothing in its way.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/act.h"
#include "support/pending.h"

static const int errors[] = { ENOSPC, EIO, EROFS };

#define FOREVER SIZE_MAX

static const char *where_is(const struct act *act, const char *what, size_t at)
{
	return arena_printf(host.arena, "%s, %s at call %zu (%s)",
			    act_name(act), what, at, host.e.text);
}

/* As before in the kernel and in what is kept. */
static void expect_before(const struct act *act, const char *where)
{
	ck_assert_msg(!host_differs(act->before), "%s: %s", where,
		      host_differs(act->before));
	ck_assert_msg(!strcmp(pending_kept(), act->kept),
		      "%s: what is kept is another", where);
}

/* Begun, and to be begun again: what is kept may be half of each. */
static bool way_back_is_left(const struct act *act)
{
	return act->kind == ACT_ROLL_BACK && pending_is_there();
}

/* One that waits to be confirmed, if any does, still leads back. */
static void expect_way_back(const struct act *act, const char *where)
{
	if (!pending_is_there())
		return;
	pending_undo();
	host.torn = false;
	expect_before(act, where);
	ck_assert_msg(!pending_is_there(), "%s: it is pending still", where);
}

static void expect_good(const struct act *act, const char *where)
{
	switch (act->kind) {
	case ACT_APPLY:
	case ACT_ARM:
	case ACT_CONFIRM:
		host_converged(act->change->to, where);
		ck_assert_int_eq(pending_is_there(), act->kind == ACT_ARM);
		break;
	case ACT_ROLL_BACK:
		expect_before(act, where);
		ck_assert(!pending_is_there());
		break;
	}
}

static void expect_bad(const struct act *act, const char *where)
{
	ck_assert_msg(host.e.kind != ERR_INCOMPLETE, "%s", where);
	switch (act->kind) {
	case ACT_APPLY:
	case ACT_ARM:
		expect_before(act, where);
		break;
	case ACT_CONFIRM:
		/* Nothing of the kernel's is touched by it. */
		host_converged(act->change->to, where);
		break;
	case ACT_ROLL_BACK:
		/* The kernel may be back already, and what is kept not. */
		if (!pending_is_there())
			expect_before(act, where);
		break;
	}
}

static void fail_at(struct act *act, size_t at, int error, size_t times)
{
	const struct disk_fault fault = {
		.at = at, .times = times, .error = error,
	};
	const char *where;
	int status;
	bool died;

	act_prepare(act);
	status = act_under(act, &fault, &died);
	where = where_is(act, strerror(error), at);
	/* What was not done does not wait for anybody. */
	if (status && times == 1 && act->kind == ACT_ARM)
		ck_assert_msg(!pending_is_there(), "%s", where);
	host.torn = way_back_is_left(act);
	act_recover(where);
	if (status)
		expect_bad(act, where);
	else
		expect_good(act, where);
	expect_way_back(act, where);
	act_ends_clean(act, where);
	host_close();
}

/* All errors at each call, or by turns. */
static bool fails_all(void)
{
	const char *all = getenv("FAULTS");

	return all && !strcmp(all, "all");
}

START_TEST(a_call_fails)
{
	struct act act;
	size_t count;

	if (!act_choose(&act, _i))
		return;
	count = act_calls(&act);
	for (size_t at = 0; at < count; at++)
		for (size_t i = 0; i < array_size(errors); i++)
			if (fails_all() || at % array_size(errors) == i)
				fail_at(&act, at, errors[i], 1);
}
END_TEST

/* As a file system that met an error is for reading only. */
START_TEST(all_calls_fail_from_there_on)
{
	struct act act;
	size_t count;

	if (!act_choose(&act, _i))
		return;
	count = act_calls(&act);
	for (size_t at = 0; at < count; at++)
		fail_at(&act, at, EROFS, FOREVER);
}
END_TEST

static void kill_at(struct act *act, size_t at)
{
	const struct disk_fault fault = { .at = at };
	const char *where;
	bool died;

	act_prepare(act);
	(void)act_under(act, &fault, &died);
	ck_assert(died);
	where = where_is(act, "killed", at);
	host.torn = way_back_is_left(act);
	act_recover(where);
	if (act->kind == ACT_APPLY && host_differs(act->before))
		host_converged(act->change->to, where);
	else if (act->kind == ACT_APPLY)
		expect_before(act, where);
	/* What waits to be confirmed is there. */
	if (act->kind == ACT_ARM && pending_is_there())
		host_converged(act->change->to, where);
	else if (act->kind == ACT_ARM)
		expect_before(act, where);
	if (act->kind == ACT_CONFIRM)
		host_converged(act->change->to, where);
	if (act->kind == ACT_ROLL_BACK && !pending_is_there())
		expect_before(act, where);
	expect_way_back(act, where);
	act_ends_clean(act, where);
	host_close();
}

START_TEST(killed)
{
	struct act act;
	size_t count;

	if (!act_choose(&act, _i))
		return;
	count = act_calls(&act);
	for (size_t at = 0; at < count; at++)
		kill_at(&act, at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_disk");
	TCase *tc = tcase_create("fault_disk");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, a_call_fails, 0, ACT_COUNT);
	tcase_add_loop_test(tc, all_calls_fail_from_there_on, 0, ACT_COUNT);
	tcase_add_loop_test(tc, killed, 0, ACT_COUNT);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
