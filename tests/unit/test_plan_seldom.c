/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cases of a plan that need a host with something odd on it. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define REDIRECTS "net.ipv4.conf.all.send_redirects"

static struct arena *arena;
static struct build want, have;
static struct plan plan;
static struct plan_options options;
static struct err err;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	build_init(&want, arena, MESH);
	build_init(&have, arena, MESH);
	memset(&options, 0, sizeof(options));
	build_device(&want, "wg0", 1)->up = true;
	build_device(&have, "wg0", 1)->up = true;
	have.s.devices[0].owned = true;
}

static void end(void)
{
	arena_free(arena);
}

static struct device *wanted(void)
{
	return &want.s.devices[0];
}

static struct device *there(void)
{
	return &have.s.devices[0];
}

static void diff(void)
{
	state_normalise(&want.s);
	state_normalise(&have.s);
	ck_assert_msg(!plan_diff(arena, &want.s, &have.s, NULL, &options,
				 &plan, &err), "%s", err.text);
}

static void refused(const char *guard, const char *words)
{
	state_normalise(&want.s);
	state_normalise(&have.s);
	ck_assert(plan_diff(arena, &want.s, &have.s, NULL, &options, &plan,
			    &err) < 0);
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	ck_assert_str_eq(err.guard, guard);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
}

static void force(const char *guard)
{
	const char **names = arena_new_array(arena, const char *, 1);

	names[0] = guard;
	options.force = names;
	options.force_count = 1;
}

/* In an undo: a device that was down had its IPv6 addresses all the same. */
START_TEST(ipv6_of_a_link_that_goes_down)
{
	build_addresses(&want, wanted(), "10.0.0.1/24,fd00::1/64");
	build_addresses(&have, there(), "10.0.0.1/24,fd00::1/64");
	wanted()->up = false;
	wanted()->has |= DEVICE_UP;
	options.restore = true;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CHANGE), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ADDRESS_ADD), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ADDRESS_REMOVE), 0);
	ck_assert_int_eq(plan.steps[plan.count - 1].kind, STEP_ADDRESS_ADD);
}
END_TEST

/* The kernel gives a device none by itself, and none is asked for. */
START_TEST(device_without_a_key)
{
	have.s.device_count = 0;
	wanted()->private_key = NULL;
	wanted()->fwmark = 7;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CREATE), 1);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].kind == STEP_DEVICE_SET)
			ck_assert_uint_eq(plan.steps[i].fields,
					  DEVICE_FWMARK);
}
END_TEST

START_TEST(devices_of_others_stay)
{
	build_device(&have, "wg7", 7)->up = true;
	diff();
	ck_assert_uint_eq(plan.count, 0);
	options.adopt = true;
	diff();
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

/* Raising a link writes send_redirects: it is set after that. */
START_TEST(redirects_after_the_link)
{
	size_t set = 0, raised = 0;

	wanted()->has |= DEVICE_UP;
	there()->up = false;
	build_sysctl(&want, REDIRECTS, "1");
	build_sysctl(&have, REDIRECTS, "1");
	diff();
	for (size_t i = 0; i < plan.count; i++) {
		if (plan.steps[i].kind == STEP_SYSCTL_SET)
			set = i + 1;
		if (plan.steps[i].kind == STEP_LINK_CHANGE)
			raised = i + 1;
	}
	ck_assert(raised && set > raised);
	there()->up = true;
	diff();
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

static struct route *alien(const char *prefix, const char *device)
{
	struct route *r = build_route(&have, prefix, device, RT_TABLE_MAIN);

	r->protocol = RTPROT_STATIC;
	return r;
}

static void link_of(const char *name, const char *alias)
{
	struct link *l = arena_new_array(arena, struct link, 1);

	strcpy(l->name, name);
	strcpy(l->kind, "wireguard");
	strcpy(l->alias, alias);
	l->index = 9;
	have.s.links = l;
	have.s.link_count = 1;
}

START_TEST(route_of_another_mesh)
{
	struct route *r = build_route(&have, "10.9.0.0/16", "wg7",
				      RT_TABLE_MAIN);

	link_of("wg7", "meshapply:branch");
	build_route(&want, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	refused("route", "it belongs to the mesh branch");
	r->owned = true;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REPLACE), 1);
}
END_TEST

/* The half of all addresses is as good as all of them. */
START_TEST(default_ways_are_access)
{
	build_route(&want, "128.0.0.0/1", "wg0", RT_TABLE_MAIN);
	build_route(&want, "64.0.0.0/2", "wg0", RT_TABLE_MAIN);
	diff();
	ck_assert_uint_eq(plan.count, 2);
	for (size_t i = 0; i < plan.count; i++)
		ck_assert_int_eq(plan.steps[i].disruption ==
				 DISRUPTION_ACCESS,
				 plan.steps[i].route->prefix.length == 1);
}
END_TEST

/* Of two with one key the one that is as wanted is left alone. */
START_TEST(one_of_two_routes_is_right)
{
	struct route *other = build_route(&have, "10.9.0.0/16", "wg0",
					  RT_TABLE_MAIN);

	other->owned = true;
	other->mtu = 1300;
	build_route(&have, "10.9.0.0/16", "wg0", RT_TABLE_MAIN)->owned = true;
	build_route(&want, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_ADD) +
			  plan_kinds(&plan, STEP_ROUTE_REPLACE), 0);
}
END_TEST

/* Both are wanted, by one key: the one that is right is not the one to be
   replaced. */
START_TEST(two_routes_by_one_key)
{
	build_route(&have, "10.9.0.0/16", "wg0", RT_TABLE_MAIN)->owned = true;
	build_route(&have, "10.9.0.0/16", "wg0", RT_TABLE_MAIN)->owned = true;
	have.s.routes[1].mtu = 1300;
	build_route(&want, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	build_route(&want, "10.9.0.0/16", "wg0", RT_TABLE_MAIN)->mtu = 1200;
	diff();
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].kind, STEP_ROUTE_REPLACE);
	ck_assert_uint_eq(plan.steps[0].route->mtu, 1200);
	ck_assert_uint_eq(plan.steps[0].route_before->mtu, 1300);
}
END_TEST

static void converge(struct bench *bench, const char *addresses)
{
	build_init(&want, arena, MESH);
	build_addresses(&want, build_device(&want, "wg0", 1), addresses);
	ck_assert_msg(!bench_converge(bench, &want.s, NULL, &plan, &err),
		      "%s", err.text);
}

/* Heirs come up in the order in which the first ones go, which is not the one
   that is wanted: nothing helps but to take all of them anew. */
START_TEST(heirs_in_the_wrong_order)
{
	struct bench bench;

	bench_init(&bench, arena, MESH);
	converge(&bench, "10.0.0.1/24,10.1.0.1/24,10.0.0.2/24,10.1.0.2/24");
	converge(&bench, "10.0.0.2/24,10.1.0.2/24");
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ADDRESS_REMOVE), 4);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ADDRESS_ADD), 2);
}
END_TEST

static struct rule *foreign_rule(void)
{
	struct rule *r = build_rule(&have, AF_INET, 100, 77);

	r->protocol = RTPROT_STATIC;
	return r;
}

START_TEST(rule_of_another_that_does_ours)
{
	foreign_rule();
	build_rule(&want, AF_INET, 100, 77);
	refused("rule", "100");
	force("rule");
	diff();
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_eq(plan.note_count, 1);
	ck_assert(strstr(plan.notes[0], "does what ours would") != NULL);
}
END_TEST

/* Back again: what spoke of our device had gone with it; no other had. */
START_TEST(foreign_rules_of_an_undo)
{
	struct rule *r = build_rule(&want, AF_INET, 200, 78);

	r->protocol = RTPROT_STATIC;
	strcpy(r->iif, "eth7");
	options.restore = true;
	diff();
	ck_assert_uint_eq(plan.count, 0);
	strcpy(r->iif, "wg0");
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 1);
}
END_TEST

static void to_adopt(void)
{
	there()->owned = false;
	options.adopt = true;
}

/* Its own number is not in the rule, but the same rule is wanted. */
START_TEST(adopts_a_rule_that_is_wanted)
{
	struct rule *r = foreign_rule(), *w;

	to_adopt();
	r->invert = true;
	r->fwmark = 77;
	r->fwmask = UINT32_MAX;
	w = build_rule(&want, AF_INET, 32765, 77);
	w->invert = true;
	w->fwmark = 77;
	w->fwmask = UINT32_MAX;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_REMOVE), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_RULE_ADD), 1);
}
END_TEST

/* What a mesh that is gone left on it goes; what is not plain stays. */
START_TEST(adopts_what_is_left_on_a_device)
{
	to_adopt();
	build_route(&have, "10.9.0.0/16", "wg0", RT_TABLE_MAIN);
	alien("10.8.0.0/16", "wg0")->type = RTN_BLACKHOLE;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_ROUTE_REMOVE), 1);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].kind == STEP_ROUTE_REMOVE)
			ck_assert_int_eq(plan.steps[i].route->prefix.ip
					 .bytes[1], 9);
}
END_TEST

static struct plan_path by_mesh(void)
{
	struct plan_path path = {
		.local = build_prefix("10.0.0.1").ip,
		.remote = build_prefix("10.0.0.2").ip,
		.local_port = 22, .remote_port = 50022, .device = "wg0",
	};

	return path;
}

static void carried(struct build *b, struct device *d)
{
	build_addresses(b, d, "10.0.0.1/24");
	build_peer(b, d, 1, NULL, "10.0.0.0/24");
	build_peer(b, d, 2, NULL, b == &want ? "10.0.0.0/16" : NULL);
}

/* A shorter prefix takes nothing from the peer that the path goes by. */
START_TEST(path_stays_where_a_longer_prefix_is)
{
	struct plan_path path = by_mesh();

	carried(&want, wanted());
	carried(&have, there());
	options.path = &path;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_CHANGE), 1);
	ck_assert(!plan_cuts(&plan));
}
END_TEST

START_TEST(path_is_cut_by_a_link_that_goes_down)
{
	struct plan_path path = by_mesh();

	build_addresses(&want, wanted(), "10.0.0.1/24");
	build_addresses(&have, there(), "10.0.0.1/24");
	wanted()->up = false;
	wanted()->has |= DEVICE_UP;
	options.path = &path;
	diff();
	ck_assert_uint_eq(plan.count, 1);
	ck_assert(plan_cuts(&plan));
}
END_TEST

/* The same allowed IP, on a device that the path does not go through. */
START_TEST(path_by_another_device)
{
	struct plan_path path = by_mesh();

	build_device(&have, "wg1", 2)->up = true;
	have.s.devices[1].owned = true;
	build_peer(&want, build_device(&want, "wg1", 2), 3, NULL,
		   "10.0.0.2/32");
	want.s.devices[1].up = true;
	options.path = &path;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_ADD), 1);
	ck_assert(!plan_cuts(&plan));
	strcpy(path.device, "wg1");
	diff();
	ck_assert(plan_cuts(&plan));
	/* One that is not ours carries the path as any other link does. */
	build_device(&have, "wg7", 7);
	strcpy(path.device, "wg7");
	diff();
	ck_assert(!plan_cuts(&plan));
}
END_TEST

START_TEST(path_is_not_cut_by_a_sysctl)
{
	struct plan_path path = by_mesh();

	build_sysctl(&want, "net.ipv4.ip_forward", "1");
	build_sysctl(&have, "net.ipv4.ip_forward", "0");
	options.path = &path;
	diff();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_SYSCTL_SET), 1);
	ck_assert(!plan_cuts(&plan));
}
END_TEST

static int identify(bool adopt)
{
	const struct plan_identity none = { .node = NULL };

	options.adopt = adopt;
	return plan_identity(arena, &want.s, &have.s, NULL, &none, &none,
			     &options, &err);
}

/* Nothing was applied here: the device that is taken over says who it is. */
START_TEST(identity_of_what_is_adopted)
{
	there()->owned = false;
	there()->public_key = build_key(1234);
	ck_assert_int_eq(identify(false), 0);
	ck_assert_int_eq(identify(true), -1);
	ck_assert_str_eq(err.guard, "identity");
	want.s.device_count = 0;
	ck_assert_int_eq(identify(true), 0);
}
END_TEST

START_TEST(identity_tells_all_addresses)
{
	build_addresses(&want, wanted(), "10.0.0.1/24,fd00::1/64");
	build_addresses(&have, there(), "10.0.9.1/24,fd00::9/64");
	ck_assert_int_eq(identify(false), -1);
	ck_assert_msg(strstr(err.text, "10.0.9.1/24, fd00::9/64") != NULL,
		      "%s", err.text);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(ipv6_of_a_link_that_goes_down),
		CHECK_CASE(device_without_a_key),
		CHECK_CASE(devices_of_others_stay),
		CHECK_CASE(redirects_after_the_link),
		CHECK_CASE(route_of_another_mesh),
		CHECK_CASE(default_ways_are_access),
		CHECK_CASE(one_of_two_routes_is_right),
		CHECK_CASE(two_routes_by_one_key),
		CHECK_CASE(heirs_in_the_wrong_order),
		CHECK_CASE(rule_of_another_that_does_ours),
		CHECK_CASE(foreign_rules_of_an_undo),
		CHECK_CASE(adopts_a_rule_that_is_wanted),
		CHECK_CASE(adopts_what_is_left_on_a_device),
		CHECK_CASE(path_stays_where_a_longer_prefix_is),
		CHECK_CASE(path_is_cut_by_a_link_that_goes_down),
		CHECK_CASE(path_by_another_device),
		CHECK_CASE(path_is_not_cut_by_a_sysctl),
		CHECK_CASE(identity_of_what_is_adopted),
		CHECK_CASE(identity_tells_all_addresses),
	};

	return check_run_within("plan: seldom", cases,
				sizeof(cases) / sizeof(*cases), start, end);
}
