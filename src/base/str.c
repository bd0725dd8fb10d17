/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_of(const char *string)
{
	return (struct str){ string, string ? strlen(string) : 0 };
}

bool str_equal(struct str a, struct str b)
{
	return a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
}

/* Most are no match by their first byte: their lengths are not asked for. */
bool str_is(struct str a, const char *string)
{
	if (!string)
		return !a.size;
	for (size_t i = 0; i < a.size; i++)
		if (!string[i] || a.data[i] != string[i])
			return false;
	return !string[a.size];
}

bool str_is_nocase(struct str a, const char *string)
{
	if (!string)
		return !a.size;
	for (size_t i = 0; i < a.size; i++)
		if (!string[i] || char_lower(a.data[i]) !=
				  char_lower(string[i]))
			return false;
	return !string[a.size];
}

bool str_starts(struct str a, const char *prefix)
{
	struct str b = str_of(prefix);

	if (a.size < b.size)
		return false;
	return str_equal((struct str){ a.data, b.size }, b);
}

bool str_ends(struct str a, const char *suffix)
{
	struct str b = str_of(suffix);

	if (a.size < b.size)
		return false;
	return str_equal((struct str){ a.data + (a.size - b.size), b.size }, b);
}

int str_compare(struct str a, struct str b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size ? memcmp(a.data, b.data, size) : 0;

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

struct str str_trim(struct str a)
{
	while (a.size && is_blank(a.data[0])) {
		a.data++;
		a.size--;
	}
	while (a.size && is_blank(a.data[a.size - 1]))
		a.size--;
	return a;
}

bool str_next(struct str *rest, char separator, struct str *item)
{
	const char *end;
	size_t size;

	if (!rest->size)
		return false;
	end = memchr(rest->data, separator, rest->size);
	size = end ? (size_t)(end - rest->data) : rest->size;
	*item = (struct str){ rest->data, size };
	if (end)
		size++;
	rest->data += size;
	rest->size -= size;
	return true;
}

static int digit_value(char c)
{
	if (char_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static int parse_uint(struct str a, unsigned int base, uint64_t max,
		      uint64_t *out)
{
	uint64_t value = 0;

	if (!a.size)
		return -1;
	for (size_t i = 0; i < a.size; i++) {
		unsigned int digit = (unsigned int)digit_value(a.data[i]);

		if (digit >= base || digit > max ||
		    value > (max - digit) / base)
			return -1;
		value = value * base + digit;
	}
	*out = value;
	return 0;
}

int str_uint(struct str a, uint64_t max, uint64_t *out)
{
	return parse_uint(a, 10, max, out);
}

int str_uint_or_hex(struct str a, uint64_t max, uint64_t *out)
{
	if (!str_starts(a, "0x") && !str_starts(a, "0X"))
		return parse_uint(a, 10, max, out);
	return parse_uint((struct str){ a.data + 2, a.size - 2 }, 16, max, out);
}

#define NEAREST_MAX 2
#define NEAREST_SIZE 64	/* longer words are nobody's slip of the finger */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edit distance of two short words with a swap of neighbours counted once
 * (optimal string alignment), without regard to case.
 */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_SIZE + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.size; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.size; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b.size; j++) {
			char x = char_lower(a.data[i - 1]);
			char y = char_lower(b.data[j - 1]);

			row[j] = least(last[j - 1] + (x != y),
				       1 + least(last[j], row[j - 1]));
			if (i > 1 && j > 1 && x == char_lower(b.data[j - 2]) &&
			    y == char_lower(a.data[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.size];
}

const char *str_nearest(struct str a, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t best = NEAREST_MAX + 1;

	if (a.size > NEAREST_SIZE)
		return NULL;
	/* A word of two letters is two edits from every other. */
	if (best > a.size)
		best = a.size;
	for (size_t i = 0; i < count; i++) {
		struct str word = str_of(words[i]);
		size_t d;

		if (word.size > NEAREST_SIZE)
			continue;
		d = distance(a, word);
		if (d >= best)
			continue;
		best = d;
		nearest = words[i];
	}
	return nearest;
}

static int word_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

size_t words_sort(const char **words, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(words, count, sizeof(*words), word_compare);
	for (size_t i = 0; i < count; i++)
		if (!kept || strcmp(words[kept - 1], words[i]) != 0)
			words[kept++] = words[i];
	return kept;
}

static void items_reverse(char *items, size_t count, size_t size, char *space)
{
	char *other = items + (count - 1) * size;

	for (; items < other; items += size, other -= size) {
		memcpy(space, items, size);
		memcpy(items, other, size);
		memcpy(other, space, size);
	}
}

/* By insertion; false, and not done, where too many stand in wrong places. */
static bool items_insert(char *items, size_t count, size_t size, char *space,
			 int (*compare)(const void *, const void *))
{
	char *end = items + count * size;
	size_t moves = 4 * count;

	for (char *item = items + size; item < end; item += size) {
		char *place = item;

		while (place > items && moves &&
		       compare(place - size, item) > 0) {
			place -= size;
			moves--;
		}
		if (place == item)
			continue;
		memcpy(space, item, size);
		memmove(place + size, place, (size_t)(item - place));
		memcpy(place, space, size);
		if (!moves)
			return false;
	}
	return true;
}

void items_sort(void *items, size_t count, size_t size,
		int (*compare)(const void *, const void *))
{
	char space[256];

	if (count < 2)
		return;
	if (size > sizeof(space)) {
		qsort(items, count, size, compare);
		return;
	}
	if (compare(items, (const char *)items + (count - 1) * size) > 0)
		items_reverse(items, count, size, space);
	if (!items_insert(items, count, size, space, compare))
		qsort(items, count, size, compare);
}
