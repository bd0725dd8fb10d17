/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a state by itself, with both places of what clashes. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/reader.h"

#define IPV6_MTU_MIN 1280	/* RFC 8200 section 5 */

/* MESSAGE at the later of two places, which name the earlier. */
static struct diag *twice(struct diags *diags, struct place a, struct place b,
			  const char *message)
{
	bool in_order = place_compare(a, b) <= 0;
	struct diag *diag = diag_error(diags, in_order ? b : a, "%s", message);

	diag->other = in_order ? a : b;
	diag->other_message = "the first is here";
	return diag;
}

static void check_peers(const struct device *d, struct diags *diags)
{
	for (size_t i = 1; i < d->peer_count; i++) {
		const struct peer *a = &d->peers[i - 1], *b = &d->peers[i];

		if (key_compare(&a->public_key, &b->public_key) == 0)
			twice(diags, a->where, b->where,
			      "this peer is given twice");
	}
}

struct claimed_prefix {
	struct prefix prefix;
	struct place where;
	const struct peer *peer;
};

static int claimed_compare(const void *a, const void *b)
{
	const struct claimed_prefix *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : place_compare(x->where, y->where);
}

static size_t collect_prefixes(const struct device *d,
			       struct claimed_prefix *out)
{
	size_t count = 0;

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct peer *p = &d->peers[i];

		for (size_t k = 0; k < p->allowed_ip_count; k++)
			out[count++] = (struct claimed_prefix){
				p->allowed_ips[k],
				p->allowed_ip_places ?
				p->allowed_ip_places[k] : p->where, p };
	}
	return count;
}

/* The kernel would move a prefix silently to the peer that comes last. */
static void check_prefixes(struct arena *arena, const struct device *d,
			   struct diags *diags)
{
	size_t mark = arena_mark(arena), before = diags->count, count = 0;
	struct claimed_prefix *all;
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < d->peer_count; i++)
		count += d->peers[i].allowed_ip_count;
	all = arena_new_array(arena, struct claimed_prefix, count);
	count = collect_prefixes(d, all);
	items_sort(all, count, sizeof(*all), claimed_compare);
	for (size_t i = 1; i < count; i++) {
		const struct claimed_prefix *a = &all[i - 1], *b = &all[i];
		char message[96];

		if (prefix_compare(&a->prefix, &b->prefix) != 0 ||
		    key_equal(&a->peer->public_key, &b->peer->public_key))
			continue;
		snprintf(message, sizeof(message),
			 "the allowed IP %s is given to two peers",
			 prefix_format(&a->prefix, text));
		twice(diags, a->where, b->where, message);
	}
	if (diags->count == before)
		arena_reset(arena, mark);
}

/*
 * The kernel takes one IPv4 address with several prefix lengths, but an IPv6
 * address once.
 */
static int address_compare(const void *a, const void *b)
{
	const struct placed_prefix *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (x->prefix.ip.family == AF_INET6)
		order = ip_compare(&x->prefix.ip, &y->prefix.ip);
	return order ? order : place_compare(x->where, y->where);
}

static bool same_address(const struct prefix *a, const struct prefix *b)
{
	return ip_compare(&a->ip, &b->ip) == 0 &&
	       (a->ip.family == AF_INET6 || a->length == b->length);
}

static void check_addresses(struct arena *arena, const struct device *d,
			    struct diags *diags)
{
	struct placed_prefix *all;

	all = arena_new_array(arena, struct placed_prefix, d->address_count);
	for (size_t i = 0; i < d->address_count; i++) {
		all[i].prefix = d->addresses[i];
		all[i].where = d->address_places ? d->address_places[i]
						 : d->where;
	}
	items_sort(all, d->address_count, sizeof(*all), address_compare);
	for (size_t i = 1; i < d->address_count; i++)
		if (same_address(&all[i - 1].prefix, &all[i].prefix))
			twice(diags, all[i - 1].where, all[i].where,
			      "this address is given twice");
}

/* The first IPv6 address, or route through the device: what MTU would kill. */
static bool find_ipv6(const struct state *s, const struct device *d,
		      struct place *out)
{
	for (size_t i = 0; i < d->address_count; i++) {
		if (d->addresses[i].ip.family != AF_INET6)
			continue;
		*out = d->address_places ? d->address_places[i] : d->where;
		return true;
	}
	for (size_t i = 0; i < s->route_count; i++) {
		if (s->routes[i].prefix.ip.family != AF_INET6 ||
		    strcmp(s->routes[i].device, d->name) != 0)
			continue;
		*out = s->routes[i].where;
		return true;
	}
	return false;
}

static void check_mtu(const struct state *s, const struct device *d,
		      struct place mtu, struct diags *diags)
{
	struct place ipv6;
	struct diag *diag;

	if (d->automatic & DEVICE_MTU || !d->mtu || d->mtu >= IPV6_MTU_MIN ||
	    !mtu.source || !find_ipv6(s, d, &ipv6))
		return;
	diag = diag_error(diags, mtu, "the MTU is %u, and IPv6 wants %u or "
			  "more", (unsigned int)d->mtu, IPV6_MTU_MIN);
	diag->other = ipv6;
	diag->other_message = "IPv6 is used here; the kernel would take it "
			      "away silently";
}

static void check_network(const struct state *s, struct diags *diags)
{
	for (size_t i = 1; i < s->route_count; i++) {
		const struct route *a = &s->routes[i - 1], *b = &s->routes[i];

		if (route_key_compare(a, b) == 0)
			twice(diags, a->where, b->where, "there is a route to "
			      "this destination already, of the same table "
			      "and metric");
	}
	for (size_t i = 1; i < s->rule_count; i++) {
		const struct rule *a = &s->rules[i - 1], *b = &s->rules[i];

		if (rule_compare(a, b) == 0)
			twice(diags, a->where, b->where,
			      "this rule is given twice");
	}
}

void check_state(struct arena *arena, const struct state *state,
		 struct place mtu, struct diags *diags)
{
	for (size_t i = 0; i < state->device_count; i++) {
		const struct device *d = &state->devices[i];

		check_peers(d, diags);
		check_prefixes(arena, d, diags);
		check_addresses(arena, d, diags);
		check_mtu(state, d, mtu, diags);
	}
	for (size_t i = 1; i < state->sysctl_count; i++) {
		const struct sysctl *a = &state->sysctls[i - 1];
		const struct sysctl *b = &state->sysctls[i];

		if (sysctl_compare(a, b) == 0)
			twice(diags, a->where, b->where,
			      "this sysctl is given twice");
	}
	check_network(state, diags);
}

void state_check_keys(const struct state *want, struct diags *diags)
{
	for (size_t i = 0; i < want->device_count; i++) {
		const struct device *d = &want->devices[i];
		const struct peer *self;
		struct diag *diag;

		if (key_is_zero(&d->public_key))
			continue;
		self = device_peer(d, &d->public_key);
		if (!self)
			continue;
		diag = diag_error(diags, self->where, "this peer has the key "
				  "of this node itself");
		diag->other = d->where;
		diag->other_message = "its private key belongs to this section";
	}
}
