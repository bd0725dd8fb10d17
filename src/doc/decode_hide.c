/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeping keys out of the lines that diagnostics show. */
#include <string.h>

#include "base/err.h"
#include "doc/decode.h"

#define WINDOW 256	/* bytes looked at on each side of a place; more than
			   is shown */
#define KEY_DIGITS 43	/* of base64 in a key, before the "=" */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One that signs documents is longer, and says what it is. */
static bool is_minisign(struct str run)
{
	struct minisign_key key;
	struct err ignored;

	return !minisign_key_parse(run, &key, &ignored);
}

/* Is RUN, of TEXT, a whole key, and the value of "public_key"? */
static bool is_public(struct str text, struct str run)
{
	static const char name[] = "\"public_key\"";
	const size_t size = sizeof(name) - 1;
	size_t digits = 0, start = (size_t)(run.data - text.data);

	for (size_t i = 0; i < run.size; i++)
		digits += run.data[i] != '\\';
	if (digits != KEY_DIGITS || start + run.size == text.size ||
	    run.data[run.size] != '=')
		return false;
	if (!start || text.data[--start] != '"')
		return false;
	while (start && is_blank(text.data[start - 1]))
		start--;
	if (!start || text.data[--start] != ':')
		return false;
	while (start && is_blank(text.data[start - 1]))
		start--;
	return start >= size && !memcmp(text.data + start - size, name, size);
}

/* In a part of TEXT. */
static bool has_key(struct str text, struct str part)
{
	struct str run;

	while (key_next_run(&part, &run))
		if (!is_public(text, run) && !is_minisign(run))
			return true;
	return false;
}

/* Names under which a key, however mangled, is to be expected. */
static bool has_secret_word(struct str line)
{
	static const char *const words[] = {
		"preshared_key\"", "private_key\"", "presharedkey",
		"privatekey", "psk\"",
	};

	for (size_t w = 0; w < array_size(words); w++) {
		size_t size = strlen(words[w]);

		for (size_t i = 0; i + size <= line.size; i++)
			if (str_is_nocase((struct str){ line.data + i, size },
					  words[w]))
				return true;
	}
	return false;
}

static bool may_show_key(const struct source *source, struct place where)
{
	struct str text = source->text, line;
	size_t start, end;

	where = place_origin(where);
	if (where.source != source)
		return false;
	start = end = where.offset;
	while (start > 0 && where.offset - start < WINDOW &&
	       text.data[start - 1] != '\n')
		start--;
	while (end < text.size && end - where.offset < WINDOW &&
	       text.data[end] != '\n')
		end++;
	/* What stands across the window's ends, as a whole. */
	while (start > 0 && where.offset - start < 2 * WINDOW &&
	       text.data[start - 1] != '"' && text.data[start - 1] != '\n')
		start--;
	line = (struct str){ text.data + start, end - start };
	return has_secret_word(line) || has_key(text, line);
}

void document_hide_keys(const struct source *source, struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		struct diag *diag = &diags->items[i];

		if (may_show_key(source, diag->where) ||
		    may_show_key(source, diag->other))
			diag->hidden = true;
	}
}
