/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is lost: the text of a table, the link of another mesh, a rendering. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/rendered.h"
#include "state/firewall.h"
#include "support/host.h"

static int no_list(struct kernel *k, struct arena *arena, const char *table,
		   struct str *text, struct err *e)
{
	(void)k;
	(void)arena;
	(void)text;
	return err_set(e, ERR_FAILED, "%s cannot be listed", table);
}

/* Forced over it, a failure must not say that all is as before. */
START_TEST(a_table_that_was_lost)
{
	static const char *const force[] = { "firewall" };

	for (int listed = 0; listed < 2; listed++) {
		struct apply_result result;
		struct run run;
		bool did;

		host_settle(&wanted_first);
		host.model->firewall->text =
			STR("table inet meshapply_office {}\n");
		model_compile(host.kernel, host.model->firewall);
		host.model->firewall->text = STR("a listing that lies\n");
		if (!listed)
			host.model->kernel.list = no_list;
		host_start(&run);
		host_plan(&run, &wanted_second);
		run.options.force = force;
		run.options.force_count = 1;
		host.model->fault = (struct model_fault){
			.at = host.model->sent + 5, .times = 1,
		};
		ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
		ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
		/* All else is. */
		ck_assert_uint_eq(result.differs.count, 1);
		ck_assert_str_eq(result.differs.steps[0].id,
				 "firewall/meshapply_office");
		host_die();
		/* The same of a later run. */
		host_start(&run);
		ck_assert_int_eq(apply_recover(&run, &did, &host.e), -1);
		ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
		host_die();
		host_close();
		host_open();
	}
}
END_TEST

static void in_kept(const char *what)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s/var/lib/meshapply && %s",
		 host.scratch.path, what);
	ck_assert_int_eq(system(line), 0);
}

/* Its link was taken away by hand, its route and its record stay. */
START_TEST(what_another_mesh_left)
{
	struct route theirs = { .type = 1, .protocol = OUR_PROTOCOL,
				.table = 254, .device = "eth0" };
	struct run run;

	ck_assert_int_eq(prefix_parse(STR("10.77.0.0/16"), &theirs.prefix), 0);
	host_settle(&wanted_first);
	in_kept("cp -r office home");
	model_route_put(host.model, &theirs);
	host_converged(&wanted_first, "beside another mesh");
	in_kept("rm -r home");
	/* Alone again, it is ours to take away. */
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(run.plan.count, 1);
	ck_assert_int_eq(run.plan.steps[0].kind, STEP_ROUTE_REMOVE);
	host_finish();
}
END_TEST

/* It can be lost: the next run makes it again. */
START_TEST(a_rendering_that_is_not_kept)
{
	static const char place[] = "var/lib/meshapply/office/rendered";
	const struct rendered rendered = {
		.program = "p", .mesh = "office", .node = "ir",
		.public_key = *host_key(1),
	};
	struct apply_result result;
	struct run run;

	host_start(&run);
	ck_assert_int_eq(mkdirat(host.scratch.folder, place, 0700), 0);
	run.rendered = &rendered;
	host_plan(&run, &wanted_first);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	ck_assert_int_eq(result.end, APPLY_DONE);
	ck_assert_int_eq(result.unrendered.kind, ERR_CONFIG);
	ck_assert(!result.unkept.kind);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
	host_finish();
	host_converged(&wanted_first, "without its rendering");
	ck_assert_int_eq(unlinkat(host.scratch.folder, place, AT_REMOVEDIR),
			 0);
	host_start(&run);
	run.rendered = &rendered;
	host_plan(&run, &wanted_second);
	ck_assert(!apply_plan(&run, &result, &host.e));
	ck_assert(!result.unrendered.kind);
	host_finish();
	ck_assert(!faccessat(host.scratch.folder, place, F_OK, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply_lost");
	TCase *tc = tcase_create("apply_lost");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, host_open, host_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_table_that_was_lost);
	tcase_add_test(tc, what_another_mesh_left);
	tcase_add_test(tc, a_rendering_that_is_not_kept);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
