/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/topology.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"

#define DEFAULT_PORT 51820	/* which most documents of WireGuard use */

const struct placed_prefix *list_first(const struct prefix_list *list,
				       uint8_t family)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].prefix.ip.family == family)
			return &list->items[i];
	return NULL;
}

const struct placed_prefix *node_exit(const struct node *node, uint8_t family)
{
	for (size_t i = 0; i < node->subnets.count; i++) {
		const struct placed_prefix *item = &node->subnets.items[i];

		if (!item->prefix.length && item->prefix.ip.family == family)
			return item;
	}
	return NULL;
}

uint32_t graph_node(const struct mesh *mesh, const char *name)
{
	size_t low = 0, high = mesh->node_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(mesh->nodes[middle].name, name);

		if (!order)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return GRAPH_NONE;
}

const struct node *mesh_node(const struct mesh *mesh, const char *name)
{
	uint32_t found = graph_node(mesh, name);

	return found == GRAPH_NONE ? NULL : &mesh->nodes[found];
}

static int label_compare(const void *name, const void *label)
{
	return strcmp(name, *(const char *const *)label);
}

/* Asked only where links use labels. */
static uint32_t label_find(const struct graph *g, const char *name)
{
	const char *const *found = bsearch(name, g->labels, g->label_count,
					   sizeof(*g->labels), label_compare);

	return found ? (uint32_t)(found - g->labels) : GRAPH_NONE;
}

struct pair {
	uint32_t key, value;
};

struct pairs {
	struct pair *items;
	size_t count, capacity;
};

static void pair_add(struct arena *arena, struct pairs *pairs, uint32_t key,
		     uint32_t value)
{
	arena_room(arena, &pairs->items, pairs->count, &pairs->capacity,
		   sizeof(*pairs->items));
	pairs->items[pairs->count++] = (struct pair){ key, value };
}

static int number_compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = number_compare(x->key, y->key);

	return order ? order : number_compare(x->value, y->value);
}

/* KEYS is how many keys there are; equal pairs become one. */
static struct graph_index index_make(struct arena *arena, struct pairs *pairs,
				     size_t keys)
{
	struct graph_index index;
	uint32_t kept = 0;

	index.first = arena_new_array(arena, uint32_t, keys + 1);
	index.items = arena_new_array(arena, uint32_t, pairs->count);
	items_sort(pairs->items, pairs->count, sizeof(*pairs->items),
		   pair_compare);
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *p = &pairs->items[i];

		if (i && !pair_compare(p - 1, p))
			continue;
		index.items[kept++] = p->value;
		index.first[p->key + 1] = kept;
	}
	for (size_t k = 1; k <= keys; k++)
		if (index.first[k] < index.first[k - 1])
			index.first[k] = index.first[k - 1];
	return index;
}

/* Labels that no link uses mean nothing here. */
static void make_labels(struct arena *arena, struct graph *g)
{
	const struct mesh *mesh = g->mesh;
	size_t count = 0;

	g->labels = arena_new_array(arena, const char *, 2 * mesh->link_count);
	for (size_t i = 0; i < mesh->link_count; i++)
		for (int k = 0; k < 2; k++)
			if (mesh->links[i].ends[k].is_label)
				g->labels[count++] =
					mesh->links[i].ends[k].name;
	g->label_count = (uint32_t)words_sort(g->labels, count);
}

static void make_members(struct arena *arena, struct graph *g)
{
	const struct mesh *mesh = g->mesh;
	struct pairs members = { 0 }, labels = { 0 };

	for (size_t i = 0; g->label_count && i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];

		for (size_t k = 0; k < node->label_count; k++) {
			uint32_t l = label_find(g, node->labels[k].name);

			if (l == GRAPH_NONE)
				continue;
			pair_add(arena, &members, l, (uint32_t)i);
			pair_add(arena, &labels, (uint32_t)i, l);
		}
	}
	g->members = index_make(arena, &members, g->label_count);
	g->node_labels = index_make(arena, &labels, mesh->node_count);
}

static void make_links(struct arena *arena, struct graph *g)
{
	const struct mesh *mesh = g->mesh;
	struct pairs by_node = { 0 }, by_label = { 0 };

	g->ends = arena_calloc(arena, mesh->link_count, sizeof(*g->ends));
	for (size_t i = 0; i < mesh->link_count; i++) {
		for (int k = 0; k < 2; k++) {
			const struct link_end *end = &mesh->links[i].ends[k];
			struct graph_end *out = &g->ends[i][k];

			*out = (struct graph_end){ GRAPH_NONE, GRAPH_NONE };
			if (end->is_label)
				out->label = label_find(g, end->name);
			else
				out->node = graph_node(mesh, end->name);
			if (out->label != GRAPH_NONE)
				pair_add(arena, &by_label, out->label,
					 (uint32_t)i);
			if (out->node != GRAPH_NONE)
				pair_add(arena, &by_node, out->node,
					 (uint32_t)i);
		}
	}
	g->node_links = index_make(arena, &by_node, mesh->node_count);
	g->label_links = index_make(arena, &by_label, g->label_count);
}

static int reached_compare(const void *a, const void *b)
{
	const struct graph_reached *x = a, *y = b;

	return number_compare(x->node, y->node);
}

static void make_reached(struct arena *arena, struct graph *g)
{
	const struct mesh *mesh = g->mesh;
	size_t count = 0;

	for (size_t i = 0; i < mesh->link_count; i++)
		count += mesh->links[i].endpoint_count;
	g->reached = arena_new_array(arena, struct graph_reached, count);
	g->reached_first = arena_new_array(arena, size_t,
					   mesh->link_count + 1);
	g->link_port = arena_new_array(arena, uint16_t, mesh->node_count);
	g->link_reached = arena_new_array(arena, bool, mesh->node_count);
	count = 0;
	for (size_t i = 0; i < mesh->link_count; i++) {
		const struct mesh_link *link = &mesh->links[i];
		struct graph_reached *first = &g->reached[count];

		for (size_t k = 0; k < link->endpoint_count; k++) {
			const struct link_endpoint *e = &link->endpoints[k];
			uint32_t n = graph_node(mesh, e->node.name);
			uint16_t port = e->endpoint.port;

			g->reached[count++] = (struct graph_reached){
				n, &e->endpoint };
			if (n == GRAPH_NONE)
				continue;
			g->link_reached[n] = true;
			if (port && (!g->link_port[n] ||
				     port < g->link_port[n]))
				g->link_port[n] = port;
		}
		items_sort(first, link->endpoint_count, sizeof(*first),
			   reached_compare);
		g->reached_first[i + 1] = count;
	}
}

/* Where there is one hub, the spokes need not say so. */
static void make_hubs(struct arena *arena, struct graph *g)
{
	const struct mesh *mesh = g->mesh;
	struct pairs spokes = { 0 };
	uint32_t only = GRAPH_NONE;

	g->is_hub = arena_new_array(arena, bool, mesh->node_count);
	g->hub_of = arena_new_array(arena, uint32_t, mesh->node_count);
	if (mesh->topology == TOPOLOGY_HUB_SPOKE)
		for (size_t i = 0; i < mesh->hub_count; i++) {
			uint32_t n = graph_node(mesh, mesh->hubs[i].name);

			if (n != GRAPH_NONE)
				g->is_hub[n] = true;
			only = mesh->hub_count == 1 ? n : GRAPH_NONE;
		}
	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];
		uint32_t hub = only;

		g->hub_of[i] = GRAPH_NONE;
		if (mesh->topology != TOPOLOGY_HUB_SPOKE || g->is_hub[i])
			continue;
		if (node->hub.where.source)
			hub = graph_node(mesh, node->hub.name);
		if (hub == GRAPH_NONE || !g->is_hub[hub])
			continue;
		g->hub_of[i] = hub;
		pair_add(arena, &spokes, hub, (uint32_t)i);
	}
	g->spokes = index_make(arena, &spokes, mesh->node_count);
}

void graph_make(struct arena *arena, const struct mesh *mesh,
		struct graph *out)
{
	*out = (struct graph){ .mesh = mesh };
	make_labels(arena, out);
	make_members(arena, out);
	make_links(arena, out);
	make_reached(arena, out);
	make_hubs(arena, out);
}

size_t graph_end_nodes(const struct graph *g, const struct graph_end *end,
		       const uint32_t **nodes)
{
	if (end->label != GRAPH_NONE) {
		*nodes = &g->members.items[g->members.first[end->label]];
		return graph_count(&g->members, end->label);
	}
	*nodes = &end->node;
	return end->node != GRAPH_NONE;
}

bool graph_end_has(const struct graph *g, const struct graph_end *end,
		   uint32_t node)
{
	const uint32_t *nodes;
	size_t low = 0, high = graph_end_nodes(g, end, &nodes);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (nodes[middle] == node)
			return true;
		if (nodes[middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const struct node_endpoint *graph_link_endpoint(const struct graph *g,
						const struct mesh_link *link,
						uint32_t node)
{
	size_t first = g->reached_first[link - g->mesh->links];
	struct graph_reached wanted = { .node = node };
	const struct graph_reached *found;

	if (!link->endpoint_count)
		return NULL;
	found = bsearch(&wanted, &g->reached[first], link->endpoint_count,
			sizeof(wanted), reached_compare);
	return found ? found->endpoint : NULL;
}

const struct node_endpoint *graph_endpoint(const struct graph *g,
					   const struct mesh_link *link,
					   uint32_t node)
{
	const struct node_endpoint *own = &g->mesh->nodes[node].endpoint;
	const struct node_endpoint *found = NULL;

	if (link)
		found = graph_link_endpoint(g, link, node);
	if (found)
		return found;
	return own->where.source ? own : NULL;
}

bool graph_relays(const struct graph *g, uint32_t node)
{
	for (uint32_t i = g->spokes.first[node]; i < g->spokes.first[node + 1];
	     i++)
		if (!g->mesh->nodes[g->spokes.items[i]].disabled)
			return true;
	return false;
}

uint16_t graph_listen_port(const struct graph *g, uint32_t index,
			   struct place *where)
{
	const struct mesh *mesh = g->mesh;
	const struct node *node = &mesh->nodes[index];
	bool reached = node->endpoint.where.source || g->link_reached[index];
	struct place ignored;

	if (!where)
		where = &ignored;
	if (node->listen_port.where.source) {
		*where = node->listen_port.where;
		return (uint16_t)node->listen_port.value;
	}
	*where = node->endpoint.where;
	if (node->endpoint.where.source && node->endpoint.port)
		return node->endpoint.port;
	if (mesh->listen_port.where.source) {
		*where = mesh->listen_port.where;
		return (uint16_t)mesh->listen_port.value;
	}
	if (!where->source)
		*where = node->where;
	if (g->link_port[index])
		return g->link_port[index];
	return reached ? DEFAULT_PORT : 0;
}
