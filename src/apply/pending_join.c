/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second change while the first one is pending: one way back for both. */
#include <stdlib.h>
#include <string.h>

#include "apply/pending_private.h"
#include "base/arena.h"
#include "state/firewall.h"

/* ITEMS of A, then those of B, in one array. */
#define CONCATENATE(arena, type, a, a_count, b, b_count) \
	((type *)concatenate(arena, a, a_count, b, b_count, sizeof(type)))

static void *concatenate(struct arena *arena, const void *a, size_t a_count,
			 const void *b, size_t b_count, size_t size)
{
	char *out = arena_calloc(arena, a_count + b_count, size);

	if (a_count)
		memcpy(out, a, a_count * size);
	if (b_count)
		memcpy(out + a_count * size, b, b_count * size);
	return out;
}

static int by_route_key(const void *a, const void *b)
{
	return route_key_compare(a, b);
}

static bool has_route(const struct state *s, const struct route *r)
{
	return s->route_count && bsearch(r, s->routes, s->route_count,
					 sizeof(*r), by_route_key);
}

static bool has_rule(const struct state *s, const struct rule *r)
{
	return s->rule_count && bsearch(r, s->rules, s->rule_count,
					sizeof(*r), rule_compare);
}

/*
 * What SECOND found, and FIRST neither knew nor made, was foreign: it is only
 * in SECOND's way.
 */
static void join_before(struct arena *arena, const struct journal *first,
			const struct journal *second, struct state *out)
{
	const struct state *before = &first->before, *added = &first->added;
	const struct state *more = &second->before;

	out->devices = CONCATENATE(arena, struct device, before->devices,
				   before->device_count, more->devices,
				   more->device_count);
	out->device_count = before->device_count;
	for (size_t i = 0; i < more->device_count; i++)
		if (!state_device(before, more->devices[i].name) &&
		    !state_device(added, more->devices[i].name))
			out->devices[out->device_count++] = more->devices[i];
	out->routes = CONCATENATE(arena, struct route, before->routes,
				  before->route_count, more->routes,
				  more->route_count);
	out->route_count = before->route_count;
	for (size_t i = 0; i < more->route_count; i++)
		if (!has_route(before, &more->routes[i]) &&
		    !has_route(added, &more->routes[i]))
			out->routes[out->route_count++] = more->routes[i];
	out->rules = CONCATENATE(arena, struct rule, before->rules,
				 before->rule_count, more->rules,
				 more->rule_count);
	out->rule_count = before->rule_count;
	for (size_t i = 0; i < more->rule_count; i++)
		if (!has_rule(before, &more->rules[i]) &&
		    !has_rule(added, &more->rules[i]))
			out->rules[out->rule_count++] = more->rules[i];
}

static void join_sysctls(struct arena *arena, const struct journal *first,
			 const struct journal *second, struct journal *out)
{
	const struct state *before = &first->before;
	const struct state *more = &second->before;
	struct state *all = &out->before;

	all->sysctls = CONCATENATE(arena, struct sysctl, before->sysctls,
				   before->sysctl_count, more->sysctls,
				   more->sysctl_count);
	all->sysctl_count = before->sysctl_count;
	for (size_t i = 0; i < more->sysctl_count; i++)
		if (!state_sysctl(before, more->sysctls[i].key) &&
		    !state_sysctl(&first->added, more->sysctls[i].key))
			all->sysctls[all->sysctl_count++] = more->sysctls[i];
	out->added.sysctls = CONCATENATE(arena, struct sysctl,
					 first->added.sysctls,
					 first->added.sysctl_count,
					 second->added.sysctls,
					 second->added.sysctl_count);
	out->added.sysctl_count = first->added.sysctl_count +
				  second->added.sysctl_count;
}

/* The endpoints that SECOND set are there now, not FIRST's. */
static void join_device(struct arena *arena, struct device *d,
			const struct device *second)
{
	const struct device first = *d;

	d->peers = CONCATENATE(arena, struct peer, second->peers,
			       second->peer_count, first.peers,
			       first.peer_count);
	d->peer_count = second->peer_count;
	for (size_t i = 0; i < first.peer_count; i++)
		if (!device_peer(second, &first.peers[i].public_key))
			d->peers[d->peer_count++] = first.peers[i];
}

static void join_added(struct arena *arena, const struct state *first,
		       const struct state *second, struct state *out)
{
	out->devices = CONCATENATE(arena, struct device, first->devices,
				   first->device_count, second->devices,
				   second->device_count);
	out->device_count = first->device_count;
	for (size_t i = 0; i < second->device_count; i++) {
		const struct device *d = &second->devices[i];
		struct device *same = state_device(first, d->name);

		if (same)
			join_device(arena, &out->devices[same -
							 first->devices], d);
		else
			out->devices[out->device_count++] = *d;
	}
	out->routes = CONCATENATE(arena, struct route, first->routes,
				  first->route_count, second->routes,
				  second->route_count);
	out->route_count = first->route_count + second->route_count;
	out->rules = CONCATENATE(arena, struct rule, first->rules,
				 first->rule_count, second->rules,
				 second->rule_count);
	out->rule_count = first->rule_count + second->rule_count;
}

/* FIRST kept no text of a table that it left alone. */
static void join_firewall(const struct journal *first,
			  const struct journal *second, struct journal *out)
{
	const struct firewall *f = first->before.firewall;

	if (!f || f->text.size || first->firewall_lost ||
	    !second->before.firewall)
		return;
	out->before.firewall = second->before.firewall;
	out->firewall_lost = second->firewall_lost;
}

void pending_join(struct arena *arena, const struct journal *first,
		  const struct journal *second, struct journal *out)
{
	*out = *first;
	join_before(arena, first, second, &out->before);
	join_added(arena, &first->added, &second->added, &out->added);
	join_sysctls(arena, first, second, out);
	join_firewall(first, second, out);
	state_normalise(&out->before);
	state_normalise(&out->added);
}
