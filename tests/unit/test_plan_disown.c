/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mesh that is left running as nobody's, and taken over again. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct bench bench;
static struct build first, want, nothing;
static struct plan plan;
static struct state have;
static struct err err;

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	bench_init(&bench, arena, MESH);
	build_init(&nothing, arena, MESH);
}

static void teardown(void)
{
	arena_free(arena);
}

/* Routes of both kinds, a full tunnel, a firewall. */
static void fill(struct build *b)
{
	struct device *d;

	build_init(b, arena, MESH);
	d = build_device(b, "wg0", 1);
	build_addresses(b, d, "10.0.0.1/24");
	build_peer(b, d, 11, "198.51.100.1:51820", "10.0.0.2/32,10.9.0.0/16");
	build_route(b, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	build_full_tunnel(b, d, AF_INET);
	build_firewall(b, "table\n");
}

static void apply(struct build *b, const struct state *last)
{
	ck_assert_msg(!bench_converge(&bench, &b->s, last, &plan, &err), "%s",
		      err.text);
}

/* What disowning would do now, LAST having been applied. */
static void plan_now(const struct state *last)
{
	bench_observe(&bench, &first.s, NULL, last, &have);
	bench.options.disown = true;
	ck_assert_int_eq(plan_diff(arena, &nothing.s, &have, last,
				   &bench.options, &plan, &err), 0);
}

static void disown(void)
{
	size_t done;

	fill(&first);
	apply(&first, NULL);
	plan_now(&first.s);
	ck_assert_uint_gt(plan.count, 0);
	ck_assert_msg(!bench_take(&bench, &plan, 0, plan.count, &done, &err),
		      "%s", err.text);
}

START_TEST(marks_go)
{
	const struct model_link *l;

	disown();
	ck_assert_int_eq(plan.disruption, DISRUPTION_NONE);
	l = model_link_find(bench.model, "wg0");
	ck_assert_str_eq(l->link.alias, "");
	ck_assert_uint_eq(l->link.group, 0);
	ck_assert(l->link.up);
	for (size_t i = 0; i < bench.model->route_count; i++)
		ck_assert_uint_ne(bench.model->routes[i].protocol,
				  OUR_PROTOCOL);
	for (size_t i = 0; i < bench.model->rule_count; i++)
		ck_assert_uint_ne(bench.model->rules[i].protocol,
				  OUR_PROTOCOL);
	/* Nothing is left to be disowned. */
	plan_now(&first.s);
	ck_assert_uint_eq(plan.count, 0);
	plan_now(NULL);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(nothing_else_goes)
{
	disown();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REPLACE), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CHANGE), 1);
	ck_assert_uint_eq(plan.count, 7);
	/* The link, by which all else is known, is the last. */
	ck_assert_int_eq(plan.steps[6].kind, STEP_LINK_CHANGE);
	ck_assert_uint_gt(plan.note_count, 0);
}
END_TEST

/* Cut off after any step, and undone. */
START_TEST(undone)
{
	struct state before;
	size_t count, done;

	fill(&first);
	apply(&first, NULL);
	plan_now(&first.s);
	count = plan.count;
	for (size_t i = 0; i < count; i++) {
		plan_now(&first.s);
		ck_assert_uint_eq(plan.count, count);
		bench_observe(&bench, &first.s, NULL, &first.s, &before);
		ck_assert_int_eq(plan.steps[i].drift, 0);
		ck_assert(!bench_take(&bench, &plan, 0, i, &done, &err));
		bench.options.disown = false;
		/* Half done, the next attempt goes on from there. */
		plan_now(&first.s);
		ck_assert(!bench_take(&bench, &plan, 0, plan.count, &done,
				      &err));
		plan_now(&first.s);
		ck_assert_uint_eq(plan.count, 0);
		bench.options.disown = false;
		bench.options.adopt = true;
		fill(&first);
		apply(&first, NULL);
		bench.options.adopt = false;
	}
}
END_TEST

START_TEST(given_back)
{
	uint32_t index;

	disown();
	index = model_link_find(bench.model, "wg0")->link.index;
	bench.options.disown = false;
	fill(&want);
	ck_assert_int_eq(bench_converge(&bench, &want.s, NULL, &plan, &err),
			 -1);
	ck_assert_str_eq(err.guard, "device");
	bench.options.adopt = true;
	fill(&want);
	apply(&want, NULL);
	ck_assert_int_eq(plan.disruption, DISRUPTION_ACCESS);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CREATE), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_ADD), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REPLACE), 2);
	ck_assert_uint_eq(model_link_find(bench.model, "wg0")->link.index,
			  index);
	for (size_t i = 0; i < bench.model->rule_count; i++)
		ck_assert_uint_ne(bench.model->rules[i].protocol,
				  RTPROT_STATIC);
}
END_TEST

/* A rule of a fixed place, by hand: ours takes it in its place. */
START_TEST(rule_at_its_place)
{
	size_t done;

	fill(&first);
	build_rule(&first, AF_INET, 77, 1234);
	apply(&first, NULL);
	plan_now(&first.s);
	ck_assert(!bench_take(&bench, &plan, 0, plan.count, &done, &err));
	bench.options.disown = false;
	fill(&want);
	build_rule(&want, AF_INET, 77, 1234);
	bench.options.adopt = true;
	apply(&want, NULL);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 3);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 3);
}
END_TEST

/* As NetworkManager has them: with a metric of its own. */
START_TEST(routes_with_a_metric)
{
	struct route *r;

	disown();
	bench.options.disown = false;
	for (size_t i = 0; i < bench.model->route_count; i++)
		bench.model->routes[i].metric = 50;
	fill(&want);
	bench.options.adopt = true;
	apply(&want, NULL);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_ADD), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 2);
	/* What is wanted nowhere stays its maker's. */
	r = build_route(&first, "10.77.0.0/16", "wg0", RT_TABLE_MAIN);
	r->protocol = RTPROT_STATIC;
	r->metric = 50;
	model_route_put(bench.model, r);
	fill(&want);
	apply(&want, &want.s);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

/* One to a peer, where the device's own address leads there. */
START_TEST(route_of_an_address)
{
	struct route *r;

	disown();
	bench.options.disown = false;
	r = build_route(&first, "10.0.0.2/32", "wg0", RT_TABLE_MAIN);
	r->protocol = RTPROT_STATIC;
	model_route_put(bench.model, r);
	fill(&want);
	bench.options.adopt = true;
	apply(&want, NULL);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 1);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(marks_go), CHECK_CASE(nothing_else_goes),
		CHECK_CASE(undone), CHECK_CASE(given_back),
		CHECK_CASE(rule_at_its_place),
		CHECK_CASE(routes_with_a_metric),
		CHECK_CASE(route_of_an_address),
	};

	return check_run_within("plan_disown", cases, array_size(cases),
				setup, teardown);
}
