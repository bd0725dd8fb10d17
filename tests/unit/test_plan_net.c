/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, routes, rules, with what the kernel does besides. */
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct bench bench;
static struct build first, want;
static struct device *device;
static struct plan plan;
static struct state have;
static struct err err;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	bench_init(&bench, arena, MESH);
}

static void end(void)
{
	arena_free(arena);
}

static struct device *wanted(struct build *b, const char *addresses)
{
	build_init(b, arena, MESH);
	device = build_device(b, "wg0", 1);
	if (addresses)
		build_addresses(b, device, addresses);
	return device;
}

static void apply_first(void)
{
	ck_assert_msg(!bench_converge(&bench, &first.s, NULL, &plan, &err),
		      "%s", err.text);
}

static void apply_want(void)
{
	ck_assert_msg(!bench_converge(&bench, &want.s, &first.s, &plan, &err),
		      "%s", err.text);
}

static int try_plan(void)
{
	struct diags diags;

	diags_init(&diags, arena);
	if (bench_settle(&bench, &want.s, NULL, &diags, &err))
		return -1;
	bench_observe(&bench, &want.s, NULL, NULL, &have);
	return plan_diff(arena, &want.s, &have, NULL, &bench.options, &plan,
			 &err);
}

static const char *listed(const char *link)
{
	const struct model_link *l = model_link_find(bench.model, link);
	struct sbuf out;

	sbuf_init(&out, arena);
	for (size_t i = 0; i < l->device.address_count; i++) {
		char text[PREFIX_TEXT_MAX];

		sbuf_printf(&out, "%s%s", i ? "," : "",
			    prefix_format(&l->addresses[i], text));
	}
	return out.data;
}

/* kernel.md 1 */
START_TEST(address_within_one_subnet)
{
	const struct step *s;

	start();
	wanted(&first, "10.0.0.1/24");
	apply_first();
	wanted(&want, "10.0.0.7/24");
	apply_want();
	ck_assert_uint_eq(plan.count, 4);
	ck_assert_int_eq(plan.steps[0].kind, STEP_ADDRESS_ADD);
	s = &plan.steps[1];
	ck_assert_str_eq(s->id,
			 "sysctl/net.ipv4.conf.wg0.promote_secondaries");
	ck_assert(s->helper);
	ck_assert_str_eq(s->sysctl->value, "1");
	ck_assert_int_eq(s->disruption, DISRUPTION_NONE);
	ck_assert_int_eq(plan.steps[2].kind, STEP_ADDRESS_REMOVE);
	ck_assert_str_eq(plan.steps[3].sysctl->value, "0");
	ck_assert_str_eq(listed("wg0"), "10.0.0.7/24");
	ck_assert_str_eq(model_sysctl_value(bench.model,
		"net.ipv4.conf.wg0.promote_secondaries"), "0");
	end();
}
END_TEST

START_TEST(no_helper_where_it_is_set)
{
	start();
	model_sysctl(bench.model, "net.ipv4.conf.all.promote_secondaries",
		     "1");
	wanted(&first, "10.0.0.1/24");
	apply_first();
	wanted(&want, "10.0.0.7/24");
	apply_want();
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_str_eq(listed("wg0"), "10.0.0.7/24");
	end();
}
END_TEST

static const struct order {
	const char *from, *to;
	size_t steps, removals;
	const char *listed;
} orders[] = {
	{ "10.0.0.1/24,10.0.1.1/24", "10.0.0.1/24,10.0.1.1/24", 0, 0,
	  "10.0.0.1/24,10.0.1.1/24" },
	/* the second is a secondary: the kernel lists it last anyway */
	{ "10.0.0.1/24,10.0.0.2/24,10.0.1.1/24",
	  "10.0.0.1/24,10.0.1.1/24,10.0.0.2/24", 0, 0,
	  "10.0.0.1/24,10.0.1.1/24,10.0.0.2/24" },
	{ "10.0.0.1/24,10.0.1.1/24", "10.0.1.1/24,10.0.0.1/24", 2, 1,
	  "10.0.1.1/24,10.0.0.1/24" },
	{ "10.0.0.1/24,10.0.0.2/24", "10.0.0.2/24,10.0.0.1/24", 4, 1,
	  "10.0.0.2/24,10.0.0.1/24" },
	{ "fd00::1/64,fd00::2/64", "fd00::2/64,fd00::1/64", 2, 1,
	  "fd00::2/64,fd00::1/64" },
	{ "fe80::1/64,fd00::2/64", "fd00::2/64,fe80::1/64", 0, 0,
	  "fe80::1/64,fd00::2/64" },
	/* one family's order says nothing of the other's */
	{ "10.0.0.1/24,fd00::1/64", "fd00::1/64,10.0.0.1/24", 0, 0,
	  "10.0.0.1/24,fd00::1/64" },
	{ "fd00::1/64", "fd00::1/128", 2, 1, "fd00::1/128" },
	{ "10.0.0.1/24", "10.0.0.1/32", 2, 1, "10.0.0.1/32" },
};

START_TEST(order_of_addresses)
{
	for (size_t i = 0; i < array_size(orders); i++) {
		start();
		wanted(&first, orders[i].from);
		apply_first();
		wanted(&want, orders[i].to);
		apply_want();
		ck_assert_msg(plan.count == orders[i].steps, "case %zu: %zu",
			      i, plan.count);
		ck_assert_uint_eq(plan_kinds(&plan, STEP_ADDRESS_REMOVE),
				  orders[i].removals);
		ck_assert_str_eq(listed("wg0"), orders[i].listed);
		/* It is the file that has changed. */
		for (size_t k = 0; k < plan.count; k++)
			ck_assert_msg(!plan.steps[k].drift, "case %zu", i);
		end();
	}
}
END_TEST

START_TEST(order_changed_by_others)
{
	start();
	wanted(&first, "10.0.1.1/24,10.0.0.1/24");
	apply_first();
	wanted(&want, "10.0.0.1/24,10.0.1.1/24");
	ck_assert_msg(!bench_converge(&bench, &want.s, &want.s, &plan, &err),
		      "%s", err.text);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert(!plan.steps[0].drift && plan.steps[1].drift);
	end();
}
END_TEST

/* kernel.md 7: the route that uses the address is put back. */
START_TEST(route_by_its_source)
{
	const struct step *s;

	start();
	wanted(&first, "10.0.0.1/24,10.0.1.1/24");
	build_route(&first, "10.9.0.0/16", "wg0", 254)->source =
		build_prefix("10.0.0.1").ip;
	apply_first();
	wanted(&want, "10.0.1.1/24,10.0.0.1/24");
	build_route(&want, "10.9.0.0/16", "wg0", 254)->source =
		build_prefix("10.0.0.1").ip;
	apply_want();
	s = plan_step(&plan, STEP_ROUTE_REPLACE,
		      "route/inet/254/10.9.0.0/16/0");
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->phase, PHASE_ROUTES);
	ck_assert_int_eq(s->disruption, DISRUPTION_LOSS);
	end();
}
END_TEST

/* The last IPv4 address takes all IPv4 routes of the link with it. */
START_TEST(last_address_goes)
{
	const struct step *s;

	start();
	wanted(&first, "10.0.0.1/24,fd00::1/64");
	build_route(&first, "10.9.0.0/16", "wg0", 254);
	build_route(&first, "fd09::/64", "wg0", 254);
	apply_first();
	wanted(&want, "fd00::1/64");
	build_route(&want, "10.9.0.0/16", "wg0", 254);
	build_route(&want, "fd09::/64", "wg0", 254);
	apply_want();
	ck_assert_uint_eq(plan.count, 2);
	s = plan_step(&plan, STEP_ROUTE_REPLACE, NULL);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->phase, PHASE_REMOVE_ADDRESSES);
	ck_assert_str_eq(s->id, "route/inet/254/10.9.0.0/16/0");
	end();
}
END_TEST

START_TEST(foreign_route_by_our_address)
{
	struct route r = { .type = 1, .protocol = 4, .table = 254,
			   .device = "wg0" };

	start();
	wanted(&first, "10.0.0.1/24");
	apply_first();
	r.prefix = build_prefix("10.44.0.0/16");
	r.source = build_prefix("10.0.0.1").ip;
	model_route_put(bench.model, &r);
	wanted(&want, "10.0.0.7/24");
	ck_assert_int_eq(try_plan(), -1);
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	ck_assert_str_eq(err.guard, "foreign");
	bench.options.force = (const char *const[]){ "foreign" };
	bench.options.force_count = 1;
	ck_assert_int_eq(try_plan(), 0);
	end();
}
END_TEST

/* On another link, with an address of ours: the whole mesh goes. */
static int remove_beside(const char *prefix, const char *source,
			 uint8_t protocol)
{
	struct route r = { .type = 1, .protocol = protocol, .table = 254,
			   .device = "eth0" };
	int result;

	start();
	wanted(&first, "10.0.0.1/24,fd00::1/64");
	apply_first();
	r.prefix = build_prefix(prefix);
	r.source = build_prefix(source).ip;
	model_route_put(bench.model, &r);
	build_init(&want, arena, MESH);
	bench_observe(&bench, &want.s, NULL, NULL, &have);
	result = plan_diff(arena, &want.s, &have, &first.s, &bench.options,
			   &plan, &err);
	if (result)
		ck_assert_str_eq(err.guard, "foreign");
	end();
	return result;
}

START_TEST(foreign_route_elsewhere_by_our_address)
{
	ck_assert_int_eq(remove_beside("10.44.0.0/16", "10.0.0.1", 4), -1);
	ck_assert_int_eq(remove_beside("fd44::/64", "fd00::1", 4), -1);
	ck_assert_int_eq(remove_beside("10.44.0.0/16", "10.0.0.2", 4), 0);
	/* The same address on another link, and its network. */
	ck_assert_int_eq(remove_beside("10.0.0.0/24", "10.0.0.1", 2), 0);
}
END_TEST

START_TEST(mtu_too_small_for_ipv6)
{
	start();
	wanted(&want, "10.0.0.1/24,fd00::1/64")->mtu = 1279;
	ck_assert_int_eq(try_plan(), -1);
	ck_assert_int_eq(err.kind, ERR_DATA);
	wanted(&want, "10.0.0.1/24,fd00::1/64")->mtu = 1280;
	ck_assert_int_eq(try_plan(), 0);
	wanted(&want, "10.0.0.1/24")->mtu = 1279;
	ck_assert_int_eq(try_plan(), 0);
	build_route(&want, "fd01::/64", "wg0", 254);
	ck_assert_int_eq(try_plan(), -1);
	end();
}
END_TEST

START_TEST(routes_added_replaced_removed)
{
	start();
	wanted(&first, "10.0.0.1/24");
	build_route(&first, "10.1.0.0/16", "wg0", 254);
	build_route(&first, "10.2.0.0/16", "wg0", 254);
	apply_first();
	wanted(&want, "10.0.0.1/24");
	build_route(&want, "10.2.0.0/16", "wg0", 254)->mtu = 1300;
	build_route(&want, "10.3.0.0/16", "wg0", 254);
	apply_want();
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_str_eq(plan.steps[0].id, "route/inet/254/10.2.0.0/16/0");
	ck_assert_int_eq(plan.steps[0].kind, STEP_ROUTE_REPLACE);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_NONE);
	ck_assert_int_eq(plan.steps[1].kind, STEP_ROUTE_ADD);
	ck_assert_int_eq(plan.steps[2].kind, STEP_ROUTE_REMOVE);
	ck_assert_int_eq(plan.steps[2].phase, PHASE_REMOVE_ROUTES);
	end();
}
END_TEST

/* kernel.md 8 */
START_TEST(foreign_route_in_the_way)
{
	struct route r = { .type = 1, .protocol = 186, .table = 254,
			   .device = "eth0" };
	const struct step *s;

	start();
	r.prefix = build_prefix("10.1.0.0/16");
	model_route_put(bench.model, &r);
	wanted(&want, "10.0.0.1/24");
	build_route(&want, "10.1.0.0/16", "wg0", 254);
	ck_assert_int_eq(try_plan(), -1);
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	ck_assert_str_eq(err.guard, "route");
	ck_assert_ptr_nonnull(strstr(err.text, "eth0"));
	ck_assert_ptr_nonnull(strstr(err.text, "186"));
	bench.options.force = (const char *const[]){ "route" };
	bench.options.force_count = 1;
	ck_assert_int_eq(try_plan(), 0);
	s = plan_step(&plan, STEP_ROUTE_REPLACE, NULL);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->disruption, DISRUPTION_LOSS);
	end();
}
END_TEST

/* Another metric is another key: both stand. */
START_TEST(foreign_route_of_another_metric)
{
	struct route r = { .type = 1, .protocol = 4, .table = 254,
			   .metric = 100, .device = "eth0" };

	start();
	r.prefix = build_prefix("10.1.0.0/16");
	model_route_put(bench.model, &r);
	wanted(&want, "10.0.0.1/24");
	build_route(&want, "10.1.0.0/16", "wg0", 254);
	ck_assert_int_eq(try_plan(), 0);
	end();
}
END_TEST

/* kernel.md 9 */
START_TEST(foreign_rule_in_the_way)
{
	struct rule *rule;

	start();
	wanted(&want, "10.0.0.1/24");
	rule = build_rule(&want, AF_INET, 1000, 100);
	rule->from = build_prefix("10.0.0.0/8");
	rule->protocol = 3;
	model_rule_put(bench.model, rule);
	rule->protocol = OUR_PROTOCOL;
	ck_assert_int_eq(try_plan(), -1);
	ck_assert_str_eq(err.guard, "rule");
	rule->from = build_prefix("10.0.0.0/9");
	ck_assert_int_eq(try_plan(), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 1);
	end();
}
END_TEST

static void full_tunnel(struct build *b, uint32_t mark)
{
	wanted(b, "10.0.0.1/24");
	build_full_tunnel(b, device, AF_INET);
	if (!mark)
		return;
	device->automatic = 0;
	device->fwmark = mark;
}

START_TEST(full_tunnel_rules)
{
	size_t suppress = 0, except = 0;

	start();
	full_tunnel(&first, 0);
	apply_first();
	for (size_t i = 0; i < plan.count; i++) {
		const struct step *s = &plan.steps[i];

		if (s->kind != STEP_RULE_ADD)
			continue;
		ck_assert_int_eq(s->disruption, DISRUPTION_ACCESS);
		if (s->rule->suppress_prefixlength == 0)
			suppress = i;
		else
			except = i;
	}
	/* The one that keeps the rest out comes first, and goes last. */
	ck_assert_uint_lt(suppress, except);
	ck_assert_uint_eq(plan.steps[suppress].rule->priority, 32764);
	ck_assert_uint_eq(plan.steps[except].rule->priority, 32765);
	build_init(&want, arena, MESH);
	apply_want();
	ck_assert_int_eq(plan.steps[0].kind, STEP_RULE_REMOVE);
	ck_assert(plan.steps[0].rule->invert);
	end();
}
END_TEST

static size_t step_index(enum step_kind kind, bool helper, uint32_t fwmark)
{
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].kind == kind &&
		    plan.steps[i].helper == helper &&
		    (!plan.steps[i].rule ||
		     plan.steps[i].rule->fwmark == fwmark))
			return i;
	ck_abort_msg("no such step");
	return 0;
}

/* kernel.md 3 */
START_TEST(change_of_the_mark)
{
	size_t set;

	start();
	full_tunnel(&first, 0x10);
	apply_first();
	full_tunnel(&want, 0x20);
	apply_want();
	set = step_index(STEP_DEVICE_SET, false, 0);
	ck_assert_uint_lt(step_index(STEP_RULE_ADD, true, 0x10), set);
	ck_assert_uint_lt(step_index(STEP_RULE_ADD, true, 0x20), set);
	ck_assert_uint_gt(step_index(STEP_RULE_ADD, false, 0x20), set);
	ck_assert_uint_gt(step_index(STEP_RULE_REMOVE, true, 0x10),
			  step_index(STEP_RULE_REMOVE, false, 0x10));
	ck_assert_int_eq(plan.steps[set].disruption, DISRUPTION_NONE);
	ck_assert_uint_lt(plan.steps[step_index(STEP_RULE_ADD, true, 0x10)].
			  rule->priority, 32764);
	end();
}
END_TEST

START_TEST(mark_goes_after_its_rules)
{
	start();
	full_tunnel(&first, 0x10);
	apply_first();
	wanted(&want, "10.0.0.1/24");
	apply_want();
	ck_assert_uint_gt(step_index(STEP_DEVICE_SET, false, 0),
			  step_index(STEP_RULE_REMOVE, false, 0x10));
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 0);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(address_within_one_subnet),
		CHECK_CASE(no_helper_where_it_is_set),
		CHECK_CASE(order_of_addresses),
		CHECK_CASE(order_changed_by_others),
		CHECK_CASE(route_by_its_source),
		CHECK_CASE(last_address_goes),
		CHECK_CASE(foreign_route_by_our_address),
		CHECK_CASE(foreign_route_elsewhere_by_our_address),
		CHECK_CASE(mtu_too_small_for_ipv6),
		CHECK_CASE(routes_added_replaced_removed),
		CHECK_CASE(foreign_route_in_the_way),
		CHECK_CASE(foreign_route_of_another_metric),
		CHECK_CASE(foreign_rule_in_the_way),
		CHECK_CASE(full_tunnel_rules), CHECK_CASE(change_of_the_mark),
		CHECK_CASE(mark_goes_after_its_rules),
	};

	return check_run("plan: network", cases, array_size(cases));
}
