/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked nodes that can never meet, since neither has an endpoint, and nodes
 * that would have two ways to everything.
 *
 * Of many nodes without an endpoint each is reported with one other, not
 * every pair.
 */
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/check_private.h"

static bool unreachable(const struct check *c, const struct mesh_link *link,
			uint32_t node)
{
	return !c->mesh->nodes[node].disabled &&
	       !graph_endpoint(&c->graph, link, node);
}

static bool never_meet(const struct check *c, uint32_t a, uint32_t b)
{
	const struct mesh_link *link = graph_link(&c->graph, a, b);

	return unreachable(c, link, a) && unreachable(c, link, b);
}

/* Told the same way from both sides: diags_sort() keeps one. */
static void report(struct check *c, uint32_t a, uint32_t b)
{
	const struct node *nodes = c->mesh->nodes;
	const struct node *x = &nodes[a < b ? a : b];
	const struct node *y = &nodes[a < b ? b : a];
	bool in_order = place_before(x->where, y->where);
	struct diag *diag;

	diag = check_error(c, in_order ? y->where : x->where,
			   in_order ? x->where : y->where,
			   "the other is here", "%s and %s can never meet: "
			   "neither has an endpoint", x->name, y->name);
	if (c->mesh->topology == TOPOLOGY_HUB_SPOKE)
		diag->hint = "give the hub an endpoint";
	else
		diag->hint = "give one of them an endpoint, or let a hub that "
			     "has one stand between them (topology "
			     "\"hub-spoke\")";
}

/* Among COUNT nodes that are all joined with each other. */
static void check_joined(struct check *c, const uint32_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			if (i != k && never_meet(c, nodes[i], nodes[k])) {
				report(c, nodes[i], nodes[k]);
				break;
			}
}

/* Each of A that B's first, or second, cannot meet. */
static void check_side(struct check *c, const struct mesh_link *link,
		       const struct graph_end *a, const struct graph_end *b)
{
	const uint32_t *nodes, *others;
	size_t count = graph_end_nodes(&c->graph, a, &nodes);
	size_t other_count = graph_end_nodes(&c->graph, b, &others);
	uint32_t first[2] = { GRAPH_NONE, GRAPH_NONE };
	size_t found = 0;

	for (size_t i = 0; i < other_count && found < 2; i++)
		if (unreachable(c, link, others[i]))
			first[found++] = others[i];
	for (size_t i = 0; found && i < count; i++) {
		uint32_t other = nodes[i] == first[0] ? first[1] : first[0];

		if (other != GRAPH_NONE && unreachable(c, link, nodes[i]))
			report(c, nodes[i], other);
	}
}

void check_meetings(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	const struct graph *g = &c->graph;
	uint32_t *nodes = arena_new_array(c->arena, uint32_t,
					  mesh->node_count);
	size_t count = 0;

	if (mesh->topology == TOPOLOGY_CUSTOM) {
		for (size_t i = 0; i < mesh->link_count; i++) {
			const struct graph_end *ends = g->ends[i];

			if (c->dropped[i])
				continue;
			check_side(c, &mesh->links[i], &ends[0], &ends[1]);
			check_side(c, &mesh->links[i], &ends[1], &ends[0]);
		}
		return;
	}
	for (size_t i = 0; i < mesh->node_count; i++) {
		uint32_t n = (uint32_t)i;

		if (!unreachable(c, NULL, n))
			continue;
		if (mesh->topology == TOPOLOGY_FULL_MESH || g->is_hub[n])
			nodes[count++] = n;
		else if (g->hub_of[n] != GRAPH_NONE &&
			 never_meet(c, n, g->hub_of[n]))
			report(c, n, g->hub_of[n]);
	}
	check_joined(c, nodes, count);
}

/* The subnet by which a node is an exit for FAMILY, or NULL. */
static const struct placed_prefix *exit_of(const struct node *node,
					   uint8_t family)
{
	for (size_t i = 0; !node->disabled && i < node->subnets.count; i++) {
		const struct placed_prefix *item = &node->subnets.items[i];

		if (!item->prefix.length && item->prefix.ip.family == family)
			return item;
	}
	return NULL;
}

struct exits {
	struct check *check;
	uint8_t family;
	uint32_t *nodes;
	size_t count;
};

/* V would have the way through A and the way through B. */
static void two_ways(const struct exits *e, uint32_t a, uint32_t b, uint32_t v)
{
	const struct node *nodes = e->check->mesh->nodes;
	struct place x = exit_of(&nodes[a], e->family)->where;
	struct place y = exit_of(&nodes[b], e->family)->where;
	bool in_order = place_before(x, y);

	check_error(e->check, in_order ? y : x, in_order ? x : y,
		    "the first is here", "%s would have two ways to all of "
		    "%s: through %s and through %s", nodes[v].name,
		    e->family == AF_INET ? "IPv4" : "IPv6",
		    nodes[in_order ? a : b].name, nodes[in_order ? b : a].name)
		->hint = "let one be the exit, and write what the other is "
			 "for as prefixes";
}

static bool takes_exits(const struct exits *e, uint32_t node)
{
	const struct node *n = &e->check->mesh->nodes[node];

	return !n->disabled && !exit_of(n, e->family);
}

/* All exits are peers of every other node. */
static void check_full_mesh(const struct exits *e)
{
	uint32_t v = 0;

	while (v < e->check->mesh->node_count && !takes_exits(e, v))
		v++;
	for (size_t i = 1; v < e->check->mesh->node_count && i < e->count; i++)
		two_ways(e, e->nodes[0], e->nodes[i], v);
}

/* A spoke has one peer for everything; a hub may have two. */
static void check_hub_ways(const struct exits *e, uint32_t hub)
{
	const struct graph *g = &e->check->graph;
	uint32_t first = GRAPH_NONE, first_exit = GRAPH_NONE;

	for (size_t i = 0; i < e->count; i++) {
		uint32_t exit = e->nodes[i];
		uint32_t way = g->is_hub[exit] || g->hub_of[exit] == hub ?
			       exit : g->hub_of[exit];

		if (way == GRAPH_NONE)
			continue;
		if (first != GRAPH_NONE && way != first) {
			two_ways(e, first_exit, exit, hub);
			return;
		}
		first = way;
		first_exit = exit;
	}
}

static void check_linked(const struct exits *e)
{
	struct check *c = e->check;
	uint32_t *way = arena_new_array(c->arena, uint32_t,
					c->mesh->node_count);

	for (size_t i = 0; i < c->mesh->node_count; i++)
		way[i] = GRAPH_NONE;
	for (size_t i = 0; i < e->count; i++) {
		struct neighbour *around;
		size_t count = graph_neighbours(c->arena, &c->graph,
						e->nodes[i], &around);

		for (size_t k = 0; k < count; k++) {
			uint32_t v = around[k].node;

			if (!takes_exits(e, v))
				continue;
			if (way[v] != GRAPH_NONE) {
				two_ways(e, way[v], e->nodes[i], v);
				break;
			}
			way[v] = e->nodes[i];
		}
	}
}

static void check_family(struct check *c, uint8_t family)
{
	const struct mesh *mesh = c->mesh;
	struct exits e = { .check = c, .family = family };

	e.nodes = arena_new_array(c->arena, uint32_t, mesh->node_count);
	for (size_t i = 0; i < mesh->node_count; i++)
		if (exit_of(&mesh->nodes[i], family))
			e.nodes[e.count++] = (uint32_t)i;
	if (e.count < 2)
		return;
	switch (mesh->topology) {
	case TOPOLOGY_FULL_MESH:
		check_full_mesh(&e);
		return;
	case TOPOLOGY_HUB_SPOKE:
		for (size_t i = 0; i < mesh->node_count; i++)
			if (c->graph.is_hub[i] && takes_exits(&e, (uint32_t)i))
				check_hub_ways(&e, (uint32_t)i);
		return;
	case TOPOLOGY_CUSTOM:
		check_linked(&e);
		return;
	}
}

void check_exits(struct check *c)
{
	check_family(c, AF_INET);
	check_family(c, AF_INET6);
}
