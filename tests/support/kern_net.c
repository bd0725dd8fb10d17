/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/kern_net.h"

#include <check.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct arena *net_arena, *net_secrets;
struct kernel *net_kernel;
struct plan net_plan;

void net_setup(void)
{
	const char *build = getenv("MESHAPPLY_BUILD");
	const struct kern_options options = {
		.helper_folder = build ? build : "build",
		.lock = -1,
	};
	struct err e;

	net_arena = arena_new((uint64_t)4 << 30);
	net_secrets = arena_new_secret((size_t)1 << 30);
	ck_assert_int_eq(kern_open(net_arena, &options, &net_kernel, &e), 0);
	net_plan = (struct plan){ 0 };
	ck_assert_int_eq(system("ip route flush table all proto 77; "
				"ip -6 route flush table all proto 77"), 0);
}

void net_teardown(void)
{
	kern_close(net_kernel);
	arena_free(net_secrets);
	arena_free(net_arena);
}

char *net_output(const char *command)
{
	static char text[1 << 16];
	FILE *f = popen(command, "r");
	size_t n = 0;
	int c;

	ck_assert_ptr_nonnull(f);
	while ((c = fgetc(f)) != EOF && n < sizeof(text) - 1)
		if (c != ' ' || (n && text[n - 1] != ' '))
			text[n++] = (char)c;
	text[n] = '\0';
	ck_assert_msg(pclose(f) == 0, "%s", command);
	return text;
}

void net_says(const char *command, const char *want)
{
	ck_assert_str_eq(net_output(command), want);
}

struct step *net_add(enum step_kind kind)
{
	arena_room(net_arena, &net_plan.steps, net_plan.count,
		   &net_plan.capacity, sizeof(*net_plan.steps));
	net_plan.steps[net_plan.count] = (struct step){ .kind = kind };
	return &net_plan.steps[net_plan.count++];
}

int net_try(struct err *e)
{
	int result = net_kernel->encode(net_kernel, net_secrets, &net_plan, e);

	for (size_t i = 0, next; !result && i < net_plan.count; i = next)
		result = net_kernel->send(net_kernel, &net_plan, i, &next, e);
	net_kernel->finish(net_kernel);
	net_plan.count = 0;
	return result;
}

void net_take(void)
{
	struct err e = { 0 };

	ck_assert_msg(net_try(&e) == 0, "%s", e.text);
}

void net_refused(const char *want)
{
	struct err e = { 0 };

	ck_assert_int_eq(net_try(&e), -1);
	ck_assert_msg(!strncmp(e.text, want, strlen(want)), "%s", e.text);
}

struct state net_look(const uint32_t *tables)
{
	const struct scope scope = { .mesh = "test", .tables = tables };
	struct state have;
	struct err e;

	ck_assert_msg(net_kernel->observe(net_kernel, net_arena, net_secrets,
					  &scope, &have, &e) == 0, "%s",
		      e.text);
	return have;
}

struct prefix net_prefix(const char *text)
{
	struct prefix p = { 0 };

	ck_assert_int_eq(prefix_parse(str_of(text), &p), 0);
	return p;
}

struct route net_route(const char *text, uint8_t type)
{
	struct route r = {
		.prefix = net_prefix(text),
		.type = type,
		.protocol = OUR_PROTOCOL,
		.table = RT_TABLE_MAIN,
	};

	if (r.prefix.ip.family == AF_INET6)
		r.metric = 1024;
	else if (type == RTN_UNICAST)
		r.scope = RT_SCOPE_LINK;
	if (type == RTN_UNICAST)
		strcpy(r.device, "v0");
	return r;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result = -1;

	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		result = 0;
	close(fd);
	return result;
}

/* nodad: till it is known to be alone, fd00::1 is no source of a route. */
int net_enter(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", getuid());
	if (unshare(CLONE_NEWNET) < 0 &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
	     put("/proc/self/setgroups", "deny") < 0 ||
	     put("/proc/self/uid_map", map) < 0))
		return -1;
	return system("set -e; ip link set lo up; "
		      "ip link add v0 type veth peer name v1; "
		      "for i in v0 v1; do "
		      "echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; "
		      "echo 1 >/proc/sys/net/ipv6/conf/$i/accept_ra; "
		      "ip link set $i up; done; "
		      "ip address add 192.0.2.1/24 dev v0; "
		      "ip -6 address add fd00::1/64 dev v0 nodad") ? -1 : 0;
}

