/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, MTU, and endpoints that would be sent into their own tunnel. */
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct bench bench;
static struct build want;
static struct device *device;
static struct plan plan;
static struct diags diags;
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

static void tunnel(void)
{
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, "10.0.0.1/24");
	build_peer(&want, device, 11, "198.51.100.1:51820", "0.0.0.0/0");
	build_full_tunnel(&want, device, AF_INET);
	build_full_tunnel(&want, device, AF_INET6);
}

static void settle(void)
{
	diags_init(&diags, arena);
	ck_assert_msg(!bench_settle(&bench, &want.s, NULL, &diags, &err),
		      "%s", err.text);
}

static void expect_numbers(uint32_t mark, uint32_t priority)
{
	ck_assert_uint_eq(device->fwmark, mark);
	ck_assert_uint_eq(want.s.routes[0].table, mark);
	for (size_t i = 0; i < want.s.rule_count; i++) {
		const struct rule *r = &want.s.rules[i];

		ck_assert_uint_eq(r->automatic, 0);
		ck_assert_uint_eq(r->priority, r->invert ? priority + 1 :
				  priority);
		ck_assert_uint_eq(r->fwmark, r->invert ? mark : 0);
		ck_assert_uint_eq(r->table, r->invert ? mark : 254);
	}
}

START_TEST(first_numbers)
{
	start();
	tunnel();
	settle();
	expect_numbers(51820, 32764);
	ck_assert_str_eq(device->alias, "meshapply:office");
	ck_assert_uint_eq(device->group, OUR_LINK_GROUP);
	ck_assert(device->up);
	end();
}
END_TEST

static void put_rule(uint32_t priority, uint32_t mark, uint32_t table)
{
	model_rule_put(bench.model, &(struct rule){
		.family = AF_INET6, .action = 1, .protocol = 3,
		.priority = priority, .fwmark = mark,
		.fwmask = mark ? 0xffffffff : 0, .table = table,
		.suppress_prefixlength = -1, .uid_range = { 0, UINT32_MAX } });
}

START_TEST(taken_numbers)
{
	struct route r = { .prefix.ip.family = AF_INET, .type = 1,
			   .protocol = 3, .table = 51821, .device = "eth0" };

	start();
	put_rule(1000, 51820, 99);	/* the mark */
	model_route_put(bench.model, &r);	/* the table */
	put_rule(1001, 0, 51822);	/* the table, by a rule */
	put_rule(32764, 0, 99);		/* a priority, in one family */
	tunnel();
	settle();
	expect_numbers(51823, 32762);
	end();
}
END_TEST

START_TEST(kept_numbers)
{
	start();
	put_rule(32765, 51820, 51820);
	tunnel();
	ck_assert(!bench_converge(&bench, &want.s, NULL, &plan, &err));
	expect_numbers(51821, 32762);
	/* The first ones are free again, but ours stay. */
	bench.model->rules[5] = bench.model->rules[0];
	tunnel();
	settle();
	expect_numbers(51821, 32762);
	ck_assert(!bench_converge(&bench, &want.s, NULL, &plan, &err));
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

START_TEST(literal_mark)
{
	start();
	tunnel();
	device->automatic = 0;
	device->fwmark = 0x1234;
	settle();
	expect_numbers(0x1234, 32764);
	end();
}
END_TEST

START_TEST(table_without_a_mark)
{
	start();
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, "10.0.0.1/24");
	build_route(&want, "10.1.0.0/16", "wg0", 0)->automatic = ROUTE_TABLE;
	settle();
	ck_assert_uint_eq(want.s.routes[0].table, 51820);
	ck_assert_uint_eq(device->fwmark, 0);
	end();
}
END_TEST

START_TEST(no_priority_free)
{
	start();
	for (uint32_t i = 2; i < 32766; i += 2)
		put_rule(i, 0, 99);
	tunnel();
	diags_init(&diags, arena);
	ck_assert_int_eq(bench_settle(&bench, &want.s, NULL, &diags, &err),
			 -1);
	ck_assert_int_eq(err.kind, ERR_FAILED);
	end();
}
END_TEST

static const char *firewall_text(const char *text)
{
	tunnel();
	build_firewall(&want, text);
	settle();
	return arena_strndup(arena, want.s.firewall->text.data,
			     want.s.firewall->text.size);
}

START_TEST(mark_in_the_firewall)
{
	start();
	ck_assert_str_eq(firewall_text("mark set $fwmark\n"),
			 "define fwmark = 51820\nmark set $fwmark\n");
	ck_assert_str_eq(firewall_text("set $fwmarks\n"), "set $fwmarks\n");
	ck_assert_str_eq(firewall_text("define fwmark = 7\n$fwmark\n"),
			 "define fwmark = 7\n$fwmark\n");
	ck_assert_str_eq(firewall_text("# define fwmark\n$fwmark"),
			 "define fwmark = 51820\n# define fwmark\n$fwmark");
	ck_assert_str_eq(firewall_text("nothing"), "nothing");
	end();
}
END_TEST

static uint32_t settled_mtu(const char *addresses, const char *endpoint)
{
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, addresses);
	device->automatic |= DEVICE_MTU;
	device->has &= ~(unsigned int)DEVICE_MTU;
	if (endpoint)
		build_peer(&want, device, 11, endpoint, "10.0.0.2/32");
	build_peer(&want, device, 12, NULL, "10.0.0.3/32");
	settle();
	ck_assert_uint_eq(device->automatic, 0);
	ck_assert(device->has & DEVICE_MTU);
	return device->mtu;
}

START_TEST(automatic_mtu)
{
	struct route r = { .type = 1, .protocol = 3, .table = 254,
			   .device = "small0" };
	struct model_link *l;

	start();
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", "198.51.100.1:1"), 1420);
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", NULL), 1420);
	l = model_link_add(bench.model, "small0", "veth");
	l->link.up = true;
	l->link.mtu = 1300;
	r.prefix = build_prefix("198.51.100.0/24");
	model_route_put(bench.model, &r);
	/* Of the default route less 80, of a path by IPv4 less 60. */
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", "198.51.100.1:1"), 1240);
	/* Where IPv6 is wanted, 1280 are needed. */
	ck_assert_uint_eq(settled_mtu("fd00::1/64", "198.51.100.1:1"), 1280);
	/* Without a peer it is the default route that counts. */
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", NULL), 1420);
	model_link_find(bench.model, "eth0")->link.mtu = 1492;
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", NULL), 1412);
	bench.model->route_count = 0;
	ck_assert_uint_eq(settled_mtu("10.0.0.1/24", NULL), 1420);
	end();
}
END_TEST

/* One peer alone, or one more by IPv6, or one of a name without an address. */
static uint32_t mtu_of_peers(const char *first, const char *second,
			     const char *kept)
{
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, "10.0.0.1/24");
	device->automatic |= DEVICE_MTU;
	build_peer(&want, device, 11, first, "10.0.0.2/32");
	if (second)
		build_peer(&want, device, 12, second, "10.0.0.3/32");
	if (kept)
		build_peer(&want, device, 12, NULL,
			   "10.0.0.3/32")->endpoint_host = kept;
	settle();
	return device->mtu;
}

START_TEST(mtu_by_family)
{
	struct key key = build_key(12);
	struct model_link *l;

	start();
	ck_assert_uint_eq(mtu_of_peers("198.51.100.1:1", NULL, NULL), 1440);
	ck_assert_uint_eq(mtu_of_peers("[2001:db8:1::1]:1", NULL, NULL), 1420);
	ck_assert_uint_eq(mtu_of_peers("198.51.100.1:1", "198.51.100.2:1",
				       NULL), 1440);
	ck_assert_uint_eq(mtu_of_peers("198.51.100.1:1", "[2001:db8:1::1]:1",
				       NULL), 1420);
	ck_assert_uint_eq(mtu_of_peers("198.51.100.1:1", NULL, "a.example"),
			  1420);
	/* One that the kernel has an endpoint of keeps it. */
	l = model_link_add(bench.model, "wg0", "wireguard");
	l->link.group = OUR_LINK_GROUP;
	l->peers = arena_new_array(arena, struct peer, 1);
	l->peers[0].public_key = key;
	l->peers[0].endpoint = build_endpoint("198.51.100.9:1");
	l->peer_capacity = l->device.peer_count = 1;
	ck_assert_uint_eq(mtu_of_peers("198.51.100.1:1", NULL, "a.example"),
			  1440);
	end();
}
END_TEST

static void vrf_host(const char *device_vrf)
{
	struct model_link *vrf;

	start();
	vrf = model_link_add(bench.model, "blue", "vrf");
	vrf->link.up = true;
	vrf->link.vrf_table = 1000;
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	device->has |= DEVICE_VRF;
	strcpy(device->vrf, device_vrf);
	build_addresses(&want, device, "10.0.0.1/24");
	build_peer(&want, device, 11, "198.51.100.1:1", "10.1.0.0/16");
	build_route(&want, "10.1.0.0/16", "wg0", 0)->automatic = ROUTE_TABLE;
}

START_TEST(table_of_a_vrf)
{
	vrf_host("blue");
	settle();
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_uint_eq(want.s.routes[0].table, 1000);
	ck_assert_uint_eq(device->fwmark, 0);
	ck_assert(!bench_converge(&bench, &want.s, NULL, &plan, &err));
	ck_assert_str_eq(model_link_find(bench.model, "wg0")->device.vrf,
			 "blue");
	/* One that is there is not moved. */
	device->vrf[0] = '\0';
	ck_assert(bench_converge(&bench, &want.s, NULL, &plan, &err));
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "nomaster"));
	end();
	/* Its subnets do not lead an endpoint of the host's own table in. */
	vrf_host("blue");
	build_peer(&want, device, 12, "10.0.0.9:1", "10.2.0.0/16");
	settle();
	ck_assert_uint_eq(diags.errors, 0);
	end();
	vrf_host("red");
	settle();
	ck_assert_uint_eq(diags.errors, 1);
	ck_assert_ptr_nonnull(strstr(diags.items[0].message, "no VRF red"));
	end();
	/* A link is none just by its name. */
	vrf_host("eth0");
	settle();
	ck_assert_uint_eq(diags.errors, 1);
	end();
}
END_TEST

START_TEST(mtu_of_a_route)
{
	start();
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_route(&want, "10.1.0.0/16", "wg0", 254)->mtu = 1420;
	build_route(&want, "10.2.0.0/16", "wg0", 254)->mtu = 1421;
	build_route(&want, "10.3.0.0/16", "eth0", 254)->mtu = 1500;
	settle();
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_ptr_nonnull(strstr(diags.items[0].message, "1421"));
	end();
}
END_TEST

/* With the socket in another namespace nothing here leads into the tunnel. */
START_TEST(socket_elsewhere)
{
	start();
	bench.options.outside = true;
	build_init(&want, arena, MESH);
	device = build_device(&want, "wg0", 1);
	build_addresses(&want, device, "10.0.0.1/24");
	build_peer(&want, device, 11, "10.0.0.9:1", "10.0.0.2/32");
	settle();
	ck_assert_uint_eq(diags.errors, 0);
	bench.options.outside = false;
	settle();
	ck_assert_uint_eq(diags.errors, 1);
	end();
}
END_TEST

static const struct loop {
	const char *endpoint, *address, *route;
	uint32_t table, mark, metric;
	bool rules;	/* of a full tunnel */
	bool caught;
} loops[] = {
	{ "198.51.100.1:1", "10.0.0.1/24", "10.1.0.0/16", 254, 0, 0, false,
	  false },
	{ "198.51.100.1:1", "10.0.0.1/24", "198.51.100.0/24", 254, 0, 0,
	  false, true },
	/* a metric below that of a more general route does not help */
	{ "198.51.100.1:1", "10.0.0.1/24", "198.51.100.0/24", 254, 0, 900,
	  false, true },
	{ "198.51.100.1:1", "10.0.0.1/24", "0.0.0.0/1", 254, 0, 0, false,
	  false },
	{ "98.51.100.1:1", "10.0.0.1/24", "0.0.0.0/1", 254, 0, 0, false,
	  true },
	/* a table nobody looks up */
	{ "198.51.100.1:1", "10.0.0.1/24", "198.51.100.0/24", 100, 0, 0,
	  false, false },
	/* the neighbour's own subnet is better */
	{ "192.0.2.9:1", "10.0.0.1/24", "192.0.0.0/16", 254, 0, 0, false,
	  false },
	{ "10.0.0.9:1", "10.0.0.1/24", "10.1.0.0/16", 254, 0, 0, false,
	  true },
	{ "198.51.100.1:1", "10.0.0.1/24", "0.0.0.0/0", 51820, 51820, 0, true,
	  false },
	/* the mark is missing: into the tunnel by its own rule */
	{ "198.51.100.1:1", "10.0.0.1/24", "0.0.0.0/0", 51820, 0, 0, true,
	  true },
	/* the neighbour is found in main first */
	{ "192.0.2.9:1", "10.0.0.1/24", "0.0.0.0/0", 51820, 0, 0, true,
	  false },
	{ "[2001:db8:1::1]:1", "fd00::1/64", "2001:db8:1::/48", 254, 0, 1024,
	  false, true },
	{ "[2001:db8:1::1]:1", "fd00::1/64", "fd01::/16", 254, 0, 1024, false,
	  false },
};

static void loop_rules(void)
{
	struct rule *r = build_rule(&want, AF_INET, 32765, 51820);

	r->invert = true;
	r->fwmark = 51820;
	r->fwmask = 0xffffffff;
	build_rule(&want, AF_INET, 32764, 254)->suppress_prefixlength = 0;
}

START_TEST(routing_loops)
{
	for (size_t i = 0; i < array_size(loops); i++) {
		const struct loop *l = &loops[i];

		start();
		build_init(&want, arena, MESH);
		device = build_device(&want, "wg0", 1);
		device->fwmark = l->mark;
		build_addresses(&want, device, l->address);
		build_peer(&want, device, 11, l->endpoint, "10.0.0.2/32");
		build_route(&want, l->route, "wg0", l->table)->metric =
			l->metric;
		if (l->rules)
			loop_rules();
		settle();
		ck_assert_msg(diags.errors == l->caught, "case %zu", i);
		if (l->caught)
			ck_assert_ptr_nonnull(diags.items[0].hint);
		end();
	}
}
END_TEST

/* Once the tunnel is up the kernel itself says so. */
START_TEST(loop_that_is_there)
{
	struct route r = { .type = 1, .protocol = 4, .table = 254,
			   .device = "wg0" };

	start();
	tunnel();
	ck_assert(!bench_converge(&bench, &want.s, NULL, &plan, &err));
	r.prefix = build_prefix("198.51.100.0/24");
	model_route_put(bench.model, &r);
	tunnel();
	settle();
	ck_assert_uint_eq(diags.errors, 1);
	/* A route of ours that is not wanted any more goes away. */
	bench.model->routes[bench.model->route_count - 1].protocol =
		OUR_PROTOCOL;
	tunnel();
	settle();
	ck_assert_uint_eq(diags.errors, 0);
	end();
}
END_TEST

/* Two tunnels for everything: either takes what the other encrypts. */
START_TEST(another_tunnel)
{
	static struct link link = { .name = "wg1", .kind = "wireguard" };
	struct build other;
	struct state have;

	start();
	build_init(&other, arena, "home");
	build_full_tunnel(&other, build_device(&other, "wg1", 2), AF_INET);
	bench_observe(&bench, &other.s, NULL, NULL, &have);
	ck_assert_int_eq(settle_numbers(arena, &other.s, &have, NULL, &err),
			 0);
	other.s.links = &link;
	other.s.link_count = 1;
	tunnel();
	ck_assert_int_eq(settle_numbers(arena, &want.s, &other.s, NULL, &err),
			 0);
	ck_assert_uint_ne(device->fwmark, other.s.devices[0].fwmark);
	diags_init(&diags, arena);
	/* Of no mesh. */
	plan_tunnels(&want.s, &other.s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	strcpy(link.alias, OUR_ALIAS "office");
	plan_tunnels(&want.s, &other.s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	strcpy(link.alias, OUR_ALIAS "home");
	plan_tunnels(&want.s, &other.s, &diags);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_ptr_nonnull(strstr(diags.items[0].message, "mesh 'home'"));
	/* Certain prefixes only. */
	diags_init(&diags, arena);
	other.s.routes[0].prefix = build_prefix("10.9.0.0/16");
	plan_tunnels(&want.s, &other.s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(first_numbers), CHECK_CASE(taken_numbers),
		CHECK_CASE(kept_numbers), CHECK_CASE(literal_mark),
		CHECK_CASE(table_without_a_mark),
		CHECK_CASE(no_priority_free),
		CHECK_CASE(mark_in_the_firewall), CHECK_CASE(automatic_mtu),
		CHECK_CASE(mtu_by_family), CHECK_CASE(table_of_a_vrf),
		CHECK_CASE(mtu_of_a_route), CHECK_CASE(socket_elsewhere),
		CHECK_CASE(routing_loops), CHECK_CASE(loop_that_is_there),
		CHECK_CASE(another_tunnel),
	};

	return check_run("settle", cases, array_size(cases));
}
