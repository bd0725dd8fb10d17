/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view as templates see it, meshapply-template(5).  Nothing is decided here
 * but how a value is written; what is left out is false, so that a section of
 * its name is not rendered.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/topology.h"
#include "doc/view.h"
#include "render/value.h"
#include "state/firewall.h"

struct writer {
	struct arena *arena;
	const struct view *view;
	struct value *out;	/* the object that is being filled */
};

static void set(const struct writer *w, const char *name, struct value *value)
{
	value_set(w->arena, w->out, name, value);
}

static void set_string(const struct writer *w, const char *name,
		       const char *string)
{
	set(w, name, value_string(w->arena, string));
}

static void set_bool(const struct writer *w, const char *name, bool truth)
{
	set(w, name, value_bool(w->arena, truth));
}

/* 0 is false. */
static void set_number(const struct writer *w, const char *name,
		       uint64_t number, struct place where)
{
	if (number)
		set(w, name, value_at(value_number(w->arena, number), where));
	else
		set_bool(w, name, false);
}

static struct value *text_at(const struct writer *w, const char *text,
			     struct place where)
{
	return value_text_at(w->arena, str_of(arena_strdup(w->arena, text)),
			     where);
}

static struct value *prefix_value(const struct writer *w,
				  const struct placed_prefix *item)
{
	char text[PREFIX_TEXT_MAX];

	return text_at(w, prefix_format(&item->prefix, text), item->where);
}

/* One address is written without its length: it is an element of a set. */
static struct value *element_value(const struct writer *w,
				   const struct placed_prefix *item)
{
	char text[IP_TEXT_MAX];

	if (item->prefix.length != ip_bits(item->prefix.ip.family))
		return prefix_value(w, item);
	return text_at(w, ip_format(&item->prefix.ip, text), item->where);
}

/* What a set of addresses of FAMILY is to hold, or false: no elements. */
static struct value *set_value(const struct writer *w,
			       const struct prefix_list *list, uint8_t family)
{
	struct value *elements = value_list(w->arena), *out;
	bool some = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct prefix *p = &list->items[i].prefix;

		if (p->ip.family != family || !p->length)
			continue;
		value_add(w->arena, elements,
			  element_value(w, &list->items[i]));
		some = true;
	}
	if (!some)
		return value_bool(w->arena, false);
	out = value_object(w->arena);
	value_set(w->arena, out, "elements", elements);
	return out;
}

static struct value *address_values(const struct writer *w)
{
	const struct prefix_list *from = &w->view->self->addresses;
	struct value *list = value_list(w->arena);

	for (size_t i = 0; i < from->count; i++) {
		const struct placed_prefix *item = &from->items[i];
		struct writer one = { w->arena, w->view,
				      value_object(w->arena) };
		char text[IP_TEXT_MAX];

		set(&one, "prefix", prefix_value(w, item));
		set(&one, "address",
		    text_at(w, ip_format(&item->prefix.ip, text),
			    item->where));
		set_bool(&one, "ipv4", item->prefix.ip.family == AF_INET);
		set_bool(&one, "ipv6", item->prefix.ip.family == AF_INET6);
		value_add(w->arena, list, one.out);
	}
	return list;
}

static struct value *prefix_values(const struct writer *w,
				   const struct prefix_list *from)
{
	struct value *list = value_list(w->arena);

	for (size_t i = 0; i < from->count; i++)
		value_add(w->arena, list, prefix_value(w, &from->items[i]));
	return list;
}

static struct value *endpoint_value(const struct writer *w,
				    const struct view_peer *peer)
{
	const struct node_endpoint *e = peer->endpoint;
	struct endpoint endpoint = { .port = peer->endpoint_port };
	char text[ENDPOINT_TEXT_MAX];

	if (!e)
		return value_bool(w->arena, false);
	if (e->host)
		return text_at(w, arena_printf(w->arena, "%s:%u", e->host,
					       peer->endpoint_port), e->where);
	endpoint.ip = e->ip;
	return text_at(w, endpoint_format(&endpoint, text), e->where);
}

static struct value *preshared_value(const struct writer *w,
				     const struct mesh_link *link)
{
	if (!link || !link->preshared_key_file)
		return value_bool(w->arena, false);
	return value_at(value_string(w->arena, link->preshared_key_file),
			link->preshared_where);
}

/* What none means needs no line. */
static struct value *policy_value(const struct writer *w,
				  const struct view_peer *peer)
{
	if (peer->endpoint_policy == ENDPOINT_ROAM)
		return value_bool(w->arena, false);
	return value_string(w->arena,
			    endpoint_policy_words[peer->endpoint_policy]);
}

static struct value *peer_value(const struct writer *w,
				const struct view_peer *peer)
{
	const struct node *node = peer->node;
	struct writer one = { w->arena, w->view, value_object(w->arena) };
	char key[KEY_TEXT_MAX];

	set(&one, "name",
	    value_at(value_string(w->arena, node->name), node->where));
	set(&one, "public_key",
	    text_at(w, key_format(&node->public_key, key), node->key_where));
	set(&one, "preshared_key_file", preshared_value(w, peer->link));
	set(&one, "allowed_ips", prefix_values(w, &peer->allowed));
	set(&one, "endpoint", endpoint_value(w, peer));
	set(&one, "endpoint_policy", policy_value(w, peer));
	set_number(&one, "keepalive", peer->keepalive, node->where);
	return one.out;
}

static struct value *peer_values(const struct writer *w)
{
	struct value *list = value_list(w->arena);

	for (size_t i = 0; i < w->view->peer_count; i++)
		value_add(w->arena, list, peer_value(w, &w->view->peers[i]));
	return list;
}

static void set_names(const struct writer *w)
{
	const struct mesh *mesh = w->view->mesh;
	const struct node *self = w->view->self;

	set(w, "mesh", value_at(value_string(w->arena, mesh->name),
				mesh->name_where));
	set(w, "node", value_at(value_string(w->arena, self->name),
				self->where));
	set(w, "interface", value_at(value_string(w->arena, mesh->interface),
				     mesh->interface_where.source ?
				     mesh->interface_where :
				     mesh->name_where));
	set_string(w, "private_key_file",
		   arena_printf(w->arena, "%s.key", mesh->name));
}

/*
 * A whole family goes by the tunnel: of the table main by a table and rules of
 * its own, which need a mark; of another table by a default route there.
 */
static bool is_full(const struct view *view, bool full)
{
	return full && !view_is_apart(view);
}

static void set_device(const struct writer *w)
{
	const struct view *view = w->view;
	const struct node *self = view->self;
	bool full = is_full(view, view->full4 || view->full6);

	if (view->vrf)
		set(w, "vrf", value_at(value_string(w->arena, view->vrf),
				       self->vrf.where));
	else
		set_bool(w, "vrf", false);
	set(w, "addresses", address_values(w));
	set_number(w, "listen_port", view->listen_port,
		   view->listen_port_where);
	set_bool(w, "automatic_mark", full && !view->fwmark);
	if (full && !view->fwmark)
		set_string(w, "fwmark", "auto");
	else
		set_number(w, "fwmark", view->fwmark, self->fwmark.where);
	set_number(w, "mtu", view->mtu, self->mtu.where.source ?
		   self->mtu.where : view->mesh->mtu.where);
	set_bool(w, "forwards4", view->forwards4);
	set_bool(w, "forwards6", view->forwards6);
	set(w, "peers", peer_values(w));
}

/* IPv6's header and TCP's, or IPv4's, RFC 9293 section 3.7.1. */
static uint32_t segment(uint32_t mtu, uint8_t family)
{
	return mtu - (family == AF_INET6 ? 60 : 40);
}

static void add_route(const struct writer *w, struct value *routes,
		      const struct placed_prefix *item, const char *table)
{
	struct writer one = { w->arena, w->view, value_object(w->arena) };
	uint32_t mtu = view_route_mtu(w->view, &item->prefix);
	struct place where = item->where;

	set(&one, "prefix", prefix_value(w, item));
	if (table)
		set_string(&one, "table", table);
	else
		set_bool(&one, "table", false);
	set_number(&one, "mtu", mtu, where);
	set_number(&one, "advmss",
		   mtu ? segment(mtu, item->prefix.ip.family) : 0, where);
	value_add(w->arena, routes, one.out);
}

static void add_default(const struct writer *w, struct value *routes,
			uint8_t family, struct place where, const char *table)
{
	struct placed_prefix whole = { .prefix.ip.family = family,
				       .where = where };

	add_route(w, routes, &whole, table);
}

/* The table of all routes, or NULL: main. */
static const char *table_text(const struct writer *w)
{
	const struct view *view = w->view;

	if (view->vrf)
		return "auto";
	return view->table == RT_TABLE_MAIN ? NULL :
		arena_printf(w->arena, "%u", (unsigned int)view->table);
}

/* That of a full tunnel: its own, as the mark has it, or that of all. */
static const char *whole_table(const struct writer *w)
{
	const struct view *view = w->view;

	if (view_is_apart(view))
		return table_text(w);
	return view->fwmark ? arena_printf(w->arena, "%u",
					   (unsigned int)view->fwmark) : "auto";
}

static void set_network(const struct writer *w)
{
	const struct view *view = w->view;
	struct value *routes = value_list(w->arena);

	for (size_t i = 0; i < view->routes.count; i++)
		add_route(w, routes, &view->routes.items[i], table_text(w));
	if (view->full4)
		add_default(w, routes, AF_INET, view->full4_where,
			    whole_table(w));
	if (view->full6)
		add_default(w, routes, AF_INET6, view->full6_where,
			    whole_table(w));
	set(w, "routes", routes);
	set_number(w, "table", view->table == RT_TABLE_MAIN ? 0 : view->table,
		   view->self->table.where);
	set_bool(w, "full", is_full(view, view->full4 || view->full6));
	set_bool(w, "full4", is_full(view, view->full4));
	set_bool(w, "full6", is_full(view, view->full6));
}

/* The order in which they are written says nothing. */
static struct prefix_list sorted(struct arena *arena,
				 const struct prefix_list *from)
{
	struct prefix_list out = { .count = from->count };

	if (!from->count)
		return out;
	out.items = arena_copy(arena, from->items,
			       from->count * sizeof(*from->items));
	items_sort(out.items, out.count, sizeof(*out.items),
		   placed_prefix_compare);
	return out;
}

/*
 * Whom the rules of a family are to tell apart: nobody where the node neither
 * has an address nor forwards, for then no member comes and none is reached.
 */
static struct value *members_value(const struct writer *w, uint8_t family,
				   bool forwards)
{
	const struct view *view = w->view;

	return forwards || list_first(&view->self->addresses, family) ?
		set_value(w, &view->members, family) :
		value_bool(w->arena, false);
}

static void set_firewall(const struct writer *w)
{
	const struct view *view = w->view;
	struct prefix_list subnets = sorted(w->arena, &view->self->subnets);

	set_bool(w, "firewall", view->mesh->firewall);
	set_string(w, "firewall_table",
		   firewall_table_name(w->arena, view->mesh->name));
	set(w, "members4", members_value(w, AF_INET, view->forwards4));
	set(w, "members6", members_value(w, AF_INET6, view->forwards6));
	set_bool(w, "any_source4", view->full4);
	set_bool(w, "any_source6", view->full6);
	set(w, "subnets4", set_value(w, &subnets, AF_INET));
	set(w, "subnets6", set_value(w, &subnets, AF_INET6));
	set_bool(w, "exit4", node_exit(view->self, AF_INET));
	set_bool(w, "exit6", node_exit(view->self, AF_INET6));
	set_bool(w, "relays", view->relays);
}

const struct value *view_values(struct arena *arena, const struct view *view)
{
	struct writer w = { arena, view, value_object(arena) };

	set_names(&w);
	set_device(&w);
	set_network(&w);
	set_firewall(&w);
	return w.out;
}
