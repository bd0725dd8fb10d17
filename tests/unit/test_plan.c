/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices, the firewall, what is foreign, adopting and removing. */
#include <linux/rtnetlink.h>
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

static struct device *wanted(struct build *b, const char *name)
{
	build_init(b, arena, MESH);
	device = build_device(b, name, 1);
	build_addresses(b, device, "10.0.0.1/24");
	build_peer(b, device, 11, "198.51.100.1:51820", "10.0.0.2/32");
	return device;
}

static void apply(struct build *b, const struct state *last)
{
	ck_assert_msg(!bench_converge(&bench, &b->s, last, &plan, &err), "%s",
		      err.text);
}

static int try_plan(const struct state *last)
{
	struct diags diags;

	diags_init(&diags, arena);
	if (bench_settle(&bench, &want.s, last, &diags, &err))
		return -1;
	bench_observe(&bench, &want.s, NULL, last, &have);
	return plan_diff(arena, &want.s, &have, last, &bench.options, &plan,
			 &err);
}

static void expect_refusal(const char *guard, const char *word)
{
	ck_assert_int_eq(try_plan(NULL), -1);
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	ck_assert_str_eq(err.guard, guard);
	ck_assert_msg(strstr(err.text, word) != NULL, "%s", err.text);
}

static void force(const char *guard)
{
	static const char *forced[1];

	forced[0] = guard;
	bench.options.force = forced;
	bench.options.force_count = 1;
}

START_TEST(device_fields)
{
	start();
	wanted(&first, "wg0");
	apply(&first, NULL);
	wanted(&want, "wg0");
	device->mtu = 1380;
	device->has |= DEVICE_LISTEN_PORT;
	device->listen_port = 51820;
	apply(&want, &first.s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_uint_eq(plan.steps[0].fields, DEVICE_MTU);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_NONE);
	ck_assert_uint_eq(plan.steps[1].fields, DEVICE_LISTEN_PORT);
	ck_assert_int_eq(plan.steps[1].disruption, DISRUPTION_LOSS);
	end();
}
END_TEST

START_TEST(port_left_to_the_kernel)
{
	start();
	wanted(&first, "wg0");
	apply(&first, NULL);
	ck_assert_uint_ne(model_link_find(bench.model, "wg0")->
			  device.listen_port, 0);
	wanted(&want, "wg0");
	ck_assert_int_eq(try_plan(&first.s), 0);
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

START_TEST(private_key_changes)
{
	start();
	wanted(&first, "wg0");
	apply(&first, NULL);
	wanted(&want, "wg0");
	device->public_key = build_key(0x4002);
	apply(&want, &first.s);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.steps[0].fields, DEVICE_PRIVATE_KEY);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_SESSION);
	ck_assert(!plan.steps[0].drift);
	end();
}
END_TEST

START_TEST(link_was_taken_down)
{
	start();
	wanted(&first, "wg0");
	apply(&first, NULL);
	model_link_find(bench.model, "wg0")->link.up = false;
	wanted(&want, "wg0");
	ck_assert_int_eq(try_plan(&first.s), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.steps[0].fields, DEVICE_UP);
	ck_assert(plan.steps[0].drift);
	ck_assert_int_eq(plan.steps[0].phase, PHASE_UP);
	end();
}
END_TEST

/* Created with the group, killed before the alias: ours to finish. */
START_TEST(half_made_link)
{
	struct model_link *l;

	start();
	l = model_link_add(bench.model, "wg0", "wireguard");
	l->link.group = OUR_LINK_GROUP;
	wanted(&want, "wg0");
	apply(&want, NULL);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CREATE), 0);
	ck_assert_str_eq(l->link.alias, "meshapply:office");
	ck_assert(l->link.up);
	end();
}
END_TEST

START_TEST(foreign_devices)
{
	struct model_link *l;

	start();
	l = model_link_add(bench.model, "wg0", "wireguard");
	wanted(&want, "wg0");
	expect_refusal("device", "meshapply adopt wg0");
	strcpy(l->link.alias, "meshapply:other");
	expect_refusal("device", "the mesh other");
	bench.options.adopt = true;
	expect_refusal("device", "the mesh other");
	force("device");
	ck_assert_int_eq(try_plan(NULL), 0);
	l->link.alias[0] = '\0';
	strcpy(l->link.kind, "veth");
	expect_refusal("", "veth");
	end();
}
END_TEST

START_TEST(busy_port)
{
	struct model_link *l;

	start();
	l = model_link_add(bench.model, "other0", "wireguard");
	l->device.listen_port = 51820;
	l->link.up = true;
	wanted(&want, "wg0");
	device->has |= DEVICE_LISTEN_PORT;
	device->listen_port = 51820;
	expect_refusal("port", "other0");
	l->link.up = false;
	ck_assert_int_eq(try_plan(NULL), 0);
	ck_assert_uint_ge(plan.note_count, 1);
	device->listen_port = 51821;
	l->link.up = true;
	ck_assert_int_eq(try_plan(NULL), 0);
	end();
}
END_TEST

/* The two losses by name: the port is freed, the route changes its device. */
START_TEST(device_gets_another_name)
{
	const struct step *freed, *route;

	start();
	wanted(&first, "wg0");
	device->has |= DEVICE_LISTEN_PORT;
	device->listen_port = 51820;
	build_route(&first, "10.1.0.0/16", "wg0", 254);
	apply(&first, NULL);
	wanted(&want, "wg1");
	device->has |= DEVICE_LISTEN_PORT;
	device->listen_port = 51820;
	build_route(&want, "10.1.0.0/16", "wg1", 254);
	apply(&want, &first.s);
	freed = &plan.steps[0];
	ck_assert_int_eq(freed->kind, STEP_DEVICE_SET);
	ck_assert_str_eq(freed->id, "device/wg0");
	ck_assert_int_eq(freed->disruption, DISRUPTION_LOSS);
	ck_assert_uint_eq(freed->device->listen_port, 0);
	route = plan_step(&plan, STEP_ROUTE_REPLACE, NULL);
	ck_assert_ptr_nonnull(route);
	ck_assert_int_eq(route->disruption, DISRUPTION_LOSS);
	ck_assert_int_eq(plan.steps[plan.count - 2].kind, STEP_LINK_EMPTY);
	ck_assert_int_eq(plan.steps[plan.count - 1].kind, STEP_LINK_DELETE);
	ck_assert_ptr_null(model_link_find(bench.model, "wg0"));
	end();
}
END_TEST

START_TEST(removed)
{
	start();
	wanted(&first, "wg0");
	build_full_tunnel(&first, device, AF_INET);
	build_firewall(&first, "one\n");
	apply(&first, NULL);
	build_init(&want, arena, MESH);
	apply(&want, &first.s);
	ck_assert_int_eq(plan.steps[0].kind, STEP_RULE_REMOVE);
	ck_assert_int_eq(plan.steps[2].kind, STEP_ROUTE_REMOVE);
	ck_assert_int_eq(plan.steps[3].kind, STEP_LINK_EMPTY);
	ck_assert_int_eq(plan.steps[4].kind, STEP_LINK_DELETE);
	ck_assert_int_eq(plan.steps[5].kind, STEP_FIREWALL_DELETE);
	ck_assert_uint_eq(plan.count, 6);
	ck_assert_int_eq(try_plan(NULL), 0);
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

START_TEST(removed_with_foreign_routes)
{
	struct route r = { .type = 1, .protocol = 12, .table = 254,
			   .device = "wg0" };

	start();
	wanted(&first, "wg0");
	apply(&first, NULL);
	r.prefix = build_prefix("10.77.0.0/16");
	model_route_put(bench.model, &r);
	wanted(&want, "wg0");
	ck_assert_int_eq(try_plan(&first.s), 0);
	ck_assert_uint_eq(plan.count, 0);
	build_init(&want, arena, MESH);
	expect_refusal("foreign", "10.77.0.0/16");
	force("foreign");
	ck_assert_int_eq(try_plan(NULL), 0);
	end();
}
END_TEST

START_TEST(firewall_steps)
{
	start();
	wanted(&first, "wg0");
	build_firewall(&first, "one\nelement a\n");
	apply(&first, NULL);
	ck_assert_int_eq(plan.steps[0].kind, STEP_FIREWALL_LOAD);
	ck_assert_str_eq(plan.steps[0].id, "firewall/meshapply_office");
	wanted(&want, "wg0");
	build_firewall(&want, "one\nelement a\nelement b\n");
	apply(&want, &first.s);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].kind, STEP_FIREWALL_ELEMENTS);
	build_firewall(&want, "two\n");
	apply(&want, &first.s);
	ck_assert_int_eq(plan.steps[0].kind, STEP_FIREWALL_LOAD);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_NONE);
	bench.model->firewall->text = STR("by hand\n");
	model_compile(arena, bench.model->firewall);
	ck_assert_int_eq(try_plan(&want.s), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert(plan.steps[0].drift);
	want.s.firewall = NULL;
	ck_assert_int_eq(try_plan(NULL), 0);
	ck_assert_int_eq(plan.steps[0].kind, STEP_FIREWALL_DELETE);
	end();
}
END_TEST

START_TEST(firewall_unchecked)
{
	struct firewall *f;

	start();
	wanted(&first, "wg0");
	build_firewall(&first, "one\n");
	apply(&first, NULL);
	wanted(&want, "wg0");
	ck_assert_int_eq(try_plan(NULL), 0);
	build_firewall(&want, "one\n");
	f = want.s.firewall;
	f->compiled = false;
	f->object_count = f->element_count = 0;
	bench_observe(&bench, &want.s, NULL, NULL, &have);
	ck_assert(!plan_diff(arena, &want.s, &have, NULL, &bench.options,
			     &plan, &err));
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_ptr_nonnull(strstr(plan.steps[0].why, "unchecked"));
	/* What it made before is known, and is what is there. */
	ck_assert(!plan_diff(arena, &want.s, &have, &first.s, &bench.options,
			     &plan, &err));
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

/* Up and running by wg-quick. */
static struct model_link *made_by_quick(struct build *b)
{
	struct model_link *l;
	struct plan p;

	ck_assert(!bench_converge(&bench, &b->s, NULL, &p, &err));
	l = model_link_find(bench.model, "wg0");
	l->link.alias[0] = '\0';
	l->link.group = 0;
	for (size_t i = 0; i < bench.model->route_count; i++)
		if (bench.model->routes[i].protocol == OUR_PROTOCOL)
			bench.model->routes[i].protocol = 3;
	for (size_t i = 0; i < bench.model->rule_count; i++)
		if (bench.model->rules[i].protocol == OUR_PROTOCOL)
			bench.model->rules[i].protocol = 3;
	model_foreign_table(bench.model, "ip wg-quick-wg0");
	model_foreign_table(bench.model, "ip wg-quick-wg7");
	return l;
}

static struct model_link *quick(void)
{
	struct build b;

	wanted(&b, "wg0");
	build_full_tunnel(&b, device, AF_INET);
	return made_by_quick(&b);
}

START_TEST(adopted_without_a_flap)
{
	const struct step *s;
	struct model_link *l;
	uint32_t index;

	start();
	l = quick();
	index = l->link.index;
	wanted(&want, "wg0");
	build_full_tunnel(&want, device, AF_INET);
	expect_refusal("device", "adopt");
	bench.options.adopt = true;
	wanted(&want, "wg0");
	build_full_tunnel(&want, device, AF_INET);
	build_firewall(&want, "ours\n");
	apply(&want, NULL);
	ck_assert_uint_eq(l->link.index, index);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CREATE), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_DEVICE_SET), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_CHANGE), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 2);
	s = plan_step(&plan, STEP_ROUTE_REPLACE, NULL);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->disruption, DISRUPTION_NONE);
	s = plan_step(&plan, STEP_FOREIGN_TABLE_DELETE, NULL);
	ck_assert_str_eq(s->table, "ip wg-quick-wg0");
	ck_assert_uint_eq(bench.model->foreign_table_count, 1);
	ck_assert_uint_eq(want.s.rules[0].priority, 32762);
	ck_assert_uint_eq(want.s.devices[0].fwmark, 51820);
	end();
}
END_TEST

START_TEST(adoption_undone)
{
	struct state before;
	size_t done;

	start();
	quick();
	bench.options.adopt = true;
	wanted(&want, "wg0");
	build_full_tunnel(&want, device, AF_INET);
	ck_assert_int_eq(try_plan(NULL), 0);
	bench_observe(&bench, &want.s, NULL, NULL, &before);
	/* All but the last, which cannot be taken back. */
	ck_assert(!bench_take(&bench, &plan, 0, plan.count - 1, &done, &err));
	ck_assert_ptr_null(bench_undo(&bench, &before, &want.s, NULL));
	ck_assert_uint_eq(bench.model->foreign_table_count, 2);
	end();
}
END_TEST

/* Of two suppressing rules only the one beside its own tunnel's goes. */
START_TEST(another_quick_tunnel_stays)
{
	struct rule other = { .family = AF_INET, .action = 1, .protocol = 3,
			      .priority = 32763, .invert = true,
			      .fwmark = 51899, .fwmask = 0xffffffff,
			      .table = 51899, .suppress_prefixlength = -1,
			      .uid_range = { 0, UINT32_MAX } };

	start();
	quick();
	model_rule_put(bench.model, &other);
	other.invert = false;
	other.priority = 32762;
	other.fwmark = other.fwmask = 0;
	other.table = 254;
	other.suppress_prefixlength = 0;
	model_rule_put(bench.model, &other);
	bench.options.adopt = true;
	wanted(&want, "wg0");
	build_full_tunnel(&want, device, AF_INET);
	apply(&want, NULL);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 2);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].kind == STEP_RULE_REMOVE)
			ck_assert_uint_ge(plan.steps[i].rule->priority, 32764);
	end();
}
END_TEST

/* The file was edited since: nothing of the tunnel is left, what is not
   wg-quick's stays. */
START_TEST(adopted_with_less)
{
	struct route mine = { .type = RTN_UNICAST, .protocol = RTPROT_BOOT,
			      .scope = RT_SCOPE_LINK,
			      .table = RT_TABLE_MAIN, .device = "wg0" };
	struct build b;
	size_t rules;

	start();
	rules = bench.model->rule_count;
	wanted(&b, "wg0");
	build_full_tunnel(&b, device, AF_INET);
	build_peer(&b, device, 12, "198.51.100.2:51820", "0.0.0.0/0");
	made_by_quick(&b);
	mine.prefix = build_prefix("198.18.0.0/15");
	model_route_put(bench.model, &mine);
	bench.options.adopt = true;
	wanted(&want, "wg0");
	ck_assert_int_eq(try_plan(NULL), 0);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_FOREIGN_TABLE_DELETE), 1);
	ck_assert(!prefix_compare(&plan_step(&plan, STEP_ROUTE_REMOVE,
					     NULL)->route->prefix,
				  &(struct prefix){ .ip.family = AF_INET }));
	apply(&want, NULL);
	ck_assert_uint_eq(bench.model->rule_count, rules);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_REMOVE), 1);
	end();
}
END_TEST

START_TEST(classes_have_names)
{
	ck_assert_str_eq(disruption_name(DISRUPTION_NONE), "none");
	ck_assert_str_eq(disruption_name(DISRUPTION_ACCESS), "access");
	ck_assert(!phase_removes(PHASE_RULES));
	ck_assert(phase_removes(PHASE_REMOVE_RULES));
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(device_fields), CHECK_CASE(port_left_to_the_kernel),
		CHECK_CASE(private_key_changes),
		CHECK_CASE(link_was_taken_down), CHECK_CASE(half_made_link),
		CHECK_CASE(foreign_devices), CHECK_CASE(busy_port),
		CHECK_CASE(device_gets_another_name), CHECK_CASE(removed),
		CHECK_CASE(removed_with_foreign_routes),
		CHECK_CASE(firewall_steps), CHECK_CASE(firewall_unchecked),
		CHECK_CASE(adopted_without_a_flap),
		CHECK_CASE(adoption_undone),
		CHECK_CASE(another_quick_tunnel_stays),
		CHECK_CASE(adopted_with_less),
		CHECK_CASE(classes_have_names),
	};

	return check_run("plan", cases, array_size(cases));
}
