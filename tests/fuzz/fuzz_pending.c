/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of what waits to be confirmed: what its reader takes is written
 * again to what it takes again, equal byte for byte; and joined with itself it
 * is one as well.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/pending_private.h"
#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct identity here = { .boot = "boot", .netns = 1 };

static bool read_text(struct arena *arena, struct arena *secrets,
		      struct str text, struct pending_record *out)
{
	struct records r = { .arena = arena, .secrets = secrets,
			     .rest = text };
	struct identity of = { 0 };

	memset(out, 0, sizeof(*out));
	return pending_head(&r, &of, &out->head) &&
	       pending_rest(&r, "office", out);
}

static struct str written(struct arena *arena,
			  const struct pending_record *record)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	pending_write(&out, &here, record);
	return (struct str){ out.data, out.size };
}

static void fuzz_record(struct arena *arena, struct arena *secrets,
			struct str text)
{
	struct pending_record record, joined;
	struct str once, twice;

	if (!read_text(arena, secrets, text, &record))
		return;
	once = written(arena, &record);
	joined = record;
	if (!read_text(arena, secrets, once, &record))
		abort();
	twice = written(arena, &record);
	if (!str_equal(once, twice))
		abort();
	pending_join(arena, &record.journal, &record.journal,
		     &joined.journal);
	if (!read_text(arena, secrets, written(arena, &joined), &record))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena, *secrets;
	size_t mark, secret_mark;

	if (!arena) {
		arena = arena_new((size_t)1 << 30);
		secrets = arena_new_secret((size_t)1 << 28);
	}
	mark = arena_mark(arena);
	secret_mark = arena_mark(secrets);
	fuzz_record(arena, secrets, (struct str){ (const char *)data, size });
	arena_reset(arena, mark);
	arena_reset(secrets, secret_mark);
	return 0;
}
