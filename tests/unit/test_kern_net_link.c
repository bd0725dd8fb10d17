/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, links, lookups and sysctls on this kernel, and no privilege. */
#include <check.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/kern_net.h"

START_TEST(addresses)
{
	static const struct device v1 = { .name = "v1" };
	static const char *const texts[] = {
		"10.50.0.7/24", "10.50.0.1/24", "10.60.0.1/32", "fd05::5/64",
		"fd05::1/128", "127.9.0.1/8",
	};
	struct prefix p[6];

	for (size_t i = 0; i < 6; i++) {
		struct step *s = net_add(STEP_ADDRESS_ADD);

		p[i] = net_prefix(texts[i]);
		s->device = &v1;
		s->prefixes = &p[i];
	}
	net_take();
	net_says("ip -o -4 address show dev v1 | sed 's/.*inet //; s/ v1.*//'",
	     "127.9.0.1/8 scope host\n10.50.0.7/24 scope global\n"
	     "10.60.0.1/32 scope global\n"
	     "10.50.0.1/24 scope global secondary\n");
	net_says("ip -o -6 address show dev v1 scope global | "
	     "sed 's/.*inet6 //; s/ scope.*//'",
	     "fd05::1/128\nfd05::5/64\n");
	net_add(STEP_ADDRESS_ADD)->device = &v1;
	net_plan.steps[0].prefixes = &p[0];
	net_refused("address 10.50.0.7/24 dev v1: File exists");
	for (size_t i = 6; i; i--) {
		struct step *s = net_add(STEP_ADDRESS_REMOVE);

		s->device_before = &v1;
		s->prefixes = &p[i - 1];
	}
	net_take();
	net_says("ip -o address show dev v1 to 10.0.0.0/8", "");
	net_add(STEP_ADDRESS_REMOVE)->device = &v1;
	net_plan.steps[0].prefixes = &p[3];
	net_refused("address fd05::5/64 dev v1: Cannot assign requested address");
}
END_TEST

START_TEST(links)
{
	struct device d = { .name = "v1", .group = 77, .mtu = 1400,
			    .alias = "meshapply:test", .up = true };
	struct state have;
	const struct link *link;

	net_add(STEP_LINK_CHANGE)->device = &d;
	net_plan.steps[0].fields = DEVICE_ALIAS | DEVICE_GROUP | DEVICE_MTU;
	net_take();
	have = net_look(NULL);
	link = state_link(&have, "v1");
	ck_assert_str_eq(link->alias, d.alias);
	ck_assert_str_eq(link->kind, "veth");
	ck_assert_uint_eq(link->group, 77);
	ck_assert_uint_eq(link->mtu, 1400);
	ck_assert(link->up);
	/* A link of our marks that is no WireGuard is no device. */
	ck_assert_uint_eq(have.device_count, 0);
	d = (struct device){ .name = "v1", .mtu = 1500 };
	net_add(STEP_LINK_CHANGE)->device = &d;
	net_plan.steps[0].fields = DEVICE_ALIAS | DEVICE_GROUP | DEVICE_MTU |
			       DEVICE_UP;
	net_take();
	have = net_look(NULL);
	link = state_link(&have, "v1");
	ck_assert_str_eq(link->alias, "");
	ck_assert_uint_eq(link->group, 0);
	ck_assert(!link->up);
	d.up = true;
	net_add(STEP_LINK_CHANGE)->device = &d;
	net_plan.steps[0].fields = DEVICE_UP;
	net_take();
}
END_TEST

/* What was planned for a link is not done to another one of its name. */
START_TEST(a_link_that_took_the_name)
{
	const struct device before = { .name = "v1", .mtu = 1500,
				       .index = 0x7ffffff };
	const struct device d = { .name = "v1", .mtu = 1400 };
	struct step *s = net_add(STEP_LINK_CHANGE);

	s->device = &d;
	s->device_before = &before;
	s->fields = DEVICE_MTU;
	net_refused("link v1: No such device");
}
END_TEST

START_TEST(advertised_default)
{
	struct state have;

	net_output("ip -6 route add default via fe80::9 dev v0 proto ra");
	have = net_look(NULL);
	ck_assert(state_link(&have, "v0")->advertised_default);
	ck_assert(!state_link(&have, "v1")->advertised_default);
	/* Then the kernel did not make it, and will not unmake it. */
	net_output("echo 0 >/proc/sys/net/ipv6/conf/v0/accept_ra");
	have = net_look(NULL);
	ck_assert(!state_link(&have, "v0")->advertised_default);
	net_output("ip -6 route del default");
}
END_TEST

static struct lookup ask(const char *address, uint32_t mark)
{
	struct lookup l = { .endpoint.ip = net_prefix(address).ip,
			    .endpoint.port = 51820, .mark = mark };
	struct err e;

	ck_assert_msg(net_kernel->lookup(net_kernel, &l, 1, &e) == 0, "%s", e.text);
	return l;
}

static void leads(const char *address, uint32_t mark, const char *device,
		  uint32_t mtu, uint32_t table, const char *prefix)
{
	struct lookup l = ask(address, mark);
	char text[PREFIX_TEXT_MAX];

	ck_assert_msg(l.found, "%s", address);
	ck_assert_msg(!strcmp(l.device, device), "%s: %s", address, l.device);
	ck_assert_uint_eq(l.mtu, mtu);
	ck_assert_uint_eq(l.table, table);
	ck_assert_str_eq(prefix_format(&l.prefix, text), prefix);
}

START_TEST(lookups)
{
	ck_assert(!ask("203.0.113.5", 0).found);
	ck_assert(!ask("2001:db8::5", 0).found);
	ck_assert(!ask("0.0.0.0", 0).found);
	ck_assert(!ask("::", 0).found);
	net_output("ip route add default via 192.0.2.9 mtu 1400; "
	       "ip -6 route add default via fe80::9 dev v0; "
	       "ip route add 203.0.113.0/24 dev v1; "
	       "ip route add unreachable 198.51.100.0/24; "
	       "ip route add 10.8.0.0/16 nexthop dev v1 nexthop dev v1; "
	       "ip route add 10.1.0.0/16 dev v1 table 99; "
	       "ip rule add fwmark 7 table 99 prio 50");
	leads("8.8.8.8", 0, "v0", 1400, RT_TABLE_MAIN, "0.0.0.0/0");
	leads("203.0.113.5", 0, "v1", 1500, RT_TABLE_MAIN, "203.0.113.0/24");
	leads("10.8.1.1", 0, "v1", 1500, RT_TABLE_MAIN, "10.8.0.0/16");
	leads("10.1.1.1", 7, "v1", 1500, 99, "10.1.0.0/16");
	leads("10.1.1.1", 0, "v0", 1400, RT_TABLE_MAIN, "0.0.0.0/0");
	leads("2001:db8::5", 0, "v0", 1500, RT_TABLE_MAIN, "::/0");
	ck_assert(!ask("198.51.100.5", 0).found);
	/* The default route itself, though others match what it asks by. */
	leads("0.0.0.0", 0, "v0", 1400, RT_TABLE_MAIN, "0.0.0.0/0");
	leads("::", 0, "v0", 1500, RT_TABLE_MAIN, "::/0");
	net_output("ip route flush root 0.0.0.0/0 table main proto boot; "
	       "ip -6 route del default; ip rule del prio 50; "
	       "ip route flush table 99");
}
END_TEST

START_TEST(sysctls)
{
	static const char *const keys[] = { "net.ipv4.ip_forward",
		"net.ipv4.conf.v0.rp_filter", "net.ipv4.conf.absent.rp_filter",
		"net.ipv4.conf.a/b.rp_filter" };
	const struct scope scope = { .mesh = "test", .sysctls = keys,
				     .sysctl_count = 4 };
	const struct sysctl want = { .key = "net.ipv4.ip_forward",
				     .value = "1" };
	const struct sysctl gone = { .key = "net.ipv4.absent", .value = "1" };
	const struct sysctl bad = { .key = "net.ipv4.ip_forward",
				    .value = "words" };
	const struct sysctl out = { .key = "net.//.//.etc.passwd",
				    .value = "x" };
	struct state have;
	struct err e;

	net_output("ip link add a.b type bridge");
	net_add(STEP_SYSCTL_SET)->sysctl = &want;
	net_take();
	ck_assert_uint_eq(net_kernel->writes, 1);
	net_says("cat /proc/sys/net/ipv4/ip_forward", "1\n");
	ck_assert_int_eq(net_kernel->observe(net_kernel, net_arena,
					     net_secrets, &scope, &have, &e),
			 0);
	ck_assert_uint_eq(have.sysctl_count, 3);
	ck_assert_str_eq(state_sysctl(&have, keys[0])->value, "1");
	ck_assert_ptr_nonnull(state_sysctl(&have, keys[1]));
	ck_assert_ptr_null(state_sysctl(&have, keys[2]));
	ck_assert_ptr_nonnull(state_sysctl(&have, keys[3]));
	net_add(STEP_SYSCTL_SET)->sysctl = &gone;
	net_refused("sysctl net.ipv4.absent: cannot be opened: No such file");
	net_add(STEP_SYSCTL_SET)->sysctl = &bad;
	net_refused("sysctl net.ipv4.ip_forward: cannot be written: "
		    "Invalid argument");
	net_add(STEP_SYSCTL_SET)->sysctl = &out;
	net_refused("sysctl net.//.//.etc.passwd: not a key");
	net_output("ip link del a.b");
}
END_TEST

/* Without privilege: what anybody may read is read, the rest is named. */
static int look_unprivileged(void)
{
	const struct scope scope = { .mesh = "test" };
	struct state have = { 0 };
	struct route r = net_route("10.1.0.0/16", RTN_UNICAST);
	struct err e;

	if (setresuid(65534, 65534, 65534) < 0)
		return 77;
	net_setup();
	if (net_kernel->observe(net_kernel, net_arena, net_secrets, &scope,
				&have, &e) == 0 ||
	    e.kind != ERR_PERMISSION || !strstr(e.text, "meshapply_test"))
		return 1;
	if (!state_link(&have, "v0") || have.rule_count < 5)
		return 2;
	net_add(STEP_ROUTE_ADD)->route = &r;
	if (net_try(&e) == 0 || e.kind != ERR_PERMISSION)
		return 3;
	return 0;
}

START_TEST(unprivileged)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(look_unprivileged());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("SKIPPED: unprivileged: no other user to become\n");
		return;
	}
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		addresses,
		links,
		a_link_that_took_the_name,
		advertised_default,
		lookups,
		sysctls,
		unprivileged,
	};
	Suite *suite = suite_create("kern_net_link");
	TCase *net = tcase_create("net");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (net_enter() < 0) {
		printf("SKIPPED: kern_net_link: no network namespace here (%s)\n",
		       strerror(errno));
		return 0;
	}
	tcase_add_checked_fixture(net, net_setup, net_teardown);
	tcase_set_timeout(net, 120);
	for (size_t i = 0; i < array_size(tests); i++)
		tcase_add_test(net, tests[i]);
	suite_add_tcase(suite, net);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
