/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How what waits to be confirmed ends, where not all goes as it should. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/pending_private.h"
#include "support/pending.h"

static void setup(void)
{
	host_open();
	pending_refuse(false);
}

static void teardown(void)
{
	host_close();
}

/* What its guard, or whoever, may have begun to undo does not stay. */
START_TEST(a_deadline_that_is_over_is_not_confirmed)
{
	struct confirm confirm = pending_confirmable;
	struct apply_result result;
	struct run run;

	confirm.seconds = 1;
	host_start(&run);
	run.confirm = &confirm;
	host_plan(&run, &wanted_first);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), 0);
	host_finish();
	while (!pending_overdue(pending_look()))
		usleep(100000);
	host_start(&run);
	ck_assert_int_eq(pending_confirm(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_FAILED);
	host_finish();
	ck_assert(pending_is_there());
	ck_assert_int_eq(pending_newest(), GENERATION_PENDING);
}
END_TEST

START_TEST(what_is_half_undone_is_not_confirmed)
{
	struct state *before;
	struct run run;

	host_settle(&wanted_first);
	before = host_snapshot();
	pending_settle(&wanted_second);
	ck_assert(!pending_overdue(pending_look()));
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 1, .times = SIZE_MAX,
	};
	host_start(&run);
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	ck_assert_int_eq(pending_confirm(&run, "tested", &host.e), -1);
	host.model->fault.times = 0;
	host_finish();
	ck_assert(pending_overdue(pending_look()));
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
}
END_TEST

/* A disk that fills up in between has let the mark through, no more. */
START_TEST(what_was_half_confirmed_is_rolled_back)
{
	struct run run;

	host_settle(&wanted_first);
	pending_settle(&wanted_second);
	host_start(&run);
	ck_assert_int_eq(generation_mark(host.store, 2, GENERATION_APPLIED,
					 &host.e), 0);
	host_finish();
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
	pending_undo();
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
}
END_TEST

START_TEST(what_is_given_up_stays_as_a_generation)
{
	struct run run;

	pending_settle(&wanted_first);
	pending_keep();
	ck_assert_int_eq(pending_how().how, SETTLED_CONFIRMED);
	pending_settle(&wanted_second);
	/* That is how the one before ended. */
	ck_assert_int_eq(pending_how().how, SETTLED_UNKNOWN);
	host_start(&run);
	ck_assert_int_eq(pending_give_up(&run, &host.e), 0);
	host_finish();
	ck_assert(!pending_is_there());
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
	ck_assert_int_eq(pending_how().how, SETTLED_UNKNOWN);
}
END_TEST

/* The same texts, of which somebody has changed something in the kernel. */
START_TEST(mending_is_remembered_as_well)
{
	host_settle(&wanted_first);
	model_link_find(host.model, "wg0")->device.fwmark = 5;
	pending_settle(&wanted_first);
	ck_assert_int_eq(pending_newest(), GENERATION_PENDING);
	pending_undo();
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
}
END_TEST

static void remove_all(const struct confirm *confirm)
{
	struct apply_result result;
	struct run run;

	host_start(&run);
	run.confirm = confirm;
	host_plan(&run, &wanted_nothing);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	ck_assert_uint_gt(result.pending.seconds, 0);
	host_finish();
}

/* All of it is in the record: keys, peers, the table's text. */
START_TEST(a_removal_is_undone)
{
	struct confirm confirm = pending_confirmable;
	struct state *before, *nothing;
	const char *kept;

	nothing = host_snapshot();
	host_settle(&wanted_second);
	before = host_snapshot();
	kept = pending_kept();
	confirm.forget = true;
	remove_all(&confirm);
	ck_assert(pending_look()->forget);
	ck_assert_msg(!host_differs(nothing), "%s", host_differs(nothing));
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_str_eq(pending_kept(), kept);
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
	host_converged(&wanted_second, "after a removal that was undone");
	/* Kept by another change, which is none. */
	remove_all(&confirm);
	confirm.forget = false;
	pending_settle(&wanted_first);
	ck_assert(!pending_look()->forget);
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pending end");
	TCase *c = tcase_create("pending end");
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_deadline_that_is_over_is_not_confirmed);
	tcase_add_test(c, what_is_half_undone_is_not_confirmed);
	tcase_add_test(c, what_was_half_confirmed_is_rolled_back);
	tcase_add_test(c, what_is_given_up_stays_as_a_generation);
	tcase_add_test(c, mending_is_remembered_as_well);
	tcase_add_test(c, a_removal_is_undone);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
