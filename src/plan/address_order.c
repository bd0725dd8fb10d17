/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of addresses on a link, and the way from one list to another.
 *
 * IPv4 keeps its list with primaries first; one in a subnet that has an
 * address already is a secondary and stands behind.  Deleting a primary
 * deletes its secondaries, unless promote_secondaries is set: then the first
 * of them takes its place behind the last primary (net/ipv4/devinet.c).  IPv6
 * sorts by scope, then by age, and has no secondaries.
 */
#include "plan/address_order.h"

#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/state.h"

struct rank {
	struct prefix subnet;
	size_t index;
	bool secondary;
};

static int rank_by_subnet(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	int order = prefix_compare(&x->subnet, &y->subnet);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int rank_by_listing(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->secondary != y->secondary)
		return x->secondary ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

size_t addresses_listed(struct arena *arena, const struct prefix *given,
			size_t count, uint8_t family, struct prefix **out)
{
	struct rank *ranks = arena_new_array(arena, struct rank, count);
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (given[i].ip.family == family)
			ranks[n++] = (struct rank){ prefix_mask(given[i]), i,
				family == AF_INET6 &&
				!ip_is_link_local(&given[i].ip) };
	if (family == AF_INET) {
		items_sort(ranks, n, sizeof(*ranks), rank_by_subnet);
		for (size_t i = 1; i < n; i++)
			ranks[i].secondary = !prefix_compare(
				&ranks[i].subnet, &ranks[i - 1].subnet);
	}
	items_sort(ranks, n, sizeof(*ranks), rank_by_listing);
	*out = arena_new_array(arena, struct prefix, n);
	for (size_t i = 0; i < n; i++)
		(*out)[i] = given[ranks[i].index];
	return n;
}

static bool same_subnet(const struct prefix *a, const struct prefix *b)
{
	struct prefix x = prefix_mask(*a), y = prefix_mask(*b);

	return !prefix_compare(&x, &y);
}

static bool in_list(const struct address_list *list,
		    const struct prefix *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (!prefix_compare(&list->items[i], address))
			return true;
	return false;
}

static void list_remove(struct address_list *list, size_t i)
{
	list->count--;
	memmove(&list->items[i], &list->items[i + 1],
		(list->count - i) * sizeof(*list->items));
}

static void list_insert(struct address_list *list, size_t i,
			const struct prefix *address)
{
	memmove(&list->items[i + 1], &list->items[i],
		(list->count - i) * sizeof(*list->items));
	list->items[i] = *address;
	list->count++;
}

/* The kernel's list of one family while it changes. */
struct simulation {
	struct address_list list;
	size_t primaries;	/* of IPv4: they come first */
};

static bool is_shared(const struct address_list *list, size_t end,
		      const struct prefix *address)
{
	for (size_t i = 0; i < end; i++)
		if (same_subnet(&list->items[i], address))
			return true;
	return false;
}

static void simulate_add(struct simulation *s, const struct prefix *address)
{
	struct address_list *list = &s->list;
	size_t at = list->count;

	if (address->ip.family == AF_INET) {
		if (!is_shared(list, list->count, address))
			at = s->primaries++;
	} else if (ip_is_link_local(&address->ip)) {
		for (at = 0; at < list->count; at++)
			if (!ip_is_link_local(&list->items[at].ip))
				break;
	}
	list_insert(list, at, address);
}

/* With promote_secondaries; true if that made a difference. */
static bool simulate_remove(struct simulation *s,
			    const struct prefix *address)
{
	struct address_list *list = &s->list;
	struct prefix heir;
	size_t i = 0;

	while (i < list->count && prefix_compare(&list->items[i], address))
		i++;
	if (i == list->count)
		return false;
	list_remove(list, i);
	if (i >= s->primaries)
		return false;
	s->primaries--;
	for (i = s->primaries; i < list->count; i++) {
		if (!same_subnet(&list->items[i], address))
			continue;
		heir = list->items[i];
		list_remove(list, i);
		list_insert(list, s->primaries++, &heir);
		return true;
	}
	return false;
}

struct address_list address_list_new(struct arena *arena, size_t room)
{
	return (struct address_list){
		.items = arena_new_array(arena, struct prefix, room) };
}

void address_list_append(struct address_list *list,
			 const struct prefix *address)
{
	list->items[list->count++] = *address;
}

bool address_list_same(const struct address_list *a,
		       const struct address_list *b)
{
	return prefixes_equal(a->items, a->count, b->items, b->count);
}

/* Keep what stands in the first KEEP of want, take the rest anew. */
static void change_divide(struct address_change *c, size_t keep,
			  bool unwanted_early)
{
	struct address_list kept = { c->want.items, keep };

	c->early.count = c->late.count = c->add.count = 0;
	/* Backwards, so that secondaries go before their primary. */
	for (size_t i = c->have.count; i-- > 0;) {
		const struct prefix *address = &c->have.items[i];

		if (in_list(&kept, address))
			continue;
		if (unwanted_early || in_list(&c->want, address))
			address_list_append(&c->early, address);
		else
			address_list_append(&c->late, address);
	}
	for (size_t i = 0; i < c->want.count; i++)
		if (!in_list(&c->have, &c->want.items[i]) || i >= keep)
			address_list_append(&c->add, &c->want.items[i]);
}

/* Adding what has the bytes of one that is there is refused in IPv6. */
static bool clashes(const struct address_list *list,
		    const struct prefix *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address->ip.family == AF_INET6 &&
		    !ip_compare(&list->items[i].ip, &address->ip))
			return true;
	return false;
}

static void simulation_start(struct simulation *s, struct arena *arena,
			     const struct address_change *c)
{
	const struct address_list *have = &c->have;

	s->list = address_list_new(arena, have->count + c->want.count);
	s->primaries = 0;
	for (size_t i = 0; i < have->count; i++) {
		if (have->items[i].ip.family == AF_INET &&
		    s->primaries == i &&
		    !is_shared(have, i, &have->items[i]))
			s->primaries++;
		address_list_append(&s->list, &have->items[i]);
	}
}

static bool change_works(struct address_change *c, struct arena *arena)
{
	struct simulation s;

	simulation_start(&s, arena, c);
	c->promote_early = c->promote_late = false;
	for (size_t i = 0; i < c->early.count; i++)
		c->promote_early |= simulate_remove(&s, &c->early.items[i]);
	for (size_t i = 0; i < c->add.count; i++) {
		if (clashes(&s.list, &c->add.items[i]))
			return false;
		simulate_add(&s, &c->add.items[i]);
	}
	for (size_t i = 0; i < c->late.count; i++)
		c->promote_late |= simulate_remove(&s, &c->late.items[i]);
	return address_list_same(&s.list, &c->want);
}

/* As many of the first wanted as stand in this order already. */
static size_t change_common(const struct address_change *c)
{
	size_t keep = 0, h = 0;

	while (keep < c->want.count) {
		while (h < c->have.count &&
		       prefix_compare(&c->have.items[h], &c->want.items[keep]))
			h++;
		if (h == c->have.count)
			break;
		h++;
		keep++;
	}
	return keep;
}

/* From the best way to the last resort. */
void address_change_solve(struct address_change *c, struct arena *arena)
{
	size_t common;

	if (c->have.count + c->want.count > ADDRESS_ORDER_MAX) {
		for (size_t i = c->have.count; i-- > 0;)
			address_list_append(&c->early, &c->have.items[i]);
		c->add = c->want;
		return;
	}
	change_divide(c, c->want.count, false);
	if (change_works(c, arena))
		return;
	common = change_common(c);
	change_divide(c, common, false);
	if (change_works(c, arena))
		return;
	change_divide(c, common, true);
	if (change_works(c, arena))
		return;
	change_divide(c, 0, true);
	(void)change_works(c, arena);
}
