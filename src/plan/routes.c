/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes.  Those with one key (family, table, prefix, tos, metric) are looked
 * at together: equal ones are paired off, then ours are replaced, what is
 * foreign is refused or taken over, the rest is added and removed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"
#include "state/text.h"

/* Routes of one key: of want, of have. */
struct group {
	const struct route *want, *have;
	size_t want_count, have_count;
	bool *want_done, *have_done;
};

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "inet6" : "inet";
}

const char *plan_route_id(struct arena *arena, const struct route *r)
{
	char prefix[PREFIX_TEXT_MAX];

	return arena_printf(arena, "route/%s/%u/%s/%u",
			    family_name(r->prefix.ip.family), r->table,
			    prefix_format(&r->prefix, prefix), r->metric);
}

static bool main_tables(uint32_t table)
{
	return table == RT_TABLE_MAIN || table == RT_TABLE_DEFAULT ||
		table == RT_TABLE_LOCAL;
}

/* Halves of a whole family serve as default routes too. */
static void class_of_route(struct step *s)
{
	if (main_tables(s->route->table) && s->route->prefix.length <= 1)
		step_class(s, DISRUPTION_ACCESS,
			   "the host's own default way changes");
}

/* The route of R's key that was applied last, or NULL. */
static const struct route *last_of(const struct planner *p,
				   const struct route *r)
{
	const struct state *last = p->last;

	/* Sorted by key first. */
	for (size_t low = 0, high = last->route_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = route_key_compare(&last->routes[middle], r);

		if (!order)
			return &last->routes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What is wanted was wanted before, or what goes never was. */
static bool is_drift(const struct planner *p, const struct route *r,
		     bool removed)
{
	const struct route *last = p->last ? last_of(p, r) : NULL;

	if (!p->last)
		return false;
	return removed ? !last : last && route_equal(last, r);
}

static struct step *route_step(struct planner *p, enum step_kind kind,
			       enum phase phase, const struct route *route,
			       const struct route *before)
{
	struct step *s = plan_add(p, kind, phase);

	s->route = route;
	s->route_before = before;
	s->id = plan_route_id(p->arena, route);
	s->drift = is_drift(p, route, kind == STEP_ROUTE_REMOVE);
	class_of_route(s);
	return s;
}

/* In an undo, what others had on our links is part of the state before. */
static bool is_wanted(const struct planner *p, const struct route *want)
{
	return !p->options->restore || want->owned ||
		(*want->device && state_device(p->want, want->device));
}

/*
 * Adopting takes over what a device's maker had put on it; what others have
 * elsewhere only by force.
 */
static bool is_taken(const struct planner *p, const struct route *want,
		     const struct route *have)
{
	if (have->owned || plan_forced(p, "route"))
		return true;
	return p->options->adopt && !have->opaque &&
		!strcmp(want->device, have->device);
}

static int refuse(struct planner *p, const struct route *want,
		  const struct route *have)
{
	const struct link *link = state_link(p->have, have->device);
	const char *mesh = link ? alias_mesh(link->alias) : NULL;
	struct sbuf text;

	sbuf_init(&text, p->arena);
	route_write(&text, have);
	if (have->protocol == OUR_PROTOCOL && mesh)
		return err_refuse(p->e, "route", "the route %s is in the way; "
				  "it belongs to the mesh %s", text.data,
				  mesh);
	return err_refuse(p->e, "route", "the route %s%s%s is in the way; its "
			  "protocol is %u, it is not ours (metric %u in table "
			  "%u was to go through %s)", text.data,
			  *have->device ? " of " : "", have->device,
			  have->protocol, want->metric, want->table,
			  *want->device ? want->device : "no device");
}

static void replace(struct planner *p, const struct route *want,
		    const struct route *have)
{
	struct step *s = route_step(p, STEP_ROUTE_REPLACE, PHASE_ROUTES, want,
				    have);

	if (strcmp(want->device, have->device) != 0)
		step_class(s, DISRUPTION_LOSS, arena_printf(p->arena,
			"the same route leaves through %s now",
			*have->device ? have->device : "no device"));
	else if (!have->owned)
		s->why = "taken over";
}

/* What the kernel deletes while addresses change is put back. */
static bool loses_early(const struct planner *p, const struct route *r)
{
	for (size_t i = 0; i < p->effects_count; i++) {
		const struct address_effects *e = &p->effects[i];

		for (size_t j = 0; j < e->again_count; j++)
			if (r->source.family &&
			    !ip_compare(&r->source, &e->again[j].ip))
				return true;
		if (e->emptied_early && r->prefix.ip.family == AF_INET &&
		    !strcmp(r->device, e->device->name))
			return true;
	}
	return false;
}

static bool loses_late(const struct planner *p, const struct route *r)
{
	for (size_t i = 0; i < p->effects_count; i++)
		if (p->effects[i].emptied_late &&
		    r->prefix.ip.family == AF_INET &&
		    !strcmp(r->device, p->effects[i].device->name))
			return true;
	return false;
}

static bool uses_gone(const struct planner *p, const struct route *r)
{
	for (size_t i = 0; i < p->effects_count; i++)
		if (route_uses(r, p->effects[i].gone,
			       p->effects[i].gone_count))
			return true;
	return false;
}

static void put_back(struct planner *p, enum phase phase,
		     const struct route *route)
{
	struct step *s = route_step(p, STEP_ROUTE_REPLACE, phase, route, NULL);

	s->drift = false;
	step_class(s, DISRUPTION_LOSS,
		   "the kernel deletes it with an address; put back");
}

/* ROUTE stays as it is, or is there once its step is taken. */
static void route_effects(struct planner *p, const struct route *route,
			  bool stays)
{
	const struct device *d = *route->device ?
		state_device(p->want, route->device) : NULL;

	/* No route is on a link that is down. */
	if (d && !d->up)
		return;
	if (stays && loses_early(p, route))
		put_back(p, PHASE_ROUTES, route);
	if (loses_late(p, route))
		put_back(p, PHASE_REMOVE_ADDRESSES, route);
}

static void pair_equal(struct planner *p, struct group *g)
{
	for (size_t w = 0; w < g->want_count; w++)
		for (size_t h = 0; h < g->have_count; h++) {
			if (g->have_done[h] || g->want_done[w] ||
			    !route_equal(&g->want[w], &g->have[h]))
				continue;
			/* An equal one of another mesh is in the way. */
			if (!g->have[h].owned && !p->options->restore)
				continue;
			g->want_done[w] = g->have_done[h] = true;
			route_effects(p, &g->have[h], true);
			break;
		}
}

/* What is to be replaced: one of ours if there is one. */
static size_t other_of(const struct group *g)
{
	size_t found = g->have_count;

	for (size_t h = 0; h < g->have_count; h++) {
		if (g->have_done[h])
			continue;
		if (g->have[h].owned)
			return h;
		if (found == g->have_count)
			found = h;
	}
	return found;
}

static int pair_other(struct planner *p, struct group *g, size_t w)
{
	const struct route *want = &g->want[w];
	size_t h = other_of(g);

	if (h == g->have_count) {
		route_step(p, STEP_ROUTE_ADD, PHASE_ROUTES, want, NULL);
	} else {
		if (!is_taken(p, want, &g->have[h]))
			return refuse(p, want, &g->have[h]);
		g->have_done[h] = true;
		replace(p, want, &g->have[h]);
	}
	route_effects(p, want, false);
	return 0;
}

static int foreign_stays(struct planner *p, const struct route *have)
{
	struct sbuf text;

	if (!uses_gone(p, have)) {
		route_effects(p, have, true);
		return 0;
	}
	if (plan_forced(p, "foreign"))
		return 0;
	sbuf_init(&text, p->arena);
	route_write(&text, have);
	return err_refuse(p->e, "foreign", "the route %s (protocol %u) is not "
			  "ours and uses an address that goes", text.data,
			  have->protocol);
}

/* What the kernel is about to delete with an address goes before that. */
static void remove_route(struct planner *p, const struct route *have)
{
	bool early = loses_early(p, have);
	struct step *s = route_step(p, STEP_ROUTE_REMOVE, early ? PHASE_CREATE :
				    PHASE_REMOVE_ROUTES, have, have);

	if (early)
		step_class(s, DISRUPTION_LOSS,
			   "an address it hangs on is added again");
}

static int group_plan(struct planner *p, struct group *g)
{
	g->want_done = arena_new_array(p->arena, bool, g->want_count);
	g->have_done = arena_new_array(p->arena, bool, g->have_count);
	for (size_t w = 0; w < g->want_count; w++)
		g->want_done[w] = !is_wanted(p, &g->want[w]);
	pair_equal(p, g);
	for (size_t w = 0; w < g->want_count; w++)
		if (!g->want_done[w] && pair_other(p, g, w))
			return -1;
	for (size_t h = 0; h < g->have_count; h++) {
		const struct route *have = &g->have[h];

		if (g->have_done[h])
			continue;
		if (have->owned || plan_adopted_leftover(p, have))
			remove_route(p, have);
		else if (foreign_stays(p, have))
			return -1;
	}
	return 0;
}

static size_t run_length(const struct route *routes, size_t count,
			 const struct route *key)
{
	size_t n = 0;

	while (n < count && !route_key_compare(&routes[n], key))
		n++;
	return n;
}

int plan_routes(struct planner *p)
{
	const struct route *w = p->want->routes, *h = p->have->routes;
	size_t wn = p->want->route_count, hn = p->have->route_count;

	while (wn || hn) {
		const struct route *key = !wn ? h : !hn ? w :
			route_key_compare(w, h) <= 0 ? w : h;
		struct group g = {
			.want = w, .want_count = run_length(w, wn, key),
			.have = h, .have_count = run_length(h, hn, key),
		};

		if (group_plan(p, &g))
			return -1;
		w += g.want_count;
		wn -= g.want_count;
		h += g.have_count;
		hn -= g.have_count;
	}
	return 0;
}
