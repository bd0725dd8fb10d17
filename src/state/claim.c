/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the host's objects are one mesh's own, by their marks. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "state/state.h"

/*
 * What tells this mesh's routes and rules from another's.  Devices, and rules
 * of our protocol, are few: they are searched from end to end.
 */
struct claim {
	struct state *have;
	const char *mesh;
	const struct state *last;	/* or NULL */
	const char *const *names;
	size_t name_count;
	bool alone;			/* no other mesh on this host */
};

static bool alias_is(const char *alias, const char *mesh)
{
	const char *of = alias_mesh(alias);

	return of && !strcmp(of, mesh);
}

static bool is_named(const struct claim *c, const char *name)
{
	for (size_t i = 0; i < c->name_count; i++)
		if (!strcmp(c->names[i], name))
			return true;
	return false;
}

/* A link that a killed run created, but did not come to mark. */
static bool is_unmarked(const struct claim *c, const char *name,
			const char *alias, uint32_t group)
{
	return !alias[0] && group == OUR_LINK_GROUP && is_named(c, name);
}

static bool device_is_ours(const struct claim *c, const struct device *d)
{
	const struct link *link = state_link(c->have, d->name);

	if (link && strcmp(link->kind, "wireguard") != 0)
		return false;
	return alias_is(d->alias, c->mesh) ||
	       is_unmarked(c, d->name, d->alias, d->group);
}

static bool link_is_other_mesh(const struct claim *c, const struct link *link)
{
	if (alias_mesh(link->alias))
		return !alias_is(link->alias, c->mesh);
	return link->group == OUR_LINK_GROUP && !link->alias[0] &&
	       !strcmp(link->kind, "wireguard") &&
	       !is_named(c, link->name);
}

static bool on_other_mesh(const struct claim *c, const char *device)
{
	const struct link *link = device[0] ? state_link(c->have, device)
					    : NULL;

	return link && link_is_other_mesh(c, link);
}

static bool is_owned_device(const struct claim *c, const char *name)
{
	const struct device *d = name[0] ? state_device(c->have, name) : NULL;

	return d && d->owned;
}

static bool is_owned_mark(const struct claim *c, uint32_t mark)
{
	for (size_t i = 0; mark && i < c->have->device_count; i++)
		if (c->have->devices[i].owned &&
		    c->have->devices[i].fwmark == mark)
			return true;
	return false;
}

/* Tables that every host has belong to no mesh, nor does that of a VRF. */
static bool is_common_table(const struct claim *c, uint32_t table)
{
	if (table == RT_TABLE_UNSPEC || table == RT_TABLE_MAIN ||
	    table == RT_TABLE_DEFAULT || table == RT_TABLE_LOCAL)
		return true;
	for (size_t i = 0; i < c->have->link_count; i++)
		if (c->have->links[i].vrf_table == table)
			return true;
	return false;
}

static bool in_last(const struct claim *c, const struct route *r)
{
	const struct route *routes = c->last ? c->last->routes : NULL;
	size_t low = 0, high = c->last ? c->last->route_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = route_key_compare(r, &routes[middle]);

		if (!order)
			return true;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void claim_devices(struct claim *c)
{
	for (size_t i = 0; i < c->have->device_count; i++) {
		struct device *d = &c->have->devices[i];

		d->owned = device_is_ours(c, d);
	}
	for (size_t i = 0; i < c->have->link_count; i++)
		if (link_is_other_mesh(c, &c->have->links[i]))
			c->alone = false;
}

/* Routes FIRST to END are those of one family and table. */
static void claim_table(const struct claim *c, size_t first, size_t end)
{
	struct route *routes = c->have->routes;
	uint32_t table = routes[first].table;
	bool claimed = is_owned_mark(c, table);

	for (size_t i = first; i < end; i++) {
		routes[i].owned = routes[i].protocol == OUR_PROTOCOL &&
				  is_owned_device(c, routes[i].device);
		claimed |= routes[i].owned;
	}
	claimed &= !is_common_table(c, table);
	for (size_t i = first; i < end; i++) {
		struct route *r = &routes[i];

		if (r->owned || r->protocol != OUR_PROTOCOL ||
		    on_other_mesh(c, r->device))
			continue;
		r->owned = claimed || c->alone || in_last(c, r);
	}
}

static void claim_routes(const struct claim *c)
{
	const struct route *routes = c->have->routes;
	size_t first = 0, end;

	for (; first < c->have->route_count; first = end) {
		end = first + 1;
		while (end < c->have->route_count &&
		       routes[end].table == routes[first].table &&
		       routes[end].prefix.ip.family ==
		       routes[first].prefix.ip.family)
			end++;
		claim_table(c, first, end);
	}
}

/* The mesh's by its number, or because routes of ours are in it. */
static bool is_owned_table(const struct claim *c, uint32_t table)
{
	if (is_common_table(c, table))
		return false;
	if (is_owned_mark(c, table))
		return true;
	for (size_t i = 0; i < c->have->route_count; i++)
		if (c->have->routes[i].owned &&
		    c->have->routes[i].table == table)
			return true;
	return false;
}

static bool rule_is_ours(const struct claim *c, const struct rule *r)
{
	if (on_other_mesh(c, r->iif) || on_other_mesh(c, r->oif))
		return false;
	if (c->alone || is_owned_device(c, r->iif) ||
	    is_owned_device(c, r->oif))
		return true;
	if (r->fwmask && is_owned_mark(c, r->fwmark))
		return true;
	if (r->action == FR_ACT_TO_TBL && is_owned_table(c, r->table))
		return true;
	return c->last && c->last->rule_count &&
	       bsearch(r, c->last->rules, c->last->rule_count, sizeof(*r),
		       rule_compare);
}

/*
 * "table main suppress_prefixlength 0" bears no mark of its own: it belongs
 * to the rule beside it, which it makes a full tunnel's.
 */
static bool is_partner(const struct rule *r)
{
	return r->protocol == OUR_PROTOCOL && !r->owned &&
	       r->suppress_prefixlength >= 0 && r->table == RT_TABLE_MAIN;
}

static void claim_partners(const struct claim *c)
{
	struct rule *rules = c->have->rules;

	for (size_t i = 0; i < c->have->rule_count; i++) {
		for (size_t k = 0; is_partner(&rules[i]) &&
				   k < c->have->rule_count; k++)
			if (rules[k].owned && !is_partner(&rules[k]) &&
			    rules[k].family == rules[i].family &&
			    rules[k].priority == (rules[i].priority ^ 1))
				rules[i].owned = true;
	}
}

void state_claim(struct state *have, const char *mesh,
		 const struct state *last, const char *const *names,
		 size_t name_count, bool others)
{
	struct claim c = { have, mesh, last, names, name_count, !others };

	claim_devices(&c);
	claim_routes(&c);
	for (size_t i = 0; i < have->rule_count; i++)
		have->rules[i].owned =
			have->rules[i].protocol == OUR_PROTOCOL &&
			rule_is_ours(&c, &have->rules[i]);
	claim_partners(&c);
}
