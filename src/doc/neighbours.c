/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links and the peers of one node. */

#include "base/arena.h"
#include "doc/topology.h"

static void walk_key(struct graph_walk *walk, const struct graph_index *links,
		     uint32_t key)
{
	walk->next = &links->items[links->first[key]];
	walk->end = &links->items[links->first[key + 1]];
}

struct graph_walk graph_links_of(const struct graph *g, uint32_t node)
{
	struct graph_walk walk = { .graph = g, .node = node };

	walk.label = g->node_labels.first[node];
	walk_key(&walk, &g->node_links, node);
	return walk;
}

bool graph_next_link(struct graph_walk *walk, uint32_t *link)
{
	const struct graph_index *labels = &walk->graph->node_labels;

	while (walk->next == walk->end) {
		if (walk->label == labels->first[walk->node + 1])
			return false;
		walk_key(walk, &walk->graph->label_links,
			 labels->items[walk->label++]);
	}
	*link = *walk->next++;
	return true;
}

static size_t link_count(const struct graph *g, uint32_t node)
{
	size_t count = graph_count(&g->node_links, node);

	for (uint32_t i = g->node_labels.first[node];
	     i < g->node_labels.first[node + 1]; i++)
		count += graph_count(&g->label_links, g->node_labels.items[i]);
	return count;
}

const struct mesh_link *graph_link(const struct graph *g, uint32_t a,
				   uint32_t b)
{
	struct graph_walk walk;
	uint32_t link;

	if (a == b || !g->mesh->link_count)
		return NULL;
	if (link_count(g, b) < link_count(g, a)) {
		uint32_t other = a;

		a = b;
		b = other;
	}
	walk = graph_links_of(g, a);
	while (graph_next_link(&walk, &link)) {
		const struct graph_end *ends = g->ends[link];

		for (int k = 0; k < 2; k++)
			if (graph_end_has(g, &ends[k], a) &&
			    graph_end_has(g, &ends[1 - k], b))
				return &g->mesh->links[link];
	}
	return NULL;
}

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

/* What stands on the other side of links. */
static void add_linked(struct neighbours *n)
{
	const struct graph *g = n->graph;
	struct graph_walk walk = graph_links_of(g, n->self);
	uint32_t l;

	while (graph_next_link(&walk, &l)) {
		for (int k = 0; k < 2; k++) {
			const uint32_t *nodes;
			size_t count;

			if (!graph_end_has(g, &g->ends[l][k], n->self))
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
		add_linked(n);
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
	items_sort(n.items, n.count, sizeof(*n.items), neighbour_compare);
	for (size_t i = 0; i < n.count; i++)
		if (!kept || n.items[kept - 1].node != n.items[i].node)
			n.items[kept++] = n.items[i];
	*out = n.items;
	return kept;
}
