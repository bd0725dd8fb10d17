/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a dump of nf_tables: canonical objects or an error.  What is
 * made is the same when made again, and a delta to nothing can be encoded.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"

#define ARENA ((size_t)1 << 30)
#define TABLE "meshapply_t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_ranges(const struct firewall *f)
{
	for (size_t i = 0; i < f->object_count; i++) {
		const struct firewall_object *o = &f->objects[i];

		must((size_t)o->element_first + o->element_count <=
		     f->element_count);
		must(!i || f->objects[i - 1].kind <= o->kind);
	}
}

static void check_delta(struct arena *arena, const struct firewall *f)
{
	struct firewall empty = *f;
	struct str messages;
	struct err e;

	empty.objects = arena_copy(arena, f->objects,
				   f->object_count * sizeof(*f->objects));
	for (size_t i = 0; i < f->object_count; i++)
		empty.objects[i].element_count = 0;
	must(nft_encode_elements(arena, &empty, f, 1, &messages, &e) == 0);
	must(messages.size >= 40);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA);
	struct str messages = { (const char *)data, size };
	struct firewall f, again;
	struct err e;

	if (nft_canonicalise(arena, messages, TABLE, &f, &e) == 0) {
		check_ranges(&f);
		must(nft_canonicalise(arena, messages, TABLE, &again, &e) ==
		     0);
		must(firewall_compare(&f, &again) == FIREWALL_SAME);
		check_delta(arena, &f);
	}
	arena_free(arena);
	return 0;
}
