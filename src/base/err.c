/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/libc.h"

#define MORE "..."

/*
 * Names in a message come from command lines and from folders that others
 * own: what could steer a terminal is not passed on.  A line break stays, a
 * compiler's report has several.
 */
static void blunt(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x20 && c != '\n') || c == 0x7f)
			*text = '?';
	}
}

/* Format into OUT; what does not fit is cut, and seen to be. */
static void format_cut(char *out, size_t size, const char *format,
		       va_list args)
{
	int length = vsnprintf(out, size, format, args);

	if (length < 0)
		out[0] = '\0';
	else if ((size_t)length >= size && size > sizeof(MORE))
		memcpy(out + size - sizeof(MORE), MORE, sizeof(MORE));
	blunt(out);
}

static void fill(struct err *e, enum err_kind kind, int number,
		 const char *guard, const char *text)
{
	e->kind = kind;
	e->number = number;
	snprintf(e->guard, sizeof(e->guard), "%s", guard);
	snprintf(e->text, sizeof(e->text), "%s", text);
}

/*
 * All of these format into a buffer apart: an argument may well be the text
 * of the same error.
 */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, format);
	format_cut(text, sizeof(text), format, args);
	va_end(args);
	fill(e, kind, 0, "", text);
	return -1;
}

static enum err_kind kind_of(int number)
{
	switch (number) {
	case EPERM:
	case EACCES:
		return ERR_PERMISSION;
	case ENOENT:
		return ERR_NO_INPUT;
	default:
		return ERR_FAILED;
	}
}

int err_sys(struct err *e, const char *format, ...)
{
	int number = errno;
	const char *words = errno_words(number);
	char text[sizeof(e->text)], what[sizeof(e->text) - 80];
	va_list args;

	va_start(args, format);
	format_cut(what, sizeof(what), format, args);
	va_end(args);
	if (words)
		snprintf(text, sizeof(text), "%s: %.70s", what, words);
	else
		snprintf(text, sizeof(text), "%s: error %d", what, number);
	fill(e, kind_of(number), number, "", text);
	return -1;
}

int err_refuse(struct err *e, const char *guard, const char *format, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, format);
	format_cut(text, sizeof(text), format, args);
	va_end(args);
	fill(e, ERR_REFUSED, 0, guard, text);
	return -1;
}

int err_wrap(struct err *e, const char *format, ...)
{
	char old[sizeof(e->text)], context[sizeof(e->text) / 4];
	va_list args;
	int length;

	va_start(args, format);
	format_cut(context, sizeof(context), format, args);
	va_end(args);
	memcpy(old, e->text, sizeof(old));
	length = snprintf(e->text, sizeof(e->text), "%s: %s", context, old);
	if (length >= (int)sizeof(e->text))
		memcpy(e->text + sizeof(e->text) - sizeof(MORE), MORE,
		       sizeof(MORE));
	return -1;
}
