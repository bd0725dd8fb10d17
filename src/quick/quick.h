/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wg-quick file (wg-quick(8), wg(8)) to the three texts.  What the stock
 * tools take is taken; where they are careless, it is an error with its
 * place.  The texts hold no secret: keys are held apart, under the names that
 * the texts' directives give them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/key.h"
#include "state/text.h"

struct arena;

struct quick_options {
	const char *name;	/* the device, of NAME.conf */
	const char *mesh;	/* NULL: the same name */
	bool ignore_hooks;	/* go on without PostUp and its like */
	bool ignore_dns;
};

struct quick {
	struct texts texts;	/* each with origin and map to the file */
	/* On the secret arena, sorted by name, as "#@ …-key-file" has it */
	struct named_key *keys;
	size_t key_count;
};

/*
 * SOURCE's text may lie on the secret arena and is never copied out of it but
 * for what is no secret.  All that is wrong is added to DIAGS: 0 if nothing
 * is, else -1.
 */
int quick_translate(struct arena *arena, struct arena *secrets,
		    const struct source *source,
		    const struct quick_options *options, struct quick *out,
		    struct diags *diags) must_check_;
