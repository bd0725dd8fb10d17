/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The total orders that make all output deterministic. */
#include <string.h>

#include "state/state.h"

static int number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* The first that is not 0; each is an int expression, evaluated in turn. */
#define first_of(order, next) ((order) ? (order) : (next))

int device_compare(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int peer_compare(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;

	return key_compare(&x->public_key, &y->public_key);
}

int sysctl_compare(const void *a, const void *b)
{
	const struct sysctl *x = a, *y = b;

	return strcmp(x->key, y->key);
}

int link_compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int route_key_compare(const struct route *a, const struct route *b)
{
	int order = number(a->prefix.ip.family, b->prefix.ip.family);

	order = first_of(order, number(a->table, b->table));
	order = first_of(order, prefix_compare(&a->prefix, &b->prefix));
	order = first_of(order, number(a->tos, b->tos));
	return first_of(order, number(a->metric, b->metric));
}

int route_compare(const void *a, const void *b)
{
	const struct route *x = a, *y = b;
	int order = route_key_compare(x, y);

	order = first_of(order, number(x->type, y->type));
	order = first_of(order, number(x->protocol, y->protocol));
	order = first_of(order, number(x->scope, y->scope));
	order = first_of(order, ip_compare(&x->via, &y->via));
	order = first_of(order, strcmp(x->device, y->device));
	order = first_of(order, ip_compare(&x->source, &y->source));
	order = first_of(order, number(x->mtu, y->mtu));
	order = first_of(order, number(x->mtu_locked, y->mtu_locked));
	order = first_of(order, number(x->advmss, y->advmss));
	order = first_of(order, number(x->onlink, y->onlink));
	order = first_of(order, number(x->automatic, y->automatic));
	return first_of(order, number(x->opaque, y->opaque));
}

static int range_compare(const uint16_t a[static 2],
			 const uint16_t b[static 2])
{
	return first_of(number(a[0], b[0]), number(a[1], b[1]));
}

/* What a rule looks at in a packet. */
static int selector_compare(const struct rule *a, const struct rule *b)
{
	int order = number(a->invert, b->invert);

	order = first_of(order, prefix_compare(&a->from, &b->from));
	order = first_of(order, prefix_compare(&a->to, &b->to));
	order = first_of(order, number(a->tos, b->tos));
	order = first_of(order, number(a->fwmark, b->fwmark));
	order = first_of(order, number(a->fwmask, b->fwmask));
	order = first_of(order, strcmp(a->iif, b->iif));
	order = first_of(order, strcmp(a->oif, b->oif));
	order = first_of(order, number(a->ip_protocol, b->ip_protocol));
	order = first_of(order, range_compare(a->source_port,
					      b->source_port));
	order = first_of(order, range_compare(a->destination_port,
					      b->destination_port));
	order = first_of(order, number(a->uid_range[0], b->uid_range[0]));
	return first_of(order, number(a->uid_range[1], b->uid_range[1]));
}

int rule_compare(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	int order = number(x->family, y->family);

	order = first_of(order, number(x->priority, y->priority));
	order = first_of(order, selector_compare(x, y));
	order = first_of(order, number(x->action, y->action));
	order = first_of(order, number(x->table, y->table));
	/* as unsigned: none, which is -1, comes last */
	order = first_of(order, number((uint32_t)x->suppress_prefixlength,
				       (uint32_t)y->suppress_prefixlength));
	order = first_of(order, number(x->protocol, y->protocol));
	order = first_of(order, number(x->automatic, y->automatic));
	return first_of(order, number(x->opaque, y->opaque));
}
