/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of meshapply-fetch, which parses what the network says: each of
 * the queries gets whole addresses, few enough of them, or words.
 */
#include <stdint.h>
#include <stdlib.h>

/* Its reader is private to the file. */
#define resolve_names resolve_names_here
#include "input/resolve.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUERIES 3

static void judge(const struct resolve_query *q)
{
	if (q->endpoint_count > RESOLVE_ADDRESSES_MAX ||
	    (!q->endpoint_count && !q->why))
		abort();
	for (size_t i = 0; i < q->endpoint_count; i++)
		if (!ip_bits(q->endpoints[i].ip.family) ||
		    q->endpoints[i].port != q->port)
			abort();
	for (const char *at = q->why ? q->why : ""; *at; at++)
		if ((unsigned char)*at < 0x20)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolve_query queries[QUERIES];
	static struct arena *arena;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	mark = arena_mark(arena);
	for (size_t i = 0; i < QUERIES; i++)
		queries[i] = (struct resolve_query){
			.host = "a.example", .port = (uint16_t)(51820 + i),
		};
	answer_read(arena, (struct str){ arena_copy(arena, data, size), size },
		    queries, QUERIES);
	for (size_t i = 0; i < QUERIES; i++)
		judge(&queries[i]);
	arena_reset(arena, mark);
	return 0;
}
