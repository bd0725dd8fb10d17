/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree with places.  jansson says whether the text is valid but keeps no
 * places, so what it has accepted is walked once more; here nothing of the
 * syntax is checked again.
 */
#include "doc/parse.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "state/value.h"

#define BOM "\xef\xbb\xbf"

struct parser {
	struct arena *arena, *secrets;
	struct source *source;
	struct diags *diags;
	size_t next;		/* offset of the next byte */
};

static char peek(struct parser *p)
{
	return p->source->text.data[p->next];
}

static void skip_blanks(struct parser *p)
{
	while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' ||
	       peek(p) == '\r')
		p->next++;
}

static uint32_t hex4(const char *digits)
{
	static const char all[] = "0123456789abcdef";
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		/* lower case; digits have this bit already */
		const char *digit = strchr(all, digits[i] | 0x20);

		value = value << 4 | (digit ? (uint32_t)(digit - all) : 0);
	}
	return value;
}

static size_t put_utf8(char *out, uint32_t c)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = size - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(marks[size] | c);
	return size;
}

/* What stands after the backslash at *IN; RFC 8259 section 7. */
static uint32_t escaped(const char **in)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	char c = *(*in)++;
	const char *letter = strchr(letters, c);
	uint32_t value;

	if (c != 'u')
		return (unsigned char)(letter ? meant[letter - letters] : c);
	value = hex4(*in);
	*in += 4;
	if (value < 0xd800 || value > 0xdbff)
		return value;
	value = 0x10000 + ((value - 0xd800) << 10) + (hex4(*in + 2) - 0xdc00);
	*in += 6;
	return value;
}

/* RAW is longer than what it stands for. */
static struct str unescape(struct arena *secrets, struct str raw)
{
	const char *in = raw.data, *end = raw.data + raw.size;
	char *out = arena_alloc(secrets, raw.size);
	size_t size = 0;

	while (in < end) {
		if (*in != '\\') {
			out[size++] = *in++;
			continue;
		}
		in++;
		size += put_utf8(out + size, escaped(&in));
	}
	return (struct str){ out, size };
}

/* The text whose quote is next. */
static struct str take_text(struct parser *p)
{
	size_t start = ++p->next;
	bool escapes = false;
	struct str raw;

	for (; peek(p) != '"'; p->next++) {
		if (peek(p) != '\\')
			continue;
		escapes = true;
		p->next++;
	}
	raw = (struct str){ p->source->text.data + start, p->next - start };
	p->next++;
	return escapes ? unescape(p->secrets, raw) : raw;
}

static int key_compare_by_place(const void *a, const void *b)
{
	const struct doc_value *x = *(const struct doc_value *const *)a;
	const struct doc_value *y = *(const struct doc_value *const *)b;
	int order = str_compare(x->key, y->key);

	return order ? order : (x->key_offset > y->key_offset) -
			       (x->key_offset < y->key_offset);
}

static void refuse_repeated(struct parser *p, const struct doc_value *object)
{
	const struct doc_value **members, *member = object->first;
	size_t count = 0;

	if (object->count < 2)
		return;
	members = arena_new_array(p->arena, const struct doc_value *,
				  object->count);
	for (; member; member = member->next)
		members[count++] = member;
	items_sort(members, count, sizeof(*members), key_compare_by_place);
	for (size_t i = 1; i < count; i++) {
		struct place at = { p->source, members[i]->key_offset };
		struct diag *diag;

		if (!str_equal(members[i - 1]->key, members[i]->key))
			continue;
		diag = diag_error(p->diags, at, "the key %s is given twice",
				  value_show(p->diags, members[i]->key));
		diag->other = (struct place){ p->source,
					      members[i - 1]->key_offset };
		diag->other_message = "the first is here";
	}
}

static bool is_secret(struct str key)
{
	return str_is(key, "preshared_key") || str_is(key, "private_key");
}

static struct doc_value *take_value(struct parser *p);

/* What stands between braces or brackets; nesting is limited by jansson. */
static void take_members(struct parser *p, struct doc_value *parent)
{
	struct doc_value **last = &parent->first;
	char end = parent->kind == DOC_OBJECT ? '}' : ']';

	p->next++;
	for (skip_blanks(p); peek(p) != end; skip_blanks(p)) {
		size_t key_offset = p->next;
		struct str key = { NULL, 0 };

		if (parent->kind == DOC_OBJECT) {
			key = take_text(p);
			p->source->secret |= is_secret(key);
			skip_blanks(p);
			p->next++;	/* the colon */
			skip_blanks(p);
		}
		*last = take_value(p);
		(*last)->key = key;
		(*last)->key_offset = key_offset;
		last = &(*last)->next;
		parent->count++;
		skip_blanks(p);
		if (peek(p) == ',')
			p->next++;
	}
	p->next++;
	if (parent->kind == DOC_OBJECT)
		refuse_repeated(p, parent);
}

static void take_word(struct parser *p, struct doc_value *value)
{
	const char *start = p->source->text.data + p->next;
	size_t size = 0;

	while (!strchr(" \t\r\n,]}", start[size]))
		size++;
	p->next += size;
	value->text = (struct str){ start, size };
	value->truth = *start == 't';
	if (*start == 't' || *start == 'f')
		value->kind = DOC_TRUTH;
	else
		value->kind = *start == 'n' ? DOC_NULL : DOC_NUMBER;
}

static struct doc_value *take_value(struct parser *p)
{
	struct doc_value *value = arena_new_object(p->arena, struct doc_value);

	value->offset = p->next;
	switch (peek(p)) {
	case '"':
		value->kind = DOC_TEXT;
		value->text = take_text(p);
		break;
	case '{':
		value->kind = DOC_OBJECT;
		take_members(p, value);
		break;
	case '[':
		value->kind = DOC_LIST;
		take_members(p, value);
		break;
	default:
		take_word(p, value);
	}
	return value;
}

int doc_parse(struct arena *arena, struct arena *secrets,
	      struct source *source, struct diags *diags,
	      const struct doc_value **out)
{
	struct parser p = { arena, secrets, source, diags, 0 };
	size_t errors = diags->errors;
	struct doc_value *value;

	if (str_starts(source->text, BOM))
		p.next = sizeof(BOM) - 1;
	if (doc_check_syntax(source, p.next, diags) < 0)
		return -1;
	skip_blanks(&p);
	value = take_value(&p);
	if (diags->errors > errors)
		return -1;
	*out = value;
	return 0;
}
