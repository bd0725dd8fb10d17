/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of text, and text that grows on an arena. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* ASCII. */
static inline bool char_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_alphanumeric(char c)
{
	return char_is_letter(c) || char_is_digit(c);
}

/* Not tolower(): that depends on the locale. */
static inline char char_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* A view: not owned, not terminated, may hold any byte. */
struct str {
	const char *data;
	size_t size;
};

#define STR(literal) ((struct str){ literal, sizeof(literal) - 1 })

struct str str_of(const char *string);	/* a C string; NULL is empty */
bool str_equal(struct str a, struct str b);
bool str_is(struct str a, const char *string);
bool str_is_nocase(struct str a, const char *string);	/* ASCII */
bool str_starts(struct str a, const char *prefix);
bool str_ends(struct str a, const char *suffix);
int str_compare(struct str a, struct str b);	/* bytes, then length */
struct str str_trim(struct str a);	/* spaces, tabs, CR, VT, FF */
/* Cut off what stands before the first SEPARATOR; false when a is empty. */
bool str_next(struct str *rest, char separator, struct str *item);
/* Decimal digits only, no sign, no space, value at most MAX: 0 or -1. */
int str_uint(struct str a, uint64_t max, uint64_t *out) must_check_;
/* As str_uint, or hexadecimal after 0x. */
int str_uint_or_hex(struct str a, uint64_t max, uint64_t *out) must_check_;
/*
 * The known word nearest to A by edit distance (at most 2, and less than A is
 * long; a swap of neighbours is one edit; ASCII case does not count), or NULL.
 */
const char *str_nearest(struct str a, const char *const *words, size_t count);
/* Sort WORDS by bytes, each once; how many there are then. */
size_t words_sort(const char **words, size_t count);
/* qsort(3), made for what is nearly in order, or in the reverse one. */
void items_sort(void *items, size_t count, size_t size,
		int (*compare)(const void *, const void *));
/* Bytes of the UTF-8 character (RFC 3629) at the start; 0: there is none. */
size_t str_utf8(struct str text, uint32_t *out);

/* Writes VALUE in decimal to OUT, at most 20 characters without a NUL; how
   many. */
size_t number_format(uint64_t value, char *out);
/* As vsnprintf(3), and faster where %s %u %d %c %zu %lu %llu are all. */
int text_format(char *out, size_t room, const char *format, va_list args)
	printf_(3, 0);

/* Growing text; data is always terminated by a NUL not counted in size. */
struct sbuf {
	struct arena *arena;
	char *data;
	size_t size, capacity;
};

void sbuf_init(struct sbuf *b, struct arena *arena);
void sbuf_add(struct sbuf *b, const void *data, size_t size);
void sbuf_str(struct sbuf *b, struct str text);
/* The text as a view; what room is left behind it goes back. */
struct str sbuf_end(struct sbuf *b);
void sbuf_puts(struct sbuf *b, const char *string);
void sbuf_putc(struct sbuf *b, char c);
void sbuf_printf(struct sbuf *b, const char *format, ...) printf_(2, 3);
void sbuf_vprintf(struct sbuf *b, const char *format, va_list args)
	printf_(2, 0);
/*
 * TEXT as something safe to show: control characters (C0, DEL, C1, those that
 * turn the direction of writing) and invalid UTF-8 as \xNN, at most MAX bytes
 * of it, then "...".
 */
void sbuf_show(struct sbuf *b, struct str text, size_t max);
/* The same as a string on ARENA, never NULL; SIZE_MAX shows all of it. */
const char *str_show(struct arena *arena, struct str text, size_t max);
