/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From two states to steps.  Each kind of object has a file of its own; they
 * emit in the order in which the steps of one phase are to be taken, the sort
 * by phase is stable.
 */
#include "plan/internal.h"

bool plan_takes(const struct planner *p, const struct device *have)
{
	if (have->owned)
		return true;
	if (!state_device(p->want, have->name))
		return false;
	return p->options->adopt || plan_forced(p, "device");
}

static bool firewall_drift(const struct planner *p)
{
	const struct firewall *want = p->want->firewall, *last;

	if (!p->last || !want)
		return false;
	last = p->last->firewall;
	return last && str_equal(want->text, last->text);
}

/*
 * Without a namespace to compile in there are no objects to compare: the
 * table is left alone only while its text is what was loaded before and it
 * still is what that load made.
 */
static enum firewall_difference firewall_differs(const struct planner *p)
{
	const struct firewall *want = p->want->firewall;
	const struct firewall *have = p->have->firewall;

	if (!want || want->compiled || !have)
		return firewall_compare(want, have);
	if (!firewall_drift(p) || !p->last->firewall->compiled)
		return FIREWALL_DIFFERENT;
	return firewall_compare(p->last->firewall, have) == FIREWALL_SAME ?
		FIREWALL_SAME : FIREWALL_DIFFERENT;
}

void plan_firewall(struct planner *p)
{
	const struct firewall *want = p->want->firewall;
	const struct firewall *have = p->have->firewall;
	enum firewall_difference difference = firewall_differs(p);
	enum phase phase = want ? PHASE_FIREWALL : PHASE_REMOVE_FIREWALL;
	struct step *s;

	if (difference == FIREWALL_SAME)
		return;
	if (p->options->partial && !have) {
		plan_note(p, "the firewall table could not be read");
		return;
	}
	s = plan_add(p, !want ? STEP_FIREWALL_DELETE :
		     difference == FIREWALL_ELEMENTS ?
		     STEP_FIREWALL_ELEMENTS : STEP_FIREWALL_LOAD, phase);
	s->firewall = want ? want : have;
	s->firewall_before = have;
	s->id = arena_printf(p->arena, "firewall/%s", s->firewall->table);
	s->drift = firewall_drift(p);
	if (s->kind == STEP_FIREWALL_LOAD && !want->compiled)
		s->why = "unchecked: no namespace to compile it in";
	else if (s->kind == STEP_FIREWALL_LOAD && have)
		s->why = "swapped in one transaction; counters start anew";
}

int plan_diff(struct arena *arena, const struct state *want,
	      const struct state *have, const struct state *last,
	      const struct plan_options *options, struct plan *out,
	      struct err *e)
{
	struct plan plan = { 0 };
	struct planner p = {
		.arena = arena, .want = want, .have = have, .last = last,
		.options = options, .plan = &plan, .e = e,
		.effects = arena_new_array(arena, struct address_effects,
					   2 * want->device_count),
	};

	if (options->disown) {
		plan_disown(&p);
		plan_order(arena, &plan);
		*out = plan;
		return 0;
	}
	p.taken = plan_taken(&p);
	if (plan_conflicts(&p))
		return -1;
	plan_firewall(&p);
	plan_mark_helpers(&p, true);
	plan_devices(&p);
	if (plan_routes(&p) || plan_rules(&p))
		return -1;
	plan_mark_helpers(&p, false);
	plan_sysctls(&p);
	plan_adopted_tables(&p);
	plan_access(&p);
	plan_order(arena, &plan);
	*out = plan;
	return 0;
}
