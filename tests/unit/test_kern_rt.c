/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink's messages: golden bytes, there and back, cut short anywhere. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/rt_codec.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };

	ck_assert_int_eq(prefix_parse(str_of(text), &p), 0);
	return p;
}

static struct ip ip_of(const char *text)
{
	return prefix_of(text).ip;
}

static void same_bytes(const struct nlmsghdr *got, const char *want)
{
	const uint8_t *bytes = (const uint8_t *)got;
	size_t n = 0;
	char two[3] = "";

	/* Netlink is in the machine's order; these came from x86. */
	if (htons(1) == 1) {
		puts("NOT TESTED: captured bytes, on a big-endian machine");
		return;
	}
	for (const char *c = want; *c; c++) {
		if (*c == ' ')
			continue;
		two[0] = *c++;
		two[1] = *c;
		ck_assert_uint_lt(n, got->nlmsg_len);
		ck_assert_msg(bytes[n] == strtoul(two, NULL, 16),
			      "byte %zu is %02x, not %s", n, bytes[n], two);
		n++;
	}
	ck_assert_uint_eq(n, got->nlmsg_len);
}

static const struct device wg0 = {
	.name = "wg0",
	.alias = "meshapply:m",
	.group = 0x6d657368,
	.mtu = 1420,
	.up = true,
};

START_TEST(golden_link)
{
	const struct device bare = { .name = "wg0" };
	struct nlmsghdr *m = rt_encode_link_create(arena, &wg0, 0, -1);

	same_bytes(m, "4c000000 1000 0506 00000000 00000000"
		   "00000000 00000000 00000000 00000000"
		   "0800 0300 77673000" "0800 1b00 6873656d"
		   "0800 0400 8c050000"
		   "1400 1280" "0e00 0100 77697265677561726400 0000");
	/* Into a VRF and another network namespace. */
	m = rt_encode_link_create(arena, &bare, 7, 3);
	same_bytes(m, "54000000 1000 0506 00000000 00000000"
		   "00000000 00000000 00000000 00000000"
		   "0800 0300 77673000" "0800 1b00 00000000"
		   "0800 0a00 07000000" "0800 1c00 03000000"
		   "1400 1280" "0e00 0100 77697265677561726400 0000");
	m = rt_encode_link_change(arena, &wg0, DEVICE_ALIAS | DEVICE_UP |
				  DEVICE_MTU | DEVICE_GROUP);
	rt_set_index(m, 5);
	same_bytes(m, "40000000 1000 0500 00000000 00000000"
		   "00000000 05000000 01000000 01000000"
		   "0800 0400 8c050000" "0800 1b00 6873656d"
		   "0f00 1400 6d6573686170706c793a6d 00");
	/* No alias is one of no bytes, down is a flag to be cleared. */
	m = rt_encode_link_change(arena, &bare, DEVICE_ALIAS | DEVICE_UP);
	same_bytes(m, "24000000 1000 0500 00000000 00000000"
		   "00000000 00000000 00000000 01000000" "0400 1400");
	m = rt_encode_link_delete(arena);
	rt_set_index(m, 9);
	same_bytes(m, "20000000 1100 0500 00000000 00000000"
		   "00000000 09000000 00000000 00000000");
}
END_TEST

START_TEST(golden_address)
{
	struct prefix a = prefix_of("10.1.2.3/24"), b = prefix_of("fd00::1");
	struct nlmsghdr *m = rt_encode_address(arena, &a, RT_ADD);

	rt_set_index(m, 5);
	same_bytes(m, "28000000 1400 0506 00000000 00000000"
		   "02180000 05000000" "0800 0200 0a010203"
		   "0800 0100 0a010203");
	m = rt_encode_address(arena, &b, RT_REMOVE);
	same_bytes(m, "40000000 1500 0500 00000000 00000000"
		   "0a800000 00000000"
		   "1400 0200 fd000000000000000000000000000001"
		   "1400 0100 fd000000000000000000000000000001");
}
END_TEST

static struct route full_route(void)
{
	return (struct route){
		.prefix = prefix_of("10.0.0.0/8"),
		.type = RTN_UNICAST,
		.protocol = OUR_PROTOCOL,
		.scope = RT_SCOPE_LINK,
		.tos = 16,
		.table = 51820,
		.metric = 7,
		.via = ip_of("192.0.2.1"),
		.device = "wg0",
		.source = ip_of("192.0.2.2"),
		.mtu = 1400,
		.advmss = 1360,
		.mtu_locked = true,
		.onlink = true,
	};
}

START_TEST(golden_route)
{
	struct route r = full_route();
	struct nlmsghdr *m = rt_encode_route(arena, &r, RT_ADD);

	rt_set_index(m, 5);
	same_bytes(m, "68000000 1800 0506 00000000 00000000"
		   "0208 0010 00 4d fd 01 04000000"
		   "0800 0400 05000000" "0800 0100 0a000000"
		   "0800 0f00 6cca0000" "0800 0600 07000000"
		   "0800 0500 c0000201" "0800 0700 c0000202"
		   "1c00 0880" "0800 0100 04000000" "0800 0200 78050000"
		   "0800 0800 50050000");
	ck_assert_uint_eq(rt_encode_route(arena, &r, RT_REPLACE)->nlmsg_flags,
			  NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE |
			  NLM_F_REPLACE);
	m = rt_encode_route(arena, &r, RT_REMOVE);
	ck_assert_uint_eq(m->nlmsg_type, RTM_DELROUTE);
	ck_assert_uint_eq(m->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	/* Every selector stands in a removal. */
	ck_assert_uint_eq(m->nlmsg_len, 0x68);
	r = (struct route){ .prefix = prefix_of("::/0"),
			    .type = RTN_BLACKHOLE, .table = 254,
			    .metric = 1024, .protocol = OUR_PROTOCOL };
	same_bytes(rt_encode_route(arena, &r, RT_REMOVE),
		   "40000000 1900 0500 00000000 00000000"
		   "0a000000 fe 4d 00 06 00000000"
		   "1400 0100 00000000000000000000000000000000"
		   "0800 0f00 fe000000" "0800 0600 00040000");
}
END_TEST

static struct rule full_rule(void)
{
	return (struct rule){
		.family = AF_INET,
		.action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL,
		.tos = 8,
		.priority = 32764,
		.invert = true,
		.from = prefix_of("10.0.0.0/8"),
		.to = prefix_of("192.0.2.0/24"),
		.iif = "eth0",
		.oif = "eth1",
		.fwmark = 51820,
		.fwmask = UINT32_MAX,
		.table = 51820,
		.suppress_prefixlength = 0,
		.ip_protocol = 17,
		.source_port = { 1, 2 },
		.destination_port = { 53, 53 },
		.uid_range = { 5, 6 },
	};
}

START_TEST(golden_rule)
{
	struct rule r = full_rule();
	struct nlmsghdr *m = rt_encode_rule(arena, &r, RT_ADD);

	same_bytes(m, "98000000 2000 0506 00000000 00000000"
		   "02 18 08 08 00 00 00 01 02000000"
		   "0800 0200 0a000000" "0800 0100 c0000200"
		   "0900 0300 6574683000 000000"
		   "0900 1100 6574683100 000000"
		   "0800 0a00 6cca0000" "0800 1000 ffffffff"
		   "0500 1600 11000000"
		   "0800 1700 01000200" "0800 1800 35003500"
		   "0c00 1400 05000000 06000000"
		   "0800 0600 fc7f0000" "0500 1500 4d000000"
		   "0800 0f00 6cca0000" "0800 0e00 00000000");
}
END_TEST

START_TEST(route_there_and_back)
{
	struct route r = full_route();
	struct nlmsghdr *m = rt_encode_route(arena, &r, RT_ADD);
	struct rt_route got;
	struct err e;

	rt_set_index(m, 77);
	ck_assert_int_eq(rt_decode_route(m, &got, &e), 0);
	ck_assert_uint_eq(got.index, 77);
	strcpy(got.route.device, "wg0");
	ck_assert(!got.route.opaque && !got.cloned);
	ck_assert(route_equal(&r, &got.route));
	r = (struct route){ .prefix = prefix_of("fd00::/8"),
			    .type = RTN_PROHIBIT, .table = 5, .metric = 1024,
			    .protocol = OUR_PROTOCOL };
	m = rt_encode_route(arena, &r, RT_ADD);
	ck_assert_int_eq(rt_decode_route(m, &got, &e), 0);
	ck_assert_uint_eq(got.index, 0);
	ck_assert(route_equal(&r, &got.route));
}
END_TEST

START_TEST(rule_there_and_back)
{
	struct rule r = full_rule(), got;
	struct err e;

	ck_assert_int_eq(rt_decode_rule(rt_encode_rule(arena, &r, RT_ADD),
					&got, &e), 0);
	ck_assert(!got.opaque);
	ck_assert(rule_equal(&r, &got));
	r = (struct rule){ .family = AF_INET6, .action = FR_ACT_BLACKHOLE,
			   .suppress_prefixlength = -1,
			   .from.ip.family = AF_INET6,
			   .to.ip.family = AF_INET6,
			   .uid_range = { 0, UINT32_MAX } };
	ck_assert_int_eq(rt_decode_rule(rt_encode_rule(arena, &r, RT_ADD),
					&got, &e), 0);
	ck_assert(rule_equal(&r, &got));
}
END_TEST

START_TEST(decode_links)
{
	struct nlmsghdr *m = rt_encode_link_create(arena, &wg0, 0, -1);
	struct link link;
	struct err e;

	((struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_flags = IFF_UP;
	rt_set_index(m, 4);
	mnl_attr_put_strz(m, IFLA_IFALIAS, "words");
	ck_assert_int_eq(rt_decode_link(m, &link, &e), 0);
	ck_assert_str_eq(link.name, "wg0");
	ck_assert_str_eq(link.kind, "wireguard");
	ck_assert_str_eq(link.alias, "words");
	ck_assert_uint_eq(link.group, 0x6d657368);
	ck_assert_uint_eq(link.mtu, 1420);
	ck_assert_uint_eq(link.index, 4);
	ck_assert(link.up);
	ck_assert_uint_eq(link.master, 0);
	mnl_attr_put_u32(m, IFLA_MASTER, 9);
	ck_assert_int_eq(rt_decode_link(m, &link, &e), 0);
	ck_assert_uint_eq(link.master, 9);
	mnl_attr_put_strz(m, IFLA_IFNAME, "a-name-that-is-too-long");
	ck_assert_int_eq(rt_decode_link(m, &link, &e), -1);
}
END_TEST

/* The number is of a VRF alone: others' data has another meaning. */
static struct nlmsghdr *link_of_kind(const char *kind)
{
	struct nlmsghdr *m = rt_encode_get_links(arena);
	struct nlattr *info, *data;

	m->nlmsg_type = RTM_NEWLINK;
	mnl_attr_put_strz(m, IFLA_IFNAME, "blue");
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	mnl_attr_put_u32(m, IFLA_VRF_TABLE, 1000);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	return m;
}

START_TEST(decode_vrf)
{
	struct link link;
	struct err e;

	ck_assert_int_eq(rt_decode_link(link_of_kind("vrf"), &link, &e), 0);
	ck_assert_str_eq(link.kind, "vrf");
	ck_assert_uint_eq(link.vrf_table, 1000);
	ck_assert_int_eq(rt_decode_link(link_of_kind("vlan"), &link, &e), 0);
	ck_assert_uint_eq(link.vrf_table, 0);
}
END_TEST

START_TEST(decode_addresses)
{
	struct prefix mine = prefix_of("10.0.0.1/32");
	struct nlmsghdr *m = rt_encode_address(arena, &mine, RT_ADD);
	struct rt_address got;
	struct ip peer = ip_of("10.0.0.2");
	struct err e;

	rt_set_index(m, 6);
	/* Of a point-to-point link the address is the other side's. */
	attr_put_ip(m, IFA_ADDRESS, &peer);
	ck_assert_int_eq(rt_decode_address(m, &got, &e), 0);
	ck_assert_int_eq(prefix_compare(&got.prefix, &mine), 0);
	ck_assert_uint_eq(got.index, 6);
	ck_assert(!got.automatic);
	mnl_attr_put_u8(m, IFA_PROTO, IFAPROT_KERNEL_LL);
	ck_assert_int_eq(rt_decode_address(m, &got, &e), 0);
	ck_assert(got.automatic);
}
END_TEST

/* What struct route cannot say makes it opaque, each on its own. */
START_TEST(opaque_routes)
{
	static const uint16_t types[] = {
		RTA_FLOW, RTA_VIA, RTA_NEWDST, RTA_ENCAP_TYPE, RTA_ENCAP,
		RTA_EXPIRES, RTA_TTL_PROPAGATE, RTA_NH_ID, RTA_MARK, RTA_SRC,
		RTA_NH_ID + 1, RTA_PREF, RTA_MULTIPATH, RTA_CACHEINFO,
		RTA_METRICS,
	};
	const struct rtnexthop hops[2] = { { 8, 0, 0, 11 }, { 8, 0, 0, 12 } };
	const struct rta_cacheinfo cache = { .rta_expires = 5 };

	for (size_t i = 0; i < array_size(types); i++) {
		struct route r = full_route();
		struct rt_route got;
		struct nlmsghdr *m;
		struct nlattr *list;
		struct err e;

		r.device[0] = '\0';
		r.mtu = r.advmss = 0;
		m = rt_encode_route(arena, &r, RT_ADD);
		if (types[i] == RTA_PREF) {
			mnl_attr_put_u8(m, RTA_PREF, 1);
		} else if (types[i] == RTA_MULTIPATH) {
			mnl_attr_put(m, RTA_MULTIPATH, sizeof(hops), hops);
		} else if (types[i] == RTA_CACHEINFO) {
			mnl_attr_put(m, RTA_CACHEINFO, sizeof(cache), &cache);
		} else if (types[i] == RTA_METRICS) {
			list = mnl_attr_nest_start(m, RTA_METRICS);
			mnl_attr_put_u32(m, RTAX_QUICKACK, 1);
			mnl_attr_nest_end(m, list);
		} else {
			mnl_attr_put_u32(m, types[i], 1);
		}
		ck_assert_int_eq(rt_decode_route(m, &got, &e), 0);
		ck_assert_msg(got.route.opaque, "case %zu", i);
		ck_assert_uint_eq(got.index,
				  types[i] == RTA_MULTIPATH ? 11 : 0);
	}
}
END_TEST

START_TEST(opaque_rules)
{
	static const uint16_t types[] = {
		FRA_GOTO, FRA_FLOW, FRA_TUN_ID, FRA_SUPPRESS_IFGROUP,
		25, 26, 27, 30, 99,
	};

	for (size_t i = 0; i < array_size(types); i++) {
		struct rule r = full_rule(), got;
		struct nlmsghdr *m = rt_encode_rule(arena, &r, RT_ADD);
		struct err e;

		mnl_attr_put_u32(m, types[i], 1);
		ck_assert_int_eq(rt_decode_rule(m, &got, &e), 0);
		ck_assert_msg(got.opaque, "case %zu", i);
	}
	for (uint16_t type = 28; type <= 29; type++) {
		struct rule r = full_rule(), got;
		struct nlmsghdr *m = rt_encode_rule(arena, &r, RT_ADD);
		struct err e;

		mnl_attr_put_u16(m, type, 0xffff);
		ck_assert_int_eq(rt_decode_rule(m, &got, &e), 0);
		ck_assert(!got.opaque);
		mnl_attr_put_u16(m, type, 0xff00);
		ck_assert_int_eq(rt_decode_rule(m, &got, &e), 0);
		ck_assert(got.opaque);
	}
}
END_TEST

static int decode_any(const struct nlmsghdr *m)
{
	struct rt_address address;
	struct rt_route route;
	struct link link;
	struct rule rule;
	struct err e;

	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
		return rt_decode_link(m, &link, &e);
	case RTM_NEWADDR:
		return rt_decode_address(m, &address, &e);
	case RTM_NEWROUTE:
		return rt_decode_route(m, &route, &e);
	}
	return rt_decode_rule(m, &rule, &e);
}

/* Between attributes a message may end; what it then lacks may matter. */
static bool is_border(const struct nlmsghdr *m, size_t header, size_t length)
{
	const struct nlattr *a;
	struct attrs left;

	ck_assert_int_eq(attrs_of(m, header, &left), 0);
	for (;;) {
		size_t at = (size_t)(left.data - (const char *)m);

		if (length == at)
			return true;
		if (attrs_next(&left, &a) <= 0)
			return false;
		if (length >= at + a->nla_len &&
		    length < (size_t)(left.data - (const char *)m))
			return true;
	}
}

static void truncate_everywhere(const struct nlmsghdr *whole, size_t header)
{
	for (uint32_t n = 16; n < whole->nlmsg_len; n++) {
		struct nlmsghdr *cut = malloc(n);
		int result;

		memcpy(cut, whole, n);
		cut->nlmsg_len = n;
		result = decode_any(cut);
		if (!is_border(whole, header, n))
			ck_assert_msg(result < 0, "type %u cut at %u",
				      whole->nlmsg_type, n);
		free(cut);
	}
}

START_TEST(truncated)
{
	struct prefix a = prefix_of("10.1.2.3/24");
	struct route route = full_route();
	struct rule rule = full_rule();

	truncate_everywhere(rt_encode_link_create(arena, &wg0, 0, -1),
			    sizeof(struct ifinfomsg));
	truncate_everywhere(link_of_kind("vrf"), sizeof(struct ifinfomsg));
	truncate_everywhere(rt_encode_address(arena, &a, RT_ADD),
			    sizeof(struct ifaddrmsg));
	truncate_everywhere(rt_encode_route(arena, &route, RT_ADD),
			    sizeof(struct rtmsg));
	truncate_everywhere(rt_encode_rule(arena, &rule, RT_ADD),
			    sizeof(struct fib_rule_hdr));
}
END_TEST

/* A module's links may be of a kind with a name of any length. */
START_TEST(a_long_kind)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(arena_alloc(arena, 512));
	struct ifinfomsg *header;
	struct nlattr *info;
	struct link link;
	struct err e;

	header = mnl_nlmsg_put_extra_header(m, sizeof(*header));
	m->nlmsg_type = RTM_NEWLINK;
	header->ifi_index = 7;
	mnl_attr_put_strz(m, IFLA_IFNAME, "odd0");
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "wireguard_but_not_quite");
	mnl_attr_nest_end(m, info);
	ck_assert_int_eq(rt_decode_link(m, &link, &e), 0);
	ck_assert_str_eq(link.name, "odd0");
	ck_assert_str_eq(link.kind, "wireguard_but_n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kern_rt");
	TCase *codec = tcase_create("codec");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(codec, setup, teardown);
	tcase_add_test(codec, golden_link);
	tcase_add_test(codec, golden_address);
	tcase_add_test(codec, golden_route);
	tcase_add_test(codec, golden_rule);
	tcase_add_test(codec, route_there_and_back);
	tcase_add_test(codec, rule_there_and_back);
	tcase_add_test(codec, decode_links);
	tcase_add_test(codec, decode_vrf);
	tcase_add_test(codec, decode_addresses);
	tcase_add_test(codec, opaque_routes);
	tcase_add_test(codec, opaque_rules);
	tcase_add_test(codec, truncated);
	tcase_add_test(codec, a_long_kind);
	suite_add_tcase(suite, codec);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
