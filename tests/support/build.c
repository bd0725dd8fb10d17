/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

struct prefix build_prefix(const char *text)
{
	struct prefix p;

	if (prefix_parse(str_of(text), &p))
		abort();
	return p;
}

struct endpoint build_endpoint(const char *text)
{
	struct endpoint e = { 0 };

	if (text && endpoint_parse(str_of(text), &e))
		abort();
	return e;
}

struct key build_key(int seed)
{
	struct key key = { .bytes = { (uint8_t)seed, (uint8_t)(seed >> 8),
				      0xa5 } };

	return key;
}

void build_init(struct build *b, struct arena *arena, const char *mesh)
{
	*b = (struct build){ .arena = arena };
	strcpy(b->s.mesh, mesh);
	b->s.devices = arena_new_array(arena, struct device, BUILD_MAX);
	b->s.routes = arena_new_array(arena, struct route, BUILD_MAX);
	b->s.rules = arena_new_array(arena, struct rule, BUILD_MAX);
	b->s.sysctls = arena_new_array(arena, struct sysctl, BUILD_MAX);
}

struct device *build_device(struct build *b, const char *name, int seed)
{
	struct device *d = &b->s.devices[b->s.device_count++];
	struct key key = build_key(seed);

	strcpy(d->name, name);
	d->has = DEVICE_PRIVATE_KEY | DEVICE_FWMARK | DEVICE_MTU;
	d->private_key = arena_copy(b->arena, &key, sizeof(key));
	d->public_key = build_key(seed + 0x4000);
	d->mtu = 1420;
	d->peers = arena_new_array(b->arena, struct peer, BUILD_MAX);
	return d;
}

static struct prefix *prefixes(struct build *b, const char *list,
			       size_t *count)
{
	struct prefix *out = arena_new_array(b->arena, struct prefix,
					     BUILD_MAX);
	struct str rest = str_of(list), item;

	*count = 0;
	while (str_next(&rest, ',', &item))
		if (prefix_parse(item, &out[(*count)++]))
			abort();
	return out;
}

void build_addresses(struct build *b, struct device *d, const char *list)
{
	d->addresses = prefixes(b, list, &d->address_count);
}

struct peer *build_peer(struct build *b, struct device *d, int seed,
			const char *endpoint, const char *allowed)
{
	struct peer *p = &d->peers[d->peer_count++];

	p->public_key = build_key(seed);
	p->endpoint = build_endpoint(endpoint);
	p->allowed_ips = prefixes(b, allowed, &p->allowed_ip_count);
	return p;
}

struct route *build_route(struct build *b, const char *prefix,
			  const char *device, uint32_t table)
{
	struct route *r = &b->s.routes[b->s.route_count++];

	r->prefix = build_prefix(prefix);
	r->type = RTN_UNICAST;
	r->protocol = OUR_PROTOCOL;
	r->table = table;
	strcpy(r->device, device);
	if (r->prefix.ip.family == AF_INET6)
		r->metric = 1024;
	else
		r->scope = RT_SCOPE_LINK;
	return r;
}

struct rule *build_rule(struct build *b, uint8_t family, uint32_t priority,
			uint32_t table)
{
	struct rule *r = &b->s.rules[b->s.rule_count++];

	r->family = family;
	r->action = FR_ACT_TO_TBL;
	r->protocol = OUR_PROTOCOL;
	r->priority = priority;
	r->table = table;
	r->suppress_prefixlength = -1;
	r->uid_range[1] = UINT32_MAX;
	return r;
}

void build_sysctl(struct build *b, const char *key, const char *value)
{
	b->s.sysctls[b->s.sysctl_count++] =
		(struct sysctl){ .key = key, .value = value };
}

void build_firewall(struct build *b, const char *text)
{
	struct firewall *f = arena_new_object(b->arena, struct firewall);

	f->table = firewall_table_name(b->arena, b->s.mesh);
	f->text = str_of(text);
	model_compile(b->arena, f);
	b->s.firewall = f;
}

void build_full_tunnel(struct build *b, struct device *d, uint8_t family)
{
	struct route *route;
	struct rule *rule;

	d->automatic |= DEVICE_FWMARK;
	route = build_route(b, family == AF_INET6 ? "::/0" : "0.0.0.0/0",
			    d->name, 0);
	route->automatic = ROUTE_TABLE;
	rule = build_rule(b, family, 0, 0);
	rule->invert = true;
	rule->fwmask = 0xffffffff;
	rule->automatic = RULE_TABLE | RULE_FWMARK | RULE_PRIORITY;
	rule = build_rule(b, family, 0, RT_TABLE_MAIN);
	rule->suppress_prefixlength = 0;
	rule->automatic = RULE_PRIORITY;
}

void bench_init(struct bench *bench, struct arena *arena, const char *mesh)
{
	*bench = (struct bench){ .model = model_new(arena), .arena = arena,
				 .mesh = mesh, .options.now = 1000000,
				 .tables = { 254, 100, 51820, 51821 } };
}

static void add_names(const struct state *s, const char **names,
		      size_t *count)
{
	for (size_t i = 0; s && i < s->device_count; i++)
		names[(*count)++] = s->devices[i].name;
}

static void add_keys(struct bench *bench, const struct state *s,
		     const struct state *links, struct sysctl_keys *all)
{
	struct sysctl_keys keys;

	if (!s)
		return;
	plan_sysctl_keys(bench->arena, s, links, &keys);
	for (size_t i = 0; i < keys.count; i++) {
		arena_room(bench->arena, &all->items, all->count,
			   &all->capacity, sizeof(*all->items));
		all->items[all->count++] = keys.items[i];
	}
}

void bench_observe(struct bench *bench, const struct state *want,
		   const struct state *before, const struct state *last,
		   struct state *have)
{
	struct kernel *k = &bench->model->kernel;
	const char *names[2 * BUILD_MAX];
	struct sysctl_keys keys = { 0 };
	struct scope scope = { .mesh = bench->mesh, .devices = names,
			       .ports = true, .tables = bench->tables };
	struct err e;

	add_names(want, names, &scope.device_count);
	add_names(before, names, &scope.device_count);
	if (k->observe(k, bench->arena, bench->arena, &scope, have, &e))
		abort();
	add_keys(bench, want, have, &keys);
	add_keys(bench, before, have, &keys);
	for (size_t i = 0; before && i < before->sysctl_count; i++) {
		arena_room(bench->arena, &keys.items, keys.count,
			   &keys.capacity, sizeof(*keys.items));
		keys.items[keys.count++] = before->sysctls[i].key;
	}
	scope.sysctls = keys.items;
	scope.sysctl_count = keys.count;
	if (k->observe(k, bench->arena, bench->arena, &scope, have, &e))
		abort();
	state_claim(have, bench->mesh, last, names, scope.device_count,
		    false);
}

int bench_settle(struct bench *bench, struct state *want,
		 const struct state *last, struct diags *diags, struct err *e)
{
	struct kernel *k = &bench->model->kernel;
	struct lookup *lookups;
	struct state have;
	size_t count;

	bench_observe(bench, want, NULL, last, &have);
	if (settle_numbers(bench->arena, want, &have, last, e))
		return -1;
	count = settle_lookups(bench->arena, want, &have, last,
			       &bench->options, &lookups);
	if (k->lookup(k, lookups, count, e))
		return -1;
	settle_mtu(want, &have, &bench->options, lookups, count, diags);
	if (want->firewall)
		model_compile(bench->arena, want->firewall);
	return 0;
}

int bench_take(struct bench *bench, const struct plan *plan, size_t from,
	       size_t end, size_t *done, struct err *e)
{
	struct kernel *k = &bench->model->kernel;
	size_t i = from;

	*done = from;
	if (k->encode(k, bench->arena, plan, e))
		return -1;
	while (i < plan->count && i < end) {
		if (k->send(k, plan, i, &i, e))
			return -1;
		*done = i;
	}
	k->finish(k);
	return 0;
}

int bench_converge(struct bench *bench, struct state *want,
		   const struct state *last, struct plan *plan, struct err *e)
{
	struct plan again;
	struct state have;
	struct diags diags;
	size_t done;

	diags_init(&diags, bench->arena);
	if (bench_settle(bench, want, last, &diags, e))
		return -1;
	if (diags.errors)
		return err_set(e, ERR_DATA, "%s", diags.items[0].message);
	bench_observe(bench, want, NULL, last, &have);
	if (plan_diff(bench->arena, want, &have, last, &bench->options, plan,
		      e) ||
	    bench_take(bench, plan, 0, SIZE_MAX, &done, e))
		return -1;
	bench_observe(bench, want, NULL, want, &have);
	if (plan_diff(bench->arena, want, &have, want, &bench->options,
		      &again, e))
		return err_wrap(e, "again");
	if (again.count)
		return err_set(e, ERR_INCOMPLETE, "again: %s (phase %u)",
			       again.steps[0].id,
			       (unsigned int)again.steps[0].phase);
	return 0;
}

static const char *differs(struct bench *bench, const struct state *before,
			   const struct state *want, const struct state *last)
{
	struct plan_options options = { .now = bench->options.now,
					.restore = true };
	struct plan plan;
	struct state have;
	struct err e;

	bench_observe(bench, want, before, last, &have);
	if (plan_diff(bench->arena, before, &have, last, &options, &plan, &e))
		return arena_strdup(bench->arena, e.text);
	if (plan.count)
		return plan.steps[0].id;
	return model_difference(bench->arena, before, &have);
}

const char *bench_undo(struct bench *bench, const struct state *before,
		       const struct state *want, const struct state *last)
{
	struct plan_options options = { .now = bench->options.now,
					.restore = true };
	const char *wrong;
	struct plan plan;
	struct state have;
	struct err e;
	size_t done;

	bench_observe(bench, want, before, last, &have);
	if (plan_diff(bench->arena, before, &have, last, &options, &plan, &e) ||
	    bench_take(bench, &plan, 0, SIZE_MAX, &done, &e))
		return arena_printf(bench->arena, "undo: %s", e.text);
	wrong = differs(bench, before, want, last);
	return wrong ? arena_printf(bench->arena, "after the undo: %s", wrong) :
		NULL;
}

/* Of the first step on an object, or of one that follows. */
static bool is_id(const char *id, const char *object)
{
	size_t size = strlen(object);

	return !strncmp(id, object, size) && (!id[size] || id[size] == '#');
}

const struct step *plan_step(const struct plan *plan, enum step_kind kind,
			     const char *id)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == kind &&
		    (!id || is_id(plan->steps[i].id, id)))
			return &plan->steps[i];
	return NULL;
}

size_t plan_kinds(const struct plan *plan, enum step_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == kind)
			n++;
	return n;
}
