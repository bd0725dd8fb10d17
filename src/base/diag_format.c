/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as a person reads them. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

#define WINDOW 120	/* bytes shown of a line */
#define WINDOW_BEFORE 60	/* of these before the place */
#define GUTTER 5	/* columns for the line's number */
#define TAB_STOP 8

/* For names and messages: as long as they are, but safe. */
static void show(struct sbuf *out, const char *text)
{
	sbuf_show(out, str_of(text), SIZE_MAX);
}

/* One character to OUT, the columns it takes added to *COLUMN. */
static size_t show_one(struct sbuf *out, struct str text, size_t *column)
{
	uint32_t character = 0;
	size_t size = str_utf8(text, &character), before = out->size;

	if (character == '\t' && size) {
		do
			sbuf_putc(out, ' ');
		while (++*column % TAB_STOP);
		return 1;
	}
	if (!size)
		size = 1;
	sbuf_show(out, (struct str){ text.data, size }, SIZE_MAX);
	/* Escaped it is ASCII, else one character in one column. */
	*column += out->size - before == size ? 1 : out->size - before;
	return size;
}

struct window {
	size_t start, end;
	bool cut_before, cut_after;
};

/* A comment is the user's own business, and may well hold a key. */
static void cut_comment(struct str text, size_t offset, struct window *w)
{
	const char *comment;

	if (offset + 1 >= w->end)
		return;
	comment = memchr(text.data + offset + 1, '#', w->end - offset - 1);
	if (!comment)
		return;
	w->end = (size_t)(comment - text.data);
	w->cut_after = true;
}

/* Never looks further than a window's size away from the place. */
static struct window window_around(struct str text, size_t offset,
				   size_t line_start)
{
	struct window w = { .start = line_start };
	const char *newline;

	if (offset - line_start > WINDOW_BEFORE) {
		w.start = offset - WINDOW_BEFORE;
		/* not into the middle of a character */
		for (int i = 0; i < 3 && (text.data[w.start] & 0xc0) == 0x80;
		     i++)
			w.start++;
		w.cut_before = true;
	}
	w.end = text.size - w.start < WINDOW ? text.size : w.start + WINDOW;
	newline = memchr(text.data + w.start, '\n', w.end - w.start);
	if (newline)
		w.end = (size_t)(newline - text.data);
	else
		w.cut_after = w.end < text.size && text.data[w.end] != '\n';
	if (!w.cut_after && w.end > w.start && text.data[w.end - 1] == '\r')
		w.end--;
	cut_comment(text, offset, &w);
	return w;
}

/* The line with a caret under the place. */
static void show_line(struct sbuf *out, struct place where, struct position at)
{
	struct str text = where.source->text;
	size_t line_start, column = 0, caret = SIZE_MAX, offset = where.offset;
	struct window w;

	/* Short of it is only a place within a byte order mark. */
	if (at.line == 1)
		line_start = str_starts(text, "\xef\xbb\xbf") ? 3 : 0;
	else
		line_start = offset - (at.column - 1);
	if (offset < line_start)
		offset = line_start;
	w = window_around(text, offset, line_start);
	sbuf_printf(out, "%*zu | ", GUTTER, at.line);
	if (w.cut_before) {
		sbuf_puts(out, "...");
		column = 3;
	}
	for (size_t i = w.start; i < w.end;) {
		size_t size, before = column;

		/* the last character as a whole, though the window ends */
		size = show_one(out, (struct str){ text.data + i,
				text.size - i }, &column);
		if (offset < i + size && caret == SIZE_MAX)
			caret = before;
		i += size;
	}
	if (caret == SIZE_MAX)
		caret = column;
	if (w.cut_after)
		sbuf_puts(out, "...");
	sbuf_printf(out, "\n%*s | ", GUTTER, "");
	for (size_t i = 0; i < caret; i++)
		sbuf_putc(out, ' ');
	sbuf_puts(out, "^\n");
}

/* "NAME:LINE:COLUMN: KIND: MESSAGE" and, unless it is hidden, the line. */
static void show_place(struct sbuf *out, struct place where,
		       struct position at, const char *kind,
		       const char *message, bool hidden)
{
	where = place_origin(where);
	if (where.source) {
		const char *name = where.source->name;

		if (!at.line)
			place_resolve(where, &name, &at.line, &at.column);
		show(out, name ? name : "<text>");
		sbuf_printf(out, ":%zu:%zu: ", at.line, at.column);
	}
	sbuf_printf(out, "%s: ", kind);
	show(out, message ? message : "");
	sbuf_putc(out, '\n');
	if (where.source && !hidden && !where.source->secret)
		show_line(out, where, at);
}

static const char *severity_word(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return "error";
	case SEVERITY_WARNING:
		return "warning";
	}
	return "error";
}

void diag_format(const struct diag *diag, struct sbuf *out)
{
	show_place(out, diag->where, diag->at, severity_word(diag->severity),
		   diag->message, diag->hidden);
	if (diag->other.source)
		show_place(out, diag->other, diag->other_at, "note",
			   diag->other_message ? diag->other_message :
			   "the other place is here", diag->hidden);
	if (!diag->hint)
		return;
	sbuf_printf(out, "%*s   hint: ", GUTTER, "");
	show(out, diag->hint);
	sbuf_putc(out, '\n');
}

void diags_format(const struct diags *d, struct sbuf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < d->count; i++) {
		diag_format(&d->items[i], out);
		shown += d->items[i].severity == SEVERITY_ERROR;
	}
	if (d->errors > shown)
		sbuf_printf(out, "error: %zu more errors are not shown\n",
			    d->errors - shown);
}
