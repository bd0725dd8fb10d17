/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall.nft: its frame, the links it names, comparing and keeping it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../support/texts.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/firewall.h"

#define F "firewall.nft:"
#define T "table inet meshapply_office {\n"
#define HINT_NAMES \
	" | 'iifname' and 'oifname' compare the name, which stays when a " \
	"link is made anew\n"
#define HINT_TABLE " | its name is meshapply_office\n"
#define HINT_OTHER \
	" | outside of its one table this file has comments and definitions " \
	"only\n"
#define TEN "{{{{{{{{{{"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void teardown(void)
{
	arena_freep(&arena);
}

static const char *complain(const char *text)
{
	struct texts texts = texts_of(NULL, NULL, text);
	struct state state;

	return texts_complain(arena, &texts, &state);
}

static const struct {
	const char *text, *lines;
} refused[] = {
	{ "", F "1:1: the file is empty\n" },
	{ "# nothing\ndefine x = 1\n", F "1:1: there is no 'table inet "
	  "meshapply_office { … }'\n" },
	{ "flush ruleset\n" T "}\n", F "1:1: 'flush' may not stand here"
	  HINT_OTHER },
	{ T "}\nflush ruleset\n", F "3:1: 'flush' may not stand here"
	  HINT_OTHER },
	{ "define a = 1; flush ruleset\n" T "}\n",
	  F "1:15: 'flush' may not stand here" HINT_OTHER },
	{ "#x\\\nflush ruleset\n" T "}\n", F "2:1: 'flush' may not stand here"
	  HINT_OTHER },
	{ "add " T "}\n", F "1:1: 'add' may not stand here" HINT_OTHER },
	{ "redefine a = 1\nundefine a\n" T "}\n",
	  F "1:1: 'redefine' may not stand here" HINT_OTHER
	  F "2:1: 'undefine' may not stand here" HINT_OTHER },
	{ "delete table inet x { {\n} }\n7\n" T "}\n",
	  F "1:1: 'delete' may not stand here" HINT_OTHER
	  F "3:1: '7' may not stand here" HINT_OTHER },
	/* tables */
	{ "table ip meshapply_office {\n}\n", F "1:1: the table is not of the "
	  "family inet\n" },
	{ "table meshapply_office {\n}\n", F "1:1: the table is not of the "
	  "family inet\n" },
	{ "table inet other {\n}\n", F "1:12: this is not the table of the "
	  "mesh" HINT_TABLE },
	{ "table inet \"meshapply_office\" {\n}\n",
	  F "1:12: this is not the table of the mesh" HINT_TABLE },
	{ "table inet", F "1:1: this is not the table of the mesh"
	  HINT_TABLE },
	{ "table inet meshapply_office\n", F "1:1: no '{' follows the table's "
	  "name\n" },
	{ T "}\n" T "}\n", F "3:1: a second table (1:1)\n" },
	{ T "}\ntable ip x {}\n", F "3:1: the table is not of the family "
	  "inet\n" },
	{ T "} table ip x {}\n", F "2:3: this stands behind the table on the "
	  "same line\n" },
	{ T "} }\n", F "2:3: a '}' that closes nothing\n" },
	{ "}" T "}\n", F "1:1: a '}' that closes nothing\n" },
	{ T "chain a {\n}\n", F "1:1: this is not closed: a '}' is "
	  "missing\n" },
	{ "define a = {\n" T "}\n", F "1:1: this is not closed: a '}' is "
	  "missing\n" },
	{ T "flags dormant, owner\n}\n",
	  F "2:16: a table with an owner goes away with the program that "
	  "loads it\n" },
	{ T TEN TEN TEN "{{", F "2:32: the braces are nested too deep\n" },
	/* words */
	{ "include \"x\"\n" T "}\n", F "1:1: include is not taken | "
	  "everything stands in this one file\n" },
	{ T "\tinclude \"x\"\n}\n", F "2:2: include is not taken | "
	  "everything stands in this one file\n" },
	{ T "chain a { 5include \"x\"\n} }\n", F "2:12: include is not taken "
	  "| everything stands in this one file\n" },
	{ "define a = { include }\n" T "}\n", F "1:14: include is not taken "
	  "| everything stands in this one file\n" },
	{ T "chain a {\niif lo accept\noif \"wg0\" drop\n}\n}\n",
	  F "3:1: iif compares links by index" HINT_NAMES
	  F "4:1: oif compares links by index" HINT_NAMES },
	{ T "chain a { meta iif 1 accept\n}\n}\n",
	  F "2:16: iif compares links by index" HINT_NAMES },
	{ T "chain a { fib saddr . iif oif \"wg0\" drop\n}\n}\n",
	  F "2:27: this compares links by index | 'fib … oifname' gives the "
	  "name\n" },
	{ T "chain a { fib saddr oif != lo drop; fib daddr type local iif lo "
	  "drop\n}\n}\n",
	  F "2:21: this compares links by index | 'fib … oifname' gives the "
	  "name\n"
	  F "2:58: iif compares links by index" HINT_NAMES },
	{ "define x 5\ndefine = 5\n" T "}\n",
	  F "1:1: a definition is written 'define NAME = VALUE'\n"
	  F "2:1: a definition is written 'define NAME = VALUE'\n" },
	/* bytes */
	{ T "comment \"a\nb\"\n}\n", F "2:9: this string does not end on its "
	  "line\n" F "3:2: this string does not end on its line\n" },
	{ "\"x", F "1:1: this string does not end on its line\n" },
	{ T "\r\n}\n", F "2:1: a carriage return | nft wants lines that end "
	  "in a newline alone\n" },
	{ T "#\x1b\n}\n", F "2:2: a control character\n" },
	{ T "#\x7f\n}\n", F "2:2: a control character\n" },
	{ T "#\xc3\n}\n", F "2:2: this byte is not UTF-8 [hidden]\n" },
	{ T "ä\n}\n", F "2:1: a character that is not ASCII, outside of "
	  "strings and comments\n" },
};

START_TEST(test_refused)
{
	ck_assert_str_eq(complain(refused[_i].text), refused[_i].lines);
}
END_TEST

static const char *const accepted[] = {
	"table inet meshapply_office { }",
	"# iif, include \"x\" ä }\n\n;define a = 1;\ndefine b = { 1.2.3.4,\n"
	"\t# } \n 2.3.4.5 }; define c = \\\n \"x # y\"\n" T
	"\tflags dormant\n\tcomment \"iif { include ä\"\n"
	"\tset s {\n\t\ttype ipv4_addr; flags interval\n"
	"\t\telements = { 10.0.0.0/8, $b }\n\t}\n"
	"\tchain iif_in {\n\t\ttype filter hook input priority raw - 1; "
	"policy accept;\n\t\tiifname \"wg*\" ip saddr @s accept\n"
	"\t\toifname . ip daddr { \"wg0\" . 10.0.0.1 } drop\n"
	"\t\tfib saddr . mark . iif oif missing drop\n"
	"\t\tfib saddr . iif oif eq 0 drop; fib saddr . iif oif != 0 accept\n"
	"\t\tfib daddr . iif type != local drop\n"
	"\t\tfib saddr oif exists jump { accept; }\n"
	"\t\tmeta iiftype 1 iifgroup 2 oifgroup 3\n\t}\n} # end",
};

START_TEST(test_accepted)
{
	ck_assert_str_eq(complain(accepted[_i]), "");
}
END_TEST

/* A NUL, and every way to end too soon: an answer, and no crash. */
START_TEST(test_truncated)
{
	const char *text = accepted[1];

	for (size_t size = 0; size < strlen(text); size++) {
		struct texts texts = texts_of(NULL, NULL, text);
		struct state state;

		texts.firewall.text.data = arena_strndup(arena, text, size);
		texts.firewall.text.size = size;
		if (size < strlen(text) - sizeof("} # end") + 2)
			ck_assert_str_ne(texts_complain(arena, &texts, &state),
					 "");
		else
			ck_assert_str_eq(texts_complain(arena, &texts, &state),
					 "");
	}
}
END_TEST

START_TEST(test_table_name)
{
	struct diags diags;
	struct source text = { .name = "firewall.nft" };

	ck_assert_str_eq(firewall_table_name(arena, "office"),
			 "meshapply_office");
	ck_assert_str_eq(firewall_table_name(arena, "A-b_c.9"),
			 "meshapply_A-b_c.9");
	ck_assert_str_eq(firewall_table_name(arena, "a+b=/\xff"),
			 "meshapply_a/2bb/3d/2f/ff");
	/* what is made here is one word to the frame */
	text.text = str_of("table inet meshapply_a/2bb/3d {}\n");
	diags_init(&diags, arena);
	firewall_check_frame(&text, firewall_table_name(arena, "a+b="),
			     &diags);
	ck_assert_uint_eq(diags.errors, 0);
}
END_TEST

static const char *link_names(const char *text)
{
	const char *const *names;
	struct sbuf out;
	size_t count = firewall_link_names(arena, str_of(text), &names);

	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	for (size_t i = 0; i < count; i++)
		sbuf_printf(&out, "%s ", names[i]);
	return out.data;
}

START_TEST(test_link_names)
{
	ck_assert_str_eq(link_names(""), "");
	ck_assert_str_eq(link_names(
		"iifname \"b\" oifname != c iifname \"lo\" # iifname \"x\"\n"
		"iifname \"wg*\" iifname { \"a\", d.1, \"a\" } comment "
		"\"iifname y\" iifname . oifname { \"z\" }"), "a b c d.1 z ");
	ck_assert_str_eq(link_names(
		"define more = { \"m\", $last }\ndefine last = l\n"
		"define other = { o }\n"
		"flowtable f { hook ingress priority 0; devices = { e0, $more "
		"}; }\nchain a { type filter hook ingress device \"e1\" "
		"priority 0; }"), "e0 e1 l m ");
	ck_assert_str_eq(link_names("iifname"), "");
	ck_assert_str_eq(link_names("devices = { a, \"b"), "a ");
	ck_assert_str_eq(link_names("iifname $a define a = $a"), "");
}
END_TEST

#define S(text) { text, sizeof(text) - 1 }

static struct firewall sample(void)
{
	static const struct firewall_object objects[] = {
		{ FIREWALL_TABLE, "meshapply_office", 0, S("t"), false, false,
		  0, 0 },
		{ FIREWALL_CHAIN, "in", 0, S("c\0c"), false, false, 0, 0 },
		{ FIREWALL_RULE, "in", 0, S("r"), false, false, 0, 0 },
		{ FIREWALL_SET, "", 0, S("s"), false, true, 0, 1 },
		{ FIREWALL_SET, "dynamic", 0, S("s"), false, false, 1, 1 },
		{ FIREWALL_SET, "named", 0, S("s"), true, true, 2, 3 },
	};
	static const struct firewall_element elements[] = {
		{ S("1"), S("raw"), true }, { S("2"), S("raw"), true },
		{ S("3"), S("raw"), true }, { S("5"), S("raw"), false },
		{ S("7"), S("raw"), true },
	};

	return (struct firewall){
		.table = "meshapply_office", .compiled = true,
		.objects = arena_copy(arena, objects, sizeof(objects)),
		.object_count = array_size(objects),
		.elements = arena_copy(arena, elements, sizeof(elements)),
		.element_count = array_size(elements),
	};
}

START_TEST(test_compare)
{
	struct firewall a = sample(), b = sample();

	ck_assert_int_eq(firewall_compare(NULL, NULL), FIREWALL_SAME);
	ck_assert_int_eq(firewall_compare(&a, NULL), FIREWALL_DIFFERENT);
	ck_assert_int_eq(firewall_compare(NULL, &a), FIREWALL_DIFFERENT);
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_SAME);
	/* what packets put into a dynamic set is nobody's wish */
	b.elements[1].bytes = str_of("x");
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_SAME);
	/* an element of a named set, changed, added, deleted */
	b.elements[2].bytes = str_of("4");
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_ELEMENTS);
	b = sample();
	b.objects[5].element_first++;
	b.objects[5].element_count--;
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_ELEMENTS);
	ck_assert_int_eq(firewall_compare(&b, &a), FIREWALL_ELEMENTS);
	b.objects[5].element_count--;
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_ELEMENTS);
	b.objects[5].element_count--;
	/* the one that cannot be sent is among them */
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
	b = sample();
	b.elements[0].bytes = str_of("9");
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
	b = sample();
	b.objects[1].bytes = str_of("c");
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
	b = sample();
	b.objects[1].name = "out";
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
	b = sample();
	b.object_count--;
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
	b = sample();
	b.compiled = false;
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_DIFFERENT);
}
END_TEST

/* One byte too many, and each byte wrong: refused, or read in bounds. */
static void assert_bytes_checked(struct str bytes)
{
	char *copy = arena_alloc(arena, bytes.size + 1);
	struct firewall f;
	struct err e;

	memcpy(copy, bytes.data, bytes.size);
	ck_assert_int_eq(firewall_unpack(arena, (struct str){ copy,
					 bytes.size + 1 }, &f, &e), -1);
	for (size_t i = 0; i < bytes.size; i++) {
		copy[i] = (char)~copy[i];
		if (firewall_unpack(arena, (struct str){ copy, bytes.size },
				    &f, &e) == 0)
			firewall_compare(&f, &f);
		else
			ck_assert_int_eq(e.kind, ERR_DATA);
		copy[i] = bytes.data[i];
	}
}

START_TEST(test_pack)
{
	struct firewall a = sample(), b, empty = { .table = "",
						   .compiled = true };
	struct str bytes = firewall_pack(arena, &a), again;
	struct err e;

	ck_assert_int_eq(firewall_unpack(arena, bytes, &b, &e), 0);
	ck_assert_int_eq(firewall_compare(&a, &b), FIREWALL_SAME);
	ck_assert_uint_eq(b.element_count, a.element_count);
	ck_assert(!b.elements[3].sendable && b.elements[4].sendable);
	ck_assert_uint_eq(b.elements[0].raw.size, 0);
	a.generation = 5;
	a.elements[0].raw = str_of("other");
	again = firewall_pack(arena, &b);
	ck_assert(str_equal(bytes, again));
	ck_assert(str_equal(bytes, firewall_pack(arena, &a)));
	again = firewall_pack(arena, &empty);
	ck_assert_int_eq(firewall_unpack(arena, again, &b, &e), 0);
	ck_assert_uint_eq(b.object_count, 0);
	for (size_t i = 0; i < bytes.size; i++) {
		struct str torn = { arena_strndup(arena, bytes.data, i), i };

		ck_assert_int_eq(firewall_unpack(arena, torn, &b, &e), -1);
		ck_assert_int_eq(e.kind, ERR_DATA);
	}
	assert_bytes_checked(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state_firewall");
	TCase *frame = tcase_create("frame"), *objects;
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(frame, setup, teardown);
	tcase_add_loop_test(frame, test_refused, 0, array_size(refused));
	tcase_add_loop_test(frame, test_accepted, 0, array_size(accepted));
	tcase_add_test(frame, test_truncated);
	tcase_add_test(frame, test_table_name);
	tcase_add_test(frame, test_link_names);
	suite_add_tcase(suite, frame);
	objects = tcase_create("objects");
	tcase_add_checked_fixture(objects, setup, teardown);
	tcase_add_test(objects, test_compare);
	tcase_add_test(objects, test_pack);
	suite_add_tcase(suite, objects);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
