/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Located diagnostics.  Errors in what a user wrote are collected, all of
 * them, with the place or the two places they speak of; whoever ends the run
 * sorts and prints them as
 *
 *   wg0.conf:12:8: error: ListenPort is 70000, more than 65535
 *      12 | ListenPort = 70000
 *         |              ^
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;

/*
 * A text that was made from another one keeps a map, sorted by offset: a
 * place in it at or after `offset` stands for `origin_offset` of `origin`.
 */
struct source_map {
	size_t offset;
	size_t origin_offset;
};

struct source {
	const char *name;	/* as the user knows it: wg0.conf, <stdin> */
	struct str text;
	bool secret;		/* holds keys: no line of it is ever shown */
	const struct source *origin;	/* NULL: the user wrote this one */
	const struct source_map *map;
	size_t map_count;
	/* Shown as it is, but made from that text as a whole; else NULL */
	const struct source *rendered_from;
};

/* A place in a text; source NULL means no place. */
struct place {
	const struct source *source;
	size_t offset;
};

/* Line and column from 1, column in bytes; line 0: not known yet. */
struct position {
	size_t line, column;
};

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

struct diag {
	enum severity severity;
	bool hidden;		/* the line may hold key material: not shown */
	struct place where;
	const char *message;	/* one line, no full stop, no newline */
	struct place other;	/* the second place, if source is not NULL */
	const char *other_message;
	const char *hint;	/* the way out, or NULL */
	struct position at;	/* of where and other, set by diags_sort(), */
	struct position other_at;	/* which finds all in one pass */
};

struct diags {
	struct arena *arena;
	struct diag *items;
	size_t count, capacity;
	/*
	 * All errors met, the same one once after diags_sort().  At most
	 * DIAGS_MAX items are kept, errors before warnings.
	 */
	size_t errors;
};

#define DIAGS_MAX 1000

void diags_init(struct diags *d, struct arena *arena);
/* The returned diag may be given .other, .hint, .hidden until the next. */
struct diag *diag_error(struct diags *d, struct place where,
			const char *format, ...) printf_(3, 4);
struct diag *diag_warning(struct diags *d, struct place where,
			  const char *format, ...) printf_(3, 4);
/* "did you mean 'NEAREST'?" to DIAG, if one of the WORDS is near to WORD. */
void diag_hint_nearest(struct diags *diags, struct diag *diag, struct str word,
		       const char *const *words, size_t count);
/* By source name, line, column, severity, message; equal ones once. */
void diags_sort(struct diags *d);

/* Of two places in one text, for qsort(): the earlier one first. */
int place_compare(struct place a, struct place b);
/* The place in the text the user wrote that WHERE stands for. */
struct place place_origin(struct place where);
/*
 * Line and column, from 1, column in bytes, in the text the user wrote; a byte
 * order mark is not counted.  No place: NULL, 0, 0.  Reads the text from its
 * start: after diags_sort() take diag.at instead.
 */
void place_resolve(struct place where, const char **name, size_t *line,
		   size_t *column);
/* One diagnostic as above; of a long line only a window is shown, of a secret
   source none. */
void diag_format(const struct diag *diag, struct sbuf *out);
/* All of them, and a last line if there were errors that were not kept. */
void diags_format(const struct diags *d, struct sbuf *out);
