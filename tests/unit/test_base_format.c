/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is ours for speed alone says what the C library and libsodium say. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/key.h"
#include "base/str.h"
#include "support/check.h"

static int format(char *out, size_t room, const char *how, ...)
	printf_(3, 4);

static int format(char *out, size_t room, const char *how, ...)
{
	va_list args;
	int size;

	va_start(args, how);
	size = text_format(out, room, how, args);
	va_end(args);
	return size;
}

START_TEST(formats_as_printf)
{
	char got[128], want[128];

	for (size_t room = 0; room < 90; room++) {
		int a, b;

		memset(got, 7, sizeof(got));
		memset(want, 7, sizeof(want));
		a = format(got, room, "a%s b%u %d%c%%%zu|%llu %lu %d.", "hey",
			   4294967295u, -5, 'x', (size_t)-1, ~0ull, 10ul,
			   -2147483647 - 1);
		b = snprintf(want, room, "a%s b%u %d%c%%%zu|%llu %lu %d.",
			     "hey", 4294967295u, -5, 'x', (size_t)-1, ~0ull,
			     10ul, -2147483647 - 1);
		ck_assert_int_eq(a, b);
		ck_assert_mem_eq(got, want, sizeof(got));
	}
}
END_TEST

START_TEST(leaves_the_rest_to_printf)
{
	char got[64];

	ck_assert_int_eq(format(got, sizeof(got), "%u %5u|%.*s|%02x|%ld", 1u,
				3u, 2, "xyz", 10u, -1L), 16);
	ck_assert_str_eq(got, "1     3|xy|0a|-1");
}
END_TEST

START_TEST(formats_numbers)
{
	char got[32];

	ck_assert_uint_eq(number_format(0, got), 1);
	ck_assert_int_eq(got[0], '0');
	ck_assert_uint_eq(number_format(UINT64_MAX, got), 20);
	ck_assert_mem_eq(got, "18446744073709551615", 20);
}
END_TEST

/* One character of it is another one. */
static void spoil(char text[static KEY_TEXT_MAX])
{
	struct key key;
	unsigned char theirs[KEY_SIZE];
	size_t size;
	bool good;

	text[randombytes_uniform(KEY_TEXT_MAX - 1)] =
		(char)randombytes_uniform(128);
	good = !sodium_base642bin(theirs, sizeof(theirs), text,
				  KEY_TEXT_MAX - 1, NULL, &size, NULL,
				  sodium_base64_VARIANT_ORIGINAL) &&
		size == KEY_SIZE;
	ck_assert_int_eq(!key_parse((struct str){ text, KEY_TEXT_MAX - 1 },
				    &key), good);
	if (good)
		ck_assert_mem_eq(key.bytes, theirs, KEY_SIZE);
}

START_TEST(keys_as_libsodium)
{
	ck_assert_int_ge(sodium_init(), 0);
	for (int i = 0; i < 20000; i++) {
		char got[KEY_TEXT_MAX], want[KEY_TEXT_MAX];
		struct key key, again;

		randombytes_buf(key.bytes, KEY_SIZE);
		key_format(&key, got);
		sodium_bin2base64(want, sizeof(want), key.bytes, KEY_SIZE,
				  sodium_base64_VARIANT_ORIGINAL);
		ck_assert_str_eq(got, want);
		ck_assert_int_eq(key_parse(str_of(got), &again), 0);
		ck_assert_mem_eq(again.bytes, key.bytes, KEY_SIZE);
		spoil(got);
	}
}
END_TEST

START_TEST(keys_of_other_bytes)
{
	struct key key;

	for (int c = 128; c < 256; c++) {
		char text[KEY_TEXT_MAX] =
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

		text[7] = (char)c;
		ck_assert_int_eq(key_parse(str_of(text), &key), -1);
	}
}
END_TEST

static int number_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

START_TEST(sorts)
{
	int sorted[] = { 1, 2, 2, 5 }, last[] = { 1, 2, 5, 0 }, one[] = { 3 };

	items_sort(sorted, 4, sizeof(int), number_order);
	items_sort(last, 4, sizeof(int), number_order);
	items_sort(one, 1, sizeof(int), number_order);
	items_sort(NULL, 0, sizeof(int), number_order);
	ck_assert_mem_eq(sorted, ((int[]){ 1, 2, 2, 5 }), sizeof(sorted));
	ck_assert_mem_eq(last, ((int[]){ 0, 1, 2, 5 }), sizeof(last));
}
END_TEST

START_TEST(words)
{
	ck_assert(str_is(STR("peer"), "peer"));
	ck_assert(!str_is(STR("peer"), "peers"));
	ck_assert(!str_is(STR("peers"), "peer"));
	ck_assert(!str_is((struct str){ "a\0b", 3 }, "a"));
	ck_assert(str_is((struct str){ 0 }, ""));
	ck_assert(str_is_nocase(STR("PeEr"), "pEeR"));
	ck_assert(!str_is_nocase(STR("Peer"), "Pee"));
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(formats_as_printf),
		CHECK_CASE(leaves_the_rest_to_printf),
		CHECK_CASE(formats_numbers),
		CHECK_CASE(keys_as_libsodium),
		CHECK_CASE(keys_of_other_bytes),
		CHECK_CASE(sorts),
		CHECK_CASE(words),
	};

	return check_run("base: faster", cases, array_size(cases));
}
