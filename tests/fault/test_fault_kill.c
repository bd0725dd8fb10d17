/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Apply over the model kernel, killed at every step, half way through it: the
 * next run finds the journal and goes back to the state before.
 */
#include <check.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/kill.h"

static void kill_step(const struct host_change *change, size_t at)
{
	struct run run;
	struct state *before;
	const char *where = arena_printf(host.arena, "%s to %s, killed at "
					 "step %zu", change->from->name,
					 change->to->name, at);
	bool did = false;

	host_settle(change->from);
	before = host_snapshot();
	host_start(&run);
	host_plan(&run, change->to);
	kill_apply(&run, at);
	host_start(&run);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_OPEN);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s: %s", where,
		      host.e.text);
	ck_assert(did);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s: %s", where,
		      host_differs(before));
	ck_assert_msg(host_tidy(), "%s: a temporary file stays", where);
	host_settle(change->to);
	host_converged(change->to, where);
}

START_TEST(killed_anywhere)
{
	size_t count = host_steps(&host_changes[_i]);

	for (size_t at = 0; at < count; at++) {
		host_open();
		kill_step(&host_changes[_i], at);
		host_close();
	}
}
END_TEST

/* Killed again while the first death is being undone. */
START_TEST(killed_in_the_undo)
{
	static struct run run;
	static struct state *before;
	struct apply_result result;
	volatile int deaths = 0;
	bool did;

	host_open();
	host_settle(&wanted_first);
	before = host_snapshot();
	kill_at(host.model->sent + 9);
	host_start(&run);
	host_plan(&run, &wanted_second);
	if (!sigsetjmp(kill_jump, 1))
		(void)!apply_plan(&run, &result, &host.e);
	while (deaths < 3) {
		host_die();
		host_start(&run);
		kill_at(host.model->sent + 2);
		if (sigsetjmp(kill_jump, 1)) {
			deaths++;
			continue;
		}
		(void)!apply_recover(&run, &did, &host.e);
		break;
	}
	kill_over();
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	host_close();
}
END_TEST

START_TEST(a_peer_roams_before_the_recovery)
{
	struct run run;
	struct endpoint elsewhere;
	struct peer *peer;
	struct key key;
	bool did;

	host_open();
	host_settle(&wanted_first);
	host_start(&run);
	host_plan(&run, &wanted_second);
	kill_apply(&run, 20);
	/* What it was given by the dead run is taken back, what it learned
	   is not. */
	ck_assert_int_eq(key_parse(STR(PEER("C")), &key), 0);
	ck_assert_int_eq(endpoint_parse(STR("203.0.113.9:1234"), &elsewhere),
			 0);
	peer = model_peer(host.model, "wg0", &key);
	ck_assert_ptr_nonnull(peer);
	peer->endpoint = elsewhere;
	peer->last_handshake = 999999;
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	peer = model_peer(host.model, "wg0", &key);
	ck_assert_int_eq(endpoint_compare(&peer->endpoint, &elsewhere), 0);
	ck_assert_int_eq(key_parse(STR(PEER("B")), &key), 0);
	ck_assert_int_eq(endpoint_parse(STR("192.0.2.11:51820"), &elsewhere),
			 0);
	peer = model_peer(host.model, "wg0", &key);
	ck_assert_int_eq(endpoint_compare(&peer->endpoint, &elsewhere), 0);
	host_close();
}
END_TEST

#define FORWARD "net.ipv4.ip_forward"
#define MARK "net.ipv4.conf.all.src_valid_mark"
#define REDIRECTS "net.ipv4.conf.all.accept_redirects"
#define DEFAULT "net.ipv4.conf.default.forwarding"
#define PROMOTE "net.ipv4.conf.all.promote_secondaries"

static void expect_sysctl(const char *key, const char *value)
{
	ck_assert_str_eq(model_sysctl_value(host.model, key), value);
}

/* Killed at the last step of the first apply; a run to recover is begun. */
static void die_late(struct run *run)
{
	host_start(run);
	host_plan(run, &wanted_first);
	kill_apply(run, run->plan.count - 1);
}

/* What others set since the death is theirs, hours later as well. */
START_TEST(a_sysctl_changes_before_the_recovery)
{
	struct run run;
	bool did;

	host_open();
	expect_sysctl(FORWARD, "0");
	expect_sysctl(MARK, "0");
	die_late(&run);
	expect_sysctl(FORWARD, "1");
	expect_sysctl(MARK, "1");
	/* One that no step had set, and one that a step had. */
	model_sysctl(host.model, PROMOTE, "1");
	model_sysctl(host.model, MARK, "2");
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	expect_sysctl(FORWARD, "0");
	expect_sysctl(PROMOTE, "1");
	expect_sysctl(MARK, "2");
	host_close();
}
END_TEST

/* Another mesh is applied, which finds FORWARD set and needs VALUE of it. */
static void another_mesh_needs(const char *value)
{
	struct sysctl needed = { .key = FORWARD, .value = value };
	struct state want = { .sysctls = &needed, .sysctl_count = 1 };
	struct store *s;
	uint64_t writes;

	ck_assert_msg(!store_open(host.arena, host.scratch.path, "home", true,
				  &s, &host.e), "%s", host.e.text);
	ck_assert_int_eq(sysctls_read(s, host.arena, &host.e), 0);
	ck_assert_msg(!sysctls_stage(s, host.arena, &want, host_snapshot(),
				     &host.e), "%s", host.e.text);
	ck_assert_msg(!store_commit(s, &writes, &host.e), "%s", host.e.text);
	store_close(s);
}

/* With what the kernel changes along with it; and nothing but that. */
START_TEST(another_mesh_needs_a_sysctl_by_now)
{
	static struct run run;
	bool did = false;

	host_open();
	model_sysctl(host.model, REDIRECTS, "1");
	model_sysctl(host.model, DEFAULT, "0");
	die_late(&run);
	expect_sysctl(REDIRECTS, "0");
	another_mesh_needs("1");
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert(did);
	expect_sysctl(FORWARD, "1");
	expect_sysctl(REDIRECTS, "0");
	expect_sysctl(DEFAULT, "1");
	expect_sysctl(MARK, "0");
	host_close();
}
END_TEST

/* It needs another value, or its namespace is another one. */
START_TEST(another_mesh_does_not_need_it_so)
{
	static struct run run;
	char line[256];
	bool did = false;

	host_open();
	model_sysctl(host.model, REDIRECTS, "1");
	die_late(&run);
	another_mesh_needs(_i ? "1" : "2");
	snprintf(line, sizeof(line), "sed -i '/mesh=home/s/netns=[0-9]*/"
		 "netns=1/' %s/var/lib/meshapply/sysctls", host.scratch.path);
	ck_assert(!_i || !system(line));
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	host_finish();
	expect_sysctl(FORWARD, "0");
	expect_sysctl(REDIRECTS, "1");
	expect_sysctl(MARK, "0");
	host_close();
}
END_TEST

static void edit_journal(const char *expression)
{
	char line[256];

	snprintf(line, sizeof(line), "sed -i '%s' "
		 "%s/run/meshapply/office/journal", expression,
		 host.scratch.path);
	ck_assert_int_eq(system(line), 0);
}

/* Given up is not undone: of another boot, rubbish, what cannot be undone. */
START_TEST(nothing_is_undone_and_nobody_says_so)
{
	static const char *const force[] = { "journal" };
	static struct run run;
	bool did = true;

	host_open();
	die_late(&run);
	if (_i < 2)
		edit_journal(_i ? "2,$s/=/ /" : "s/boot=[0-9a-f]/boot=x/");
	host_start(&run);
	run.options.force = force;
	run.options.force_count = 1;
	host.model->fault = (struct model_fault){
		.at = host.model->sent, .times = _i < 2 ? 0 : 100000,
	};
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s", host.e.text);
	ck_assert(!did);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
	host_finish();
	expect_sysctl(FORWARD, "1");
	host_close();
}
END_TEST

/* The first with its IPv4 addresses in another order. */
static const struct wanted two_addresses = {
	.name = "two addresses", .key = 1,
	.wireguard =
		"#@ mesh office\n#@ interface wg0\n"
		"[Interface]\nAddress = 10.0.0.1/24, 10.0.0.7/24\n"
		"MTU = 1420\nTable = off\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"AllowedIPs = 10.0.0.2/32\n",
};

static const struct wanted two_swapped = {
	.name = "two swapped", .key = 1,
	.wireguard =
		"#@ mesh office\n#@ interface wg0\n"
		"[Interface]\nAddress = 10.0.0.7/24, 10.0.0.1/24\n"
		"MTU = 1420\nTable = off\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"AllowedIPs = 10.0.0.2/32\n",
};

/* Somebody's route through another link has an address of ours as source. */
static void put_foreign_route(void)
{
	struct route r = {
		.type = RTN_UNICAST, .protocol = RTPROT_STATIC,
		.table = RT_TABLE_MAIN, .device = "eth0",
	};

	ck_assert_int_eq(prefix_parse(STR("203.0.113.0/24"), &r.prefix), 0);
	ck_assert_int_eq(ip_parse(STR("192.0.2.1"), &r.via), 0);
	ck_assert_int_eq(ip_parse(STR("10.0.0.1"), &r.source), 0);
	model_route_put(host.model, &r);
}

static bool foreign_route_is_there(void)
{
	for (size_t i = 0; i < host.model->route_count; i++)
		if (host.model->routes[i].protocol == RTPROT_STATIC &&
		    host.model->routes[i].source.family)
			return true;
	return false;
}

START_TEST(what_others_lose_with_an_address_comes_back)
{
	const struct host_change change = { &two_addresses, &two_swapped };
	size_t count = host_steps(&change);

	for (size_t at = 0; at < count; at++) {
		struct run run;
		bool did = false;

		host_open();
		host_settle(change.from);
		put_foreign_route();
		host_start(&run);
		host_plan(&run, change.to);
		kill_apply(&run, at);
		host_start(&run);
		ck_assert_msg(!apply_recover(&run, &did, &host.e),
			      "step %zu: %s", at, host.e.text);
		host_finish();
		ck_assert_msg(foreign_route_is_there(), "step %zu", at);
		host_close();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_kill");
	TCase *tc = tcase_create("fault_kill");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, killed_anywhere, 0, HOST_CHANGES);
	tcase_add_test(tc, killed_in_the_undo);
	tcase_add_test(tc, a_peer_roams_before_the_recovery);
	tcase_add_test(tc, a_sysctl_changes_before_the_recovery);
	tcase_add_test(tc, another_mesh_needs_a_sysctl_by_now);
	tcase_add_loop_test(tc, another_mesh_does_not_need_it_so, 0, 2);
	tcase_add_loop_test(tc, nothing_is_undone_and_nobody_says_so, 0, 3);
	tcase_add_test(tc, what_others_lose_with_an_address_comes_back);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
