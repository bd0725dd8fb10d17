/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to an endpoint, as the kernel's own tables and rules have it. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/kern.h"
#include "kern/rt_codec.h"

struct answer {
	struct rt_route found;
	bool any;
};

static int take_route(const struct nlmsghdr *message, void *data,
		      struct err *e)
{
	struct answer *a = data;

	a->any = true;
	return rt_decode_route(message, &a->found, e);
}

static int take_link(const struct nlmsghdr *message, void *data,
		     struct err *e)
{
	return rt_decode_link(message, data, e);
}

/* No route, one that refuses (blackhole, prohibit, unreachable), or a kernel
   without the family (ipv6.disable=1). */
static bool is_nowhere(int number)
{
	return number == EAFNOSUPPORT || number == EOPNOTSUPP ||
	       number == ENETUNREACH || number == EHOSTUNREACH ||
	       number == EINVAL || number == EACCES || number == EAGAIN ||
	       number == ESRCH || number == ENETDOWN;
}

/* Ask; .any is false where no way leads there. */
static int ask(struct kern *k, const struct ip *to, const struct lookup *l,
	       bool match, struct answer *out, struct err *e)
{
	const struct talk_reader reader = { .each = take_route, .data = out };
	struct nlmsghdr *request = rt_encode_lookup(
		k->arena, to, l->mark, l->endpoint.scope, match);
	char text[IP_TEXT_MAX];
	struct err why;

	*out = (struct answer){ 0 };
	if (talk_request(kern_outside(k), request, &reader, &why) < 0) {
		if (!is_nowhere(why.number)) {
			*e = why;
			return err_wrap(e, "looking up the route to %s",
					ip_format(to, text));
		}
		out->any = false;
	}
	if (out->found.route.type != RTN_UNICAST &&
	    out->found.route.type != RTN_LOCAL)
		out->any = false;
	return 0;
}

static int link_of(struct kern *k, uint32_t index, struct link *out,
		   struct err *e)
{
	const struct talk_reader reader = { .each = take_link, .data = out };
	struct nlmsghdr *request = rt_encode_get_links(k->arena);

	rt_set_index(request, index);
	*out = (struct link){ 0 };
	return talk_request(kern_outside(k), request, &reader, e);
}

/*
 * The route that matches tells its prefix and table; where it has several
 * next hops, the way taken tells which.
 */
static int look(struct kern *k, struct lookup *l, const struct ip *to,
		struct err *e)
{
	struct answer match, way;
	struct link link;

	if (ask(k, to, l, true, &match, e) < 0)
		return -1;
	if (!match.any)
		return 0;
	if (!match.found.index || match.found.route.opaque) {
		if (ask(k, to, l, false, &way, e) < 0)
			return -1;
		if (!way.any)
			return 0;
		match.found.index = way.found.index;
	}
	if (link_of(k, match.found.index, &link, e) < 0)
		return err_wrap(e, "link %u", match.found.index);
	l->found = true;
	memcpy(l->device, link.name, sizeof(l->device));
	l->mtu = match.found.route.mtu ? match.found.route.mtu : link.mtu;
	l->table = match.found.route.table;
	l->prefix = match.found.route.prefix;
	return 0;
}

/*
 * The default route has no destination one could ask for.  These are used by
 * nobody (RFC 5737, 7526, 3849, 9637): what else matches them than a default
 * route is some host's filter, and then the next one is asked.
 */
static const struct ip nobody[] = {
	{ AF_INET, { 192, 0, 2, 1 } },
	{ AF_INET, { 198, 51, 100, 1 } },
	{ AF_INET, { 203, 0, 113, 1 } },
	{ AF_INET, { 192, 88, 99, 1 } },
	{ AF_INET6, { 0x20, 0x01, 0x0d, 0xb8 } },
	{ AF_INET6, { 0x3f, 0xff } },
	{ AF_INET6, { 0x20, 0x02 } },
};

static int look_for_default(struct kern *k, struct lookup *l, struct err *e)
{
	for (size_t i = 0; i < array_size(nobody); i++) {
		if (nobody[i].family != l->endpoint.ip.family)
			continue;
		l->found = false;
		if (look(k, l, &nobody[i], e) < 0)
			return -1;
		if (l->found && !l->prefix.length)
			return 0;
	}
	l->found = false;
	return 0;
}

static bool is_any(const struct ip *ip)
{
	static const uint8_t zero[16];

	return !memcmp(ip->bytes, zero, sizeof(zero));
}

int kern_lookup(struct kernel *kernel, struct lookup *lookups, size_t count,
		struct err *e)
{
	struct kern *k = (struct kern *)kernel;

	for (size_t i = 0; i < count; i++) {
		struct lookup *l = &lookups[i];
		size_t mark = arena_mark(k->arena);
		int result;

		l->found = false;
		if (is_any(&l->endpoint.ip))
			result = look_for_default(k, l, e);
		else
			result = look(k, l, &l->endpoint.ip, e);
		arena_reset(k->arena, mark);
		if (result < 0)
			return -1;
	}
	return 0;
}
