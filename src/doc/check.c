/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a mesh as a whole, with both places of what clashes.
 *
 * Nothing here is quadratic in the number of nodes but where a document says
 * so itself, by links between large labels: check_link.c where several speak
 * of a node, check_meet.c where they have endpoints.
 */
#include <stdarg.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/ip.h"
#include "doc/check_private.h"
#include "doc/decode.h"
#include "state/value.h"

#define IPV6_MTU_MIN 1280	/* RFC 8200 section 5 */
#define WORDS_MAX (1u << 18)	/* some tenths of a second */

struct diag *check_error(struct check *c, struct place where,
			 struct place other, const char *other_message,
			 const char *format, ...)
{
	struct sbuf message;
	struct diag *diag;
	va_list args;

	sbuf_init(&message, c->arena);
	va_start(args, format);
	sbuf_vprintf(&message, format, args);
	va_end(args);
	diag = diag_error(c->diags, where, "%s", message.data);
	diag->other = other;
	diag->other_message = other_message;
	return diag;
}

void check_unknown(struct check *c, const struct placed_name *name,
		   const char *what, const char *const *words, size_t count)
{
	struct str text = str_of(name->name);
	struct diag *diag;

	diag = diag_error(c->diags, name->where, "there is no %s %s", what,
			  value_show(c->diags, text));
	if (count > c->words_left)
		return;
	c->words_left -= count;
	diag_hint_nearest(c->diags, diag, text, words, count);
}

int check_node(struct check *c, const struct placed_name *name, uint32_t *out)
{
	const struct mesh *mesh = c->mesh;

	*out = graph_node(mesh, name->name);
	if (*out != GRAPH_NONE)
		return 0;
	if (!c->node_names) {
		c->node_names = arena_new_array(c->arena, const char *,
						mesh->node_count);
		for (size_t i = 0; i < mesh->node_count; i++)
			c->node_names[i] = mesh->nodes[i].name;
	}
	check_unknown(c, name, "node", c->node_names, mesh->node_count);
	return -1;
}

static int key_order(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;
	int order = key_compare(&(*x)->public_key, &(*y)->public_key);

	return order ? order : place_compare((*x)->key_where, (*y)->key_where);
}

static void check_keys(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	const struct node **all = arena_new_array(c->arena,
						  const struct node *,
						  mesh->node_count);

	for (size_t i = 0; i < mesh->node_count; i++)
		all[i] = &mesh->nodes[i];
	items_sort(all, mesh->node_count, sizeof(*all), key_order);
	for (size_t i = 1, first = 0; i < mesh->node_count; i++) {
		const struct node *a = all[first], *b = all[i];

		if (!key_equal(&a->public_key, &b->public_key)) {
			first = i;
			continue;
		}
		/* Neither could be decoded. */
		if (key_is_zero(&a->public_key))
			continue;
		check_error(c, b->key_where, a->key_where, "the first is here",
			    "%s has the public key of %s", b->name, a->name)
			->hint = "every node needs a key pair of its own";
	}
}

/* What a hub may be sent of IPv6 to pass it on, or NULL. */
static const struct placed_prefix *relayed_ipv6(const struct mesh *mesh)
{
	const struct placed_prefix *found = list_first(&mesh->overlay,
						       AF_INET6);

	for (size_t i = 0; !found && i < mesh->node_count; i++)
		if (!mesh->nodes[i].disabled)
			found = list_first(&mesh->nodes[i].subnets, AF_INET6);
	return found;
}

/* By the rule of view_of(): what it has, and what it forwards, RELAYED if it
   is a hub. */
static const struct placed_prefix *
first_ipv6(const struct check *c, uint32_t index,
	   const struct placed_prefix *relayed)
{
	const struct node *node = &c->mesh->nodes[index];
	const struct placed_prefix *found = list_first(&node->addresses,
						       AF_INET6);

	if (!found)
		found = list_first(&node->subnets, AF_INET6);
	if (!found && !node->disabled && graph_relays(&c->graph, index))
		found = relayed;
	return found;
}

static bool too_small(const struct setting *mtu)
{
	return mtu->where.source && mtu->value < IPV6_MTU_MIN;
}

/* The MTU of the mesh is told once, however many nodes have it. */
static void check_mtu(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	const struct placed_prefix *relayed = relayed_ipv6(mesh);
	bool told = false;

	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];
		bool own = node->mtu.where.source != NULL;
		const struct setting *mtu = own ? &node->mtu : &mesh->mtu;
		const struct placed_prefix *ipv6;

		if (!too_small(mtu) || (!own && told))
			continue;
		ipv6 = first_ipv6(c, (uint32_t)i, relayed);
		if (!ipv6)
			continue;
		told = told || !own;
		check_error(c, mtu->where, ipv6->where, "IPv6 is used here; "
			    "the kernel would take it away silently",
			    "the MTU is %u, and IPv6 wants %u or more",
			    (unsigned int)mtu->value, IPV6_MTU_MIN);
	}
}

static void check_named(struct check *c, const struct placed_name *name)
{
	uint32_t node;

	/* What there is to say of it is said. */
	if (name->where.source)
		(void)!check_node(c, name, &node);
}

/* An end of a test is an address, or a node. */
static void check_test_end(struct check *c, const struct placed_name *end)
{
	struct ip ip;

	if (ip_parse(str_of(end->name), &ip) < 0)
		check_named(c, end);
}

static void check_tests(struct check *c)
{
	for (size_t i = 0; i < c->mesh->test_count; i++) {
		check_test_end(c, &c->mesh->tests[i].from);
		check_test_end(c, &c->mesh->tests[i].to);
	}
}

/* The nodes that anything speaks of, where no more can be said of it.  A name
   that could not be read has no place, and was told of. */
static void check_names(struct check *c)
{
	const struct mesh *mesh = c->mesh;

	for (size_t i = 0; i < mesh->hub_count; i++)
		check_named(c, &mesh->hubs[i]);
	for (size_t i = 0; i < mesh->node_count; i++)
		check_named(c, &mesh->nodes[i].hub);
	for (size_t i = 0; i < mesh->link_count; i++) {
		const struct mesh_link *link = &mesh->links[i];

		for (size_t k = 0; k < array_size(link->ends); k++)
			if (!link->ends[k].is_label)
				check_named(c, &(struct placed_name){
					link->ends[k].name,
					link->ends[k].where });
		for (size_t k = 0; k < link->endpoint_count; k++)
			check_named(c, &link->endpoints[k].node);
	}
	check_tests(c);
}

static struct check check_begin(struct arena *arena, const struct mesh *mesh,
				struct diags *diags)
{
	struct check c = { .arena = arena, .mesh = mesh, .diags = diags,
			   .words_left = WORDS_MAX };

	graph_make(arena, mesh, &c.graph);
	c.dropped = arena_new_array(arena, bool, mesh->link_count);
	return c;
}

int mesh_check_parts(struct arena *arena, const struct mesh *mesh,
		     bool overlay, bool names, struct diags *diags)
{
	struct check c = check_begin(arena, mesh, diags);
	size_t before = diags->errors;

	c.overlay_whole = overlay;
	check_keys(&c);
	check_prefixes(&c);
	if (names)
		check_names(&c);
	return diags->errors == before ? 0 : -1;
}

int mesh_check(struct arena *arena, const struct mesh *mesh,
	       struct diags *diags)
{
	struct check c = check_begin(arena, mesh, diags);
	size_t before = diags->errors;

	c.overlay_whole = true;
	check_keys(&c);
	check_mtu(&c);
	check_prefixes(&c);
	check_endpoints(&c);
	check_hubs(&c);
	check_links(&c);
	check_meetings(&c);
	check_exits(&c);
	check_tests(&c);
	return diags->errors == before ? 0 : -1;
}
