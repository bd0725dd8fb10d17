/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches of element deltas, read back; and what libnftables prints. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_wire.h"
#include "kern/nftc_report.h"
#include "support/nft_messages.h"

#define END NFT_SET_ELEM_INTERVAL_END

static struct arena *arena;
static struct err e;

static void set_up(void)
{
	arena = arena_new((uint64_t)4 << 30);
	nm_start(arena);
}

static void tear_down(void)
{
	arena_free(arena);
}

struct border {
	uint32_t key, flags;
};

/* A table of one set "s" of FLAGS with COUNT elements. */
static struct firewall table_of(uint32_t flags, const struct border *borders,
				size_t count)
{
	struct nlattr *list;
	struct firewall f;

	nm_put_generation(42);
	nm_put_table(1, 1);
	nm_put_set("s", flags, 1);
	for (size_t i = 0; i < count; i++) {
		list = nm_begin_elements("s");
		nm_put_element(borders[i].key, borders[i].flags);
		nm_close_nest(list);
		nm_end();
	}
	ck_assert_msg(nft_canonicalise(arena, nm_taken(), NM_TABLE, &f,
				       &e) == 0, "%s", e.text);
	return f;
}

/* A batch in words: "- 5 6e + 7" for deletions and additions of keys. */
static const char *words_of(struct str batch, size_t *messages)
{
	struct nft_message m;
	struct nft_attr list, element, key;
	struct sbuf out;
	uint32_t expected = 100;

	sbuf_init(&out, arena);
	for (*messages = 0; nft_next_message(&batch, &m) == NFT_WALK_ITEM;
	     (*messages)++) {
		ck_assert_uint_eq(m.sequence, expected++);
		if (m.type >> 8 != NFNL_SUBSYS_NFTABLES)
			continue;
		ck_assert(m.flags & NLM_F_ACK);
		ck_assert_uint_eq(m.family, NFPROTO_INET);
		sbuf_puts(&out, m.type == nft_type(NFT_MSG_DELSETELEM) ?
				"-" : "+");
		ck_assert(nft_find_attr(m.attrs, NFTA_SET_ELEM_LIST_ELEMENTS,
					&list));
		ck_assert_uint_le(list.whole.size, 33000);
		while (nft_next_attr(&list.payload, &element) ==
		       NFT_WALK_ITEM) {
			uint32_t flags = nft_attr_u32(element.payload,
						      NFTA_SET_ELEM_FLAGS, 0);

			ck_assert(nft_find_attr(element.payload,
						NFTA_SET_ELEM_KEY, &key));
			sbuf_printf(&out, " %u%s",
				    nft_attr_u32(key.payload, NFTA_DATA_VALUE,
						 0), flags & END ? "e" : "");
		}
		sbuf_putc(&out, ' ');
	}
	return out.data;
}

static const char *delta(const struct firewall *want,
			 const struct firewall *have)
{
	size_t messages;
	struct str batch;

	ck_assert_msg(nft_encode_elements(arena, want, have, 100, &batch,
					  &e) == 0, "%s", e.text);
	return words_of(batch, &messages);
}

START_TEST(of_plain_sets_elements)
{
	static const struct border a[] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
	static const struct border b[] = { { 4, 0 }, { 2, 0 } };
	struct firewall x = table_of(0, a, 3), y = table_of(0, b, 2);

	ck_assert_str_eq(delta(&y, &x), "- 1 3 + 4 ");
	ck_assert_str_eq(delta(&x, &y), "- 4 + 1 3 ");
	ck_assert_str_eq(delta(&x, &x), "");
}
END_TEST

/* Borders go in pairs, also when one of the two was there before. */
START_TEST(of_intervals_both_borders)
{
	static const struct border a[] = {
		{ 0, END }, { 10, 0 }, { 20, END }, { 20, 0 }, { 30, END },
	};
	static const struct border b[] = {
		{ 0, END }, { 10, 0 }, { 30, END }, { 40, 0 },
	};
	static const struct border c[] = { { 0, 0 }, { 20, END }, { 20, 0 } };
	struct firewall x = table_of(NFT_SET_INTERVAL, a, 5);
	struct firewall y = table_of(NFT_SET_INTERVAL, b, 4);
	struct firewall z = table_of(NFT_SET_INTERVAL, c, 3);

	ck_assert_str_eq(delta(&y, &x),
			 "- 10 20e 20 30e + 10 30e 40 ");
	ck_assert_str_eq(delta(&z, &x), "- 0e 10 20e 20 30e + 0 20e 20 ");
	ck_assert_str_eq(delta(&x, &x), "");
	/* the end of one is the start of the next, which stays */
	ck_assert_str_eq(delta(&x, &z), "- 0 20e 20 + 0e 10 20e 20 30e ");
}
END_TEST

START_TEST(a_concatenated_element_is_whole)
{
	static const struct border a[] = { { 1, 0 }, { 2, 0 } };
	struct firewall x = table_of(NFT_SET_INTERVAL | NFT_SET_CONCAT, a, 2);
	struct firewall y = table_of(NFT_SET_INTERVAL | NFT_SET_CONCAT, a, 1);

	ck_assert_str_eq(delta(&y, &x), "- 2 ");
}
END_TEST

START_TEST(many_elements_take_many_messages)
{
	enum { COUNT = 20000 };
	struct border *borders = arena_new_array(arena, struct border, COUNT);
	struct firewall x, y;
	struct str batch;
	size_t messages;

	for (uint32_t i = 0; i < COUNT; i++)
		borders[i].key = i * 7;
	x = table_of(0, borders, COUNT);
	y = table_of(0, borders, 1);
	ck_assert_int_eq(nft_encode_elements(arena, &x, &y, 100, &batch, &e),
			 0);
	words_of(batch, &messages);
	/* 16 bytes an element, 32000 a message, begin and end */
	ck_assert_uint_eq(messages, 2 + (COUNT - 1 + 1999) / 2000);
}
END_TEST

START_TEST(the_batch_has_a_frame)
{
	static const struct border a[] = { { 1, 0 }, { 2, 0 } };
	struct firewall x = table_of(0, a, 1), y = table_of(0, a, 2);
	struct str batch, rest;
	struct nft_message m, last;

	ck_assert_int_eq(nft_encode_elements(arena, &x, &y, 100, &batch, &e),
			 0);
	rest = batch;
	ck_assert_int_eq(nft_next_message(&rest, &m), NFT_WALK_ITEM);
	ck_assert_uint_eq(m.type, NFNL_MSG_BATCH_BEGIN);
	ck_assert_uint_eq(nft_attr_u32(m.attrs, NFNL_BATCH_GENID, 0), 42);
	ck_assert_uint_eq(m.whole.data[NLMSG_HDRLEN + 3],
			  NFNL_SUBSYS_NFTABLES);
	while (nft_next_message(&rest, &m) == NFT_WALK_ITEM)
		last = m;
	ck_assert_uint_eq(last.type, NFNL_MSG_BATCH_END);
	ck_assert_uint_eq(rest.size, 0);
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
	static const struct border a[] = { { 1, 0 }, { 2, 0 } };
	struct firewall x = table_of(0, a, 1), y = table_of(0, a, 2);
	struct str batch;

	y.elements[1].sendable = false;
	ck_assert_int_eq(nft_encode_elements(arena, &y, &x, 100, &batch, &e),
			 -1);
	ck_assert_ptr_nonnull(strstr(e.text, "set s"));
	/* taking it away is no trouble */
	ck_assert_str_eq(delta(&x, &y), "- 2 ");
	y = table_of(NFT_SET_CONSTANT, a, 2);
	ck_assert_int_eq(nft_encode_elements(arena, &x, &y, 100, &batch, &e),
			 -1);
	ck_assert_ptr_nonnull(strstr(e.text, "in place"));
	ck_assert_int_eq(nft_encode_delete(arena, NFPROTO_INET, "", 0, 1,
					   &batch, &e), -1);
}
END_TEST

#define OUTPUT "/dev/stdin:3:5-9: Error: first\n\t\tError: in the text\n" \
	"\t\t^^^\n" \
	"/dev/stdin:1:1-2: Warning: second\n x\n ^\n" \
	"internal:0:0-0: Error: third\n" \
	"something else\n" \
	"/dev/stdin:nonsense: Error: fourth\n"

START_TEST(what_the_compiler_prints_is_read)
{
	struct str output = STR(OUTPUT);
	struct nftc_complaint c;

	ck_assert(nftc_next_complaint(&output, &c));
	ck_assert(str_is(c.text, "first"));
	ck_assert(c.placed && !c.warning);
	ck_assert_uint_eq(c.line, 3);
	ck_assert_uint_eq(c.column, 5);
	ck_assert(nftc_next_complaint(&output, &c));
	ck_assert(str_is(c.text, "second"));
	ck_assert(c.warning);
	ck_assert(nftc_next_complaint(&output, &c));
	ck_assert(str_is(c.text, "third"));
	ck_assert(!c.placed);
	ck_assert(nftc_next_complaint(&output, &c));
	ck_assert(str_is(c.text, "fourth"));
	ck_assert(!c.placed);
	ck_assert(!nftc_next_complaint(&output, &c));
}
END_TEST

/* With a line of ours before the user's, with a source of another text. */
START_TEST(complaints_have_places)
{
	static const struct source source = {
		.name = "my.nft", .text = { "one\ntwo\nthree\n", 14 },
	};
	static const struct source other = {
		.name = "other.nft", .text = { "unlike\n", 7 },
	};
	static const struct {
		const struct source *source;
		const char *text, *name;
		size_t line, column;
	} cases[] = {
		{ &source, "one\ntwo\nthree\n", "my.nft", 3, 5 },
		{ &source, "define a = 1\none\ntwo\nthree\n", "my.nft", 2, 4 },
		{ &source, "a\nb\ndefine a = 1\none\ntwo\nthree\n",
		  "my.nft", 1, 1 },
		{ &other, "one\ntwo\nthree\n", "other.nft", 1, 1 },
		{ NULL, "one\ntwo\nthree\n", "firewall.nft", 3, 5 },
	};
	struct firewall f = {
		.text = str_of(cases[_i].text),
		.where.source = cases[_i].source,
	};
	struct diags diags;
	const char *name;
	size_t line, column;

	diags_init(&diags, arena);
	nftc_diagnose(arena, STR("/dev/stdin:5:5-9: Error: x\n"), &f, &diags);
	ck_assert_uint_eq(diags.errors, 1);
	place_resolve(diags.items[0].where, &name, &line, &column);
	ck_assert_str_eq(name, cases[_i].name);
	ck_assert_uint_eq(line, cases[_i].line);
	ck_assert_uint_eq(column, cases[_i].column);
}
END_TEST

START_TEST(the_machine_is_no_error_of_the_text)
{
	struct str text;

	ck_assert(nftc_is_environment(STR(
		"/dev/stdin:3:5-9: Error: Could not process rule: "
		"Message too long\nx\n^\n"), &text));
	ck_assert(str_is(text, "Could not process rule: Message too long"));
	ck_assert(!nftc_is_environment(STR(
		"/dev/stdin:3:5-9: Error: Could not process rule: "
		"No such file or directory\nx\n^\n"), &text));
	ck_assert(!nftc_is_environment(STR(""), &text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft: batches and complaints");
	TCase *t = tcase_create("encode");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, of_plain_sets_elements);
	tcase_add_test(t, of_intervals_both_borders);
	tcase_add_test(t, a_concatenated_element_is_whole);
	tcase_add_test(t, many_elements_take_many_messages);
	tcase_add_test(t, the_batch_has_a_frame);
	tcase_add_test(t, what_cannot_be_sent_is_refused);
	tcase_add_test(t, what_the_compiler_prints_is_read);
	tcase_add_loop_test(t, complaints_have_places, 0, 5);
	tcase_add_test(t, the_machine_is_no_error_of_the_text);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
