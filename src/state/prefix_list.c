/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/prefix_list.h"

#include <sys/socket.h>

#include "base/arena.h"

int placed_prefix_compare(const void *a, const void *b)
{
	const struct placed_prefix *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : place_compare(x->where, y->where);
}

void prefix_list_sort(struct prefix_list *list)
{
	size_t kept = 0;

	items_sort(list->items, list->count, sizeof(*list->items),
		   placed_prefix_compare);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || prefix_compare(&list->items[kept - 1].prefix,
					    &list->items[i].prefix))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

void prefix_list_connected(struct arena *arena,
			   const struct prefix_list *addresses,
			   struct prefix_list *out)
{
	size_t count = addresses->count;

	*out = (struct prefix_list){ .capacity = count };
	out->items = arena_new_array(arena, struct placed_prefix, count);
	for (size_t i = 0; i < count; i++) {
		struct placed_prefix item = addresses->items[i];

		item.prefix = prefix_mask(item.prefix);
		if (item.prefix.ip.family == AF_INET &&
		    (item.prefix.length == 32 || !item.prefix.ip.bytes[0]))
			continue;
		out->items[out->count++] = item;
	}
	prefix_list_sort(out);
}
