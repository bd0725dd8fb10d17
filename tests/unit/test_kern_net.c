/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and rules on this kernel, beside what ip(8) says of them. */
#include <check.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "support/kern_net.h"

static struct route *many_routes(size_t *count)
{
	static struct route r[12];
	size_t n = 0;

	r[n++] = net_route("10.1.0.0/16", RTN_UNICAST);
	r[n] = net_route("10.2.0.0/16", RTN_UNICAST);
	r[n].metric = 50;
	r[n].source = net_prefix("192.0.2.1").ip;
	r[n++].tos = 16;
	r[n] = net_route("0.0.0.0/0", RTN_UNICAST);
	r[n].scope = RT_SCOPE_UNIVERSE;
	r[n].via = net_prefix("198.51.100.1").ip;
	r[n].onlink = true;
	r[n++].table = 51820;
	r[n] = net_route("10.3.0.0/16", RTN_UNICAST);
	r[n].mtu = 1380;
	r[n].mtu_locked = true;
	r[n++].advmss = 1300;
	r[n++] = net_route("10.4.0.0/16", RTN_BLACKHOLE);
	r[n++] = net_route("10.5.0.0/16", RTN_UNREACHABLE);
	r[n++] = net_route("10.6.0.0/16", RTN_PROHIBIT);
	r[n++] = net_route("fd01::/64", RTN_UNICAST);
	r[n] = net_route("fd02::/64", RTN_UNICAST);
	r[n].via = net_prefix("fe80::2").ip;
	r[n].source = net_prefix("fd00::1").ip;
	r[n].mtu = 1300;
	r[n++].metric = 7;
	r[n] = net_route("::/0", RTN_UNICAST);
	r[n++].table = 51820;
	r[n++] = net_route("fd03::/64", RTN_BLACKHOLE);
	*count = n;
	return r;
}

static void has_exactly(const struct state *have, const struct route *routes,
			size_t count)
{
	ck_assert_uint_eq(have->route_count, count);
	for (size_t i = 0; i < count; i++) {
		size_t found = 0;

		for (size_t j = 0; j < count; j++)
			found += route_equal(&routes[i], &have->routes[j]);
		ck_assert_msg(found == 1, "route %zu is there %zu times", i,
			      found);
	}
}

START_TEST(routes)
{
	size_t count;
	const struct route *r = many_routes(&count);
	struct state have;

	for (size_t i = 0; i < count; i++)
		net_add(STEP_ROUTE_ADD)->route = &r[i];
	net_take();
	ck_assert_uint_eq(net_kernel->writes, count);
	have = net_look(NULL);
	has_exactly(&have, r, count);
	net_says("ip -4 route show table all proto 77",
	     "default via 198.51.100.1 dev v0 table 51820 onlink \n"
	     "10.1.0.0/16 dev v0 scope link \n"
	     "10.2.0.0/16 tos 0x10 dev v0 scope link src 192.0.2.1 metric 50 \n"
	     "10.3.0.0/16 dev v0 scope link mtu lock 1380 advmss 1300 \n"
	     "blackhole 10.4.0.0/16 \n"
	     "unreachable 10.5.0.0/16 \n"
	     "prohibit 10.6.0.0/16 \n");
	net_says("ip -6 route show table all proto 77",
	     "default dev v0 table 51820 metric 1024 pref medium\n"
	     "fd01::/64 dev v0 metric 1024 pref medium\n"
	     "fd02::/64 via fe80::2 dev v0 src fd00::1 metric 7 "
	     "mtu 1300 pref medium\n"
	     "blackhole fd03::/64 dev lo metric 1024 pref medium\n");
	for (size_t i = 0; i < count; i++)
		net_add(STEP_ROUTE_REMOVE)->route = &r[i];
	net_take();
	have = net_look(NULL);
	has_exactly(&have, NULL, 0);
}
END_TEST

START_TEST(route_refusals)
{
	struct route a = net_route("10.1.0.0/16", RTN_UNICAST), b, gone = a;
	struct state have;

	net_add(STEP_ROUTE_ADD)->route = &a;
	net_take();
	net_add(STEP_ROUTE_ADD)->route = &a;
	net_refused("route 10.1.0.0/16 dev v0 proto 77: File exists");
	/* The kernel's own words, where it has some. */
	b = net_route("10.2.0.0/16", RTN_UNICAST);
	b.scope = RT_SCOPE_UNIVERSE;
	b.via = net_prefix("203.0.113.9").ip;
	net_add(STEP_ROUTE_ADD)->route = &b;
	net_refused("route 10.2.0.0/16 via 203.0.113.9 dev v0 proto 77: "
		"Network is unreachable (Nexthop has invalid gateway)");
	/* Somebody else's route of the same key is not ours to take. */
	net_output("ip route add 10.7.0.0/16 dev v0 proto static");
	b = net_route("10.7.0.0/16", RTN_UNICAST);
	net_add(STEP_ROUTE_REMOVE)->route = &b;
	net_refused("route 10.7.0.0/16 dev v0 proto 77: No such process");
	net_says("ip route show proto static", "10.7.0.0/16 dev v0 scope link \n");
	net_output("ip route del 10.7.0.0/16");
	strcpy(gone.device, "absent");
	net_add(STEP_ROUTE_ADD)->route = &gone;
	net_refused("route 10.1.0.0/16 dev absent proto 77: No such device");
	a.mtu = 1300;
	net_add(STEP_ROUTE_REPLACE)->route = &a;
	net_take();
	have = net_look(NULL);
	has_exactly(&have, &a, 1);
	net_add(STEP_ROUTE_REMOVE)->route = &a;
	net_take();
}
END_TEST

/* More than one part of a dump, and more than one batch. */
START_TEST(many)
{
	enum { COUNT = 5000 };
	struct route *r = arena_new_array(net_arena, struct route, COUNT);
	struct state have;
	struct err e;

	for (uint32_t i = 0; i < COUNT; i++) {
		r[i] = net_route(i % 2 ? "10.0.0.0/24" : "fd00:7::/64",
				RTN_UNICAST);
		r[i].prefix.ip.bytes[i % 2 ? 1 : 6] = (uint8_t)(i >> 8);
		r[i].prefix.ip.bytes[i % 2 ? 2 : 7] = (uint8_t)i;
		net_add(STEP_ROUTE_ADD)->route = &r[i];
	}
	net_take();
	ck_assert_uint_eq(net_kernel->writes, COUNT);
	have = net_look(NULL);
	ck_assert_uint_eq(have.route_count, COUNT);
	/* One in the middle is refused, and told by its name. */
	for (size_t i = 1000; i < 1200; i++)
		net_add(STEP_ROUTE_REMOVE)->route = &r[i];
	net_plan.steps[170].route = &r[1000];
	ck_assert_int_eq(net_try(&e), -1);
	ck_assert_str_eq(e.text, "route fd00:7:0:3e8::/64 dev v0 proto 77: "
			 "No such process");
	net_output("ip route flush proto 77; ip -6 route flush proto 77");
	have = net_look(NULL);
	ck_assert_uint_eq(have.route_count, 0);
}
END_TEST

START_TEST(whole_tables)
{
	const uint32_t tables[] = { RT_TABLE_MAIN, 4711, 0 };
	struct route ours = net_route("10.1.0.0/16", RTN_UNICAST);
	struct state have;
	size_t opaque = 0, kernels = 0;

	net_add(STEP_ROUTE_ADD)->route = &ours;
	net_take();
	net_output("ip route add 10.8.0.0/16 proto static "
	       "nexthop dev v0 nexthop dev v1; "
	       "ip nexthop add id 5 dev v0; "
	       "ip route add 10.9.0.0/16 nhid 5; "
	       "ip route add 10.10.0.0/16 dev v0 realms 3; "
	       "ip route add 10.11.0.0/16 dev v0 table 4712");
	have = net_look(tables);
	for (size_t i = 0; i < have.route_count; i++) {
		opaque += have.routes[i].opaque;
		kernels += have.routes[i].protocol == RTPROT_KERNEL;
		ck_assert_uint_eq(have.routes[i].table, RT_TABLE_MAIN);
		ck_assert(have.routes[i].opaque ||
			  strlen(have.routes[i].device) == 2);
	}
	ck_assert_uint_eq(opaque, 3);
	/* 192.0.2.0/24, fd00::/64, fe80::/64 of both */
	ck_assert_uint_ge(kernels, 4);
	/* Ours is in a table of the scope too: there once. */
	ck_assert_uint_eq(have.route_count, opaque + kernels + 1);
	net_output("ip route del 10.8.0.0/16; ip route del 10.9.0.0/16; "
	       "ip route del 10.10.0.0/16; ip nexthop del id 5; "
	       "ip route del 10.11.0.0/16 table 4712");
}
END_TEST

/* Of our protocol alone, though another is the same otherwise. */
static void remove_rules(struct rule other)
{
	struct state have = net_look(NULL);

	net_output("ip rule add suppress_prefixlength 0 table main "
	       "prio 30002 proto static");
	other.priority = 30002;
	net_add(STEP_RULE_REMOVE)->rule = &other;
	ck_assert_int_eq(net_try(&(struct err){ 0 }), -1);
	for (size_t i = 0; i < have.rule_count; i++)
		if (have.rules[i].protocol == OUR_PROTOCOL)
			net_add(STEP_RULE_REMOVE)->rule = &have.rules[i];
	ck_assert_uint_eq(net_plan.count, 5);
	net_take();
	net_says("ip rule show prio 30002", "30002:\tfrom all lookup main "
	     "suppress_prefixlength 0 proto static\n");
	net_output("ip rule del prio 30002");
	have = net_look(NULL);
	ck_assert_uint_eq(have.rule_count, 5);
}

static struct rule rule_of(uint8_t family, uint32_t priority)
{
	return (struct rule){
		.family = family,
		.action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL,
		.priority = priority,
		.table = RT_TABLE_MAIN,
		.from.ip.family = family,
		.to.ip.family = family,
		.suppress_prefixlength = -1,
		.uid_range = { 0, UINT32_MAX },
	};
}

START_TEST(rules)
{
	struct rule r[5];
	struct state have;

	r[0] = rule_of(AF_INET, 30000);
	r[0].invert = true;
	r[0].fwmark = 51820;
	r[0].fwmask = UINT32_MAX;
	r[0].table = 51820;
	r[1] = rule_of(AF_INET, 30001);
	r[1].suppress_prefixlength = 0;
	r[2] = rule_of(AF_INET6, 30001);
	r[2].suppress_prefixlength = 0;
	r[3] = rule_of(AF_INET, 100);
	r[3].from = net_prefix("10.0.0.0/8");
	r[3].to = net_prefix("192.0.2.0/24");
	strcpy(r[3].iif, "v0");
	strcpy(r[3].oif, "v1");
	r[3].ip_protocol = IPPROTO_UDP;
	r[3].source_port[0] = r[3].source_port[1] = 53;
	r[3].destination_port[0] = 1000;
	r[3].destination_port[1] = 2000;
	r[3].uid_range[1] = 1000;
	r[3].tos = 8;
	r[3].fwmark = 0;
	r[3].fwmask = 0xf0;
	r[4] = rule_of(AF_INET6, 101);
	r[4].action = FR_ACT_PROHIBIT;
	r[4].table = 0;
	r[4].from = net_prefix("fd00::/8");
	for (size_t i = 0; i < 5; i++)
		net_add(STEP_RULE_ADD)->rule = &r[i];
	net_take();
	have = net_look(NULL);
	/* and the kernel's: local, main, default; IPv6 has no default */
	ck_assert_uint_eq(have.rule_count, 5 + 5);
	for (size_t i = 0; i < 5; i++) {
		size_t found = 0;

		for (size_t j = 0; j < have.rule_count; j++)
			found += rule_equal(&r[i], &have.rules[j]);
		ck_assert_msg(found == 1, "rule %zu: %zu", i, found);
	}
	net_says("ip rule show prio 30000",
	     "30000:\tnot from all fwmark 0xca6c lookup 51820 proto 77\n");
	net_says("ip rule show prio 30001",
	     "30001:\tfrom all lookup main suppress_prefixlength 0 proto 77\n");
	net_says("ip rule show prio 100",
	     "100:\tfrom 10.0.0.0/8 to 192.0.2.0/24 tos 0x08 "
	     "fwmark 0/0xf0 iif v0 oif v1 uidrange 0-1000 ipproto udp "
	     "sport 53 dport 1000-2000 lookup main proto 77\n");
	net_says("ip -6 rule show prio 101",
	     "101:\tfrom fd00::/8 prohibit proto 77\n");
	net_add(STEP_RULE_ADD)->rule = &r[1];
	net_refused("rule table main suppress_prefixlength 0 priority 30001 "
		"protocol 77: File exists");
	remove_rules(r[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		routes,
		route_refusals,
		many,
		whole_tables,
		rules,
	};
	Suite *suite = suite_create("kern_net");
	TCase *net = tcase_create("net");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (net_enter() < 0) {
		printf("SKIPPED: kern_net: no network namespace here (%s)\n",
		       strerror(errno));
		return 0;
	}
	tcase_add_checked_fixture(net, net_setup, net_teardown);
	tcase_set_timeout(net, 120);
	for (size_t i = 0; i < array_size(tests); i++)
		tcase_add_test(net, tests[i]);
	suite_add_tcase(suite, net);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
