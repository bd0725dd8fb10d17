/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seals of any bytes: what is taken of one is a row of items that each lie
 * within it, and written again it is the same bytes; answers of any bytes are
 * blanked within their bounds, once and for all.
 */
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/seal.h"
#include "base/arena.h"
#include "base/trace.h"
#include "kern/attrs.h"
#include "kern/volatile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str key = { "key", 3 };

static bool lies_in(struct str part, struct str whole)
{
	return part.data >= whole.data &&
		part.size <= whole.size &&
		(size_t)(part.data - whole.data) <= whole.size - part.size;
}

/* What stands between items is zeroes when it is written. */
static void write_again(struct arena *arena, struct str items)
{
	struct str rest = items, back;
	struct trace_item item, again;
	struct sbuf out;

	sbuf_init(&out, arena);
	while (trace_next(&rest, &item) > 0) {
		size_t start = out.size, bytes;

		if (!lies_in(item.name, items) || !lies_in(item.bytes, items) ||
		    item.name.data[item.name.size])
			abort();
		trace_item_begin(&out, item.kind, item.flags, item.name);
		bytes = out.size;
		sbuf_str(&out, item.bytes);
		trace_item_end(&out, start, bytes);
	}
	back = (struct str){ out.data, out.size };
	rest = items;
	while (trace_next(&rest, &item) > 0)
		if (trace_next(&back, &again) <= 0 ||
		    again.kind != item.kind || again.flags != item.flags ||
		    !str_equal(again.name, item.name) ||
		    !str_equal(again.bytes, item.bytes))
			abort();
	if (back.size)
		abort();
}

static void blank_all(struct arena *arena, int protocol, struct str answers)
{
	struct attrs left = { arena_copy(arena, answers.data, answers.size),
			      answers.size };
	const struct nlmsghdr *m;
	struct blanked b;

	blanked_start(&b);
	while (messages_next(&left, &m) > 0) {
		struct nlmsghdr *own = arena_copy(arena, m, m->nlmsg_len);
		struct nlmsghdr *twice;

		if (volatile_blank(protocol, own, &b) < 0)
			continue;
		twice = arena_copy(arena, own, own->nlmsg_len);
		if (volatile_blank(protocol, twice, &b) < 0 ||
		    twice->nlmsg_len != own->nlmsg_len ||
		    memcmp(twice, own, own->nlmsg_len) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int protocols[] = {
		NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER,
	};
	struct arena *arena = arena_new((uint64_t)4 << 30);
	struct str file = { (const char *)data, size };
	struct seal seal;

	write_again(arena, file);
	if (seal_take(file, key, &seal) && !lies_in(seal.items, file))
		abort();
	for (size_t i = 0; i < 3; i++)
		blank_all(arena, protocols[i], file);
	arena_free(arena);
	return 0;
}
