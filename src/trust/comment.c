/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trust/comment.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

enum word { WORD_MESH, WORD_SERIAL, WORD_EXPIRES, WORDS };

static const char *const words[WORDS] = {
	[WORD_MESH] = "mesh",
	[WORD_SERIAL] = "serial",
	[WORD_EXPIRES] = "expires",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next run of what is no blank. */
static bool next_word(struct str *rest, struct str *word)
{
	while (rest->size && is_blank(rest->data[0])) {
		rest->data++;
		rest->size--;
	}
	*word = (struct str){ rest->data, 0 };
	while (word->size < rest->size && !is_blank(rest->data[word->size]))
		word->size++;
	if (!word->size)
		return false;
	rest->data += word->size;
	rest->size -= word->size;
	return true;
}

static int take(enum word word, struct str value, struct trust_comment *out)
{
	switch (word) {
	case WORD_MESH:
		out->mesh = value;
		return value.size ? 0 : -1;
	case WORD_SERIAL:
		if (str_uint(value, TRUST_SERIAL_MAX, &out->serial))
			return -1;
		return out->serial ? 0 : -1;
	case WORD_EXPIRES:
		return time_parse(value, &out->expires);
	case WORDS:
		break;
	}
	return -1;
}

int trust_comment_read(struct str text, struct trust_comment *out,
		       struct err *e)
{
	struct trust_comment comment = { .serial = 0 };
	bool said[WORDS] = { false };
	struct str word;

	while (next_word(&text, &word)) {
		struct str name = { word.data, 0 };
		size_t i = 0;

		while (name.size < word.size && name.data[name.size] != '=')
			name.size++;
		while (i < WORDS && !str_is(name, words[i]))
			i++;
		if (i == WORDS || name.size == word.size)
			continue;
		if (said[i])
			return err_set(e, ERR_TRUST, "the trusted comment "
				       "says %s twice", words[i]);
		said[i] = true;
		word.data += name.size + 1;
		word.size -= name.size + 1;
		if (take((enum word)i, word, &comment))
			return err_set(e, ERR_TRUST, "the trusted comment "
				       "says %s=, with no value for it",
				       words[i]);
	}
	*out = comment;
	return 0;
}

const char *trust_comment_write(struct arena *arena,
				const struct trust_comment *comment)
{
	char time[TIME_TEXT_MAX];
	struct sbuf out;

	sbuf_init(&out, arena);
	if (comment->mesh.size) {
		sbuf_puts(&out, "mesh=");
		sbuf_str(&out, comment->mesh);
	}
	if (comment->serial)
		sbuf_printf(&out, "%sserial=%llu", out.size ? " " : "",
			    (unsigned long long)comment->serial);
	if (comment->expires)
		sbuf_printf(&out, "%sexpires=%s", out.size ? " " : "",
			    time_format(comment->expires, time));
	return out.data ? out.data : "";
}
