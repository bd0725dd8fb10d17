/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What links speak of: it is there, and it is spoken of once. */
#include <string.h>

#include "base/arena.h"
#include "doc/check_private.h"

/* All labels of nodes, each once: there may be none that is used. */
static size_t all_labels(struct check *c, const char ***out)
{
	const struct mesh *mesh = c->mesh;
	const char **words;
	size_t count = 0;

	for (size_t i = 0; i < mesh->node_count; i++)
		count += mesh->nodes[i].label_count;
	words = arena_new_array(c->arena, const char *, count);
	count = 0;
	for (size_t i = 0; i < mesh->node_count; i++)
		for (size_t k = 0; k < mesh->nodes[i].label_count; k++)
			words[count++] = mesh->nodes[i].labels[k].name;
	*out = words;
	return words_sort(words, count);
}

struct links {
	struct check *check;
	const char **labels;	/* for hints; NULL: not made yet */
	size_t label_count;
};

static int check_end(struct links *l, const struct link_end *end,
		     const struct graph_end *known)
{
	struct placed_name name = { end->name, end->where };
	const uint32_t *nodes;
	uint32_t node;

	if (!end->is_label)
		return check_node(l->check, &name, &node);
	if (graph_end_nodes(&l->check->graph, known, &nodes))
		return 0;
	if (!l->labels)
		l->label_count = all_labels(l->check, &l->labels);
	check_unknown(l->check, &name, "node with the label", l->labels,
		      l->label_count);
	return -1;
}

static void check_reached(struct check *c, const struct mesh_link *link,
			  const struct graph_end ends[static 2])
{
	for (size_t i = 0; i < link->endpoint_count; i++) {
		const struct placed_name *name = &link->endpoints[i].node;
		uint32_t node;

		if (check_node(c, name, &node) < 0 ||
		    graph_end_has(&c->graph, &ends[0], node) ||
		    graph_end_has(&c->graph, &ends[1], node))
			continue;
		check_error(c, name->where, link->where, "the link is here",
			    "%s is at neither end of this link", name->name);
	}
}

/* Has a spoke of END its hub at the end OTHER? */
static bool meets_hub(const struct graph *g, const struct graph_end *end,
		      const struct graph_end *other)
{
	const uint32_t *nodes;
	size_t count = graph_end_nodes(g, end, &nodes);

	for (size_t i = 0; i < count; i++)
		if (g->hub_of[nodes[i]] != GRAPH_NONE &&
		    graph_end_has(g, other, g->hub_of[nodes[i]]))
			return true;
	return false;
}

/* The first node of END that counts, but SKIPPED; GRAPH_NONE: there is none. */
static uint32_t first_of(const struct graph *g, const struct graph_end *end,
			 bool hubs_only, uint32_t skipped)
{
	const uint32_t *nodes;
	size_t count = graph_end_nodes(g, end, &nodes);

	for (size_t i = 0; i < count; i++)
		if (nodes[i] != skipped && (!hubs_only || g->is_hub[nodes[i]]))
			return nodes[i];
	return GRAPH_NONE;
}

/* Are there two different nodes, or hubs, one at each end? */
static bool has_two(const struct graph *g,
		    const struct graph_end ends[static 2], bool hubs_only)
{
	uint32_t a = first_of(g, &ends[0], hubs_only, GRAPH_NONE);
	uint32_t b = first_of(g, &ends[1], hubs_only, GRAPH_NONE);

	if (a == GRAPH_NONE || b == GRAPH_NONE)
		return false;
	return a != b || first_of(g, &ends[0], hubs_only, a) != GRAPH_NONE ||
	       first_of(g, &ends[1], hubs_only, b) != GRAPH_NONE;
}

/* Custom links make the edges themselves; a label may be of one node yet. */
static int check_edge(struct check *c, const struct mesh_link *link,
		       const struct graph_end ends[static 2])
{
	const struct graph *g = &c->graph;
	bool hubs = c->mesh->topology == TOPOLOGY_HUB_SPOKE;

	if (ends[0].node != GRAPH_NONE && ends[0].node == ends[1].node) {
		check_error(c, link->ends[1].where, link->ends[0].where,
			    "the other end is here",
			    "%s is linked with itself", link->ends[0].name);
		return -1;
	}
	if (c->mesh->topology == TOPOLOGY_CUSTOM || has_two(g, ends, hubs) ||
	    (hubs && (meets_hub(g, &ends[0], &ends[1]) ||
		      meets_hub(g, &ends[1], &ends[0]))))
		return 0;
	check_error(c, link->where, c->mesh->topology_where,
		    "the topology is here", "the topology joins no node of "
		    "one end of this link with one of the other")->hint = hubs ?
		"a spoke is linked with its hub, and hubs with each other" :
		"no node is linked with itself";
	return -1;
}

struct stamp {
	uint32_t row;	/* node + 1 */
	uint32_t link;
};

struct pairs {
	struct check *check;
	struct stamp *stamps;	/* of each node */
	uint32_t node;
};

static void spoken_twice(struct pairs *p, uint32_t other, uint32_t a,
			 uint32_t b)
{
	const struct mesh *mesh = p->check->mesh;
	bool in_order = place_compare(mesh->links[a].where,
				      mesh->links[b].where) < 0;

	check_error(p->check, mesh->links[in_order ? b : a].where,
		    mesh->links[in_order ? a : b].where, "the first is here",
		    "two links speak of %s and %s",
		    mesh->nodes[p->node].name, mesh->nodes[other].name);
}

/* All that LINK joins with our node, seen from the lesser of both. */
static void stamp_link(struct pairs *p, uint32_t link)
{
	const struct graph *g = &p->check->graph;

	for (int k = 0; k < 2 && !p->check->dropped[link]; k++) {
		const uint32_t *nodes;
		size_t count;

		if (!graph_end_has(g, &g->ends[link][k], p->node))
			continue;
		count = graph_end_nodes(g, &g->ends[link][1 - k], &nodes);
		for (size_t i = 0; i < count; i++) {
			struct stamp *stamp = &p->stamps[nodes[i]];

			if (nodes[i] <= p->node)
				continue;
			if (stamp->row == p->node + 1 && stamp->link != link) {
				p->check->dropped[link] = true;
				spoken_twice(p, nodes[i], stamp->link, link);
				return;
			}
			*stamp = (struct stamp){ p->node + 1, link };
		}
	}
}

/* Does more than one link speak of NODE? */
static bool has_several(const struct graph *g, uint32_t node)
{
	struct graph_walk walk = graph_links_of(g, node);
	uint32_t first, link;

	if (!graph_next_link(&walk, &first))
		return false;
	while (graph_next_link(&walk, &link))
		if (link != first)
			return true;
	return false;
}

/*
 * Two links that speak of the same pair.  A row of stamps for each node says
 * which link speaks of it and each other one.  Where nothing is wrong a stamp
 * is set once for a pair that is linked; a link that was complained about is
 * left out from then on.  So this takes time by the number of edges, and a
 * node of which one link alone speaks, as in a label linked with itself or
 * with a hub, takes none.
 */
static void check_pairs(struct check *c)
{
	struct pairs p = { .check = c };

	p.stamps = arena_new_array(c->arena, struct stamp,
				   c->mesh->node_count);
	for (size_t i = 0; i < c->mesh->node_count; i++) {
		struct graph_walk walk = graph_links_of(&c->graph, (uint32_t)i);
		uint32_t link;

		p.node = (uint32_t)i;
		if (!has_several(&c->graph, p.node))
			continue;
		while (graph_next_link(&walk, &link))
			stamp_link(&p, link);
	}
}

/* The file that is the node's own private key is not shared with anybody. */
static void check_key_file(struct check *c, const struct mesh_link *link)
{
	const struct mesh *mesh = c->mesh;

	if (!link->preshared_key_file ||
	    strcmp(link->preshared_key_file,
		   arena_printf(c->arena, "%s.key", mesh->name)) != 0)
		return;
	check_error(c, link->preshared_where, mesh->name_where,
		    "the mesh has its name here", "'%s' is the file of the "
		    "node's own private key, not of a preshared one",
		    link->preshared_key_file)->hint =
		"give it a name of its own, such as \"a-b.psk\"";
}

/* In a custom topology whoever no link speaks of has no peer. */
static void warn_alone(struct check *c)
{
	const struct mesh *mesh = c->mesh;

	for (uint32_t n = 0; n < mesh->node_count; n++) {
		struct graph_walk walk = graph_links_of(&c->graph, n);
		uint32_t link;

		if (!mesh->nodes[n].disabled && !graph_next_link(&walk, &link))
			diag_warning(c->diags, mesh->nodes[n].where,
				     "%s is in no link, and has no peer",
				     mesh->nodes[n].name);
	}
}

void check_links(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	struct links l = { .check = c };
	size_t errors = c->diags->errors;

	for (size_t i = 0; i < mesh->link_count; i++) {
		const struct mesh_link *link = &mesh->links[i];
		const struct graph_end *ends = c->graph.ends[i];
		int known = check_end(&l, &link->ends[0], &ends[0]);

		if (check_end(&l, &link->ends[1], &ends[1]) < 0 || known < 0)
			continue;
		c->dropped[i] = check_edge(c, link, ends) < 0;
		check_reached(c, link, ends);
		check_key_file(c, link);
	}
	/* A link that names another may have meant it. */
	if (mesh->topology == TOPOLOGY_CUSTOM && c->diags->errors == errors)
		warn_alone(c);
	if (mesh->link_count > 1)
		check_pairs(c);
}
