/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A saved plan: what its reader takes is written again to what it takes again,
 * and is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/plan_file.h"
#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_out(struct arena *arena, const struct plan_file *file)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	plan_file_text(&out, file);
	return (struct str){ out.data, out.size };
}

static bool same_word(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same(const struct plan_file *a, const struct plan_file *b)
{
	return same_word(a->mesh, b->mesh) && same_word(a->source, b->source) &&
	       same_word(a->version, b->version) && a->time == b->time &&
	       a->steps == b->steps && str_equal(a->lines, b->lines) &&
	       !memcmp(a->salt, b->salt, sizeof(a->salt)) &&
	       !memcmp(a->inputs, b->inputs, sizeof(a->inputs));
}

static void read_plan(struct arena *arena, struct str text)
{
	struct plan_file file, again;
	struct err e = { 0 };
	struct str once;

	if (plan_file_parse(arena, "plan", text, &file, &e)) {
		if (!e.text[0] || e.kind != ERR_DATA)
			abort();
		return;
	}
	once = write_out(arena, &file);
	if (plan_file_parse(arena, "plan", once, &again, &e) ||
	    !same(&file, &again) ||
	    !str_equal(write_out(arena, &again), once))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	mark = arena_mark(arena);
	read_plan(arena, (struct str){ arena_copy(arena, data, size), size });
	arena_reset(arena, mark);
	return 0;
}
