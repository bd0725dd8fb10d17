/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and rules: netlink messages in a row. */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/rt_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is not opaque is written and read again: the same. */
static void route_again(struct arena *arena, struct rt_route *r)
{
	struct rt_route other;
	struct nlmsghdr *m;
	struct err e;

	/* Without a device's name no index is written. */
	if (r->index)
		strcpy(r->route.device, "wg0");
	m = rt_encode_route(arena, &r->route, RT_ADD);
	rt_set_index(m, r->index);
	if (rt_decode_route(m, &other, &e) < 0)
		__builtin_trap();
	memcpy(other.route.device, r->route.device, IFNAMSIZ);
	/* A lock without a value is not written. */
	if (!r->route.mtu && !r->route.advmss)
		r->route.mtu_locked = false;
	if (!r->route.opaque && !route_equal(&r->route, &other.route))
		__builtin_trap();
}

static void rule_again(struct arena *arena, struct rule *r)
{
	struct rule other;
	struct err e;

	/* No kernel gives a mark without a mask; it would not be written. */
	if (!r->fwmask)
		r->fwmark = 0;
	if (rt_decode_rule(rt_encode_rule(arena, r, RT_ADD), &other, &e) < 0)
		__builtin_trap();
	/* Any negative value is none. */
	if (r->suppress_prefixlength < 0)
		r->suppress_prefixlength = -1;
	if (!r->opaque && !rule_equal(r, &other))
		__builtin_trap();
}

static void decode(struct arena *arena, const struct nlmsghdr *m)
{
	struct rt_address address;
	struct rt_route route;
	struct link link;
	struct rule rule;
	struct err e;

	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
		(void)!rt_decode_link(m, &link, &e);
		return;
	case RTM_NEWADDR:
		(void)!rt_decode_address(m, &address, &e);
		return;
	case RTM_NEWROUTE:
		if (rt_decode_route(m, &route, &e) == 0)
			route_again(arena, &route);
		return;
	case RTM_NEWRULE:
		if (rt_decode_rule(m, &rule, &e) == 0)
			rule_again(arena, &rule);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	const struct nlmsghdr *m;
	struct attrs left;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)64 << 20);
	mark = arena_mark(arena);
	left = (struct attrs){ arena_copy(arena, data, size), size };
	while (messages_next(&left, &m) > 0)
		decode(arena, m);
	arena_reset(arena, mark);
	return 0;
}
