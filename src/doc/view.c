/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one node has of a mesh.  Everything is decided by names and values,
 * never by the order in which the document gives them.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view_private.h"

#define DEFAULT_KEEPALIVE 25	/* seconds; NAT forgets UDP after 30 */

struct maker {
	struct arena *arena;
	const struct graph *graph;
	const struct mesh *mesh;
	uint32_t self;
	struct view *view;
};

static void list_reserve(struct arena *arena, struct prefix_list *list,
			 size_t count)
{
	list->items = arena_new_array(arena, struct placed_prefix, count);
	list->count = 0;
	list->capacity = count;
}

static void list_add(struct prefix_list *list, struct prefix prefix,
		     struct place where)
{
	list->items[list->count++] = (struct placed_prefix){ prefix, where };
}

static size_t prefixes_of(const struct node *node)
{
	return node->addresses.count + node->subnets.count;
}

static void add_addresses(struct prefix_list *list, const struct node *node)
{
	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct placed_prefix *item = &node->addresses.items[i];

		list_add(list, prefix_whole(&item->prefix.ip), item->where);
	}
}

/* An exit has a way out of its own: it takes that of no other. */
static void add_subnets(const struct maker *m, struct prefix_list *list,
			const struct node *node)
{
	const struct node *self = &m->mesh->nodes[m->self];

	for (size_t i = 0; i < node->subnets.count; i++) {
		const struct placed_prefix *item = &node->subnets.items[i];

		if (item->prefix.length ||
		    !node_exit(self, item->prefix.ip.family))
			list_add(list, prefix_mask(item->prefix), item->where);
	}
}

static void add_node(const struct maker *m, struct prefix_list *list,
		     const struct node *node)
{
	add_addresses(list, node);
	add_subnets(m, list, node);
}

/* A spoke sends its hub all that the mesh has. */
static void allow_mesh(const struct maker *m, struct prefix_list *list)
{
	const struct mesh *mesh = m->mesh;
	size_t count = mesh->overlay.count;

	for (size_t i = 0; i < mesh->node_count; i++)
		count += mesh->nodes[i].subnets.count;
	list_reserve(m->arena, list, count);
	for (size_t i = 0; i < mesh->overlay.count; i++)
		list_add(list, prefix_mask(mesh->overlay.items[i].prefix),
			 mesh->overlay.items[i].where);
	for (size_t i = 0; i < mesh->node_count; i++)
		if (i != m->self && !mesh->nodes[i].disabled)
			add_subnets(m, list, &mesh->nodes[i]);
}

/* A node with, if it is another hub, the spokes behind it. */
static void allow_node(const struct maker *m, uint32_t peer, bool with_spokes,
		       struct prefix_list *list)
{
	const struct graph_index *spokes = &m->graph->spokes;
	const struct node *nodes = m->mesh->nodes;
	size_t count = prefixes_of(&nodes[peer]);
	uint32_t first = with_spokes ? spokes->first[peer] : 0;
	uint32_t end = with_spokes ? spokes->first[peer + 1] : 0;

	for (uint32_t i = first; i < end; i++)
		count += prefixes_of(&nodes[spokes->items[i]]);
	list_reserve(m->arena, list, count);
	add_node(m, list, &nodes[peer]);
	for (uint32_t i = first; i < end; i++)
		if (!nodes[spokes->items[i]].disabled)
			add_node(m, list, &nodes[spokes->items[i]]);
}

static uint16_t keepalive_of(const struct maker *m,
			     const struct mesh_link *link,
			     const struct view_peer *peer)
{
	const struct node *self = &m->mesh->nodes[m->self];

	if (link && link->keepalive.where.source)
		return (uint16_t)link->keepalive.value;
	if (self->keepalive.where.source)
		return (uint16_t)self->keepalive.value;
	if (m->mesh->keepalive.where.source)
		return (uint16_t)m->mesh->keepalive.value;
	if (peer->endpoint && !graph_endpoint(m->graph, link, m->self))
		return DEFAULT_KEEPALIVE;
	return 0;
}

/* Of the link, of the node that is reached, of the mesh: the first that is
   said.  Where there is no name, "dns" is "roam". */
static enum endpoint_policy policy_of(const struct maker *m,
				      const struct mesh_link *link,
				      const struct view_peer *peer)
{
	const struct setting *s = &m->mesh->endpoint_policy;

	if (peer->node->endpoint_policy.where.source)
		s = &peer->node->endpoint_policy;
	if (link && link->endpoint_policy.where.source)
		s = &link->endpoint_policy;
	if (!peer->endpoint ||
	    (s->value == ENDPOINT_DNS && !peer->endpoint->host))
		return ENDPOINT_ROAM;
	return (enum endpoint_policy)s->value;
}

static void make_peer(const struct maker *m, const struct neighbour *n,
		      struct view_peer *out)
{
	const struct graph *g = m->graph;
	bool is_spoke = g->hub_of[m->self] != GRAPH_NONE;

	*out = (struct view_peer){ .node = &m->mesh->nodes[n->node],
				   .link = n->link };
	if (is_spoke)
		allow_mesh(m, &out->allowed);
	else
		allow_node(m, n->node, g->is_hub[n->node], &out->allowed);
	prefix_list_sort(&out->allowed);
	out->endpoint = graph_endpoint(g, n->link, n->node);
	if (out->endpoint)
		out->endpoint_port = out->endpoint->port ? out->endpoint->port
					: graph_listen_port(g, n->node, NULL);
	out->keepalive = keepalive_of(m, n->link, out);
	out->endpoint_policy = policy_of(m, n->link, out);
	out->mtu = n->link ? n->link->mtu.value : 0;
}

static void make_peers(const struct maker *m)
{
	struct neighbour *neighbours;
	size_t count = graph_neighbours(m->arena, m->graph, m->self,
					&neighbours);

	m->view->peers = arena_new_array(m->arena, struct view_peer, count);
	m->view->peer_count = count;
	for (size_t i = 0; i < count; i++)
		make_peer(m, &neighbours[i], &m->view->peers[i]);
}

/*
 * To its own subnets, and, where it relays, what any of its peers may send or
 * be sent.
 */
static bool forwards(const struct view *view, uint8_t family)
{
	if (list_first(&view->self->subnets, family))
		return true;
	if (!view->relays)
		return false;
	for (size_t i = 0; i < view->peer_count; i++)
		if (list_first(&view->peers[i].allowed, family))
			return true;
	return list_first(&view->mesh->overlay, family);
}

/* Does one of BY, sorted, none of which covers another, cover P?  NEXT moves
   along with the P's, which come sorted too. */
static const struct prefix *covering(const struct prefix_list *by,
				     size_t *next, const struct prefix *p)
{
	const struct prefix *last;

	while (*next < by->count &&
	       prefix_compare(&by->items[*next].prefix, p) <= 0)
		++*next;
	last = *next ? &by->items[*next - 1].prefix : NULL;
	return last && prefix_covers(last, p) ? last : NULL;
}

/* Of ALL, sorted, keep what lies in one of BY. */
static void keep_covered(struct prefix_list *all, const struct prefix_list *by)
{
	size_t kept = 0, next = 0;

	for (size_t i = 0; i < all->count; i++)
		if (covering(by, &next, &all->items[i].prefix))
			all->items[kept++] = all->items[i];
	all->count = kept;
}

static void take_whole(struct view *view, const struct placed_prefix *item)
{
	if (item->prefix.ip.family == AF_INET) {
		view->full4 = true;
		view->full4_where = item->where;
	} else {
		view->full6 = true;
		view->full6_where = item->where;
	}
}

static int narrow_compare(const void *a, const void *b)
{
	const struct view_narrow *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

/* A device with one peer has the MTU of that link itself. */
static void make_narrow(const struct maker *m)
{
	struct view *view = m->view;
	size_t count = 0;

	if (view->peer_count == 1) {
		uint32_t mtu = view->peers[0].mtu;

		if (mtu && (!view->mtu || mtu < view->mtu))
			view->mtu = mtu;
		return;
	}
	for (size_t i = 0; i < view->peer_count; i++)
		if (view->peers[i].mtu)
			count += view->peers[i].allowed.count;
	view->narrow = arena_new_array(m->arena, struct view_narrow, count);
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct view_peer *peer = &view->peers[i];

		for (size_t k = 0; peer->mtu && k < peer->allowed.count; k++)
			view->narrow[view->narrow_count++] =
				(struct view_narrow){
					peer->allowed.items[k].prefix,
					peer->mtu };
	}
	items_sort(view->narrow, count, sizeof(*view->narrow), narrow_compare);
}

bool view_is_apart(const struct view *view)
{
	return view->vrf || view->table != RT_TABLE_MAIN;
}

uint32_t view_route_mtu(const struct view *view, const struct prefix *prefix)
{
	struct view_narrow key = { .prefix = *prefix };
	const struct view_narrow *found = NULL;

	if (view->narrow_count)
		found = bsearch(&key, view->narrow, view->narrow_count,
				sizeof(key), narrow_compare);
	return found ? found->mtu : 0;
}

/*
 * Without the routes that the kernel makes itself for our addresses, but for
 * what lies in one of them and is narrower than the rest.
 */
static void leave_connected(struct view *view)
{
	struct prefix_list *routes = &view->routes;
	size_t kept = 0, next = 0;

	for (size_t i = 0; i < routes->count; i++) {
		const struct prefix *p = &routes->items[i].prefix;
		const struct prefix *by = covering(&view->connected, &next, p);

		if (!by || (view_route_mtu(view, p) && prefix_compare(by, p)))
			routes->items[kept++] = routes->items[i];
	}
	routes->count = kept;
}

static void make_routes(const struct maker *m)
{
	struct view *view = m->view;
	bool uses4 = view->forwards4 ||
		     list_first(&view->self->addresses, AF_INET);
	bool uses6 = view->forwards6 ||
		     list_first(&view->self->addresses, AF_INET6);
	size_t count = 0;

	for (size_t i = 0; i < view->peer_count; i++)
		count += view->peers[i].allowed.count;
	list_reserve(m->arena, &view->routes, count);
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct prefix_list *allowed = &view->peers[i].allowed;

		for (size_t k = 0; k < allowed->count; k++) {
			const struct placed_prefix *item = &allowed->items[k];

			if (!(item->prefix.ip.family == AF_INET ? uses4
								: uses6))
				continue;
			if (!item->prefix.length)
				take_whole(view, item);
			else
				list_add(&view->routes, item->prefix,
					 item->where);
		}
	}
	prefix_list_sort(&view->routes);
	/* With a VRF the kernel's are in its table, as ours. */
	if (view->table == RT_TABLE_MAIN)
		leave_connected(view);
}

/* What the peers may send from, but for the whole of a family. */
static struct prefix_list sources_of_peers(const struct maker *m)
{
	const struct view *view = m->view;
	struct prefix_list sources;
	size_t count = 0;

	for (size_t i = 0; i < view->peer_count; i++)
		count += view->peers[i].allowed.count;
	list_reserve(m->arena, &sources, count);
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct prefix_list *allowed = &view->peers[i].allowed;

		for (size_t k = 0; k < allowed->count; k++)
			if (allowed->items[k].prefix.length)
				list_add(&sources, allowed->items[k].prefix,
					 allowed->items[k].where);
	}
	prefix_list_sort(&sources);
	return sources;
}

static void make_members(const struct maker *m)
{
	const struct mesh *mesh = m->mesh;
	struct prefix_list *members = &m->view->members;
	struct prefix_list sources = sources_of_peers(m);
	size_t count = 0;

	for (size_t i = 0; i < mesh->node_count; i++)
		count += prefixes_of(&mesh->nodes[i]);
	list_reserve(m->arena, members, count);
	for (size_t i = 0; i < mesh->node_count; i++)
		if (i != m->self && !mesh->nodes[i].disabled)
			add_node(m, members, &mesh->nodes[i]);
	prefix_list_sort(members);
	keep_covered(members, &sources);
}

static uint32_t setting_or(const struct setting *setting, uint32_t otherwise)
{
	return setting->where.source ? setting->value : otherwise;
}

static struct maker maker_of(struct arena *arena, const struct graph *graph,
			     const struct node *self, struct view *out)
{
	return (struct maker){ arena, graph, graph->mesh,
			       (uint32_t)(self - graph->mesh->nodes), out };
}

void view_of_ways(struct arena *arena, const struct graph *graph,
		  const struct node *self, struct view *out)
{
	struct maker m = maker_of(arena, graph, self, out);

	*out = (struct view){ .mesh = m.mesh, .self = self };
	out->listen_port = graph_listen_port(graph, m.self,
					     &out->listen_port_where);
	out->mtu = setting_or(&self->mtu, setting_or(&m.mesh->mtu, 0));
	out->fwmark = setting_or(&self->fwmark, 0);
	out->table = setting_or(&self->table, RT_TABLE_MAIN);
	out->vrf = self->vrf.name;
	prefix_list_connected(arena, &self->addresses, &out->connected);
	if (self->disabled)
		return;
	make_peers(&m);
	make_narrow(&m);
	/* A hub has to pass on what spokes send each other, and other hubs. */
	out->relays = graph_relays(graph, m.self);
	out->forwards4 = forwards(out, AF_INET);
	out->forwards6 = forwards(out, AF_INET6);
	make_routes(&m);
}

void view_of(struct arena *arena, const struct graph *graph,
	     const struct node *self, struct view *out)
{
	struct maker m = maker_of(arena, graph, self, out);

	view_of_ways(arena, graph, self, out);
	make_members(&m);
}

void view_make(struct arena *arena, const struct mesh *mesh,
	       const struct node *self, struct view *out)
{
	struct graph graph;

	graph_make(arena, mesh, &graph);
	view_of(arena, &graph, self, out);
}
