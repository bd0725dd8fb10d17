/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeping keys out of the lines that diagnostics show. */
#include <string.h>

#include "doc/decode.h"

#define WINDOW 256	/* bytes looked at on each side of a place; more than
			   is shown */
#define KEY_DIGITS 43	/* of base64 in a key, before the "=" */
#define RUN 20		/* so many characters of base64 may be a key's */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of base64 as JSON may write it: a slash can be escaped. */
static bool is_key_character(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '+' ||
	       c == '/' || c == '\\';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Is what begins at START a whole key, and the value of "public_key"? */
static bool is_public(struct str text, size_t start)
{
	static const char name[] = "\"public_key\"";
	const size_t size = sizeof(name) - 1;
	size_t digits = 0, end = start;

	for (; end < text.size && is_key_character(text.data[end]); end++)
		digits += text.data[end] != '\\';
	if (digits != KEY_DIGITS || end == text.size || text.data[end] != '=')
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

static bool has_key(struct str text, size_t start, size_t end)
{
	size_t begin = start;
	bool letter = false, other = false;

	for (size_t i = start; i < end; i++) {
		char c = text.data[i];

		if (!is_key_character(c)) {
			begin = i + 1;
			letter = other = false;
			continue;
		}
		letter |= is_letter(c);
		other |= !is_letter(c);
		/* Neither a word nor a number is so long and of one kind. */
		if (i + 1 - begin < RUN ||
		    (i + 1 - begin < 2 * RUN && !(letter && other)))
			continue;
		if (!is_public(text, begin))
			return true;
	}
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
	/* The run that stands across the window's start, as a whole. */
	while (start > 0 && where.offset - start < 2 * WINDOW &&
	       is_key_character(text.data[start]) &&
	       is_key_character(text.data[start - 1]))
		start--;
	line = (struct str){ text.data + start, end - start };
	return has_secret_word(line) || has_key(text, start, end);
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
