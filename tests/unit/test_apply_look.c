/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often, and how far, the kernel is looked at before a plan. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "apply/store.h"
#include "base/diag.h"
#include "support/build.h"
#include "support/host.h"

static struct diags diags;

static void setup(void)
{
	host_open();
	diags_init(&diags, host.arena);
}

static struct apply_result apply(struct run *run)
{
	struct apply_result result;

	ck_assert_msg(!apply_plan(run, &result, &host.e), "%s",
		      host.e.text);
	return result;
}

static size_t observed, busy;
static struct scope scopes[8];
static int (*model_observe)(struct kernel *k, struct arena *arena,
			    struct arena *secrets, const struct scope *scope,
			    struct state *have, struct err *e);

static int watch_observe(struct kernel *k, struct arena *arena,
			 struct arena *secrets, const struct scope *scope,
			 struct state *have, struct err *e)
{
	if (observed < array_size(scopes))
		scopes[observed] = *scope;
	observed++;
	if (busy) {
		busy--;
		return err_set(e, ERR_BUSY, "an interrupted dump");
	}
	return model_observe(k, arena, secrets, scope, have, e);
}

/* The scope alone is wider; a FAILING one is made up for. */
static bool failing;

static int watch_widen(struct kernel *k, struct arena *arena,
		       struct arena *secrets, const struct scope *scope,
		       struct state *have, struct err *e)
{
	if (failing) {
		memset(have, 0, sizeof(*have));
		return err_set(e, ERR_BUSY, "an interrupted dump");
	}
	return watch_observe(k, arena, secrets, scope, have, e);
}

static void watch_looks(size_t busy_times)
{
	host.model->kernel.widen = watch_widen;
	model_observe = host.model->kernel.observe;
	host.model->kernel.observe = watch_observe;
	observed = 0;
	busy = busy_times;
}

static bool asks_for(const struct scope *scope, const char *key)
{
	for (size_t i = 0; i < scope->sysctl_count; i++)
		if (!strcmp(scope->sysctls[i], key))
			return true;
	return false;
}

START_TEST(looks_again_where_it_matters)
{
	struct run run;

	watch_looks(0);
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(observed, 2);
	ck_assert(!scopes[0].ports);
	ck_assert_ptr_null(scopes[0].tables);
	ck_assert(scopes[1].ports);
	ck_assert_ptr_nonnull(scopes[1].tables);
	ck_assert(!asks_for(&scopes[0], "net.ipv4.conf.eth0.forwarding"));
	ck_assert(asks_for(&scopes[1], "net.ipv4.conf.eth0.forwarding"));
	apply(&run);
	host_finish();
	observed = 0;
	host_start(&run);
	host_plan(&run, &wanted_first);
	/* Nothing to do: once is enough. */
	ck_assert_uint_eq(observed, 1);
	host_finish();
}
END_TEST

START_TEST(a_wider_look_that_fails_is_a_whole_one)
{
	struct run run;

	watch_looks(0);
	failing = true;
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(observed, 2);
	ck_assert(scopes[1].ports);
	apply(&run);
	host_finish();
	failing = false;
}
END_TEST

START_TEST(interrupted_dumps)
{
	struct run run;

	watch_looks(2);
	host_start(&run);
	host_plan(&run, &wanted_first);
	host_finish();
	busy = 100;
	host_start(&run);
	ck_assert_int_eq(converge_plan(&run, host_want(&wanted_first),
				       &diags, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_BUSY);
	ck_assert_uint_gt(busy, 90);
	host_finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply_look");
	TCase *tc = tcase_create("apply_look");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, host_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, looks_again_where_it_matters);
	tcase_add_test(tc, a_wider_look_that_fails_is_a_whole_one);
	tcase_add_test(tc, interrupted_dumps);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
