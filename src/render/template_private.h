/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parsed template: its tags and texts in one row. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "render/template.h"

enum node_kind {
	NODE_TEXT,
	NODE_VALUE,
	NODE_SECTION,
	NODE_INVERTED,
	NODE_PARTIAL,
};

struct node {
	enum node_kind kind;
	/* It is the first of its line: a partial's indentation goes here. */
	bool line_start;
	/* The text, or the name in the tag: a view into the source. */
	struct str text;
	/* Of a partial that stands alone on its line: the blanks before it. */
	struct str indent;
	/* Of a section: the node behind its last.  Of a partial: which. */
	union {
		size_t end;
		size_t partial;
	};
};

struct template {
	const char *name;
	const struct source *source;
	struct node *nodes;
	size_t count, capacity;
	size_t first_id;	/* of its nodes among all of the set */
};

struct template_set {
	struct template *items;
	size_t count;
	size_t node_count;	/* of all */
};

/* Fill in the nodes of T, which has its name and source. */
void template_parse_one(struct arena *arena, struct template *t,
			struct diags *diags);
/* The index of NAME, or set->count. */
size_t template_find(const struct template_set *set, struct str name);
struct place template_place(const struct template *t, struct str view);
/* TEXT for a message: made safe, and not all of one that is long. */
const char *template_show(struct diags *diags, struct str text);
