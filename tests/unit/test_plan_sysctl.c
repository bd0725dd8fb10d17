/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sysctls, with those the kernel changes along. */
#include <string.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct bench bench;
static struct build first, want;
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

static void wanted(struct build *b, const char *addresses)
{
	struct device *device;

	build_init(b, arena, MESH);
	device = build_device(b, "wg0", 1);
	if (addresses)
		build_addresses(b, device, addresses);
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

/* kernel.md 5: switching forwarding rewrites that of every link. */
START_TEST(forwarding_reaches_far)
{
	const struct step *s;

	start();
	wanted(&want, "10.0.0.1/24");
	build_sysctl(&want, "net.ipv4.conf.eth0.forwarding", "0");
	build_sysctl(&want, "net.ipv4.ip_forward", "1");
	apply_want();
	s = plan_step(&plan, STEP_SYSCTL_SET, "sysctl/net.ipv4.ip_forward");
	ck_assert_int_eq(s->disruption, DISRUPTION_ACCESS);
	ck_assert_str_eq(s->sysctl_before, "0");
	s = plan_step(&plan, STEP_SYSCTL_SET,
		      "sysctl/net.ipv4.conf.eth0.forwarding");
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->sysctl_before, "1");
	ck_assert_str_eq(model_sysctl_value(bench.model,
		"net.ipv4.conf.eth0.forwarding"), "0");
	end();
}
END_TEST

START_TEST(forwarding_undone)
{
	static const char redirects[] =
		"net.ipv4.conf.all.accept_redirects";
	struct state before;
	size_t done;

	start();
	model_sysctl(bench.model, redirects, "0");
	model_sysctl(bench.model, "net.ipv4.conf.eth0.forwarding", "1");
	wanted(&want, "10.0.0.1/24");
	build_sysctl(&want, "net.ipv4.ip_forward", "1");
	ck_assert_int_eq(try_plan(), 0);
	bench_observe(&bench, &want.s, NULL, NULL, &before);
	ck_assert(!bench_take(&bench, &plan, 0, SIZE_MAX, &done, &err));
	ck_assert_ptr_null(bench_undo(&bench, &before, &want.s, NULL));
	ck_assert_str_eq(model_sysctl_value(bench.model, redirects), "0");
	ck_assert_str_eq(model_sysctl_value(bench.model,
		"net.ipv4.conf.eth0.forwarding"), "1");
	ck_assert_str_eq(model_sysctl_value(bench.model,
		"net.ipv4.conf.lo.forwarding"), "0");
	end();
}
END_TEST

/* kernel.md 4 */
START_TEST(advertised_default_stays)
{
	struct link *eth0;

	start();
	eth0 = &model_link_find(bench.model, "eth0")->link;
	eth0->advertised_default = true;
	wanted(&first, "fd00::1/64");
	build_sysctl(&first, "net.ipv6.conf.all.forwarding", "1");
	apply_first();
	ck_assert(eth0->advertised_default);
	ck_assert_str_eq(model_sysctl_value(bench.model,
		"net.ipv6.conf.eth0.accept_ra"), "2");
	/* Gone for a moment: still wanted. */
	eth0->advertised_default = false;
	wanted(&want, "fd00::1/64");
	build_sysctl(&want, "net.ipv6.conf.all.forwarding", "1");
	apply_want();
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_ptr_nonnull(state_sysctl(&want.s,
		"net.ipv6.conf.eth0.accept_ra"));
	end();
}
END_TEST

START_TEST(sysctls_restored)
{
	static const struct sysctl back[] = {
		{ .key = "net.ipv4.ip_forward", .value = "0" },
	};

	start();
	wanted(&first, "10.0.0.1/24");
	build_sysctl(&first, "net.ipv4.ip_forward", "1");
	build_sysctl(&first, "net.ipv4.conf.wg0.forwarding", "1");
	apply_first();
	wanted(&want, "10.0.0.1/24");
	build_sysctl(&want, "net.ipv4.conf.wg0.forwarding", "1");
	ck_assert_int_eq(try_plan(), 0);
	ck_assert_uint_eq(plan.count, 0);
	bench.options.restored = back;
	bench.options.restored_count = 1;
	bench_observe(&bench, &want.s, &first.s, NULL, &have);
	ck_assert(!plan_diff(arena, &want.s, &have, NULL, &bench.options,
			     &plan, &err));
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.steps[0].phase, PHASE_RESTORE_SYSCTL);
	ck_assert_str_eq(plan.steps[1].id,
			 "sysctl/net.ipv4.conf.wg0.forwarding");
	end();
}
END_TEST

START_TEST(dot_in_a_link_name)
{
	struct sysctl_keys keys;
	bool found = false;

	start();
	model_link_add(bench.model, "eth0.100", "vlan");
	wanted(&want, NULL);
	build_sysctl(&want, "net.ipv4.ip_forward", "1");
	bench_observe(&bench, &want.s, NULL, NULL, &have);
	plan_sysctl_keys(arena, &want.s, &have, &keys);
	for (size_t i = 0; i < keys.count; i++)
		if (!strcmp(keys.items[i],
			    "net.ipv4.conf.eth0/100.forwarding"))
			found = true;
	ck_assert(found);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(forwarding_reaches_far),
		CHECK_CASE(forwarding_undone),
		CHECK_CASE(advertised_default_stays),
		CHECK_CASE(sysctls_restored),
		CHECK_CASE(dot_in_a_link_name),
	};

	return check_run("plan: sysctls", cases, array_size(cases));
}
