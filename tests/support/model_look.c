/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model's route lookups, and the comparison of what was observed. */
#include "support/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct found {
	const char *device;
	struct prefix prefix;
	bool any;
};

static void better(struct found *f, const char *device,
		   const struct prefix *prefix)
{
	if (f->any && f->prefix.length >= prefix->length)
		return;
	*f = (struct found){ device, *prefix, true };
}

static struct found table_lookup(const struct model *m, uint32_t table,
				 const struct ip *ip)
{
	struct found f = { 0 };

	for (size_t i = 0; i < m->route_count; i++)
		if (m->routes[i].table == table &&
		    m->routes[i].prefix.ip.family == ip->family &&
		    prefix_has(&m->routes[i].prefix, ip))
			better(&f, m->routes[i].device, &m->routes[i].prefix);
	if (table != 254)
		return f;
	for (size_t i = 0; i < m->link_count; i++) {
		const struct model_link *l = m->links[i];

		for (size_t j = 0; l->link.up && j < l->device.address_count;
		     j++) {
			struct prefix p = prefix_mask(l->addresses[j]);

			if (p.ip.family == ip->family && prefix_has(&p, ip))
				better(&f, l->link.name, &p);
		}
	}
	return f;
}

static bool selects(const struct rule *r, const struct lookup *l)
{
	bool match = !r->from.length && !*r->iif && !*r->oif &&
		(!r->to.length || prefix_has(&r->to, &l->endpoint.ip)) &&
		(!r->fwmask || (l->mark & r->fwmask) == r->fwmark);

	return match != r->invert;
}

static int by_priority(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

static void lookup_one(const struct model *m, const struct rule *rules,
		       struct lookup *l)
{
	l->found = false;
	for (size_t i = 0; i < m->rule_count && !l->found; i++) {
		const struct rule *r = &rules[i];
		struct found f;

		if (r->family != l->endpoint.ip.family || !selects(r, l))
			continue;
		f = table_lookup(m, r->table, &l->endpoint.ip);
		if (!f.any || (r->suppress_prefixlength >= 0 &&
			       f.prefix.length <= r->suppress_prefixlength))
			continue;
		l->found = true;
		l->table = r->table;
		l->prefix = f.prefix;
		strcpy(l->device, f.device);
		l->mtu = *f.device ? model_link_find(m, f.device)->link.mtu :
			0;
	}
}

int model_lookup(struct kernel *k, struct lookup *lookups, size_t count,
		 struct err *e)
{
	const struct model *m = (const struct model *)k;
	struct rule *rules = arena_copy(m->arena, m->rules,
					m->rule_count * sizeof(*rules));

	(void)e;
	qsort(rules, m->rule_count, sizeof(*rules), by_priority);
	for (size_t i = 0; i < count; i++)
		lookup_one(m, rules, &lookups[i]);
	return 0;
}

static const char *peer_difference(struct arena *arena,
				   const struct device *a,
				   const struct device *b)
{
	if (a->peer_count != b->peer_count)
		return arena_printf(arena, "%s: %zu and %zu peers", a->name,
				    a->peer_count, b->peer_count);
	for (size_t i = 0; i < a->peer_count; i++) {
		unsigned int diff = peer_diff(&a->peers[i], &b->peers[i]);
		char key[KEY_TEXT_MAX];

		key_format(&a->peers[i].public_key, key);
		if (peer_compare(&a->peers[i], &b->peers[i]))
			return arena_printf(arena, "peer %s is another", key);
		if (a->peers[i].endpoint.ip.family !=
		    b->peers[i].endpoint.ip.family)
			diff |= PEER_ENDPOINT;
		if (diff)
			return arena_printf(arena, "peer %s: fields %x", key,
					    diff);
	}
	return NULL;
}

static const char *device_difference(struct arena *arena,
				     const struct state *x,
				     const struct state *y)
{
	if (x->device_count != y->device_count)
		return arena_printf(arena, "%zu and %zu devices",
				    x->device_count, y->device_count);
	for (size_t i = 0; i < x->device_count; i++) {
		const struct device *a = &x->devices[i], *b = &y->devices[i];
		const char *peers;

		if (device_compare(a, b) || device_diff(a, b))
			return arena_printf(arena, "%s and %s: fields %x",
					    a->name, b->name,
					    device_diff(a, b));
		if (!prefixes_equal(a->addresses, a->address_count,
				    b->addresses, b->address_count))
			return arena_printf(arena, "addresses of %s",
					    a->name);
		peers = peer_difference(arena, a, b);
		if (peers)
			return peers;
	}
	return NULL;
}

static const char *sysctl_difference(struct arena *arena,
				     const struct state *a,
				     const struct state *b)
{
	for (size_t i = 0; i < a->sysctl_count; i++) {
		const struct sysctl *s = &a->sysctls[i];
		const struct sysctl *other = state_sysctl(b, s->key);

		/* The kernel clears it for any WireGuard link. */
		if (!strcmp(s->key, "net.ipv4.conf.all.send_redirects"))
			continue;
		if (!other || strcmp(other->value, s->value))
			return arena_printf(arena, "%s is %s and %s", s->key,
					    s->value, other ? other->value :
					    "not there");
	}
	return NULL;
}

const char *model_difference(struct arena *arena, const struct state *a,
			     const struct state *b)
{
	const char *found = device_difference(arena, a, b);

	if (found)
		return found;
	if (a->route_count != b->route_count)
		return arena_printf(arena, "%zu and %zu routes",
				    a->route_count, b->route_count);
	for (size_t i = 0; i < a->route_count; i++)
		if (!route_equal(&a->routes[i], &b->routes[i]))
			return "a route";
	if (a->rule_count != b->rule_count)
		return arena_printf(arena, "%zu and %zu rules",
				    a->rule_count, b->rule_count);
	for (size_t i = 0; i < a->rule_count; i++)
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return "a rule";
	if (firewall_compare(a->firewall, b->firewall) != FIREWALL_SAME)
		return "the firewall";
	return sysctl_difference(arena, a, b);
}
