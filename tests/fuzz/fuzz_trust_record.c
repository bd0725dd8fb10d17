/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of a mesh's documents: what its reader takes is written again
 * to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "apply/record.h"
#include "apply/store_trust.h"
#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_record(struct arena *arena, struct str text)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = text };
	struct trust_record record, again;
	struct identity of = { 0 };
	struct sbuf once, twice;
	struct err e;

	if (!header_read(&r, "trust", &of) || !trust_lines(&r, &record))
		return;
	if (record.keys.count && trust_keys_check(&record.keys, &e))
		abort();
	sbuf_init(&once, arena);
	trust_body(&once, &record);
	r = (struct records){ .arena = arena, .secrets = arena,
			      .rest = { once.data, once.size } };
	if (!trust_lines(&r, &again))
		abort();
	sbuf_init(&twice, arena);
	trust_body(&twice, &again);
	if (!str_equal((struct str){ once.data, once.size },
		       (struct str){ twice.data, twice.size }))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 28);
	mark = arena_mark(arena);
	fuzz_record(arena, (struct str){ (const char *)data, size });
	arena_reset(arena, mark);
	return 0;
}
