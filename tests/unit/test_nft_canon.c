/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Canonical objects from messages built by hand; what is hostile is told. */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_wire.h"
#include "support/nft_messages.h"

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

static struct firewall canon(struct str messages)
{
	struct firewall f;

	ck_assert_msg(nft_canonicalise(arena, messages, NM_TABLE, &f, &e) == 0,
		      "%s", e.text);
	return f;
}

static void assert_difference(struct str a, struct str b,
			      enum firewall_difference wanted)
{
	struct firewall x = canon(a), y = canon(b);

	ck_assert_int_eq(firewall_compare(&x, &y), wanted);
}

static const struct firewall_object *object(const struct firewall *f,
					    enum firewall_kind kind,
					    const char *name)
{
	for (size_t i = 0; i < f->object_count; i++)
		if (f->objects[i].kind == kind &&
		    !strcmp(f->objects[i].name, name))
			return &f->objects[i];
	return NULL;
}

/*
 * A table with an anonymous set and chain of these kernel names, with other
 * volatile values for other NUMBERs.
 */
static struct str sample(const char *set, const char *chain, uint32_t number)
{
	struct nlattr *list;

	nm_put_generation(number);
	nm_put_table(number, number);
	nm_put_chain("entry", 0, number);
	nm_put_chain(chain, NFT_CHAIN_BINDING, number);
	nm_begin_rule("entry", number);
	list = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	nm_put_counter(number);
	nm_put_lookup(set, number);
	nm_put_jump(chain);
	nm_close_nest(list);
	nm_end();
	nm_begin_rule(chain, number + 1);
	nm_end();
	nm_put_set(set, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, number);
	nm_put_set("named", 0, number);
	list = nm_begin_elements(set);
	nm_put_element(7 + number % 2, 0);
	nm_put_element(8 - number % 2, 0);
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

START_TEST(what_moves_does_not_count)
{
	struct firewall f = canon(sample("__set3", "__chain9", 100));

	assert_difference(sample("__set3", "__chain9", 100),
			  sample("__set0", "__chain4", 33), FIREWALL_SAME);
	ck_assert_uint_eq(f.generation, 100);
	ck_assert_str_eq(f.table, NM_TABLE);
	ck_assert(f.compiled);
	ck_assert_uint_eq(f.object_count, 7);
	ck_assert_ptr_nonnull(object(&f, FIREWALL_SET, "#set0"));
	ck_assert_ptr_nonnull(object(&f, FIREWALL_CHAIN, "#chain0"));
	ck_assert_ptr_nonnull(object(&f, FIREWALL_RULE, "#chain0"));
	for (size_t i = 1; i < f.object_count; i++)
		ck_assert_int_le(f.objects[i - 1].kind, f.objects[i].kind);
}
END_TEST

/* Ranks are by reference, so that of two sets each stays where it is used. */
static struct str two_sets(const char *first, const char *second,
			   uint32_t first_key, uint32_t second_key)
{
	struct nlattr *list;

	nm_put_table(1, 1);
	nm_put_chain("entry", 0, 1);
	nm_begin_rule("entry", 2);
	list = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	nm_put_lookup(first, 1);
	nm_put_lookup(second, 2);
	nm_close_nest(list);
	nm_end();
	nm_put_set("__set0", NFT_SET_ANONYMOUS, 1);
	nm_put_set("__set1", NFT_SET_ANONYMOUS, 2);
	list = nm_begin_elements(first);
	nm_put_element(first_key, 0);
	nm_close_nest(list);
	nm_end();
	list = nm_begin_elements(second);
	nm_put_element(second_key, 0);
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

START_TEST(ranks_follow_the_references)
{
	assert_difference(two_sets("__set0", "__set1", 1, 2),
			  two_sets("__set1", "__set0", 1, 2), FIREWALL_SAME);
	/* the same names with each other's elements */
	assert_difference(two_sets("__set0", "__set1", 1, 2),
			  two_sets("__set0", "__set1", 2, 1),
			  FIREWALL_DIFFERENT);
}
END_TEST

static struct str one_expression(void (*put)(void))
{
	struct nlattr *list;

	nm_put_table(1, 1);
	nm_put_chain("entry", 0, 1);
	nm_begin_rule("entry", 2);
	list = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	put();
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

static uint32_t used, bits;

static void put_quota(void)
{
	nm_begin_expr("quota");
	mnl_attr_put_u64(nm_head, NFTA_QUOTA_BYTES, htobe64(1000));
	mnl_attr_put_u64(nm_head, NFTA_QUOTA_CONSUMED, htobe64(used));
	nm_put_u32(NFTA_QUOTA_FLAGS, bits);
	nm_end_expr();
}

static void put_last(void)
{
	nm_begin_expr("last");
	nm_put_u32(NFTA_LAST_SET, used);
	mnl_attr_put_u64(nm_head, NFTA_LAST_MSECS, used);
	nm_end_expr();
}

static void put_dynset(void)
{
	struct nlattr *expr;

	nm_begin_expr("dynset");
	nm_put_u32(NFTA_DYNSET_SET_ID, used);
	expr = nm_open_nest(NFTA_DYNSET_EXPR);
	nm_put_text(NFTA_EXPR_NAME, "counter");
	expr->nla_type &= NLA_TYPE_MASK;
	{
		struct nlattr *data = nm_open_nest(NFTA_EXPR_DATA);

		mnl_attr_put_u64(nm_head, NFTA_COUNTER_PACKETS, used);
		nm_close_nest(data);
	}
	nm_close_nest(expr);
	nm_end_expr();
}

/* Not named in any schema: compared as it stands. */
static void put_novelty(void)
{
	nm_begin_expr("novelty");
	nm_put_u32(7, used);
	nm_end_expr();
}

static void put_flagged(void)
{
	struct nlattr *nest;

	nm_begin_expr("novelty");
	nest = nm_open_nest(9);
	nm_close_nest(nest);
	if (used)
		nest->nla_type &= NLA_TYPE_MASK;
	else
		nest->nla_type |= NLA_F_NET_BYTEORDER;
	nm_end_expr();
}

START_TEST(state_inside_expressions)
{
	static const struct {
		void (*put)(void);
		uint32_t bits[2];
		enum firewall_difference difference;
	} cases[] = {
		{ put_quota, { 0, NFT_QUOTA_F_DEPLETED }, FIREWALL_SAME },
		{ put_quota, { 0, NFT_QUOTA_F_INV }, FIREWALL_DIFFERENT },
		{ put_last, { 0, 0 }, FIREWALL_SAME },
		{ put_dynset, { 0, 0 }, FIREWALL_SAME },
		{ put_novelty, { 0, 0 }, FIREWALL_DIFFERENT },
		{ put_flagged, { 0, 0 }, FIREWALL_SAME },
	};
	struct str a, b;

	used = 0;
	bits = cases[_i].bits[0];
	a = one_expression(cases[_i].put);
	used = 5;
	bits = cases[_i].bits[1];
	b = one_expression(cases[_i].put);
	assert_difference(a, b, cases[_i].difference);
}
END_TEST

static void put_object(uint32_t type, uint16_t attribute, uint32_t value)
{
	struct nlattr *data;

	nm_begin(NFT_MSG_NEWOBJ);
	nm_put_text(NFTA_OBJ_NAME, "thing");
	nm_put_u32(NFTA_OBJ_TYPE, type);
	nm_put_u32(NFTA_OBJ_USE, value);
	data = nm_open_nest(NFTA_OBJ_DATA);
	nm_put_u32(attribute, value);
	nm_close_nest(data);
	nm_end();
}

START_TEST(named_objects)
{
	static const struct {
		uint32_t type;
		uint16_t attribute;
		enum firewall_difference difference;
	} cases[] = {
		{ NFT_OBJECT_COUNTER, NFTA_COUNTER_PACKETS, FIREWALL_SAME },
		{ NFT_OBJECT_QUOTA, NFTA_QUOTA_CONSUMED, FIREWALL_SAME },
		{ NFT_OBJECT_QUOTA, NFTA_QUOTA_BYTES, FIREWALL_DIFFERENT },
		{ NFT_OBJECT_LIMIT, NFTA_LIMIT_RATE, FIREWALL_DIFFERENT },
		{ NFT_OBJECT_SECMARK, NFTA_SECMARK_CTX, FIREWALL_DIFFERENT },
	};
	struct str a, b;

	nm_put_table(1, 1);
	put_object(cases[_i].type, cases[_i].attribute, 3);
	/* same name, other type: another object, in no order */
	put_object(NFT_OBJECT_CONNLIMIT, 1, 3);
	a = nm_taken();
	nm_put_table(1, 1);
	put_object(NFT_OBJECT_CONNLIMIT, 1, 3);
	put_object(cases[_i].type, cases[_i].attribute, 4);
	b = nm_taken();
	assert_difference(a, b, cases[_i].difference);
}
END_TEST

/* A named set of FLAGS, filled by a rule if asked. */
static struct str named_set(uint32_t flags, bool filled)
{
	struct nlattr *list;

	nm_put_table(1, 1);
	nm_put_chain("entry", 0, 1);
	if (filled) {
		nm_begin_rule("entry", 2);
		list = nm_open_nest(NFTA_RULE_EXPRESSIONS);
		nm_begin_expr("dynset");
		nm_put_text(NFTA_DYNSET_SET_NAME, "plain");
		nm_end_expr();
		nm_close_nest(list);
		nm_end();
	}
	nm_put_set("plain", flags, 1);
	list = nm_begin_elements("plain");
	nm_put_element(5, 0);
	nm_put_element(3, NFT_SET_ELEM_INTERVAL_END);
	nm_put_element(3, 0);
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

START_TEST(which_sets_are_written_and_compared)
{
	static const struct {
		uint32_t flags;
		bool filled, writable, compared;
	} cases[] = {
		{ 0, false, true, true },
		{ NFT_SET_TIMEOUT, false, true, true },
		{ NFT_SET_INTERVAL | NFT_SET_MAP, false, true, true },
		{ NFT_SET_CONSTANT, false, false, true },
		{ NFT_SET_EVAL, false, false, false },
		{ NFT_SET_EVAL | NFT_SET_TIMEOUT, false, false, false },
		{ NFT_SET_TIMEOUT, true, false, false },
	};
	struct firewall f = canon(named_set(cases[_i].flags,
					    cases[_i].filled));
	const struct firewall_object *set = object(&f, FIREWALL_SET, "plain");

	ck_assert_int_eq(set->elements_writable, cases[_i].writable);
	ck_assert_int_eq(set->elements_compared, cases[_i].compared);
	ck_assert_uint_eq(set->element_count, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(f.elements[i].sendable);
		ck_assert_uint_ge(f.elements[i].raw.size, 12);
		if (i)
			ck_assert_int_lt(str_compare(f.elements[i - 1].bytes,
						     f.elements[i].bytes), 0);
	}
}
END_TEST

/* An element with a counter, of a set whose elements have EXPR, or none. */
static struct str counted_element(const char *expr, uint64_t packets,
				  uint16_t extra)
{
	struct nlattr *list, *element, *nest, *data;
	uint32_t key = 1;

	nm_put_table(1, 1);
	nm_begin(NFT_MSG_NEWSET);
	nm_put_text(NFTA_SET_NAME, "plain");
	if (expr) {
		nest = nm_open_nest(NFTA_SET_EXPR);
		nm_put_text(NFTA_EXPR_NAME, expr);
		data = nm_open_nest(NFTA_EXPR_DATA);
		mnl_attr_put_u64(nm_head, NFTA_COUNTER_PACKETS, 0);
		nm_close_nest(data);
		nm_close_nest(nest);
	}
	nm_end();
	list = nm_begin_elements("plain");
	element = nm_open_nest(NFTA_LIST_ELEM);
	nm_put_value(NFTA_SET_ELEM_KEY, &key, sizeof(key));
	nest = nm_open_nest(NFTA_SET_ELEM_EXPR);
	nm_put_text(NFTA_EXPR_NAME, "counter");
	data = nm_open_nest(NFTA_EXPR_DATA);
	mnl_attr_put_u64(nm_head, NFTA_COUNTER_PACKETS, packets);
	nm_close_nest(data);
	nm_close_nest(nest);
	mnl_attr_put_u64(nm_head, NFTA_SET_ELEM_EXPIRATION, packets);
	if (extra)
		nm_put_u32(extra, 1);
	nm_close_nest(element);
	nm_close_nest(list);
	nm_end();
	return nm_taken();
}

START_TEST(what_a_delta_can_carry)
{
	struct firewall f = canon(counted_element("counter", 7, 0));

	ck_assert(f.elements[0].sendable);
	/* the key alone: the kernel gives the counter, time is its own */
	ck_assert_uint_eq(f.elements[0].raw.size, 12);
	assert_difference(counted_element("counter", 7, 0),
			  counted_element("counter", 8, 0), FIREWALL_SAME);
	f = canon(counted_element(NULL, 7, 0));
	ck_assert(!f.elements[0].sendable);
	f = canon(counted_element("limit", 7, 0));
	ck_assert(!f.elements[0].sendable);
	/* an attribute of a newer kernel */
	f = canon(counted_element("counter", 7, 99));
	ck_assert(!f.elements[0].sendable);
}
END_TEST

START_TEST(of_one_table_alone)
{
	struct str alone = sample("__set3", "__chain9", 1);
	struct firewall f;

	nm_put_table(1, 1);
	nm_begin_in(NFT_MSG_NEWTABLE, NFPROTO_INET, "foreign");
	nm_end();
	nm_begin_in(NFT_MSG_NEWTABLE, NFPROTO_IPV4, NM_TABLE);
	nm_end();
	nm_begin_in(NFT_MSG_NEWCHAIN, NFPROTO_INET, "foreign");
	nm_put_text(NFTA_CHAIN_NAME, "entry");
	nm_end();
	f = canon(nm_taken());
	ck_assert_uint_eq(f.object_count, 1);
	ck_assert_int_eq(nft_canonicalise(arena, alone, "other", &f, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "no table"));
}
END_TEST

/* Each is the end of a dump that begins well. */
static void two_tables(void)
{
	nm_put_table(1, 1);
}

static void two_chains(void)
{
	nm_put_chain("same", 0, 1);
	nm_put_chain("same", 0, 2);
}

static void no_name(void)
{
	nm_begin(NFT_MSG_NEWSET);
	nm_end();
}

static void no_chain(void)
{
	nm_begin_rule("nowhere", 1);
	nm_end();
}

static void no_set(void)
{
	struct nlattr *list = nm_begin_elements("nowhere");

	nm_close_nest(list);
	nm_end();
}

static void bad_element(void)
{
	struct nlattr *list;

	nm_put_set("plain", 0, 1);
	list = nm_begin_elements("plain");
	mnl_attr_put(nm_head, NFTA_LIST_ELEM, 5, "\x09\0\x01\0");
	nm_close_nest(list);
	nm_end();
}

static void bad_list(void)
{
	nm_put_set("plain", 0, 1);
	nm_begin(NFT_MSG_NEWSETELEM);
	nm_put_text(NFTA_SET_ELEM_LIST_SET, "plain");
	mnl_attr_put(nm_head, NFTA_SET_ELEM_LIST_ELEMENTS, 3, "\x09\0\x01");
	nm_end();
}

static void too_deep(void)
{
	struct nlattr *nest[64];

	nm_put_chain("entry", 0, 1);
	nm_begin_rule("entry", 1);
	nest[0] = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	nest[1] = nm_open_nest(NFTA_LIST_ELEM);
	for (size_t i = 2; i < 62; i += 2) {
		nm_put_text(NFTA_EXPR_NAME, "dynset");
		nest[i] = nm_open_nest(NFTA_EXPR_DATA);
		nest[i + 1] = nm_open_nest(NFTA_DYNSET_EXPR);
	}
	for (size_t i = 62; i; i--)
		nm_close_nest(nest[i - 1]);
	nm_end();
}

static void cut_message(void)
{
	nm_put_chain("entry", 0, 1);
	nm_cut(2);
}

START_TEST(what_is_malformed_is_told)
{
	static const struct {
		void (*put)(void);
		const char *words;
	} cases[] = {
		{ two_tables, "two tables" }, { two_chains, "twice" },
		{ no_name, "no name" }, { no_chain, "a rule of no chain" },
		{ no_set, "elements of no set" }, { bad_list, "elements" },
		{ bad_element, "attribute" }, { too_deep, "too deeply" },
		{ cut_message, "cut off" },
	};
	struct firewall f = { .generation = 77 };

	nm_put_table(1, 1);
	cases[_i].put();
	ck_assert_int_eq(nft_canonicalise(arena, nm_taken(), NM_TABLE, &f,
					  &e), -1);
	ck_assert_int_eq(e.kind, ERR_FAILED);
	ck_assert_msg(strstr(e.text, cases[_i].words), "%s", e.text);
	ck_assert_uint_eq(f.generation, 77);
}
END_TEST

/* Cut anywhere, any byte changed: an answer, and nothing out of bounds. */
START_TEST(hostile_bytes)
{
	struct str messages = sample("__set3", "__chain9", 1);
	size_t refused = 0;

	for (size_t i = 0; i < messages.size; i++) {
		size_t mark = arena_mark(arena);
		struct firewall f;
		char *bytes = malloc(i);

		memcpy(bytes, messages.data, i);
		if (nft_canonicalise(arena, (struct str){ bytes, i }, NM_TABLE,
				     &f, &e) < 0)
			refused++;
		free(bytes);
		bytes = malloc(messages.size);
		memcpy(bytes, messages.data, messages.size);
		bytes[i] ^= (char)(1 << i % 8);
		(void)!nft_canonicalise(arena, (struct str){ bytes,
							     messages.size },
					NM_TABLE, &f, &e);
		free(bytes);
		arena_reset(arena, mark);
	}
	ck_assert_uint_gt(refused * 10, messages.size * 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft: canonical form");
	TCase *t = tcase_create("canon");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_moves_does_not_count);
	tcase_add_test(t, ranks_follow_the_references);
	tcase_add_loop_test(t, state_inside_expressions, 0, 6);
	tcase_add_loop_test(t, named_objects, 0, 5);
	tcase_add_loop_test(t, which_sets_are_written_and_compared, 0, 7);
	tcase_add_test(t, what_a_delta_can_carry);
	tcase_add_test(t, of_one_table_alone);
	tcase_add_loop_test(t, what_is_malformed_is_told, 0, 9);
	tcase_add_test(t, hostile_bytes);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
