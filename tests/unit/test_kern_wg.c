/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WireGuard's messages: golden bytes, and dumps cut short anywhere. */
#include <check.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/wg_codec.h"

#define FAMILY 0x1d

static struct arena *arena, *secrets;

static void setup(void)
{
	arena = arena_new((uint64_t)4 << 30);
	secrets = arena_new_secret((size_t)1 << 30);
}

static void teardown(void)
{
	arena_free(arena);
	arena_free(secrets);
}

static struct key key_of(uint8_t byte)
{
	struct key key;

	memset(key.bytes, byte, sizeof(key.bytes));
	return key;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };

	ck_assert_int_eq(prefix_parse(str_of(text), &p), 0);
	return p;
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
		if (*c == ' ' || *c == '\n')
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

#define K(b) b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b

START_TEST(golden_device)
{
	struct key private_key = key_of(0x11);
	const struct device device = {
		.private_key = &private_key,
		.listen_port = 51820,
		.fwmark = 0x12345678,
	}, none = { 0 };
	struct nlmsghdr *m = wg_encode_device(arena, FAMILY, &device,
		DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK);

	wg_set_index(m, 7);
	same_bytes(m,
		"50000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 07000000"
		"2400 0300" K("11")
		"0600 0600 6cca0000"
		"0800 0700 78563412");
	/* Only what is named; none is a key of zeros. */
	m = wg_encode_device(arena, FAMILY, &none, DEVICE_PRIVATE_KEY);
	same_bytes(m,
		"40000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"2400 0300" K("00"));
	m = wg_encode_empty(arena, FAMILY);
	same_bytes(m,
		"24000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000 0800 0500 01000000");
	m = wg_encode_get(arena, FAMILY, 3);
	same_bytes(m,
		"1c000000 1d00 0500 00000000 00000000 00010000"
		"0800 0100 03000000");
}
END_TEST

static struct nlmsghdr *encode_one(const struct wg_entry *entry)
{
	size_t count = 0;
	struct wg_part *parts = wg_split(arena, entry, 1, &count);

	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(parts[0].first, 0);
	ck_assert_uint_eq(parts[0].next, 1);
	return wg_encode_part(arena, FAMILY, &parts[0]);
}

START_TEST(golden_peer)
{
	struct key psk = key_of(0x22);
	const struct prefix prefixes[] = { prefix_of("10.1.0.0/16"),
					   prefix_of("fd00::/8") };
	const struct peer peer = {
		.public_key = key_of(0x33),
		.preshared_key = &psk,
		.endpoint = { prefix_of("192.0.2.1").ip, 0x1234, 0 },
		.keepalive = 25,
	};
	const struct wg_entry entry = {
		.public_key = &peer.public_key,
		.flags = WGPEER_F_UPDATE_ONLY,
		.fields = PEER_PRESHARED_KEY | PEER_ENDPOINT | PEER_KEEPALIVE,
		.peer = &peer,
		.prefixes = prefixes,
		.prefix_count = 2,
	};

	same_bytes(encode_one(&entry),
		"d8000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"bc00 0880" "b800 0080"
		"2400 0100" K("33")
		"0800 0300 04000000"
		"2400 0200" K("22")
		"1400 0400 0200 1234 c0000201 0000000000000000"
		"0600 0500 19000000"
		"4800 0980"
		"1c00 0080 0600 0100 02000000 0800 0200 0a010000"
		"0500 0300 10000000"
		"2800 0080 0600 0100 0a000000"
		"1400 0200 fd000000000000000000000000000000"
		"0500 0300 08000000");
}
END_TEST

START_TEST(golden_change)
{
	const struct peer peer = {
		.public_key = key_of(0x33),
		.endpoint = { prefix_of("fe80::1").ip, 0x1234, 5 },
	};
	struct wg_entry entry = {
		.public_key = &peer.public_key,
		.fields = PEER_PRESHARED_KEY | PEER_KEEPALIVE,
		.peer = &peer,
	};

	/* No preshared key is zeros, no keepalive 0. */
	same_bytes(encode_one(&entry),
		"74000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"5800 0880" "5400 0080"
		"2400 0100" K("33")
		"2400 0200" K("00")
		"0600 0500 00000000");
	entry.fields = PEER_ENDPOINT;
	same_bytes(encode_one(&entry),
		"68000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"4c00 0880" "4800 0080"
		"2400 0100" K("33")
		"2000 0400 0a00 1234 00000000"
		"fe800000000000000000000000000001 05000000");
	entry.fields = 0;
	entry.flags = WGPEER_F_REMOVE_ME;
	same_bytes(encode_one(&entry),
		"50000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"3400 0880" "3000 0080"
		"2400 0100" K("33")
		"0800 0300 01000000");
}
END_TEST

START_TEST(golden_removal)
{
	const struct key one = key_of(0x33), two = key_of(0x44);
	const struct key fresh = key_of(0x55);
	const struct prefix a = prefix_of("10.0.0.0/8");
	const struct prefix b = prefix_of("10.1.2.3");
	const struct wg_entry entries[] = {
		{ .public_key = &one, .flags = WGPEER_F_UPDATE_ONLY,
		  .prefixes = &a, .prefix_count = 1,
		  .remove_prefixes = true },
		{ .public_key = &two, .flags = WGPEER_F_UPDATE_ONLY,
		  .prefixes = &b, .prefix_count = 1,
		  .remove_prefixes = true },
	};
	size_t count;
	struct wg_part *part = wg_split(arena, entries, 2, &count);

	ck_assert_uint_eq(count, 1);
	same_bytes(wg_encode_part(arena, FAMILY, part),
		"d0000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"b400 0880"
		"5800 0080" "2400 0100" K("33") "0800 0300 04000000"
		"2800 0980 2400 0080 0600 0100 02000000"
		"0800 0200 0a000000 0500 0300 08000000"
		"0800 0400 01000000"
		"5800 0080" "2400 0100" K("44") "0800 0300 04000000"
		"2800 0980 2400 0080 0600 0100 02000000"
		"0800 0200 0a010203 0500 0300 20000000"
		"0800 0400 01000000");
	same_bytes(wg_encode_moved_away(arena, FAMILY, part, &fresh),
		"b4000000 1d00 0500 00000000 00000000 01010000"
		"0800 0100 00000000"
		"9800 0880"
		"6400 0080" "2400 0100" K("55")
		"3c00 0980 1c00 0080 0600 0100 02000000"
		"0800 0200 0a000000 0500 0300 08000000"
		"1c00 0080 0600 0100 02000000"
		"0800 0200 0a010203 0500 0300 20000000"
		"3000 0080" "2400 0100" K("55") "0800 0300 01000000");
}
END_TEST

/* A dump's part as 6.1 gives it: index, name, keys, two peers. */
static struct nlmsghdr *dump_part(void)
{
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(51820),
		.sin6_addr.s6_addr = { 0xfe, 0x80, [15] = 1 },
		.sin6_scope_id = 9,
	};
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons(51820),
		.sin_addr.s_addr = htonl(0xc0000207),
	};
	struct nlmsghdr *m = mnl_nlmsg_put_header(arena_alloc(arena, 4096));
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));
	int64_t when[2] = { 1700000000, 5 };
	struct nlattr *peers, *peer, *list, *item;
	struct key k = key_of(1);
	uint8_t address[16] = { 10, 9, 8, 0 };

	m->nlmsg_type = FAMILY;
	g->cmd = WG_CMD_GET_DEVICE;
	mnl_attr_put_u16(m, WGDEVICE_A_LISTEN_PORT, 51820);
	mnl_attr_put_u32(m, WGDEVICE_A_FWMARK, 99);
	mnl_attr_put_u32(m, WGDEVICE_A_IFINDEX, 12);
	mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, "wg0");
	mnl_attr_put(m, WGDEVICE_A_PRIVATE_KEY, 32, k.bytes);
	k = key_of(2);
	mnl_attr_put(m, WGDEVICE_A_PUBLIC_KEY, 32, k.bytes);
	peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
	for (int i = 0; i < 2; i++) {
		peer = mnl_attr_nest_start(m, 0);
		k = key_of((uint8_t)(0x30 + i));
		mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, 32, k.bytes);
		k = key_of(i ? 0 : 0x40);
		mnl_attr_put(m, WGPEER_A_PRESHARED_KEY, 32, k.bytes);
		mnl_attr_put(m, WGPEER_A_LAST_HANDSHAKE_TIME, 16, when);
		mnl_attr_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
				 25);
		mnl_attr_put_u64(m, WGPEER_A_TX_BYTES, 1234);
		mnl_attr_put_u64(m, WGPEER_A_RX_BYTES, 5678);
		mnl_attr_put_u32(m, WGPEER_A_PROTOCOL_VERSION, 1);
		mnl_attr_put(m, WGPEER_A_ENDPOINT, i ? sizeof(v4) : sizeof(v6),
			     i ? (const void *)&v4 : (const void *)&v6);
		list = mnl_attr_nest_start(m, WGPEER_A_ALLOWEDIPS);
		item = mnl_attr_nest_start(m, 0);
		mnl_attr_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, 24);
		mnl_attr_put_u16(m, WGALLOWEDIP_A_FAMILY, 2);
		address[3] = 0;
		mnl_attr_put(m, WGALLOWEDIP_A_IPADDR, 4, address);
		mnl_attr_nest_end(m, item);
		mnl_attr_nest_end(m, list);
		mnl_attr_nest_end(m, peer);
	}
	mnl_attr_nest_end(m, peers);
	return m;
}

START_TEST(decode_part)
{
	struct device d = { .name = "wg0" };
	struct wg_reader r;
	struct err e;
	uint16_t port = 0;

	wg_read_start(&r, arena, secrets, &d);
	ck_assert_int_eq(wg_read_part(&r, dump_part(), &e), 0);
	wg_read_end(&r);
	ck_assert_uint_eq(d.index, 12);
	ck_assert_uint_eq(d.listen_port, 51820);
	ck_assert_uint_eq(d.fwmark, 99);
	ck_assert_uint_eq(d.private_key->bytes[31], 1);
	ck_assert_uint_eq(d.public_key.bytes[0], 2);
	ck_assert_uint_eq(d.peer_count, 2);
	ck_assert_uint_eq(d.peers[0].public_key.bytes[5], 0x30);
	ck_assert_uint_eq(d.peers[0].preshared_key->bytes[5], 0x40);
	ck_assert_ptr_null(d.peers[1].preshared_key);
	ck_assert_int_eq(d.peers[0].last_handshake, 1700000000);
	ck_assert_uint_eq(d.peers[0].keepalive, 25);
	ck_assert_uint_eq(d.peers[0].sent, 1234);
	ck_assert_uint_eq(d.peers[0].received, 5678);
	ck_assert_uint_eq(d.peers[0].endpoint.ip.family, AF_INET6);
	ck_assert_uint_eq(d.peers[0].endpoint.ip.bytes[15], 1);
	ck_assert_uint_eq(d.peers[0].endpoint.port, 51820);
	ck_assert_uint_eq(d.peers[0].endpoint.scope, 9);
	ck_assert_uint_eq(d.peers[1].endpoint.ip.bytes[3], 7);
	ck_assert_uint_eq(d.peers[1].allowed_ip_count, 1);
	ck_assert_uint_eq(d.peers[1].allowed_ips[0].length, 24);
	ck_assert_uint_eq(d.peers[1].allowed_ips[0].ip.bytes[1], 9);
	ck_assert_int_eq(wg_decode_port(dump_part(), &port, &e), 0);
	ck_assert_uint_eq(port, 51820);
}
END_TEST

/* Whether a message may end here: between attributes of the outermost row. */
static bool is_border(const struct nlmsghdr *m, size_t length)
{
	struct attrs left;
	const struct nlattr *a;

	ck_assert_int_eq(attrs_of(m, sizeof(struct genlmsghdr), &left), 0);
	for (;;) {
		size_t at = (size_t)(left.data - (const char *)m);

		/* The padding of the last one may be missing. */
		if (length == at)
			return true;
		if (attrs_next(&left, &a) <= 0)
			return false;
		if (length >= (size_t)((const char *)a - (const char *)m) +
			      a->nla_len &&
		    length < (size_t)(left.data - (const char *)m))
			return true;
	}
}

START_TEST(truncated)
{
	const struct nlmsghdr *whole = dump_part();

	for (uint32_t n = 16; n < whole->nlmsg_len; n++) {
		struct nlmsghdr *cut = malloc(n);
		struct device d = { 0 };
		struct wg_reader r;
		struct err e;
		uint16_t port;

		memcpy(cut, whole, n);
		cut->nlmsg_len = n;
		wg_read_start(&r, arena, secrets, &d);
		ck_assert_int_eq(wg_read_part(&r, cut, &e),
				 is_border(whole, n) ? 0 : -1);
		ck_assert_int_eq(wg_decode_port(cut, &port, &e),
				 is_border(whole, n) ? 0 : -1);
		free(cut);
	}
}
END_TEST

/* Each value of the wrong size or out of its range is an error. */
START_TEST(wrong_values)
{
	static const struct { uint16_t type; uint16_t size; } bad[] = {
		{ WGPEER_A_PUBLIC_KEY, 31 }, { WGPEER_A_PUBLIC_KEY, 33 },
		{ WGPEER_A_PRESHARED_KEY, 8 }, { WGPEER_A_ENDPOINT, 1 },
		{ WGPEER_A_ENDPOINT, 16 }, { WGPEER_A_RX_BYTES, 4 },
		{ WGPEER_A_LAST_HANDSHAKE_TIME, 8 },
		{ WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 4 },
		{ WGPEER_A_ALLOWEDIPS, 3 }, { WGPEER_A_ALLOWEDIPS, 8 },
	};
	const uint8_t filler[64] = { [0] = 77 };

	for (size_t i = 0; i < array_size(bad); i++) {
		struct nlmsghdr *m = mnl_nlmsg_put_header(
			arena_alloc(arena, 512));
		struct key k = key_of(9);
		struct nlattr *peers, *peer;
		struct device d = { 0 };
		struct wg_reader r;
		struct err e;

		mnl_nlmsg_put_extra_header(m, sizeof(struct genlmsghdr));
		peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
		peer = mnl_attr_nest_start(m, 0);
		if (bad[i].type != WGPEER_A_PUBLIC_KEY)
			mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, 32, k.bytes);
		mnl_attr_put(m, bad[i].type, bad[i].size, filler);
		mnl_attr_nest_end(m, peer);
		mnl_attr_nest_end(m, peers);
		wg_read_start(&r, arena, secrets, &d);
		ck_assert_msg(wg_read_part(&r, m, &e) < 0, "case %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kern_wg");
	TCase *codec = tcase_create("codec");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(codec, setup, teardown);
	tcase_add_test(codec, golden_device);
	tcase_add_test(codec, golden_peer);
	tcase_add_test(codec, golden_change);
	tcase_add_test(codec, golden_removal);
	tcase_add_test(codec, decode_part);
	tcase_add_test(codec, truncated);
	tcase_add_test(codec, wrong_values);
	suite_add_tcase(suite, codec);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
