/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as messages of nf_tables: the base chains that decide about what
 * is forwarded, or an error.  What they say stays within the messages.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_forward.h"

#define ARENA ((size_t)1 << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_inside(struct str whole, struct str part)
{
	must(!part.size || (part.data >= whole.data &&
			    part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA);
	struct str messages = { (const char *)data, size };
	struct nft_forward f;
	struct err e;

	if (nft_forward_decode(arena, messages, &f, &e) == 0) {
		for (size_t i = 0; i < f.count; i++) {
			const struct nft_chain *c = &f.chains[i];

			check_inside(messages, c->table);
			check_inside(messages, c->name);
			(void)nft_forward_names(&f, c, "wg0", 7);
			/* It is there itself. */
			must(!c->name.size || nft_forward_has(&f, c, ""));
		}
	}
	arena_free(arena);
	return 0;
}
