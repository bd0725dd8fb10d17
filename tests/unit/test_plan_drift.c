/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three ways to differ: somebody changed the kernel, the source has changed,
 * or both.  The first alone is drift.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define PEER_SEED 11

static struct arena *arena;
static struct bench bench;
static struct build last, want;
static struct device *device;	/* of want */
static struct peer *peer;
static struct plan plan;
static struct err err;

static void fill(struct build *b)
{
	build_init(b, arena, MESH);
	device = build_device(b, "wg0", 1);
	build_addresses(b, device, "10.0.0.1/24,10.0.0.9/24");
	peer = build_peer(b, device, PEER_SEED, "198.51.100.1:51820",
			  "10.0.0.2/32,10.9.0.0/16");
	build_route(b, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	build_rule(b, AF_INET, 700, 1234);
}

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	bench_init(&bench, arena, MESH);
	fill(&last);
	ck_assert_msg(!bench_converge(&bench, &last.s, NULL, &plan, &err),
		      "%s", err.text);
	ck_assert(!plan.count || !plan.steps[0].drift);
	fill(&want);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct model_link *live(void)
{
	return model_link_find(bench.model, "wg0");
}

static struct route *live_route(void)
{
	for (size_t i = 0; i < bench.model->route_count; i++)
		if (bench.model->routes[i].protocol == OUR_PROTOCOL)
			return &bench.model->routes[i];
	ck_abort_msg("no route of ours");
	return NULL;
}

/* One step, of KIND. */
static void expect(enum step_kind kind, bool drift)
{
	ck_assert_msg(!bench_converge(&bench, &want.s, &last.s, &plan, &err),
		      "%s", err.text);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].kind, kind);
	ck_assert_int_eq(plan.steps[0].drift, drift);
}

static void drop_route(void)
{
	struct route *route = live_route();

	*route = bench.model->routes[--bench.model->route_count];
}

START_TEST(route_deleted)
{
	drop_route();
	expect(STEP_ROUTE_ADD, true);
}
END_TEST

START_TEST(route_new)
{
	build_route(&want, "10.8.0.0/16", "wg0", RT_TABLE_MAIN);
	expect(STEP_ROUTE_ADD, false);
}
END_TEST

START_TEST(route_replaced)
{
	live_route()->mtu = 1300;
	expect(STEP_ROUTE_REPLACE, true);
}
END_TEST

START_TEST(route_other)
{
	want.s.routes[0].mtu = 1300;
	expect(STEP_ROUTE_REPLACE, false);
}
END_TEST

/* Its key was applied before, but not what is wanted of it now. */
START_TEST(route_deleted_and_other)
{
	drop_route();
	want.s.routes[0].mtu = 1300;
	expect(STEP_ROUTE_ADD, false);
}
END_TEST

START_TEST(route_put)
{
	struct route extra = want.s.routes[0];

	extra.prefix = build_prefix("10.77.0.0/16");
	model_route_put(bench.model, &extra);
	expect(STEP_ROUTE_REMOVE, true);
}
END_TEST

START_TEST(route_gone)
{
	want.s.route_count = 0;
	expect(STEP_ROUTE_REMOVE, false);
}
END_TEST

START_TEST(keepalive_set)
{
	live()->peers[0].keepalive = 5;
	expect(STEP_PEER_CHANGE, true);
}
END_TEST

START_TEST(keepalive_other)
{
	peer->keepalive = 7;
	expect(STEP_PEER_CHANGE, false);
}
END_TEST

START_TEST(keepalive_both)
{
	live()->peers[0].keepalive = 5;
	peer->keepalive = 7;
	expect(STEP_PEER_CHANGE, false);
}
END_TEST

START_TEST(peer_new)
{
	build_peer(&want, device, 12, NULL, "10.0.0.3/32");
	expect(STEP_PEER_ADD, false);
}
END_TEST

START_TEST(peer_deleted)
{
	live()->device.peer_count = 0;
	expect(STEP_PEER_ADD, true);
}
END_TEST

START_TEST(allowed_ip_less)
{
	peer->allowed_ip_count = 1;
	want.s.route_count = 0;
	ck_assert(!bench_converge(&bench, &want.s, &last.s, &plan, &err));
	ck_assert_uint_eq(plan.count, 2);
	ck_assert(!plan.steps[0].drift && !plan.steps[1].drift);
}
END_TEST

START_TEST(address_less)
{
	device->address_count = 1;
	expect(STEP_ADDRESS_REMOVE, false);
}
END_TEST

START_TEST(link_down)
{
	live()->link.up = false;
	expect(STEP_LINK_CHANGE, true);
}
END_TEST

START_TEST(mtu_other)
{
	device->mtu = 1380;
	expect(STEP_LINK_CHANGE, false);
}
END_TEST

START_TEST(rule_new)
{
	build_rule(&want, AF_INET, 701, 1235);
	expect(STEP_RULE_ADD, false);
}
END_TEST

START_TEST(rule_gone)
{
	want.s.rule_count = 0;
	expect(STEP_RULE_REMOVE, false);
}
END_TEST

START_TEST(rule_put)
{
	struct rule extra = want.s.rules[0];

	extra.priority = 800;
	model_rule_put(bench.model, &extra);
	expect(STEP_RULE_REMOVE, true);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(route_deleted), CHECK_CASE(route_new),
		CHECK_CASE(route_replaced), CHECK_CASE(route_other),
		CHECK_CASE(route_deleted_and_other), CHECK_CASE(route_put),
		CHECK_CASE(route_gone), CHECK_CASE(keepalive_set),
		CHECK_CASE(keepalive_other), CHECK_CASE(keepalive_both),
		CHECK_CASE(peer_new), CHECK_CASE(peer_deleted),
		CHECK_CASE(allowed_ip_less), CHECK_CASE(address_less),
		CHECK_CASE(link_down), CHECK_CASE(mtu_other),
		CHECK_CASE(rule_new), CHECK_CASE(rule_gone),
		CHECK_CASE(rule_put),
	};

	return check_run_within("plan_drift", cases, array_size(cases), setup,
				teardown);
}
