/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel back, and what is left to do. */
#include <string.h>

#include "apply/walk.h"
#include "base/arena.h"

#define OBSERVE_TRIES 3

int run_observe(struct run *run, struct state *have, struct err *e)
{
	for (int i = 0; i < OBSERVE_TRIES; i++) {
		memset(have, 0, sizeof(*have));
		if (!run->kernel->observe(run->kernel, run->arena,
					  run->secrets, &run->scope, have, e))
			return 0;
		if (e->kind != ERR_BUSY)
			break;
	}
	return -1;
}

/* Gather in OURS, or give back from it, who owns what. */
static void owned_flags(struct state *have, bool *ours, bool gather)
{
	for (size_t i = 0; i < have->device_count; i++, ours++) {
		*ours |= have->devices[i].owned;
		if (!gather)
			have->devices[i].owned = *ours;
	}
	for (size_t i = 0; i < have->route_count; i++, ours++) {
		*ours |= have->routes[i].owned;
		if (!gather)
			have->routes[i].owned = *ours;
	}
	for (size_t i = 0; i < have->rule_count; i++, ours++) {
		*ours |= have->rules[i].owned;
		if (!gather)
			have->rules[i].owned = *ours;
	}
}

void run_claim(struct run *run, struct state *have,
	       const struct state *const *by, size_t count)
{
	bool *ours = arena_new_array(run->arena, bool, have->device_count +
				     have->route_count + have->rule_count);
	bool others = store_others(run->store);

	strcpy(have->mesh, run->mesh);
	state_claim(have, run->mesh, NULL, run->scope.devices,
		    run->scope.device_count, others);
	for (size_t i = 0; i < count; i++) {
		if (!by[i])
			continue;
		owned_flags(have, ours, true);
		state_claim(have, run->mesh, by[i], run->scope.devices,
			    run->scope.device_count, others);
	}
	owned_flags(have, ours, false);
}

bool run_forced(const struct run *run, const char *guard)
{
	for (size_t i = 0; i < run->options.force_count; i++)
		if (!strcmp(run->options.force[i], guard))
			return true;
	return false;
}

/* What a run leaves to nobody, or takes over, does not bear our protocol. */
static void claim_added(struct state *have, const struct state *added)
{
	for (size_t i = 0; i < have->route_count; i++)
		for (size_t j = 0; j < added->route_count; j++)
			if (added->routes[j].protocol != OUR_PROTOCOL)
				have->routes[i].owned |= route_equal(
					&have->routes[i], &added->routes[j]);
	for (size_t i = 0; i < have->rule_count; i++)
		for (size_t j = 0; j < added->rule_count; j++)
			if (added->rules[j].protocol != OUR_PROTOCOL)
				have->rules[i].owned |= rule_equal(
					&have->rules[i], &added->rules[j]);
}

/*
 * A table that could not be compiled is taken to be what its text made, once
 * it was loaded: there is nothing else to compare it with.
 */
static void trust_unchecked(struct run *run, struct state *want,
			    const struct state *have)
{
	struct firewall *f;

	if (!want->firewall || want->firewall->compiled || !have->firewall)
		return;
	f = arena_new_object(run->arena, struct firewall);
	*f = *have->firewall;
	f->table = want->firewall->table;
	f->text = want->firewall->text;
	f->where = want->firewall->where;
	f->compiled = true;
	want->firewall = f;
}

int look_forward(struct run *run, const struct journal *journal,
		 bool reading_back, struct look *out, struct err *e)
{
	struct plan_options options = run->options;
	const struct state *const by[] = {
		run->last, run->want, &journal->before, &journal->added,
	};
	struct state want = *run->want;

	if (run_observe(run, &out->have, e))
		return -1;
	run_claim(run, &out->have, by, array_size(by));
	trust_unchecked(run, &want, &out->have);
	options.reading_back = reading_back;
	return plan_diff(run->arena, &want, &out->have,
			 reading_back ? &want : run->last, &options,
			 &out->plan, e);
}

static bool was_set(const struct journal *journal, const char *device,
		    const struct peer *have)
{
	const struct device *d = state_device(&journal->added, device);
	const struct peer *set = d ? device_peer(d, &have->public_key) : NULL;

	return set && !endpoint_compare(&set->endpoint, &have->endpoint);
}

static void keep_learned(struct run *run, const struct journal *journal,
			 struct device *before, const struct device *have)
{
	before->peers = arena_copy(run->arena, before->peers,
				   before->peer_count *
				   sizeof(*before->peers));
	for (size_t i = 0; i < before->peer_count; i++) {
		struct peer *peer = &before->peers[i];
		const struct peer *now = device_peer(have, &peer->public_key);

		if (now && now->endpoint.ip.family &&
		    endpoint_compare(&now->endpoint, &peer->endpoint) &&
		    !was_set(journal, before->name, now))
			peer->endpoint = now->endpoint;
	}
}

/*
 * A value that is neither what it was before nor what it was given is
 * somebody's since, and so is one that another mesh needs by now; a link of
 * ours that goes takes its own along.
 */
static bool is_to_undo(const struct run *run, const struct journal *journal,
		       const struct state *have, const struct sysctl *before)
{
	const struct state *added = &journal->added;
	const struct sysctl *given = state_sysctl(added, before->key);
	const struct sysctl *now = state_sysctl(have, before->key);

	if (!given || !now || !strcmp(now->value, before->value))
		return true;
	if (sysctls_needed(run->store, run->arena, now, &journal->before,
			   have))
		return false;
	while (given > added->sysctls && !sysctl_compare(given - 1, given))
		given--;
	for (; given < added->sysctls + added->sysctl_count &&
	       !strcmp(given->key, before->key); given++)
		if (!strcmp(given->value, now->value))
			return true;
	return false;
}

static struct sysctl *sysctls_to_undo(struct run *run,
				      const struct journal *journal,
				      const struct state *have, size_t *count)
{
	const struct state *before = &journal->before;
	struct sysctl *out = arena_new_array(run->arena, struct sysctl,
					     before->sysctl_count);

	*count = 0;
	for (size_t i = 0; i < before->sysctl_count; i++)
		if (is_to_undo(run, journal, have, &before->sysctls[i]))
			out[(*count)++] = before->sysctls[i];
	return out;
}

static void before_now(struct run *run, const struct journal *journal,
		       const struct state *have, struct state *before)
{
	*before = journal->before;
	before->devices = arena_copy(run->arena, before->devices,
				     before->device_count *
				     sizeof(*before->devices));
	for (size_t i = 0; i < before->device_count; i++) {
		const struct device *now = state_device(
			have, before->devices[i].name);

		if (now)
			keep_learned(run, journal, &before->devices[i], now);
	}
	/* Without a text it was not to be changed, nor can it be; one that is
	   lost is to be missed. */
	if (before->firewall && !before->firewall->text.size &&
	    !journal->firewall_lost)
		before->firewall = have->firewall;
	before->sysctls = sysctls_to_undo(run, journal, have,
					  &before->sysctl_count);
}

int look_back(struct run *run, const struct journal *journal,
	      struct look *out, struct err *e)
{
	const struct state *const by[] = {
		run->last, run->want, &journal->before, &journal->added,
	};
	struct plan_options options = { .now = run->options.now,
					.restore = true };
	struct state before;

	if (run_observe(run, &out->have, e))
		return -1;
	run_claim(run, &out->have, by, array_size(by));
	claim_added(&out->have, &journal->added);
	before_now(run, journal, &out->have, &before);
	/* The plan points into it. */
	return plan_diff(run->arena, arena_copy(run->arena, &before,
						sizeof(before)),
			 &out->have, NULL, &options, &out->plan, e);
}

int run_take(struct run *run, const struct plan *plan, size_t *done,
	     struct err *e)
{
	struct kernel *k = run->kernel;
	int status = 0;

	if (k->encode(k, run->secrets, plan, e))
		status = -1;
	for (size_t i = 0, next; !status && i < plan->count; i = next) {
		if (k->send(k, plan, i, &next, e))
			status = -1;
		else
			*done += next - i;
	}
	k->finish(k);
	return status;
}
