/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change of a mark.  Between the old rules and the new ones, a packet of
 * the tunnel that bears either mark is looked up in main by two rules that
 * stand before ours: with none of that, a third of the packets is lost.
 */
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"

static struct rule helper_rule(uint8_t family, uint32_t priority,
			       uint32_t mark)
{
	return (struct rule){
		.family = family, .action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL, .priority = priority,
		.fwmark = mark, .fwmask = MARK_MASK, .table = RT_TABLE_MAIN,
		.suppress_prefixlength = -1, .uid_range = { 0, UINT32_MAX },
		.owned = true,
	};
}

static bool has_helper_form(const struct rule *r)
{
	struct rule like = helper_rule(r->family, r->priority, r->fwmark);

	like.from = r->from;
	like.to = r->to;
	return !r->from.length && !r->to.length && r->fwmark &&
		rule_equal(&like, r);
}

/*
 * An undo finds helpers whose mark no device of ours has (any more), so that
 * they are not claimed where several meshes are.
 */
bool plan_mark_leftover(const struct planner *p, const struct rule *have)
{
	return p->options->restore && has_helper_form(have);
}

struct marks {
	const struct device *want, *have;
	bool families[2];	/* IPv4, IPv6 */
	uint32_t priority;	/* the lowest of our rules */
};

static void marks_look(struct marks *m, const struct rule *r, uint32_t mark)
{
	if (!rule_excepts_mark(r) || r->fwmark != mark)
		return;
	m->families[r->family == AF_INET6] = true;
	if (r->priority < m->priority)
		m->priority = r->priority;
}

static bool marks_find(const struct planner *p, const struct device *want,
		       const struct device *have, struct marks *m)
{
	*m = (struct marks){ .want = want, .have = have,
			     .priority = UINT32_MAX };
	for (size_t i = 0; i < p->have->rule_count; i++)
		marks_look(m, &p->have->rules[i], have->fwmark);
	for (size_t i = 0; i < p->want->rule_count; i++)
		marks_look(m, &p->want->rules[i], want->fwmark);
	return m->families[0] || m->families[1];
}

bool plan_mark_late(const struct planner *p, const struct device *want,
		    const struct device *have)
{
	struct marks m;

	return !want->fwmark && have->fwmark && marks_find(p, want, have, &m);
}

/* A helper that is there already: a middle verification, or an undo. */
static const struct rule *helper_there(const struct planner *p,
				       const struct marks *m, uint8_t family,
				       uint32_t mark)
{
	for (size_t i = 0; i < p->have->rule_count; i++) {
		const struct rule *have = &p->have->rules[i];

		if (have->family == family && have->fwmark == mark &&
		    has_helper_form(have) && have->priority < m->priority &&
		    !rule_find(p->want, have))
			return have;
	}
	return NULL;
}

static bool priority_taken(const struct planner *p, uint32_t priority)
{
	for (size_t i = 0; i < p->have->rule_count; i++)
		if (p->have->rules[i].priority == priority)
			return true;
	for (size_t i = 0; i < p->want->rule_count; i++)
		if (p->want->rules[i].priority == priority)
			return true;
	return false;
}

static void helper_step(struct planner *p, const struct marks *m,
			uint8_t family, uint32_t mark, uint32_t priority,
			bool put)
{
	const struct rule *there = helper_there(p, m, family, mark);
	struct rule *rule;
	struct step *s;

	if (put && there)
		return;
	if (there) {
		s = plan_rule_step(p, STEP_RULE_REMOVE, PHASE_REMOVE_RULES,
				   there);
	} else {
		rule = arena_new_object(p->arena, struct rule);
		*rule = helper_rule(family, priority, mark);
		s = plan_rule_step(p, put ? STEP_RULE_ADD : STEP_RULE_REMOVE,
			      put ? PHASE_CREATE : PHASE_REMOVE_RULES, rule);
	}
	s->helper = true;
	s->drift = false;
	s->why = put ? "keeps the tunnel's packets out of it while its mark "
		"changes" : "the mark has changed";
}

static void helpers(struct planner *p, const struct marks *m, bool put)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	uint32_t priority = m->priority;

	while (priority > 1 && (priority == m->priority ||
				priority_taken(p, priority)))
		priority--;
	for (size_t i = 0; i < array_size(families); i++) {
		if (!m->families[i])
			continue;
		helper_step(p, m, families[i], m->have->fwmark, priority, put);
		helper_step(p, m, families[i], m->want->fwmark, priority, put);
	}
}

/* From none to one the rules come after the mark, which is enough. */
static bool marks_change(const struct planner *p, const struct device *want,
			 struct marks *m)
{
	const struct device *have = state_device(p->have, want->name);

	return have && plan_takes(p, have) && have->fwmark && want->fwmark &&
		device_diff(want, have) & DEVICE_FWMARK &&
		marks_find(p, want, have, m);
}

void plan_mark_helpers(struct planner *p, bool put)
{
	struct marks m;

	for (size_t i = 0; i < p->want->device_count; i++)
		if (marks_change(p, &p->want->devices[i], &m))
			helpers(p, &m, put);
}

bool plan_mark_helper(const struct planner *p, const struct rule *have)
{
	struct marks m;

	for (size_t i = 0; i < p->want->device_count; i++) {
		const struct device *d = &p->want->devices[i];

		if (marks_change(p, d, &m) &&
		    m.families[have->family == AF_INET6] &&
		    (helper_there(p, &m, have->family, d->fwmark) == have ||
		     helper_there(p, &m, have->family, m.have->fwmark) == have))
			return true;
	}
	return false;
}
