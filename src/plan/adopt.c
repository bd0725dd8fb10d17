/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What wg-quick(8), or whoever else made a device that is taken over, had put
 * beside it: rules and tables, and routes that lead to nobody any more or that
 * ours take the part of.  The rest of its routes become ours where they stand,
 * see routes.c.  And by force, what another mesh had beside its device: its
 * link has our name from then on, so that all of it would be ours.
 */
#include <string.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"

static void bear_alias(struct state *s, const struct device *want)
{
	struct device *d = state_device(s, want->name);

	for (size_t i = 0; i < s->link_count; i++)
		if (!strcmp(s->links[i].name, want->name))
			strcpy(s->links[i].alias, want->alias);
	if (d)
		strcpy(d->alias, want->alias);
}

#define COPY(s, member, count) \
	((s)->member = arena_copy(p->arena, (s)->member, \
				  (s)->count * sizeof(*(s)->member)))

const struct state *plan_taken(const struct planner *p)
{
	bool any = false;
	struct state *s;

	for (size_t i = 0; i < p->want->device_count; i++) {
		const struct device *have = state_device(
			p->have, p->want->devices[i].name);

		any |= have && !have->owned;
	}
	if (!any || p->options->restore || !plan_forced(p, "device"))
		return NULL;
	s = arena_copy(p->arena, p->have, sizeof(*s));
	COPY(s, devices, device_count);
	COPY(s, routes, route_count);
	COPY(s, rules, rule_count);
	COPY(s, links, link_count);
	for (size_t i = 0; i < p->want->device_count; i++)
		bear_alias(s, &p->want->devices[i]);
	/* What belongs to no device may be a third mesh's. */
	state_claim(s, p->want->mesh, NULL, NULL, 0, true);
	return s;
}

#undef COPY

static bool rule_is_taken(const struct planner *p, const struct rule *have)
{
	return p->taken && !have->owned &&
		p->taken->rules[have - p->have->rules].owned &&
		!rule_find(p->want, have);
}

static bool route_is_taken(const struct planner *p, const struct route *have)
{
	return p->taken && !have->owned &&
		p->taken->routes[have - p->have->routes].owned;
}

/*
 * wg-quick lets ip(8) choose: RTPROT_BOOT, or none from older tools.  Static is
 * what networkd and NetworkManager make, and what a mesh leaves that is
 * disowned.
 */
static bool is_by_hand(uint8_t protocol)
{
	return protocol == RTPROT_BOOT || protocol == RTPROT_UNSPEC ||
		protocol == RTPROT_STATIC;
}

static bool is_wanted(const struct planner *p, const struct rule *have)
{
	for (size_t i = 0; i < p->want->rule_count; i++)
		if (rule_same_selectors(&p->want->rules[i], have))
			return true;
	return false;
}

/* "not fwmark MARK table MARK" of a device that is taken over. */
static bool is_of_device(const struct planner *p, const struct rule *have)
{
	for (size_t i = 0; i < p->want->device_count; i++) {
		const struct device *d = state_device(p->have,
						p->want->devices[i].name);

		if (d && d->fwmark == have->fwmark &&
		    have->table == have->fwmark)
			return true;
	}
	return false;
}

static bool leads_in(const struct planner *p, const struct rule *have)
{
	return !have->owned && is_by_hand(have->protocol) &&
		rule_excepts_mark(have) &&
		(is_of_device(p, have) || is_wanted(p, have));
}

/*
 * A suppressing rule says nothing of whose it is: it is the one right before
 * the rule that does, or it stays.
 */
static bool stands_before(const struct planner *p, const struct rule *have)
{
	if (have->owned || !is_by_hand(have->protocol) ||
	    !rule_is_suppress(have) || have->table != RT_TABLE_MAIN)
		return false;
	for (size_t i = 0; i < p->have->rule_count; i++) {
		const struct rule *next = &p->have->rules[i];

		if (next->family == have->family &&
		    next->priority == have->priority + 1 && leads_in(p, next))
			return true;
	}
	return false;
}

/* One of the same words and place is wanted, of us. */
static bool is_ours_to_be(const struct planner *p, const struct rule *have)
{
	if (have->owned || !is_by_hand(have->protocol))
		return false;
	for (size_t i = 0; i < p->want->rule_count; i++)
		if (p->want->rules[i].priority == have->priority &&
		    rule_same_selectors(&p->want->rules[i], have))
			return true;
	return false;
}

bool plan_adopted_rule(const struct planner *p, const struct rule *have)
{
	if (rule_is_taken(p, have))
		return true;
	return p->options->adopt &&
		(leads_in(p, have) || stands_before(p, have) ||
		 is_ours_to_be(p, have));
}

void plan_adopted_rules(struct planner *p)
{
	for (size_t i = p->have->rule_count; i-- > 0;) {
		const struct rule *have = &p->have->rules[i];
		struct step *s;

		if (!plan_adopted_rule(p, have))
			continue;
		s = plan_rule_step(p, STEP_RULE_REMOVE, PHASE_REMOVE_RULES,
				   have);
		s->why = rule_is_taken(p, have) ?
			"of the mesh that had the device" :
			p->want->rule_count ? "ours has taken its part" :
			"wg-quick's, and not wanted any more";
	}
}

static bool peer_allows(const struct peer *peer, const struct prefix *prefix)
{
	size_t low = 0, high = peer->allowed_ip_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = prefix_compare(&peer->allowed_ips[middle], prefix);

		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool allows(const struct device *d, const struct prefix *prefix)
{
	for (size_t i = 0; d && i < d->peer_count; i++)
		if (peer_allows(&d->peers[i], prefix))
			return true;
	return false;
}

/* The same way, wanted with another metric. */
static bool is_wanted_elsewhere(const struct planner *p,
				const struct route *have)
{
	const struct route *routes = p->want->routes;
	size_t low = 0, high = p->want->route_count;
	struct route first = *have;

	/* The metric is the last part of a route's key. */
	first.metric = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (route_key_compare(&routes[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < p->want->route_count; low++) {
		first.metric = routes[low].metric;
		if (route_key_compare(&routes[low], &first))
			break;
		if (!strcmp(routes[low].device, have->device))
			return true;
	}
	return false;
}

/* networkd and NetworkManager have a route also where an address has one. */
static bool is_connected(const struct device *d, const struct prefix *prefix)
{
	for (size_t i = 0; i < d->address_count; i++)
		if (prefix_covers(&d->addresses[i], prefix))
			return true;
	return false;
}

bool plan_adopted_leftover(const struct planner *p, const struct route *have)
{
	const struct device *want = state_device(p->want, have->device);

	if (route_is_taken(p, have))
		return true;
	if (!p->options->adopt || !want || have->owned)
		return false;
	/* Of a mesh that is gone: on our device it would be ours. */
	if (have->protocol == OUR_PROTOCOL)
		return true;
	if (have->opaque || have->type != RTN_UNICAST || have->via.family ||
	    (have->protocol != RTPROT_BOOT && have->protocol != RTPROT_STATIC))
		return false;
	/* NetworkManager's have a metric of its own. */
	if (is_wanted_elsewhere(p, have))
		return true;
	return !have->source.family &&
		allows(state_device(p->have, have->device), &have->prefix) &&
		(is_connected(want, &have->prefix) ||
		 !allows(want, &have->prefix));
}

void plan_adopted_tables(struct planner *p)
{
	for (size_t i = 0; p->options->adopt &&
			   i < p->have->foreign_table_count; i++) {
		const char *table = p->have->foreign_tables[i];
		const char *name = strstr(table, " wg-quick-");
		struct step *s;

		if (!name ||
		    !state_device(p->want, name + strlen(" wg-quick-")))
			continue;
		s = plan_add(p, STEP_FOREIGN_TABLE_DELETE,
			     PHASE_REMOVE_FIREWALL);
		s->table = table;
		s->id = arena_printf(p->arena, "firewall/%s", table);
		s->why = p->want->firewall ? "our table has taken its part" :
			"wg-quick's, and not wanted any more";
	}
}
