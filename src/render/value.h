/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values that a template sees: a tree of objects, lists, texts, true and
 * false, built by whoever renders.  A number is a text: templates only write
 * it down.  A value never changes its kind, and belongs to one tree: the tree
 * has no cycles, and is as deep as the code that builds it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/str.h"

struct arena;

enum value_kind {
	VALUE_FALSE,
	VALUE_TRUE,
	VALUE_TEXT,
	VALUE_LIST,
	VALUE_OBJECT,
};

struct value_list {
	struct value **items;
	size_t count, capacity;
};

/* Members in the order in which they were set. */
struct value_object {
	struct value_member *items;
	size_t count, capacity;
};

struct value {
	enum value_kind kind;
	/* Where the user wrote it; source NULL: nowhere in particular. */
	struct place where;
	union {
		struct str text;
		struct value_list list;
		struct value_object object;
	};
};

struct value_member {
	const char *name;
	size_t name_size;
	struct value *value;
};

/* Views and C strings are not copied: they live as long as the arena. */
struct value *value_object(struct arena *arena);
struct value *value_list(struct arena *arena);
struct value *value_text(struct arena *arena, struct str text);
struct value *value_string(struct arena *arena, const char *string);
struct value *value_number(struct arena *arena, uint64_t number);
struct value *value_bool(struct arena *arena, bool truth);
/* A text with its place, and VALUE itself with a place given to it. */
struct value *value_text_at(struct arena *arena, struct str text,
			    struct place where);
struct value *value_at(struct value *value, struct place where);

/*
 * NAME is a template's name for the member: letters, digits, '_' and '-', a
 * literal, set once.  Constant time over all.
 */
void value_set(struct arena *arena, struct value *object, const char *name,
	       struct value *value);
void value_add(struct arena *arena, struct value *list, struct value *item);

/* The member of that name, or NULL; also of what is no object. */
const struct value *value_get(const struct value *object, struct str name);
/* "a list", "an object", "a text", "true", "false" */
const char *value_kind_words(const struct value *value);

/*
 * The tree as JSON, indented by two spaces, members in their order; always
 * the same bytes for the same tree.  What is not UTF-8 in a text becomes
 * U+FFFD.  A newline ends it.
 */
void value_json(struct sbuf *out, const struct value *value);
