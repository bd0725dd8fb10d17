/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which routes wg-quick(8) would make.  It goes through the allowed IPs from
 * the longest to the shortest and leaves one out when "ip route show dev IF
 * match PREFIX" finds one that covers it.  Of the routes made before only an
 * equal one could, so what counts are the connected routes that the kernel
 * made for the addresses.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "quick/file.h"

static int compare(const void *a, const void *b)
{
	const struct placed_prefix *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : (x->where.offset > y->where.offset) -
			       (x->where.offset < y->where.offset);
}

/*
 * Has an address a connected route in the table main?  An IPv4 one has unless
 * it stands alone or its network is 0.0.0.0/8 (net/ipv4/fib_frontend.c,
 * fib_add_ifaddr); an IPv6 one always has (net/ipv6/addrconf.c).
 */
static bool has_connected(const struct prefix *address)
{
	if (address->ip.family == AF_INET6)
		return true;
	return address->length < 32 && prefix_mask(*address).ip.bytes[0];
}

static struct prefix_list connected_routes(const struct quick_file *file)
{
	const struct prefix_list *from = &file->addresses;
	struct prefix_list out = { .count = 0 };

	out.items = arena_new_array(file->arena, struct placed_prefix,
				    from->count);
	for (size_t i = 0; i < from->count; i++) {
		struct placed_prefix address = from->items[i];

		if (!has_connected(&address.prefix))
			continue;
		address.prefix = prefix_mask(address.prefix);
		out.items[out.count++] = address;
	}
	qsort(out.items, out.count, sizeof(*out.items), compare);
	return out;
}

/*
 * Walks through sorted connected routes beside sorted prefixes.  What covers
 * a prefix sorts before it or is equal, and so does the widest of several
 * that lie within each other: that one is kept.
 */
struct cover {
	struct prefix_list connected;
	size_t next;
	const struct prefix *widest;
	bool equal;	/* one of them is the prefix itself */
};

static bool cover_has(struct cover *cover, const struct prefix *prefix)
{
	const struct prefix_list *from = &cover->connected;

	cover->equal = false;
	while (cover->next < from->count) {
		const struct prefix *p = &from->items[cover->next].prefix;
		int order = prefix_compare(p, prefix);

		if (order > 0)
			break;
		if (!order)
			cover->equal = true;
		if (!cover->widest || !prefix_covers(cover->widest, p))
			cover->widest = p;
		cover->next++;
	}
	return cover->widest && prefix_covers(cover->widest, prefix);
}

/*
 * With Table = main a connected IPv4 route of the same prefix already is what
 * is wanted; wg-quick would fail there ("File exists").  IPv6 holds both, of
 * different metrics.
 */
static bool is_taken(struct cover *cover, const struct quick_file *file,
		     const struct prefix *prefix)
{
	bool covered = cover_has(cover, prefix);

	if (file->table == QUICK_TABLE_AUTO)
		return covered;
	return file->table_number == RT_TABLE_MAIN && cover->equal &&
	       prefix->ip.family == AF_INET;
}

static bool take_whole(struct quick_routes *out, const struct quick_file *file,
		       const struct placed_prefix *item)
{
	if (file->table != QUICK_TABLE_AUTO || item->prefix.length)
		return false;
	if (item->prefix.ip.family == AF_INET) {
		out->full4 = true;
		out->full4_where = item->where;
	} else {
		out->full6 = true;
		out->full6_where = item->where;
	}
	return true;
}

void quick_route(const struct quick_file *file, struct quick_routes *out)
{
	const struct placed_prefix *last = NULL;
	struct placed_prefix *items;
	struct cover cover = { .next = 0 };
	size_t count = file->allowed.count, kept = 0;

	*out = (struct quick_routes){ .table = RT_TABLE_MAIN };
	if (file->table == QUICK_TABLE_OFF)
		return;
	if (file->table == QUICK_TABLE_NUMBER)
		out->table = file->table_number;
	items = arena_new_array(file->arena, struct placed_prefix, count);
	for (size_t i = 0; i < count; i++) {
		items[i] = file->allowed.items[i];
		items[i].prefix = prefix_mask(items[i].prefix);
	}
	qsort(items, count, sizeof(*items), compare);
	cover.connected = connected_routes(file);
	for (size_t i = 0; i < count; i++) {
		const struct placed_prefix *item = &items[i];
		bool taken;

		if (last && !prefix_compare(&last->prefix, &item->prefix))
			continue;
		last = item;
		taken = is_taken(&cover, file, &item->prefix);
		if (!take_whole(out, file, item) && !taken)
			items[kept++] = *item;
	}
	out->routes = items;
	out->count = kept;
}
