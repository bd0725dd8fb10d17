/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas, strings, errors. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/key.h"
#include "base/str.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 26);
}

static void teardown(void)
{
	arena_freep(&arena);
	ck_assert_ptr_null(arena);
}

/* Whether FUNCTION ends a process by abort(). */
static bool aborts(void (*function)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		close(STDERR_FILENO);
		function();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void use_too_much(void)
{
	arena_alloc(arena_new(1 << 20), (size_t)1 << 22);
}

static void use_huge(void)
{
	arena_alloc(arena_new(1 << 20), SIZE_MAX - 8);
}

static void use_overflow(void)
{
	arena_calloc(arena_new(1 << 20), SIZE_MAX / 4, 8);
}

static void use_bad_mark(void)
{
	struct arena *a = arena_new(1 << 20);

	arena_reset(a, arena_mark(a) + 1);
}

START_TEST(arena_runs_out)
{
	ck_assert(aborts(use_too_much));
	ck_assert(aborts(use_huge));
	ck_assert(aborts(use_overflow));
	ck_assert(aborts(use_bad_mark));
}
END_TEST

static bool all_zero(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

START_TEST(arena_gives_zeroed_aligned_memory)
{
	size_t mark = arena_mark(arena);

	for (int round = 0; round < 2; round++) {
		for (size_t size = 0; size < 3000; size += 7) {
			char *p = arena_alloc(arena, size);

			ck_assert_uint_eq((uintptr_t)p %
					  _Alignof(max_align_t), 0);
			ck_assert(all_zero(p, size));
			memset(p, 0xa5, size);
		}
		ck_assert_uint_gt(arena_used(arena), mark);
		arena_reset(arena, mark);
		ck_assert_uint_eq(arena_used(arena), mark);
	}
}
END_TEST

START_TEST(arena_never_moves)
{
	char *first = arena_strdup(arena, "first");
	char *big = arena_alloc(arena, 20 << 20);

	big[(20 << 20) - 1] = 1;
	ck_assert_str_eq(first, "first");
	ck_assert_mem_eq(arena_copy(arena, "a\0b", 3), "a\0b", 3);
	ck_assert_ptr_nonnull(arena_copy(arena, NULL, 0));
	ck_assert_str_eq(arena_strndup(arena, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_printf(arena, "%s-%d", "x", 7), "x-7");
	ck_assert_uint_eq(strlen(arena_printf(arena, "%0500d", 1)), 500);
	ck_assert_uint_eq(strlen(arena_printf(arena, "%0127d", 1)), 127);
	ck_assert_uint_eq(strlen(arena_printf(arena, "%0128d", 1)), 128);
}
END_TEST

START_TEST(arena_populates)
{
	struct arena *a = arena_new(1 << 22);
	char *p;

	ck_assert_int_eq(arena_populate(a, 3 << 20), 0);
	ck_assert_int_eq(arena_populate(a, 1 << 23), -1);
	ck_assert_int_eq(arena_populate(a, SIZE_MAX), -1);
	p = arena_alloc(a, 2 << 20);
	ck_assert(all_zero(p, 2 << 20));
	arena_free(a);
	arena_free(NULL);
}
END_TEST

/* Read what the program may not, through the kernel. */
static bool holds(const char *place, const char *text)
{
	char copy[64];
	size_t size = strlen(text);
	int p[2];

	ck_assert_uint_le(size, sizeof(copy));
	ck_assert_int_eq(pipe(p), 0);
#ifdef WITH_ASAN
	ASAN_UNPOISON_MEMORY_REGION(place, size);
#endif
	ck_assert_int_eq(write(p[1], place, size), (ssize_t)size);
	ck_assert_int_eq(read(p[0], copy, size), (ssize_t)size);
	close(p[0]);
	close(p[1]);
	return !memcmp(copy, text, size);
}

START_TEST(what_is_last_grows_in_place)
{
	struct arena *own = arena_new(1 << 23);
	size_t mark = arena_mark(own);
	char *p, *q;

	/* What was used before is zeroed again. */
	memset(arena_alloc(own, 1 << 20), 1, 1 << 20);
	arena_reset(own, mark);
	p = arena_copy(own, "abc", 3);
	q = arena_grow(own, p, 3, 2 << 20);
	ck_assert_ptr_eq(p, q);
	ck_assert_mem_eq(q, "abc", 3);
	for (size_t i = 3; i < 2 << 20; i++)
		if (q[i])
			ck_abort_msg("byte %zu is not zero", i);
	arena_alloc(own, 1);
	p = arena_grow(own, q, 2 << 20, (2 << 20) + 1);
	ck_assert_ptr_ne(p, q);
	ck_assert_mem_eq(p, "abc", 4);
	ck_assert_int_eq(p[2 << 20], 0);
	arena_free(own);
}
END_TEST

START_TEST(secrets_are_wiped)
{
	struct arena *secrets = arena_new_secret(1 << 22);
	size_t mark = arena_mark(secrets);
	char *p = arena_strdup(secrets, "not to be found");
	struct sbuf b;
	char *first;

	ck_assert(holds(p, "not to be found"));
	arena_reset(secrets, mark);
	ck_assert(!holds(p, "not to be found"));
	/* More than any limit of locked memory is no failure. */
	memset(arena_alloc(secrets, 3 << 20), 1, 3 << 20);
	arena_reset(secrets, mark);
	sbuf_init(&b, secrets);
	sbuf_puts(&b, "outgrown");
	first = b.data;
	arena_alloc(secrets, 1);	/* it cannot grow where it stands */
	sbuf_printf(&b, "%0500d", 1);
	ck_assert_ptr_ne(first, b.data);
	ck_assert(holds(first, "outgrown"));
	arena_reset(secrets, mark);
	ck_assert(!holds(first, "outgrown"));
	arena_free(secrets);
}
END_TEST

START_TEST(secrets_stay_here)
{
	struct arena *secrets = arena_new_secret(1 << 22);
	char *p = arena_strdup(secrets, "not for a child");
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(p[0] || p[5]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* qemu's user emulation takes MADV_WIPEONFORK and does nothing. */
	if (getenv("MESHAPPLY_EMULATED"))
		printf("SKIPPED: secrets_stay_here: emulated\n");
	else
		ck_assert_int_eq(status, 0);
	ck_assert_str_eq(p, "not for a child");
	arena_free(secrets);
}
END_TEST

#ifdef WITH_ASAN
START_TEST(overruns_are_seen)
{
	size_t mark;
	char *a = arena_alloc(arena, 5), *b = arena_alloc(arena, 8);

	ck_assert(!__asan_address_is_poisoned(a + 4));
	ck_assert(__asan_address_is_poisoned(a + 5));
	ck_assert(__asan_address_is_poisoned(b + 8));
	mark = arena_mark(arena);
	a = arena_alloc(arena, 64);
	arena_reset(arena, mark);
	ck_assert(__asan_address_is_poisoned(a));
	ck_assert(!__asan_address_is_poisoned(b + 7));
}
END_TEST
#endif

START_TEST(arena_room_grows)
{
	size_t count = 0, capacity = 0;
	int *items = NULL;

	for (int i = 0; i < 1000; i++) {
		arena_room(arena, &items, count, &capacity, sizeof(*items));
		ck_assert_uint_gt(capacity, count);
		items[count++] = i;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(items[i], i);
	ck_assert_uint_lt(capacity, 2048);
}
END_TEST

START_TEST(str_views)
{
	struct str a = str_of("Key = value"), item, rest;

	ck_assert_uint_eq(str_of(NULL).size, 0);
	ck_assert(str_equal(str_of(NULL), str_of("")));
	ck_assert(str_is(a, "Key = value") && !str_is(a, "Key = valu"));
	ck_assert(str_is_nocase(a, "kEY = VALUE"));
	ck_assert(!str_is_nocase(a, "kEY = VALUe "));
	ck_assert(!str_is_nocase(STR("["), "{"));
	ck_assert(str_starts(a, "Key") && str_starts(a, ""));
	ck_assert(!str_starts(STR("Ke"), "Key"));
	ck_assert(str_ends(a, "value") && str_ends(a, ""));
	ck_assert(!str_ends(a, "Key") && !str_ends(STR("ey"), "Key"));
	ck_assert(str_ends(str_of(NULL), "") && !str_ends(str_of(NULL), "x"));
	ck_assert_int_lt(str_compare(STR("a"), STR("ab")), 0);
	ck_assert_int_gt(str_compare(STR("b"), STR("ab")), 0);
	ck_assert_int_eq(str_compare(STR(""), str_of(NULL)), 0);
	ck_assert_int_gt(str_compare(STR("\xff"), STR("a")), 0);
	ck_assert(str_is(str_trim(STR(" \t\v\f\r x y \r")), "x y"));
	ck_assert(str_is(str_trim(STR("\nx\n")), "\nx\n"));
	ck_assert_uint_eq(str_trim(STR(" \t ")).size, 0);

	rest = STR("a,,b,");
	ck_assert(str_next(&rest, ',', &item) && str_is(item, "a"));
	ck_assert(str_next(&rest, ',', &item) && str_is(item, ""));
	ck_assert(str_next(&rest, ',', &item) && str_is(item, "b"));
	ck_assert(!str_next(&rest, ',', &item));
	rest = STR("last");
	ck_assert(str_next(&rest, '\n', &item) && str_is(item, "last"));
	ck_assert(!str_next(&rest, '\n', &item));
}
END_TEST

START_TEST(str_numbers)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "0x", "0x1", "1a", "65536",
		"99999999999999999999999999",
	};
	uint64_t n = 42;

	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(str_uint(str_of(bad[i]), 65535, &n) < 0, "%s",
			      bad[i]);
	ck_assert_uint_eq(n, 42);
	ck_assert(!str_uint(STR("65535"), 65535, &n) && n == 65535);
	ck_assert(!str_uint(STR("0"), 0, &n) && n == 0);
	ck_assert_int_eq(str_uint(STR("5"), 4, &n), -1);
	ck_assert(!str_uint(STR("18446744073709551615"), UINT64_MAX, &n));
	ck_assert(n == UINT64_MAX);
	ck_assert_int_eq(str_uint(STR("18446744073709551616"), UINT64_MAX,
				  &n), -1);
	ck_assert_int_eq(str_uint((struct str){ "1\0", 2 }, 9, &n), -1);
	ck_assert(!str_uint_or_hex(STR("0xCa6c"), UINT32_MAX, &n));
	ck_assert_uint_eq(n, 0xca6c);
	ck_assert(!str_uint_or_hex(STR("12"), 12, &n) && n == 12);
	ck_assert_int_eq(str_uint_or_hex(STR("0x"), 12, &n), -1);
	ck_assert_int_eq(str_uint_or_hex(STR("0xg"), 99, &n), -1);
	ck_assert_int_eq(str_uint_or_hex(STR("ff"), 999, &n), -1);
	ck_assert_int_eq(str_uint_or_hex(STR("0x100000000"), UINT32_MAX,
					 &n), -1);
}
END_TEST

START_TEST(str_suggestions)
{
	static const char *const words[] = {
		"Address", "ListenPort", "PrivateKey", "MTU", "AllowedIPs",
	};
	static const struct { const char *wrong, *right; } cases[] = {
		{ "adress", "Address" }, { "LISTENPORT", "ListenPort" },
		{ "ListenProt", "ListenPort" }, { "AllowedIP", "AllowedIPs" },
		{ "Addrses", "Address" }, { "MUT", "MTU" },
		{ "XMTU", "MTU" }, { "PrivatKye", "PrivateKey" },
		{ "Prvatky", NULL }, { "", NULL }, { "m", NULL },
		{ "xy", NULL }, { "Endpoint", NULL },
	};
	char longest[5000];

	for (size_t i = 0; i < array_size(cases); i++) {
		const char *got = str_nearest(str_of(cases[i].wrong), words,
					      array_size(words));

		if (cases[i].right)
			ck_assert_str_eq(got ? got : "(null)", cases[i].right);
		else
			ck_assert_ptr_null(got);
	}
	memset(longest, 'a', sizeof(longest));
	ck_assert_ptr_null(str_nearest((struct str){ longest,
					       sizeof(longest) }, words,
				       array_size(words)));
	ck_assert_ptr_null(str_nearest(STR("MTU"), words, 0));
}
END_TEST

START_TEST(words_are_sorted_once)
{
	const char *words[] = { "b", "ab", "b", "a", "B", "a", "b" };
	static const char *const wanted[] = { "B", "a", "ab", "b" };

	ck_assert_uint_eq(words_sort(words, array_size(words)),
			  array_size(wanted));
	for (size_t i = 0; i < array_size(wanted); i++)
		ck_assert_str_eq(words[i], wanted[i]);
	ck_assert_uint_eq(words_sort(NULL, 0), 0);
}
END_TEST

START_TEST(sbuf_grows)
{
	struct sbuf b;

	sbuf_init(&b, arena);
	ck_assert_str_eq(b.data, "");
	for (int i = 0; i < 1000; i++)
		sbuf_printf(&b, "%d,", i % 10);
	sbuf_putc(&b, '!');
	sbuf_puts(&b, "end");
	sbuf_add(&b, NULL, 0);
	ck_assert_uint_eq(b.size, 2004);
	ck_assert_uint_eq(strlen(b.data), b.size);
	ck_assert_str_eq(b.data + 1998, "9,!end");
	/* of itself */
	sbuf_str(&b, (struct str){ b.data, b.size });
	ck_assert_uint_eq(b.size, 4008);
	ck_assert_str_eq(b.data + 4002, "9,!end");
	for (int i = 60; i < 70; i++) {
		sbuf_init(&b, arena);
		sbuf_printf(&b, "%*d", i, 7);
		ck_assert_uint_eq(strlen(b.data), (size_t)i);
		ck_assert_uint_eq(b.size, (size_t)i);
	}
}
END_TEST

static const char *shown(struct str text, size_t max)
{
	return str_show(arena, text, max);
}

START_TEST(sbuf_show_is_safe)
{
	static const struct { struct str text; const char *wanted; } cases[] = {
		{ { "plain", 5 }, "plain" },
		{ { "a\nb\tc", 5 }, "a\\x0ab\\x09c" },
		{ { "\x1b[2J", 4 }, "\\x1b[2J" },
		{ { "nul\0!", 5 }, "nul\\x00!" },
		{ { "\x7f", 1 }, "\\x7f" },
		{ { "\xc3\xa9t\xc3\xa9", 5 }, "\xc3\xa9t\xc3\xa9" },
		{ { "\xc2\x9b", 2 }, "\\xc2\\x9b" },	/* C1 CSI */
		{ { "\xe2\x80\xae", 3 }, "\\xe2\\x80\\xae" },	/* RLO */
		{ { "\xc0\xaf", 2 }, "\\xc0\\xaf" },	/* overlong */
		{ { "\xe0\x80\xaf", 3 }, "\\xe0\\x80\\xaf" },
		{ { "\xed\xa0\x80", 3 }, "\\xed\\xa0\\x80" },	/* surrogate */
		{ { "\xf4\x90\x80\x80", 4 }, "\\xf4\\x90\\x80\\x80" },
		{ { "\xf0\x9f\x98\x80", 4 }, "\xf0\x9f\x98\x80" },
		{ { "\xe2\x82", 2 }, "\\xe2\\x82" },	/* cut short */
		{ { "\xff", 1 }, "\\xff" },
	};

	for (size_t i = 0; i < array_size(cases); i++)
		ck_assert_str_eq(shown(cases[i].text, 100), cases[i].wanted);
	ck_assert_str_eq(shown(STR("abcdef"), 6), "abcdef");
	ck_assert_str_eq(shown(STR("abcdef"), 5), "abcde...");
	ck_assert_str_eq(shown(STR("ab\xc3\xa9"), 3), "ab...");
	ck_assert_str_eq(shown(STR("abc"), 0), "...");
	ck_assert_str_eq(shown(STR(""), 0), "");
}
END_TEST

START_TEST(named_keys_are_found)
{
	static const struct named_key keys[] = {
		{ "a.key", { { 1 } } }, { "b.psk", { { 2 } } },
		{ "c.psk", { { 3 } } },
	};

	for (size_t i = 0; i < array_size(keys); i++)
		ck_assert_ptr_eq(named_key_find(keys, array_size(keys),
						keys[i].name), &keys[i].key);
	ck_assert_ptr_null(named_key_find(keys, array_size(keys), "b.ps"));
	ck_assert_ptr_null(named_key_find(keys, array_size(keys), ""));
	ck_assert_ptr_null(named_key_find(NULL, 0, "a.key"));
}
END_TEST

START_TEST(errors_are_worded)
{
	struct err e;

	ck_assert_int_eq(err_set(&e, ERR_DATA, "no %s", "good"), -1);
	ck_assert_int_eq(e.kind, ERR_DATA);
	ck_assert_int_eq(e.number, 0);
	ck_assert_str_eq(e.text, "no good");
	ck_assert_int_eq(err_wrap(&e, "line %d", 3), -1);
	ck_assert_str_eq(e.text, "line 3: no good");
	ck_assert_int_eq(e.kind, ERR_DATA);
	/* of itself */
	ck_assert_int_eq(err_set(&e, ERR_CONFIG, "(%s)", e.text), -1);
	ck_assert_str_eq(e.text, "(line 3: no good)");
	ck_assert_int_eq(err_wrap(&e, "%s", e.text), -1);
	ck_assert_str_eq(e.text, "(line 3: no good): (line 3: no good)");

	errno = ENOENT;
	ck_assert_int_eq(err_sys(&e, "open %s", "x"), -1);
	ck_assert_str_eq(e.text, "open x: No such file or directory");
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_int_eq(e.number, ENOENT);
	errno = EACCES;
	err_sys(&e, "x");
	ck_assert_int_eq(e.kind, ERR_PERMISSION);
	errno = EPERM;
	err_sys(&e, "x");
	ck_assert_int_eq(e.kind, ERR_PERMISSION);
	errno = ENOSPC;
	err_sys(&e, "write");
	ck_assert_int_eq(e.kind, ERR_FAILED);
	ck_assert_str_eq(e.text, "write: No space left on device");
	errno = 4095;
	err_sys(&e, "x");
	ck_assert_str_eq(e.text, "x: error 4095");

	ck_assert_int_eq(err_refuse(&e, "foreign", "a %s", "b"), -1);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_str_eq(e.guard, "foreign");
	ck_assert_str_eq(e.text, "a b");
	err_set(&e, ERR_FAILED, "x");
	ck_assert_str_eq(e.guard, "");
}
END_TEST

START_TEST(errors_are_bounded_and_blunt)
{
	char longest[5000];
	struct err e;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	err_set(&e, ERR_DATA, "%s", longest);
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert_str_eq(e.text + sizeof(e.text) - 4, "...");
	errno = ENOSPC;
	err_sys(&e, "%s", longest);
	ck_assert_ptr_nonnull(strstr(e.text, "x...: No space left on device"));
	err_wrap(&e, "%s", longest);
	ck_assert_uint_lt(strlen(e.text), sizeof(e.text));
	ck_assert_str_eq(e.text + strlen(e.text) - 3, "...");
	err_refuse(&e, longest, "%s", longest);
	ck_assert_uint_lt(strlen(e.guard), sizeof(e.guard));
	err_set(&e, ERR_DATA, "a\x1b[2Jb\x7f\r\nc\t");
	ck_assert_str_eq(e.text, "a?[2Jb??\nc?");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("base");
	Suite *suite = suite_create("base");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, arena_runs_out);
	tcase_add_test(tcase, arena_gives_zeroed_aligned_memory);
	tcase_add_test(tcase, arena_never_moves);
	tcase_add_test(tcase, arena_populates);
	tcase_add_test(tcase, what_is_last_grows_in_place);
	tcase_add_test(tcase, secrets_are_wiped);
	tcase_add_test(tcase, secrets_stay_here);
#ifdef WITH_ASAN
	tcase_add_test(tcase, overruns_are_seen);
#endif
	tcase_add_test(tcase, arena_room_grows);
	tcase_add_test(tcase, str_views);
	tcase_add_test(tcase, str_numbers);
	tcase_add_test(tcase, str_suggestions);
	tcase_add_test(tcase, words_are_sorted_once);
	tcase_add_test(tcase, sbuf_grows);
	tcase_add_test(tcase, sbuf_show_is_safe);
	tcase_add_test(tcase, named_keys_are_found);
	tcase_add_test(tcase, errors_are_worded);
	tcase_add_test(tcase, errors_are_bounded_and_blunt);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
