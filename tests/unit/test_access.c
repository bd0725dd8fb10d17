/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may cut the way a run came: raised to access, and nothing else is. */
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define TABLE "table inet meshapply_office {\n"
#define CHAIN(hook, policy) \
	TABLE "\tchain c {\n\t\ttype filter hook " hook " priority 0; policy " \
	policy ";\n\t}\n}\n"

static struct arena *arena;
static struct bench bench;
static struct build first, want;
static struct device *wg0;
static struct plan plan;
static struct plan_path path;
static struct err err;

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	bench_init(&bench, arena, MESH);
}

static void teardown(void)
{
	arena_free(arena);
}

/* Peers 1, which carries 10.0.0.2, and 2. */
static void wanted(struct build *b)
{
	build_init(b, arena, MESH);
	wg0 = build_device(b, "wg0", 100);
	wg0->has |= DEVICE_LISTEN_PORT;
	wg0->listen_port = 51820;
	build_addresses(b, wg0, "10.0.0.1/24");
	build_peer(b, wg0, 1, "192.0.2.10:51820", "10.0.0.0/24");
	build_peer(b, wg0, 2, "192.0.2.11:51820", "10.0.1.0/24");
}

static void set_path(const char *local, const char *remote,
		     const char *device)
{
	path = (struct plan_path){
		.local = build_prefix(local).ip,
		.remote = build_prefix(remote).ip,
		.local_port = 22, .remote_port = 50022,
	};
	strcpy(path.device, device);
	bench.options.path = &path;
}

static void by_mesh(void)
{
	set_path("10.0.0.1", "10.0.0.2", "wg0");
}

static void by_lan(void)
{
	set_path("192.0.2.2", "192.0.2.77", "eth0");
}

/* FIRST is there already; WANT is planned. */
static void go(void)
{
	const struct plan_path *by = bench.options.path;

	bench.options.path = NULL;
	ck_assert_msg(!bench_converge(&bench, &first.s, NULL, &plan, &err),
		      "%s", err.text);
	bench.options.path = by;
	ck_assert_msg(!bench_converge(&bench, &want.s, &first.s, &plan, &err),
		      "%s", err.text);
}

/* On a host of its own each time. */
static void start(void)
{
	const struct plan_path *by = bench.options.path;

	bench_init(&bench, arena, MESH);
	bench.options.path = by;
	wanted(&first);
	wanted(&want);
}

/* What was wanted is there, and goes again. */
static void go_back(void)
{
	first = want;
	wanted(&want);
	go();
}

static struct peer *peer(size_t i)
{
	return &wg0->peers[i];
}

static void allowed(struct peer *p, const char *list)
{
	struct build b = { .arena = arena };
	struct device d = { .name = "" };

	build_addresses(&b, &d, list);
	p->allowed_ips = d.addresses;
	p->allowed_ip_count = d.address_count;
}

static void is_cut(enum step_kind kind, const char *id)
{
	const struct step *s = plan_step(&plan, kind, id);

	ck_assert_ptr_nonnull(s);
	ck_assert(s->path);
	ck_assert_int_eq(s->disruption, DISRUPTION_ACCESS);
	ck_assert_ptr_nonnull(s->why);
	ck_assert_int_eq(plan.disruption, DISRUPTION_ACCESS);
	ck_assert(plan_cuts(&plan));
}

static void is_not(void)
{
	ck_assert_uint_gt(plan.count, 0);
	ck_assert(!plan_cuts(&plan));
}

START_TEST(carrier_removed)
{
	by_mesh();
	start();
	wg0->peers[0] = wg0->peers[1];
	wg0->peer_count = 1;
	go();
	is_cut(STEP_PEER_REMOVE, NULL);
}
END_TEST

START_TEST(other_peer_removed)
{
	by_mesh();
	start();
	wg0->peer_count = 1;
	go();
	is_not();
}
END_TEST

START_TEST(carrier_changed)
{
	struct key key = build_key(7);

	by_mesh();
	start();
	peer(0)->endpoint = build_endpoint("192.0.2.99:1");
	go();
	is_cut(STEP_PEER_CHANGE, NULL);
	start();
	peer(0)->preshared_key = &key;
	go();
	is_cut(STEP_PEER_CHANGE, NULL);
	start();
	peer(0)->keepalive = 25;
	go();
	is_not();
	start();
	peer(1)->endpoint = build_endpoint("192.0.2.98:1");
	go();
	is_not();
}
END_TEST

START_TEST(allowed_ips)
{
	by_mesh();
	start();
	allowed(peer(0), "10.0.0.128/25");
	go();
	is_cut(STEP_ALLOWED_IPS_REMOVE, NULL);
	/* A longer prefix of another one takes it over. */
	start();
	allowed(peer(1), "10.0.0.2/32,10.0.1.0/24");
	go();
	is_cut(STEP_PEER_CHANGE, NULL);
	/* A shorter one, or one elsewhere, does not. */
	start();
	allowed(peer(1), "10.0.0.0/8,10.0.1.0/24");
	go();
	is_not();
	start();
	allowed(peer(0), "10.0.0.0/24,10.9.0.0/24");
	go();
	is_not();
}
END_TEST

START_TEST(peer_takes_it_over)
{
	by_mesh();
	start();
	build_peer(&want, wg0, 3, NULL, "10.0.0.2/32");
	go();
	is_cut(STEP_PEER_ADD, NULL);
	start();
	build_peer(&want, wg0, 3, NULL, "10.0.0.3/32");
	go();
	is_not();
}
END_TEST

START_TEST(device_changed)
{
	by_mesh();
	start();
	wg0->listen_port = 51999;
	go();
	is_cut(STEP_DEVICE_SET, NULL);
	by_lan();
	start();
	wg0->listen_port = 51998;
	go();
	is_not();
}
END_TEST

START_TEST(device_removed)
{
	by_mesh();
	start();
	want.s.device_count = 0;
	go();
	is_cut(STEP_LINK_DELETE, NULL);
	is_cut(STEP_LINK_EMPTY, NULL);
}
END_TEST

START_TEST(address_removed)
{
	by_mesh();
	start();
	build_addresses(&want, wg0, "10.0.5.1/24");
	go();
	is_cut(STEP_ADDRESS_REMOVE, NULL);
	/* One that has the other end in its subnet takes the way over. */
	by_lan();
	start();
	build_addresses(&want, wg0, "10.0.0.1/24,192.0.2.76/29");
	go();
	is_cut(STEP_ADDRESS_ADD, NULL);
	by_lan();
	start();
	build_addresses(&want, wg0, "10.0.7.1/24");
	go();
	is_not();
}
END_TEST

START_TEST(routes)
{
	by_lan();
	start();
	build_route(&want, "192.0.2.64/26", "wg0", RT_TABLE_MAIN);
	go();
	is_cut(STEP_ROUTE_ADD, NULL);
	go_back();
	is_cut(STEP_ROUTE_REMOVE, NULL);
	start();
	build_route(&want, "198.51.100.0/24", "wg0", RT_TABLE_MAIN);
	go();
	is_not();
	/* Of the other family. */
	set_path("2001:db8::2", "2001:db8::7", "eth0");
	start();
	build_route(&want, "0.0.0.0/1", "wg0", 100);
	go();
	is_not();
}
END_TEST

static struct rule *rule_wanted(void)
{
	by_lan();
	start();
	return build_rule(&want, AF_INET, 1000, 100);
}

START_TEST(rules_that_select_it)
{
	struct rule *r = rule_wanted();

	r->to = build_prefix("192.0.2.64/26");
	go();
	is_cut(STEP_RULE_ADD, NULL);
	r = rule_wanted();
	r->from = build_prefix("192.0.2.2/32");
	r->source_port[0] = r->source_port[1] = 22;
	r->ip_protocol = 6;
	go();
	is_cut(STEP_RULE_ADD, NULL);
	go_back();
	is_cut(STEP_RULE_REMOVE, NULL);
	/* All but what bears a mark: SSH bears none. */
	r = rule_wanted();
	r->invert = true;
	r->fwmark = 7;
	r->fwmask = 0xffffffff;
	go();
	is_cut(STEP_RULE_ADD, NULL);
}
END_TEST

START_TEST(rules_that_do_not)
{
	struct rule *r = rule_wanted();

	r->to = build_prefix("192.0.2.128/26");
	go();
	is_not();
	r = rule_wanted();
	r->fwmark = 7;
	r->fwmask = 0xffffffff;
	go();
	is_not();
	r = rule_wanted();
	r->to = build_prefix("192.0.2.64/26");
	r->ip_protocol = 17;
	go();
	is_not();
	r = rule_wanted();
	r->to = build_prefix("192.0.2.64/26");
	strcpy(r->iif, "eth0");
	go();
	is_not();
}
END_TEST

static void table(const char *text)
{
	start();
	build_firewall(&want, text);
	go();
}

START_TEST(tables_by_mesh)
{
	by_mesh();
	table(CHAIN("prerouting", "accept"));
	is_cut(STEP_FIREWALL_LOAD, NULL);
	table(CHAIN("forward", "drop"));
	is_not();
	table(CHAIN("input", "accept"));
	is_cut(STEP_FIREWALL_LOAD, NULL);
}
END_TEST

START_TEST(tables_by_lan)
{
	by_lan();
	table(CHAIN("prerouting", "accept"));
	is_not();
	table(CHAIN("output", "drop"));
	is_cut(STEP_FIREWALL_LOAD, NULL);
	table(CHAIN("input", "accept"));
	is_cut(STEP_FIREWALL_LOAD, NULL);
	/* Nothing is dropped without it. */
	go_back();
	ck_assert_ptr_nonnull(plan_step(&plan, STEP_FIREWALL_DELETE, NULL));
	is_not();
}
END_TEST

START_TEST(without_a_path)
{
	bench.options.path = NULL;
	start();
	want.s.device_count = 0;
	go();
	is_not();
	ck_assert_int_eq(plan.disruption, DISRUPTION_SESSION);
}
END_TEST

/* An undo leads back to where the run came from. */
START_TEST(undo)
{
	struct state have;

	by_mesh();
	start();
	go();
	bench_observe(&bench, &want.s, NULL, &want.s, &have);
	want.s.device_count = 0;
	bench.options.restore = true;
	ck_assert(!plan_diff(arena, &want.s, &have, NULL, &bench.options,
			     &plan, &err));
	is_not();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(carrier_removed),
		CHECK_CASE(other_peer_removed),
		CHECK_CASE(carrier_changed),
		CHECK_CASE(allowed_ips),
		CHECK_CASE(peer_takes_it_over),
		CHECK_CASE(device_changed),
		CHECK_CASE(device_removed),
		CHECK_CASE(address_removed),
		CHECK_CASE(routes),
		CHECK_CASE(rules_that_select_it),
		CHECK_CASE(rules_that_do_not),
		CHECK_CASE(tables_by_mesh),
		CHECK_CASE(tables_by_lan),
		CHECK_CASE(without_a_path),
		CHECK_CASE(undo),
	};

	return check_run_within("access", cases, array_size(cases), setup,
				teardown);
}
