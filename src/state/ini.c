/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of an INI-like text. */
#include <string.h>

#include "state/text.h"

#define BOM "\xef\xbb\xbf"

struct place place_of(const struct source *source, struct str view)
{
	size_t offset = 0;

	if (view.data)
		offset = (size_t)(view.data - source->text.data);
	return (struct place){ source, offset };
}

void ini_start(struct ini *ini, const struct source *source)
{
	*ini = (struct ini){ .source = source };
	if (str_starts(source->text, BOM))
		ini->next = sizeof(BOM) - 1;
}

/* TEXT cut off before the first C, and what stands behind that. */
static bool split(struct str text, char c, struct str *before,
		  struct str *after)
{
	const char *at = text.size ? memchr(text.data, c, text.size) : NULL;

	if (!at)
		return false;
	*before = (struct str){ text.data, (size_t)(at - text.data) };
	*after = (struct str){ at + 1, text.size - before->size - 1 };
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "#@ KEY VALUE": what follows the two characters. */
static enum ini_kind directive(struct str text, struct ini_line *line)
{
	size_t size = 0;

	text = str_trim(text);
	while (size < text.size && !is_blank(text.data[size]))
		size++;
	line->key = (struct str){ text.data, size };
	line->value = str_trim((struct str){ text.data + size,
					     text.size - size });
	return INI_DIRECTIVE;
}

/* TEXT is trimmed and has no comment in it. */
static enum ini_kind statement(struct str text, struct ini_line *line)
{
	struct str key, value;

	if (text.data[0] == '[' && text.data[text.size - 1] == ']') {
		key = (struct str){ text.data + 1, text.size - 2 };
		line->key = str_trim(key);
		return INI_SECTION;
	}
	if (split(text, '=', &key, &value) && str_trim(key).size) {
		line->key = str_trim(key);
		line->value = str_trim(value);
		return INI_PAIR;
	}
	line->key = text;
	return INI_BAD;
}

enum ini_kind ini_next(struct ini *ini, struct ini_line *line)
{
	struct str rest = ini->source->text, text, after;

	*line = (struct ini_line){ .kind = INI_END };
	if (ini->next >= rest.size)
		return INI_END;
	rest.data += ini->next;
	rest.size -= ini->next;
	while (str_next(&rest, '\n', &text)) {
		ini->next = ini->source->text.size - rest.size;
		text = str_trim(text);
		if (!text.size) {
			line->blank_before = true;
			continue;
		}
		if (str_starts(text, "#@")) {
			text = (struct str){ text.data + 2, text.size - 2 };
			return line->kind = directive(text, line);
		}
		if (split(text, '#', &text, &after))
			text = str_trim(text);
		/* A comment alone does not part a directive from a header. */
		if (text.size)
			return line->kind = statement(text, line);
	}
	ini->next = ini->source->text.size;
	return INI_END;
}
