/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nftc_report.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "kern/nftc_protocol.h"
#include "state/firewall.h"

#define SOURCE_NAME "firewall.nft"
#define FILE_PREFIX "/dev/stdin:"

/* Take digits and what is not one after them off REST. */
static bool take_number(struct str *rest, size_t *out)
{
	struct str digits = *rest;
	uint64_t value;

	digits.size = 0;
	while (digits.size < rest->size && digits.data[digits.size] >= '0' &&
	       digits.data[digits.size] <= '9')
		digits.size++;
	if (str_uint(digits, SIZE_MAX / 2, &value) < 0 ||
	    digits.size == rest->size)
		return false;
	*out = (size_t)value;
	rest->data += digits.size + 1;
	rest->size -= digits.size + 1;
	return true;
}

static bool find_word(struct str line, const char *word, struct str *after)
{
	const char *at = memmem(line.data, line.size, word, strlen(word));

	if (!at)
		return false;
	at += strlen(word);
	*after = (struct str){ at, line.size - (size_t)(at - line.data) };
	return true;
}

static bool read_line(struct str line, struct nftc_complaint *out)
{
	struct str place = line;

	*out = (struct nftc_complaint){ .placed = false };
	if (!find_word(line, "Error: ", &out->text)) {
		if (!find_word(line, "Warning: ", &out->text))
			return false;
		out->warning = true;
	}
	out->text = str_trim(out->text);
	if (!str_starts(line, FILE_PREFIX))
		return true;
	place.data += strlen(FILE_PREFIX);
	place.size -= strlen(FILE_PREFIX);
	out->placed = take_number(&place, &out->line) &&
		      take_number(&place, &out->column) && out->line;
	return true;
}

/* A line of the user's own text may hold the word as well: it is indented or
   follows a complaint, which begins with a place or with the word. */
static bool may_begin(struct str line)
{
	return str_starts(line, FILE_PREFIX) || str_starts(line, "Error: ") ||
	       str_starts(line, "Warning: ") || str_starts(line, "internal:") ||
	       str_starts(line, "netlink: ") || str_starts(line, "<cmdline>");
}

bool nftc_next_complaint(struct str *output, struct nftc_complaint *out)
{
	struct str line;

	while (str_next(output, '\n', &line))
		if (may_begin(line) && read_line(line, out)) {
			/* the line it speaks of, and the mark, are skipped */
			if (out->placed && str_next(output, '\n', &line))
				str_next(output, '\n', &line);
			return true;
		}
	return false;
}

bool nftc_is_environment(struct str output, struct str *text)
{
	static const int numbers[] = {
		EMSGSIZE, ENOBUFS, ENOMEM, EPERM, EACCES, ERESTART, EINTR,
	};
	struct nftc_complaint c;

	if (!nftc_next_complaint(&output, &c))
		return false;
	*text = c.text;
	for (size_t i = 0; i < array_size(numbers); i++) {
		struct str after;

		if (find_word(c.text, strerror(numbers[i]), &after) &&
		    !after.size)
			return true;
	}
	return false;
}

/* LINE counts those before the text. */
static size_t offset_of(struct str text, size_t line, size_t column)
{
	size_t offset = 0;

	if (line <= NFTC_HEAD_LINES)
		return 0;
	line -= NFTC_HEAD_LINES;

	for (; line > 1; line--) {
		const char *end = memchr(text.data + offset, '\n',
					 text.size - offset);

		if (!end)
			break;
		offset = (size_t)(end - text.data) + 1;
	}
	for (; column > 1 && offset < text.size && text.data[offset] != '\n';
	     column--)
		offset++;
	return offset;
}

/*
 * The compiled text may have lines of ours, defines, before what the user
 * wrote; their errors stand at its beginning.
 */
static struct place place_in(struct arena *arena, const struct firewall *f,
			     size_t offset)
{
	const struct source *source = f->where.source;
	struct source *own;

	if (source && source->text.size <= f->text.size) {
		size_t before = f->text.size - source->text.size;

		if (!memcmp(f->text.data + before, source->text.data,
			    source->text.size))
			return (struct place){
				source, offset < before ? 0 : offset - before
			};
	}
	if (source)
		return f->where;
	own = arena_new_object(arena, struct source);
	*own = (struct source){ .name = SOURCE_NAME, .text = f->text };
	return (struct place){ own, offset };
}

void nftc_diagnose(struct arena *arena, struct str output,
		   const struct firewall *f, struct diags *diags)
{
	struct nftc_complaint c;

	while (nftc_next_complaint(&output, &c)) {
		size_t offset = c.placed ?
			offset_of(f->text, c.line, c.column) : 0;
		struct place where = place_in(arena, f, offset);

		if (c.warning)
			diag_warning(diags, where, "%.*s", (int)c.text.size,
				     c.text.data);
		else
			diag_error(diags, where, "%.*s", (int)c.text.size,
				   c.text.data);
	}
}
