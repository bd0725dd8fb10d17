/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/record.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/key.h"

#define FORMAT "meshapply 1 "
#define ALIAS_MAX 256
#define STRING_MAX 65536	/* bytes of a value once unescaped */

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%';
}

static void escape(struct sbuf *out, const char *text, size_t size)
{
	size_t done = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_plain(c))
			continue;
		sbuf_add(out, text + done, i - done);
		sbuf_printf(out, "%%%02X", c);
		done = i + 1;
	}
	sbuf_add(out, text + done, size - done);
}

static void name_write(struct sbuf *out, const struct field *f)
{
	sbuf_putc(out, ' ');
	sbuf_puts(out, f->name);
	sbuf_putc(out, '=');
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	/* As written, so that one value has one form. */
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* OUT has room for LIMIT bytes, the terminating NUL among them. */
static bool unescape(struct str text, char *out, size_t limit)
{
	size_t n = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (n + 1 >= limit)
			return false;
		if (is_plain(c)) {
			out[n++] = (char)c;
			continue;
		}
		if (c != '%' || text.size - i < 3)
			return false;
		int high = hex_digit(text.data[i + 1]);
		int low = hex_digit(text.data[i + 2]);

		/* No NUL: these are C strings. */
		if (high < 0 || low < 0 || (!high && !low) ||
		    is_plain((unsigned char)(high << 4 | low)))
			return false;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	out[n] = '\0';
	return true;
}

static uint64_t number_of(const struct field *f, const char *at)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (f->kind == FIELD_U8)
		return (unsigned char)*at;
	if (f->kind == FIELD_U16) {
		memcpy(&u16, at, sizeof(u16));
		return u16;
	}
	if (f->kind == FIELD_U32) {
		memcpy(&u32, at, sizeof(u32));
		return u32;
	}
	memcpy(&u64, at, sizeof(u64));
	return u64;
}

static void number_write(struct sbuf *out, const struct field *f,
			 const char *at)
{
	uint64_t value = number_of(f, at);

	char digits[20];

	if (!value)
		return;
	name_write(out, f);
	sbuf_add(out, digits, number_format(value, digits));
}

static void text_write(struct sbuf *out, const struct field *f,
		       const char *text)
{
	name_write(out, f);
	escape(out, text, strlen(text));
}

static void key_write(struct sbuf *out, const struct field *f,
		      const struct key *key)
{
	char text[KEY_TEXT_MAX];

	name_write(out, f);
	sbuf_puts(out, key_format(key, text));
	explicit_bzero(text, sizeof(text));
}

static void signed_write(struct sbuf *out, const struct field *f,
			 const char *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	if (value)
		sbuf_printf(out, " %s=%d", f->name, value);
}

static void field_write(struct sbuf *out, const struct field *f,
			const char *at)
{
	char text[PREFIX_TEXT_MAX];
	const void *pointer;

	switch (f->kind) {
	case FIELD_BOOL:
		if (*(const bool *)at)
			sbuf_printf(out, " %s=1", f->name);
		return;
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
		number_write(out, f, at);
		return;
	case FIELD_I32:
		signed_write(out, f, at);
		return;
	case FIELD_LINK_NAME:
	case FIELD_ALIAS:
		if (*at)
			text_write(out, f, at);
		return;
	case FIELD_STRING:
		memcpy(&pointer, at, sizeof(pointer));
		if (pointer)
			text_write(out, f, pointer);
		return;
	case FIELD_IP:
		if (!*(const uint8_t *)at)
			return;
		name_write(out, f);
		sbuf_puts(out, ip_format((const struct ip *)(const void *)at,
					 text));
		return;
	case FIELD_PREFIX:
		if (!*(const uint8_t *)at)
			return;
		name_write(out, f);
		sbuf_puts(out, prefix_format(
			(const struct prefix *)(const void *)at, text));
		return;
	case FIELD_KEY:
		if (!key_is_zero((const struct key *)(const void *)at))
			key_write(out, f, (const struct key *)(const void *)
				  at);
		return;
	case FIELD_SECRET:
		memcpy(&pointer, at, sizeof(pointer));
		if (pointer)
			key_write(out, f, pointer);
		return;
	}
}

void record_write(struct sbuf *out, const char *kind,
		  const struct field *fields, size_t count,
		  const void *object)
{
	sbuf_puts(out, kind);
	for (size_t i = 0; i < count; i++)
		field_write(out, &fields[i],
			    (const char *)object + fields[i].offset);
	sbuf_putc(out, '\n');
}

static bool number_read(const struct field *f, struct str value, char *at)
{
	uint64_t max = f->kind == FIELD_U8 ? UINT8_MAX :
		       f->kind == FIELD_U16 ? UINT16_MAX :
		       f->kind == FIELD_U32 ? UINT32_MAX : UINT64_MAX;
	uint64_t n;

	/* Neither zero nor one that begins with it is ever written. */
	if (!value.size || value.data[0] == '0' ||
	    str_uint(value, max, &n) < 0)
		return false;
	if (f->kind == FIELD_U8)
		*(uint8_t *)at = (uint8_t)n;
	else if (f->kind == FIELD_U16)
		*(uint16_t *)(void *)at = (uint16_t)n;
	else if (f->kind == FIELD_U32)
		*(uint32_t *)(void *)at = (uint32_t)n;
	else
		*(uint64_t *)(void *)at = n;
	return true;
}

static bool signed_read(struct str value, char *at)
{
	bool negative = value.size && value.data[0] == '-';
	uint64_t n;

	if (negative)
		value = (struct str){ value.data + 1, value.size - 1 };
	if (!value.size || value.data[0] == '0' ||
	    str_uint(value, INT32_MAX, &n) < 0)
		return false;
	*(int32_t *)(void *)at = negative ? -(int32_t)n : (int32_t)n;
	return true;
}

static bool string_read(struct records *r, struct str value, char *at)
{
	char *text;

	if (value.size > 3 * STRING_MAX)
		return false;
	text = arena_alloc(r->arena, value.size + 1);
	if (!unescape(value, text, value.size + 1))
		return false;
	memcpy(at, &text, sizeof(text));
	return true;
}

static bool secret_read(struct records *r, struct str value, char *at)
{
	struct key *key = arena_new_object(r->secrets, struct key);

	if (key_parse(value, key) < 0)
		return false;
	memcpy(at, &key, sizeof(key));
	return true;
}

static bool field_read(struct records *r, const struct field *f,
		       struct str value, char *at)
{
	switch (f->kind) {
	case FIELD_BOOL:
		*(bool *)at = true;
		return str_is(value, "1");
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
		return number_read(f, value, at);
	case FIELD_I32:
		return signed_read(value, at);
	case FIELD_LINK_NAME:
		return value.size && unescape(value, at, IFNAMSIZ);
	case FIELD_ALIAS:
		return value.size && unescape(value, at, ALIAS_MAX);
	case FIELD_STRING:
		return string_read(r, value, at);
	case FIELD_IP:
		return !ip_parse(value, (struct ip *)(void *)at);
	case FIELD_PREFIX:
		return !prefix_parse(value, (struct prefix *)(void *)at);
	case FIELD_KEY:
		return !key_parse(value, (struct key *)(void *)at);
	case FIELD_SECRET:
		return secret_read(r, value, at);
	}
	return false;
}

bool record_next(struct records *r, struct record *out)
{
	struct str line;
	const char *end;

	if (r->bad || !r->rest.size)
		return false;
	r->line++;
	end = memchr(r->rest.data, '\n', r->rest.size);
	if (!end) {
		r->bad = true;		/* cut off */
		return false;
	}
	line = (struct str){ r->rest.data, (size_t)(end - r->rest.data) };
	r->rest.data += line.size + 1;
	r->rest.size -= line.size + 1;
	out->kind = (struct str){ 0 };
	if (!str_next(&line, ' ', &out->kind) || !out->kind.size) {
		r->bad = true;
		return false;
	}
	out->words = line;
	return true;
}

bool record_read(struct records *r, const struct record *record,
		 const struct field *fields, size_t count, void *object)
{
	struct str words = record->words, word, name;
	size_t i = 0;

	while (!r->bad && str_next(&words, ' ', &word)) {
		const char *sign = memchr(word.data, '=', word.size);

		if (!sign) {
			r->bad = true;
			break;
		}
		name = (struct str){ word.data, (size_t)(sign - word.data) };
		word.data += name.size + 1;
		word.size -= name.size + 1;
		while (i < count && !str_is(name, fields[i].name))
			i++;
		if (i == count || !field_read(r, &fields[i], word,
					      (char *)object +
					      fields[i].offset))
			r->bad = true;
		i++;
	}
	return !r->bad;
}

bool record_raw(struct records *r, size_t size, struct str *out)
{
	if (r->bad || r->rest.size <= size || r->rest.data[size] != '\n') {
		r->bad = true;
		return false;
	}
	*out = (struct str){ r->rest.data, size };
	r->rest.data += size + 1;
	r->rest.size -= size + 1;
	return true;
}

static const struct field header_fields[] = {
	{ "boot", FIELD_STRING, offsetof(struct identity, boot) },
	{ "netns", FIELD_U64, offsetof(struct identity, netns) },
	{ "cookie", FIELD_U64, offsetof(struct identity, cookie) },
};

void header_write(struct sbuf *out, const char *what,
		  const struct identity *of)
{
	sbuf_puts(out, FORMAT);
	record_write(out, what, header_fields, array_size(header_fields), of);
}

bool header_read(struct records *r, const char *what, struct identity *of)
{
	struct record record;

	if (!str_starts(r->rest, FORMAT)) {
		r->bad = true;
		r->line = 1;
		return false;
	}
	r->rest.data += strlen(FORMAT);
	r->rest.size -= strlen(FORMAT);
	if (!record_next(r, &record) || !str_is(record.kind, what))
		r->bad = true;
	else if (record_read(r, &record, header_fields,
			     array_size(header_fields), of) &&
		 (!of->boot || !of->netns))
		r->bad = true;
	return !r->bad;
}
