/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and ways of hosts that are crowded, or have rules of their own. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define ENDPOINT "198.51.100.1:51820"

static struct arena *arena;
static struct build want, have;
static struct device *device;
static struct diags diags;
static struct lookup lookup;
static struct plan_options options;
static struct err err;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	build_init(&want, arena, MESH);
	build_init(&have, arena, MESH);
	memset(&options, 0, sizeof(options));
	memset(&err, 0, sizeof(err));
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, "10.0.0.1/24");
	build_peer(&want, device, 11, ENDPOINT, "10.0.0.0/24");
	diags_init(&diags, arena);
}

static void end(void)
{
	arena_free(arena);
}

static void settle(void)
{
	ck_assert_msg(!settle_numbers(arena, &want.s, &have.s, NULL, &err),
		      "%s", err.text);
}

static void put_link(const char *name, uint32_t vrf_table)
{
	struct link *l = arena_new_array(arena, struct link, 1);

	strcpy(l->name, name);
	l->index = 3;
	l->vrf_table = vrf_table;
	have.s.links = l;
	have.s.link_count = 1;
}

START_TEST(number_of_a_vrf_is_taken)
{
	put_link("red", 51820);
	build_full_tunnel(&want, device, AF_INET);
	settle();
	ck_assert_uint_eq(device->fwmark, 51821);
}
END_TEST

/* No route has an automatic table, a rule has. */
START_TEST(number_for_a_rule_alone)
{
	struct rule *r = build_rule(&want, AF_INET, 100, 0);

	r->automatic = RULE_TABLE;
	settle();
	ck_assert_uint_eq(want.s.rules[0].table, 51820);
	ck_assert_uint_eq(device->fwmark, 0);
}
END_TEST

/* Without a mark to tell it, the table that our routes are in. */
START_TEST(table_of_our_routes_is_kept)
{
	build_route(&want, "10.9.0.0/16", "wg0", 0)->automatic = ROUTE_TABLE;
	build_route(&have, "10.9.0.0/16", "wg0", 51825)->owned = true;
	settle();
	ck_assert_uint_eq(want.s.routes[0].table, 51825);
}
END_TEST

START_TEST(any_port)
{
	device->automatic = DEVICE_LISTEN_PORT;
	device->has |= DEVICE_LISTEN_PORT;
	settle();
	ck_assert(!(device->has & DEVICE_LISTEN_PORT));
	ck_assert_uint_eq(device->automatic, 0);
}
END_TEST

/* A rule of the same source has the place that would be taken first. */
START_TEST(priority_that_is_written_out)
{
	build_full_tunnel(&want, device, AF_INET);
	build_rule(&want, AF_INET, 32765, 99);
	settle();
	for (size_t i = 0; i < want.s.rule_count; i++)
		if (want.s.rules[i].table != 99)
			ck_assert_uint_lt(want.s.rules[i].priority, 32764);
}
END_TEST

/* What the kernel says of the endpoint now. */
static void goes_by(const char *name, const char *prefix, uint32_t table)
{
	lookup = (struct lookup){
		.endpoint = build_endpoint(ENDPOINT), .found = true,
		.mtu = 1500, .table = table, .peer = &device->peers[0],
		.prefix = build_prefix(prefix),
	};
	strcpy(lookup.device, name);
}

static size_t loops(void)
{
	diags_init(&diags, arena);
	state_normalise(&want.s);
	lookup.peer = &device->peers[0];
	settle_mtu(&want.s, &have.s, &options, &lookup, 1, &diags);
	return diags.errors;
}

static struct rule *local_rule(uint32_t priority, uint32_t table)
{
	struct rule *r = build_rule(&have, AF_INET, priority, table);

	r->protocol = RTPROT_KERNEL;
	return r;
}

/* Of a wanted route and one that is there, equal in length. */
START_TEST(metric_decides)
{
	struct route *r = build_route(&want, "198.51.100.0/24", "wg0",
				      RT_TABLE_MAIN);

	local_rule(32766, RT_TABLE_MAIN);
	goes_by("eth0", "198.51.100.0/24", RT_TABLE_MAIN);
	r->metric = 10;
	ck_assert_uint_eq(loops(), 0);
	r->metric = 0;
	ck_assert_uint_eq(loops(), 1);
	/* Longer: whatever its metric. */
	goes_by("eth0", "198.51.0.0/16", RT_TABLE_MAIN);
	r->metric = 10;
	ck_assert_uint_eq(loops(), 1);
}
END_TEST

/* Several with one prefix: the best of them counts. */
START_TEST(best_metric_of_several)
{
	for (uint32_t metric = 5; metric--;)
		build_route(&want, "198.51.100.0/24", "wg0",
			    RT_TABLE_MAIN)->metric = 3 * metric;
	local_rule(32766, RT_TABLE_MAIN);
	goes_by("eth0", "198.51.100.0/24", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 1);
}
END_TEST

/* Connected ones stand in the order in which they came. */
START_TEST(connected_comes_second)
{
	build_addresses(&want, device, "198.51.100.9/24");
	local_rule(32766, RT_TABLE_MAIN);
	goes_by("eth0", "198.51.100.0/24", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 0);
	goes_by("eth0", "198.51.0.0/16", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 1);
}
END_TEST

/* A rule that sends to no table ends the search, one of another family not. */
START_TEST(rule_without_a_table)
{
	struct rule *r = local_rule(100, 0);

	build_route(&want, "198.51.100.0/24", "wg0", RT_TABLE_MAIN);
	local_rule(32766, RT_TABLE_MAIN);
	goes_by("eth0", "0.0.0.0/0", RT_TABLE_MAIN);
	r->action = FR_ACT_BLACKHOLE;
	r->family = AF_INET6;
	ck_assert_uint_eq(loops(), 1);
	r->family = AF_INET;
	ck_assert_uint_eq(loops(), 0);
}
END_TEST

/* Who cannot see the rules still looks at the main table. */
START_TEST(main_table_without_a_rule)
{
	build_route(&want, "198.51.100.0/24", "wg0", RT_TABLE_MAIN);
	goes_by("eth0", "0.0.0.0/0", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 1);
}
END_TEST

/* By a subnet that goes with its address it leads into the tunnel no more. */
START_TEST(subnet_of_an_address_that_goes)
{
	struct device *d = build_device(&have, "wg0", 1);

	d->owned = true;
	build_addresses(&have, d, "198.51.100.9/24");
	local_rule(32766, RT_TABLE_MAIN);
	goes_by("wg0", "198.51.100.0/24", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 0);
	goes_by("wg0", "198.51.0.0/16", RT_TABLE_MAIN);
	ck_assert_uint_eq(loops(), 1);
}
END_TEST

/* All ways lead into the tunnel for now: the MTU is what it was. */
START_TEST(mtu_without_a_path_is_kept)
{
	struct device *d = build_device(&have, "wg0", 1);

	d->owned = true;
	d->mtu = 1333;
	device->automatic = DEVICE_MTU;
	goes_by("wg0", "0.0.0.0/0", 51820);
	(void)loops();
	ck_assert_uint_eq(device->mtu, 1333);
	have.s.device_count = 0;
	device->automatic = DEVICE_MTU;
	(void)loops();
	ck_assert_uint_eq(device->mtu, 1420);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(number_of_a_vrf_is_taken),
		CHECK_CASE(number_for_a_rule_alone),
		CHECK_CASE(table_of_our_routes_is_kept),
		CHECK_CASE(any_port),
		CHECK_CASE(priority_that_is_written_out),
		CHECK_CASE(metric_decides),
		CHECK_CASE(best_metric_of_several),
		CHECK_CASE(connected_comes_second),
		CHECK_CASE(rule_without_a_table),
		CHECK_CASE(main_table_without_a_rule),
		CHECK_CASE(subnet_of_an_address_that_goes),
		CHECK_CASE(mtu_without_a_path_is_kept),
	};

	return check_run_within("settle: seldom", cases,
				sizeof(cases) / sizeof(*cases), start, end);
}
