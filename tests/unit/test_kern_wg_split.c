/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard's messages for many peers: split anywhere, and read back the same.
 * The attributes are the same in both directions, so that what is sent can be
 * read by what reads dumps.
 */
#include <check.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
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

/* Deterministic: a failure can be seen again. */
static uint32_t random_state;

static uint32_t roll(uint32_t below)
{
	random_state = (uint32_t)((uint64_t)random_state * 1664525 +
				  1013904223);
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
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

static struct prefix random_prefix(void)
{
	struct prefix p = { .ip.family = roll(2) ? AF_INET : AF_INET6 };

	p.length = (uint8_t)roll(ip_bits(p.ip.family) + 1);
	for (unsigned int i = 0; i < ip_bits(p.ip.family) / 8; i++)
		p.ip.bytes[i] = (uint8_t)roll(256);
	return prefix_mask(p);
}

static void random_peer(struct peer *peer, uint32_t number, uint32_t most)
{
	struct prefix *prefixes;
	struct key *psk;

	peer->public_key = key_of((uint8_t)roll(256));
	memcpy(peer->public_key.bytes, &number, sizeof(number));
	peer->allowed_ip_count = roll(most + 1);
	prefixes = arena_new_array(arena, struct prefix,
				   peer->allowed_ip_count);
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		prefixes[i] = random_prefix();
	peer->allowed_ips = prefixes;
	if (roll(2)) {
		psk = arena_new_object(arena, struct key);
		*psk = key_of((uint8_t)(1 + roll(255)));
		peer->preshared_key = psk;
	}
	if (roll(3)) {
		peer->endpoint.ip = random_prefix().ip;
		peer->endpoint.port = (uint16_t)(1 + roll(65535));
	}
	peer->keepalive = roll(2) ? (uint16_t)roll(65536) : 0;
}

static struct peer *random_peers(size_t count, uint32_t most)
{
	struct peer *peers = arena_new_array(arena, struct peer, count);

	/* Now and then one whose list is longer than several messages. */
	for (size_t i = 0; i < count; i++)
		random_peer(&peers[i], (uint32_t)i,
			    roll(100) ? most : most * 500);
	return peers;
}

static void same_peers(const struct device *d, const struct peer *peers,
		       size_t count)
{
	ck_assert_uint_eq(d->peer_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct peer *a = &peers[i], *b = &d->peers[i];

		ck_assert(key_equal(&a->public_key, &b->public_key));
		ck_assert(!a->preshared_key == !b->preshared_key);
		ck_assert(!a->preshared_key ||
			  key_equal(a->preshared_key, b->preshared_key));
		ck_assert(!endpoint_compare(&a->endpoint, &b->endpoint));
		ck_assert_uint_eq(a->keepalive, b->keepalive);
		ck_assert_uint_eq(a->allowed_ip_count, b->allowed_ip_count);
		for (size_t j = 0; j < a->allowed_ip_count; j++)
			ck_assert(!prefix_compare(&a->allowed_ips[j],
						  &b->allowed_ips[j]));
	}
}

static struct wg_entry *entries_of(const struct peer *peers, size_t count)
{
	struct wg_entry *entries = arena_new_array(arena, struct wg_entry,
						   count);

	for (size_t i = 0; i < count; i++)
		entries[i] = (struct wg_entry){
			.public_key = &peers[i].public_key,
			.fields = PEER_PRESHARED_KEY | PEER_ENDPOINT |
				  PEER_KEEPALIVE,
			.peer = &peers[i],
			.prefixes = peers[i].allowed_ips,
			.prefix_count = peers[i].allowed_ip_count,
		};
	return entries;
}

/* Sent, and read back. */
static void check_split(size_t count, uint32_t most)
{
	size_t mark = arena_mark(arena), secret = arena_mark(secrets);
	struct peer *peers = random_peers(count, most);
	struct wg_entry *entries = entries_of(peers, count);
	struct device d = { 0 };
	struct wg_part *parts;
	size_t part_count, at = 0;
	struct wg_reader r;
	struct err e;

	parts = wg_split(arena, entries, count, &part_count);
	wg_read_start(&r, arena, secrets, &d);
	for (size_t i = 0; i < part_count; i++) {
		struct nlmsghdr *m = wg_encode_part(arena, FAMILY, &parts[i]);

		ck_assert_uint_le(m->nlmsg_len, WG_MESSAGE_MAX);
		ck_assert_uint_eq(parts[i].first, at);
		ck_assert_uint_ge(parts[i].next, at);
		at = parts[i].next;
		ck_assert_int_eq(wg_read_part(&r, m, &e), 0);
	}
	ck_assert_uint_eq(at, count);
	wg_read_end(&r);
	same_peers(&d, peers, count);
	arena_reset(arena, mark);
	arena_reset(secrets, secret);
}

START_TEST(split_any_number)
{
	for (size_t n = 0; n <= 300; n++) {
		random_state = (uint32_t)n;
		check_split(n, roll(8));
	}
}
END_TEST

START_TEST(split_many)
{
	random_state = 42;
	check_split(1000, 40);
	check_split(20000, 3);
	check_split(1, 60000);
}
END_TEST

/* Messages are filled: 20 000 peers are some dozens, not thousands. */
START_TEST(few_messages)
{
	struct peer *peers = arena_new_array(arena, struct peer, 20000);
	struct wg_entry *entries = entries_of(peers, 20000);
	size_t count;
	struct wg_part *parts = wg_split(arena, entries, 20000, &count);

	for (size_t i = 0; i + 1 < count; i++)
		ck_assert_uint_gt(wg_encode_part(arena, FAMILY,
						 &parts[i])->nlmsg_len,
				  WG_MESSAGE_MAX * 9 / 10);
	ck_assert_uint_lt(count, 60);
}
END_TEST

/* A dump's parts end anywhere: after any peer, after any of its prefixes. */
static size_t cut_anywhere(const struct wg_entry *entries, size_t count,
			   struct wg_entry *pieces)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct wg_entry rest = entries[i];

		for (;;) {
			size_t take = rest.prefix_count;

			if (roll(2))
				take = roll((uint32_t)take + 1);
			pieces[n] = rest;
			pieces[n++].prefix_count = take;
			rest.prefixes += take;
			rest.prefix_count -= take;
			rest.fields = 0;
			if (!rest.prefix_count)
				break;
		}
	}
	return n;
}

START_TEST(parts_cut_anywhere)
{
	static struct wg_entry pieces[4000];

	for (uint32_t round = 0; round < 200; round++) {
		size_t mark = arena_mark(arena), count, n, next;
		struct wg_reader r;
		struct device d = { 0 };
		struct peer *peers;
		struct err e;

		random_state = round;
		count = roll(30);
		peers = arena_new_array(arena, struct peer, count);
		for (size_t i = 0; i < count; i++)
			random_peer(&peers[i], (uint32_t)i, 20);
		n = cut_anywhere(entries_of(peers, count), count, pieces);
		wg_read_start(&r, arena, secrets, &d);
		for (size_t i = 0; i < n; i = next) {
			struct wg_part part = { .entries = pieces + i };

			next = i + 1 + roll((uint32_t)(n - i));
			part.count = next - i;
			ck_assert_int_eq(wg_read_part(&r,
				wg_encode_part(arena, FAMILY, &part), &e), 0);
			/* A dump interrupted here is begun again. */
			if (!roll(50)) {
				wg_read_restart(&r);
				next = 0;
			}
		}
		wg_read_end(&r);
		same_peers(&d, peers, count);
		arena_reset(arena, mark);
	}
}
END_TEST

/* What goes on of a long list is for a peer that is there, and only that. */
START_TEST(long_list)
{
	struct peer peer = { .keepalive = 3 };
	struct prefix *prefixes = arena_new_array(arena, struct prefix, 3000);
	struct wg_entry entries[2] = { { 0 } };
	struct wg_part *parts;
	size_t count, sum = 0;

	for (size_t i = 0; i < 3000; i++)
		prefixes[i] = prefix_of("fd00::/64");
	peer.allowed_ips = prefixes;
	peer.allowed_ip_count = 3000;
	entries[0] = *entries_of(&peer, 1);
	entries[1] = entries[0];
	entries[1].prefix_count = 1;
	parts = wg_split(arena, entries, 2, &count);
	ck_assert_uint_eq(count, 5);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(parts[i].count, 1);
		ck_assert_uint_eq(parts[i].first, 0);
		ck_assert_uint_eq(parts[i].next, i == 3);
		ck_assert_uint_eq(parts[i].entries->flags,
				  i ? WGPEER_F_UPDATE_ONLY : 0);
		ck_assert_uint_eq(parts[i].entries->fields != 0, i == 0);
		sum += parts[i].entries->prefix_count;
	}
	ck_assert_uint_eq(sum, 3000);
	ck_assert_uint_eq(parts[4].first, 1);
	ck_assert_uint_eq(parts[4].next, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kern_wg_split");
	TCase *split = tcase_create("split");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(split, setup, teardown);
	tcase_set_timeout(split, 120);
	tcase_add_test(split, split_any_number);
	tcase_add_test(split, split_many);
	tcase_add_test(split, few_messages);
	tcase_add_test(split, parts_cut_anywhere);
	tcase_add_test(split, long_list);
	suite_add_tcase(suite, split);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
