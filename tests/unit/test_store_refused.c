/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept may be another user's: each way in which its lines are bad. */
#include <string.h>

#include "apply/sysctl_side.h"
#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"
#include "support/check.h"

#define KEY(n) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" n "E="
#define DEVICE "device name=wg0 public-key=" KEY("A") "\n"
#define PEER DEVICE "peer public-key=" KEY("B") "\n"
#define RULE "rule family=2 action=1 priority=1 to=0.0.0.0/0 table=100 " \
	"suppress-prefixlength="
#define LONGEST (3 * 65536)

static struct arena *arena;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
}

static void end(void)
{
	arena_free(arena);
}

static bool journal_takes(const char *text)
{
	struct records r = { .arena = arena, .secrets = arena,
			     .rest = str_of(text) };
	struct journal out = { .firewall_lost = false };

	return journal_lines(&r, "office", &out);
}

/* TAIL makes HEAD's lines bad, which they are not without it. */
static void bad(const char *head, const char *tail)
{
	const char *good = arena_printf(arena, "%send\n", head);
	const char *text = arena_printf(arena, "%s%send\n", head, tail);

	ck_assert_msg(journal_takes(good), "%s", good);
	ck_assert_msg(!journal_takes(text), "%s", text);
}

START_TEST(lines_without_what_they_belong_to)
{
	bad(DEVICE, "allowed-ip prefix=10.0.0.0/8\n");
	bad("", "peer public-key=" KEY("B") "\n");
	bad("", "address prefix=10.0.0.1/8\n");
}
END_TEST

START_TEST(lines_without_what_they_are_about)
{
	bad(PEER, "allowed-ip\n");
	bad(PEER, "allowed-ip prefix=10.0.0.0/33\n");
	bad(DEVICE, "address\n");
	bad("", "rubbish\n");
}
END_TEST

START_TEST(values_that_nobody_writes)
{
	bad(PEER, "peer public-key=" KEY("C") " keepalive=0\n");
	bad(PEER, "peer public-key=" KEY("C") " keepalive=025\n");
	bad(PEER, "peer public-key=" KEY("C") " keepalive=65536\n");
	bad(PEER, "peer public-key=short\n");
	bad(PEER, "peer public-key=" KEY("C") " preshared-key=short\n");
	bad("", "sysctl key=net.ipv4.ip_forward value=%zz\n");
	bad("", "sysctl key=net.ipv4.ip_forward value=%4\n");
	bad("", RULE "-0\n");
	bad("", RULE "-\n");
	bad("", RULE "2147483648\n");
}
END_TEST

START_TEST(a_value_without_an_end)
{
	char *value = arena_alloc(arena, LONGEST + 2);

	memset(value, 'a', LONGEST + 1);
	bad("", arena_printf(arena, "sysctl key=net.ipv4.ip_forward "
			     "value=%s\n", value));
}
END_TEST

static bool sample_takes(const char *text)
{
	struct records r = { .arena = arena, .secrets = arena,
			     .rest = str_of(text) };
	struct sample sample;

	return sample_lines(&r, &sample);
}

START_TEST(samples)
{
	const char *one = "peer public-key=" KEY("A") " sent=5\n";

	ck_assert(sample_takes(""));
	ck_assert(sample_takes(one));
	ck_assert(!sample_takes(arena_printf(arena, "%srubbish\n", one)));
	ck_assert(!sample_takes("peer public-key=short sent=5\n"));
	ck_assert(!sample_takes("peer public-key=" KEY("A") " sent=05\n"));
	ck_assert(!sample_takes("peer public-key=" KEY("A") " sent=5"));
}
END_TEST

#define REGISTRY "meshapply 1 sysctls boot=boot netns=1\n"
#define ENTRY(key) "sysctl key=" key " before=0 ours=1 root=" key \
	" mesh=office netns=1\n"

static size_t registered(const char *text)
{
	struct store store = {
		.mesh = "office", .here = { .boot = "boot", .netns = 1 },
	};

	sysctls_parse(&store, arena, str_of(text));
	return store.sysctl_count;
}

/* One line that is bad, and none counts: values are left as they are. */
START_TEST(registries)
{
	ck_assert_uint_eq(registered(REGISTRY ENTRY("net.ipv4.ip_forward")),
			  1);
	ck_assert_uint_eq(registered(REGISTRY ENTRY("net.ipv4.ip_forward")
				     ENTRY("kernel.core_pattern")), 0);
	ck_assert_uint_eq(registered(REGISTRY ENTRY("net.ipv4.ip_forward")
				     "rubbish\n"), 0);
	ck_assert_uint_eq(registered(REGISTRY ENTRY("net.ipv4.ip_forward")
				     "sysctl key"), 0);
	ck_assert_uint_eq(registered("meshapply 1 sysctls boot=other "
				     "netns=1\n"
				     ENTRY("net.ipv4.ip_forward")), 0);
	ck_assert_uint_eq(registered(ENTRY("net.ipv4.ip_forward")), 0);
}
END_TEST

/* Root writes no other: what a link's name cannot be is no key. */
START_TEST(keys)
{
	ck_assert(sysctl_known(STR("net.ipv4.conf.wg0.rp_filter")) ||
		  sysctl_known(STR("net.ipv4.conf.wg0.forwarding")));
	ck_assert(!sysctl_known(STR("net.ipv4.conf.a b.forwarding")));
	ck_assert(!sysctl_known(STR("net.ipv4.conf.\x7f.forwarding")));
	ck_assert(!sysctl_known(STR("net.ipv4.conf.//.forwarding")));
	ck_assert(!sysctl_known(STR("net.ipv4.conf..forwarding")));
	ck_assert(!sysctl_known(STR("net.ipv4.conf.abcdefghijklmnop"
				    ".forwarding")));
}
END_TEST

START_TEST(device_of_a_key)
{
	struct device device = { .name = "wg0" };
	const struct state s = { .devices = &device, .device_count = 1 };

	ck_assert_ptr_eq(sysctl_device(&s, "net.ipv4.conf.wg0.forwarding"),
			 &device);
	ck_assert_ptr_eq(sysctl_device(&s, "net.ipv4.conf.wg1.forwarding"),
			 NULL);
	ck_assert_ptr_eq(sysctl_device(&s, "net.ipv4.ip_forward"), NULL);
	ck_assert_ptr_eq(sysctl_device(&s, "net.ipv4.conf."), NULL);
}
END_TEST

/* A dot in a link's name is written as a slash, as sysctl(8) does. */
START_TEST(sides_of_a_link_with_a_dot)
{
	const struct link links[] = { { .name = "eth0.5" } };
	struct sysctl_side *sides;
	size_t count, found = 0;

	count = sysctl_sides(arena, "net.ipv4.ip_forward", links, 1, &sides);
	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(strstr(sides[i].key, "eth0.5"), NULL);
		found += !strcmp(sides[i].key,
				 "net.ipv4.conf.eth0/5.forwarding");
	}
	ck_assert_uint_eq(found, 1);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(lines_without_what_they_belong_to),
		CHECK_CASE(lines_without_what_they_are_about),
		CHECK_CASE(values_that_nobody_writes),
		CHECK_CASE(a_value_without_an_end),
		CHECK_CASE(samples),
		CHECK_CASE(registries),
		CHECK_CASE(keys),
		CHECK_CASE(device_of_a_key),
		CHECK_CASE(sides_of_a_link_with_a_dot),
	};

	return check_run_within("store: refused", cases,
				sizeof(cases) / sizeof(*cases), start, end);
}
