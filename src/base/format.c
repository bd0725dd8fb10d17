/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few conversions that nearly all of what is written needs, without the
 * machinery of printf(3): it was a sixth of what a run with ten thousand peers
 * did.  A format with any other conversion goes there as a whole.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define DIGITS_MAX 20	/* of 64 bits */

struct target {
	char *data;
	size_t room, size;	/* SIZE counts what did not fit as well */
};

static void put(struct target *t, const char *data, size_t size)
{
	if (t->size < t->room) {
		size_t left = t->room - t->size;

		memcpy(t->data + t->size, data, size < left ? size : left);
	}
	t->size += size;
}

size_t number_format(uint64_t value, char *out)
{
	char digits[DIGITS_MAX];
	size_t size = 0;

	do
		digits[DIGITS_MAX - ++size] = (char)('0' + value % 10);
	while (value /= 10);
	memcpy(out, digits + DIGITS_MAX - size, size);
	return size;
}

static void put_number(struct target *t, uint64_t value)
{
	char digits[DIGITS_MAX];

	put(t, digits, number_format(value, digits));
}

static void put_signed(struct target *t, int64_t value)
{
	if (value < 0)
		put(t, "-", 1);
	put_number(t, value < 0 ? (uint64_t)-(value + 1) + 1 :
		   (uint64_t)value);
}

/* The length of a conversion that is known here, behind its '%'; or 0. */
static size_t known(const char *at)
{
	if (*at == 's' || *at == 'u' || *at == 'd' || *at == 'c' || *at == '%')
		return 1;
	if (*at == 'z' || (*at == 'l' && at[1] == 'u'))
		return at[1] == 'u' ? 2 : 0;
	return *at == 'l' && at[1] == 'l' && at[2] == 'u' ? 3 : 0;
}

/* One argument; ARGS goes on, as it is the caller's own. */
static void convert(struct target *t, const char *at, va_list *args)
{
	const char *text;
	char c;

	switch (*at) {
	case 's':
		text = va_arg(*args, const char *);
		if (!text)
			text = "(null)";	/* as glibc has it */
		put(t, text, strlen(text));
		break;
	case 'u':
		put_number(t, va_arg(*args, unsigned int));
		break;
	case 'd':
		put_signed(t, va_arg(*args, int));
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put(t, &c, 1);
		break;
	case 'z':
		put_number(t, va_arg(*args, size_t));
		break;
	case 'l':
		put_number(t, at[1] == 'l' ? va_arg(*args, unsigned long long) :
			   va_arg(*args, unsigned long));
		break;
	default:
		put(t, "%", 1);
	}
}

int text_format(char *out, size_t room, const char *format, va_list args)
{
	struct target t = { .data = out, .room = room ? room - 1 : 0 };
	va_list own;

	va_copy(own, args);
	for (const char *at = format, *next; *at; at = next) {
		size_t size;

		next = strchrnul(at, '%');
		put(&t, at, (size_t)(next - at));
		if (!*next)
			break;
		size = known(next + 1);
		if (!size) {
			va_end(own);
			return vsnprintf(out, room, format, args);
		}
		convert(&t, next + 1, &own);
		next += 1 + size;
	}
	va_end(own);
	if (room)
		out[t.size < room ? t.size : room - 1] = '\0';
	return t.size > INT32_MAX ? -1 : (int)t.size;
}
