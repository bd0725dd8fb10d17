/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is linked to whom: a mesh's topology with names turned into indexes,
 * made once and asked often.  A node is its index in mesh.nodes, which are
 * sorted by name.
 *
 * It can be made of a mesh that is not checked yet: a name that is unknown is
 * GRAPH_NONE.  Disabled nodes are in it like all others; only
 * graph_neighbours() leaves them out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/mesh.h"

struct arena;

#define GRAPH_NONE UINT32_MAX

/* Many values for each of the keys 0, 1, …: those of K are items[first[K]] up
   to items[first[K + 1]], sorted. */
struct graph_index {
	uint32_t *first;
	uint32_t *items;
};

/* One end of a link: a node, or the label as which it is known here. */
struct graph_end {
	uint32_t node, label;	/* one of them GRAPH_NONE, or both: unknown */
};

struct graph_reached {
	uint32_t node;		/* GRAPH_NONE: unknown */
	const struct node_endpoint *endpoint;
};

struct graph {
	const struct mesh *mesh;
	bool *is_hub;
	uint32_t *hub_of;	/* of a spoke; GRAPH_NONE: unknown, or none */
	struct graph_index spokes;	/* of a hub */
	struct graph_end (*ends)[2];	/* of each link */
	/* "endpoints" of link L, by node: reached[reached_first[L]] … */
	size_t *reached_first;
	struct graph_reached *reached;
	const char **labels;	/* those that links use, sorted */
	uint32_t label_count;
	struct graph_index members;	/* label: nodes */
	struct graph_index node_labels;	/* node: labels */
	struct graph_index node_links;	/* node: links that name it */
	struct graph_index label_links;	/* label: links that name it */
	uint16_t *link_port;	/* the lowest port that links reach it at */
	bool *link_reached;	/* a link has an endpoint for it */
};

struct neighbour {
	uint32_t node;
	const struct mesh_link *link;	/* what is special to it, or NULL */
};

void graph_make(struct arena *arena, const struct mesh *mesh,
		struct graph *out);

uint32_t graph_node(const struct mesh *mesh, const char *name);

/* The first prefix of FAMILY in LIST, or NULL. */
const struct placed_prefix *list_first(const struct prefix_list *list,
				       uint8_t family);
/* The subnet by which NODE is an exit for FAMILY, or NULL. */
const struct placed_prefix *node_exit(const struct node *node, uint8_t family);

static inline size_t graph_count(const struct graph_index *index, uint32_t key)
{
	return index->first[key + 1] - index->first[key];
}

/* The nodes of an end; *NODES is borrowed from the graph or from END. */
size_t graph_end_nodes(const struct graph *g, const struct graph_end *end,
		       const uint32_t **nodes);
bool graph_end_has(const struct graph *g, const struct graph_end *end,
		   uint32_t node);

/*
 * All links that speak of one node:
 *
 *   struct graph_walk walk = graph_links_of(g, node);
 *   while (graph_next_link(&walk, &link))
 *
 * A link comes as often as it names the node or a label of it.
 */
struct graph_walk {
	const struct graph *graph;
	uint32_t node;
	uint32_t label;		/* of those of the node: the next one */
	const uint32_t *next, *end;
};

struct graph_walk graph_links_of(const struct graph *g, uint32_t node);
bool graph_next_link(struct graph_walk *walk, uint32_t *link);

/* The link that speaks of A and B, or NULL; it takes time by how many links
   there are to the one that has fewer. */
const struct mesh_link *graph_link(const struct graph *g, uint32_t a,
				   uint32_t b);
/* The endpoint that LINK itself has for NODE, or NULL. */
const struct node_endpoint *graph_link_endpoint(const struct graph *g,
						const struct mesh_link *link,
						uint32_t node);
/* Where NODE is reached over LINK (which may be NULL), or NULL. */
const struct node_endpoint *graph_endpoint(const struct graph *g,
					   const struct mesh_link *link,
					   uint32_t node);
/* Does NODE pass on what others of the mesh send each other? */
bool graph_relays(const struct graph *g, uint32_t node);
/* The UDP port NODE listens at; 0: left to the kernel.  WHERE may be NULL. */
uint16_t graph_listen_port(const struct graph *g, uint32_t node,
			   struct place *where);

/*
 * The nodes that NODE has as peers, by index, each once; none if it is
 * disabled.  O(n log n) of them.
 */
size_t graph_neighbours(struct arena *arena, const struct graph *g,
			uint32_t node, struct neighbour **out);
