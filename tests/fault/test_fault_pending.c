/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that wait to be confirmed, over the model kernel: whatever is
 * refused, and whenever a run is killed, the way back leads to where the first
 * of them began, in the kernel and on disk.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/kill.h"
#include "support/pending.h"

/* Where a change begins. */
struct start {
	struct state *state;
	const char *kept;
};

static struct start start_from(const struct wanted *wanted)
{
	struct start start;

	host_open();
	pending_refuse(false);
	host_settle(wanted);
	start.state = host_snapshot();
	start.kept = pending_kept();
	return start;
}

static void expect_back(const struct start *start, const char *where)
{
	ck_assert_msg(!host_differs(start->state), "%s: %s", where,
		      host_differs(start->state));
	ck_assert_msg(!strcmp(pending_kept(), start->kept),
		      "%s: kept is\n%s\nand was\n%s", where, pending_kept(),
		      start->kept);
	ck_assert_msg(!pending_is_there(), "%s: it is pending still", where);
	ck_assert_msg(host_tidy(), "%s: a temporary file stays", where);
}

static const char *where_is(const struct host_change *change, const char *what,
			    size_t at)
{
	return arena_printf(host.arena, "%s to %s, %s step %zu",
			    change->from->name, change->to->name, what, at);
}

/* A removal is not to be confirmed. */
static bool is_confirmable(const struct host_change *change)
{
	return change->to != &wanted_nothing;
}

START_TEST(undone)
{
	const struct host_change *change = &host_changes[_i];
	struct start start;

	if (!is_confirmable(change))
		return;
	start = start_from(change->from);
	pending_settle(change->to);
	ck_assert(pending_is_there());
	pending_undo();
	expect_back(&start, where_is(change, "without a fault", 0));
	host_settle(change->to);
	host_converged(change->to, "again");
	host_close();
}
END_TEST

START_TEST(confirmed)
{
	const struct host_change *change = &host_changes[_i];

	if (!is_confirmable(change))
		return;
	(void)start_from(change->from);
	pending_settle(change->to);
	pending_keep();
	ck_assert(!pending_is_there());
	host_converged(change->to, "confirmed");
	host_close();
}
END_TEST

/* How many steps the way back takes. */
static size_t steps_back(const struct host_change *change)
{
	size_t before;

	(void)start_from(change->from);
	pending_settle(change->to);
	before = host.model->sent;
	pending_undo();
	before = host.model->sent - before;
	host_close();
	return before;
}

static void refuse_back(const struct host_change *change, size_t at,
			size_t times, bool half)
{
	struct start start = start_from(change->from);
	const char *where = where_is(change, half ? "half" : "back", at);
	struct run run;

	pending_settle(change->to);
	host.model->fault = (struct model_fault){
		.at = host.model->sent + at, .times = times, .half = half,
	};
	host_start(&run);
	if (pending_roll_back(&run, "tested", &host.e)) {
		ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
		ck_assert_msg(pending_is_there(), "%s: it is forgotten", where);
	}
	host.model->fault.times = 0;
	host_finish();
	if (pending_is_there())
		pending_undo();
	expect_back(&start, where);
	host_close();
}

START_TEST(refused_on_the_way_back)
{
	const struct host_change *change = &host_changes[_i];
	size_t count;

	if (!is_confirmable(change))
		return;
	count = steps_back(change);
	for (size_t at = 0; at < count; at++) {
		refuse_back(change, at, 1, false);
		refuse_back(change, at, 1, true);
		refuse_back(change, at, 1000, false);
	}
}
END_TEST

static void kill_back(const struct host_change *change, size_t at)
{
	static struct start start;
	static struct run run;
	const char *where;

	start = start_from(change->from);
	where = where_is(change, "killed on the way back at", at);
	pending_settle(change->to);
	kill_at(host.model->sent + at);
	host_start(&run);
	if (!sigsetjmp(kill_jump, 1)) {
		(void)!pending_roll_back(&run, "tested", &host.e);
		ck_abort_msg("it was not killed");
	}
	kill_over();
	ck_assert(pending_is_there());
	pending_undo();
	expect_back(&start, where);
	host_close();
}

START_TEST(killed_on_the_way_back)
{
	const struct host_change *change = &host_changes[_i];
	size_t count;

	if (!is_confirmable(change))
		return;
	count = steps_back(change);
	for (size_t at = 0; at < count; at++)
		kill_back(change, at);
}
END_TEST

/* A run that fails leaves nothing pending. */
static void refuse_there(const struct host_change *change, size_t at,
			 size_t times)
{
	struct start start = start_from(change->from);
	const char *where = where_is(change, "refused at", at);
	struct apply_result result;
	struct run run;
	int status;

	host.model->fault = (struct model_fault){
		.at = host.model->sent + at, .times = times,
	};
	pending_start(&run, change->to);
	status = apply_plan(&run, &result, &host.e);
	host.model->fault.times = 0;
	host_finish();
	ck_assert_msg(pending_is_there() ==
		      (!status || host.e.kind == ERR_INCOMPLETE), "%s: %s",
		      where, host.e.text);
	ck_assert_int_eq(!status, result.pending.seconds == 600);
	if (status && host.e.kind == ERR_INCOMPLETE) {
		bool did;

		host_start(&run);
		ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
			      host.e.text);
		host_finish();
	}
	if (pending_is_there())
		pending_undo();
	expect_back(&start, where);
	host_close();
}

START_TEST(refused_on_the_way_there)
{
	const struct host_change *change = &host_changes[_i];
	size_t count = host_steps(change);

	for (size_t at = 0; is_confirmable(change) && at < count; at++) {
		refuse_there(change, at, 1);
		refuse_there(change, at, 1000);
	}
}
END_TEST

static void kill_there(const struct host_change *change, size_t at)
{
	struct start start;
	struct run run;
	const char *where;
	bool did;

	start = start_from(change->from);
	where = where_is(change, "killed at", at);
	pending_start(&run, change->to);
	kill_apply(&run, at);
	ck_assert(pending_is_there());
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s: %s", where,
		      host.e.text);
	host_finish();
	/* That was all the way back. */
	expect_back(&start, where);
	host_close();
}

START_TEST(killed_on_the_way_there)
{
	const struct host_change *change = &host_changes[_i];
	size_t count = host_steps(change);

	for (size_t at = 0; is_confirmable(change) && at < count; at++)
		kill_there(change, at);
}
END_TEST

/* Any three in a row: the first of them is where it leads back to. */
START_TEST(joined)
{
	static const struct wanted *const all[] = {
		&wanted_nothing, &wanted_first, &wanted_second,
		&wanted_elsewhere,
	};
	const struct wanted *from = all[_i / 16], *by = all[_i / 4 % 4],
			    *to = all[_i % 4];
	const char *where;
	struct start start;

	if (by == &wanted_nothing || to == &wanted_nothing)
		return;
	start = start_from(from);
	where = arena_printf(host.arena, "%s, %s, %s", from->name, by->name,
			     to->name);
	pending_settle(by);
	pending_settle(to);
	host_converged(to, where);
	if (pending_is_there())
		pending_undo();
	expect_back(&start, where);
	host_close();
}
END_TEST

/* A second change that is killed leaves the first one pending. */
START_TEST(joined_and_killed)
{
	struct start start;
	struct state *first;
	struct run run;
	bool did;

	start = start_from(&wanted_first);
	pending_settle(&wanted_second);
	first = host_snapshot();
	pending_start(&run, &wanted_elsewhere);
	kill_apply(&run, 3);
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert_msg(!host_differs(first), "%s", host_differs(first));
	ck_assert(pending_is_there());
	pending_undo();
	expect_back(&start, "the first one");
	host_close();
}
END_TEST

/* A second change that fails leaves the first one pending as it was. */
START_TEST(joined_and_refused)
{
	struct start start = start_from(&wanted_first);
	struct apply_result result;
	struct state *first;
	struct run run;

	pending_settle(&wanted_second);
	first = host_snapshot();
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 3, .times = 1,
	};
	pending_start(&run, &wanted_elsewhere);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	host_finish();
	ck_assert_msg(!host_differs(first), "%s", host_differs(first));
	ck_assert(pending_is_there());
	pending_undo();
	expect_back(&start, "the first one");
	host_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_pending");
	TCase *c = tcase_create("pending");
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 600);
	tcase_add_loop_test(c, undone, 0, HOST_CHANGES);
	tcase_add_loop_test(c, confirmed, 0, HOST_CHANGES);
	tcase_add_loop_test(c, refused_on_the_way_back, 0, HOST_CHANGES);
	tcase_add_loop_test(c, killed_on_the_way_back, 0, HOST_CHANGES);
	tcase_add_loop_test(c, refused_on_the_way_there, 0, HOST_CHANGES);
	tcase_add_loop_test(c, killed_on_the_way_there, 0, HOST_CHANGES);
	tcase_add_loop_test(c, joined, 0, 64);
	tcase_add_test(c, joined_and_killed);
	tcase_add_test(c, joined_and_refused);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
