/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies between two generations, without a kernel. */
#include <string.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define TABLE(rule) "table inet meshapply_office {\n\tchain c {\n" rule \
	"\t}\n}\n"

static struct arena *arena;
static struct build from, to;
static struct plan plan;
static struct err err;

static void fill(struct build *b)
{
	struct device *d;

	build_init(b, arena, MESH);
	d = build_device(b, "wg0", 1);
	build_addresses(b, d, "10.0.0.1/24");
	build_peer(b, d, 11, "198.51.100.1:51820", "10.0.0.2/32");
	build_peer(b, d, 12, NULL, "10.0.0.3/32");
	build_full_tunnel(b, d, AF_INET);
	build_sysctl(b, "net.ipv4.ip_forward", "1");
	build_firewall(b, TABLE(""));
}

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	fill(&from);
	fill(&to);
}

static void end(void)
{
	arena_free(arena);
}

static struct peer *peer(struct build *b, size_t i)
{
	return &b->s.devices[0].peers[i];
}

static void between(void)
{
	state_normalise(&from.s);
	state_normalise(&to.s);
	ck_assert_msg(!plan_between(arena, &from.s, &to.s, &plan, &err), "%s",
		      err.text);
}

static bool noted(const char *words)
{
	for (size_t i = 0; i < plan.note_count; i++)
		if (strstr(plan.notes[i], words))
			return true;
	return false;
}

START_TEST(nothing)
{
	between();
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_eq(plan.note_count, 0);
}
END_TEST

START_TEST(one_more_and_one_less)
{
	build_peer(&to, to.s.devices, 13, NULL, "10.0.0.4/32");
	build_peer(&from, from.s.devices, 14, NULL, "10.0.0.5/32");
	between();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_ADD), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_REMOVE), 1);
}
END_TEST

/* The states are the caller's still. */
START_TEST(states_stay_as_they_are)
{
	peer(&to, 0)->preshared_key_file = "a.psk";
	between();
	ck_assert_ptr_eq(peer(&to, 0)->preshared_key, NULL);
	ck_assert_ptr_eq(peer(&from, 0)->preshared_key, NULL);
	ck_assert(!from.s.devices[0].owned);
	ck_assert_uint_eq(from.s.link_count, 0);
	ck_assert(from.s.devices[0].automatic & DEVICE_FWMARK);
}
END_TEST

static size_t preshared_changes(const char *was, const char *is)
{
	size_t found = 0;

	fill(&from);
	fill(&to);
	peer(&from, 0)->preshared_key_file = was;
	peer(&to, 0)->preshared_key_file = is;
	between();
	for (size_t i = 0; i < plan.count; i++)
		found += plan.steps[i].kind == STEP_PEER_CHANGE &&
			(plan.steps[i].fields & PEER_PRESHARED_KEY);
	ck_assert_uint_eq(found, plan.count);
	return found;
}

/* By their files: no key is there to be compared. */
START_TEST(preshared_keys)
{
	ck_assert_uint_eq(preshared_changes(NULL, NULL), 0);
	ck_assert_uint_eq(preshared_changes("a.psk", "a.psk"), 0);
	ck_assert_uint_eq(preshared_changes("a.psk", "b.psk"), 1);
	ck_assert_uint_eq(preshared_changes(NULL, "b.psk"), 1);
	ck_assert_uint_eq(preshared_changes("a.psk", NULL), 1);
}
END_TEST

static void name_of(struct build *b, const char *host, uint16_t port)
{
	peer(b, 0)->endpoint = (struct endpoint){ 0 };
	peer(b, 0)->endpoint_host = host;
	peer(b, 0)->endpoint_port = port;
}

/* A name is not asked for: a note tells of it, and no step. */
START_TEST(names)
{
	name_of(&to, "hub.example", 51820);
	between();
	ck_assert_uint_eq(plan.count, 0);
	ck_assert(noted("endpoint 198.51.100.1:51820 -> hub.example:51820"));
	name_of(&from, "hub.example", 51820);
	between();
	ck_assert_uint_eq(plan.note_count, 0);
	name_of(&from, "old.example", 51820);
	between();
	ck_assert(noted("endpoint old.example:51820 -> hub.example:51820"));
	name_of(&from, NULL, 0);
	between();
	ck_assert(noted("endpoint none -> hub.example:51820"));
}
END_TEST

START_TEST(addresses_of_endpoints)
{
	peer(&to, 0)->endpoint = build_endpoint("198.51.100.2:51820");
	between();
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_CHANGE), 1);
	ck_assert_uint_eq(plan.note_count, 0);
}
END_TEST

START_TEST(firewalls)
{
	build_firewall(&to, TABLE("\t\taccept\n"));
	between();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_FIREWALL_LOAD), 1);
	ck_assert(noted("the firewalls are compared as texts"));
	to.s.firewall = NULL;
	between();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_FIREWALL_DELETE), 1);
	ck_assert_uint_eq(plan.note_count, 0);
}
END_TEST

START_TEST(sysctls)
{
	to.s.sysctl_count = 0;
	between();
	ck_assert_uint_eq(plan.count, 0);
	ck_assert(noted("sysctl net.ipv4.ip_forward goes back"));
}
END_TEST

START_TEST(everything)
{
	build_init(&from, arena, MESH);
	between();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_CREATE), 1);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_ADD), 2);
	fill(&from);
	build_init(&to, arena, MESH);
	between();
	ck_assert_uint_eq(plan_kinds(&plan, STEP_LINK_DELETE), 1);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(nothing),
		CHECK_CASE(one_more_and_one_less),
		CHECK_CASE(states_stay_as_they_are),
		CHECK_CASE(preshared_keys),
		CHECK_CASE(names),
		CHECK_CASE(addresses_of_endpoints),
		CHECK_CASE(firewalls),
		CHECK_CASE(sysctls),
		CHECK_CASE(everything),
	};

	return check_run_within("plan: between", cases,
				sizeof(cases) / sizeof(*cases), start, end);
}
