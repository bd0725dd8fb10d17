/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test program of one suite: its cases in a list, run without forking. */
#pragma once

#include <check.h>

struct check_case {
	const char *name;
	const TTest *test;
};

#define CHECK_CASE(name) { #name, name }

/* SETUP and TEARDOWN, which may be NULL, stand around each case. */
static inline int check_run_within(const char *suite_name,
				   const struct check_case *cases,
				   size_t count, SFun setup, SFun teardown)
{
	Suite *suite = suite_create(suite_name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < count; i++) {
		TCase *tcase = tcase_create(cases[i].name);

		tcase_add_checked_fixture(tcase, setup, teardown);
		tcase_set_timeout(tcase, 300);
		tcase_add_test(tcase, cases[i].test);
		suite_add_tcase(suite, tcase);
	}
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

static inline int check_run(const char *suite_name,
			    const struct check_case *cases, size_t count)
{
	return check_run_within(suite_name, cases, count, NULL, NULL);
}
