/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders, equivalences, the normal form, and what is whose. */
#include <check.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../support/texts.h"
#include "base/arena.h"
#include "state/step.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 26);
}

static void teardown(void)
{
	arena_freep(&arena);
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert_int_eq(prefix_parse(str_of(text), &p), 0);
	return p;
}

static struct ip ip(const char *text)
{
	struct ip address;

	ck_assert_int_eq(ip_parse(str_of(text), &address), 0);
	return address;
}

static struct route route(const char *to, const char *device, uint32_t table)
{
	struct route r = { .type = RTN_UNICAST, .protocol = OUR_PROTOCOL,
			   .table = table, .prefix = prefix(to) };

	strcpy(r.device, device);
	return r;
}

static struct rule rule(uint8_t family, uint32_t priority, uint32_t table)
{
	return (struct rule){
		.family = family, .action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL, .priority = priority,
		.table = table, .suppress_prefixlength = -1,
		.uid_range = { 0, UINT32_MAX },
	};
}

/* Each field that differs makes two routes unequal, and orders them. */
START_TEST(test_route_order)
{
	struct route a = route("10.0.0.0/8", "wg0", RT_TABLE_MAIN), b;

#define differs(field, value, key) do { \
	b = a; \
	b.field = value; \
	ck_assert(!route_equal(&a, &b)); \
	ck_assert_int_lt(route_compare(&a, &b), 0); \
	ck_assert_int_gt(route_compare(&b, &a), 0); \
	ck_assert_int_eq(route_key_compare(&a, &b) < 0, key); \
} while (0)
	differs(prefix, prefix("10.0.0.0/9"), true);
	differs(prefix, prefix("::/0"), true);
	differs(table, RT_TABLE_MAIN + 1, true);
	differs(tos, 4, true);
	differs(metric, 1, true);
	differs(type, RTN_BLACKHOLE, false);
	differs(protocol, OUR_PROTOCOL + 1, false);
	differs(scope, RT_SCOPE_LINK, false);
	differs(via, ip("10.0.0.1"), false);
	differs(device[0], 'x', false);
	differs(source, ip("10.0.0.1"), false);
	differs(mtu, 1280, false);
	differs(mtu_locked, true, false);
	differs(advmss, 1, false);
	differs(onlink, true, false);
	differs(automatic, ROUTE_TABLE, false);
#undef differs
	b = a;
	b.owned = true;
	b.where.offset = 7;
	ck_assert(route_equal(&a, &b));
	a.opaque = b.opaque = true;
	ck_assert(!route_equal(&a, &b));
	ck_assert_int_eq(route_compare(&a, &b), 0);
}
END_TEST

START_TEST(test_rule_order)
{
	struct rule a = rule(AF_INET, 100, RT_TABLE_MAIN), b;

	a.suppress_prefixlength = 0;
#define differs(field, value) do { \
	b = a; \
	b.field = value; \
	ck_assert(!rule_equal(&a, &b)); \
	ck_assert_int_lt(rule_compare(&a, &b), 0); \
	ck_assert_int_gt(rule_compare(&b, &a), 0); \
} while (0)
	differs(family, AF_INET6);
	differs(priority, 101);
	differs(invert, true);
	differs(from, prefix("10.0.0.0/8"));
	differs(to, prefix("10.0.0.0/8"));
	differs(tos, 4);
	differs(fwmark, 1);
	differs(fwmask, 1);
	differs(iif[0], 'a');
	differs(oif[0], 'a');
	differs(ip_protocol, 6);
	differs(source_port[0], 1);
	differs(source_port[1], 1);
	differs(destination_port[0], 1);
	differs(destination_port[1], 1);
	differs(uid_range[0], 1);
	differs(action, FR_ACT_BLACKHOLE);
	differs(table, 255);
	differs(suppress_prefixlength, 1);
	differs(suppress_prefixlength, -1);
	differs(protocol, OUR_PROTOCOL + 1);
	differs(automatic, RULE_TABLE);
#undef differs
	b = a;
	b.uid_range[1] = 5;
	ck_assert(!rule_equal(&a, &b));
	b = a;
	b.owned = true;
	ck_assert(rule_equal(&a, &b));
	b.opaque = true;
	ck_assert(!rule_equal(&a, &b));
}
END_TEST

START_TEST(test_device_diff)
{
	struct device want = { .listen_port = 1, .fwmark = 2, .mtu = 3,
			       .up = true, .group = 4, .alias = "a",
			       .has = ~0u };
	struct device have = want;

	ck_assert_uint_eq(device_diff(&want, &have), 0);
	have.public_key.bytes[31] = 1;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_PRIVATE_KEY);
	have = want;
	have.listen_port = 0;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_LISTEN_PORT);
	have = want;
	have.fwmark = 0;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_FWMARK);
	have = want;
	have.mtu = 0;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_MTU);
	have = want;
	have.up = false;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_UP);
	have = want;
	have.alias[0] = 'b';
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_ALIAS);
	have = want;
	have.group = 0;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_GROUP);
	have = want;
	have.vrf[0] = 'b';
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_VRF);
	memset(&have, 1, sizeof(have));
	want.has = DEVICE_MTU | DEVICE_UP;
	want.up = false;
	have.up = true;
	ck_assert_uint_eq(device_diff(&want, &have), DEVICE_MTU | DEVICE_UP);
	want.has = 0;
	ck_assert_uint_eq(device_diff(&want, &have), 0);
}
END_TEST

START_TEST(test_peer_diff)
{
	static const struct key zero, one = { { 1 } }, same = { { 1 } };
	struct prefix ips[] = { prefix("10.0.0.0/8"), prefix("::/0") };
	struct peer want = { .keepalive = 1, .allowed_ips = ips,
			     .allowed_ip_count = 2 };
	struct peer have = want;

	ck_assert_uint_eq(peer_diff(&want, &have), 0);
	have.preshared_key = &zero;
	ck_assert_uint_eq(peer_diff(&want, &have), 0);
	have.preshared_key = &one;
	ck_assert_uint_eq(peer_diff(&want, &have), PEER_PRESHARED_KEY);
	want.preshared_key = &same;
	ck_assert_uint_eq(peer_diff(&want, &have), 0);
	/* an endpoint that is not declared is the kernel's to learn */
	ck_assert_int_eq(endpoint_parse(STR("10.0.0.1:5"), &have.endpoint),
			 0);
	ck_assert_uint_eq(peer_diff(&want, &have), 0);
	want.endpoint = have.endpoint;
	ck_assert_uint_eq(peer_diff(&want, &have), 0);
	want.endpoint.port++;
	ck_assert_uint_eq(peer_diff(&want, &have), PEER_ENDPOINT);
	have = want;
	have.keepalive = 0;
	ck_assert_uint_eq(peer_diff(&want, &have), PEER_KEEPALIVE);
	have = want;
	have.allowed_ip_count = 1;
	ck_assert_uint_eq(peer_diff(&want, &have), PEER_ALLOWED_IPS);
	ck_assert(prefixes_equal(ips, 2, ips, 2));
	ck_assert(prefixes_equal(NULL, 0, ips, 0));
	ck_assert(!prefixes_equal(ips, 1, ips + 1, 1));
}
END_TEST

START_TEST(test_normalise)
{
	struct prefix ips[] = { prefix("::1"), prefix("10.1.2.3/8"),
				prefix("10.0.0.0/8"), prefix("::1/128") };
	struct peer peers[] = { { .public_key = { { 2 } } },
				{ .public_key = { { 1 } },
				  .allowed_ips = ips,
				  .allowed_ip_count = 4 } };
	struct device devices[] = { { .name = "wg1" },
				    { .name = "wg0", .peers = peers,
				      .peer_count = 2 } };
	struct route routes[] = { route("fd00::1/8", "lo", 5),
				  route("10.0.0.0/8", "lo", 254) };
	struct rule rules[] = { rule(AF_INET6, 1, 1), rule(AF_INET, 2, 1) };
	struct sysctl sysctls[] = { { .key = "b", .value = "1" },
				    { .key = "a", .value = "2" } };
	struct link links[] = { { .name = "z" }, { .name = "y" } };
	struct state s = { .devices = devices, .device_count = 2,
			   .routes = routes, .route_count = 2,
			   .rules = rules, .rule_count = 2,
			   .sysctls = sysctls, .sysctl_count = 2,
			   .links = links, .link_count = 2 };
	const struct peer *peer;

	routes[0].type = RTN_UNREACHABLE;
	state_normalise(&s);
	ck_assert_str_eq(s.devices[0].name, "wg0");
	peer = device_peer(&s.devices[0], &(struct key){ { 1 } });
	ck_assert_ptr_eq(peer, &s.devices[0].peers[0]);
	ck_assert_uint_eq(peer->allowed_ip_count, 2);
	ck_assert_int_eq(prefix_compare(&peer->allowed_ips[0],
					&(struct prefix){ ip("10.0.0.0"),
							  8 }), 0);
	ck_assert_ptr_null(device_peer(&s.devices[0],
				       &(struct key){ { 3 } }));
	ck_assert_ptr_null(device_peer(&s.devices[1],
				       &(struct key){ { 1 } }));
	ck_assert_str_eq(s.routes[0].device, "lo");
	ck_assert_str_eq(s.routes[1].device, "");
	ck_assert(!prefix_has_host_bits(&s.routes[1].prefix));
	ck_assert_uint_eq(s.rules[0].family, AF_INET);
	ck_assert_str_eq(state_sysctl(&s, "a")->value, "2");
	ck_assert_ptr_null(state_sysctl(&s, "c"));
	ck_assert_ptr_eq(state_device(&s, "wg1"), &s.devices[1]);
	ck_assert_ptr_null(state_device(&s, "wg2"));
	ck_assert_ptr_null(state_device(&s, "a name that is too long"));
	ck_assert_ptr_eq(state_link(&s, "y"), &s.links[0]);
	ck_assert_ptr_null(state_link(&s, "x"));
	ck_assert_ptr_null(state_link(&s, "a name that is too long"));
	s = (struct state){ 0 };
	state_normalise(&s);
	ck_assert_ptr_null(state_device(&s, "wg0"));
	ck_assert_ptr_null(state_link(&s, "wg0"));
	ck_assert_ptr_null(state_sysctl(&s, "a"));
}
END_TEST

/*
 * A host with the mesh "office" on wg0 (mark 51820), maybe another mesh on
 * wg1, and wg2 of somebody else.
 */
struct host {
	struct link links[4];
	struct device devices[3];
	struct route routes[9];
	struct rule rules[14];
	struct state state;
	bool others;
};

static struct host *host_of(const char *other)
{
	struct host *h = arena_new_object(arena, struct host);

	*h = (struct host){
		.links = {
			{ .name = "eth0" },
			{ .name = "wg0", .kind = "wireguard",
			  .alias = "meshapply:office" },
			{ .name = "wg1", .kind = "wireguard" },
			{ .name = "wg2", .kind = "wireguard",
			  .alias = "my own" },
		},
		.devices = {
			{ .name = "wg0", .alias = "meshapply:office",
			  .fwmark = 51820 },
			{ .name = "wg1", .fwmark = 7 },
			{ .name = "wg2", .alias = "my own", .fwmark = 8 },
		},
	};
	strcpy(h->links[2].alias, other);
	strcpy(h->devices[1].alias, other);
	h->state = (struct state){
		.devices = h->devices, .device_count = 3,
		.links = h->links, .link_count = 4,
		.routes = h->routes, .rules = h->rules };
	return h;
}

static struct route *add_route(struct host *h, struct route r)
{
	h->routes[h->state.route_count] = r;
	return &h->routes[h->state.route_count++];
}

static struct rule *add_rule(struct host *h, struct rule r)
{
	h->rules[h->state.rule_count] = r;
	return &h->rules[h->state.rule_count++];
}

static void claim(struct host *h, const struct state *last)
{
	static const char *const names[] = { "wg0", "wg9" };

	state_normalise(&h->state);
	state_claim(&h->state, "office", last, names, 2, h->others);
}

static bool route_owned(const struct host *h, const char *to,
			const char *device, uint32_t table)
{
	struct route r = route(to, device, table);

	for (size_t i = 0; i < h->state.route_count; i++)
		if (!route_key_compare(&h->routes[i], &r) &&
		    !strcmp(h->routes[i].device, device))
			return h->routes[i].owned;
	ck_abort_msg("no route to %s", to);
	return false;
}

static bool rule_owned(const struct host *h, uint32_t priority)
{
	for (size_t i = 0; i < h->state.rule_count; i++)
		if (h->rules[i].priority == priority)
			return h->rules[i].owned;
	ck_abort_msg("no rule %u", priority);
	return false;
}

START_TEST(test_claim_devices)
{
	struct host *h = host_of("meshapply:office2");

	claim(h, NULL);
	ck_assert(h->devices[0].owned);
	ck_assert(!h->devices[1].owned && !h->devices[2].owned);
	/* a link of another kind that bears our name's alias */
	strcpy(h->links[1].kind, "veth");
	claim(h, NULL);
	ck_assert(!h->devices[0].owned);
	/* a killed run's: group, no alias, and wanted */
	h = host_of("");
	strcpy(h->devices[2].name, "wg9");
	strcpy(h->links[3].name, "wg9");
	h->devices[2].alias[0] = h->links[3].alias[0] = '\0';
	claim(h, NULL);
	ck_assert(!h->devices[2].owned);
	h->devices[2].group = h->links[3].group = OUR_LINK_GROUP;
	claim(h, NULL);
	ck_assert(h->devices[2].owned);
	/* not wanted */
	h->devices[1].group = h->links[2].group = OUR_LINK_GROUP;
	claim(h, NULL);
	ck_assert(!h->devices[1].owned);
	/* marked with what only begins as we do */
	strcpy(h->devices[0].alias, "meshapply:off");
	claim(h, NULL);
	ck_assert(!h->devices[0].owned);
}
END_TEST

static void add_routes(struct host *h)
{
	struct route foreign = route("10.9.0.0/16", "wg0", RT_TABLE_MAIN);

	foreign.protocol = RTPROT_STATIC;
	add_route(h, foreign);
	add_route(h, route("10.0.0.0/8", "wg0", RT_TABLE_MAIN));
	add_route(h, route("10.2.0.0/16", "eth0", RT_TABLE_MAIN));
	add_route(h, route("0.0.0.0/0", "wg0", 100));
	add_route(h, route("10.3.0.0/16", "eth0", 100));
	add_route(h, route("10.4.0.0/16", "eth0", 51820));
	add_route(h, route("10.5.0.0/16", "wg1", 51820));
	add_route(h, route("10.6.0.0/16", "", 200));
	foreign = route("10.7.0.0/16", "eth0", 100);
	foreign.protocol = RTPROT_BOOT;
	add_route(h, foreign);
}

START_TEST(test_claim_routes)
{
	struct host *h = host_of("meshapply:other");
	struct route known = route("10.6.0.0/16", "", 200);
	struct state last = { .routes = &known, .route_count = 1 };

	add_routes(h);
	claim(h, NULL);
	/* our device, and only our protocol */
	ck_assert(route_owned(h, "10.0.0.0/8", "wg0", 254));
	ck_assert(!route_owned(h, "10.9.0.0/16", "wg0", 254));
	/* main is nobody's */
	ck_assert(!route_owned(h, "10.2.0.0/16", "eth0", 254));
	/* a table with a route of ours, and one with our mark's number */
	ck_assert(route_owned(h, "0.0.0.0/0", "wg0", 100));
	ck_assert(route_owned(h, "10.3.0.0/16", "eth0", 100));
	ck_assert(!route_owned(h, "10.7.0.0/16", "eth0", 100));
	ck_assert(route_owned(h, "10.4.0.0/16", "eth0", 51820));
	/* never what leaves through another mesh's device */
	ck_assert(!route_owned(h, "10.5.0.0/16", "wg1", 51820));
	ck_assert(!route_owned(h, "10.6.0.0/16", "", 200));
	claim(h, &last);
	ck_assert(route_owned(h, "10.6.0.0/16", "", 200));
	ck_assert(!route_owned(h, "10.2.0.0/16", "eth0", 254));
	/* alone: what bears the protocol is ours */
	h = host_of("");
	add_routes(h);
	claim(h, NULL);
	ck_assert(route_owned(h, "10.2.0.0/16", "eth0", 254));
	ck_assert(route_owned(h, "10.5.0.0/16", "wg1", 51820));
	ck_assert(route_owned(h, "10.6.0.0/16", "", 200));
	ck_assert(!route_owned(h, "10.9.0.0/16", "wg0", 254));
	ck_assert(!route_owned(h, "10.7.0.0/16", "eth0", 100));
	/* another mesh has no link any more */
	h->others = true;
	claim(h, NULL);
	ck_assert(!route_owned(h, "10.2.0.0/16", "eth0", 254));
	ck_assert(route_owned(h, "10.0.0.0/8", "wg0", 254));
	h->others = false;
	/* a link of ours that is nobody's yet is another mesh's, too */
	h->links[2].group = OUR_LINK_GROUP;
	claim(h, NULL);
	ck_assert(!route_owned(h, "10.2.0.0/16", "eth0", 254));
}
END_TEST

static void add_rules(struct host *h)
{
	struct rule *r;

	add_route(h, route("0.0.0.0/0", "wg0", 100));
	r = add_rule(h, rule(AF_INET, 10, 999));
	r->fwmark = 51820;
	r->fwmask = UINT32_MAX;
	r = add_rule(h, rule(AF_INET, 11, 999));
	r->fwmark = 7;
	r->fwmask = UINT32_MAX;
	add_rule(h, rule(AF_INET, 12, 100));
	add_rule(h, rule(AF_INET, 13, RT_TABLE_MAIN));
	r = add_rule(h, rule(AF_INET, 14, 999));
	strcpy(r->iif, "wg0");
	r = add_rule(h, rule(AF_INET, 16, 100));
	strcpy(r->oif, "wg1");
	add_rule(h, rule(AF_INET, 18, 999));
	/* the pairs of a full tunnel: ours, and another's */
	r = add_rule(h, rule(AF_INET6, 20, RT_TABLE_MAIN));
	r->suppress_prefixlength = 0;
	add_rule(h, rule(AF_INET6, 21, 51820));
	r = add_rule(h, rule(AF_INET6, 22, RT_TABLE_MAIN));
	r->suppress_prefixlength = 0;
	add_rule(h, rule(AF_INET6, 23, 999));
	/* beside one of ours, but of the other family */
	r = add_rule(h, rule(AF_INET, 24, RT_TABLE_MAIN));
	r->suppress_prefixlength = 0;
	add_rule(h, rule(AF_INET6, 25, 51820));
	r = add_rule(h, rule(AF_INET, 30, 100));
	r->protocol = RTPROT_BOOT;
}

START_TEST(test_claim_rules)
{
	struct host *h = host_of("meshapply:other");
	struct rule known = rule(AF_INET, 18, 999);
	struct state last = { .rules = &known, .rule_count = 1 };

	add_rules(h);
	claim(h, NULL);
	ck_assert(rule_owned(h, 10));
	ck_assert(!rule_owned(h, 11));
	ck_assert(rule_owned(h, 12));
	ck_assert(!rule_owned(h, 13));
	ck_assert(rule_owned(h, 14));
	ck_assert(!rule_owned(h, 16));
	ck_assert(!rule_owned(h, 18));
	ck_assert(rule_owned(h, 20));
	ck_assert(rule_owned(h, 21));
	ck_assert(!rule_owned(h, 22));
	ck_assert(!rule_owned(h, 23));
	ck_assert(!rule_owned(h, 24));
	ck_assert(rule_owned(h, 25));
	ck_assert(!rule_owned(h, 30));
	claim(h, &last);
	ck_assert(rule_owned(h, 18));
	ck_assert(!rule_owned(h, 23));
	h = host_of("");
	add_rules(h);
	claim(h, NULL);
	for (uint32_t i = 10; i < 26; i++)
		if (i != 15 && i != 17 && i != 19)
			ck_assert(rule_owned(h, i));
	ck_assert(!rule_owned(h, 30));
}
END_TEST

START_TEST(test_own_key)
{
	static const struct source source = {
		.name = "wireguard.conf",
		.text = { "[Interface]\nx\nPublicKey = a\n", 29 } };
	struct peer peers[] = { { .public_key = { { 1 } } },
				{ .public_key = { { 2 } },
				  .where = { &source, 26 } } };
	struct device device = { .peers = peers, .peer_count = 2,
				 .where = { &source, 1 } };
	struct state s = { .devices = &device, .device_count = 1 };
	struct diags diags;

	diags_init(&diags, arena);
	state_check_keys(&s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	device.public_key.bytes[0] = 3;
	state_check_keys(&s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	device.public_key.bytes[0] = 2;
	state_check_keys(&s, &diags);
	ck_assert_str_eq(diags_lines(arena, &diags),
			 "wireguard.conf:3:13: this peer has the key of this "
			 "node itself (1:2)\n");
}
END_TEST

START_TEST(test_words)
{
	ck_assert(!phase_removes(PHASE_RULES));
	ck_assert(phase_removes(PHASE_REMOVE_RULES));
	ck_assert(phase_removes(PHASE_RESTORE_SYSCTL));
	ck_assert_str_eq(disruption_name(DISRUPTION_NONE), "none");
	ck_assert_str_eq(disruption_name(DISRUPTION_REKEY), "rekey");
	ck_assert_str_eq(disruption_name(DISRUPTION_LOSS), "loss");
	ck_assert_str_eq(disruption_name(DISRUPTION_SESSION), "session");
	ck_assert_str_eq(disruption_name(DISRUPTION_MESH), "mesh");
	ck_assert_str_eq(disruption_name(DISRUPTION_ACCESS), "access");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *all = tcase_create("state");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, test_route_order);
	tcase_add_test(all, test_rule_order);
	tcase_add_test(all, test_device_diff);
	tcase_add_test(all, test_peer_diff);
	tcase_add_test(all, test_normalise);
	tcase_add_test(all, test_claim_devices);
	tcase_add_test(all, test_claim_routes);
	tcase_add_test(all, test_claim_rules);
	tcase_add_test(all, test_own_key);
	tcase_add_test(all, test_words);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
