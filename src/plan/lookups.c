/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoints the kernel is asked about.  A question for each of ten
 * thousand peers costs more than all dumps together, and only two things come
 * of it: an MTU that is not given, and whether the way to an endpoint leads
 * into the tunnel itself, which takes a route there that covers it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/internal.h"

/* Addresses that something leads into a device of ours with; they are
   disjoint and sorted once they are merged. */
struct span {
	struct ip first, last;
};

struct reach {
	struct span *spans;
	size_t count;
};

static struct ip last_of(struct prefix p)
{
	unsigned int bits = ip_bits(p.ip.family);

	for (unsigned int i = p.length; i < bits; i++)
		p.ip.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return p.ip;
}

static void add(struct reach *r, const struct prefix *p)
{
	r->spans[r->count++] = (struct span){ prefix_mask(*p).ip, last_of(*p) };
}

static void add_device(struct reach *r, const struct device *d)
{
	for (size_t i = 0; i < d->address_count; i++)
		add(r, &d->addresses[i]);
}

/* What has several next hops, or an unknown one, may lead there too. */
static void add_routes(struct reach *r, const struct state *want,
		       const struct state *of)
{
	for (size_t i = 0; i < of->route_count; i++)
		if (of->routes[i].opaque || !*of->routes[i].device ||
		    state_device(want, of->routes[i].device))
			add(r, &of->routes[i].prefix);
}

static int span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return ip_compare(&x->first, &y->first);
}

/* Does NEXT begin within SPAN, or right behind it? */
static bool adjoins(const struct span *span, const struct ip *next)
{
	struct ip behind = span->last;
	unsigned int i = ip_bits(behind.family) / 8;

	if (ip_compare(next, &span->last) <= 0)
		return true;
	while (i && !++behind.bytes[i - 1])
		i--;
	return i && !ip_compare(next, &behind);
}

static void merge(struct reach *r)
{
	size_t count = 0;

	if (!r->count)
		return;
	items_sort(r->spans, r->count, sizeof(*r->spans), span_compare);
	for (size_t i = 1; i < r->count; i++) {
		struct span *span = &r->spans[count];

		if (!adjoins(span, &r->spans[i].first))
			r->spans[++count] = r->spans[i];
		else if (ip_compare(&r->spans[i].last, &span->last) > 0)
			span->last = r->spans[i].last;
	}
	r->count = count + 1;
}

static int span_find(const void *key, const void *item)
{
	const struct span *span = item;

	if (ip_compare(key, &span->first) < 0)
		return -1;
	return ip_compare(key, &span->last) > 0;
}

/* Every link has a way to these, IPv6's link-local and multicast. */
static bool is_of_links(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] >= 0xfe;
}

static bool covers(const struct reach *r, const struct ip *ip)
{
	return is_of_links(ip) ||
		(r->count && bsearch(ip, r->spans, r->count,
				     sizeof(*r->spans), span_find));
}

static void find_reach(struct arena *arena, const struct state *want,
		       const struct state *have, struct reach *r)
{
	size_t room = want->route_count + have->route_count;

	for (size_t i = 0; i < want->device_count; i++)
		room += want->devices[i].address_count;
	for (size_t i = 0; i < have->device_count; i++)
		room += have->devices[i].address_count;
	r->spans = arena_new_array(arena, struct span, room);
	for (size_t i = 0; i < want->device_count; i++)
		add_device(r, &want->devices[i]);
	for (size_t i = 0; i < have->device_count; i++)
		add_device(r, &have->devices[i]);
	add_routes(r, want, want);
	add_routes(r, want, have);
	merge(r);
}

static bool is_automatic(const struct state *want)
{
	for (size_t i = 0; i < want->device_count; i++)
		if (want->devices[i].automatic & DEVICE_MTU)
			return true;
	return false;
}

static const struct peer *peer_of(const struct state *s, const char *device,
				  const struct key *key)
{
	const struct device *d = s ? state_device(s, device) : NULL;

	return d ? device_peer(d, key) : NULL;
}

/*
 * Where PEER is, or will be; family 0: that is not known.  Of a name it is the
 * address that the plan leaves it: one that rotates is not to move an MTU.
 */
static struct endpoint endpoint_of(struct planner *p, const char *device,
				   const struct peer *peer)
{
	const struct peer *have = peer->endpoint_host ?
		peer_of(p->have, device, &peer->public_key) : NULL;

	if (!have || !have->endpoint.ip.family ||
	    plan_endpoint(p, peer, have, peer_of(p->last, device,
						 &peer->public_key)))
		return peer->endpoint;
	return have->endpoint;
}

size_t settle_lookups(struct arena *arena, const struct state *want,
		      const struct state *have, const struct state *last,
		      const struct plan_options *options, struct lookup **out)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	bool automatic = is_automatic(want);
	size_t count = 0, room = 0;
	struct reach reach = { 0 };
	struct plan unused = { 0 };	/* the notes are the plan's to make */
	struct planner p = {
		.arena = arena, .want = want, .have = have, .last = last,
		.options = options, .plan = &unused,
	};

	for (size_t i = 0; i < want->device_count; i++)
		room += want->devices[i].peer_count + array_size(families);
	*out = arena_new_array(arena, struct lookup, room);
	if (!automatic)
		find_reach(arena, want, have, &reach);
	for (size_t i = 0; i < want->device_count; i++) {
		const struct device *d = &want->devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			struct lookup l = {
				.endpoint = endpoint_of(&p, d->name,
							&d->peers[j]),
				.mark = d->fwmark,
				.peer = &d->peers[j],
			};

			if (l.endpoint.ip.family &&
			    (automatic || covers(&reach, &l.endpoint.ip)))
				(*out)[count++] = l;
		}
		for (size_t j = 0; automatic && j < array_size(families); j++)
			(*out)[count++] = (struct lookup){
				.endpoint.ip.family = families[j],
				.mark = d->fwmark,
			};
	}
	return count;
}
