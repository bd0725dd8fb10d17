/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading routes.  The kernel filters each dump (strict checking, Linux
 * 4.20): the tables of the scope, whole; what is of our protocol; what leaves
 * through our devices; what router advertisements made.  A route is taken
 * from the first of these that has it, so that none is there twice.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/observe.h"
#include "kern/rt_codec.h"

static bool in_scope(const struct observer *o, uint32_t table)
{
	const uint32_t *tables = o->scope->tables;

	for (; tables && *tables; tables++)
		if (*tables == table)
			return true;
	return false;
}

static bool is_wanted(const struct observer *o, const struct rt_route *r)
{
	const struct route *route = &r->route;
	bool ours = observer_device(o, r->index) != NULL;

	if (r->cloned)
		return false;
	/* Those of connected networks come and go with the addresses. */
	if (ours && route->protocol == RTPROT_KERNEL)
		return false;
	if (o->table)
		return route->table == o->table;
	if (in_scope(o, route->table))
		return false;
	if (o->protocol)
		return route->protocol == o->protocol;
	if (route->protocol == OUR_PROTOCOL)
		return false;
	/* Of several next hops the first may be of none, or another, of ours */
	return r->index == o->index || (route->opaque && !ours);
}

static void start_routes(void *data)
{
	struct observer *o = data;

	o->have->route_count = o->mark;
}

static int take_route(const struct nlmsghdr *answer, void *data,
		      struct err *e)
{
	struct observer *o = data;
	struct state *have = o->have;
	struct rt_route decoded;
	struct link *link;

	if (rt_decode_route(answer, &decoded, e) < 0)
		return -1;
	if (!is_wanted(o, &decoded))
		return 0;
	link = observer_link(o, decoded.index);
	if (link)
		memcpy(decoded.route.device, link->name, sizeof(link->name));
	arena_room(o->arena, &have->routes, have->route_count,
		   &o->route_capacity, sizeof(*have->routes));
	have->routes[have->route_count++] = decoded.route;
	return 0;
}

/*
 * The kernel made it, as it does while accept_ra is not 0; a route that a
 * daemon made of an advertisement does not depend on forwarding.
 */
static bool takes_advertisements(const struct observer *o,
				 const struct link *link)
{
	const char *key = sysctl_of_link(o->arena, "ipv6", link->name,
					 "accept_ra");
	const char *accept = NULL;
	struct err ignored;

	return sysctl_read(o->arena, key, &accept, &ignored) == 0 && accept &&
	       strcmp(accept, "0") != 0;
}

static int take_advertised(const struct nlmsghdr *answer, void *data,
			   struct err *e)
{
	struct observer *o = data;
	struct rt_route decoded;
	struct link *link;

	if (rt_decode_route(answer, &decoded, e) < 0)
		return -1;
	if (decoded.route.protocol != RTPROT_RA ||
	    decoded.route.prefix.length || decoded.cloned)
		return 0;
	link = observer_link(o, decoded.index);
	if (link)
		link->advertised_default = true;
	return 0;
}

static int dump(struct observer *o, uint8_t protocol,
		const struct talk_reader *reader, struct err *e)
{
	struct nlmsghdr *request = rt_encode_get_routes(
		o->arena, reader->family, o->table, o->index, protocol);

	o->mark = o->have->route_count;
	if (talk_dump(&o->k->route, request, reader, e) == 0)
		return 0;
	/* No such table, or no such family: no route. */
	if (e->number == ENOENT || e->number == EAFNOSUPPORT ||
	    e->number == EOPNOTSUPP)
		return 0;
	return err_wrap(e, "reading routes");
}

static int dump_tables(struct observer *o, uint8_t family, struct err *e)
{
	const uint32_t *tables = o->scope->tables;
	const struct talk_reader reader = {
		.start = start_routes,
		.each = take_route,
		.data = o,
		.family = family,
	};
	int result = 0;

	for (; !result && tables && *tables; tables++) {
		o->table = *tables;
		result = dump(o, 0, &reader, e);
	}
	o->table = 0;
	return result;
}

static int dump_family(struct observer *o, uint8_t family, struct err *e)
{
	const struct talk_reader reader = {
		.start = start_routes,
		.each = take_route,
		.data = o,
		.family = family,
	};

	if (dump_tables(o, family, e) < 0)
		return -1;
	o->protocol = OUR_PROTOCOL;
	if (dump(o, OUR_PROTOCOL, &reader, e) < 0)
		return -1;
	o->protocol = 0;
	for (size_t i = 0; i < o->have->device_count; i++) {
		o->index = o->have->devices[i].index;
		if (dump(o, 0, &reader, e) < 0)
			return -1;
	}
	o->index = 0;
	return 0;
}

int observe_routes(struct observer *o, struct err *e)
{
	const struct talk_reader advertised = {
		.each = take_advertised,
		.data = o,
		.family = AF_INET6,
	};

	if (dump_family(o, AF_INET, e) < 0 || dump_family(o, AF_INET6, e) < 0)
		return -1;
	if (dump(o, RTPROT_RA, &advertised, e) < 0)
		return -1;
	/* Once the kernel has answered: one question within another is none. */
	for (size_t i = 0; i < o->have->link_count; i++) {
		struct link *link = &o->have->links[i];

		if (link->advertised_default)
			link->advertised_default =
				takes_advertisements(o, link);
	}
	return 0;
}

int observe_tables(struct observer *o, struct err *e)
{
	const struct route *routes = o->have->routes;
	size_t count = o->have->route_count;

	o->have->routes = arena_new_array(o->arena, struct route, count);
	o->have->route_count = 0;
	o->route_capacity = count;
	for (size_t i = 0; i < count; i++)
		if (!in_scope(o, routes[i].table))
			o->have->routes[o->have->route_count++] = routes[i];
	return dump_tables(o, AF_INET, e) < 0 ? -1 :
	       dump_tables(o, AF_INET6, e);
}
