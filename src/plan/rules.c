/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing rules.  They are added from the first that is looked at to the
 * last, and removed the other way: a rule that sends everything into the
 * tunnel never stands without the one that keeps the rest out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/internal.h"
#include "state/text.h"

static const char *rule_id(struct arena *arena, const struct rule *r)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	rule_write(&text, r);
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == ' ')
			text.data[i] = '_';
	return arena_printf(arena, "rule/%s/%u/%s",
			    r->family == AF_INET6 ? "inet6" : "inet",
			    r->priority, text.data);
}

bool rule_same_selectors(const struct rule *a, const struct rule *b)
{
	struct rule x = *a;

	x.protocol = b->protocol;
	x.priority = b->priority;
	x.automatic = b->automatic;
	return rule_equal(&x, b);
}

bool rule_is_suppress(const struct rule *r)
{
	return r->suppress_prefixlength >= 0;
}

bool rule_excepts_mark(const struct rule *r)
{
	return r->invert && r->fwmask == MARK_MASK && r->fwmark;
}

static bool port_in(const uint16_t range[2], uint16_t port)
{
	return (!range[0] && !range[1]) ||
		(port >= range[0] && port <= range[1]);
}

bool rule_selects(const struct rule *r, const struct packet *p)
{
	bool match = (!r->from.length || prefix_has(&r->from, &p->from)) &&
		(!r->to.length || prefix_has(&r->to, &p->to)) &&
		(!*r->iif || !strcmp(r->iif, "lo")) && !*r->oif &&
		(!r->fwmask || (p->mark & r->fwmask) == r->fwmark) &&
		!r->uid_range[0] && !r->tos &&
		(!r->ip_protocol || r->ip_protocol == p->protocol) &&
		port_in(r->source_port, p->from_port) &&
		port_in(r->destination_port, p->to_port);

	return r->family == p->to.family && match != r->invert;
}

/* Matches packets of any source and destination that bear no certain mark. */
static bool is_wide(const struct rule *r)
{
	return !r->from.length && !r->to.length && !*r->iif && !*r->oif &&
		(!r->fwmask || r->invert);
}

const struct rule *rule_find(const struct state *s, const struct rule *r)
{
	const struct rule *found = NULL;

	if (s->rule_count)
		found = bsearch(r, s->rules, s->rule_count, sizeof(*r),
				rule_compare);
	return found && rule_equal(found, r) ? found : NULL;
}

/* Those of one family and priority stand together. */
static const struct rule *rules_at(const struct state *s,
				   const struct rule *like, size_t *count)
{
	size_t low = 0, high = s->rule_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rule *r = &s->rules[middle];

		if (r->family < like->family ||
		    (r->family == like->family &&
		     r->priority < like->priority))
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < s->rule_count; high++)
		if (s->rules[high].family != like->family ||
		    s->rules[high].priority != like->priority)
			break;
	*count = high - low;
	return low ? s->rules + low : s->rules;
}

/* Of whatever maker: but for that the kernel takes it for the same one. */
static bool has_twin(const struct planner *p, const struct rule *rule)
{
	size_t count;
	const struct rule *at = rules_at(p->have, rule, &count);

	for (size_t i = 0; i < count; i++)
		if (rule_same_selectors(rule, &at[i]))
			return true;
	return false;
}

struct step *plan_rule_step(struct planner *p, enum step_kind kind,
			    enum phase phase, const struct rule *rule)
{
	struct step *s = plan_add(p, kind, phase);

	s->rule = rule;
	s->twin = kind == STEP_RULE_ADD && has_twin(p, rule);
	s->id = rule_id(p->arena, rule);
	s->drift = p->last && (rule_find(p->last, rule) != NULL) ==
		(kind == STEP_RULE_ADD);
	if (is_wide(rule))
		step_class(s, DISRUPTION_ACCESS,
			   "it decides the way of all the host's traffic");
	return s;
}

static bool is_there(const struct planner *p, const struct rule *want)
{
	const struct rule *have = rule_find(p->have, want);

	return have && (have->owned || p->options->restore);
}

/* A foreign one that differs in nothing but its maker, if that: the kernel
   takes no second one. */
static const struct rule *in_the_way(const struct planner *p,
				     const struct rule *want)
{
	size_t count;
	const struct rule *at = rules_at(p->have, want, &count);

	for (size_t i = 0; i < count; i++)
		if (!at[i].owned && rule_same_selectors(want, &at[i]))
			return &at[i];
	return NULL;
}

static int refuse(struct planner *p, const struct rule *have)
{
	struct sbuf text;

	sbuf_init(&text, p->arena);
	rule_write(&text, have);
	return err_refuse(p->e, "rule", "the rule %s (%s) is there already; "
			  "its protocol is %u, it is not ours", text.data,
			  have->family == AF_INET6 ? "IPv6" : "IPv4",
			  have->protocol);
}

/*
 * In an undo a foreign rule is put back only if adopting had taken it: it
 * has the words of one that is ours now.
 */
static bool is_wanted(const struct planner *p, const struct rule *want)
{
	if (!p->options->restore || want->owned)
		return true;
	for (size_t i = 0; i < p->want->device_count; i++) {
		const struct device *d = &p->want->devices[i];

		if (d->fwmark && (want->fwmark == d->fwmark ||
				  want->table == d->fwmark))
			return true;
		if (!strcmp(want->iif, d->name) || !strcmp(want->oif, d->name))
			return true;
	}
	return rule_is_suppress(want);
}

static int add_rules(struct planner *p)
{
	for (size_t i = 0; i < p->want->rule_count; i++) {
		const struct rule *want = &p->want->rules[i], *foreign;

		if (!is_wanted(p, want) || is_there(p, want))
			continue;
		foreign = in_the_way(p, want);
		if (foreign && plan_adopted_rule(p, foreign))
			foreign = NULL;
		if (foreign && !plan_forced(p, "rule"))
			return refuse(p, foreign);
		if (foreign && !p->options->restore)
			plan_note(p, "a rule of priority %u that is not ours "
				  "does what ours would", want->priority);
		else
			plan_rule_step(p, STEP_RULE_ADD, PHASE_RULES, want);
	}
	return 0;
}

static void remove_rules(struct planner *p)
{
	for (size_t i = p->have->rule_count; i-- > 0;) {
		const struct rule *have = &p->have->rules[i];

		if (rule_find(p->want, have) || plan_mark_helper(p, have))
			continue;
		if (have->owned || plan_mark_leftover(p, have))
			plan_rule_step(p, STEP_RULE_REMOVE, PHASE_REMOVE_RULES,
				  have);
	}
}

int plan_rules(struct planner *p)
{
	if (add_rules(p))
		return -1;
	remove_rules(p);
	plan_adopted_rules(p);
	return 0;
}
