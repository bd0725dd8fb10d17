/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which routes wg-quick(8) would make.  It goes through the allowed IPs from
 * the longest to the shortest and leaves one out when "ip route show dev IF
 * match PREFIX" finds one that covers it.  Of the routes made before only an
 * equal one could, so what counts are the connected routes that the kernel
 * made for the addresses.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "quick/file.h"

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
	struct prefix_list all = { .count = file->allowed.count };
	struct cover cover = { .next = 0 };
	size_t kept = 0;

	*out = (struct quick_routes){ .table = RT_TABLE_MAIN };
	if (file->table == QUICK_TABLE_OFF)
		return;
	if (file->table == QUICK_TABLE_NUMBER)
		out->table = file->table_number;
	all.items = arena_new_array(file->arena, struct placed_prefix,
				    all.count);
	for (size_t i = 0; i < all.count; i++) {
		all.items[i] = file->allowed.items[i];
		all.items[i].prefix = prefix_mask(all.items[i].prefix);
	}
	prefix_list_sort(&all);
	prefix_list_connected(file->arena, &file->addresses, &cover.connected);
	for (size_t i = 0; i < all.count; i++) {
		const struct placed_prefix *item = &all.items[i];
		bool taken = is_taken(&cover, file, &item->prefix);

		if (!take_whole(out, file, item) && !taken)
			all.items[kept++] = *item;
	}
	out->routes = all.items;
	out->count = kept;
}
