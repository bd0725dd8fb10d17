/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts that a document was rendered to, kept beside copies of all that
 * they were made from, in one file /var/lib/meshapply/MESH/rendered.  When
 * everything is byte for byte the same, nothing is decoded or rendered again.
 * No secret is in it; it can be lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"
#include "base/str.h"

struct arena;

#define RENDERED_TEXTS 3	/* in the order of struct texts */

/* A file: the document, the config, a template. */
struct rendered_input {
	const char *name;
	struct str text;
};

struct rendered {
	/* Made from: which program did it, for which mesh, and as which node
	   by name (NULL: the one that has this host's key) */
	const char *program, *mesh, *named;
	const struct rendered_input *inputs;
	size_t input_count;
	/* Made: who this host is, and what the document says of itself */
	const char *node;
	struct key public_key;
	bool has_serial;
	uint64_t serial, expires;	/* expires 0: never */
	struct str texts[RENDERED_TEXTS];	/* data NULL: there is none */
};

/*
 * The file of MESH, or data NULL: there is none, it cannot be read, or
 * somebody else could have written it.
 */
struct str rendered_read(const char *root, const char *mesh,
			 struct arena *arena);
void rendered_write(struct sbuf *out, const struct rendered *r);
/*
 * If FILE was made from just what R was: fill in what was made, views into
 * FILE.  A file that is torn, or another one, is false.
 */
bool rendered_match(struct arena *arena, struct str file, struct rendered *r)
	must_check_;
