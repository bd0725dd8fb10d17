/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what is wanted and what is there to a plan; nothing is written. */
#include <string.h>
#include <linux/rtnetlink.h>

#include "apply/sysctl_side.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/trace.h"
#include "kern/nft.h"
#include "state/firewall.h"

/* As wg-quick, an automatic table is sought from here on. */
#define FIRST_TABLE 51820
#define TABLE_TRIES 8

struct names {
	struct arena *arena;
	const char **items;
	size_t count, capacity;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->items[i], name))
			return;
	arena_room(names->arena, &names->items, names->count,
		   &names->capacity, sizeof(*names->items));
	names->items[names->count++] = name;
}

bool tables_add(struct tables *tables, uint32_t table)
{
	for (size_t i = 0; i < tables->count; i++)
		if (tables->items[i] == table)
			return false;
	arena_room(tables->arena, &tables->items, tables->count + 1,
		   &tables->capacity, sizeof(*tables->items));
	tables->items[tables->count++] = table;
	tables->items[tables->count] = 0;
	return true;
}

static bool is_automatic(const struct state *want)
{
	for (size_t i = 0; i < want->device_count; i++)
		if (want->devices[i].automatic & DEVICE_FWMARK)
			return true;
	for (size_t i = 0; i < want->route_count; i++)
		if (want->routes[i].automatic & ROUTE_TABLE)
			return true;
	return false;
}

static void expect_peers(struct run *run, const struct state *of)
{
	for (size_t i = 0; of && i < of->device_count; i++)
		if (run->scope.peers < of->devices[i].peer_count)
			run->scope.peers = of->devices[i].peer_count;
}

static void scope_devices(struct run *run, const struct state *want)
{
	struct names names = { .arena = run->arena };

	expect_peers(run, want);
	expect_peers(run, run->last);
	/* A killed run's link, before its alias, as wg-quick files name it. */
	if (strlen(run->mesh) < IFNAMSIZ)
		add_name(&names, run->mesh);
	for (size_t i = 0; i < want->device_count; i++)
		add_name(&names, want->devices[i].name);
	for (size_t i = 0; run->last && i < run->last->device_count; i++)
		add_name(&names, run->last->devices[i].name);
	run->scope.devices = names.items;
	run->scope.device_count = names.count;
}

/*
 * The sysctls of WANT and those of the registry, with all that change along
 * with them on the links of HAVE, and what a new link of ours begins with.
 */
static void scope_sysctls(struct run *run, const struct state *want,
			  const struct state *have)
{
	struct state all = *want;
	struct sysctl_keys keys;
	const char *const *kept;
	size_t count = sysctls_keys(run->store, run->arena, &kept);

	all.sysctls = arena_new_array(run->arena, struct sysctl,
				      2 * want->sysctl_count + count);
	if (want->sysctl_count)
		memcpy(all.sysctls, want->sysctls,
		       want->sysctl_count * sizeof(*all.sysctls));
	for (size_t i = 0; i < count; i++)
		all.sysctls[all.sysctl_count++].key = kept[i];
	for (size_t i = 0; i < want->sysctl_count; i++) {
		const char *key = want->sysctls[i].key;

		if (sysctl_device(want, key))
			all.sysctls[all.sysctl_count++].key =
				sysctl_default(run->arena, key);
	}
	plan_sysctl_keys(run->arena, &all, have, &keys);
	run->scope.sysctls = keys.items;
	run->scope.sysctl_count = keys.count;
}

static void scope_first(struct run *run, const struct state *want)
{
	struct tables tables = { .arena = run->arena };
	struct state links = { 0 };

	run->scope.mesh = run->mesh;
	scope_devices(run, want);
	/* The host's links are not known yet; those wanted may be there. */
	links.links = arena_new_array(run->arena, struct link,
				      want->device_count);
	for (size_t i = 0; i < want->device_count; i++)
		strcpy(links.links[links.link_count++].name,
		       want->devices[i].name);
	scope_sysctls(run, want, &links);
	run->scope.tables = NULL;
	run->scope.ports = false;
	if (!is_automatic(want))
		return;
	for (uint32_t i = 0; i < TABLE_TRIES; i++)
		tables_add(&tables, FIRST_TABLE + i);
	run->scope.tables = tables.items;
}

/* The kernel changes routes of others that have such an address as source. */
static bool loses_address(const struct step *step)
{
	return step->kind == STEP_ADDRESS_REMOVE ||
	       (step->kind == STEP_LINK_DELETE && step->device_before &&
		step->device_before->address_count);
}

/* What the plan of the first look makes worth knowing: true if anything. */
static bool scope_widen(struct run *run)
{
	struct tables tables = { .arena = run->arena };
	bool ports = false, sysctls = false, routes = false;

	for (const uint32_t *t = run->scope.tables; t && *t; t++)
		tables_add(&tables, *t);
	for (size_t i = 0; i < run->plan.count; i++) {
		const struct step *step = &run->plan.steps[i];

		if (step->kind == STEP_ROUTE_ADD ||
		    step->kind == STEP_ROUTE_REPLACE)
			routes |= tables_add(&tables, step->route->table);
		if (loses_address(step))
			routes |= tables_add(&tables, RT_TABLE_MAIN);
		if (step->kind == STEP_LINK_CREATE ||
		    (step->kind == STEP_DEVICE_SET &&
		     step->fields & DEVICE_LISTEN_PORT))
			ports |= step->device->has & DEVICE_LISTEN_PORT;
		sysctls |= step->kind == STEP_SYSCTL_SET;
	}
	if (routes)
		run->scope.tables = tables.items;
	if (sysctls)
		scope_sysctls(run, run->want, &run->have);
	run->scope.ports = ports;
	return routes || ports || sysctls;
}

/* What may not be read is gone without, where nothing will be written. */
static int looked(struct run *run, int result, const struct err *e)
{
	const struct state *const by[] = { run->last };

	if (result) {
		if (e->kind != ERR_PERMISSION || !run->partial_is_fine)
			return -1;
		run->options.partial = true;
		run->unread = *e;
	}
	run_claim(run, &run->have, by, array_size(by));
	return 0;
}

static int look_again(struct run *run, struct err *e)
{
	size_t used = arena_used(run->arena);
	size_t secrets = arena_used(run->secrets);

	if (looked(run, run_observe(run, &run->have, e), e))
		return -1;
	run->observed = arena_used(run->arena) - used;
	run->observed_secrets = arena_used(run->secrets) - secrets;
	return 0;
}

/* Only what the scope has more by now; all, where that cannot be read. */
static int look_wider(struct run *run, struct err *e)
{
	struct kernel *k = run->kernel;
	size_t used = arena_used(run->arena);

	if (looked(run, k->widen(k, run->arena, run->secrets, &run->scope,
				 &run->have, e), e))
		return look_again(run, e);
	run->observed += arena_used(run->arena) - used;
	return 0;
}

static int data_error(const struct diags *diags, size_t before,
		      struct err *e)
{
	size_t count = diags->errors - before;

	if (!count)
		return 0;
	return err_set(e, ERR_DATA, "%zu error%s; nothing was changed", count,
		       count == 1 ? "" : "s");
}

static int settle(struct run *run, struct state *want, struct diags *diags,
		  struct err *e)
{
	struct kernel *k = run->kernel;
	size_t before = diags->errors, count;
	struct lookup *lookups;

	if (settle_numbers(run->arena, want, &run->have, run->last, e))
		return -1;
	count = settle_lookups(run->arena, want, &run->have, run->last,
			       &run->options, &lookups);
	if (count && k->lookup(k, lookups, count, e))
		return -1;
	settle_mtu(want, &run->have, &run->options, lookups, count, diags);
	return data_error(diags, before, e);
}

/* Found now rather than when it cannot be written. */
static int check_sysctls(const struct run *run, const struct state *want,
			 struct diags *diags, struct err *e)
{
	size_t before = diags->errors;

	for (size_t i = 0; i < want->sysctl_count; i++) {
		const struct sysctl *sysctl = &want->sysctls[i];

		if (!state_sysctl(&run->have, sysctl->key) &&
		    /* A link that is yet to be made has its keys then. */
		    !sysctl_device(want, sysctl->key))
			diag_error(diags, sysctl->where,
				   "this host has no sysctl %s", sysctl->key);
	}
	return data_error(diags, before, e);
}

/*
 * The live table still is what the kept text made: of an equal text it is the
 * form, and of one that differs in elements it tells most.
 */
static bool firewall_kept(const struct run *run, struct firewall *f)
{
	const struct firewall *last = run->last ? run->last->firewall : NULL;
	const struct firewall *live = run->have.firewall;

	if (!last || !last->compiled || !live ||
	    strcmp(f->table, last->table) != 0 ||
	    firewall_compare(last, live) != FIREWALL_SAME)
		return false;
	if (!str_equal(f->text, last->text))
		return nft_patch(run->arena, last->text, live, f);
	f->objects = live->objects;
	f->object_count = live->object_count;
	f->elements = live->elements;
	f->element_count = live->element_count;
	f->compiled = true;
	return true;
}

static int firewall_settle(struct run *run, struct state *want,
			   struct diags *diags, struct err *e)
{
	struct kernel *k = run->kernel;
	struct firewall *f = want->firewall;
	struct err failed = { 0 };

	if (!f || f->compiled)
		return 0;
	if (!f->table)
		f->table = firewall_table_name(run->arena, run->mesh);
	if (firewall_kept(run, f) ||
	    !k->compile(k, run->arena, f, diags, &failed))
		return 0;
	/* Without a namespace it goes unchecked, as the plan will say. */
	if (failed.kind == ERR_PERMISSION)
		return 0;
	*e = failed;
	return -1;
}

static int make_plan(struct run *run, struct err *e)
{
	struct state *restored = arena_new_object(run->arena, struct state);

	if (sysctls_restore(run->store, run->arena, run->want, &run->have,
			    restored, e))
		return -1;
	run->options.restored = restored->sysctls;
	run->options.restored_count = restored->sysctl_count;
	return plan_diff(run->arena, run->want, &run->have, run->last,
			 &run->options, &run->plan, e);
}

/* Of the peers that both have; they are sorted by their keys. */
static bool endpoint_differs(const struct device *want,
			     const struct device *have)
{
	size_t i = 0, j = 0;

	while (i < want->peer_count && j < have->peer_count) {
		const struct peer *x = &want->peers[i], *y = &have->peers[j];
		int order = key_compare(&x->public_key, &y->public_key);

		if (!order && endpoint_compare(&x->endpoint, &y->endpoint))
			return true;
		i += order <= 0;
		j += order >= 0;
	}
	return false;
}

static bool any_endpoint_differs(const struct state *want,
				 const struct state *have)
{
	for (size_t i = 0; i < want->device_count; i++) {
		const struct device *d = &want->devices[i];
		const struct device *now = state_device(have, d->name);

		if (now && endpoint_differs(d, now))
			return true;
	}
	return false;
}

/* It tells which peers are silent, which matters of changed endpoints only. */
static void find_sample(struct run *run)
{
	struct sample *sample;

	if (run->options.sample ||
	    !any_endpoint_differs(run->want, &run->have))
		return;
	/* What is to be done about it depends on the time that passes. */
	trace_spoil();
	sample = arena_new_object(run->arena, struct sample);
	sample_read(run->store, run->arena, sample);
	run->options.sample = sample;
}

/* While names were looked up the kernel may have changed. */
static int look_and_resolve(struct run *run, struct state *want,
			    struct diags *diags, struct err *e)
{
	bool asked = false;

	if (look_again(run, e))
		return -1;
	find_sample(run);
	if (run->resolve && run->resolve(run, want, diags, &asked, e))
		return -1;
	return asked ? look_again(run, e) : 0;
}

int converge_plan(struct run *run, struct state *want, struct diags *diags,
		  struct err *e)
{
	run->want = want;
	if (sysctls_read(run->store, run->arena, e))
		return -1;
	scope_first(run, want);
	if (look_and_resolve(run, want, diags, e) ||
	    settle(run, want, diags, e) ||
	    firewall_settle(run, want, diags, e) || make_plan(run, e))
		return -1;
	if (scope_widen(run) && (look_wider(run, e) || make_plan(run, e)))
		return -1;
	plan_tunnels(want, &run->have, diags);
	return check_sysctls(run, want, diags, e);
}

int converge_again(struct run *run, struct err *e)
{
	if (sysctls_read(run->store, run->arena, e) || look_again(run, e))
		return -1;
	return make_plan(run, e);
}
