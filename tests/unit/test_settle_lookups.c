/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoints the kernel is asked about: all where the MTU is automatic,
 * else those that something might lead into the tunnel.
 */
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct build want, have;
static struct device *device;
static const struct plan_options options = { .now = 1000 };

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	build_init(&want, arena, MESH);
	build_init(&have, arena, MESH);
	device = build_device(&want, "wg0", 1);
	device->automatic = 0;
	build_addresses(&want, device, "10.0.0.1/24,fd00::1/64");
	build_route(&want, "192.0.2.0/25", "wg0", 254);
	build_route(&want, "192.0.2.128/25", "wg0", 254);
	build_route(&want, "198.51.100.0/24", "eth0", 254);
	state_normalise(&want.s);
}

static void end(void)
{
	arena_free(arena);
}

/* How many questions a peer with this endpoint makes. */
static size_t asked(const char *endpoint)
{
	struct peer peer = { .endpoint = build_endpoint(endpoint) };
	struct lookup *lookups;
	size_t count;

	device->peers = &peer;
	device->peer_count = 1;
	count = settle_lookups(arena, &want.s, &have.s, NULL, &options,
			       &lookups);
	if (count == 1)
		ck_assert_ptr_eq(lookups[0].peer, &peer);
	return count;
}

START_TEST(asks_of_what_is_wanted)
{
	ck_assert_uint_eq(asked("192.0.1.255:1"), 0);
	ck_assert_uint_eq(asked("192.0.2.0:1"), 1);
	ck_assert_uint_eq(asked("192.0.2.127:1"), 1);
	ck_assert_uint_eq(asked("192.0.2.128:1"), 1);
	ck_assert_uint_eq(asked("192.0.2.255:1"), 1);
	ck_assert_uint_eq(asked("192.0.3.0:1"), 0);
	ck_assert_uint_eq(asked("198.51.100.1:1"), 0);
}
END_TEST

START_TEST(asks_of_addresses)
{
	ck_assert_uint_eq(asked("10.0.0.0:1"), 1);
	ck_assert_uint_eq(asked("10.0.0.255:1"), 1);
	ck_assert_uint_eq(asked("10.0.1.0:1"), 0);
	ck_assert_uint_eq(asked("[fd00::2]:1"), 1);
	ck_assert_uint_eq(asked("[fd00:0:0:1::2]:1"), 0);
	/* The numbers of one family are not those of the other. */
	ck_assert_uint_eq(asked("[a00::1]:1"), 0);
}
END_TEST

START_TEST(asks_of_what_is_there)
{
	struct device *there = build_device(&have, "wg0", 1);

	build_addresses(&have, there, "10.9.0.1/16");
	build_route(&have, "203.0.113.0/24", "wg0", 254);
	build_route(&have, "198.18.0.0/15", "eth0", 254);
	ck_assert_uint_eq(asked("10.9.200.1:1"), 1);
	ck_assert_uint_eq(asked("203.0.113.9:1"), 1);
	ck_assert_uint_eq(asked("198.18.0.1:1"), 0);
	/* One of several next hops may be ours. */
	build_route(&have, "198.18.0.0/16", "", 254)->opaque = true;
	ck_assert_uint_eq(asked("198.18.0.1:1"), 1);
	ck_assert_uint_eq(asked("198.19.0.1:1"), 0);
}
END_TEST

START_TEST(asks_of_links)
{
	ck_assert_uint_eq(asked("[fe80::1%1]:1"), 1);
	ck_assert_uint_eq(asked("[2001:db8::1]:1"), 0);
}
END_TEST

START_TEST(everything_is_covered)
{
	build_route(&want, "0.0.0.0/0", "wg0", 254);
	build_route(&want, "::/0", "wg0", 254);
	ck_assert_uint_eq(asked("255.255.255.255:1"), 1);
	ck_assert_uint_eq(asked("0.0.0.1:1"), 1);
	ck_assert_uint_eq(asked("[2001:db8::1]:1"), 1);
}
END_TEST

START_TEST(asks_of_all_for_the_mtu)
{
	device->automatic = DEVICE_MTU;
	/* And the default route of either family. */
	ck_assert_uint_eq(asked("192.0.1.255:1"), 3);
}
END_TEST

/* Of a name that rotates it is the address that is kept. */
START_TEST(asks_of_what_a_peer_keeps)
{
	struct device *there = build_device(&have, "wg0", 1);
	struct peer kept = {
		.endpoint = build_endpoint("192.0.2.1:1"),
		.last_handshake = 990,
	};
	struct peer peer = {
		.endpoint = build_endpoint("[2001:db8::1]:1"),
		.endpoint_host = "a.example", .endpoint_port = 1,
	};
	struct lookup *lookups;

	there->peers = &kept;
	there->peer_count = 1;
	device->peers = &peer;
	device->peer_count = 1;
	device->automatic = DEVICE_MTU;
	ck_assert_uint_eq(settle_lookups(arena, &want.s, &have.s, NULL,
					 &options, &lookups), 3);
	ck_assert_int_eq(lookups[0].endpoint.ip.family, AF_INET);
	/* Nothing is heard from it: it is given the other. */
	kept.last_handshake = 0;
	peer.keepalive = 25;
	ck_assert_uint_eq(settle_lookups(arena, &want.s, &have.s, NULL,
					 &options, &lookups), 3);
	ck_assert_int_eq(lookups[0].endpoint.ip.family, AF_INET6);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(asks_of_what_is_wanted),
		CHECK_CASE(asks_of_addresses),
		CHECK_CASE(asks_of_what_is_there),
		CHECK_CASE(asks_of_links),
		CHECK_CASE(everything_is_covered),
		CHECK_CASE(asks_of_all_for_the_mtu),
		CHECK_CASE(asks_of_what_a_peer_keeps),
	};

	return check_run_within("settle: lookups", cases, array_size(cases),
				start, end);
}
