/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.batch: what is read, each way to refuse it, and what is written;
   the routes that the kernel makes by itself. */
#include <check.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../support/texts.h"
#include "base/arena.h"
#include "state/prefix_list.h"

#define N "network.batch:"
#define HINT_LINES \
	" | lines are 'route replace', 'rule add' and '-6 rule add'\n"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void teardown(void)
{
	arena_freep(&arena);
}

static const char *complain(const char *text, struct state *out)
{
	struct texts texts = texts_of(NULL, text, NULL);

	return texts_complain(arena, &texts, out);
}

static const struct {
	const char *text, *lines;
} refused[] = {
	{ "", N "1:1: the file is empty\n" },
	{ "link set wg0 up\n", N "1:1: 'link' is no object that is known\n" },
	{ "rout add x\n", N "1:1: 'rout' is no object that is known | did you "
	  "mean 'route'?\n" },
	{ "-4 rule add\n", N "1:1: -4 is not written | a route's family is "
	  "that of its prefix, and a rule without -6 is for IPv4\n" },
	{ "-6\n", N "1:1: nothing follows '-6'\n" },
	{ "-6 route replace default dev a\n",
	  N "1:4: -6 is for rules alone | a route's family is that of its "
	  "prefix; the default route of IPv6 is ::/0\n" },
	{ "route\n", N "1:1: nothing follows 'route'\n" },
	{ "route del 10.0.0.0/8\n", N "1:7: 'del' is nothing that is done "
	  "with a route here" HINT_LINES },
	{ "rule replace x\n", N "1:6: 'replace' is nothing that is done with "
	  "a rule here" HINT_LINES },
	{ "#@ name x\n", N "1:4: 'name x': lines of this file have no "
	  "directives\n" },
	{ "route replace \"default\" dev a\n", N "1:15: a byte that no word "
	  "can have\n" },
	{ "route replace default dev a\\ b\n", N "1:28: a byte that no word "
	  "can have\n" },
	{ "\xef\xbb\xbf# x\n", N "1:1: a byte that no word can have\n" },
	{ "route replace default dev \xc3\xa4\n", N "1:27: a byte that no "
	  "word can have\n" },
	{ "route add default a a a a a a a a a a a a a a a a a a a a a a a a "
	  "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
	  "a a a a a a a a a a\n", N "1:141: this line has more than 64 "
	  "words\n" },
	/* routes */
	{ "route replace\n", N "1:7: nothing follows 'route'\n" },
	{ "route replace blackhole\n", N "1:15: nothing follows "
	  "'blackhole'\n" },
	{ "route replace 10.0.0 dev a\n", N "1:15: '10.0.0' is not a "
	  "prefix\n" },
	{ "route replace 10.0.0.1/24 dev a\n",
	  N "1:15: '10.0.0.1/24' has bits beyond its length | the prefix is "
	  "10.0.0.0/24\n" },
	{ "route replace default\n", N "1:15: this route has no dev\n" },
	{ "route replace default dev\n", N "1:23: nothing follows 'dev'\n" },
	{ "route replace default dev a/b\n", N "1:27: 'a/b' cannot be a "
	  "link's name\n" },
	{ "route replace default dev 0123456789abcdef\n",
	  N "1:27: '0123456789abcdef' cannot be a link's name\n" },
	{ "route replace default dev a dev b\n",
	  N "1:29: 'dev' is given twice\n" },
	{ "route replace default dev a proto 77 protocol 77\n",
	  N "1:38: 'protocol' is given twice\n" },
	{ "route replace default devv a\n", N "1:23: 'devv' is no word that "
	  "is known | did you mean 'dev'?\n" },
	{ "route replace default dev a nexthop via 10.0.0.1\n",
	  N "1:29: 'nexthop' is no word that is known\n" },
	{ "route replace default dev a via x\n",
	  N "1:33: 'x' is not an IP address\n" },
	{ "route replace 10.0.0.0/8 dev a via fe80::1\n",
	  N "1:15: the addresses of this route are of two families\n" },
	{ "route replace default dev a via fe80::1 src 10.0.0.1\n",
	  N "1:15: the addresses of this route are of two families\n" },
	{ "route replace default dev a table 0\n",
	  N "1:35: '0' is no table: a number from 1, 'main', 'default', "
	  "'local' or 'auto'\n" },
	{ "route replace default dev a table vpn\n",
	  N "1:35: 'vpn' is no table: a number from 1, 'main', 'default', "
	  "'local' or 'auto'\n" },
	{ "route replace default dev a proto static\n",
	  N "1:35: the protocol is 'static': what a mesh sets up has 77, by "
	  "which it is known as its own\n" },
	{ "route replace default dev a scope foo\n",
	  N "1:35: scope is 'foo', not a number from 0 to 254\n" },
	{ "route replace ::/0 dev a scope link\n",
	  N "1:15: IPv6 routes have no scope but global\n" },
	{ "route replace ::/0 dev a tos 0x10\n",
	  N "1:15: IPv6 routes have no tos\n" },
	{ "route replace default dev a tos 10\n",
	  N "1:33: tos is '10', not a number from 0x04 to 0xfc with its two "
	  "lowest bits clear\n" },
	{ "route replace default dev a tos 0x11\n",
	  N "1:33: tos is '0x11', not a number from 0x04 to 0xfc with its two "
	  "lowest bits clear\n" },
	{ "route replace default dev a metric 4294967296\n",
	  N "1:36: metric is '4294967296', not a number from 0 to "
	  "4294967295\n" },
	{ "route replace default dev a mtu lock\n",
	  N "1:33: nothing follows 'mtu'\n" },
	{ "route replace default dev a mtu 67\n",
	  N "1:33: mtu is '67', not a number from 68 to 65520\n" },
	{ "route replace default dev a advmss 65496\n",
	  N "1:36: advmss is '65496', not a number from 1 to 65495\n" },
	{ "route replace default dev a onlink\n",
	  N "1:15: onlink is for a route with via\n" },
	{ "route replace blackhole 10.0.0.0/8 dev a\n",
	  N "1:25: a blackhole route has no via, dev or onlink\n" },
	{ "route replace default dev a\nroute add 0.0.0.0/0 dev b via "
	  "10.0.0.1\n",
	  N "2:11: there is a route to this destination already, of the same "
	  "table and metric (1:15)\n" },
	{ "route replace ::/0 dev a metric 1024\nroute add ::/0 dev b\n",
	  N "2:11: there is a route to this destination already, of the same "
	  "table and metric (1:15)\n" },
	/* rules */
	{ "rule add table main\n", N "1:1: this rule has no priority: a "
	  "number, or 'auto'\n" },
	{ "rule add priority 5\n", N "1:1: this rule has no table\n" },
	{ "rule add priority 5 table main blackhole\n",
	  N "1:1: this rule has both a table and a type\n" },
	{ "rule add priority 5 blackhole suppress_prefixlength 0\n",
	  N "1:1: this rule has both a table and a type\n" },
	{ "rule add priority 5 blackhole type prohibit\n",
	  N "1:1: this rule has two types\n" },
	{ "rule add priority 5 type nat\n",
	  N "1:26: 'nat' is no type of a rule: 'blackhole', 'unreachable' or "
	  "'prohibit'\n" },
	{ "rule add priority 5 goto 10\n", N "1:21: 'goto' is no word that is "
	  "known | did you mean 'not'?\n" },
	{ "rule add priority 5 table main from fd00::/8\n",
	  N "1:37: 'fd00::/8' is of the other family | rules for IPv6, and "
	  "only they, are written '-6 rule add'\n" },
	{ "-6 rule add priority 5 table main to 10.0.0.0/8\n",
	  N "1:38: '10.0.0.0/8' is of the other family | rules for IPv6, and "
	  "only they, are written '-6 rule add'\n" },
	{ "rule add priority 5 table main from 10.0.0.1/8\n",
	  N "1:37: '10.0.0.1/8' has bits beyond its length | the prefix is "
	  "10.0.0.0/8\n" },
	{ "rule add priority 5 table main from x\n",
	  N "1:37: 'x' is not a prefix\n" },
	{ "rule add priority 5 table main fwmark 0\n",
	  N "1:39: fwmark is '0', not NUMBER, NUMBER/MASK or 'auto'\n" },
	{ "rule add priority 5 table main fwmark 1/0\n",
	  N "1:39: fwmark is '1/0', not NUMBER, NUMBER/MASK or 'auto'\n" },
	{ "rule add priority 5 table main fwmark 1/\n",
	  N "1:39: fwmark is '1/', not NUMBER, NUMBER/MASK or 'auto'\n" },
	{ "rule add priority 5 table main fwmark x/1\n",
	  N "1:39: fwmark is 'x/1', not NUMBER, NUMBER/MASK or 'auto'\n" },
	{ "rule add priority 5 table main iif\n",
	  N "1:32: nothing follows 'iif'\n" },
	{ "rule add priority 5 table main sport 0\n",
	  N "1:38: sport is '0', not N or N-M with numbers from 1 to "
	  "65534\n" },
	{ "rule add priority 5 table main dport 9-8\n",
	  N "1:38: dport is '9-8', not N or N-M with numbers from 1 to "
	  "65534\n" },
	{ "rule add priority 5 table main dport 1-65535\n",
	  N "1:38: dport is '1-65535', not N or N-M with numbers from 1 to "
	  "65534\n" },
	{ "rule add priority 5 table main uidrange 5-\n",
	  N "1:41: uidrange is '5-', not N or N-M with numbers from 0 to "
	  "4294967294\n" },
	{ "rule add priority 5 table main ipproto foo\n",
	  N "1:40: ipproto is 'foo', not a number from 1 to 255\n" },
	{ "rule add priority 5 table main tos 0x20\n",
	  N "1:1: the tos of a rule for IPv4 is at most 0x1c\n" },
	{ "rule add priority x table main\n",
	  N "1:19: priority is 'x', not a number from 0 to 4294967295\n" },
	{ "rule add priority 5 table main suppress_prefixlength 33\n",
	  N "1:54: suppress_prefixlength is '33', not a number from 0 to "
	  "32\n" },
	{ "rule add priority 5 table main protocol 2\n",
	  N "1:41: the protocol is '2': what a mesh sets up has 77, by which "
	  "it is known as its own\n" },
	{ "rule add priority 5 table main\n# x\nrule add lookup 254 pref 5 "
	  "from all\n", N "3:1: this rule is given twice (1:1)\n" },
	/* all of them, and the place in a line that goes on */
	{ "route add x dev a\nrule add \\\n  priority y \\\r\n table main\n"
	  "rule\n",
	  N "1:11: 'x' is not a prefix\n"
	  N "3:12: priority is 'y', not a number from 0 to 4294967295\n"
	  N "5:1: nothing follows 'rule'\n" },
};

START_TEST(test_refused)
{
	struct state state;

	ck_assert_str_eq(complain(refused[_i].text, &state),
			 refused[_i].lines);
}
END_TEST

/* A line, and the same as it is written. */
static const struct {
	const char *line, *written;
} lines[] = {
	{ "route add default dev wg0",
	  "route replace default dev wg0 proto 77\n" },
	{ "route replace 0.0.0.0/0 dev wg0 table auto proto meshapply # x",
	  "route replace default dev wg0 table auto proto 77\n" },
	{ "route replace ::/0 dev wg0 metric 0 scope global",
	  "route replace ::/0 dev wg0 proto 77\n" },
	{ "route replace default via fe80::1 dev wg0",
	  "route replace ::/0 via fe80::1 dev wg0 proto 77\n" },
	{ "route replace default dev wg0 src fd00::1",
	  "route replace ::/0 dev wg0 proto 77 src fd00::1\n" },
	{ "\t route  replace unicast 10.0.0.1 dev wg0 table 254 scope link\r",
	  "route replace 10.0.0.1/32 dev wg0 proto 77\n" },
	{ "route replace 10.0.0.0/8 onlink advmss 1200 mtu lock 1300 "
	  "src 10.0.0.1 \\\n\tmetric 7 scope 42 protocol 77 table 4294967295 "
	  "dev eth0.1 via 192.0.2.1 dsfield 0x10",
	  "route replace 10.0.0.0/8 tos 0x10 via 192.0.2.1 dev eth0.1 "
	  "table 4294967295 proto 77 scope 42 metric 7 src 10.0.0.1 "
	  "mtu lock 1300 advmss 1200 onlink\n" },
	{ "route replace 10.0.0.0/8 via 192.0.2.1 dev a scope link mtu 68",
	  "route replace 10.0.0.0/8 via 192.0.2.1 dev a proto 77 scope link "
	  "mtu 68\n" },
	{ "route replace 10.0.0.0/8 dev a scope global",
	  "route replace 10.0.0.0/8 dev a proto 77 scope global\n" },
	{ "route replace blackhole 10.0.0.0/8 table local",
	  "route replace blackhole 10.0.0.0/8 table local proto 77\n" },
	{ "route replace throw default table 5",
	  "route replace throw default table 5 proto 77\n" },
	{ "route replace unreachable fd00::/8 table default priority 9",
	  "route replace unreachable fd00::/8 table default proto 77 metric "
	  "9\n" },
	{ "route replace prohibit fd00::/8",
	  "route replace prohibit fd00::/8 proto 77\n" },
	{ "rule add not fwmark auto table auto priority auto protocol 77",
	  "rule add not fwmark auto table auto priority auto protocol 77\n" },
	{ "rule add table main suppress_prefixlength 0 priority auto",
	  "rule add table main suppress_prefixlength 0 priority auto protocol "
	  "77\n" },
	{ "-6 rule add lookup 255 pref 0 from all to ::1",
	  "-6 rule add to ::1/128 table local priority 0 protocol 77\n" },
	{ "rule add order 4294967295 type prohibit uidrange 0-0 dport 1-65534 "
	  "sport 53 ipproto udp oif a iif lo fwmark 0x10/255 tos 0x1c "
	  "to 10.0.0.0/8 from 192.0.2.1",
	  "rule add from 192.0.2.1/32 to 10.0.0.0/8 tos 0x1c fwmark 0x10/0xff "
	  "iif lo oif a ipproto 17 sport 53 dport 1-65534 uidrange 0-0 "
	  "prohibit priority 4294967295 protocol 77\n" },
	{ "-6 rule add priority 5 table main tos 0xfc",
	  "-6 rule add tos 0xfc table main priority 5 protocol 77\n" },
	{ "rule add unreachable preference 1",
	  "rule add unreachable priority 1 protocol 77\n" },
	{ "rule add blackhole preference 1 fwmark 0/0x1",
	  "rule add fwmark 0x0/0x1 blackhole priority 1 protocol 77\n" },
	{ "rule add table 51820 fwmark 51820 priority 9 ipproto 47",
	  "rule add fwmark 0xca6c ipproto 47 table 51820 priority 9 protocol "
	  "77\n" },
};

START_TEST(test_written)
{
	struct state state;
	struct texts texts;

	ck_assert_str_eq(complain(lines[_i].line, &state), "");
	texts_write(arena, &state, &texts);
	ck_assert_ptr_null(texts.wireguard.text.data);
	ck_assert_ptr_null(texts.firewall.text.data);
	ck_assert_str_eq(texts.network.text.data, lines[_i].written);
	ck_assert_str_eq(complain(texts.network.text.data, &state), "");
	texts_write(arena, &state, &texts);
	ck_assert_str_eq(texts.network.text.data, lines[_i].written);
}
END_TEST

START_TEST(test_fields)
{
	struct state s;

	ck_assert_str_eq(complain("# nothing\n\n", &s), "");
	ck_assert_uint_eq(s.route_count + s.rule_count, 0);
	ck_assert_str_eq(complain(
		"rule add table auto fwmark auto priority auto\n"
		"-6 rule add table 7 priority 3\n"
		"route add fd00::/8 dev a table auto\n"
		"route add 10.0.0.0/8 dev b\n", &s), "");
	ck_assert_uint_eq(s.route_count, 2);
	ck_assert_uint_eq(s.routes[0].prefix.ip.family, AF_INET);
	ck_assert_uint_eq(s.routes[0].scope, RT_SCOPE_LINK);
	ck_assert_uint_eq(s.routes[0].type, RTN_UNICAST);
	ck_assert_uint_eq(s.routes[0].protocol, OUR_PROTOCOL);
	ck_assert_uint_eq(s.routes[0].table, RT_TABLE_MAIN);
	ck_assert_uint_eq(s.routes[0].metric, 0);
	ck_assert_uint_eq(s.routes[0].where.offset, 46 + 31 + 36 + 10);
	ck_assert_uint_eq(s.routes[1].scope, RT_SCOPE_UNIVERSE);
	ck_assert_uint_eq(s.routes[1].metric, 1024);
	ck_assert_uint_eq(s.routes[1].automatic, ROUTE_TABLE);
	ck_assert_uint_eq(s.routes[1].table, 0);
	ck_assert_uint_eq(s.rule_count, 2);
	ck_assert_uint_eq(s.rules[0].family, AF_INET);
	ck_assert_uint_eq(s.rules[0].automatic,
			  RULE_TABLE | RULE_FWMARK | RULE_PRIORITY);
	ck_assert_uint_eq(s.rules[0].fwmask, UINT32_MAX);
	ck_assert_uint_eq(s.rules[0].from.ip.family, AF_INET);
	ck_assert_uint_eq(s.rules[1].family, AF_INET6);
	ck_assert_uint_eq(s.rules[1].to.ip.family, AF_INET6);
	ck_assert_uint_eq(s.rules[1].action, FR_ACT_TO_TBL);
	ck_assert_uint_eq(s.rules[1].fwmask, 0);
	ck_assert_int_eq(s.rules[1].suppress_prefixlength, -1);
	ck_assert_uint_eq(s.rules[1].uid_range[1], UINT32_MAX);
}
END_TEST

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert_int_eq(prefix_parse(str_of(text), &p), 0);
	return p;
}

/* What the kernel makes a route for, each once, at the first that has it. */
START_TEST(test_connected)
{
	static const char *const given[] = {
		"fd00::1/64", "10.1.0.1/24", "10.9.0.1/32", "0.1.0.1/16",
		"10.1.0.2/24", "fd01::1/128", "10.0.0.1/31",
	};
	static const struct { const char *network; size_t place; } wanted[] = {
		{ "10.0.0.0/31", 6 }, { "10.1.0.0/24", 1 },
		{ "fd00::/64", 0 }, { "fd01::1/128", 5 },
	};
	struct placed_prefix items[array_size(given)];
	struct prefix_list list = { items, array_size(given), 0 }, out;

	for (size_t i = 0; i < array_size(given); i++)
		items[i] = (struct placed_prefix){ prefix(given[i]),
						   { .offset = i } };
	prefix_list_connected(arena, &list, &out);
	ck_assert_uint_eq(out.count, array_size(wanted));
	for (size_t i = 0; i < out.count; i++) {
		struct prefix network = prefix(wanted[i].network);

		ck_assert(!prefix_compare(&out.items[i].prefix, &network));
		ck_assert_uint_eq(out.items[i].where.offset, wanted[i].place);
	}
	list.count = 0;
	prefix_list_connected(arena, &list, &out);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state_network");
	TCase *texts = tcase_create("texts");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(texts, setup, teardown);
	tcase_add_loop_test(texts, test_refused, 0, array_size(refused));
	tcase_add_loop_test(texts, test_written, 0, array_size(lines));
	tcase_add_test(texts, test_fields);
	tcase_add_test(texts, test_connected);
	suite_add_tcase(suite, texts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
