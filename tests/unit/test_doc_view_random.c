/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for the views of every mesh, seen in random ones. */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/topology.h"
#include "doc/view.h"
#include "support/check.h"
#include "support/mesh.h"
#include "support/random.h"
#include "support/texts.h"

#define ROUNDS 150
#define NODES 7

static struct arena *arena;

/* Node N of a random mesh, before it is written. */
struct shape {
	enum topology topology;
	unsigned int nodes, hubs;
	bool disabled[NODES], v4[NODES], v6[NODES], subnets[NODES];
	int exit;	/* -1: none */
};

static struct shape random_shape(struct random *r)
{
	struct shape s = { .topology = random_below(r, 3), .exit = -1 };

	s.nodes = 2 + random_below(r, NODES - 1);
	s.hubs = s.topology != TOPOLOGY_HUB_SPOKE ? 0 :
		 1 + random_below(r, s.nodes < 3 ? s.nodes : 3);
	for (unsigned int i = 0; i < s.nodes; i++) {
		s.disabled[i] = i >= s.hubs && random_chance(r, 15);
		s.v4[i] = random_chance(r, 80);
		s.v6[i] = !s.v4[i] || random_chance(r, 70);
		s.subnets[i] = random_chance(r, 60);
	}
	if (random_chance(r, 30))
		s.exit = (int)random_below(r, s.nodes);
	return s;
}

/* Every node but the first of a full mesh has an endpoint, and each hub. */
static void add_node(struct sbuf *out, const struct shape *s, unsigned int i,
		     struct random *r)
{
	sbuf_printf(out, "%s'n%u': {'public_key': '@%u', 'addresses': [",
		    i ? ", " : "", i, i + 1);
	if (s->v4[i])
		sbuf_printf(out, "'10.0.0.%u'%s", i + 1, s->v6[i] ? "," : "");
	if (s->v6[i])
		sbuf_printf(out, "'fd00::%u'", i + 1);
	sbuf_puts(out, "], 'subnets': [");
	if (s->subnets[i])
		sbuf_printf(out, "'172.16.%u.0/24', 'fd00:%u::/64'%s", i,
			    i + 1, s->exit == (int)i ? "," : "");
	if (s->exit == (int)i)
		sbuf_puts(out, "'0.0.0.0/0', '::/0'");
	sbuf_printf(out, "], 'disabled': %s, 'labels': ['l%u', 'all']",
		    s->disabled[i] ? "true" : "false", i % 2);
	if (s->topology == TOPOLOGY_HUB_SPOKE ? i < s->hubs : i > 0)
		sbuf_printf(out, ", 'endpoint': '192.0.2.%u'", i + 1);
	if (i >= s->hubs && s->hubs)
		sbuf_printf(out, ", 'hub': 'n%u'", random_below(r, s->hubs));
	if (random_chance(r, 20))
		sbuf_printf(out, ", 'table': %u", 100 + i);
	sbuf_puts(out, "}");
}

static const struct mesh *random_mesh(struct random *r, struct shape *shape)
{
	static const char *const links[] = {
		"['label:all', 'label:all']", "['label:l0', 'label:l1']",
		"['n0', 'n1']", "['label:l1', 'label:l1']",
	};
	static const char *const names[] = { "full-mesh", "hub-spoke",
					     "custom" };
	struct shape s = random_shape(r);
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_printf(&out, "{'meshapply': 1, 'mesh': 'm', 'topology': '%s',"
		    "'overlay': ['10.0.0.0/24', 'fd00::/64'],",
		    names[s.topology]);
	for (unsigned int i = 0; i < s.hubs; i++)
		sbuf_printf(&out, i ? ",'n%u'" : "'hubs': ['n%u'", i);
	if (s.hubs)
		sbuf_puts(&out, "],");
	if (s.topology == TOPOLOGY_CUSTOM)
		sbuf_printf(&out, "'links': [{'between': %s}],",
			    links[random_below(r, array_size(links))]);
	sbuf_puts(&out, "'nodes': {");
	for (unsigned int i = 0; i < s.nodes; i++)
		add_node(&out, &s, i, r);
	sbuf_puts(&out, "}}");
	*shape = s;
	return mesh_of(arena, out.data);
}

/* Sorted, and no prefix under two peers, but one of them twice never. */
static void no_prefix_twice(const struct view *view)
{
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct prefix_list *a = &view->peers[i].allowed;

		for (size_t k = 1; k < a->count; k++)
			ck_assert_int_lt(prefix_compare(
				&a->items[k - 1].prefix,
				&a->items[k].prefix), 0);
		for (size_t j = 0; j < i; j++) {
			const struct prefix_list *b = &view->peers[j].allowed;

			for (size_t k = 0; k < a->count; k++)
				for (size_t n = 0; n < b->count; n++)
					ck_assert(prefix_compare(
						&a->items[k].prefix,
						&b->items[n].prefix));
		}
	}
}

/* Of a family it neither has an address of nor forwards, nothing is its. */
static bool uses(const struct view *view, uint8_t family)
{
	const struct prefix_list *own = &view->self->addresses;

	for (size_t i = 0; i < own->count; i++)
		if (own->items[i].prefix.ip.family == family)
			return true;
	return family == AF_INET ? view->forwards4 : view->forwards6;
}

static bool is_routed(const struct view *view, const struct prefix *p)
{
	const struct node *self = view->self;

	if (!p->length)
		return p->ip.family == AF_INET ? view->full4 : view->full6;
	for (size_t i = 0; i < view->routes.count; i++)
		if (!prefix_compare(&view->routes.items[i].prefix, p))
			return true;
	for (size_t i = 0; i < self->addresses.count; i++)
		if (view->table == RT_TABLE_MAIN &&
		    prefix_covers(&self->addresses.items[i].prefix, p))
			return true;
	return false;
}

/* All that is allowed has a way, and nothing else has. */
static void ways_fit(const struct view *view)
{
	size_t covered = 0;

	for (size_t i = 0; i < view->peer_count; i++) {
		const struct prefix_list *a = &view->peers[i].allowed;

		for (size_t k = 0; k < a->count; k++) {
			const struct prefix *p = &a->items[k].prefix;

			ck_assert_int_eq(is_routed(view, p), uses(view,
				p->ip.family));
			for (size_t n = 0; n < view->routes.count; n++)
				if (!prefix_compare(p, &view->routes.items[n]
						    .prefix))
					covered++;
		}
	}
	ck_assert_uint_eq(covered, view->routes.count);
}

static bool is_of(const struct node *node, const struct prefix *p)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		if (p->length == ip_bits(p->ip.family) &&
		    !ip_compare(&node->addresses.items[i].prefix.ip, &p->ip))
			return true;
	for (size_t i = 0; i < node->subnets.count; i++)
		if (!prefix_compare(&node->subnets.items[i].prefix, p))
			return true;
	return false;
}

static void no_disabled(const struct view *view)
{
	const struct mesh *mesh = view->mesh;

	for (size_t n = 0; n < mesh->node_count; n++) {
		const struct node *node = &mesh->nodes[n];

		if (!node->disabled)
			continue;
		for (size_t i = 0; i < view->peer_count; i++) {
			const struct view_peer *peer = &view->peers[i];

			ck_assert_ptr_ne(peer->node, node);
			for (size_t k = 0; k < peer->allowed.count; k++)
				ck_assert(!is_of(node, &peer->allowed.items[k]
						 .prefix));
		}
		for (size_t i = 0; i < view->routes.count; i++)
			ck_assert(!is_of(node, &view->routes.items[i].prefix));
		for (size_t i = 0; i < view->members.count; i++)
			ck_assert(!is_of(node, &view->members.items[i].prefix));
	}
}

static const struct view_peer *peer_of(const struct view *view,
				       const struct node *node)
{
	for (size_t i = 0; i < view->peer_count; i++)
		if (view->peers[i].node == node)
			return &view->peers[i];
	return NULL;
}

/* Whom I have has me, by the same link, and one of us begins. */
static void both_sides(const struct view *views, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < views[i].peer_count; k++) {
			const struct view_peer *peer = &views[i].peers[k];
			size_t other = (size_t)(peer->node -
						views[i].mesh->nodes);
			const struct view_peer *back =
				peer_of(&views[other], views[i].self);

			ck_assert_ptr_nonnull(back);
			ck_assert_ptr_eq(back->link, peer->link);
			ck_assert(peer->endpoint || back->endpoint);
			ck_assert(!peer->endpoint || peer->endpoint_port);
		}
}

/* By the topology alone, whether enabled or not. */
static bool joins(const struct graph *g, uint32_t a, uint32_t b)
{
	switch (g->mesh->topology) {
	case TOPOLOGY_FULL_MESH:
		return a != b;
	case TOPOLOGY_HUB_SPOKE:
		return true;	/* hubs relay */
	case TOPOLOGY_CUSTOM:
		return graph_link(g, a, b) != NULL;
	}
	return false;
}

/* A mesh that says of each pair and subnet whether it is to be reached. */
static struct mesh with_tests(const struct mesh *mesh, const struct shape *s)
{
	struct mesh out = *mesh;
	struct graph graph;

	graph_make(arena, mesh, &graph);
	out.tests = arena_new_array(arena, struct mesh_test, 1000);
	for (uint32_t i = 0; i < s->nodes; i++)
		for (uint32_t k = 0; k < s->nodes; k++) {
			const struct node *a = &mesh->nodes[i];
			const struct node *b = &mesh->nodes[k];
			struct mesh_test test = { .from.name = a->name,
						  .to.name = b->name };
			bool enabled = !s->disabled[i] && !s->disabled[k];
			bool joined = joins(&graph, i, k);

			if (i == k)
				continue;
			test.where = a->where;
			test.reachable = enabled && joined &&
				((s->v4[i] && s->v4[k]) ||
				 (s->v6[i] && s->v6[k]));
			out.tests[out.test_count++] = test;
			if (!s->subnets[i] || !s->subnets[k])
				continue;
			test.reachable = enabled && joined;
			test.from.name = arena_printf(arena, "172.16.%u.9", i);
			test.to.name = arena_printf(arena, "172.16.%u.9", k);
			out.tests[out.test_count++] = test;
			test.from.name = arena_printf(arena, "fd00:%u::9",
						      i + 1);
			test.to.name = arena_printf(arena, "fd00:%u::9",
						    k + 1);
			out.tests[out.test_count++] = test;
		}
	return out;
}

/* The exit takes what is nobody's; so also what a disabled node has. */
static void all_reach(const struct mesh *mesh, const struct shape *s)
{
	struct mesh tested = with_tests(mesh, s);
	struct diags diags;

	if (s->exit >= 0)
		for (size_t i = 0; i < tested.test_count;) {
			if (tested.tests[i].reachable)
				i++;
			else
				tested.tests[i] =
					tested.tests[--tested.test_count];
		}
	diags_init(&diags, arena);
	ck_assert_msg(!mesh_test(arena, &tested, &diags), "%s%s",
		      diags_lines(arena, &diags), mesh->source->text.data);
}

START_TEST(random_meshes)
{
	struct random random = { 20 };
	unsigned int seen[3] = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		struct shape shape;
		const struct mesh *mesh;
		struct view *views;

		arena = arena_new((size_t)1 << 30);
		mesh = random_mesh(&random, &shape);
		seen[shape.topology]++;
		views = arena_new_array(arena, struct view, mesh->node_count);
		for (size_t i = 0; i < mesh->node_count; i++) {
			view_make(arena, mesh, &mesh->nodes[i], &views[i]);
			no_prefix_twice(&views[i]);
			ways_fit(&views[i]);
			no_disabled(&views[i]);
			if (mesh->nodes[i].disabled)
				ck_assert_uint_eq(views[i].peer_count, 0);
		}
		both_sides(views, mesh->node_count);
		all_reach(mesh, &shape);
		arena_free(arena);
	}
	for (size_t i = 0; i < array_size(seen); i++)
		ck_assert_uint_gt(seen[i], ROUNDS / 6);
}
END_TEST

/* MESH with ways to everything and marks thrown in, however wrong. */
static struct mesh with_exits(struct random *r, const struct mesh *mesh)
{
	struct mesh out = *mesh;

	out.nodes = arena_copy(arena, mesh->nodes,
			       mesh->node_count * sizeof(*mesh->nodes));
	for (size_t i = 0; i < out.node_count; i++) {
		struct node *node = &out.nodes[i];

		for (size_t k = 0; k < node->subnets.count; k++)
			if (!node->subnets.items[k].prefix.length)
				node->subnets.count = k--;
		if (random_chance(r, 30)) {
			node->subnets.capacity = node->subnets.count;
			arena_room(arena, &node->subnets.items,
				   node->subnets.count,
				   &node->subnets.capacity,
				   sizeof(*node->subnets.items));
			node->subnets.items[node->subnets.count++] =
				(struct placed_prefix){
					.prefix.ip.family = AF_INET,
					.where = node->where };
		}
		if (random_chance(r, 20))
			node->fwmark = (struct setting){ 254, node->where };
	}
	return out;
}

static size_t full_peers(const struct view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->peer_count; i++)
		for (size_t k = 0; k < view->peers[i].allowed.count; k++)
			if (!view->peers[i].allowed.items[k].prefix.length)
				count++;
	return count;
}

/* The checks of exits and marks against what views really have. */
static unsigned int exits_agree(const struct mesh *mesh)
{
	bool two_ways = false, mark = false;
	struct diags diags;
	const char *said;

	for (size_t i = 0; i < mesh->node_count; i++) {
		struct view view;

		view_make(arena, mesh, &mesh->nodes[i], &view);
		two_ways |= full_peers(&view) > 1;
		mark |= view.full4 && view.fwmark &&
			view.table == RT_TABLE_MAIN;
	}
	diags_init(&diags, arena);
	(void)!mesh_check(arena, mesh, &diags);
	said = diags_lines(arena, &diags);
	ck_assert_msg(!strstr(said, "two ways") == !two_ways &&
		      !strstr(said, "fwmark is") == !mark, "%d %d\n%s%s",
		      two_ways, mark, said, mesh->source->text.data);
	return (unsigned int)two_ways + 2 * (unsigned int)mark;
}

START_TEST(random_exits)
{
	struct random random = { 21 };
	unsigned int seen[4] = { 0 };

	for (int round = 0; round < 4 * ROUNDS; round++) {
		struct shape shape;
		struct mesh mesh;

		arena = arena_new((size_t)1 << 30);
		mesh = with_exits(&random, random_mesh(&random, &shape));
		seen[exits_agree(&mesh)]++;
		arena_free(arena);
	}
	for (size_t i = 0; i < array_size(seen); i++)
		ck_assert_uint_gt(seen[i], ROUNDS / 10);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(random_meshes), CHECK_CASE(random_exits),
	};

	return check_run("doc_view_random", cases, array_size(cases));
}
