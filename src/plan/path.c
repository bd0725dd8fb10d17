/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to the peers: the MTU it leaves room for, and that it does not lead
 * into the tunnel itself.  The kernel says how it would send now; the routes
 * and rules wanted are laid over that answer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "base/diag.h"
#include "plan/internal.h"

#define OVERHEAD 80u	/* IPv6 40, UDP 8, WireGuard 32 */
#define OVERHEAD_IPV4 60u	/* IPv4 20 */
#define MTU_WITHOUT_PATH 1420u
#define IPV4_MTU_MIN 68u

/* A route into the device: wanted, or of an address of it. */
struct way {
	uint32_t table;
	struct prefix prefix;
	uint32_t metric;
	bool connected;
};

struct path {
	const struct state *want, *have;
	const struct planner *planner;	/* for what adopting takes away */
	const struct device *device;
	struct way *ways;	/* by table and prefix, the best metric first */
	size_t way_count;
	bool lengths[129];	/* that occur among the ways */
	struct rule *rules;	/* as looked at */
	size_t rule_count;
};

static int way_compare(const void *a, const void *b)
{
	const struct way *x = a, *y = b;
	int order = (x->table > y->table) - (x->table < y->table);

	if (!order)
		order = prefix_compare(&x->prefix, &y->prefix);
	return order ? order : (x->metric > y->metric) -
		(x->metric < y->metric);
}

static int way_find_compare(const void *a, const void *b)
{
	const struct way *x = a, *y = b;
	int order = (x->table > y->table) - (x->table < y->table);

	return order ? order : prefix_compare(&x->prefix, &y->prefix);
}

static void add_way(struct path *t, uint32_t table, struct prefix prefix,
		    uint32_t metric, bool connected)
{
	struct way *way = &t->ways[t->way_count++];

	*way = (struct way){ table, prefix_mask(prefix), metric, connected };
	t->lengths[prefix.length] = true;
}

/* IPv6 metrics of routes without one and of connected ones. */
static uint32_t connected_metric(const struct prefix *p)
{
	return p->ip.family == AF_INET6 ? 256 : 0;
}

/* Where the kernel puts the routes of D's addresses. */
static uint32_t connected_table(const struct path *t, const struct device *d)
{
	uint32_t vrf = device_vrf_table(t->have, d);

	return vrf ? vrf : RT_TABLE_MAIN;
}

static void find_ways(struct path *t, struct arena *arena)
{
	const struct device *d = t->device;

	t->ways = arena_new_array(arena, struct way,
				  t->want->route_count + d->address_count);
	for (size_t i = 0; i < t->want->route_count; i++) {
		const struct route *r = &t->want->routes[i];

		if (r->type == RTN_UNICAST && !strcmp(r->device, d->name))
			add_way(t, r->table, r->prefix, r->metric, false);
	}
	for (size_t i = 0; i < d->address_count; i++)
		add_way(t, connected_table(t, d), d->addresses[i],
			connected_metric(&d->addresses[i]), true);
	items_sort(t->ways, t->way_count, sizeof(*t->ways), way_compare);
}

static int by_priority(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

/* The rules there will be: others', and those wanted. */
static void find_rules(struct path *t, struct arena *arena)
{
	size_t room = t->want->rule_count + t->have->rule_count;

	t->rules = arena_new_array(arena, struct rule, room);
	for (size_t i = 0; i < t->want->rule_count; i++)
		t->rules[t->rule_count++] = t->want->rules[i];
	for (size_t i = 0; i < t->have->rule_count; i++)
		if (!t->have->rules[i].owned &&
		    !plan_adopted_rule(t->planner, &t->have->rules[i]))
			t->rules[t->rule_count++] = t->have->rules[i];
	items_sort(t->rules, t->rule_count, sizeof(*t->rules), by_priority);
}

/* The most specific way into the device in one table, or NULL. */
static const struct way *best_way(const struct path *t, uint32_t table,
				  const struct ip *ip)
{
	for (int length = (int)ip_bits(ip->family); length >= 0; length--) {
		struct way key = { .table = table, .prefix = {
			.ip = *ip, .length = (uint8_t)length } };
		const struct way *found;

		if (!t->lengths[length])
			continue;
		key.prefix = prefix_mask(key.prefix);
		found = bsearch(&key, t->ways, t->way_count, sizeof(key),
				way_find_compare);
		if (!found)
			continue;
		while (found > t->ways && !way_find_compare(found - 1, &key))
			found--;
		return found;
	}
	return NULL;
}

/* Does the way into the device come before the one that is used now? */
static bool is_better(const struct way *way, const struct lookup *now)
{
	if (way->prefix.length != now->prefix.length)
		return way->prefix.length > now->prefix.length;
	/* Connected ones stand in the order in which they came. */
	if (way->connected)
		return false;
	/* Its metric is not known: 0, or 1024 in IPv6, where none is given. */
	return way->metric < (now->endpoint.ip.family == AF_INET6 ? 1024u : 1u);
}

static bool suppressed(const struct rule *r, unsigned int length)
{
	return r->suppress_prefixlength >= 0 &&
		length <= (unsigned int)r->suppress_prefixlength;
}

/* 1: *CAUGHT is taken; 0: resolved elsewhere; -1: go on with the next rule. */
static int table_decides(const struct path *t, const struct rule *r,
			 const struct lookup *now, const struct way **caught)
{
	const struct way *way = best_way(t, r->table, &now->endpoint.ip);
	bool here = now->found && now->table == r->table &&
		strcmp(now->device, t->device->name) != 0;

	if (here && (!way || !is_better(way, now)))
		return suppressed(r, now->prefix.length) ? -1 : 0;
	if (!way || suppressed(r, way->prefix.length))
		return -1;
	*caught = way;
	return 1;
}

static const struct way *caught_by(const struct path *t,
				   const struct lookup *now)
{
	static const struct rule main_rule = {
		.action = FR_ACT_TO_TBL, .table = RT_TABLE_MAIN,
		.suppress_prefixlength = -1,
	};
	/* One of the tunnel itself, of no certain source yet. */
	const struct packet packet = {
		.to = now->endpoint.ip, .mark = now->mark,
		.protocol = IPPROTO_UDP, .from_port = t->device->listen_port,
		.to_port = now->endpoint.port,
	};
	const struct way *caught = NULL;
	bool main_seen = false;

	for (size_t i = 0; i < t->rule_count; i++) {
		const struct rule *r = &t->rules[i];
		int decided;

		if (r->family != now->endpoint.ip.family)
			continue;
		main_seen |= r->table == RT_TABLE_MAIN && !rule_is_suppress(r);
		if (!rule_selects(r, &packet))
			continue;
		if (r->action != FR_ACT_TO_TBL)
			return NULL;
		decided = table_decides(t, r, now, &caught);
		if (decided >= 0)
			return caught;
	}
	if (!main_seen)
		(void)table_decides(t, &main_rule, now, &caught);
	return caught;
}

static bool in_have_and_goes(const struct path *t, const struct lookup *now)
{
	for (size_t i = 0; i < t->have->route_count; i++) {
		const struct route *r = &t->have->routes[i];

		if (r->table == now->table &&
		    (r->owned || plan_adopted_leftover(t->planner, r)) &&
		    !strcmp(r->device, t->device->name) &&
		    !prefix_compare(&r->prefix, &now->prefix))
			return true;
	}
	return false;
}

/* A connected route of an address that is not wanted goes with it. */
static bool address_goes(const struct path *t, const struct lookup *now)
{
	const struct device *have = state_device(t->have, t->device->name);

	for (size_t i = 0; have && i < have->address_count; i++) {
		struct prefix p = prefix_mask(have->addresses[i]);

		if (now->table == connected_table(t, have) &&
		    !prefix_compare(&p, &now->prefix))
			return true;
	}
	return false;
}

/* Now it goes into the device itself: a way of this namespace can. */
static bool leads_back(const struct path *t, const struct lookup *l)
{
	return !t->planner->options->outside &&
		!strcmp(l->device, t->device->name);
}

static void loop_error(const struct path *t, const struct lookup *l,
		       const struct prefix *prefix, uint32_t table,
		       bool connected, struct diags *diags)
{
	char endpoint[ENDPOINT_TEXT_MAX], text[PREFIX_TEXT_MAX];
	struct diag *d;

	d = diag_error(diags, l->peer->endpoint_where, "the endpoint %s would "
		       "be sent to through %s itself, by the %s %s (table %u)",
		       endpoint_format(&l->endpoint, endpoint),
		       t->device->name, connected ? "subnet of its address" :
		       "route", prefix_format(prefix, text), table);
	if (d)
		d->hint = "leave the endpoint out of what goes into the "
			"tunnel, or give it a route of its own";
}

static void check_loop(const struct path *t, const struct lookup *l,
		       struct diags *diags)
{
	const struct way *caught = caught_by(t, l);

	if (caught)
		loop_error(t, l, &caught->prefix, caught->table,
			   caught->connected, diags);
	else if (l->found && leads_back(t, l) &&
		 !in_have_and_goes(t, l) && !address_goes(t, l))
		loop_error(t, l, &l->prefix, l->table, false, diags);
}

/* What a path leaves for the packets inside. */
static uint32_t room(const struct lookup *l)
{
	uint32_t overhead = l->peer && l->endpoint.ip.family == AF_INET ?
		OVERHEAD_IPV4 : OVERHEAD;

	return l->mtu > overhead ? l->mtu - overhead : 1;
}

/* The least room of the lookups of peers, or of the others; 0: of none. */
static uint32_t smallest(const struct path *t, const struct lookup *lookups,
			 size_t count, bool peers)
{
	uint32_t least = 0;

	for (size_t i = 0; i < count; i++) {
		const struct lookup *l = &lookups[i];

		if (!l->found || !l->mtu || (l->peer != NULL) != peers ||
		    leads_back(t, l))
			continue;
		if (!least || room(l) < least)
			least = room(l);
	}
	return least;
}

static size_t count_peers(const struct lookup *lookups, size_t count)
{
	size_t peers = 0;

	for (size_t i = 0; i < count; i++)
		peers += lookups[i].peer != NULL;
	return peers;
}

/* A peer without an endpoint may come by any way, and by IPv6. */
static uint32_t path_mtu(const struct path *t, const struct lookup *lookups,
			 size_t count)
{
	uint32_t least = smallest(t, lookups, count, true), other;

	if (least && count_peers(lookups, count) == t->device->peer_count)
		return least;
	other = smallest(t, lookups, count, false);
	return least && (!other || least < other) ? least : other;
}

/* While a mark goes, all ways still lead into the tunnel: it keeps what it was
   given by a run that saw more. */
static uint32_t without_path(const struct path *t,
			     const struct lookup *lookups, size_t count)
{
	const struct device *have = state_device(t->have, t->device->name);

	for (size_t i = 0; have && i < count; i++)
		if (lookups[i].found && leads_back(t, &lookups[i]))
			return have->mtu;
	return MTU_WITHOUT_PATH;
}

static void mtu_of(const struct path *t, struct device *d,
		   const struct lookup *lookups, size_t count)
{
	uint32_t path = path_mtu(t, lookups, count);
	uint32_t least = device_wants_ipv6(t->want, d) ? IPV6_MTU_MIN :
		IPV4_MTU_MIN;

	d->mtu = path ? path : without_path(t, lookups, count);
	if (d->mtu < least)
		d->mtu = least;
	d->automatic &= ~(unsigned int)DEVICE_MTU;
	d->has |= DEVICE_MTU;
}

static void check_vrf(const struct path *t, struct diags *diags)
{
	const struct device *d = t->device;

	if (d->vrf[0] && !device_vrf_table(t->have, d))
		diag_error(diags, d->vrf_where, "there is no VRF %s on this "
			   "host", d->vrf)->hint =
			"ip link add NAME type vrf table NUMBER makes one";
}

/* The device would take none of such a size. */
static void check_routes(const struct path *t, struct diags *diags)
{
	const struct device *d = t->device;

	for (size_t i = 0; i < t->want->route_count; i++) {
		const struct route *r = &t->want->routes[i];

		if (r->mtu > d->mtu && !strcmp(r->device, d->name))
			diag_warning(diags, r->where, "the MTU of this route "
				     "is %u, that of %s %u", r->mtu, d->name,
				     d->mtu);
	}
}

void settle_mtu(struct state *want, const struct state *have,
		const struct plan_options *options,
		const struct lookup *lookups, size_t count,
		struct diags *diags)
{
	struct planner p = { .arena = diags->arena, .want = want,
			     .have = have, .options = options };

	p.taken = plan_taken(&p);
	for (size_t i = 0; i < want->device_count; i++) {
		struct device *d = &want->devices[i];
		struct path t = { .want = want, .have = have, .device = d,
				  .planner = &p };

		find_ways(&t, diags->arena);
		find_rules(&t, diags->arena);
		check_vrf(&t, diags);
		for (size_t j = 0; !options->outside && j < count; j++)
			if (lookups[j].peer)
				check_loop(&t, &lookups[j], diags);
		if (d->automatic & DEVICE_MTU)
			mtu_of(&t, d, lookups, count);
		check_routes(&t, diags);
	}
}
