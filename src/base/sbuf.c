/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define SBUF_FIRST 64

void sbuf_init(struct sbuf *b, struct arena *arena)
{
	*b = (struct sbuf){ .arena = arena, .capacity = SBUF_FIRST };
	b->data = arena_alloc(arena, b->capacity);
}

/* Room for MORE bytes and the NUL. */
static void grow(struct sbuf *b, size_t more)
{
	size_t wanted, capacity = b->capacity;

	if (__builtin_add_overflow(b->size, more, &wanted) ||
	    wanted >= SIZE_MAX / 2)
		abort();
	if (wanted < capacity)
		return;
	while (capacity <= wanted)
		capacity *= 2;
	b->data = arena_grow(b->arena, b->data, b->capacity, capacity);
	b->capacity = capacity;
}

void sbuf_add(struct sbuf *b, const void *data, size_t size)
{
	if (!size)
		return;
	grow(b, size);
	memcpy(b->data + b->size, data, size);
	b->size += size;
	b->data[b->size] = '\0';
}

struct str sbuf_end(struct sbuf *b)
{
	arena_shrink(b->arena, b->data, b->capacity, b->size + 1);
	b->capacity = b->size + 1;
	return (struct str){ b->data, b->size };
}

void sbuf_str(struct sbuf *b, struct str text)
{
	sbuf_add(b, text.data, text.size);
}

void sbuf_puts(struct sbuf *b, const char *string)
{
	sbuf_str(b, str_of(string));
}

void sbuf_putc(struct sbuf *b, char c)
{
	sbuf_add(b, &c, 1);
}

void sbuf_printf(struct sbuf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sbuf_vprintf(b, format, args);
	va_end(args);
}

void sbuf_vprintf(struct sbuf *b, const char *format, va_list args)
{
	size_t room = b->capacity - b->size;
	va_list again;
	int length;

	va_copy(again, args);
	length = text_format(b->data + b->size, room, format, args);
	if (length > 0 && (size_t)length >= room) {
		b->data[b->size] = '\0';
		grow(b, (size_t)length);
		text_format(b->data + b->size, (size_t)length + 1, format,
			    again);
	}
	if (length > 0)
		b->size += (size_t)length;
	b->data[b->size] = '\0';
	va_end(again);
}

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t str_utf8(struct str text, uint32_t *out)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text.data;
	uint32_t value;
	size_t size;

	if (!text.size)
		return 0;
	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || text.size < size)
		return 0;
	value = p[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if (!is_continuation(p[i]))
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < smallest[size] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*out = value;
	return size;
}

/*
 * C0, DEL and C1, which a terminal obeys; line separators; and what turns the
 * direction of writing, with which a line can be made to look like another.
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void sbuf_show(struct sbuf *b, struct str text, size_t max)
{
	size_t shown = 0;

	while (text.size) {
		uint32_t c = 0;
		size_t size = str_utf8(text, &c);
		bool plain = size && !is_control(c);

		if (!size)
			size = 1;
		if (size > max - shown) {
			sbuf_puts(b, "...");
			return;
		}
		if (plain)
			sbuf_add(b, text.data, size);
		for (size_t i = 0; !plain && i < size; i++)
			sbuf_printf(b, "\\x%02x", (unsigned char)text.data[i]);
		shown += size;
		text.data += size;
		text.size -= size;
	}
}

const char *str_show(struct arena *arena, struct str text, size_t max)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_show(&out, text, max);
	return out.data;
}
