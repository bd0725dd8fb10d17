/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is it JSON?  jansson decides; where it refuses, the words and the place are
 * found here, as its own message may repeat a key and has no place for it.
 */
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "doc/mesh.h"
#include "doc/parse.h"
#include "state/value.h"

/*
 * What jansson builds is thrown away, but it holds what may be keys: it lies
 * in locked memory of its own.  DOC_VALUES_MAX empty objects take a quarter of
 * it.
 */
#define TREE_LIMIT ((size_t)512 << 20)
#define TREE_ROOM (TREE_LIMIT + (TREE_LIMIT >> 1))

/* The hooks of jansson have no argument for it. */
static struct arena *tree_arena;

static void *tree_alloc(size_t size)
{
	if (size > TREE_LIMIT || arena_used(tree_arena) > TREE_LIMIT - size)
		return NULL;
	return arena_alloc(tree_arena, size);
}

static void tree_free(void *data)
{
	(void)data;
}

/* In any integer, so that the decoder can name the limit that it breaks. */
#define JSON_FLAGS JSON_DECODE_INT_AS_REAL

static int judge(struct str text, json_error_t *error)
{
	json_malloc_t old_alloc;
	json_free_t old_free;
	json_t *root;

	tree_arena = arena_new_secret(TREE_ROOM);
	json_get_alloc_funcs(&old_alloc, &old_free);
	json_set_alloc_funcs(tree_alloc, tree_free);
	root = json_loadb(text.data, text.size, JSON_FLAGS, error);
	json_set_alloc_funcs(old_alloc, old_free);
	arena_freep(&tree_arena);
	return root ? 0 : -1;
}

/*
 * UTF-8 without NUL, and not too many values: one may stand behind each of
 * these characters.  Those within texts count as well, there are few.
 */
static int check_bytes(const struct source *source, size_t start,
		       struct diags *diags)
{
	struct str text = { source->text.data + start,
			    source->text.size - start };
	size_t values = 1, size = 0;

	for (; text.size; text.data += size, text.size -= size) {
		struct place at = { source, source->text.size - text.size };
		uint32_t character = 0;

		size = str_utf8(text, &character);
		if (!size)
			diag_error(diags, at, "the byte 0x%02x is not UTF-8",
				   (unsigned char)text.data[0]);
		else if (!character)
			diag_error(diags, at, "a NUL byte: this is no text");
		else if (character == ',' || character == '[' ||
			 character == '{')
			values++;
		if (values > DOC_VALUES_MAX)
			diag_error(diags, at, "the document has more than %u "
				   "values", DOC_VALUES_MAX);
		if (!size || !character || values > DOC_VALUES_MAX)
			return -1;
	}
	return 0;
}

/* Where the text went wrong: its last tokens, and what was open. */
struct scene {
	const struct source *source;
	struct diags *diags;
	struct str before, last;	/* tokens; data NULL: there is none */
	size_t open[JSON_PARSER_MAX_DEPTH + 1];
	size_t depth;
};

static size_t text_token_size(struct str rest)
{
	size_t size = 1;

	while (size < rest.size && rest.data[size] != '"')
		size += rest.data[size] == '\\' ? 2 : 1;
	return size < rest.size ? size + 1 : rest.size;
}

/* The next token of REST, cut off it; empty at its end. */
static struct str next_token(struct str *rest)
{
	size_t size = 0;
	struct str token;

	while (rest->size && strchr(" \t\r\n", rest->data[0])) {
		rest->data++;
		rest->size--;
	}
	if (rest->size && rest->data[0] == '"')
		size = text_token_size(*rest);
	else if (rest->size && strchr("{}[],:", rest->data[0]))
		size = 1;
	else
		while (size < rest->size &&
		       !strchr(" \t\r\n{}[],:\"", rest->data[size]))
			size++;
	token = (struct str){ rest->data, size };
	rest->data += size;
	rest->size -= size;
	return token;
}

static size_t offset_of(const struct scene *s, const char *at)
{
	return (size_t)(at - s->source->text.data);
}

/* Walk to the last token that starts before END. */
static void look(struct scene *s, size_t start, size_t end)
{
	const struct str *text = &s->source->text;
	struct str rest = { text->data + start, text->size - start };

	for (;;) {
		struct str token = next_token(&rest);

		if (!token.size || offset_of(s, token.data) >= end)
			return;
		s->before = s->last;
		s->last = token;
		if (strchr("{[", token.data[0]) &&
		    s->depth < array_size(s->open))
			s->open[s->depth++] = offset_of(s, token.data);
		else if (strchr("}]", token.data[0]) && s->depth)
			s->depth--;
	}
}

static struct diag *refuse(struct scene *s, const char *at, const char *why)
{
	struct place where = { s->source, offset_of(s, at) };

	return diag_error(s->diags, where, "%s", why);
}

static bool is_hex(const char *digits, const char *end)
{
	if (end - digits < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (!strchr("0123456789abcdefABCDEF", digits[i]))
			return false;
	return true;
}

/* At AT, within a text that ends at END; the bytes it takes, 0: refused. */
static size_t check_escape(struct scene *s, const char *at, const char *end)
{
	bool low_follows;

	if (end - at < 2)
		return 2;
	if (at[1] != 'u' && strchr("\"\\/bfnrt", at[1]))
		return 2;
	if (at[1] != 'u' || !is_hex(at + 2, end)) {
		refuse(s, at, "this is no escape that JSON knows")->hint =
			"a backslash itself is written twice";
		return 0;
	}
	if (!strncmp(at + 2, "0000", 4)) {
		refuse(s, at, "no text holds a NUL character");
		return 0;
	}
	if (!strchr("dD", at[2]) || !strchr("89abcdefABCDEF", at[3]))
		return 6;
	low_follows = end - at >= 12 && at[6] == '\\' && at[7] == 'u' &&
		      is_hex(at + 8, end) && strchr("dD", at[8]) &&
		      strchr("cdefCDEF", at[9]);
	if (low_follows && strchr("89abAB", at[3]))
		return 12;
	refuse(s, at, "this escape is only half of a character");
	return 0;
}

/* What is wrong within the text that is the last token; false if nothing. */
static bool refuse_text(struct scene *s)
{
	const char *at = s->last.data + 1, *end = s->last.data + s->last.size;

	while (at < end && *at != '"') {
		size_t size = 1;

		if (*at == '\n' || *at == '\r') {
			refuse(s, at, "the line ends within a text")->hint =
				"a text ends with a double quote; a line's "
				"end in it is written \\n";
			return true;
		}
		if ((unsigned char)*at < ' ') {
			refuse(s, at, "a control character within a text");
			return true;
		}
		if (*at == '\\')
			size = check_escape(s, at, end);
		if (!size)
			return true;
		at += size;
	}
	return false;
}

static void refuse_end(struct scene *s)
{
	const char *end = s->last.data ? s->last.data + s->last.size :
			  s->source->text.data + s->source->text.size;
	struct diag *diag;
	size_t open;

	if (!s->last.data) {
		refuse(s, s->source->text.data, "the document is empty");
		return;
	}
	diag = refuse(s, end, "the document ends too early");
	if (!s->depth)
		return;
	open = s->open[s->depth - 1];
	diag->other = (struct place){ s->source, open };
	diag->other_message = "what begins here is not closed";
}

static bool ends_value(struct str token)
{
	return token.data && !strchr("{[,:", token.data[0]);
}

static void refuse_token(struct scene *s, bool wants_colon)
{
	char first = s->last.data[0];
	const char *shown = value_show(s->diags, s->last);
	struct diag *diag;

	if (wants_colon) {
		refuse(s, s->last.data, "a colon is missing before this");
	} else if (strchr("}]", first) && str_is(s->before, ",")) {
		refuse(s, s->before.data, "nothing follows this comma");
	} else if (strchr("/#", first)) {
		refuse(s, s->last.data, "JSON has no comments")->hint =
			"the key \"description\" takes a text";
	} else if (first == '\'') {
		refuse(s, s->last.data, "a text stands in double quotes");
	} else if (!strchr("}],:", first) && ends_value(s->before)) {
		refuse(s, s->last.data, "a comma is missing before this");
	} else {
		diag = diag_error(s->diags, (struct place){ s->source,
				  offset_of(s, s->last.data) },
				  "%s is not what JSON wants here",
				  first == '"' ? "a text" : shown);
		if ((first >= 'a' && first <= 'z') ||
		    (first >= 'A' && first <= 'Z'))
			diag->hint = "a text stands in double quotes";
	}
}

static void explain(struct scene *s, const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	if (code == json_error_out_of_memory)
		refuse(s, s->source->text.data,
		       "the document has too many values");
	else if (code == json_error_premature_end_of_input || !s->last.data)
		refuse_end(s);
	else if (code == json_error_stack_overflow)
		refuse(s, s->last.data,
		       "objects and lists are nested too deep");
	else if (code == json_error_numeric_overflow)
		refuse(s, s->last.data, "this number is too large");
	else if (s->last.data[0] == '"' && refuse_text(s))
		return;
	else if (code == json_error_end_of_input_expected)
		refuse(s, s->last.data,
		       "something follows the end of the document");
	else
		refuse_token(s, !strncmp(error->text, "':'", 3));
}

int doc_check_syntax(const struct source *source, size_t start,
		     struct diags *diags)
{
	struct scene s = { .source = source, .diags = diags };
	struct str text = source->text;
	json_error_t error;

	if (source->text.size == start) {
		diag_error(diags, (struct place){ source, start },
			   "the document is empty");
		return -1;
	}
	if (source->text.size > DOCUMENT_LIMIT) {
		diag_error(diags, (struct place){ source, start },
			   "the document has more than %u MiB",
			   DOCUMENT_LIMIT >> 20);
		return -1;
	}
	if (check_bytes(source, start, diags) < 0)
		return -1;
	text.data += start;
	text.size -= start;
	if (!judge(text, &error))
		return 0;
	/* Its position is behind the token that it did not like. */
	look(&s, start, start + (size_t)error.position);
	explain(&s, &error);
	return -1;
}
