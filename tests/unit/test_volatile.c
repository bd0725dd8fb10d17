/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of each kind of answer what changes by itself is blanked, and nothing else:
 * two that differ in it alone are the same bytes, two that differ in what
 * decides are not, and keys are in a digest alone.
 */
#include <arpa/inet.h>
#include <check.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "kern/nft_wire.h"
#include "kern/volatile.h"
#include "support/check.h"
#include "support/nft_messages.h"

#define WIREGUARD 0x1d	/* its family, as an answer may have it */

static struct arena *arena;
static struct blanked blanked;

static void setup(void)
{
	arena = arena_new((uint64_t)1 << 30);
	nm_start(arena);
	blanked_start(&blanked);
}

static void teardown(void)
{
	arena_free(arena);
}

/* The same bytes where they may be written to, blanked. */
static struct nlmsghdr *blank(int protocol, struct str message)
{
	struct nlmsghdr *m = arena_copy(arena, message.data, message.size);

	ck_assert_int_eq(volatile_blank(protocol, m, &blanked), 0);
	return m;
}

static bool same(int protocol, struct str a, struct str b)
{
	const struct nlmsghdr *x = blank(protocol, a);
	const struct nlmsghdr *y = blank(protocol, b);

	return x->nlmsg_len == y->nlmsg_len && !memcmp(x, y, x->nlmsg_len);
}

static struct str taken(const struct nlmsghdr *m)
{
	return (struct str){ arena_copy(arena, m, m->nlmsg_len),
			     m->nlmsg_len };
}

static struct nlmsghdr *begin(uint16_t type, size_t header)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(arena_alloc(arena, 4096));

	m->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(m, header);
	return m;
}

/* What stands in a link that two of the kernel's answers may differ in. */
struct link_facts {
	uint32_t counter, mtu, vrf_table, timer, up;
	const char *kind, *alias;
};

static struct str link_of(struct link_facts f)
{
	struct nlmsghdr *m = begin(RTM_NEWLINK, sizeof(struct ifinfomsg));
	struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	struct nlattr *info, *data;
	uint32_t stats[24];

	for (size_t i = 0; i < array_size(stats); i++)
		stats[i] = f.counter;
	m->nlmsg_seq = m->nlmsg_pid = f.counter;
	header->ifi_index = 4;
	header->ifi_flags = f.up;
	mnl_attr_put_strz(m, IFLA_IFNAME, "wg0");
	mnl_attr_put_u32(m, IFLA_MTU, f.mtu);
	mnl_attr_put_strz(m, IFLA_IFALIAS, f.alias);
	mnl_attr_put(m, IFLA_STATS, sizeof(stats), stats);
	mnl_attr_put(m, IFLA_STATS64, sizeof(stats), stats);
	mnl_attr_put(m, IFLA_AF_SPEC, sizeof(stats), stats);
	mnl_attr_put_u32(m, IFLA_CARRIER_CHANGES, f.counter);
	mnl_attr_put_u32(m, IFLA_CARRIER_UP_COUNT, f.counter);
	mnl_attr_put_u32(m, IFLA_CARRIER_DOWN_COUNT, f.counter);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put(m, IFLA_INFO_XSTATS, sizeof(stats), stats);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, f.kind);
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	mnl_attr_put_u32(m, IFLA_VRF_TABLE, f.vrf_table);
	mnl_attr_put_u32(m, 7, f.timer);
	mnl_attr_nest_end(m, data);
	mnl_attr_put(m, IFLA_INFO_SLAVE_DATA, sizeof(stats), stats);
	mnl_attr_nest_end(m, info);
	return taken(m);
}

START_TEST(links)
{
	const struct link_facts bridge = { .mtu = 1400, .kind = "bridge",
					   .alias = "a", .up = 1 };
	const struct link_facts vrf = { .mtu = 1400, .kind = "vrf",
					.alias = "a", .up = 1 };
	struct link_facts other = bridge;

	other.counter = other.timer = 99;
	ck_assert(same(NETLINK_ROUTE, link_of(bridge), link_of(other)));
	other = bridge;
	other.mtu = 1380;
	ck_assert(!same(NETLINK_ROUTE, link_of(bridge), link_of(other)));
	other = bridge;
	other.alias = "b";
	ck_assert(!same(NETLINK_ROUTE, link_of(bridge), link_of(other)));
	other = bridge;
	other.up = 0;
	ck_assert(!same(NETLINK_ROUTE, link_of(bridge), link_of(other)));
	other = vrf;
	other.vrf_table = 9;
	ck_assert(!same(NETLINK_ROUTE, link_of(vrf), link_of(other)));
	ck_assert(!same(NETLINK_ROUTE, link_of(vrf), link_of(bridge)));
}
END_TEST

static struct str address_of(uint32_t stamp, uint8_t last)
{
	struct nlmsghdr *m = begin(RTM_NEWADDR, sizeof(struct ifaddrmsg));
	const uint8_t ip[4] = { 10, 0, 0, last };
	struct ifa_cacheinfo cache = { .cstamp = stamp, .tstamp = stamp,
				       .ifa_valid = stamp };

	mnl_attr_put(m, IFA_LOCAL, sizeof(ip), ip);
	mnl_attr_put(m, IFA_CACHEINFO, sizeof(cache), &cache);
	return taken(m);
}

START_TEST(addresses)
{
	ck_assert(same(NETLINK_ROUTE, address_of(1, 1), address_of(2, 1)));
	ck_assert(!same(NETLINK_ROUTE, address_of(1, 1), address_of(1, 2)));
}
END_TEST

static struct str route_of(struct rta_cacheinfo cache, uint32_t metric)
{
	struct nlmsghdr *m = begin(RTM_NEWROUTE, sizeof(struct rtmsg));

	mnl_attr_put_u32(m, RTA_PRIORITY, metric);
	mnl_attr_put(m, RTA_CACHEINFO, sizeof(cache), &cache);
	return taken(m);
}

START_TEST(routes)
{
	const struct rta_cacheinfo plain = { 0 };
	const struct rta_cacheinfo used = { .rta_lastuse = 9, .rta_used = 8,
					    .rta_clntref = 7 };
	const struct rta_cacheinfo soon = { .rta_expires = 5 };
	const struct rta_cacheinfo later = { .rta_expires = 50 };
	struct nlmsghdr *m = begin(RTM_NEWROUTE, sizeof(struct rtmsg));

	ck_assert(same(NETLINK_ROUTE, route_of(plain, 1), route_of(used, 1)));
	ck_assert(same(NETLINK_ROUTE, route_of(soon, 1), route_of(later, 1)));
	ck_assert(!same(NETLINK_ROUTE, route_of(plain, 1), route_of(soon, 1)));
	ck_assert(!same(NETLINK_ROUTE, route_of(plain, 1),
			route_of(plain, 2)));
	mnl_attr_put(m, RTA_CACHEINFO, 4, &plain);
	ck_assert_int_eq(volatile_blank(NETLINK_ROUTE, m, &blanked), -1);
}
END_TEST

START_TEST(rules_are_kept)
{
	struct nlmsghdr *m = begin(RTM_NEWRULE, 12);
	struct nlmsghdr *other;

	mnl_attr_put_u32(m, 6, 1000);
	other = arena_copy(arena, m, 4096);
	ck_assert(same(NETLINK_ROUTE, taken(m), taken(other)));
	mnl_attr_put_u32(other, 15, 77);
	ck_assert(!same(NETLINK_ROUTE, taken(m), taken(other)));
}
END_TEST

struct peer_facts {
	uint64_t moved;		/* bytes, times */
	uint8_t preshared, endpoint, keepalive, address;
};

static struct str device_of(uint8_t private_key, struct peer_facts f)
{
	struct nlmsghdr *m = begin(WIREGUARD, sizeof(struct genlmsghdr));
	struct sockaddr_in endpoint = { .sin_family = AF_INET,
					.sin_port = htons(f.endpoint) };
	const uint8_t ip[4] = { 10, 0, 0, f.address };
	struct nlattr *peers, *peer, *list, *allowed;
	uint64_t times[2] = { f.moved, f.moved };
	uint8_t key[32];

	memset(key, private_key, sizeof(key));
	mnl_attr_put(m, WGDEVICE_A_PRIVATE_KEY, sizeof(key), key);
	peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
	peer = mnl_attr_nest_start(m, 0);
	memset(key, 0x55, sizeof(key));
	mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, sizeof(key), key);
	memset(key, f.preshared, sizeof(key));
	mnl_attr_put(m, WGPEER_A_PRESHARED_KEY, sizeof(key), key);
	mnl_attr_put(m, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(times), times);
	mnl_attr_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
			 f.keepalive);
	mnl_attr_put_u64(m, WGPEER_A_TX_BYTES, f.moved);
	mnl_attr_put_u64(m, WGPEER_A_RX_BYTES, f.moved);
	mnl_attr_put(m, WGPEER_A_ENDPOINT, sizeof(endpoint), &endpoint);
	list = mnl_attr_nest_start(m, WGPEER_A_ALLOWEDIPS);
	allowed = mnl_attr_nest_start(m, 0);
	mnl_attr_put(m, WGALLOWEDIP_A_IPADDR, sizeof(ip), ip);
	mnl_attr_nest_end(m, allowed);
	mnl_attr_nest_end(m, list);
	mnl_attr_nest_end(m, peer);
	mnl_attr_nest_end(m, peers);
	return taken(m);
}

static void digest_of(struct str message, uint8_t out[static 32])
{
	blanked_start(&blanked);
	blank(NETLINK_GENERIC, message);
	ck_assert(blanked.has_keys);
	crypto_generichash_final(&blanked.keys, out, 32);
}

START_TEST(devices)
{
	const struct peer_facts peer = { 1, 2, 3, 4, 5 };
	struct peer_facts other = peer;
	struct str device = device_of(1, peer);

	other.moved = 999;
	ck_assert(same(NETLINK_GENERIC, device, device_of(1, other)));
	other = peer;
	other.endpoint++;
	ck_assert(!same(NETLINK_GENERIC, device, device_of(1, other)));
	other = peer;
	other.keepalive++;
	ck_assert(!same(NETLINK_GENERIC, device, device_of(1, other)));
	other = peer;
	other.address++;
	ck_assert(!same(NETLINK_GENERIC, device, device_of(1, other)));
}
END_TEST

START_TEST(keys)
{
	const struct peer_facts peer = { .preshared = 0xee };
	const struct peer_facts another = { .preshared = 0xef };
	static const uint8_t run[8] = { 0xdd, 0xdd, 0xdd, 0xdd,
					0xdd, 0xdd, 0xdd, 0xdd };
	static const uint8_t psk[8] = { 0xee, 0xee, 0xee, 0xee,
					0xee, 0xee, 0xee, 0xee };
	uint8_t a[32], b[32], c[32], d[32];
	struct nlmsghdr *m = blank(NETLINK_GENERIC, device_of(0xdd, peer));

	ck_assert_ptr_null(memmem(m, m->nlmsg_len, run, sizeof(run)));
	ck_assert_ptr_null(memmem(m, m->nlmsg_len, psk, sizeof(psk)));
	ck_assert(same(NETLINK_GENERIC, device_of(0xdd, peer),
		       device_of(0xdc, another)));
	digest_of(device_of(0xdd, peer), a);
	digest_of(device_of(0xdd, peer), b);
	digest_of(device_of(0xdc, peer), c);
	digest_of(device_of(0xdd, another), d);
	ck_assert(!memcmp(a, b, 32));
	ck_assert(memcmp(a, c, 32) != 0);
	ck_assert(memcmp(a, d, 32) != 0);
}
END_TEST

/* A ruleset's answers, all that moves of them as NUMBER has it. */
static struct str table(uint32_t number)
{
	nm_start(arena);
	nm_put_table(number, number);
	return nm_taken();
}

static struct str rule(const char *chain, uint64_t packets, const char *set)
{
	struct nlattr *nest;

	nm_start(arena);
	nm_begin_rule(chain, packets + 7);
	nest = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	nm_put_counter(packets);
	nm_put_lookup(set, 3);
	nm_close_nest(nest);
	nm_end();
	return nm_taken();
}

static struct str element(uint32_t key, uint64_t expires, uint64_t packets)
{
	struct nlattr *list, *one;
	uint32_t value = htonl(key);

	nm_start(arena);
	list = nm_begin_elements("sources");
	one = nm_open_nest(NFTA_LIST_ELEM);
	nm_put_value(NFTA_SET_ELEM_KEY, &value, sizeof(value));
	mnl_attr_put_u64(nm_head, NFTA_SET_ELEM_EXPIRATION, expires);
	{
		struct nlattr *expr = nm_open_nest(NFTA_SET_ELEM_EXPR), *data;

		nm_put_text(NFTA_EXPR_NAME, "counter");
		data = nm_open_nest(NFTA_EXPR_DATA);
		mnl_attr_put_u64(nm_head, NFTA_COUNTER_PACKETS, packets);
		nm_close_nest(data);
		nm_close_nest(expr);
	}
	nm_close_nest(one);
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

static struct str quota(uint32_t type, uint64_t consumed, uint64_t most,
			uint32_t flags)
{
	struct nlattr *data;

	nm_start(arena);
	nm_begin(NFT_MSG_NEWOBJ);
	nm_put_text(NFTA_OBJ_NAME, "q");
	nm_put_u32(NFTA_OBJ_TYPE, type);
	data = nm_open_nest(NFTA_OBJ_DATA);
	mnl_attr_put_u64(nm_head, NFTA_QUOTA_BYTES, most);
	nm_put_u32(NFTA_QUOTA_FLAGS, flags);
	mnl_attr_put_u64(nm_head, NFTA_QUOTA_CONSUMED, consumed);
	nm_close_nest(data);
	nm_end();
	return nm_taken();
}

START_TEST(rulesets)
{
	const int nft = NETLINK_NETFILTER;

	ck_assert(same(nft, table(1), table(2)));
	ck_assert(same(nft, rule("c", 1, "s"), rule("c", 99, "s")));
	ck_assert(!same(nft, rule("c", 1, "s"), rule("d", 1, "s")));
	ck_assert(!same(nft, rule("c", 1, "s"), rule("c", 1, "t")));
	ck_assert(same(nft, element(1, 2, 3), element(1, 20, 30)));
	ck_assert(!same(nft, element(1, 2, 3), element(2, 2, 3)));
	ck_assert(same(nft, quota(NFT_OBJECT_QUOTA, 1, 9, 0),
		       quota(NFT_OBJECT_QUOTA, 8, 9, NFT_QUOTA_F_DEPLETED)));
	ck_assert(!same(nft, quota(NFT_OBJECT_QUOTA, 1, 9, 0),
			quota(NFT_OBJECT_QUOTA, 1, 9, NFT_QUOTA_F_INV)));
	ck_assert(!same(nft, quota(NFT_OBJECT_QUOTA, 1, 9, 0),
			quota(NFT_OBJECT_QUOTA, 1, 8, 0)));
}
END_TEST

static struct str chain(const char *name, const char *of)
{
	nm_start(arena);
	nm_begin_in(NFT_MSG_NEWCHAIN, NFPROTO_INET, of);
	nm_put_text(NFTA_CHAIN_NAME, name);
	nm_end();
	return nm_taken();
}

START_TEST(names_are_kept)
{
	ck_assert(same(NETLINK_NETFILTER, chain("c", "t"), chain("c", "t")));
	ck_assert(!same(NETLINK_NETFILTER, chain("c", "t"), chain("c", "u")));
	ck_assert(!same(NETLINK_NETFILTER, chain("c", "t"), chain("d", "t")));
}
END_TEST

static struct str generation(uint32_t number, const char *who)
{
	nm_start(arena);
	nm_put_generation(number);
	nm_start(arena);
	nm_put_text(NFTA_GEN_PROC_NAME, who);
	nm_end();
	return nm_taken();
}

START_TEST(generations)
{
	ck_assert(same(NETLINK_NETFILTER, generation(7, "a"),
		       generation(7, "another")));
	ck_assert(!blanked.moved);
	ck_assert_uint_eq(blanked.generation, 7);
	ck_assert(same(NETLINK_NETFILTER, generation(7, "a"),
		       generation(8, "a")));
	ck_assert_msg(blanked.moved, "but it has moved between two answers");
	blanked_start(&blanked);
	ck_assert(!blanked.moved && !blanked.generation);
}
END_TEST

/* At any length: refused, or nothing beyond its end is touched (ASan). */
static void cut(int protocol, struct str message)
{
	size_t refused = 0;

	for (size_t size = NLMSG_HDRLEN; size < message.size; size++) {
		struct nlmsghdr *m = arena_copy(arena, message.data, size);

		m->nlmsg_len = (uint32_t)size;
		refused += volatile_blank(protocol, m, &blanked) < 0;
	}
	ck_assert_uint_gt(refused, message.size / 4);
}

START_TEST(cut_short)
{
	const struct link_facts vrf = { .kind = "vrf", .alias = "" };
	const struct peer_facts peer = { 0 };

	cut(NETLINK_ROUTE, link_of(vrf));
	cut(NETLINK_ROUTE, address_of(1, 1));
	cut(NETLINK_GENERIC, device_of(1, peer));
	cut(NETLINK_NETFILTER, rule("c", 1, "s"));
	cut(NETLINK_NETFILTER, element(1, 2, 3));
}
END_TEST

START_TEST(what_is_not_known)
{
	struct nlmsghdr *m = begin(1234, 20);

	ck_assert_int_eq(volatile_blank(NETLINK_SOCK_DIAG, m, &blanked), -1);
	ck_assert_int_eq(volatile_blank(NETLINK_NETFILTER, m, &blanked), -1);
	ck_assert_int_eq(volatile_blank(NETLINK_ROUTE, m, &blanked), 0);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(links), CHECK_CASE(addresses), CHECK_CASE(routes),
		CHECK_CASE(rules_are_kept), CHECK_CASE(devices),
		CHECK_CASE(keys), CHECK_CASE(rulesets),
		CHECK_CASE(names_are_kept), CHECK_CASE(generations),
		CHECK_CASE(cut_short), CHECK_CASE(what_is_not_known),
	};

	return check_run_within("volatile", cases, array_size(cases), setup,
				teardown);
}
