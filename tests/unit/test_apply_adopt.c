/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adopting what wg-quick made, and the way back. */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "base/diag.h"
#include "support/host.h"

static struct diags diags;

static void setup(void)
{
	host_open();
	diags_init(&diags, host.arena);
}

static void teardown(void)
{
	host_close();
}

static const struct wanted adopted = {
	.name = "adopted", .key = 1,
	.wireguard =
		"#@ mesh office\n#@ interface wg9\n"
		"[Interface]\nAddress = 10.0.0.1/24\nListenPort = 51900\n"
		"MTU = 1420\nTable = off\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"AllowedIPs = 10.0.0.2/32, 10.3.0.0/16\n",
	.network = "route replace 10.3.0.0/16 dev wg9 proto 77\n",
};

static void make_foreign_device(uint8_t protocol)
{
	struct model_link *l = model_link_add(host.model, "wg9", "wireguard");
	struct state *want = host_want(&adopted);
	struct device *d = &want->devices[0];
	struct route *r = &want->routes[0];

	l->link.up = true;
	l->device.private_key = d->private_key;
	l->device.public_key = d->public_key;
	l->device.listen_port = 51900;
	l->peers = d->peers;
	l->device.peer_count = d->peer_count;
	l->peer_capacity = d->peer_count;
	model_address_insert(host.model, l, d->addresses);
	r->protocol = protocol;
	model_route_put(host.model, r);
}

static const char *const force_device[] = { "device" };

static void start(struct run *run, bool by_force)
{
	host_start(run);
	run->options.adopt = true;
	run->options.force = force_device;
	run->options.force_count = by_force;
}

/* Each step of the adoption refused once: all is as before; then none. */
static void adopt(bool by_force, const char *what)
{
	struct state *before = host_snapshot();
	struct apply_result result;
	size_t count, first;
	uint32_t index;
	struct run run;

	index = model_link_find(host.model, "wg9")->link.index;
	start(&run, by_force);
	host_plan(&run, &adopted);
	count = run.plan.count;
	ck_assert_uint_gt(count, 0);
	host_finish();
	for (size_t i = 0; i < count; i++) {
		start(&run, by_force);
		host_plan(&run, &adopted);
		first = host.model->sent;
		host.model->fault = (struct model_fault){
			.at = first + i, .times = 1, .half = i & 1,
		};
		ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
		host_finish();
		ck_assert_msg(!host_differs(before), "step %zu: %s", i,
			      host_differs(before));
	}
	start(&run, by_force);
	host_plan(&run, &adopted);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s",
		      host.e.text);
	host_finish();
	ck_assert_uint_eq(model_link_find(host.model, "wg9")->link.index,
			  index);
	host_converged(&adopted, what);
}

static void refused_without(bool adopting)
{
	struct run run;

	host_start(&run);
	run.options.adopt = adopting;
	ck_assert_int_eq(converge_plan(&run, host_want(&adopted), &diags,
				       &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	host_finish();
}

START_TEST(adopted_and_back)
{
	make_foreign_device(RTPROT_BOOT);
	refused_without(false);
	adopt(false, "adopted");
}
END_TEST

static void bear(struct model_link *l, const char *mesh)
{
	strcpy(l->link.alias, OUR_ALIAS);
	strcat(l->link.alias, mesh);
	strcpy(l->device.alias, l->link.alias);
	l->link.group = l->device.group = OUR_LINK_GROUP;
}

/* Handed over by force, with a route that the other mesh has on it. */
START_TEST(adopted_from_another_mesh)
{
	struct model_link *l;
	struct route *extra = host_want(&adopted)->routes;

	make_foreign_device(OUR_PROTOCOL);
	l = model_link_find(host.model, "wg9");
	bear(l, "wg9");
	extra->prefix.ip.bytes[1] = 9;
	model_route_put(host.model, extra);
	refused_without(true);
	adopt(true, "adopted from another mesh");
}
END_TEST

/* One that says more than can be read: it could not be given back exactly. */
START_TEST(adopted_with_an_opaque_route)
{
	struct route *extra = host_want(&adopted)->routes;
	struct apply_result result;
	struct run run;

	make_foreign_device(OUR_PROTOCOL);
	bear(model_link_find(host.model, "wg9"), "wg9");
	extra->prefix.ip.bytes[1] = 11;
	extra->opaque = true;
	model_route_put(host.model, extra);
	start(&run, true);
	host_plan(&run, &adopted);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s",
		      host.e.text);
	host_finish();
	for (size_t i = 0; i < host.model->route_count; i++)
		ck_assert(!host.model->routes[i].opaque);
	host_converged(&adopted, "adopted with an opaque route");
}
END_TEST

#define OLD_MARK 100u

static struct rule *put_rule(uint32_t priority, uint32_t table)
{
	static struct rule r;

	r = (struct rule){
		.family = AF_INET, .action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL, .priority = priority,
		.table = table, .suppress_prefixlength = -1,
		.uid_range = { 0, UINT32_MAX },
	};
	return &r;
}

/* A mesh's full tunnel by a mark of its own. */
static void put_tunnel(const char *device, uint32_t mark, uint32_t priority)
{
	struct rule *r = put_rule(priority, RT_TABLE_MAIN);
	struct route *route = host_want(&adopted)->routes;

	r->suppress_prefixlength = 0;
	model_rule_put(host.model, r);
	r = put_rule(priority + 1, mark);
	r->invert = true;
	r->fwmark = mark;
	r->fwmask = UINT32_MAX;
	model_rule_put(host.model, r);
	strcpy(route->device, device);
	route->prefix = (struct prefix){ .ip.family = AF_INET };
	route->table = mark;
	model_route_put(host.model, route);
	model_link_find(host.model, device)->device.fwmark = mark;
}

/* By force, with the rules of the other mesh; those of a third one stay. */
START_TEST(adopted_with_the_rules_of_another_mesh)
{
	struct model_link *l;
	struct rule *r;
	size_t rules;

	make_foreign_device(OUR_PROTOCOL);
	bear(model_link_find(host.model, "wg9"), "wg9");
	l = model_link_add(host.model, "wg8", "wireguard");
	l->link.up = true;
	bear(l, "third");
	put_tunnel("wg8", 101, 32760);
	r = put_rule(900, RT_TABLE_MAIN);
	strcpy(r->iif, "wg8");
	model_rule_put(host.model, r);
	rules = host.model->rule_count;
	put_tunnel("wg9", OLD_MARK, 32764);
	r = put_rule(1000, RT_TABLE_MAIN);
	strcpy(r->iif, "wg9");
	model_rule_put(host.model, r);
	r = put_rule(1001, RT_TABLE_MAIN);
	strcpy(r->oif, "wg9");
	model_rule_put(host.model, r);
	refused_without(true);
	adopt(true, "adopted with the rules of another mesh");
	ck_assert_uint_eq(host.model->rule_count, rules);
	for (size_t i = 0; i < rules; i++)
		ck_assert(host.model->rules[i].fwmark != OLD_MARK);
}
END_TEST

/* A table that was deleted is not given back: that is no state as before. */
START_TEST(adopted_half_and_back)
{
	struct apply_result result;
	struct run run;
	size_t start;

	make_foreign_device(RTPROT_BOOT);
	model_foreign_table(host.model, "ip wg-quick-wg9");
	model_foreign_table(host.model, "ip6 wg-quick-wg9");
	for (size_t done = 0; done < 2; done++) {
		host_start(&run);
		run.options.adopt = true;
		host_plan(&run, &adopted);
		start = host.model->sent;
		/* The tables go last; no try forward gets there either. */
		host.model->fault = (struct model_fault){
			.at = start + run.plan.count - 2 + done, .times = 4,
		};
		ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
		ck_assert_msg(host.e.kind == (done ? ERR_INCOMPLETE :
					      ERR_ROLLED_BACK), "%s",
			      host.e.text);
		host_finish();
	}
	ck_assert_msg(strstr(host.e.text, "ip wg-quick-wg9") != NULL, "%s",
		      host.e.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: adopting");
	TCase *tc = tcase_create("apply");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, adopted_and_back);
	tcase_add_test(tc, adopted_half_and_back);
	tcase_add_test(tc, adopted_from_another_mesh);
	tcase_add_test(tc, adopted_with_an_opaque_route);
	tcase_add_test(tc, adopted_with_the_rules_of_another_mesh);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
