/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two meshes on one host: what both cannot have. */
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view.h"

struct pair {
	const struct view *a, *b;
	struct diags *diags;
};

static struct diag *clash(const struct pair *p, struct place a, struct place b,
			  const char *what)
{
	struct diag *diag;

	diag = diag_error(p->diags, a, "the meshes %s and %s, both on this "
			  "host, have %s", p->a->mesh->name, p->b->mesh->name,
			  what);
	diag->other = b;
	diag->other_message = "the other mesh has it here";
	return diag;
}

static struct place interface_place(const struct mesh *mesh)
{
	return mesh->interface_where.source ? mesh->interface_where :
		mesh->name_where;
}

/* Of the name of the mesh, as "interface" does not say another. */
static bool is_made(const struct mesh *mesh)
{
	return !mesh->interface_where.source;
}

static bool is_cut(const struct mesh *mesh)
{
	return is_made(mesh) &&
	       strlen(mesh->name) > strlen(mesh->interface) - strlen("wg-");
}

static void check_interface(const struct pair *p)
{
	const struct mesh *a = p->a->mesh, *b = p->b->mesh;
	struct diag *diag;

	if (strcmp(a->interface, b->interface) != 0)
		return;
	diag = clash(p, interface_place(a), interface_place(b),
		     arena_printf(p->diags->arena, "the interface %s",
				  a->interface));
	if (is_cut(a) || is_cut(b))
		diag->hint = "it is made of the mesh's name, cut to 15 bytes: "
			     "write \"interface\" in one of them";
	else if (is_made(a) || is_made(b))
		diag->hint = "it is made of the mesh's name: write "
			     "\"interface\" in one of them";
}

static void check_number(const struct pair *p, const char *what, uint32_t a,
			 struct place a_where, uint32_t b, struct place b_where)
{
	if (a && a == b)
		clash(p, a_where, b_where,
		      arena_printf(p->diags->arena, "%s %u", what,
				   (unsigned int)a));
}

/* A full tunnel has a table of its own, whose number is that of the mark. */
static uint32_t table_of(const struct view *view, struct place *where)
{
	*where = view->self->table.where;
	if (view_is_apart(view))
		return view->vrf ? 0 : view->table;
	*where = view->self->fwmark.where;
	return view->full4 || view->full6 ? view->fwmark : 0;
}

static void check_numbers(const struct pair *p)
{
	const struct view *a = p->a, *b = p->b;
	struct place a_where, b_where;
	uint32_t a_table = table_of(a, &a_where);
	uint32_t b_table = table_of(b, &b_where);

	check_number(p, "the listen port", a->listen_port,
		     a->listen_port_where, b->listen_port,
		     b->listen_port_where);
	check_number(p, "the mark", a->fwmark, a->self->fwmark.where,
		     b->fwmark, b->self->fwmark.where);
	/* Two equal marks have been told of. */
	if (!a->fwmark || a->fwmark != b->fwmark)
		check_number(p, "the routing table", a_table, a_where,
			     b_table, b_where);
}

static void check_full(const struct pair *p)
{
	static const char hint[] =
		"a host has one way to everything: give one of the meshes "
		"prefixes instead";

	if (p->a->full4 && p->b->full4)
		clash(p, p->a->full4_where, p->b->full4_where,
		      "a way to all of IPv4")->hint = hint;
	if (p->a->full6 && p->b->full6)
		clash(p, p->a->full6_where, p->b->full6_where,
		      "a way to all of IPv6")->hint = hint;
}

/* A prefix that is routed: by which mesh, and is it our own network there? */
struct routed {
	struct prefix prefix;
	struct place where;
	bool of_b, own;
};

struct routes {
	struct routed *items;
	size_t count, capacity;
};

static int routed_compare(const void *x, const void *y)
{
	const struct routed *a = x, *b = y;
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->of_b != b->of_b)
		return a->of_b - b->of_b;
	return place_compare(a->where, b->where);
}

static void add_list(struct arena *arena, struct routes *routes,
		     const struct prefix_list *list, bool of_b, bool own)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct placed_prefix *item = &list->items[i];

		if (!item->prefix.length)
			continue;
		arena_room(arena, &routes->items, routes->count,
			   &routes->capacity, sizeof(*routes->items));
		routes->items[routes->count++] = (struct routed){
			prefix_mask(item->prefix), item->where, of_b, own };
	}
}

static void add_view(struct arena *arena, struct routes *routes,
		     const struct view *view, bool of_b)
{
	const struct mesh *mesh = view->mesh;

	add_list(arena, routes, &mesh->overlay, of_b, false);
	for (size_t i = 0; i < mesh->node_count; i++)
		if (!mesh->nodes[i].disabled)
			add_list(arena, routes, &mesh->nodes[i].subnets, of_b,
				 &mesh->nodes[i] == view->self);
}

static void overlap(const struct pair *p, const struct routed *x,
		    const struct routed *y)
{
	const struct routed *a = x->of_b ? y : x, *b = x->of_b ? x : y;
	char a_text[PREFIX_TEXT_MAX], b_text[PREFIX_TEXT_MAX];

	prefix_format(&a->prefix, a_text);
	prefix_format(&b->prefix, b_text);
	clash(p, a->where, b->where,
	      arena_printf(p->diags->arena, "prefixes that overlap: %s and %s",
			   a_text, b_text));
}

/*
 * A network of our own may be offered to both meshes, or be the other mesh or
 * a part of it: this host is the gateway between them.  Each mesh by itself
 * has no overlaps, so at most one prefix of each is open at a time.
 */
static void check_prefixes(const struct pair *p)
{
	const struct routed *open[2] = { NULL, NULL };
	struct routes all = { 0 };

	add_view(p->diags->arena, &all, p->a, false);
	add_view(p->diags->arena, &all, p->b, true);
	items_sort(all.items, all.count, sizeof(*all.items), routed_compare);
	for (size_t i = 0; i < all.count; i++) {
		const struct routed *item = &all.items[i];
		const struct routed *other = open[!item->of_b];

		open[item->of_b] = item;
		if (other && prefix_covers(&other->prefix, &item->prefix) &&
		    !other->own && !item->own)
			overlap(p, other, item);
	}
}

int view_check_pair(const struct view *a, const struct view *b,
		    struct diags *diags)
{
	struct pair p = { a, b, diags };
	size_t before = diags->errors;

	check_interface(&p);
	check_numbers(&p);
	/* In another VRF the same prefix is another network. */
	if (strcmp(a->vrf ? a->vrf : "", b->vrf ? b->vrf : "") == 0) {
		check_full(&p);
		check_prefixes(&p);
	}
	return diags->errors == before ? 0 : -1;
}
