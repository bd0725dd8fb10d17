/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes that overlap, addresses outside of the overlay, endpoints that
 * would be reached through the tunnel itself.
 *
 * Two prefixes lie within each other or apart.  So one pass over all of them,
 * sorted, with a stack of those that are open, sees every overlap: the stack
 * holds what covers the one at hand, the longest last.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/ip.h"
#include "doc/check_private.h"

enum claim_kind {
	CLAIM_OVERLAY,
	CLAIM_SUBNET,
	CLAIM_ADDRESS,
	CLAIM_ENDPOINT,
};

struct claim {
	struct prefix prefix;
	enum claim_kind kind;
	const struct node *node;	/* NULL: the overlay */
	/* Of an endpoint of a link: who alone looks for it, or NULL.  What is
	   his own is no tunnel's to him. */
	const struct node *reader;
	struct place where;
};

struct sweep {
	struct check *check;
	struct claim *all;
	size_t count;
	/* From the shortest to the longest, no two alike. */
	const struct claim *open[130];
	size_t depth;
	const struct claim *last_address;	/* the first of equal ones */
};

/* Equal ones: in the order of enum claim_kind, then as they stand. */
static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (order)
		return order;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return place_compare(x->where, y->where);
}

static const char *claim_text(const struct sweep *s, const struct claim *claim)
{
	struct arena *arena = s->check->arena;
	char prefix[PREFIX_TEXT_MAX];

	prefix_format(&claim->prefix, prefix);
	if (!claim->node)
		return arena_printf(arena, "the overlay %s", prefix);
	return arena_printf(arena, "the subnet %s of %s", prefix,
			    claim->node->name);
}

static void overlap(struct sweep *s, const struct claim *outer,
		    const struct claim *inner)
{
	bool in_order = place_compare(outer->where, inner->where) < 0;
	const struct claim *first = in_order ? outer : inner;
	const struct claim *later = in_order ? inner : outer;
	struct diag *diag;

	if (outer->node == inner->node &&
	    !prefix_compare(&outer->prefix, &inner->prefix)) {
		check_error(s->check, later->where, first->where,
			    "the first is here", "%s is given twice",
			    claim_text(s, later));
		return;
	}
	diag = check_error(s->check, later->where, first->where,
			   "the first is here", "%s overlaps %s",
			   claim_text(s, later), claim_text(s, first));
	if (!outer->node != !inner->node)
		diag->hint = "the overlay is for the addresses of nodes alone";
	else if (outer->node != inner->node)
		diag->hint = "a packet can go to one node only";
}

static void open_claim(struct sweep *s, const struct claim *claim)
{
	const struct claim *top = s->depth ? s->open[s->depth - 1] : NULL;

	if (top)
		overlap(s, top, claim);
	if (!top || prefix_compare(&top->prefix, &claim->prefix) != 0)
		s->open[s->depth++] = claim;
	else if (top->node && top->node->disabled)
		s->open[s->depth - 1] = claim;
}

static const struct claim *open_overlay(const struct sweep *s)
{
	for (size_t i = s->depth; i-- > 0;)
		if (s->open[i]->kind == CLAIM_OVERLAY)
			return s->open[i];
	return NULL;
}

static void check_inside(struct sweep *s, const struct claim *address)
{
	const struct prefix_list *overlay = &s->check->mesh->overlay;
	const struct ip *ip = &address->prefix.ip;
	const struct placed_prefix *like = list_first(overlay, ip->family);
	struct place other = { 0 };
	struct diag *diag;
	char text[IP_TEXT_MAX];

	if (like)
		other = like->where;
	else if (overlay->count)
		other = overlay->items[0].where;
	diag = check_error(s->check, address->where, other,
			   "the overlay is here",
			   "the address %s of %s is outside of the overlay",
			   ip_format(ip, text), address->node->name);
	if (!like)
		diag->hint = ip->family == AF_INET6 ?
			"add a prefix of IPv6 to \"overlay\"" :
			"add a prefix of IPv4 to \"overlay\"";
}

/* The two addresses of an IPv4 network that are no host's. */
static const char *reserved(const struct prefix *network, const struct ip *ip)
{
	uint32_t value, mask;

	if (ip->family != AF_INET || network->length > 30)
		return NULL;
	memcpy(&value, ip->bytes, sizeof(value));
	mask = UINT32_MAX >> network->length;
	value = ntohl(value) & mask;
	if (!value)
		return "network";
	return value == mask ? "broadcast" : NULL;
}

static void same_address(struct sweep *s, const struct claim *address,
			 const struct claim *first, const char *text)
{
	if (address->node == first->node)
		check_error(s->check, address->where, first->where,
			    "the first is here", "%s has the address %s twice",
			    address->node->name, text);
	else
		check_error(s->check, address->where, first->where,
			    "the first is here", "the address %s of %s is "
			    "that of %s already", text, address->node->name,
			    first->node->name);
}

static void check_address(struct sweep *s, const struct claim *address)
{
	const struct claim *last = s->last_address;
	const struct claim *overlay = open_overlay(s);
	const struct ip *ip = &address->prefix.ip;
	const char *kind;
	char text[IP_TEXT_MAX], network[PREFIX_TEXT_MAX];

	ip_format(ip, text);
	if (last && !ip_compare(&last->prefix.ip, ip)) {
		same_address(s, address, last, text);
		return;
	}
	s->last_address = address;
	if (!overlay) {
		if (s->check->overlay_whole)
			check_inside(s, address);
		return;
	}
	kind = reserved(&overlay->prefix, ip);
	if (kind)
		check_error(s->check, address->where, overlay->where,
			    "the overlay is here",
			    "%s is the %s address of %s, and no node's",
			    text, kind,
			    prefix_format(&overlay->prefix, network));
}

/* A disabled node has nothing that is routed; an overlay of everything has
   been told of. */
static void check_endpoint(struct sweep *s, const struct claim *endpoint)
{
	const struct claim *inside = NULL;
	char text[IP_TEXT_MAX];

	for (size_t i = s->depth; !inside && i-- > 0;)
		if (!s->open[i]->node ||
		    (!s->open[i]->node->disabled &&
		     s->open[i]->node != endpoint->reader))
			inside = s->open[i];
	if (!inside || !inside->prefix.length)
		return;
	check_error(s->check, endpoint->where, inside->where,
		    "the prefix is here", "the endpoint %s of %s lies inside "
		    "%s: it would be looked for in the tunnel that it is to "
		    "carry", ip_format(&endpoint->prefix.ip, text),
		    endpoint->node->name, claim_text(s, inside))
		->hint = "write the address at which the node is reached "
			 "from outside of the mesh";
}

static void add_claim(struct sweep *s, enum claim_kind kind,
		      const struct node *node, struct prefix prefix,
		      struct place where)
{
	s->all[s->count++] = (struct claim){
		.prefix = prefix_mask(prefix), .kind = kind, .node = node,
		.where = where,
	};
}

static void add_endpoint(struct sweep *s, const struct node *node,
			 const struct node_endpoint *endpoint,
			 const struct node *reader)
{
	if (!endpoint->where.source || !endpoint->ip.family || node->disabled)
		return;
	add_claim(s, CLAIM_ENDPOINT, node, prefix_whole(&endpoint->ip),
		  endpoint->where);
	s->all[s->count - 1].reader = reader;
}

/* The one node that LINK joins with NODE, or NULL: there are several. */
static const struct node *sole_reader(const struct graph *g, size_t link,
				      uint32_t node)
{
	const struct node *reader = NULL;

	for (int k = 0; k < 2; k++) {
		const uint32_t *nodes;
		size_t count = graph_end_nodes(g, &g->ends[link][1 - k],
					       &nodes);

		if (!graph_end_has(g, &g->ends[link][k], node))
			continue;
		if (count != 1 || reader || *nodes == node)
			return NULL;
		reader = &g->mesh->nodes[*nodes];
	}
	return reader;
}

static void add_reached(struct sweep *s, size_t link)
{
	const struct graph *g = &s->check->graph;

	for (size_t i = g->reached_first[link]; i < g->reached_first[link + 1];
	     i++) {
		uint32_t node = g->reached[i].node;

		if (node != GRAPH_NONE)
			add_endpoint(s, &g->mesh->nodes[node],
				     g->reached[i].endpoint,
				     sole_reader(g, link, node));
	}
}

/* Ways to everything (/0) are looked at by check_exits(). */
static void add_node(struct sweep *s, const struct node *node)
{
	for (size_t i = 0; i < node->subnets.count; i++)
		if (node->subnets.items[i].prefix.length)
			add_claim(s, CLAIM_SUBNET, node,
				  node->subnets.items[i].prefix,
				  node->subnets.items[i].where);
	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct placed_prefix *item = &node->addresses.items[i];

		add_claim(s, CLAIM_ADDRESS, node,
			  prefix_whole(&item->prefix.ip), item->where);
	}
	add_endpoint(s, node, &node->endpoint, NULL);
}

static void collect(struct sweep *s)
{
	const struct mesh *mesh = s->check->mesh;
	size_t count = mesh->overlay.count +
		       s->check->graph.reached_first[mesh->link_count];

	for (size_t i = 0; i < mesh->node_count; i++)
		count += mesh->nodes[i].subnets.count +
			 mesh->nodes[i].addresses.count + 1;
	s->all = arena_new_array(s->check->arena, struct claim, count);
	for (size_t i = 0; i < mesh->overlay.count; i++)
		add_claim(s, CLAIM_OVERLAY, NULL,
			  mesh->overlay.items[i].prefix,
			  mesh->overlay.items[i].where);
	for (size_t i = 0; i < mesh->node_count; i++)
		add_node(s, &mesh->nodes[i]);
	for (size_t i = 0; i < mesh->link_count; i++)
		add_reached(s, i);
}

/* It would be the network that our own address is in. */
static void check_overlay(struct check *c)
{
	const struct prefix_list *overlay = &c->mesh->overlay;

	for (size_t i = 0; i < overlay->count; i++)
		if (!overlay->items[i].prefix.length)
			diag_error(c->diags, overlay->items[i].where,
				   "the overlay cannot be everything")->hint =
				"for a way to everything through a node, "
				"write it in the subnets of that node";
}

void check_prefixes(struct check *c)
{
	struct sweep s = { .check = c };

	check_overlay(c);
	collect(&s);
	items_sort(s.all, s.count, sizeof(*s.all), claim_compare);
	for (size_t i = 0; i < s.count; i++) {
		const struct claim *claim = &s.all[i];

		while (s.depth && !prefix_covers(&s.open[s.depth - 1]->prefix,
						 &claim->prefix))
			s.depth--;
		switch (claim->kind) {
		case CLAIM_OVERLAY:
		case CLAIM_SUBNET:
			open_claim(&s, claim);
			break;
		case CLAIM_ADDRESS:
			check_address(&s, claim);
			break;
		case CLAIM_ENDPOINT:
			check_endpoint(&s, claim);
			break;
		}
	}
}
