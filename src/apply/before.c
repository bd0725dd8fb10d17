/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan can change, as it is before; and what it adds. */
#include <string.h>

#include "apply/sysctl_side.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/diag.h"
#include "state/firewall.h"

static void put_devices(struct run *run, struct state *before)
{
	const struct state *have = &run->have;

	before->devices = arena_new_array(run->arena, struct device,
					  have->device_count);
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned ||
		    state_device(run->want, have->devices[i].name))
			before->devices[before->device_count++] =
				have->devices[i];
}

static bool same_prefix(const struct ip *source, const struct step *step)
{
	for (size_t i = 0; source->family && i < step->prefix_count; i++)
		if (!ip_compare(source, &step->prefixes[i].ip))
			return true;
	return false;
}

/* The routes that steps speak of; a host may have a million others. */
static bool *routes_met(struct run *run)
{
	const struct state *have = &run->have;
	bool *met = arena_new_array(run->arena, bool, have->route_count);

	for (size_t i = 0; i < run->plan.count; i++) {
		const struct step *step = &run->plan.steps[i];
		const struct route *of[] = { step->route, step->route_before };

		for (size_t j = 0; j < array_size(of); j++)
			/* Those that are wanted lie elsewhere. */
			if (of[j] >= have->routes &&
			    of[j] < have->routes + have->route_count)
				met[of[j] - have->routes] = true;
	}
	return met;
}

/* Steps with which the kernel takes routes away. */
static size_t taking_steps(struct run *run, const struct step ***out)
{
	const struct plan *plan = &run->plan;
	size_t count = 0;

	*out = arena_new_array(run->arena, const struct step *, plan->count);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_LINK_DELETE ||
		    plan->steps[i].kind == STEP_ADDRESS_REMOVE)
			(*out)[count++] = &plan->steps[i];
	return count;
}

static bool is_taken(const struct route *r, const struct step *const *steps,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(steps[i]->device->name, r->device) ||
		    same_prefix(&r->source, steps[i]))
			return true;
	return false;
}

static void put_routes(struct run *run, struct state *before)
{
	const struct state *have = &run->have;
	const struct step **taking;
	size_t count = taking_steps(run, &taking);
	const bool *met = routes_met(run);

	before->routes = arena_new_array(run->arena, struct route,
					 have->route_count);
	for (size_t i = 0; i < have->route_count; i++) {
		struct route *r = &before->routes[before->route_count];

		if (!have->routes[i].owned && !met[i] &&
		    !is_taken(&have->routes[i], taking, count))
			continue;
		*r = have->routes[i];
		/* Ours to give back, whoever made it. */
		r->owned = true;
		before->route_count++;
	}
}

static bool rule_is_met(const struct run *run, const struct rule *r)
{
	for (size_t i = 0; i < run->plan.count; i++)
		if (run->plan.steps[i].rule == r)
			return true;
	return false;
}

static void put_rules(struct run *run, struct state *before)
{
	const struct state *have = &run->have;

	before->rules = arena_new_array(run->arena, struct rule,
					have->rule_count);
	for (size_t i = 0; i < have->rule_count; i++) {
		struct rule *r = &before->rules[before->rule_count];

		if (!have->rules[i].owned &&
		    !rule_is_met(run, &have->rules[i]))
			continue;
		*r = have->rules[i];
		r->owned = true;
		before->rule_count++;
	}
}

static bool touches_firewall(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_FIREWALL_LOAD ||
		    plan->steps[i].kind == STEP_FIREWALL_ELEMENTS ||
		    plan->steps[i].kind == STEP_FIREWALL_DELETE)
			return true;
	return false;
}

/* The text kept from the load that made the live table, if it still did. */
static bool kept_text(const struct run *run, struct str *text)
{
	const struct firewall *last = run->last ? run->last->firewall : NULL;

	if (!last || !last->compiled || !last->text.size ||
	    firewall_compare(last, run->have.firewall) != FIREWALL_SAME)
		return false;
	*text = last->text;
	return true;
}

/* The listing of the live table, if it provably compiles to the same. */
static int listed_text(struct run *run, struct str *text, struct err *e)
{
	struct kernel *k = run->kernel;
	struct firewall f = *run->have.firewall;
	struct err failed = { 0 };
	struct diags diags;

	diags_init(&diags, run->arena);
	if (!k->list(k, run->arena, f.table, text, &failed)) {
		f.text = *text;
		f.compiled = false;
		if (!k->compile(k, run->arena, &f, &diags, &failed) &&
		    firewall_compare(&f, run->have.firewall) == FIREWALL_SAME)
			return 0;
	}
	/* Unchecked it may do, the undo looks; else it is no way back. */
	if (failed.kind != ERR_PERMISSION)
		*text = (struct str){ 0 };
	if (run_forced(run, "firewall"))
		return 0;
	return err_refuse(e, "firewall", "the live table inet %s is not what "
			  "was applied last, and cannot be given back for "
			  "certain should the run fail (%s)", f.table,
			  failed.kind ? failed.text :
			  "its listing compiles to another table");
}

static int put_firewall(struct run *run, struct journal *journal,
			struct err *e)
{
	bool touched = touches_firewall(&run->plan);
	struct firewall *f;

	if (!run->have.firewall)
		return 0;
	f = arena_new_object(run->arena, struct firewall);
	*f = *run->have.firewall;
	f->text = (struct str){ 0 };
	f->compiled = true;
	if (touched && !kept_text(run, &f->text) &&
	    listed_text(run, &f->text, e))
		return -1;
	journal->before.firewall = f;
	journal->firewall_lost = touched && !f->text.size;
	return 0;
}

static struct device *added_device(struct state *added, const char *name)
{
	struct device *d;

	for (size_t i = 0; i < added->device_count; i++)
		if (!strcmp(added->devices[i].name, name))
			return &added->devices[i];
	d = &added->devices[added->device_count++];
	strcpy(d->name, name);
	return d;
}

static void add_peer(struct run *run, struct device *d,
		     const struct peer *peer)
{
	if (!d->peers)
		d->peers = arena_new_array(run->arena, struct peer,
					   run->plan.count);
	d->peers[d->peer_count].public_key = peer->public_key;
	d->peers[d->peer_count++].endpoint = peer->endpoint;
}

struct given {
	struct arena *arena;
	struct state *state;
	size_t capacity;
};

static void give(struct given *g, const char *key, const char *value)
{
	struct state *s = g->state;

	arena_room(g->arena, &s->sysctls, s->sysctl_count, &g->capacity,
		   sizeof(*s->sysctls));
	s->sysctls[s->sysctl_count++] = (struct sysctl){ .key = key,
							 .value = value };
}

/* What the kernel gives others along with KEY. */
static void give_sides(struct run *run, struct given *g, const char *key,
		       const char *value)
{
	struct sysctl_side *sides;
	size_t count = sysctl_sides(run->arena, key, run->have.links,
				    run->have.link_count, &sides);

	for (size_t i = 0; i < count; i++)
		give(g, sides[i].key, sysctl_side_value(&sides[i], value));
}

/* What steps give, and an undo that is cut off itself. */
static void put_given(struct run *run, struct state *added)
{
	struct given g = { .arena = run->arena, .state = added };

	for (size_t i = 0; i < run->plan.count; i++) {
		const struct step *step = &run->plan.steps[i];
		const struct sysctl *s = step->sysctl, *before;

		if (step->kind != STEP_SYSCTL_SET)
			continue;
		give(&g, s->key, s->value);
		give_sides(run, &g, s->key, s->value);
		before = state_sysctl(&run->have, s->key);
		if (before)
			give_sides(run, &g, s->key, before->value);
	}
}

/* A peer that is added may have been there before what is pending. */
static bool sets_endpoint(const struct run *run, const struct step *step)
{
	return (step->kind == STEP_PEER_CHANGE &&
		step->fields & PEER_ENDPOINT) ||
	       (step->kind == STEP_PEER_ADD && run->confirm);
}

static void put_added(struct run *run, struct state *added)
{
	size_t count = run->plan.count;

	added->devices = arena_new_array(run->arena, struct device, count);
	added->routes = arena_new_array(run->arena, struct route, count);
	added->rules = arena_new_array(run->arena, struct rule, count);
	for (size_t i = 0; i < count; i++) {
		const struct step *step = &run->plan.steps[i];

		if (step->kind == STEP_LINK_CREATE)
			added_device(added, step->device->name);
		else if (sets_endpoint(run, step))
			add_peer(run, added_device(added, step->device->name),
				 step->peer);
		else if (step->kind == STEP_ROUTE_ADD ||
			 step->kind == STEP_ROUTE_REPLACE)
			added->routes[added->route_count++] = *step->route;
		else if (step->kind == STEP_RULE_ADD)
			added->rules[added->rule_count++] = *step->rule;
	}
	put_given(run, added);
	state_normalise(added);
}

/* With the link, or with its IPv6, the kernel takes away what KEY is. */
static bool sysctl_goes(const struct run *run, const char *key)
{
	const struct device *d = sysctl_device(&run->have, key);

	for (size_t i = 0; d && i < run->plan.count; i++) {
		const struct step *step = &run->plan.steps[i];

		if ((step->kind == STEP_LINK_DELETE ||
		     (step->kind == STEP_LINK_CHANGE &&
		      step->fields & DEVICE_MTU)) &&
		    !strcmp(step->device->name, d->name))
			return true;
	}
	return false;
}

static void put_sysctls(struct run *run, struct journal *journal)
{
	const struct state *have = &run->have;
	struct state *before = &journal->before;

	before->sysctls = arena_new_array(run->arena, struct sysctl,
					  have->sysctl_count);
	for (size_t i = 0; i < have->sysctl_count; i++)
		if (state_sysctl(&journal->added, have->sysctls[i].key) ||
		    sysctl_goes(run, have->sysctls[i].key))
			before->sysctls[before->sysctl_count++] =
				have->sysctls[i];
}

int journal_make(struct run *run, struct journal *out, struct err *e)
{
	struct journal journal = { 0 };

	strcpy(journal.before.mesh, run->mesh);
	strcpy(journal.added.mesh, run->mesh);
	put_devices(run, &journal.before);
	put_routes(run, &journal.before);
	put_rules(run, &journal.before);
	if (put_firewall(run, &journal, e))
		return -1;
	put_added(run, &journal.added);
	put_sysctls(run, &journal);
	*out = journal;
	return 0;
}
