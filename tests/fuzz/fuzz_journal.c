/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept between runs: the journal, the sample, the registry of sysctls.
 * What the journal's reader takes is written again to what it takes again,
 * equal byte for byte.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct identity here = { .boot = "boot", .netns = 1 };

static bool read_text(struct arena *arena, struct arena *secrets,
		      struct str text, struct journal *out)
{
	struct records r = { .arena = arena, .secrets = secrets,
			     .rest = text };
	struct identity of = { 0 };

	memset(out, 0, sizeof(*out));
	return journal_header(&r, &of) && journal_lines(&r, "office", out);
}

static struct str written(struct arena *arena, const struct journal *journal)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	journal_text(&out, &here, journal);
	return (struct str){ out.data, out.size };
}

static void fuzz_journal(struct arena *arena, struct arena *secrets,
			 struct str text)
{
	struct journal journal;
	struct str once, twice;

	if (!read_text(arena, secrets, text, &journal))
		return;
	once = written(arena, &journal);
	if (!read_text(arena, secrets, once, &journal))
		abort();
	twice = written(arena, &journal);
	if (!str_equal(once, twice))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena, *secrets;
	struct str text = { (const char *)data, size };
	struct store store = { .mesh = "office", .here = here };
	struct sample sample;
	size_t mark, secret_mark;

	if (!arena) {
		arena = arena_new((size_t)1 << 30);
		secrets = arena_new_secret((size_t)1 << 28);
	}
	mark = arena_mark(arena);
	secret_mark = arena_mark(secrets);
	fuzz_journal(arena, secrets, text);
	sysctls_parse(&store, arena, text);
	for (size_t i = 0; i < store.sysctl_count; i++)
		if (strncmp(store.sysctls[i].key, "net.ipv", 7))
			abort();
	struct records r = { .arena = arena, .secrets = secrets,
			     .rest = text };

	if (sample_lines(&r, &sample) && sample.count > size)
		abort();
	arena_reset(arena, mark);
	arena_reset(secrets, secret_mark);
	return 0;
}
