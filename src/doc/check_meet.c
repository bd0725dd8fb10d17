/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked nodes that can never meet, since neither has an endpoint.
 *
 * Of many nodes without an endpoint each is reported with one other, not
 * every pair.
 */
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
	bool in_order = place_compare(x->where, y->where) < 0;
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

/* Stamp with NODE those at END that NODE, at the other end, can meet by what
   LINK says; neither has an endpoint of its own. */
static void stamp_end(const struct check *c, uint32_t node, uint32_t link,
		      const struct graph_end *end, uint32_t *stamps)
{
	const struct graph *g = &c->graph;
	const uint32_t *nodes;
	size_t count = graph_end_nodes(g, end, &nodes);

	if (graph_link_endpoint(g, &c->mesh->links[link], node)) {
		for (size_t i = 0; i < count; i++)
			stamps[nodes[i]] = node + 1;
		return;
	}
	for (size_t i = g->reached_first[link]; i < g->reached_first[link + 1];
	     i++)
		if (graph_end_has(g, end, g->reached[i].node))
			stamps[g->reached[i].node] = node + 1;
}

static void stamp_met(const struct check *c, uint32_t node, uint32_t *stamps)
{
	const struct graph *g = &c->graph;
	struct graph_walk walk = graph_links_of(g, node);
	uint32_t link;

	while (graph_next_link(&walk, &link)) {
		const struct graph_end *ends = g->ends[link];

		for (int k = 0; k < 2 && c->mesh->links[link].endpoint_count;
		     k++)
			if (graph_end_has(g, &ends[k], node))
				stamp_end(c, node, link, &ends[1 - k], stamps);
	}
}

/*
 * Among COUNT nodes without an endpoint that are all joined with each other,
 * each with the first that it cannot meet.  Nodes that no link has an endpoint
 * for either meet none of their like; of the others the links are walked, so
 * it takes time by the number of edges that links with endpoints make.
 */
static void check_joined(struct check *c, const uint32_t *nodes, size_t count)
{
	uint32_t *stamps = arena_new_array(c->arena, uint32_t,
					   c->mesh->node_count);
	uint32_t first = GRAPH_NONE;

	for (size_t i = 0; i < count; i++) {
		uint32_t n = nodes[i];
		size_t k = 0;

		if (!c->graph.link_reached[n]) {
			if (first != GRAPH_NONE) {
				report(c, first, n);
				continue;
			}
			first = n;
		}
		stamp_met(c, n, stamps);
		while (k < count && (nodes[k] == n ||
				     stamps[nodes[k]] == n + 1))
			k++;
		if (k < count)
			report(c, n, nodes[k]);
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
