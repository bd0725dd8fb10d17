/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One form for every state, and finding things in it. */
#include "state/state.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static int prefix_order(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* Masked, ascending, each once. */
static bool is_normal(const struct prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_has_host_bits(&prefixes[i]))
			return false;
		if (i && prefix_compare(&prefixes[i - 1], &prefixes[i]) >= 0)
			return false;
	}
	return true;
}

/*
 * In place: the array is the state's own, const only to those who look.
 * Places would no longer stand beside their prefixes, so they are dropped;
 * the readers hand in arrays that are in order already.
 */
static void normalise_prefixes(struct peer *peer)
{
	struct prefix *p = (struct prefix *)(uintptr_t)peer->allowed_ips;
	size_t count = peer->allowed_ip_count, kept = 0;

	if (is_normal(p, count))
		return;
	for (size_t i = 0; i < count; i++)
		p[i] = prefix_mask(p[i]);
	items_sort(p, count, sizeof(*p), prefix_order);
	for (size_t i = 0; i < count; i++)
		if (!kept || prefix_compare(&p[kept - 1], &p[i]) != 0)
			p[kept++] = p[i];
	peer->allowed_ip_count = kept;
	peer->allowed_ip_places = NULL;
}

static void normalise_route(struct route *r)
{
	r->prefix = prefix_mask(r->prefix);
	/* IPv6 keeps routes that go nowhere on the loopback device. */
	if ((r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE ||
	     r->type == RTN_PROHIBIT || r->type == RTN_THROW) &&
	    !strcmp(r->device, "lo"))
		r->device[0] = '\0';
}

void state_normalise(struct state *s)
{
	for (size_t i = 0; i < s->device_count; i++) {
		struct device *d = &s->devices[i];

		for (size_t k = 0; k < d->peer_count; k++)
			normalise_prefixes(&d->peers[k]);
		items_sort(d->peers, d->peer_count, sizeof(*d->peers),
			   peer_compare);
	}
	for (size_t i = 0; i < s->route_count; i++)
		normalise_route(&s->routes[i]);
	items_sort(s->devices, s->device_count, sizeof(*s->devices),
		   device_compare);
	items_sort(s->routes, s->route_count, sizeof(*s->routes),
		   route_compare);
	items_sort(s->rules, s->rule_count, sizeof(*s->rules), rule_compare);
	items_sort(s->sysctls, s->sysctl_count, sizeof(*s->sysctls),
		   sysctl_compare);
	items_sort(s->links, s->link_count, sizeof(*s->links), link_compare);
}

static void *find(const void *key, const void *items, size_t count,
		  size_t size, int (*compare)(const void *, const void *))
{
	return count ? bsearch(key, items, count, size, compare) : NULL;
}

struct device *state_device(const struct state *s, const char *name)
{
	struct device key = { 0 };
	size_t size = strlen(name);

	if (size >= sizeof(key.name))
		return NULL;
	memcpy(key.name, name, size);
	return find(&key, s->devices, s->device_count, sizeof(key),
		    device_compare);
}

const struct peer *device_peer(const struct device *d, const struct key *key)
{
	struct peer wanted = { .public_key = *key };

	return find(&wanted, d->peers, d->peer_count, sizeof(wanted),
		    peer_compare);
}

const struct sysctl *state_sysctl(const struct state *s, const char *key)
{
	struct sysctl wanted = { .key = key };

	return find(&wanted, s->sysctls, s->sysctl_count, sizeof(wanted),
		    sysctl_compare);
}

const struct link *state_link(const struct state *s, const char *name)
{
	struct link wanted = { 0 };
	size_t size = strlen(name);

	if (size >= sizeof(wanted.name))
		return NULL;
	memcpy(wanted.name, name, size);
	return find(&wanted, s->links, s->link_count, sizeof(wanted),
		    link_compare);
}

const char *sysctl_of_link(struct arena *arena, const char *family,
			   const char *link, const char *name)
{
	char text[IFNAMSIZ];
	size_t i;

	for (i = 0; i < sizeof(text) - 1 && link[i]; i++)
		text[i] = link[i] == '.' ? '/' : link[i];
	text[i] = '\0';
	return arena_printf(arena, "net.%s.conf.%s.%s", family, text, name);
}

uint32_t device_vrf_table(const struct state *s, const struct device *d)
{
	const struct link *vrf = d->vrf[0] ? state_link(s, d->vrf) : NULL;

	return vrf ? vrf->vrf_table : 0;
}

const char *alias_mesh(const char *alias)
{
	size_t size = strlen(OUR_ALIAS);

	return strncmp(alias, OUR_ALIAS, size) ? NULL : alias + size;
}
