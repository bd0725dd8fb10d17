/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text (RFC 8259) to a tree of values that know where they stand.
 * Private to doc/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/str.h"

struct arena;

enum doc_kind {
	DOC_NULL,
	DOC_TRUTH,
	DOC_NUMBER,
	DOC_TEXT,
	DOC_LIST,
	DOC_OBJECT,
};

/* In one document: each takes some 20 times its text in memory. */
#define DOC_VALUES_MAX (1u << 20)

struct doc_value {
	enum doc_kind kind;
	bool truth;
	size_t offset;		/* in the source's text: its first byte */
	/*
	 * A number as it is written; a text without quotes and escapes.  A
	 * view into the source's text, or, where it has escapes, on the arena
	 * for secrets.  Never holds a NUL.
	 */
	struct str text;
	struct str key;		/* of an object's member, as text is */
	size_t key_offset;
	struct doc_value *first, *next;	/* items or members, in their order */
	size_t count;
};

/*
 * The document's one value, an object or a list, on ARENA.  A source that has
 * a key for what is secret, wherever it stands, is marked as secret.  -1 where
 * the text is no JSON, with the first such error in DIAGS, or where an object
 * has a key twice, with all of these at both places.  Integers may be of any
 * size.
 */
int doc_parse(struct arena *arena, struct arena *secrets,
	      struct source *source, struct diags *diags,
	      const struct doc_value **out) must_check_;

/*
 * The judge of what is valid: 0 if the source's text from offset START on is
 * UTF-8 and JSON and within the limits, else -1 and one error at its place.
 */
int doc_check_syntax(const struct source *source, size_t start,
		     struct diags *diags) must_check_;
