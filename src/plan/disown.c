/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To leave a mesh running and own it no more: everything stays as it is, and
 * only what says that it is ours goes.  Routes are replaced where they stand;
 * a rule gets a twin before it goes; the link, by which the rest is known, is
 * the last.
 */
#include <string.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"

static void disown_route(struct planner *p, const struct route *have)
{
	struct route *left = arena_copy(p->arena, have, sizeof(*have));
	struct step *s;

	left->protocol = RTPROT_STATIC;
	left->owned = false;
	s = plan_add(p, STEP_ROUTE_REPLACE, PHASE_ROUTES);
	s->route = left;
	s->route_before = have;
	s->id = plan_route_id(p->arena, have);
	s->why = "left to whoever looks after it";
}

static void disown_rule(struct planner *p, const struct rule *have)
{
	struct rule *left = arena_copy(p->arena, have, sizeof(*have));
	struct step *s;

	left->protocol = RTPROT_STATIC;
	left->owned = false;
	if (!rule_find(p->have, left)) {
		s = plan_rule_step(p, STEP_RULE_ADD, PHASE_RULES, left);
		s->drift = false;
		s->disruption = DISRUPTION_NONE;
		s->why = "left to whoever looks after it";
	}
	s = plan_rule_step(p, STEP_RULE_REMOVE, PHASE_REMOVE_RULES, have);
	s->drift = false;
	s->disruption = DISRUPTION_NONE;
	s->why = "its twin stays";
}

static void disown_device(struct planner *p, const struct device *have)
{
	struct device *left = arena_copy(p->arena, have, sizeof(*have));
	struct step *s = plan_add(p, STEP_LINK_CHANGE, PHASE_REMOVE_LINKS);

	*left->alias = '\0';
	left->group = 0;
	left->owned = false;
	s->device = left;
	s->device_before = have;
	s->fields = device_diff(left, have) & (DEVICE_ALIAS | DEVICE_GROUP);
	s->id = arena_printf(p->arena, "device/%s", have->name);
	s->why = "not ours any more";
}

/* What bears no mark that could be taken off. */
static void note_left(struct planner *p)
{
	const struct firewall *f = p->have->firewall;

	if (f)
		plan_note(p, "the firewall table stays as it is; nft delete "
			  "table inet %s takes it away", f->table);
	for (size_t i = 0; p->last && i < p->last->sysctl_count; i++)
		plan_note(p, "%s stays as it is; what it was before is "
			  "forgotten", p->last->sysctls[i].key);
}

void plan_disown(struct planner *p)
{
	const struct state *have = p->have;

	for (size_t i = 0; i < have->route_count; i++)
		if (have->routes[i].owned)
			disown_route(p, &have->routes[i]);
	for (size_t i = 0; i < have->rule_count; i++)
		if (have->rules[i].owned)
			disown_rule(p, &have->rules[i]);
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned)
			disown_device(p, &have->devices[i]);
	note_left(p);
}
