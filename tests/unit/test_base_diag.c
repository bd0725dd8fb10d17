/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics: lines, columns, carets, order, linear time. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/diag.h"

static struct arena *arena;
static struct diags diags;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
	diags_init(&diags, arena);
}

static void teardown(void)
{
	arena_freep(&arena);
}

static const char *formatted(void)
{
	struct sbuf b;

	sbuf_init(&b, arena);
	diags_sort(&diags);
	diags_format(&diags, &b);
	return b.data;
}

static struct source source_of(const char *name, const char *text)
{
	return (struct source){ .name = name, .text = str_of(text) };
}

START_TEST(lines_and_columns)
{
	static const struct {
		const char *text;
		size_t offset, line, column;
	} cases[] = {
		{ "", 0, 1, 1 }, { "", 99, 1, 1 }, { "abc", 0, 1, 1 },
		{ "abc", 2, 1, 3 }, { "abc", 3, 1, 4 }, { "a\nb", 1, 1, 2 },
		{ "a\nb", 2, 2, 1 }, { "a\nb\n", 4, 3, 1 },
		{ "\n\n\n", 2, 3, 1 }, { "a\r\nbc", 4, 2, 2 },
		{ "\xc3\xa9x", 2, 1, 3 },
		{ "\xef\xbb\xbf" "ab\nc", 4, 1, 2 },
		{ "\xef\xbb\xbf" "ab\nc", 0, 1, 1 },
		{ "\xef\xbb\xbf" "ab\nc", 6, 2, 1 },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct source source = source_of("f", cases[i].text);
		struct place where = { &source, cases[i].offset };
		size_t line, column;
		const char *name;

		place_resolve(where, &name, &line, &column);
		ck_assert_str_eq(name, "f");
		ck_assert_uint_eq(line, cases[i].line);
		ck_assert_uint_eq(column, cases[i].column);
	}
}
END_TEST

START_TEST(one_diagnostic)
{
	struct source s = source_of("wg0.conf",
		"[Interface]\r\n\tListenPort = 70000\r\n");
	struct diag *diag;

	diag = diag_error(&diags, (struct place){ &s, 27 },
			  "ListenPort is %d, more than 65535", 70000);
	diag->hint = "take 51820";
	diag_warning(&diags, (struct place){ &s, 0 }, "unused");
	ck_assert_str_eq(formatted(),
		"wg0.conf:1:1: warning: unused\n"
		"    1 | [Interface]\n"
		"      | ^\n"
		"wg0.conf:2:15: error: ListenPort is 70000, more than 65535\n"
		"    2 |         ListenPort = 70000\n"
		"      |                      ^\n"
		"        hint: take 51820\n");
	ck_assert_uint_eq(diags.errors, 1);
}
END_TEST

START_TEST(two_places_and_none)
{
	struct source s = source_of("f", "one\ntwo\n");
	struct diag *diag;

	diag = diag_error(&diags, (struct place){ &s, 5 }, "given twice");
	diag->other = (struct place){ &s, 1 };
	diag->other_message = "first here";
	diag_error(&diags, (struct place){ NULL, 0 }, "nowhere");
	ck_assert_str_eq(formatted(),
		"error: nowhere\n"
		"f:2:2: error: given twice\n"
		"    2 | two\n"
		"      |  ^\n"
		"f:1:2: note: first here\n"
		"    1 | one\n"
		"      |  ^\n");
}
END_TEST

START_TEST(hidden_lines)
{
	struct source s = source_of("f", "PrivateKey = secretsecret\n");
	struct diag *diag;

	diag = diag_error(&diags, (struct place){ &s, 13 }, "no key");
	diag->hidden = true;
	diag->other = (struct place){ &s, 0 };
	ck_assert_str_eq(formatted(),
		"f:1:14: error: no key\n"
		"f:1:1: note: the other place is here\n");
}
END_TEST

/* No line of a source with keys in it, also of what was made of it; of the
   other place's source the line stays. */
START_TEST(secret_sources)
{
	static const struct source_map map[] = { { 0, 4 } };
	struct source s = source_of("f", "one\ntwo\n");
	struct source open = source_of("g", "three\n");
	struct source made = source_of("made", "x");
	struct diag *diag;

	made.origin = &s;
	made.map = map;
	made.map_count = 1;
	diag = diag_error(&diags, (struct place){ &made, 0 }, "m");
	diag->other = (struct place){ &open, 0 };
	diag = diag_error(&diags, (struct place){ &open, 1 }, "n");
	diag->other = (struct place){ &s, 0 };
	/* it may turn out later */
	s.secret = true;
	ck_assert_str_eq(formatted(),
		"f:2:1: error: m\n"
		"g:1:1: note: the other place is here\n"
		"    1 | three\n"
		"      | ^\n"
		"g:1:2: error: n\n"
		"    1 | three\n"
		"      |  ^\n"
		"f:1:1: note: the other place is here\n");
}
END_TEST

/* People keep the keys of their peers in them. */
START_TEST(comments_are_cut)
{
	struct source s = source_of("f", "PublicKey = x # PrivateKey = y\n"
				    "#@ name z#\n");

	diag_error(&diags, (struct place){ &s, 12 }, "twice");
	diag_error(&diags, (struct place){ &s, 31 }, "where it begins");
	diag_error(&diags, (struct place){ &s, 14 }, "in it");
	ck_assert_str_eq(formatted(),
		"f:1:13: error: twice\n"
		"    1 | PublicKey = x ...\n"
		"      |             ^\n"
		"f:1:15: error: in it\n"
		"    1 | PublicKey = x # PrivateKey = y\n"
		"      |               ^\n"
		"f:2:1: error: where it begins\n"
		"    2 | #@ name z...\n"
		"      | ^\n");
}
END_TEST

/* The caret stands under what is at the place, whatever is before it. */
START_TEST(carets)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *line, *caret;
	} cases[] = {
		{ "abc", 3, "abc", "   ^" },
		{ "", 0, "", "^" },
		{ "a\tb", 2, "a       b", "        ^" },
		{ "a\tb", 1, "a       b", " ^" },
		{ "\x1b[1mx", 4, "\\x1b[1mx", "       ^" },
		{ "\x1b!", 0, "\\x1b!", "^" },
		{ "\xc3\xa9x", 2, "\xc3\xa9x", " ^" },
		{ "\xc3\xa9x", 1, "\xc3\xa9x", "^" },
		{ "\xffx", 1, "\\xffx", "    ^" },
		{ "ab\r\n", 2, "ab", "  ^" },
		{ "ab\r\n", 3, "ab", "  ^" },
		{ "a\rb", 2, "a\\x0db", "     ^" },
		{ "\xef\xbb\xbf" "ab", 4, "ab", " ^" },
		{ "\xef\xbb\xbf" "ab", 1, "ab", "^" },
		{ "\xef\xbb\xbf", 0, "", "^" },
		{ "x\n", 2, "", "^" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct source s = source_of("f", cases[i].text);
		struct place where = { &s, cases[i].offset };
		const char *out, *line;
		char wanted[200];

		diags_init(&diags, arena);
		diag_error(&diags, where, "m");
		out = formatted();
		line = strchr(out, '\n');
		ck_assert_ptr_nonnull(line);
		snprintf(wanted, sizeof(wanted), "    %d | %s\n      | %s\n",
			 cases[i].offset == 2 && cases[i].text[0] == 'x' ? 2 :
			 1, cases[i].line, cases[i].caret);
		ck_assert_str_eq(line + 1, wanted);
	}
}
END_TEST

START_TEST(messages_are_safe)
{
	struct source s = source_of("a\nb", "x");
	struct diag *diag;

	diag = diag_error(&diags, (struct place){ &s, 0 }, "bad \x1b[2J");
	diag->hint = "no\nline";
	ck_assert_str_eq(formatted(),
		"a\\x0ab:1:1: error: bad \\x1b[2J\n"
		"    1 | x\n"
		"      | ^\n"
		"        hint: no\\x0aline\n");
}
END_TEST

/* Of a long line a window is shown, with the caret where it belongs. */
START_TEST(windows)
{
	static const size_t offsets[] = { 0, 59, 60, 61, 500, 939, 940, 999,
					  1000 };
	char text[1001];
	struct source s = { .name = "f", .text = { text, sizeof(text) } };

	memset(text, 'o', 1000);
	text[1000] = '\n';
	for (size_t i = 0; i < array_size(offsets); i++) {
		const char *line, *end, *caret;
		size_t offset = offsets[i];
		char saved = text[offset];

		if (offset < 1000)
			text[offset] = 'X';
		diags_init(&diags, arena);
		diag_error(&diags, (struct place){ &s, offset }, "m");
		line = strchr(formatted(), '\n') + 1;
		end = strchr(line, '\n');
		caret = strchr(end + 1, '^');
		ck_assert_int_le(end - line, 8 + 120 + 6);
		if (offset < 1000)
			ck_assert_int_eq(line[caret - end - 1], 'X');
		ck_assert_int_eq(line[8] == '.', offset > 60);
		ck_assert_int_eq(end[-1] == '.', offset < 940);
		text[offset] = saved;
	}
}
END_TEST

START_TEST(windows_of_long_characters)
{
	char text[3000];
	struct source s = { .name = "f", .text = { text, sizeof(text) } };
	const char *out;

	/* three bytes each */
	for (size_t i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	for (size_t offset = 1500; offset < 1503; offset++) {
		diags_init(&diags, arena);
		diag_error(&diags, (struct place){ &s, offset }, "m");
		out = strchr(formatted(), '\n') + 1;
		/* nothing is cut in its middle */
		ck_assert_int_eq(strncmp(out + 8, "...\xe2\x82\xac", 6), 0);
		ck_assert_ptr_null(strstr(out, "\\x"));
	}
}
END_TEST

START_TEST(origins)
{
	static const struct source_map to_middle[] = {
		{ 0, 0 }, { 10, 4 }, { 20, 8 },
	};
	static const struct source_map to_user[] = {
		{ 2, 4 }, { 5, 0 }, { 8, 2 },
	};
	struct source user = source_of("user", "ab\ncd\n");
	struct source middle = source_of("middle", "0123456789");
	struct source last = source_of("last", "0123456789012345678901234");
	static const struct { size_t offset, origin; } cases[] = {
		/* through offset 0, 4 and 8 of the one in the middle */
		{ 0, 4 }, { 9, 4 }, { 10, 4 }, { 19, 4 }, { 20, 2 },
		{ 24, 2 }, { 999, 2 },
	};

	last.origin = &middle;
	last.map = to_middle;
	last.map_count = array_size(to_middle);
	middle.origin = &user;
	middle.map = to_user;
	middle.map_count = array_size(to_user);
	for (size_t i = 0; i < array_size(cases); i++) {
		struct place p = { &last, cases[i].offset };

		p = place_origin(p);
		ck_assert_ptr_eq(p.source, &user);
		ck_assert_uint_eq(p.offset, cases[i].origin);
	}
	ck_assert_uint_eq(place_origin((struct place){ &middle, 5 }).offset, 0);
	ck_assert_uint_eq(place_origin((struct place){ &middle, 7 }).offset, 0);
	diag_error(&diags, (struct place){ &last, 12 }, "m");
	ck_assert_str_eq(formatted(), "user:2:2: error: m\n"
			 "    2 | cd\n"
			 "      |  ^\n");
	middle.map_count = 0;
	ck_assert_uint_eq(place_origin((struct place){ &middle, 7 }).offset, 0);
}
END_TEST

START_TEST(hints_of_the_nearest)
{
	static const char *const words[] = { "MTU", "Address" };
	struct diag *diag = diag_error(&diags, (struct place){ 0 }, "wrong");

	diag_hint_nearest(&diags, diag, STR("Endpoint"), words,
			  array_size(words));
	ck_assert_ptr_null(diag->hint);
	diag_hint_nearest(&diags, diag, STR("adress"), words,
			  array_size(words));
	ck_assert_str_eq(diag->hint, "did you mean 'Address'?");
}
END_TEST

START_TEST(sorted_and_once)
{
	struct source a = source_of("a", "1\n2\n3\n");
	struct source b = source_of("b", "1\n2\n3\n");
	static const char *const wanted[] = {
		"none", "last of a", "first", "same", "again", "b", "warned",
	};

	diag_warning(&diags, (struct place){ &b, 2 }, "warned");
	diag_error(&diags, (struct place){ &b, 2 }, "b");
	diag_error(&diags, (struct place){ &a, 4 }, "same");
	diag_error(&diags, (struct place){ &a, 4 }, "first");
	diag_error(&diags, (struct place){ &a, 4 }, "same");
	diag_warning(&diags, (struct place){ &a, 4 }, "again");
	diag_warning(&diags, (struct place){ &a, 4 }, "again");
	diag_error(&diags, (struct place){ &a, 0 }, "last of a");
	diag_error(&diags, (struct place){ NULL, 0 }, "none");
	ck_assert_uint_eq(diags.errors, 6);
	diags_sort(&diags);
	ck_assert_uint_eq(diags.errors, 5);
	ck_assert_uint_eq(diags.count, array_size(wanted));
	for (size_t i = 0; i < array_size(wanted); i++)
		ck_assert_str_eq(diags.items[i].message, wanted[i]);
	ck_assert_uint_eq(diags.items[2].at.line, 3);
	ck_assert_uint_eq(diags.items[2].at.column, 1);
	/* a second time changes nothing */
	diags_sort(&diags);
	ck_assert_uint_eq(diags.count, array_size(wanted));
	diags_init(&diags, arena);
	diags_sort(&diags);
}
END_TEST

START_TEST(bounded)
{
	struct source s = source_of("f", "x");
	struct place where = { &s, 0 };
	const char *out;

	for (int i = 0; i < 1500; i++)
		diag_warning(&diags, where, "warning %04d", i)->hint = "hint";
	ck_assert_uint_eq(diags.count, DIAGS_MAX);
	for (int i = 0; i < 3; i++)
		diag_error(&diags, where, "error %d", i)->hint = "hint";
	ck_assert_uint_eq(diags.count, DIAGS_MAX);
	ck_assert_uint_eq(diags.errors, 3);
	out = formatted();
	ck_assert_ptr_nonnull(strstr(out, "error 0"));
	ck_assert_ptr_nonnull(strstr(out, "error 2"));
	ck_assert_ptr_nonnull(strstr(out, "warning 0996"));
	ck_assert_ptr_null(strstr(out, "warning 0997"));
	ck_assert_ptr_null(strstr(out, "more errors"));
	for (int i = 3; i < 200000; i++)
		diag_error(&diags, where, "error %d", i);
	ck_assert_uint_eq(diags.errors, 200000);
	ck_assert_uint_eq(diags.count, DIAGS_MAX);
	out = formatted();
	ck_assert_ptr_null(strstr(out, "warning"));
	ck_assert_ptr_nonnull(strstr(out,
		"error: 199000 more errors are not shown\n"));
}
END_TEST

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * A thousand diagnostics, each with a second place, in one line of 10 MB and
 * in 10 MB of short lines, against the time of finding one place at the end.
 */
static void at_scale(char filler)
{
	size_t size = 10 << 20;
	char *text = arena_alloc(arena, size);
	struct source s = { .name = "f", .text = { text, size } };
	double start, one;
	size_t line, column;
	const char *name;

	memset(text, 'x', size);
	for (size_t i = 1; i < size; i += 2)
		text[i] = filler;
	start = seconds();
	place_resolve((struct place){ &s, size }, &name, &line, &column);
	one = seconds() - start;
	diags_init(&diags, arena);
	for (size_t i = 0; i < 1000; i++) {
		struct place where = { &s, size - 1 - i * 7919 };
		struct diag *diag = diag_error(&diags, where, "m");

		diag->other = (struct place){ &s, i * 10007 };
	}
	start = seconds();
	ck_assert_ptr_nonnull(formatted());
	ck_assert_uint_eq(diags.count, 1000);
	ck_assert_double_lt(seconds() - start, 20 * one + 0.1);
}

START_TEST(linear)
{
	at_scale('y');
	at_scale('\n');
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("diag");
	Suite *suite = suite_create("diag");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, lines_and_columns);
	tcase_add_test(tcase, one_diagnostic);
	tcase_add_test(tcase, two_places_and_none);
	tcase_add_test(tcase, hidden_lines);
	tcase_add_test(tcase, secret_sources);
	tcase_add_test(tcase, comments_are_cut);
	tcase_add_test(tcase, carets);
	tcase_add_test(tcase, messages_are_safe);
	tcase_add_test(tcase, windows);
	tcase_add_test(tcase, windows_of_long_characters);
	tcase_add_test(tcase, origins);
	tcase_add_test(tcase, hints_of_the_nearest);
	tcase_add_test(tcase, sorted_and_once);
	tcase_add_test(tcase, bounded);
	tcase_add_test(tcase, linear);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
