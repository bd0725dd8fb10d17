/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peers of one node. */
#include <stdlib.h>

#include "base/arena.h"
#include "doc/topology.h"

struct neighbours {
	struct arena *arena;
	const struct graph *graph;
	uint32_t self;
	struct neighbour *items;
	size_t count, capacity;
};

static void add(struct neighbours *n, uint32_t node,
		const struct mesh_link *link)
{
	if (node == n->self || n->graph->mesh->nodes[node].disabled)
		return;
	arena_room(n->arena, &n->items, n->count, &n->capacity,
		   sizeof(*n->items));
	n->items[n->count++] = (struct neighbour){ node, link };
}

static void add_joined(struct neighbours *n, uint32_t node)
{
	add(n, node, graph_link(n->graph, n->self, node));
}

/* What stands on the other side of links where KEY is one end. */
static void add_linked(struct neighbours *n, const struct graph_index *links,
		       uint32_t key, bool is_label)
{
	const struct graph *g = n->graph;

	for (uint32_t i = links->first[key]; i < links->first[key + 1]; i++) {
		uint32_t l = links->items[i];

		for (int k = 0; k < 2; k++) {
			const struct graph_end *end = &g->ends[l][k];
			const uint32_t *nodes;
			size_t count;

			if ((is_label ? end->label : end->node) != key)
				continue;
			count = graph_end_nodes(g, &g->ends[l][1 - k], &nodes);
			for (size_t j = 0; j < count; j++)
				add(n, nodes[j], &g->mesh->links[l]);
		}
	}
}

static int neighbour_compare(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->link > y->link) - (x->link < y->link);
}

static void find_all(struct neighbours *n)
{
	const struct graph *g = n->graph;
	uint32_t self = n->self;

	switch (g->mesh->topology) {
	case TOPOLOGY_FULL_MESH:
		for (size_t i = 0; i < g->mesh->node_count; i++)
			add_joined(n, (uint32_t)i);
		return;
	case TOPOLOGY_HUB_SPOKE:
		if (g->hub_of[self] != GRAPH_NONE)
			add_joined(n, g->hub_of[self]);
		for (uint32_t i = g->spokes.first[self];
		     i < g->spokes.first[self + 1]; i++)
			add_joined(n, g->spokes.items[i]);
		for (size_t i = 0; g->is_hub[self] &&
		     i < g->mesh->node_count; i++)
			if (g->is_hub[i])
				add_joined(n, (uint32_t)i);
		return;
	case TOPOLOGY_CUSTOM:
		add_linked(n, &g->node_links, self, false);
		for (uint32_t i = g->node_labels.first[self];
		     i < g->node_labels.first[self + 1]; i++)
			add_linked(n, &g->label_links, g->node_labels.items[i],
				   true);
		return;
	}
}

size_t graph_neighbours(struct arena *arena, const struct graph *g,
			uint32_t node, struct neighbour **out)
{
	struct neighbours n = { .arena = arena, .graph = g, .self = node };
	size_t kept = 0;

	if (!g->mesh->nodes[node].disabled)
		find_all(&n);
	if (n.count)
		qsort(n.items, n.count, sizeof(*n.items), neighbour_compare);
	for (size_t i = 0; i < n.count; i++)
		if (!kept || n.items[kept - 1].node != n.items[i].node)
			n.items[kept++] = n.items[i];
	*out = n.items;
	return kept;
}
