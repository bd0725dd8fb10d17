/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reader accepts is written, read again and written the same. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/state.h"
#include "state/text.h"

static inline int read_texts(struct arena *arena, const struct texts *texts,
			     struct state *state)
{
	struct diags diags;
	struct sbuf shown;
	int result;

	diags_init(&diags, arena);
	*state = (struct state){ 0 };
	result = texts_read(arena, texts, "office", "wg0", state, &diags);
	if (result == 0 && diags.errors)
		abort();
	diags_sort(&diags);
	sbuf_init(&shown, arena);
	diags_format(&diags, &shown);
	return result;
}

/* TEXTS point into nothing that is changed. */
static inline void check_fixed_point(struct arena *arena,
				     const struct texts *texts)
{
	struct texts first, second;
	struct state state;

	if (read_texts(arena, texts, &state) < 0)
		return;
	texts_write(arena, &state, &first);
	if (read_texts(arena, &first, &state) < 0)
		abort();
	texts_write(arena, &state, &second);
	if (!str_equal(first.wireguard.text, second.wireguard.text) ||
	    !str_equal(first.network.text, second.network.text))
		abort();
}

/* One arena for all inputs, emptied before each. */
static inline struct arena *fresh_arena(void)
{
	static struct arena *arena;
	static size_t empty;

	if (!arena) {
		arena = arena_new((size_t)1 << 30);
		empty = arena_mark(arena);
	}
	arena_reset(arena, empty);
	return arena;
}
