/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits: nodes that would have two ways to everything, and marks that a way to
 * everything cannot have.
 *
 * Of the exits that a node has, two are enough to know: nothing here is
 * quadratic.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/check_private.h"

/* Two exits to which the way is not the same; GRAPH_NONE: there is none. */
struct ways {
	uint32_t first, second;
};

struct exits {
	struct check *check;
	uint8_t family;
	uint32_t *nodes;
	size_t count;
	struct ways *ways;	/* of each node */
};

static struct ways *ways_new(const struct exits *e, size_t count)
{
	struct ways *ways = arena_new_array(e->check->arena, struct ways,
					    count);

	for (size_t i = 0; i < count; i++)
		ways[i] = (struct ways){ GRAPH_NONE, GRAPH_NONE };
	return ways;
}

static void add_way(struct ways *ways, uint32_t exit)
{
	if (exit == GRAPH_NONE || exit == ways->first)
		return;
	if (ways->first == GRAPH_NONE)
		ways->first = exit;
	else if (ways->second == GRAPH_NONE)
		ways->second = exit;
}

static void add_ways(struct ways *ways, const struct ways *more)
{
	add_way(ways, more->first);
	add_way(ways, more->second);
}

static const struct node *node_at(const struct exits *e, uint32_t node)
{
	return &e->check->mesh->nodes[node];
}

static bool takes_exits(const struct exits *e, uint32_t node)
{
	return !node_at(e, node)->disabled &&
	       !node_exit(node_at(e, node), e->family);
}

/* V would have the way through A and the way through B. */
static void two_ways(const struct exits *e, uint32_t a, uint32_t b, uint32_t v)
{
	struct place x = node_exit(node_at(e, a), e->family)->where;
	struct place y = node_exit(node_at(e, b), e->family)->where;
	bool in_order = place_compare(x, y) < 0;

	check_error(e->check, in_order ? y : x, in_order ? x : y,
		    "the first is here", "%s would have two ways to all of "
		    "%s: through %s and through %s", node_at(e, v)->name,
		    e->family == AF_INET ? "IPv4" : "IPv6",
		    node_at(e, in_order ? a : b)->name,
		    node_at(e, in_order ? b : a)->name)
		->hint = "let one be the exit, and write what the other is "
			 "for as prefixes";
}

/* All exits are peers of every other node: each is told of, with the first. */
static void full_mesh(const struct exits *e)
{
	size_t count = e->check->mesh->node_count;
	uint32_t v = 0;

	while (v < count && !takes_exits(e, v))
		v++;
	for (size_t i = 1; v < count && i < e->count; i++)
		two_ways(e, e->nodes[0], e->nodes[i], v);
	for (; v < count; v++)
		if (takes_exits(e, v))
			add_way(&e->ways[v], e->nodes[0]);
}

/* The hub by which the other hubs reach an exit: that may be itself. */
static uint32_t home_of(const struct exits *e, uint32_t exit)
{
	const struct graph *g = &e->check->graph;
	uint32_t home = g->is_hub[exit] ? exit : g->hub_of[exit];

	return home == GRAPH_NONE || node_at(e, home)->disabled ? GRAPH_NONE :
		home;
}

/* A spoke has one peer for everything; a hub may have several. */
static void hub_spoke(const struct exits *e)
{
	const struct graph *g = &e->check->graph;
	size_t count = e->check->mesh->node_count;
	struct ways *own = ways_new(e, count), *all = ways_new(e, 1);

	for (size_t i = 0; i < e->count; i++) {
		uint32_t home = home_of(e, e->nodes[i]);

		if (home == GRAPH_NONE)
			continue;
		add_way(&own[home], e->nodes[i]);
		if (all->first == GRAPH_NONE ||
		    home_of(e, all->first) != home)
			add_way(all, e->nodes[i]);
	}
	for (uint32_t v = 0; v < count && all->first != GRAPH_NONE; v++) {
		if (!takes_exits(e, v))
			continue;
		if (!g->is_hub[v]) {
			if (home_of(e, v) != GRAPH_NONE)
				add_way(&e->ways[v], all->first);
			continue;
		}
		add_ways(&e->ways[v], &own[v]);
		if (home_of(e, all->first) != v)
			add_way(&e->ways[v], all->first);
		if (all->second != GRAPH_NONE && home_of(e, all->second) != v)
			add_way(&e->ways[v], all->second);
	}
}

/* The exits at END, where LABELS has those of each label. */
static struct ways at_end(const struct exits *e, const struct ways *labels,
			  const struct graph_end *end)
{
	struct ways ways = { GRAPH_NONE, GRAPH_NONE };

	if (end->label != GRAPH_NONE)
		return labels[end->label];
	if (end->node != GRAPH_NONE && !node_at(e, end->node)->disabled &&
	    node_exit(node_at(e, end->node), e->family))
		ways.first = end->node;
	return ways;
}

/* What each end of a link has by the other, once for a label as a whole. */
static void custom(const struct exits *e)
{
	const struct graph *g = &e->check->graph;
	const struct graph_index *labels = &g->node_labels;
	struct ways *in = ways_new(e, g->label_count);
	struct ways *by = ways_new(e, g->label_count);

	for (size_t i = 0; i < e->count; i++)
		for (uint32_t k = labels->first[e->nodes[i]];
		     k < labels->first[e->nodes[i] + 1]; k++)
			add_way(&in[labels->items[k]], e->nodes[i]);
	for (size_t i = 0; i < e->check->mesh->link_count; i++)
		for (int k = 0; k < 2; k++) {
			const struct graph_end *end = &g->ends[i][k];
			struct ways ways = at_end(e, in, &g->ends[i][1 - k]);

			if (end->label != GRAPH_NONE)
				add_ways(&by[end->label], &ways);
			else if (end->node != GRAPH_NONE)
				add_ways(&e->ways[end->node], &ways);
		}
	for (uint32_t v = 0; v < e->check->mesh->node_count; v++)
		for (uint32_t k = labels->first[v]; k < labels->first[v + 1];
		     k++)
			add_ways(&e->ways[v], &by[labels->items[k]]);
}

/* The same two are told of once, however many nodes have both. */
static void check_ways(const struct exits *e)
{
	size_t count = e->check->mesh->node_count;
	uint32_t *told = arena_new_array(e->check->arena, uint32_t, count);

	for (uint32_t v = 0; v < count; v++) {
		const struct ways *ways = &e->ways[v];

		if (ways->second == GRAPH_NONE || !takes_exits(e, v) ||
		    told[ways->second] == ways->first + 1)
			continue;
		told[ways->second] = ways->first + 1;
		two_ways(e, ways->first, ways->second, v);
	}
}

/* By the rule of view_of(): an exit is among what a hub passes on. */
static bool uses_family(const struct exits *e, uint32_t v)
{
	return list_first(&node_at(e, v)->addresses, e->family) ||
	       list_first(&node_at(e, v)->subnets, e->family) ||
	       graph_relays(&e->check->graph, v);
}

/*
 * The table of a full tunnel has the number of the mark: of a table of the
 * kernel's own the default route would cut the host off.
 */
static void check_marks(const struct exits *e)
{
	for (uint32_t v = 0; v < e->check->mesh->node_count; v++) {
		const struct node *node = node_at(e, v);
		uint32_t mark = node->fwmark.value, exit = e->ways[v].first;

		if (!node->fwmark.where.source || mark < RT_TABLE_DEFAULT ||
		    mark > RT_TABLE_LOCAL || exit == GRAPH_NONE ||
		    node->vrf.name || (node->table.where.source &&
		     node->table.value != RT_TABLE_MAIN) ||
		    !takes_exits(e, v) || !uses_family(e, v))
			continue;
		check_error(e->check, node->fwmark.where,
			    node_exit(node_at(e, exit), e->family)->where,
			    "this makes the full tunnel", "fwmark is the "
			    "number of the full tunnel's route table too, and "
			    "%u is one of the kernel's own",
			    (unsigned int)mark)->hint =
			"leave fwmark out, or take another number";
	}
}

static void check_family(struct check *c, uint8_t family)
{
	const struct mesh *mesh = c->mesh;
	struct exits e = { .check = c, .family = family };
	size_t mark = arena_mark(c->arena);

	e.nodes = arena_new_array(c->arena, uint32_t, mesh->node_count);
	for (uint32_t i = 0; i < mesh->node_count; i++)
		if (!mesh->nodes[i].disabled &&
		    node_exit(&mesh->nodes[i], family))
			e.nodes[e.count++] = i;
	if (!e.count) {
		arena_reset(c->arena, mark);
		return;
	}
	e.ways = ways_new(&e, mesh->node_count);
	switch (mesh->topology) {
	case TOPOLOGY_FULL_MESH:
		full_mesh(&e);
		break;
	case TOPOLOGY_HUB_SPOKE:
		hub_spoke(&e);
		break;
	case TOPOLOGY_CUSTOM:
		custom(&e);
		break;
	}
	check_ways(&e);
	check_marks(&e);
}

void check_exits(struct check *c)
{
	check_family(c, AF_INET);
	check_family(c, AF_INET6);
}
