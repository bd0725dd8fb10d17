/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Apply over the model kernel, refused at every step, half way through it
 * too: the state is the one before, or, past the point of no return, the one
 * desired.  And a full disk, signals, and others who are at work.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/host.h"

static bool no_journal(void)
{
	return faccessat(host.scratch.folder, "run/meshapply/office/journal",
			 F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

/* --- refusals --- */

/* How the runs of one change ended. */
struct ends {
	size_t plain, back, forward, incomplete;
};

static void expect_end(const struct host_change *change, const char *where,
		       const struct state *before, int status,
		       const struct apply_result *result, struct ends *ends)
{
	if (!status) {
		ends->forward++;
		host_converged(change->to, where);
		return;
	}
	ck_assert_msg(!host_differs(before), "%s: %s (%s)", where,
		      host_differs(before), host.e.text);
	ck_assert_msg(no_journal(), "%s: a journal stays", where);
	ck_assert_msg(host_tidy(), "%s: a temporary file stays", where);
	if (host.e.kind == ERR_ROLLED_BACK) {
		ends->back++;
		ck_assert_msg(strstr(host.e.text, "rolled back, verified") !=
			      NULL, "%s: %s", where, host.e.text);
	} else {
		ends->plain++;
		ck_assert_int_eq(host.e.kind, ERR_FAILED);
		ck_assert_uint_eq(result->steps_done, 0);
	}
	/* Nothing stands in the way of the next run. */
	host_settle(change->to);
	host_converged(change->to, where);
}

static void fail_at(const struct host_change *change, size_t at, size_t times,
		    bool half, size_t batch, struct ends *ends)
{
	const char *where;
	struct apply_result result;
	struct state *before;
	struct run run;
	int status;

	host_open();
	host_settle(change->from);
	before = host_snapshot();
	host.model->batch = batch;
	host.model->fault = (struct model_fault){
		.at = host.model->sent + at, .times = times, .half = half,
	};
	where = arena_printf(host.arena, "%s to %s, step %zu%s, %zu times",
			     change->from->name, change->to->name, at,
			     half ? " half done" : "", times);
	host_start(&run);
	host_plan(&run, change->to);
	status = apply_plan(&run, &result, &host.e);
	host.model->fault.times = 0;
	ck_assert_msg(!status || host.e.kind != ERR_INCOMPLETE, "%s: %s", where,
		      host.e.text);
	host_finish();
	expect_end(change, where, before, status, &result, ends);
	host_close();
}

static struct ends fail_everywhere(const struct host_change *change,
				   size_t times, size_t batch)
{
	size_t count = host_steps(change);
	struct ends ends = { 0 };

	ck_assert_uint_gt(count, 4);
	for (size_t at = 0; at < count; at++) {
		fail_at(change, at, times, false, batch, &ends);
		fail_at(change, at, times, true, batch, &ends);
	}
	return ends;
}

START_TEST(refused_once)
{
	struct ends ends = fail_everywhere(&host_changes[_i], 1, 1);

	/* Nothing was written before the first step. */
	ck_assert_uint_ge(ends.plain, 1);
	ck_assert_uint_ge(ends.back, 2);
	if (host_changes[_i].from == &wanted_nothing)
		ck_assert_uint_eq(ends.forward, 0);
	else if (host_changes[_i].to != &wanted_elsewhere)
		ck_assert_uint_ge(ends.forward, 1);
}
END_TEST

/* The tries forward fail as well: back after all. */
START_TEST(refused_again_and_again)
{
	fail_everywhere(&host_changes[_i], 4, 1);
}
END_TEST

START_TEST(refused_within_a_message)
{
	fail_everywhere(&host_changes[_i], 1, 16);
}
END_TEST

static int (*model_send)(struct kernel *k, const struct plan *plan,
			 size_t at, size_t *next, struct err *e);

static size_t refuse_from;

/* From the last steps on, no device takes a key or a port. */
static int send_and_refuse(struct kernel *k, const struct plan *plan,
			   size_t at, size_t *next, struct err *failed)
{
	if (host.model->sent >= refuse_from &&
	    (refuse_from || plan->steps[at].kind == STEP_DEVICE_SET)) {
		refuse_from = 0;
		return err_set(failed, ERR_FAILED, "refused");
	}
	return model_send(k, plan, at, next, failed);
}

/* One thing that cannot be given back keeps nothing else from it. */
START_TEST(all_but_one_thing_goes_back)
{
	struct apply_result result;
	struct state *before;
	struct run run;
	bool did;

	host_open();
	host_settle(&wanted_first);
	before = host_snapshot();
	host_start(&run);
	host_plan(&run, &wanted_second);
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_and_refuse;
	refuse_from = host.model->sent + 16;
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	ck_assert_uint_eq(result.differs.count, 1);
	ck_assert_int_eq(result.differs.steps[0].kind, STEP_DEVICE_SET);
	host.model->kernel.send = model_send;
	host_finish();
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
		      host.e.text);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	host_close();
}
END_TEST

START_TEST(never_accepted)
{
	struct apply_result result;
	struct run run;

	host_open();
	host_settle(&wanted_first);
	host_start(&run);
	host_plan(&run, &wanted_second);
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 3, .times = SIZE_MAX,
	};
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	ck_assert_uint_gt(result.differs.count, 0);
	host_finish();
	/* The journal stays, and the next run comes to the end. */
	host.model->fault.times = 0;
	host_start(&run);
	bool did = false;

	ck_assert_int_eq(journal_look(host.store), JOURNAL_OPEN);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	ck_assert(did);
	host_finish();
	host_converged(&wanted_first, "recovered");
	host_close();
}
END_TEST

START_TEST(given_up_by_force)
{
	static const char *const force[] = { "journal" };
	struct apply_result result;
	struct run run;
	bool did;

	host_open();
	host_settle(&wanted_first);
	host_start(&run);
	host_plan(&run, &wanted_second);
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 3, .times = SIZE_MAX,
	};
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	host_finish();
	host_start(&run);
	ck_assert_int_eq(apply_recover(&run, &did, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	run.options.force = force;
	run.options.force_count = 1;
	ck_assert_int_eq(apply_recover(&run, &did, &host.e), 0);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
	host_finish();
	host.model->fault.times = 0;
	host_settle(&wanted_second);
	host_converged(&wanted_second, "after --force=journal");
	host_close();
}
END_TEST

/* --- the disk --- */

START_TEST(a_full_disk_is_met_before_the_kernel)
{
	struct rlimit none = { 0 }, all;
	struct apply_result result;
	struct state *before;
	size_t sent;
	struct run run;
	int status;

	host_open();
	host_settle(&wanted_first);
	before = host_snapshot();
	sent = host.model->sent;
	host_start(&run);
	host_plan(&run, &wanted_second);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	none.rlim_max = all.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	status = apply_plan(&run, &result, &host.e);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(host.e.kind, ERR_FAILED);
	ck_assert_uint_eq(host.model->sent, sent);
	ck_assert_uint_eq(result.writes, 0);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert(host_tidy());
	host_converged(&wanted_first, "after a full disk");
	host_close();
}
END_TEST

static size_t full_from;

/* The disk fills up while the steps are taken. */
static int send_and_fill(struct kernel *k, const struct plan *plan, size_t at,
			 size_t *next, struct err *failed)
{
	if (host.model->sent >= full_from) {
		struct rlimit none;

		getrlimit(RLIMIT_FSIZE, &none);
		none.rlim_cur = 0;
		setrlimit(RLIMIT_FSIZE, &none);
	}
	return model_send(k, plan, at, next, failed);
}

START_TEST(a_disk_that_fills_up_in_between)
{
	struct apply_result result;
	struct state *before;
	struct rlimit all;
	struct run run;
	int status;

	host_open();
	host_settle(&wanted_first);
	before = host_snapshot();
	host_start(&run);
	host_plan(&run, &wanted_second);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	full_from = host.model->sent + 3;
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_and_fill;
	status = apply_plan(&run, &result, &host.e);
	host.model->kernel.send = model_send;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	/* The mark cannot be written: back, and that needs no disk. */
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(host.e.kind, ERR_ROLLED_BACK);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	host_converged(&wanted_first, "after a disk that filled up");
	host_close();
}
END_TEST

/* --- signals --- */

static volatile sig_atomic_t caught_at, signals;

static void on_signal(int number)
{
	(void)number;
	caught_at = (sig_atomic_t)host.model->sent;
	signals++;
}

static int send_and_signal(struct kernel *k, const struct plan *plan,
			   size_t at, size_t *next, struct err *failed)
{
	raise(SIGTERM);
	raise(SIGHUP);
	raise(SIGINT);
	/* The helper went away. */
	raise(SIGPIPE);
	return model_send(k, plan, at, next, failed);
}

START_TEST(signals_wait_for_the_end)
{
	struct apply_result result;
	struct run run;

	host_open();
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGPIPE, on_signal);
	host_start(&run);
	host_plan(&run, &wanted_first);
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_and_signal;
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	host.model->kernel.send = model_send;
	ck_assert_int_eq(signals, 3);
	ck_assert_uint_eq((size_t)caught_at, host.model->sent);
	host_finish();
	host_converged(&wanted_first, "after signals");
	host_close();
}
END_TEST

/* --- answers that are not true --- */

static bool removal_sent;

static int send_and_forget(struct kernel *k, const struct plan *plan,
			   size_t at, size_t *next, struct err *failed)
{
	removal_sent |= plan->steps[at].kind == STEP_PEER_REMOVE;
	if (plan->steps[at].kind == STEP_PEER_ADD) {
		*next = at + 1;
		return 0;
	}
	return model_send(k, plan, at, next, failed);
}

/* Seen before anything is removed, which could not be given back. */
START_TEST(acknowledged_and_not_done)
{
	struct apply_result result;
	struct state *before;
	struct run run;

	host_open();
	host_settle(&wanted_first);
	before = host_snapshot();
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_and_forget;
	host_start(&run);
	host_plan(&run, &wanted_second);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_ROLLED_BACK);
	ck_assert_ptr_nonnull(strstr(host.e.text, "before the removals"));
	ck_assert(!removal_sent);
	host.model->kernel.send = model_send;
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	host_close();
}
END_TEST

/* --- somebody else --- */

static size_t busy_left;

static int send_busy(struct kernel *k, const struct plan *plan, size_t at,
		     size_t *next, struct err *failed)
{
	if (plan->steps[at].kind == STEP_FIREWALL_LOAD && busy_left) {
		busy_left--;
		return err_set(failed, ERR_BUSY, "the ruleset moved");
	}
	return model_send(k, plan, at, next, failed);
}

START_TEST(a_ruleset_that_moves)
{
	struct apply_result result;
	struct run run;

	host_open();
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_busy;
	busy_left = 2;
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	ck_assert_uint_eq(busy_left, 0);
	host_finish();
	busy_left = 1000;
	host_start(&run);
	host_plan(&run, &wanted_second);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_BUSY);
	ck_assert_uint_eq(busy_left, 997);
	ck_assert_uint_eq(result.steps_done, 0);
	host_finish();
	host.model->kernel.send = model_send;
	host_converged(&wanted_first, "after a ruleset that moved");
	host_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_apply");
	TCase *tc = tcase_create("fault_apply");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, refused_once, 0, HOST_CHANGES);
	tcase_add_loop_test(tc, refused_again_and_again, 0, HOST_CHANGES);
	tcase_add_loop_test(tc, refused_within_a_message, 0, HOST_CHANGES);
	tcase_add_test(tc, all_but_one_thing_goes_back);
	tcase_add_test(tc, never_accepted);
	tcase_add_test(tc, given_up_by_force);
	tcase_add_test(tc, a_full_disk_is_met_before_the_kernel);
	tcase_add_test(tc, a_disk_that_fills_up_in_between);
	tcase_add_test(tc, signals_wait_for_the_end);
	tcase_add_test(tc, acknowledged_and_not_done);
	tcase_add_test(tc, a_ruleset_that_moves);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
