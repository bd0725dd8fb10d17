/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: what the reader takes is written again to what it takes again,
 * equal byte for byte; the texts are read as a rollback reads them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/generation_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/state.h"
#include "state/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_generation(struct arena *arena, struct str text,
			    struct identity *of, struct generation *out)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = text };

	return generation_parse(&r, of, out);
}

static void fuzz_generation(struct arena *arena, struct str text)
{
	struct identity of = { 0 };
	struct generation g;
	struct texts texts;
	struct state state;
	struct diags diags;
	struct sbuf once, twice;

	if (!read_generation(arena, text, &of, &g))
		return;
	sbuf_init(&once, arena);
	generation_write(&once, &of, &g);
	if (!read_generation(arena, (struct str){ once.data, once.size }, &of,
			     &g))
		abort();
	sbuf_init(&twice, arena);
	generation_write(&twice, &of, &g);
	if (!str_equal((struct str){ once.data, once.size },
		       (struct str){ twice.data, twice.size }))
		abort();
	generation_texts(&g, &texts);
	diags_init(&diags, arena);
	if (texts_read(arena, &texts, "office", NULL, &state, &diags) &&
	    !diags.errors)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	static struct arena *arena;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	mark = arena_mark(arena);
	fuzz_generation(arena, text);
	arena_reset(arena, mark);
	return 0;
}
