/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "tests" of a document: a packet's way from node to node, by the allowed IPs
 * and routes that the nodes' views have, and the way of the answer.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view_private.h"

#define HOPS_MAX 32
/* Views are kept while they fit; ten thousand of a full mesh would not, so
   tests are run by where they begin. */
#define KEPT_MAX ((size_t)256 << 20)
#define SPACE ((uint64_t)8 << 30)	/* of addresses, not memory */

struct reach {
	struct arena *arena;	/* of views, emptied when it is full */
	size_t mark;
	const struct mesh *mesh;
	struct graph graph;
	struct view **views;	/* by node; NULL: not made, or dropped */
	struct arena *words;	/* what messages are made of */
	struct diags *diags;
};

struct packet {
	struct ip source, destination;
};

/* Where a packet ends: OK, or WHY not. */
struct journey {
	bool ok;
	uint32_t at;
	const char *why;
};

static const struct view *view_at(struct reach *r, uint32_t node)
{
	struct view *view = r->views[node];

	if (view)
		return view;
	view = arena_new_object(r->arena, struct view);
	view_of_ways(r->arena, &r->graph, &r->mesh->nodes[node], view);
	r->views[node] = view;
	return view;
}

/* Between two packets, when nobody holds a view. */
static void views_trim(struct reach *r)
{
	if (arena_used(r->arena) < KEPT_MAX)
		return;
	memset(r->views, 0, r->mesh->node_count * sizeof(*r->views));
	arena_reset(r->arena, r->mark);
}

static const char *ip_text(struct reach *r, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	return arena_strdup(r->words, ip_format(ip, text));
}

/* The length of the longest of LIST that has IP; -1: none has. */
static int longest(const struct prefix_list *list, const struct ip *ip)
{
	int best = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct prefix *p = &list->items[i].prefix;

		if (p->length > best && prefix_has(p, ip))
			best = p->length;
	}
	return best;
}

static bool has_address(const struct node *node, const struct ip *ip)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		if (!ip_compare(&node->addresses.items[i].prefix.ip, ip))
			return true;
	return false;
}

/* The longest way out by the device of the mesh. */
static int route_length(const struct view *view, const struct ip *ip)
{
	bool full = ip->family == AF_INET ? view->full4 : view->full6;
	int best = longest(&view->routes, ip);
	int length = longest(&view->connected, ip);

	if (length > best)
		best = length;
	return best < 0 && full ? 0 : best;
}

/* Whose allowed IPs have IP by the longest prefix, as WireGuard looks. */
static const struct view_peer *peer_for(const struct view *view,
					const struct ip *ip)
{
	const struct view_peer *found = NULL;
	int best = -1;

	for (size_t i = 0; i < view->peer_count; i++) {
		int length = longest(&view->peers[i].allowed, ip);

		if (length <= best)
			continue;
		best = length;
		found = &view->peers[i];
	}
	return found;
}

static bool forwards(const struct view *view, const struct ip *ip)
{
	return ip->family == AF_INET ? view->forwards4 : view->forwards6;
}

static struct journey ends(uint32_t at, const char *why)
{
	return (struct journey){ .at = at, .why = why };
}

/*
 * Does VIEW's node keep the packet?  True with *OUT set if this is where the
 * way ends, well or not.
 */
static bool is_kept(struct reach *r, const struct view *view, uint32_t at,
		    const struct packet *p, struct journey *out)
{
	int own = longest(&view->self->subnets, &p->destination);

	*out = (struct journey){ .ok = true, .at = at };
	if (has_address(view->self, &p->destination))
		return true;
	if (own < 0 || own < route_length(view, &p->destination))
		return false;
	if (!forwards(view, &p->destination))
		*out = ends(at, arena_printf(r->words, "%s does not forward "
					     "to its subnets",
					     view->self->name));
	return true;
}

/* NULL, or why WHO cannot send out what it did not make itself. */
static const char *not_forwarded(struct reach *r, const struct view *view,
				 const struct packet *p, bool from_mesh)
{
	if (!from_mesh && has_address(view->self, &p->source))
		return NULL;
	if (forwards(view, &p->source) && (!from_mesh || view->relays))
		return NULL;
	return arena_printf(r->words, "%s does not pass on what others send",
			    view->self->name);
}

/* From FROM over the tunnel to PEER: NULL, or why it does not get there. */
static const char *not_taken(struct reach *r, const struct view *from,
			     const struct view_peer *peer,
			     const struct view *to, const struct ip *source)
{
	const struct view_peer *back = peer_for(to, source);

	if (!back || back->node != from->self)
		return arena_printf(r->words, "%s drops it: %s is not among "
				    "the allowed IPs it has for %s",
				    to->self->name, ip_text(r, source),
				    from->self->name);
	if (!peer->endpoint && !back->endpoint)
		return arena_printf(r->words, "%s and %s can never meet: "
				    "neither has an endpoint",
				    from->self->name, to->self->name);
	return NULL;
}

static struct journey travel(struct reach *r, uint32_t at,
			     const struct packet *p)
{
	for (unsigned int hop = 0; hop < HOPS_MAX; hop++) {
		const struct view *view = view_at(r, at), *next;
		const struct view_peer *peer;
		struct journey journey;
		const char *why;

		if (is_kept(r, view, at, p, &journey))
			return journey;
		if (view->self->disabled)
			return ends(at, arena_printf(r->words, "%s is disabled",
						     view->self->name));
		why = not_forwarded(r, view, p, hop > 0);
		if (why)
			return ends(at, why);
		if (route_length(view, &p->destination) < 0)
			return ends(at, arena_printf(r->words,
				"%s has no route to %s", view->self->name,
				ip_text(r, &p->destination)));
		peer = peer_for(view, &p->destination);
		if (!peer)
			return ends(at, arena_printf(r->words,
				"%s has no peer for %s", view->self->name,
				ip_text(r, &p->destination)));
		at = (uint32_t)(peer->node - r->mesh->nodes);
		next = view_at(r, at);
		why = not_taken(r, view, peer, next, &p->source);
		if (why)
			return ends(at, why);
	}
	return ends(at, arena_printf(r->words, "it goes round in circles, "
				     "also through %s",
				     r->mesh->nodes[at].name));
}

/* There, and the answer back; NULL, or why not. */
static const char *round_trip(struct reach *r, uint32_t from,
			      const struct packet *p)
{
	struct packet answer = { p->destination, p->source };
	struct journey there, back;

	views_trim(r);
	there = travel(r, from, p);
	if (!there.ok)
		return there.why;
	back = travel(r, there.at, &answer);
	if (!back.ok)
		return arena_printf(r->words, "the answer is lost: %s",
				    back.why);
	if (back.at != from)
		return arena_printf(r->words, "the answer ends at %s",
				    r->mesh->nodes[back.at].name);
	return NULL;
}

/* One end of a test: a node, and an address if one was written. */
struct test_end {
	uint32_t node;
	struct ip ip;		/* family 0: the node's addresses count */
};

/* Who has IP: as an address, or in the longest subnet. */
static uint32_t owner_of(const struct mesh *mesh, const struct ip *ip)
{
	uint32_t found = GRAPH_NONE;
	int best = -1;

	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];
		int length = has_address(node, ip) ? 128 + 1 :
			     longest(&node->subnets, ip);

		if (length <= best)
			continue;
		best = length;
		found = (uint32_t)i;
	}
	return found;
}

static struct test_end end_of(const struct mesh *mesh,
			      const struct placed_name *name)
{
	struct test_end end = { .node = GRAPH_NONE };

	if (ip_parse(str_of(name->name), &end.ip) < 0)
		end.node = graph_node(mesh, name->name);
	else
		end.node = owner_of(mesh, &end.ip);
	return end;
}

/* The address of FAMILY by which END takes part; false: it has none. */
static bool end_address(const struct mesh *mesh, const struct test_end *end,
			uint8_t family, struct ip *out)
{
	const struct placed_prefix *address;

	if (end->ip.family) {
		*out = end->ip;
		return end->ip.family == family;
	}
	address = list_first(&mesh->nodes[end->node].addresses, family);
	if (address)
		*out = address->prefix.ip;
	return address != NULL;
}

static void complain(struct reach *r, const struct mesh_test *test,
		     const char *why)
{
	if (why)
		diag_error(r->diags, test->where, "%s does not reach %s: %s",
			   test->from.name, test->to.name, why);
	else
		diag_error(r->diags, test->where, "%s reaches %s, and is not "
			   "to", test->from.name, test->to.name);
}

/* Between two nodes each family that both have is tried. */
static void try(struct reach *r, const struct mesh_test *test,
		const struct test_end *from, const struct test_end *to)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	bool tried = false;

	for (size_t i = 0; i < array_size(families); i++) {
		struct packet p;
		const char *why;

		if (!end_address(r->mesh, from, families[i], &p.source) ||
		    !end_address(r->mesh, to, families[i], &p.destination))
			continue;
		tried = true;
		why = round_trip(r, from->node, &p);
		if (!why != test->reachable) {
			complain(r, test, why);
			return;
		}
	}
	if (!tried && test->reachable)
		complain(r, test, "they have no address of one family");
}

struct run {
	const struct mesh_test *test;
	struct test_end from, to;
};

static void run(struct reach *r, const struct run *run)
{
	const struct mesh_test *test = run->test;

	if (run->from.node == GRAPH_NONE) {
		diag_error(r->diags, test->from.where, "no node has %s",
			   test->from.name)->hint =
			"a test begins at a node, at its address, or in one "
			"of its subnets";
		return;
	}
	if (run->to.node == GRAPH_NONE && !run->to.ip.family) {
		diag_error(r->diags, test->to.where, "there is no node %s",
			   test->to.name);
		return;
	}
	try(r, test, &run->from, &run->to);
}

/* By the two nodes whose views are wanted, then as they stand. */
static int run_compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->from.node != y->from.node)
		return x->from.node < y->from.node ? -1 : 1;
	if (x->to.node != y->to.node)
		return x->to.node < y->to.node ? -1 : 1;
	return (x->test > y->test) - (x->test < y->test);
}

static void run_all(struct reach *r)
{
	const struct mesh *mesh = r->mesh;
	struct run *runs = arena_new_array(r->words, struct run,
					   mesh->test_count);

	for (size_t i = 0; i < mesh->test_count; i++)
		runs[i] = (struct run){
			.test = &mesh->tests[i],
			.from = end_of(mesh, &mesh->tests[i].from),
			.to = end_of(mesh, &mesh->tests[i].to),
		};
	items_sort(runs, mesh->test_count, sizeof(*runs), run_compare);
	for (size_t i = 0; i < mesh->test_count; i++)
		run(r, &runs[i]);
}

int mesh_test(struct arena *arena, const struct mesh *mesh,
	      struct diags *diags)
{
	struct arena *views cleanup_(arena_freep) = NULL;
	struct reach r = { .mesh = mesh, .words = arena, .diags = diags };
	size_t before = diags->errors;

	if (!mesh->test_count)
		return 0;
	views = arena_new(SPACE);
	r.arena = views;
	graph_make(arena, mesh, &r.graph);
	r.views = arena_new_array(arena, struct view *, mesh->node_count);
	r.mark = arena_mark(views);
	run_all(&r);
	return diags->errors == before ? 0 : -1;
}
