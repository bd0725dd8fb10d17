/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of the firewall on this kernel, through meshapply-nftc. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"
#include "state/firewall.h"
#include "support/kern_net.h"

#define TABLE "meshapply_test"

static struct firewall text_of(const char *text)
{
	return (struct firewall){ .table = TABLE, .text = str_of(text) };
}

static struct firewall one, two;

static void load(const struct firewall *f, const struct firewall *before)
{
	struct step *s = net_add(STEP_FIREWALL_LOAD);

	s->firewall = f;
	s->firewall_before = before;
}

static void remove_table(const struct firewall *f)
{
	struct step *s = net_add(STEP_FIREWALL_DELETE);

	s->firewall = s->firewall_before = f;
}

static void firewall_setup(void)
{
	net_setup();
	one = text_of("table inet " TABLE " {\n"
		      "\tset s { type ipv4_addr; elements = { 10.0.0.1 } }\n"
		      "\tchain c { type filter hook input priority 0; "
		      "ip saddr @s drop; }\n}\n");
	two = text_of("table inet " TABLE " {\n"
		      "\tset s { type ipv4_addr; "
		      "elements = { 10.0.0.2, 10.0.0.3 } }\n"
		      "\tchain c { type filter hook input priority 0; "
		      "ip saddr @s drop; }\n}\n");
}

START_TEST(table)
{
	struct state have;

	ck_assert_ptr_null(net_look(NULL).firewall);
	load(&one, NULL);
	net_take();
	have = net_look(NULL);
	ck_assert_ptr_nonnull(have.firewall);
	ck_assert(have.firewall->compiled);
	ck_assert_uint_eq(have.firewall->element_count, 1);
	/* Swapped whole, where one is. */
	load(&two, have.firewall);
	net_take();
	have = net_look(NULL);
	ck_assert_uint_eq(have.firewall->element_count, 2);
	remove_table(have.firewall);
	net_take();
	ck_assert_ptr_null(net_look(NULL).firewall);
	ck_assert_uint_ge(net_kernel->writes, 3);
}
END_TEST

START_TEST(elements)
{
	struct state have, want;
	struct step *s;

	load(&two, NULL);
	net_take();
	want = net_look(NULL);
	load(&one, want.firewall);
	net_take();
	have = net_look(NULL);
	ck_assert_int_eq(firewall_compare(want.firewall, have.firewall),
			 FIREWALL_ELEMENTS);
	s = net_add(STEP_FIREWALL_ELEMENTS);
	s->firewall = want.firewall;
	s->firewall_before = have.firewall;
	net_take();
	have = net_look(NULL);
	ck_assert_int_eq(firewall_compare(want.firewall, have.firewall),
			 FIREWALL_SAME);
	remove_table(have.firewall);
	net_take();
}
END_TEST

/* The ruleset moved after it was observed: the run has to look again. */
START_TEST(generation)
{
	struct state have;
	struct err e = { 0 };

	load(&one, NULL);
	net_take();
	have = net_look(NULL);
	net_output("nft add table ip somebody");
	load(&two, have.firewall);
	ck_assert_int_eq(net_try(&e), -1);
	ck_assert_int_eq(e.kind, ERR_BUSY);
	remove_table(have.firewall);
	ck_assert_int_eq(net_try(&e), -1);
	ck_assert_int_eq(e.kind, ERR_BUSY);
	have = net_look(NULL);
	ck_assert_uint_eq(have.firewall->element_count, 1);
	remove_table(have.firewall);
	net_take();
	net_output("nft delete table ip somebody");
}
END_TEST

START_TEST(foreign)
{
	struct state have;

	net_output("nft add table ip wg-quick-v0; "
		   "nft add table ip6 wg-quick-v0; nft add table ip other; "
		   "nft add table inet wg-quick-v0");
	have = net_look(NULL);
	ck_assert_uint_eq(have.foreign_table_count, 2);
	for (size_t i = 0; i < 2; i++)
		net_add(STEP_FOREIGN_TABLE_DELETE)->table =
			have.foreign_tables[i];
	net_take();
	net_says("nft list tables", "table ip other\n"
		 "table inet wg-quick-v0\n");
	net_add(STEP_FOREIGN_TABLE_DELETE)->table = "ip wg-quick-v0";
	net_refused("table ip wg-quick-v0: ");
	net_output("nft flush ruleset");
	/* Several in one plan: only the first knows the generation. */
	net_output("nft add table ip wg-quick-v0");
	(void)net_look(NULL);
	load(&one, NULL);
	net_add(STEP_FOREIGN_TABLE_DELETE)->table = "ip wg-quick-v0";
	net_take();
	have = net_look(NULL);
	ck_assert_uint_eq(have.foreign_table_count, 0);
	remove_table(have.firewall);
	net_take();
}
END_TEST

START_TEST(refusals)
{
	struct firewall bad = text_of("table inet " TABLE " { chain c {\n"
				      "\tjump nowhere\n} }\n");

	load(&bad, NULL);
	net_refused("firewall table " TABLE ": ");
	ck_assert_ptr_null(net_look(NULL).firewall);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kern_net_firewall");
	TCase *net = tcase_create("net");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (net_enter() < 0) {
		printf("SKIPPED: kern_net_firewall: no network namespace here "
		       "(%s)\n", strerror(errno));
		return 0;
	}
	tcase_add_checked_fixture(net, firewall_setup, net_teardown);
	tcase_set_timeout(net, 120);
	tcase_add_test(net, table);
	tcase_add_test(net, elements);
	tcase_add_test(net, generation);
	tcase_add_test(net, foreign);
	tcase_add_test(net, refusals);
	suite_add_tcase(suite, net);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
