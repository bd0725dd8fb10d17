/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value tree, its JSON, and what each file can carry. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "render/carry.h"
#include "render/template.h"
#include "render/value.h"

#include "../support/check.h"

#define MANY 10000

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void teardown(void)
{
	arena_freep(&arena);
}

START_TEST(tree)
{
	struct source source = { .name = "f", .text = STR("abc") };
	struct value *object = value_object(arena), *text;

	text = value_text_at(arena, STR("x"), (struct place){ &source, 2 });
	value_set(arena, object, "a", text);
	value_set(arena, object, "ab", value_number(arena, UINT64_MAX));
	ck_assert_ptr_eq(value_get(object, STR("a")), text);
	ck_assert_uint_eq(text->where.offset, 2);
	ck_assert(str_is(value_get(object, STR("ab"))->text,
			 "18446744073709551615"));
	ck_assert_ptr_null(value_get(object, STR("abc")));
	ck_assert_ptr_null(value_get(object, STR("")));
	ck_assert_ptr_null(value_get(text, STR("a")));
	ck_assert_ptr_null(object->where.source);
	ck_assert_str_eq(value_kind_words(object), "an object");
	ck_assert_str_eq(value_kind_words(text), "a text");
	ck_assert_str_eq(value_kind_words(value_list(arena)), "a list");
	ck_assert_str_eq(value_kind_words(value_bool(arena, true)), "true");
	ck_assert_str_eq(value_kind_words(value_bool(arena, false)), "false");
}
END_TEST

static const char *json_of(const struct value *value)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	value_json(&out, value);
	return out.data;
}

START_TEST(json)
{
	struct value *root = value_object(arena), *list = value_list(arena);
	struct value *inner = value_object(arena);

	value_set(arena, root, "mesh", value_string(arena, "office"));
	value_set(arena, root, "none", value_list(arena));
	value_set(arena, root, "nothing", value_object(arena));
	value_add(arena, list, value_bool(arena, true));
	value_set(arena, inner, "no", value_bool(arena, false));
	value_add(arena, list, inner);
	value_set(arena, root, "list", list);
	value_set(arena, root, "b", value_number(arena, 7));
	ck_assert_str_eq(json_of(root),
			 "{\n"
			 "  \"mesh\": \"office\",\n"
			 "  \"none\": [],\n"
			 "  \"nothing\": {},\n"
			 "  \"list\": [\n"
			 "    true,\n"
			 "    {\n"
			 "      \"no\": false\n"
			 "    }\n"
			 "  ],\n"
			 "  \"b\": \"7\"\n"
			 "}\n");
	ck_assert_str_eq(json_of(value_string(arena, "a\"\\\n\t\x7f/\xc3\xa9")),
			 "\"a\\\"\\\\\\n\\u0009\\u007f/\xc3\xa9\"\n");
	/* Not UTF-8, a C1 control, a turn of the writing's direction, NUL */
	ck_assert_str_eq(json_of(value_text(arena,
			STR("\xff|\xc2\x9b|\xe2\x80\xae|\0|\xc3"))),
			 "\"\xef\xbf\xbd|\\u009b|\\u202e|\\u0000|\xef\xbf\xbd"
			 "\"\n");
}
END_TEST

/* What is written reads back as the same text, whatever its bytes. */
START_TEST(json_reads_back)
{
	for (unsigned int c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 257) {
		char utf8[5] = { 0 };
		struct str text = { utf8, 0 };
		const char *out;
		json_t *read;

		if (c < 0x80) {
			utf8[0] = (char)c;
			text.size = 1;
		} else if (c < 0x800) {
			utf8[0] = (char)(0xc0 | c >> 6);
			utf8[1] = (char)(0x80 | (c & 0x3f));
			text.size = 2;
		} else if (c < 0x10000) {
			utf8[0] = (char)(0xe0 | c >> 12);
			utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
			utf8[2] = (char)(0x80 | (c & 0x3f));
			text.size = 3;
		} else {
			utf8[0] = (char)(0xf0 | c >> 18);
			utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
			utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
			utf8[3] = (char)(0x80 | (c & 0x3f));
			text.size = 4;
		}
		if (c >= 0xd800 && c < 0xe000)
			continue;
		out = json_of(value_text(arena, text));
		read = json_loads(out, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		ck_assert_msg(json_string_length(read) == text.size &&
			      !memcmp(json_string_value(read), utf8,
				      text.size), "U+%04X: %s", c, out);
		json_decref(read);
	}
}
END_TEST

START_TEST(carries)
{
	static const struct {
		const char *text;
		/* firewall, network, wireguard; NULL: fine */
		const char *why[3];
	} cases[] = {
		{ "10.0.0.0/24", { NULL, NULL, NULL } },
		{ "fd00::1/128", { NULL, NULL, NULL } },
		{ "::/0", { NULL, NULL, NULL } },
		{ "10.0.0.1-10.0.0.9", { NULL, NULL, NULL } },
		{ "0xca6c", { NULL, NULL, NULL } },
		{ "wg-office", { NULL, NULL, NULL } },
		{ "meshapply_office", { NULL, NULL, NULL } },
		{ "", { "is empty", "is empty", "is empty" } },
		{ "a b", { "holds a blank", "holds a blank",
			   "holds a blank" } },
		{ " a", { "holds a blank", "holds a blank",
			  "holds a blank" } },
		{ "a\n", { "holds a newline", "holds a newline",
			   "holds a newline" } },
		{ "a\r", { "holds a control character",
			   "holds a control character",
			   "holds a control character" } },
		{ "a\x7f", { "holds a control character",
			     "holds a control character",
			     "holds a control character" } },
		{ "a#b", { "holds '#'", "holds '#'", "holds '#'" } },
		{ "a,b", { "holds ','", NULL, "holds ','" } },
		{ "-a", { "starts with '-'", "starts with '-'", NULL } },
		{ ".a", { NULL, NULL, NULL } },
		{ "/a", { "starts with '/'", NULL, NULL } },
		{ "@a", { "holds '@'", NULL, NULL } },
		{ "a;b", { "holds ';'", NULL, NULL } },
		{ "a\"", { "holds '\"'", "holds '\"'", NULL } },
		{ "a'", { "holds '''", "holds '''", NULL } },
		{ "a`", { "holds '`'", "holds '`'", NULL } },
		{ "a\\", { "holds '\\'", "holds '\\'", NULL } },
		{ "[fd00::1]:51820", { "holds '['", NULL, NULL } },
		{ "AAAA+/AAA=", { NULL, NULL, NULL } },
		{ "=a", { NULL, NULL, NULL } },
		{ "+a", { NULL, NULL, NULL } },
		{ "B\xc3\xbcro", { "holds a character that is not ASCII",
				   "holds a character that is not ASCII",
				   "holds a character that is not ASCII" } },
		{ "a\xff", { "holds a character that is not ASCII",
			    "holds a character that is not ASCII",
			    "holds a character that is not ASCII" } },
	};
	static const enum carry formats[3] = {
		CARRY_FIREWALL, CARRY_NETWORK, CARRY_WIREGUARD,
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct str text = str_of(cases[i].text);

		ck_assert_ptr_null(carry_refuses(arena, CARRY_TEXT, text));
		for (size_t j = 0; j < array_size(formats); j++)
			ck_assert_pstr_eq(carry_refuses(arena, formats[j],
							text),
					  cases[i].why[j]);
	}
	ck_assert_str_eq(carry_refuses(arena, CARRY_WIREGUARD,
				       STR("a\0b")),
			 "holds a control character");
}
END_TEST

/* Every byte, first and later, is let through where it is meant to be. */
START_TEST(carries_bytes)
{
	static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char *const first[] = {
		[CARRY_FIREWALL] = "_:.+=",
		[CARRY_NETWORK] = "!$%&()*+,./:;<=>?@[]^_{|}~",
		[CARRY_WIREGUARD] = "!\"$%&'()*+./:;<=>?@[\\]^_`{|}~-",
	}, *const later[] = {
		[CARRY_FIREWALL] = "_:./-+=",
		[CARRY_NETWORK] = "!$%&()*+,./:;<=>?@[]^_{|}~-",
		[CARRY_WIREGUARD] = "!\"$%&'()*+./:;<=>?@[\\]^_`{|}~-",
	};

	for (int carry = 0; carry < CARRY_TEXT; carry++)
		for (int c = 1; c < 256; c++) {
			char text[] = { (char)c, 'x', (char)c };
			bool one = strchr(alphanumeric, c) ||
				   strchr(first[carry], c);
			bool two = strchr(alphanumeric, c) ||
				   strchr(later[carry], c);

			ck_assert_int_eq(!carry_refuses(arena,
				(enum carry)carry, (struct str){ text, 1 }),
				one);
			ck_assert_int_eq(!carry_refuses(arena,
				(enum carry)carry,
				(struct str){ text + 1, 2 }), two);
		}
}
END_TEST

START_TEST(carry_by_name)
{
	ck_assert_int_eq(carry_of("wireguard.conf"), CARRY_WIREGUARD);
	ck_assert_int_eq(carry_of("network.batch"), CARRY_NETWORK);
	ck_assert_int_eq(carry_of("firewall.nft"), CARRY_FIREWALL);
	ck_assert_int_eq(carry_of("other"), CARRY_FIREWALL);
}
END_TEST

static struct value *many(size_t count)
{
	struct value *root = value_object(arena), *peers = value_list(arena);
	static const char *const names[] = {
		"a", "b", "c", "d", "e", "f", "g", "h", "i", "name",
	};

	for (size_t i = 0; i < count; i++) {
		struct value *peer = value_object(arena);

		for (size_t j = 0; j < array_size(names); j++)
			value_set(arena, peer, names[j],
				  value_string(arena, "x"));
		value_add(arena, peers, peer);
	}
	value_set(arena, root, "peers", peers);
	return root;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(ten_thousand)
{
	struct source source = {
		.name = "t", .text = STR("{{#peers}}{{name}}{{a}}\n{{/peers}}"),
	};
	struct template_text text = { "t", &source };
	double start = seconds();
	struct value *root = many(MANY);
	struct template_set *set;
	struct diags diags;
	struct str out;

	diags_init(&diags, arena);
	set = template_parse(arena, &text, 1, &diags);
	ck_assert_int_eq(template_render(arena, set, "t", root, CARRY_FIREWALL,
					 &out, &diags), 0);
	ck_assert_uint_eq(out.size, 3 * MANY);
	/* Twenty times what it takes, with sanitizers, on a slow machine */
	ck_assert(seconds() - start < 5);
	ck_assert_uint_lt(arena_used(arena), 32u << 20);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(tree),
		CHECK_CASE(json),
		CHECK_CASE(json_reads_back),
		CHECK_CASE(carries),
		CHECK_CASE(carries_bytes),
		CHECK_CASE(carry_by_name),
		CHECK_CASE(ten_thousand),
	};

	return check_run_within("render-value", cases, array_size(cases), setup,
				teardown);
}
