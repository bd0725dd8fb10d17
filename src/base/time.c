/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Digits of a time: FORM has a 0 for each, anything else stands for itself. */
static bool has_form(struct str text, const char *form)
{
	if (text.size != strlen(form))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		bool digit = char_is_digit(text.data[i]);

		if (form[i] == '0' ? !digit : text.data[i] != form[i])
			return false;
	}
	return true;
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
				    30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* "2026-12-31T00:00:00" */
static int date_parse(struct str text, int64_t *out)
{
	const char *t = text.data;
	int year, month, day, hour, minute, second;
	int64_t days;

	if (!has_form(text, "0000-00-00T00:00:00"))
		return -1;
	year = two(t) * 100 + two(t + 2);
	month = two(t + 5);
	day = two(t + 8);
	hour = two(t + 11);
	minute = two(t + 14);
	second = two(t + 17);
	if (year < 2000 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month) || hour > 23 || minute > 59 ||
	    second > 59)
		return -1;
	days = (int64_t)year * 365 + (year - 1) / 4 - (year - 1) / 100 +
	       (year - 1) / 400 - 719527;	/* of 1970-01-01 */
	for (int i = 1; i < month; i++)
		days += days_in(year, i);
	days += day - 1;
	*out = ((days * 24 + hour) * 60 + minute) * 60 + second;
	return 0;
}

/* "Z", "+03:30"; RFC 3339 section 5.6. */
static int offset_parse(struct str text, int64_t *out)
{
	int64_t seconds;

	*out = 0;
	if (str_is(text, "Z"))
		return 0;
	if (!text.size ||
	    (!has_form(text, "+00:00") && !has_form(text, "-00:00")))
		return -1;
	if (two(text.data + 1) > 23 || two(text.data + 4) > 59)
		return -1;
	seconds = (two(text.data + 1) * 60 + two(text.data + 4)) * 60;
	*out = text.data[0] == '-' ? -seconds : seconds;
	return 0;
}

/* A fraction of a second is dropped: nothing here is that exact. */
static struct str skip_fraction(struct str text)
{
	size_t size = 1;

	if (text.size < 2 || text.data[0] != '.')
		return text;
	while (size < text.size && text.data[size] >= '0' &&
	       text.data[size] <= '9')
		size++;
	if (size == 1)
		return text;
	return (struct str){ text.data + size, text.size - size };
}

int time_parse(struct str text, int64_t *out)
{
	const size_t date_size = strlen("2026-12-31T00:00:00");
	struct str date = text, rest = { NULL, 0 };
	int64_t seconds, offset;

	if (date.size > date_size) {
		rest = (struct str){ date.data + date_size,
				     date.size - date_size };
		date.size = date_size;
	}
	if (date_parse(date, &seconds) < 0 ||
	    offset_parse(skip_fraction(rest), &offset) < 0)
		return -1;
	*out = seconds - offset;
	return 0;
}

char *time_format(int64_t seconds, char out[static TIME_TEXT_MAX])
{
	time_t then = (time_t)seconds;
	struct tm tm;

	/* A year that no text is for is told as it is. */
	if (!gmtime_r(&then, &tm) ||
	    !strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, TIME_TEXT_MAX, "@%lld", (long long)seconds);
	return out;
}

int64_t time_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
