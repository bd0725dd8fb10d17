/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls, on a model of what the kernel does besides: switching forwarding
 * rewrites that of every link, of IPv4 also accept_redirects (devinet.c,
 * inet_forward_change; addrconf.c, addrconf_forward_change).  So the ones
 * that reach far stand first, and what they overwrote is set after them.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/internal.h"

#define SEND_REDIRECTS "net.ipv4.conf.all.send_redirects"

struct model {
	struct planner *p;
	struct sysctl *items;	/* sorted by key, values as they will be */
	size_t count;
};

static bool forwards_all(const char *key)
{
	return !strcmp(key, "net.ipv4.ip_forward") ||
		!strcmp(key, "net.ipv4.conf.all.forwarding") ||
		!strcmp(key, "net.ipv6.conf.all.forwarding");
}

/* Order of writing: what must be there before, the far-reaching, the rest. */
static int rank(const char *key)
{
	if (str_ends(str_of(key), ".accept_ra"))
		return 0;
	return forwards_all(key) ? 1 : 2;
}

static struct sysctl *model_find(struct model *m, const char *key)
{
	struct sysctl find = { .key = key };

	if (!m->count)
		return NULL;
	return bsearch(&find, m->items, m->count, sizeof(find),
		       sysctl_compare);
}

static void model_effects(struct model *m, const char *key, const char *value)
{
	const char *family = str_starts(str_of(key), "net.ipv6.") ?
		"net.ipv6.conf." : "net.ipv4.conf.";

	for (size_t i = 0; i < m->count; i++) {
		struct sysctl *s = &m->items[i];
		struct str name = str_of(s->key);

		if (str_starts(name, family) && str_ends(name, ".forwarding"))
			s->value = value;
	}
	if (!str_starts(str_of(key), "net.ipv4."))
		return;
	for (size_t i = 0; i < m->count; i++) {
		struct sysctl *s = &m->items[i];

		if (!strcmp(s->key, "net.ipv4.ip_forward"))
			s->value = value;
		if (!strcmp(s->key, "net.ipv4.conf.all.accept_redirects"))
			s->value = strcmp(value, "0") ? "0" : "1";
	}
}

static bool of_link(const struct planner *p, const char *key)
{
	for (size_t i = 0; i < p->want->device_count; i++) {
		const char *name = p->want->devices[i].name;
		const char *four = sysctl_of_link(p->arena, "ipv4", name, "");
		const char *six = sysctl_of_link(p->arena, "ipv6", name, "");

		if (str_starts(str_of(key), four) ||
		    str_starts(str_of(key), six))
			return true;
	}
	return false;
}

/* Not part of "as before"; and links that are gone by now cannot be set. */
static bool restorable(struct model *m, const struct sysctl *want)
{
	if (!m->p->options->restore)
		return true;
	return strcmp(want->key, SEND_REDIRECTS) != 0 &&
		(model_find(m, want->key) || of_link(m->p, want->key));
}

static void set(struct model *m, const struct sysctl *want, enum phase phase)
{
	struct planner *p = m->p;
	struct sysctl *now = model_find(m, want->key);
	const struct sysctl *last;
	struct step *s;

	if (!restorable(m, want) || (now && !strcmp(now->value, want->value)))
		return;
	s = plan_add(p, STEP_SYSCTL_SET, phase);
	s->sysctl = want;
	s->sysctl_before = now ? now->value : NULL;
	s->id = arena_printf(p->arena, "sysctl/%s", want->key);
	last = p->last ? state_sysctl(p->last, want->key) : NULL;
	s->drift = phase == PHASE_SYSCTL && last &&
		!strcmp(last->value, want->value);
	if (!of_link(p, want->key))
		step_class(s, DISRUPTION_ACCESS,
			   "it reaches beyond the mesh");
	if (now)
		now->value = want->value;
	if (forwards_all(want->key))
		model_effects(m, want->key, want->value);
}

static void set_all(struct model *m, const struct sysctl *items, size_t count,
		    enum phase phase)
{
	for (int r = 0; r <= 2; r++)
		for (size_t i = 0; i < count; i++)
			if (rank(items[i].key) == r)
				set(m, &items[i], phase);
}

/* Raising a WireGuard link switches redirects off in its namespace. */
static bool raises_link(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_LINK_CHANGE &&
		    plan->steps[i].fields & DEVICE_UP &&
		    plan->steps[i].device->up)
			return true;
	return false;
}

void plan_sysctls(struct planner *p)
{
	const struct state *want = p->want, *have = p->have;
	struct model m = {
		.p = p, .count = have->sysctl_count,
		.items = arena_copy(p->arena, have->sysctls,
				    have->sysctl_count * sizeof(*m.items)),
	};
	struct sysctl *redirects = model_find(&m, SEND_REDIRECTS);

	if (redirects && raises_link(p->plan))
		redirects->value = "0";
	set_all(&m, want->sysctls, want->sysctl_count, PHASE_SYSCTL);
	if (!p->options->restored_count)
		return;
	set_all(&m, p->options->restored, p->options->restored_count,
		PHASE_RESTORE_SYSCTL);
	/* What the restored ones overwrote. */
	set_all(&m, want->sysctls, want->sysctl_count, PHASE_RESTORE_SYSCTL);
}

static void add_key(struct arena *arena, struct sysctl_keys *keys,
		    const char *key)
{
	arena_room(arena, &keys->items, keys->count, &keys->capacity,
		   sizeof(*keys->items));
	keys->items[keys->count++] = key;
}

static bool switches(const struct state *want, const char *family)
{
	for (size_t i = 0; i < want->sysctl_count; i++)
		if (forwards_all(want->sysctls[i].key) &&
		    str_starts(str_of(want->sysctls[i].key), family))
			return true;
	return false;
}

static void add_links(struct arena *arena, const struct state *have,
		      const char *family, const char *name,
		      struct sysctl_keys *keys)
{
	for (size_t i = 0; i < have->link_count; i++)
		add_key(arena, keys, sysctl_of_link(arena, family,
						    have->links[i].name,
						    name));
}

void plan_sysctl_keys(struct arena *arena, const struct state *want,
		      const struct state *have, struct sysctl_keys *keys)
{
	*keys = (struct sysctl_keys){ 0 };
	for (size_t i = 0; i < want->sysctl_count; i++)
		add_key(arena, keys, want->sysctls[i].key);
	for (size_t i = 0; i < want->device_count; i++)
		if (state_link(have, want->devices[i].name))
			add_key(arena, keys, sysctl_of_link(arena, "ipv4",
				want->devices[i].name, "promote_secondaries"));
	if (want->device_count)
		add_key(arena, keys, "net.ipv4.conf.all.promote_secondaries");
	if (switches(want, "net.ipv4.")) {
		add_key(arena, keys, "net.ipv4.ip_forward");
		add_key(arena, keys, "net.ipv4.conf.all.accept_redirects");
		add_key(arena, keys, "net.ipv4.conf.all.forwarding");
		add_key(arena, keys, "net.ipv4.conf.default.forwarding");
		add_links(arena, have, "ipv4", "forwarding", keys);
	}
	if (switches(want, "net.ipv6.")) {
		add_key(arena, keys, "net.ipv6.conf.all.forwarding");
		add_key(arena, keys, "net.ipv6.conf.default.forwarding");
		add_links(arena, have, "ipv6", "forwarding", keys);
		add_links(arena, have, "ipv6", "accept_ra", keys);
	}
}
