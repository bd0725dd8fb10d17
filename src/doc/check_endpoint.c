/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two nodes that are to be reached at the same endpoint: one of them never is.
 * Endpoints of links are left alone: one address can be two hosts in two
 * networks.
 */
#include <strings.h>

#include "base/arena.h"
#include "base/ip.h"
#include "doc/check_private.h"

struct spot {
	const struct node *node;
	uint16_t port;
};

/* The same host and port: 0. */
static int spot_compare(const struct spot *a, const struct spot *b)
{
	const struct node_endpoint *x = &a->node->endpoint;
	const struct node_endpoint *y = &b->node->endpoint;
	int order = ip_compare(&x->ip, &y->ip);

	if (!order && x->host)
		order = strcasecmp(x->host, y->host);
	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static int sort_compare(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;
	int order = spot_compare(x, y);

	return order ? order : place_compare(x->node->endpoint.where,
					     y->node->endpoint.where);
}

static void same_spot(struct check *c, const struct spot *first,
		      const struct spot *later)
{
	const struct node_endpoint *e = &first->node->endpoint;
	char text[IP_TEXT_MAX];

	check_error(c, later->node->endpoint.where, e->where,
		    "the first is here", "%s is reached at %s, port %u, as %s "
		    "is", later->node->name,
		    e->host ? e->host : ip_format(&e->ip, text),
		    (unsigned int)first->port, first->node->name)->hint =
		"behind one address each node has a port of its own";
}

void check_endpoints(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	struct spot *spots = arena_new_array(c->arena, struct spot,
					     mesh->node_count);
	size_t count = 0;

	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];
		uint16_t port = node->endpoint.port;

		if (!node->endpoint.where.source || node->disabled)
			continue;
		if (!port)
			port = graph_listen_port(&c->graph, (uint32_t)i, NULL);
		spots[count++] = (struct spot){ node, port };
	}
	items_sort(spots, count, sizeof(*spots), sort_compare);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (spot_compare(&spots[first], &spots[i]))
			first = i;
		else
			same_spot(c, &spots[first], &spots[i]);
	}
}
