/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting diagnostics, finding their lines, sorting them. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define BOM "\xef\xbb\xbf"

void diags_init(struct diags *d, struct arena *arena)
{
	*d = (struct diags){ .arena = arena };
}

/*
 * Where the next one goes.  When all places are taken, an error pushes out
 * the last warning.  What finds no place lands in a slot beyond the end: there
 * is always a diag to return, and that one is never shown.
 */
static struct diag *slot(struct diags *d, enum severity severity, bool *kept)
{
	size_t i = d->count;

	*kept = true;
	if (d->count < DIAGS_MAX) {
		arena_room(d->arena, &d->items, d->count + 1, &d->capacity,
			   sizeof(*d->items));
		return &d->items[d->count++];
	}
	if (severity == SEVERITY_ERROR && d->errors < DIAGS_MAX)
		while (i-- > 0)
			if (d->items[i].severity == SEVERITY_WARNING)
				return &d->items[i];
	*kept = false;
	return &d->items[DIAGS_MAX];
}

static struct diag *add(struct diags *d, enum severity severity,
			struct place where, const char *format, va_list args)
{
	struct sbuf message;
	struct diag *diag;
	bool kept;

	diag = slot(d, severity, &kept);
	*diag = (struct diag){ .severity = severity, .where = where };
	diag->message = "";
	if (severity == SEVERITY_ERROR)
		d->errors++;
	if (!kept)
		return diag;
	sbuf_init(&message, d->arena);
	sbuf_vprintf(&message, format, args);
	diag->message = message.data;
	return diag;
}

struct diag *diag_error(struct diags *d, struct place where,
			const char *format, ...)
{
	struct diag *diag;
	va_list args;

	va_start(args, format);
	diag = add(d, SEVERITY_ERROR, where, format, args);
	va_end(args);
	return diag;
}

struct diag *diag_warning(struct diags *d, struct place where,
			  const char *format, ...)
{
	struct diag *diag;
	va_list args;

	va_start(args, format);
	diag = add(d, SEVERITY_WARNING, where, format, args);
	va_end(args);
	return diag;
}

void diag_hint_nearest(struct diags *diags, struct diag *diag, struct str word,
		       const char *const *words, size_t count)
{
	const char *nearest = str_nearest(word, words, count);

	if (nearest)
		diag->hint = arena_printf(diags->arena, "did you mean '%s'?",
					  nearest);
}

/* The last entry at or before OFFSET. */
static size_t map_find(const struct source *source, size_t offset)
{
	size_t low = 0, high = source->map_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source->map[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!source->map_count)
		return 0;
	return source->map[low ? low - 1 : 0].origin_offset;
}

struct place place_origin(struct place where)
{
	while (where.source && where.source->origin) {
		where.offset = map_find(where.source, where.offset);
		where.source = where.source->origin;
	}
	if (where.source && where.offset > where.source->text.size)
		where.offset = where.source->text.size;
	return where;
}

/* Walks forward through one text: LINE begins at START, read up to SEEN. */
struct walk {
	const struct source *source;
	size_t line, start, seen;
};

static void walk_begin(struct walk *w, const struct source *source)
{
	size_t start = str_starts(source->text, BOM) ? sizeof(BOM) - 1 : 0;

	*w = (struct walk){ source, 1, start, start };
}

/* OFFSET is not before the one of the last call; no byte is read twice. */
static struct position walk_to(struct walk *w, size_t offset)
{
	const char *text = w->source->text.data, *newline;

	while (w->seen < offset) {
		newline = memchr(text + w->seen, '\n', offset - w->seen);
		if (!newline) {
			w->seen = offset;
			break;
		}
		w->start = w->seen = (size_t)(newline - text) + 1;
		w->line++;
	}
	if (offset < w->start)
		offset = w->start;
	return (struct position){ w->line, offset - w->start + 1 };
}

void place_resolve(struct place where, const char **name, size_t *line,
		   size_t *column)
{
	struct position at = { 0, 0 };
	struct walk walk;

	where = place_origin(where);
	if (where.source) {
		walk_begin(&walk, where.source);
		at = walk_to(&walk, where.offset);
	}
	*name = where.source ? where.source->name : NULL;
	*line = at.line;
	*column = at.column;
}

static int size_compare(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

int place_compare(struct place a, struct place b)
{
	return size_compare(a.offset, b.offset);
}

struct wanted {
	struct place place;
	struct position *at;
};

static int wanted_compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	uintptr_t p = (uintptr_t)x->place.source;
	uintptr_t q = (uintptr_t)y->place.source;

	if (p != q)
		return p < q ? -1 : 1;
	return place_compare(x->place, y->place);
}

/* A line of 10 MB under a thousand diagnostics is read once. */
static void resolve_all(struct diags *d)
{
	struct wanted *wanted = arena_new_array(d->arena, struct wanted,
						2 * d->count);
	struct walk walk = { .source = NULL };
	size_t count = 0;

	for (size_t i = 0; i < d->count; i++) {
		struct diag *diag = &d->items[i];

		if (diag->where.source)
			wanted[count++] = (struct wanted){
				place_origin(diag->where), &diag->at };
		if (diag->other.source)
			wanted[count++] = (struct wanted){
				place_origin(diag->other), &diag->other_at };
	}
	qsort(wanted, count, sizeof(*wanted), wanted_compare);
	for (size_t i = 0; i < count; i++) {
		if (!walk.source || wanted[i].place.source != walk.source)
			walk_begin(&walk, wanted[i].place.source);
		*wanted[i].at = walk_to(&walk, wanted[i].place.offset);
	}
}

static int position_compare(struct position a, struct position b)
{
	int order = size_compare(a.line, b.line);

	return order ? order : size_compare(a.column, b.column);
}

static const char *source_name(struct place where)
{
	where = place_origin(where);
	return where.source && where.source->name ? where.source->name : "";
}

/* 0 for two that say the same of the same place. */
static int diag_compare(const struct diag *a, const struct diag *b)
{
	int order = strcmp(source_name(a->where), source_name(b->where));

	if (!order)
		order = position_compare(a->at, b->at);
	if (!order)
		order = (a->severity > b->severity) -
			(a->severity < b->severity);
	return order ? order : strcmp(a->message, b->message);
}

static int sort_compare(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;
	int order = diag_compare(x, y);

	return order ? order : position_compare(x->other_at, y->other_at);
}

void diags_sort(struct diags *d)
{
	size_t kept = 0;

	if (!d->count)
		return;
	resolve_all(d);
	qsort(d->items, d->count, sizeof(*d->items), sort_compare);
	for (size_t i = 0; i < d->count; i++) {
		if (!kept || diag_compare(&d->items[kept - 1], &d->items[i]))
			d->items[kept++] = d->items[i];
		else if (d->items[i].severity == SEVERITY_ERROR)
			d->errors--;
	}
	d->count = kept;
}
