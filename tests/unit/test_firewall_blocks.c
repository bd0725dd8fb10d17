/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of named sets in a firewall.nft, and what is around them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/firewall_blocks.h"

#define TEXT \
	"define set = { 1.1.1.1 }\n" \
	"table inet t {\n" \
	" set first {\n  type ipv4_addr\n  elements = {\n\t10.0.0.1,\n" \
	"\t10.0.1.0/24,\n } }\n" \
	" map second { type ipv4_addr : verdict; flags interval\n" \
	"  elements={ 10.0.0.1 : jump elements, 10.0.0.2 : drop } }\n" \
	" set third { type ipv6_addr; auto-merge; elements = { fd00::1 }; }\n" \
	" set none { type ipv4_addr; comment \"elements = { 1.1.1.1 }\"; }\n" \
	" chain set { ip saddr { 10.0.0.1 } drop\n" \
	"  set update ip saddr @elements; # set x { elements = { 1.1.1.1 } }\n" \
	" }\n}\n"

static struct arena *arena;

static void set_up(void)
{
	arena = arena_new((uint64_t)1 << 30);
}

static void tear_down(void)
{
	arena_freep(&arena);
}

static size_t blocks_of(const char *text, struct firewall_block **out)
{
	return firewall_blocks(arena, str_of(text), out);
}

START_TEST(blocks_of_named_sets)
{
	struct firewall_block *b;

	ck_assert_uint_eq(blocks_of(TEXT, &b), 3);
	ck_assert(str_is(b[0].name, "first"));
	ck_assert(str_is(b[0].text, "\n\t10.0.0.1,\n\t10.0.1.0/24,\n "));
	ck_assert(b[0].plain && !b[0].merges);
	ck_assert(str_is(b[1].name, "second"));
	ck_assert(str_is(b[1].text,
			 " 10.0.0.1 : jump elements, 10.0.0.2 : drop "));
	ck_assert(!b[1].plain && !b[1].merges);
	ck_assert(str_is(b[2].name, "third"));
	ck_assert(str_is(b[2].text, " fd00::1 "));
	ck_assert(b[2].plain && b[2].merges);
}
END_TEST

/* Cut off anywhere, it is read to its end and no further. */
START_TEST(a_text_that_is_cut_off)
{
	for (size_t size = 0; size < sizeof(TEXT); size++) {
		struct str text = { arena_copy(arena, TEXT, size), size };
		struct firewall_block *b;
		size_t count = firewall_blocks(arena, text, &b);

		ck_assert_uint_le(count, 3);
		for (size_t i = 0; i < count; i++)
			ck_assert(b[i].text.data + b[i].text.size <=
				  text.data + size);
	}
}
END_TEST

START_TEST(nested_braces_belong_to_the_block)
{
	struct firewall_block *b;

	ck_assert_uint_eq(blocks_of("table inet t { set s { elements = { { 1, "
				    "{ 2 } }, 3 }; elements = { 4 } } }",
				    &b), 1);
	/* of two, the last, which is not to be told alone */
	ck_assert(str_is(b[0].text, " 4 "));
	ck_assert(b[0].merges);
	ck_assert_uint_eq(blocks_of("table inet t { set s { elements = { { 1 }"
				    ", 3 } } }", &b), 1);
	ck_assert(str_is(b[0].text, " { 1 }, 3 "));
	ck_assert(!b[0].plain);
}
END_TEST

static bool same_around(const char *a, const char *b)
{
	struct firewall_block *x, *y;
	size_t m = blocks_of(a, &x), n = blocks_of(b, &y);

	return firewall_same_around(str_of(a), x, m, str_of(b), y, n);
}

#define SET(inside, behind) \
	"table inet t { set s { elements = {" inside "} }" behind "}"

START_TEST(what_is_around)
{
	ck_assert(same_around(SET("1", ""), SET("1", "")));
	ck_assert(same_around(SET("1", ""), SET(" 2, { 3 } ", "")));
	ck_assert(!same_around(SET("1", ""), SET("1", " ")));
	ck_assert(!same_around(SET("1", ""), "table inet t { set s { } }"));
	ck_assert(!same_around(SET("1", ""), SET("1", SET("1", ""))));
	ck_assert(same_around("", ""));
}
END_TEST

/* How many prefixes TEXT has, or -1. */
static int prefixes_of(const char *text, uint8_t family)
{
	const char *table = arena_printf(arena, SET("%s", ""), text);
	struct firewall_block *b;
	struct prefix *prefixes;
	size_t count;

	ck_assert_uint_eq(blocks_of(table, &b), 1);
	if (!firewall_block_prefixes(arena, b, family, &prefixes, &count))
		return -1;
	for (size_t i = 1; i < count; i++)
		ck_assert_int_le(prefix_compare(&prefixes[i - 1],
						&prefixes[i]), 0);
	return (int)count;
}

START_TEST(prefixes_of_a_block)
{
	static const char *const bad[] = {
		"", " ", ",", "10.0.0.1,,10.0.0.2", "10.0.0.1,,",
		"10.0.0.1 10.0.0.2", "10.0.0.1/24", "10.0.0.1-10.0.0.2",
		"10.0.0.1, fd00::1", "10.0.0", "\n\n10.0.0.1",
		"10.0.0.1\n\n", "10.0.0.1,\n\n", "10.0.0.1,\n\n10.0.0.2",
		"10.0.0.1 # x\n", "$x", "{ 10.0.0.1 }", "\"10.0.0.1\"",
	};

	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(prefixes_of(bad[i], AF_INET) < 0, "%s", bad[i]);
	ck_assert_int_eq(prefixes_of("10.0.0.1", AF_INET), 1);
	ck_assert_int_eq(prefixes_of("\n10.0.0.9\n,\n10.0.0.0/24,\n",
				     AF_INET), 2);
	ck_assert_int_eq(prefixes_of("fd00::1,::/0, fd00::/64", AF_INET6), 3);
	ck_assert_int_eq(prefixes_of("::ffff:10.0.0.1", AF_INET6), -1);
	ck_assert_int_eq(prefixes_of("fd00::1", AF_INET), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("firewall_blocks");
	TCase *tc = tcase_create("firewall_blocks");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, blocks_of_named_sets);
	tcase_add_test(tc, a_text_that_is_cut_off);
	tcase_add_test(tc, nested_braces_belong_to_the_block);
	tcase_add_test(tc, what_is_around);
	tcase_add_test(tc, prefixes_of_a_block);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
