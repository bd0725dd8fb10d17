/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model's addresses, routes, rules, sysctls, with their side effects. */
#include "support/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct model_link *model_link_find(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->link_count; i++)
		if (!strcmp(m->links[i]->link.name, name))
			return m->links[i];
	return NULL;
}

/* --- sysctls --- */

const char *model_sysctl_value(const struct model *m, const char *key)
{
	for (size_t i = 0; i < m->sysctl_count; i++)
		if (!strcmp(m->sysctls[i].key, key))
			return m->sysctls[i].value;
	return NULL;
}

void model_sysctl(struct model *m, const char *key, const char *value)
{
	for (size_t i = 0; i < m->sysctl_count; i++) {
		if (strcmp(m->sysctls[i].key, key))
			continue;
		if (value)
			m->sysctls[i].value = arena_strdup(m->arena, value);
		else
			m->sysctls[i] = m->sysctls[--m->sysctl_count];
		return;
	}
	if (!value)
		return;
	arena_room(m->arena, &m->sysctls, m->sysctl_count,
		   &m->sysctl_capacity, sizeof(*m->sysctls));
	m->sysctls[m->sysctl_count++] = (struct sysctl){
		.key = arena_strdup(m->arena, key),
		.value = arena_strdup(m->arena, value) };
}

static bool is_forwarding(const char *key, const char *family)
{
	size_t n = strlen(key), suffix = strlen(".forwarding");

	return !strncmp(key, family, strlen(family)) && n > suffix &&
		!strcmp(key + n - suffix, ".forwarding");
}

static void forward_all(struct model *m, const char *family,
			const char *value)
{
	for (size_t i = 0; i < m->sysctl_count; i++)
		if (is_forwarding(m->sysctls[i].key, family))
			m->sysctls[i].value = arena_strdup(m->arena, value);
}

/* Routers take no default route from advertisements, but with accept_ra 2. */
static void purge_advertised(struct model *m)
{
	for (size_t i = 0; i < m->link_count; i++) {
		struct link *link = &m->links[i]->link;
		const char *ra = model_sysctl_value(m, arena_printf(m->arena,
			"net.ipv6.conf.%s.accept_ra", link->name));

		if (!ra || strcmp(ra, "2"))
			link->advertised_default = false;
	}
}

int model_sysctl_step(struct model *m, const struct step *s)
{
	const char *key = s->sysctl->key, *value = s->sysctl->value;
	const char *now = model_sysctl_value(m, key);

	if (!now)
		return ENOENT;
	if (!strcmp(now, value))
		return 0;
	model_sysctl(m, key, value);
	if (!strcmp(key, "net.ipv4.ip_forward") ||
	    !strcmp(key, "net.ipv4.conf.all.forwarding")) {
		forward_all(m, "net.ipv4.conf.", value);
		model_sysctl(m, "net.ipv4.ip_forward", value);
		model_sysctl(m, "net.ipv4.conf.all.accept_redirects",
			     strcmp(value, "0") ? "0" : "1");
	}
	if (!strcmp(key, "net.ipv6.conf.all.forwarding")) {
		forward_all(m, "net.ipv6.conf.", value);
		if (strcmp(value, "0"))
			purge_advertised(m);
	}
	return 0;
}

/* --- addresses --- */

static bool same_subnet(const struct prefix *a, const struct prefix *b)
{
	struct prefix x = prefix_mask(*a), y = prefix_mask(*b);

	return !prefix_compare(&x, &y);
}

static size_t four_count(const struct model_link *l)
{
	size_t n = 0;

	while (n < l->device.address_count &&
	       l->addresses[n].ip.family == AF_INET)
		n++;
	return n;
}

/* A secondary has one of its subnet before it. */
static bool is_secondary(const struct model_link *l, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (same_subnet(&l->addresses[j], &l->addresses[i]))
			return true;
	return false;
}

/* Behind the last primary, the first of the list counting as one. */
static size_t behind_primaries(const struct model_link *l)
{
	size_t at = 0, n = four_count(l);

	for (size_t i = 0; i < n; i++)
		if (!is_secondary(l, i))
			at = i + 1;
	return at;
}

static void put(struct model *m, struct model_link *l, size_t at,
		const struct prefix *address)
{
	arena_room(m->arena, &l->addresses, l->device.address_count,
		   &l->address_capacity, sizeof(*l->addresses));
	memmove(&l->addresses[at + 1], &l->addresses[at],
		(l->device.address_count - at) * sizeof(*l->addresses));
	l->addresses[at] = *address;
	l->device.address_count++;
}

static void cut(struct model_link *l, size_t at)
{
	l->device.address_count--;
	memmove(&l->addresses[at], &l->addresses[at + 1],
		(l->device.address_count - at) * sizeof(*l->addresses));
}

static unsigned int scope_of(const struct ip *ip)
{
	return ip_is_link_local(ip) ? 2 : 14;
}

bool model_address_insert(struct model *m, struct model_link *l,
			  const struct prefix *address)
{
	size_t n = four_count(l), at;

	if (address->ip.family == AF_INET6) {
		for (at = n; at < l->device.address_count; at++)
			if (!ip_compare(&l->addresses[at].ip, &address->ip))
				return false;
		/* Listed here oldest first: by scope, then by age. */
		for (at = n; at < l->device.address_count; at++)
			if (scope_of(&l->addresses[at].ip) >
			    scope_of(&address->ip))
				break;
		put(m, l, at, address);
		return true;
	}
	at = behind_primaries(l);
	for (size_t i = 0; i < n; i++) {
		if (!prefix_compare(&l->addresses[i], address))
			return false;
		if (same_subnet(&l->addresses[i], address))
			at = n;
	}
	put(m, l, at, address);
	return true;
}

void model_addresses_flush_ipv6(struct model_link *l)
{
	l->device.address_count = four_count(l);
}

static bool is_local(const struct model *m, const struct ip *ip)
{
	for (size_t i = 0; i < m->link_count; i++)
		for (size_t j = 0; j < m->links[i]->device.address_count; j++)
			if (!ip_compare(&m->links[i]->addresses[j].ip, ip))
				return true;
	return false;
}

static void route_cut(struct model *m, size_t i)
{
	m->route_count--;
	memmove(&m->routes[i], &m->routes[i + 1],
		(m->route_count - i) * sizeof(*m->routes));
}

void model_routes_flush(struct model *m, const char *device, uint8_t family)
{
	for (size_t i = 0; i < m->route_count;) {
		const struct route *r = &m->routes[i];

		if (!strcmp(r->device, device) &&
		    (!family || r->prefix.ip.family == family))
			route_cut(m, i);
		else
			i++;
	}
}

/* Its address is gone: IPv4 deletes the route, IPv6 only forgets it. */
static void sources_gone(struct model *m)
{
	for (size_t i = 0; i < m->route_count;) {
		struct route *r = &m->routes[i];

		if (!r->source.family || is_local(m, &r->source)) {
			i++;
		} else if (r->prefix.ip.family == AF_INET) {
			route_cut(m, i);
		} else {
			memset(&r->source, 0, sizeof(r->source));
			i++;
		}
	}
}

static bool promotes(struct model *m, const struct model_link *l)
{
	const char *own = model_sysctl_value(m, arena_printf(m->arena,
		"net.ipv4.conf.%s.promote_secondaries", l->link.name));
	const char *all = model_sysctl_value(m,
		"net.ipv4.conf.all.promote_secondaries");

	return (own && strcmp(own, "0")) || (all && strcmp(all, "0"));
}

static void primary_remove(struct model *m, struct model_link *l, size_t at)
{
	struct prefix gone = l->addresses[at], heir;
	size_t last = behind_primaries(l) - 1;

	for (size_t i = at + 1; i < four_count(l);) {
		if (!same_subnet(&gone, &l->addresses[i])) {
			i++;
			continue;
		}
		if (!promotes(m, l)) {
			cut(l, i);
			continue;
		}
		heir = l->addresses[i];
		cut(l, i);
		put(m, l, last + 1, &heir);
		break;
	}
	cut(l, at);
}

static int address_remove(struct model *m, struct model_link *l,
			  const struct prefix *address)
{
	size_t at;

	for (at = 0; at < l->device.address_count; at++)
		if (!prefix_compare(&l->addresses[at], address))
			break;
	if (at == l->device.address_count)
		return EADDRNOTAVAIL;
	if (address->ip.family == AF_INET && !is_secondary(l, at))
		primary_remove(m, l, at);
	else
		cut(l, at);
	sources_gone(m);
	if (address->ip.family == AF_INET && !four_count(l))
		model_routes_flush(m, l->link.name, AF_INET);
	return 0;
}

int model_address_step(struct model *m, const struct step *s)
{
	struct model_link *l = model_link_find(m, s->device->name);

	if (!l || s->prefix_count != 1)
		return ENODEV;
	if (s->kind == STEP_ADDRESS_REMOVE)
		return address_remove(m, l, s->prefixes);
	if (s->prefixes->ip.family == AF_INET6 && l->link.mtu < 1280)
		return EINVAL;
	return model_address_insert(m, l, s->prefixes) ? 0 : EEXIST;
}

/* --- routes --- */

void model_route_put(struct model *m, const struct route *route)
{
	struct route *r;

	arena_room(m->arena, &m->routes, m->route_count, &m->route_capacity,
		   sizeof(*m->routes));
	r = &m->routes[m->route_count++];
	*r = *route;
	r->owned = false;
	r->where = (struct place){ 0 };
}

static int route_check(const struct model *m, const struct route *r)
{
	const struct model_link *l = *r->device ?
		model_link_find(m, r->device) : NULL;

	if (*r->device && !l)
		return ENODEV;
	if (l && !l->link.up)
		return ENETDOWN;
	if (l && r->prefix.ip.family == AF_INET6 && l->link.mtu < 1280)
		return EINVAL;
	if (r->source.family && !is_local(m, &r->source))
		return EINVAL;
	return 0;
}

static size_t route_key_find(const struct model *m, const struct route *r)
{
	size_t i;

	for (i = 0; i < m->route_count; i++)
		if (!route_key_compare(&m->routes[i], r))
			break;
	return i;
}

/* What else a route has is not compared (fib_table_delete()). */
static int route_remove(struct model *m, const struct route *r)
{
	struct route given = *r;

	given.opaque = false;
	for (size_t i = 0; i < m->route_count; i++) {
		struct route there = m->routes[i];

		there.opaque = false;
		if (route_equal(&there, &given)) {
			route_cut(m, i);
			return 0;
		}
	}
	return ESRCH;
}

int model_route_step(struct model *m, const struct step *s)
{
	size_t at;
	int number;

	if (s->kind == STEP_ROUTE_REMOVE)
		return route_remove(m, s->route);
	number = route_check(m, s->route);
	if (number)
		return number;
	at = route_key_find(m, s->route);
	if (at < m->route_count && s->kind == STEP_ROUTE_ADD)
		return EEXIST;
	if (at < m->route_count)
		route_cut(m, at);
	model_route_put(m, s->route);
	return 0;
}

/* --- rules --- */

void model_rule_put(struct model *m, const struct rule *rule)
{
	struct rule *r;

	arena_room(m->arena, &m->rules, m->rule_count, &m->rule_capacity,
		   sizeof(*m->rules));
	r = &m->rules[m->rule_count++];
	*r = *rule;
	r->owned = false;
	r->where = (struct place){ 0 };
}

/* The kernel looks at everything but the protocol (rule_exists()). */
static size_t rule_find(const struct model *m, const struct rule *rule,
			bool protocol)
{
	size_t i;

	for (i = 0; i < m->rule_count; i++) {
		struct rule like = m->rules[i];

		if (!protocol)
			like.protocol = rule->protocol;
		if (rule_equal(&like, rule))
			break;
	}
	return i;
}

int model_rule_step(struct model *m, const struct step *s)
{
	size_t at = rule_find(m, s->rule, s->kind == STEP_RULE_REMOVE);

	if (s->kind == STEP_RULE_ADD) {
		if (at < m->rule_count && !s->twin)
			return EEXIST;
		model_rule_put(m, s->rule);
		return 0;
	}
	if (at == m->rule_count)
		return ENOENT;
	m->rule_count--;
	memmove(&m->rules[at], &m->rules[at + 1],
		(m->rule_count - at) * sizeof(*m->rules));
	return 0;
}

void model_foreign_table(struct model *m, const char *name)
{
	arena_room(m->arena, &m->foreign_tables, m->foreign_table_count,
		   &m->foreign_table_capacity, sizeof(*m->foreign_tables));
	m->foreign_tables[m->foreign_table_count++] =
		arena_strdup(m->arena, name);
}
