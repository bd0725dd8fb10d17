/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/holdings.h"

#include <stdlib.h>

#include "base/arena.h"

void holdings_add(struct arena *arena, struct holdings *list,
		  const struct prefix *prefix, const struct peer *peer)
{
	arena_room(arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	list->items[list->count++] = (struct holding){
		.prefix = *prefix, .peer = peer,
	};
}

static int holding_compare(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

void holdings_sort(struct holdings *list)
{
	items_sort(list->items, list->count, sizeof(*list->items),
		   holding_compare);
}

const struct holding *holdings_find(const struct holdings *list,
				    const struct prefix *prefix)
{
	struct holding key = { .prefix = *prefix };

	if (!list->count)
		return NULL;
	return bsearch(&key, list->items, list->count, sizeof(key),
		       holding_compare);
}

/* The first item that does not stand before PREFIX. */
static size_t first_from(const struct holdings *list,
			 const struct prefix *prefix)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&list->items[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All that PREFIX covers stands together: of one network, shortest first. */
static void look(struct holdings *list, const struct prefix *prefix,
		 const struct peer *peer)
{
	for (size_t i = first_from(list, prefix); i < list->count; i++) {
		struct holding *h = &list->items[i];

		if (h->prefix.ip.family != prefix->ip.family ||
		    !prefix_has(prefix, &h->prefix.ip))
			break;
		if (h->other && h->other_length > prefix->length)
			continue;
		h->other = peer;
		h->other_length = prefix->length;
	}
}

void holdings_look(struct holdings *list, const struct device *device)
{
	if (!list->count)
		return;
	for (size_t i = 0; i < device->peer_count; i++) {
		const struct peer *peer = &device->peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++)
			look(list, &peer->allowed_ips[j], peer);
	}
}
