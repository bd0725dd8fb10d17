/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The template language: every rule, and every way in which it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "render/template.h"
#include "render/value.h"

#include "../support/check.h"
#include "../support/texts.h"

#define PARTIALS_MAX 4

static struct arena *arena;
static struct diags diags;
static struct source document;	/* where values come from */

static void setup(void)
{
	arena = arena_new((uint64_t)1 << 32);
	diags_init(&diags, arena);
	document = (struct source){
		.name = "office.json",
		.text = STR("{\n \"evil\": \"a\\nb\"\n}\n"),
	};
}

static void teardown(void)
{
	arena_freep(&arena);
}

static struct value *text(const char *string)
{
	return value_string(arena, string);
}

static void set(struct value *object, const char *name, struct value *value)
{
	value_set(arena, object, name, value);
}

/* An object "o" in which there is one, DEPTH of them; the last has none. */
static struct value *deep(size_t depth)
{
	struct value *object = value_object(arena);

	set(object, "o", depth ? deep(depth - 1) : value_bool(arena, false));
	return object;
}

/* What the templates below speak of. */
static const struct value *values(void)
{
	struct value *root = value_object(arena), *list = value_list(arena);
	struct value *nested = value_object(arena), *item;

	set(root, "mesh", text("office"));
	set(root, "zero", value_number(arena, 0));
	set(root, "empty", text(""));
	set(root, "yes", value_bool(arena, true));
	set(root, "no", value_bool(arena, false));
	set(root, "none", value_list(arena));
	for (size_t i = 1; i <= 3; i++) {
		item = value_object(arena);
		set(item, "name", text(arena_printf(arena, "p%zu", i)));
		set(item, "last", value_bool(arena, i == 3));
		value_add(arena, list, item);
	}
	set(root, "peers", list);
	list = value_list(arena);
	value_add(arena, list, text("a"));
	value_add(arena, list, text("b"));
	set(root, "letters", list);
	set(nested, "mesh", text("inner"));
	set(nested, "port", value_number(arena, 51820));
	set(root, "device", nested);
	set(root, "deep", deep(TEMPLATE_PARTIALS_DEPTH - 1));
	set(root, "deeper", deep(TEMPLATE_PARTIALS_DEPTH));
	set(root, "evil", value_text_at(arena, STR("a\nb"),
					(struct place){ &document, 11 }));
	return root;
}

static struct template_set *parse(const char *template,
				  const char *const *partials)
{
	struct template_text texts[1 + PARTIALS_MAX];
	size_t count = 1;

	for (size_t i = 0; partials && partials[i]; i += 2)
		texts[count++].name = partials[i];
	texts[0].name = "main";
	for (size_t i = 0; i < count; i++) {
		struct source *source = arena_new_object(arena, struct source);

		source->name = texts[i].name;
		source->text = str_of(i ? partials[2 * i - 1] : template);
		texts[i].source = source;
	}
	return template_parse(arena, texts, count, &diags);
}

/* What comes out, or the lines of the diagnostics. */
static const char *render_as(enum carry carry, const char *template,
			     const char *const *partials)
{
	struct template_set *templates;
	struct str out = { "untouched", 9 };
	int result;

	diags_init(&diags, arena);
	templates = parse(template, partials);
	if (!templates) {
		ck_assert_uint_gt(diags.errors, 0);
		return diags_lines(arena, &diags);
	}
	ck_assert_uint_eq(diags.errors, 0);
	result = template_render(arena, templates, "main", values(), carry,
				 &out, &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	if (!result)
		return arena_strndup(arena, out.data, out.size);
	ck_assert(str_is(out, "untouched"));
	return diags_lines(arena, &diags);
}

static const char *render(const char *template)
{
	return render_as(CARRY_TEXT, template, NULL);
}

struct expectation {
	const char *template, *expected;
};

static void expect(const struct expectation *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(render(cases[i].template), cases[i].expected);
}

static const char *repeat(const char *part, size_t count)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	for (size_t i = 0; i < count; i++)
		sbuf_puts(&out, part);
	return out.data;
}

START_TEST(tags)
{
	static const struct expectation cases[] = {
		{ "", "" },
		{ "plain\n", "plain\n" },
		{ "{ {mesh} }", "{ {mesh} }" },
		{ "{{mesh}}", "office" },
		{ "{{ mesh\t}}", "office" },
		{ "{{{mesh}}}{{&mesh}}{{{ mesh }}}", "officeofficeoffice" },
		{ "{{device.port}}", "51820" },
		{ "{{zero}}", "0" },
		{ "[{{empty}}]", "[]" },
		{ "a{{! mesh\n {{x }}b", "ab" },
		{ "{{=<% %>=}}<%mesh%>{{mesh}}<%={{ }}=%>{{mesh}}",
		  "office{{mesh}}office" },
		{ "{{=| |=}}|{mesh}|", "office" },
		{ "{{=} }=}}}mesh}", "office" },
		{ "\xef\xbb\xbf{{mesh}}", "office" },
		{ "}}{{mesh}}}", "}}office}" },
	};

	expect(cases, array_size(cases));
}
END_TEST

START_TEST(sections)
{
	static const struct expectation cases[] = {
		{ "{{#yes}}1{{/yes}}{{#no}}2{{/no}}", "1" },
		{ "{{^yes}}1{{/yes}}{{^no}}2{{/no}}", "2" },
		{ "{{#mesh}}<{{.}}>{{/mesh}}", "<office>" },
		{ "{{#zero}}is{{/zero}}{{^zero}}not{{/zero}}", "is" },
		{ "{{#empty}}1{{/empty}}{{^empty}}2{{/empty}}", "2" },
		{ "{{#none}}1{{/none}}{{^none}}2{{/none}}", "2" },
		{ "{{#peers}}{{name}}{{^last}},{{/last}}{{/peers}}",
		  "p1,p2,p3" },
		{ "{{#letters}}{{.}}{{#yes}}{{.}}{{/yes}}{{/letters}}",
		  "aabb" },
		{ "{{^letters}}none{{/letters}}", "" },
		{ "{{#device}}{{mesh}} {{port}}{{/device}} {{mesh}}",
		  "inner 51820 office" },
		{ "{{^device}}1{{/device}}", "" },
		{ "{{#device.port}}{{.}}{{/device.port}}", "51820" },
		{ "{{#peers}}{{device.mesh}}{{/peers}}", "innerinnerinner" },
	};

	expect(cases, array_size(cases));
}
END_TEST

START_TEST(lines)
{
	static const struct expectation cases[] = {
		{ "{{#peers}}\n{{name}}\n{{/peers}}\n", "p1\np2\np3\n" },
		{ "a\n\t{{#yes}} \nb\n  {{/yes}}", "a\nb\n" },
		{ "a\r\n{{! c }}\r\nb\r\n", "a\r\nb\r\n" },
		{ "a {{! c }}\nb", "a \nb" },
		{ "{{#yes}}{{/yes}}\nb", "\nb" },
		{ "{{! c }} {{#yes}}\nb{{/yes}}", " \nb" },
		{ "{{! a\n b }} \nc", "c" },
		{ "{{! a\n b }} c\n  {{! d }}\ne", " c\ne" },
		{ "{{mesh}}\n", "office\n" },
		{ "  {{=<% %>=}}\n<%mesh%>\n", "office\n" },
		{ "{{! c }}\r", "\r" },
	};

	expect(cases, array_size(cases));
}
END_TEST

START_TEST(partials)
{
	static const char *const named[] = {
		"one", "1{{mesh}}\n\n2\n",
		"two", "<{{>one}}>\n",
		"deep", "x\n  {{>one}}\ny",
		NULL,
	};
	static const char *const more[] = {
		/* each of four kinds is a line's first */
		"tags", "{{#yes}}a{{/yes}}\n{{!}}b\n{{mesh}}\n"
			"{{#peers}}\n{{name}}\n{{/peers}}\n",
		"peer", "- {{name}}\n",
		"odd", "\r\n{{#yes}}\nx\n{{/yes}}y\n",
		NULL,
	};
	static const struct {
		const char *const *partials;
		const char *template, *expected;
	} cases[] = {
		{ named, "{{>one}}", "1office\n\n2\n" },
		{ named, "{{>one}}\nx", "1office\n\n2\nx" },
		{ named, "\t{{> one }}\nx", "\t1office\n\n\t2\nx" },
		{ named, "a {{>one}}\nx", "a 1office\n\n2\n\nx" },
		/* One that is not alone brings its own lines as they are. */
		{ named, "  {{>two}}\n", "  <1office\n\n2\n>\n" },
		{ named, "  {{>deep}}\n",
		  "  x\n    1office\n\n    2\n  y" },
		{ more, " {{>tags}}\n",
		  " a\n b\n office\n p1\n p2\n p3\n" },
		{ more, "{{#peers}}\n\t{{>peer}}\n{{/peers}}\n",
		  "\t- p1\n\t- p2\n\t- p3\n" },
		{ more, " {{>odd}}\n", "\r\n x\n y\n" },
		{ more, "{{=<% %>=}}\n<%>peer%><%#peers%><%/peers%>",
		  "peer:1:5: \"name\" is not defined | did you mean 'none'?\n" },
	};

	for (size_t i = 0; i < array_size(cases); i++)
		ck_assert_str_eq(render_as(CARRY_TEXT, cases[i].template,
					   cases[i].partials),
				 cases[i].expected);
}
END_TEST

START_TEST(refuses_text)
{
	static const char name_hint[] = " | a name is of letters, digits, '_' "
		"and '-', with a dot between an object and its member\n";
	static const char delimiter_hint[] = " | two, with a blank between "
		"them, neither with '=', each of at most 16 bytes: "
		"{{=<% %>=}}\n";
	static const struct expectation cases[] = {
		{ "a\n {{mesh", "main:2:2: the tag is not closed: no \"}}\" "
		  "follows on its line\n" },
		{ "{{mesh\n}}", "main:1:1: the tag is not closed: no \"}}\" "
		  "follows on its line\n" },
		{ "{{#yes}}{{{mesh}} ", "main:1:9: the tag is not closed: no "
		  "\"}}}\" follows on its line\n" },
		{ "{{=a b}}", "main:1:1: the tag is not closed: no \"=}}\" "
		  "follows on its line\n" },
		{ "{{! a\n", "main:1:1: the comment is not closed: no \"}}\" "
		  "follows\n" },
		{ "{{}}", "main:1:1: the tag has no name\n" },
		{ "a{{# }}", "main:1:2: the tag has no name\n" },
		{ "{{#yes}}x", "main:1:4: section \"yes\" is not closed "
		  "(1:10)\n" },
		{ "x{{/yes}}", "main:1:2: {{/yes}} closes no section: none is "
		  "open\n" },
		{ "{{#yes}}{{#no}}{{/yes}}\n{{/no}}",
		  "main:1:16: {{/yes}} stands where section \"no\" is to be "
		  "closed (1:12)\n"
		  "main:2:1: {{/no}} stands where section \"yes\" is to be "
		  "closed (1:4)\n" },
		{ "{{>missing}}", "main:1:4: no partial is called \"missing\""
		  "\n" },
		{ "{{#no}}{{>mian}}{{/no}}", "main:1:11: no partial is called "
		  "\"mian\" | did you mean 'main'?\n" },
	};
	static const char *const no_names[] = {
		"a b", "a..b", ".a", "a.", "..", "a\x01", "m\xc3\xa9", "$x",
	};
	static const char *const no_delimiters[] = {
		"{{==}}", "{{= =}}", "{{=a=}}", "{{=a b c=}}", "{{=a= b=}}",
		"{{=a b==}}", "{{=12345678901234567 b=}}",
		"{{=a 12345678901234567=}}",
	};

	expect(cases, array_size(cases));
	for (size_t i = 0; i < array_size(no_names); i++) {
		const char *out = render(arena_printf(arena, "{{%s}}",
						      no_names[i]));

		ck_assert_msg(strstr(out, "is not a name"), "%s", out);
		ck_assert_msg(strstr(out, name_hint), "%s", out);
	}
	ck_assert_str_eq(render("{{a\x01}}"), arena_printf(arena,
		"main:1:3: \"a\\x01\" is not a name%s", name_hint));
	ck_assert_msg(strstr(render("{{>.}}"), "is not a name"), "{{>.}}");
	for (size_t i = 0; i < array_size(no_delimiters); i++)
		ck_assert_str_eq(render(no_delimiters[i]), arena_printf(arena,
			"main:1:1: these are no delimiters%s",
			delimiter_hint));
}
END_TEST

START_TEST(refuses_values)
{
	static const struct expectation cases[] = {
		{ "{{mash}}", "main:1:3: \"mash\" is not defined | did you "
		  "mean 'mesh'?\n" },
		{ "{{quite-another}}", "main:1:3: \"quite-another\" is not "
		  "defined\n" },
		{ "{{#peer}}{{/peer}}", "main:1:4: \"peer\" is not defined | "
		  "did you mean 'peers'?\n" },
		{ "{{^peer}}{{/peer}}", "main:1:4: \"peer\" is not defined | "
		  "did you mean 'peers'?\n" },
		/* Of many times the same tag once, of two tags both. */
		{ "{{#peers}}\n{{nam}} {{lst}}\n{{/peers}}",
		  "main:2:3: \"nam\" is not defined | did you mean 'name'?\n"
		  "main:2:11: \"lst\" is not defined | did you mean 'last'?\n" },
		{ "{{device.prot}}", "main:1:10: \"device\" is an object and "
		  "has no member \"prot\" | did you mean 'port'?\n" },
		{ "{{device.port.x}}", "main:1:15: \"device.port\" is a text "
		  "and has no member \"x\"\n" },
		{ "{{peers.name}}", "main:1:9: \"peers\" is a list and has no "
		  "member \"name\"\n" },
		/* The nearest "device" decides, not one further out. */
		{ "{{#device}}{{mesh.port}}{{/device}}", "main:1:19: \"mesh\" "
		  "is a text and has no member \"port\"\n" },
		{ "{{peers}}", "main:1:3: \"peers\" is a list, which cannot be "
		  "written | a section goes through it: "
		  "{{#name}}{{.}}{{/name}}\n" },
		{ "{{device}}", "main:1:3: \"device\" is an object, which "
		  "cannot be written | one of its members can be: "
		  "{{name.member}}\n" },
		{ "{{.}}", "main:1:3: \".\" is an object, which cannot be "
		  "written | one of its members can be: {{name.member}}\n" },
		{ "{{yes}}", "main:1:3: \"yes\" is true, which cannot be "
		  "written | a section asks for it: {{#name}}…{{/name}}\n" },
		{ "{{no}}", "main:1:3: \"no\" is false, which cannot be "
		  "written | a section asks for it: {{#name}}…{{/name}}\n" },
	};

	expect(cases, array_size(cases));
	/* More often than diagnostics are kept */
	ck_assert_str_eq(render(arena_printf(arena, "%s{{nam}}%s",
					     repeat("{{#peers}}", 8),
					     repeat("{{/peers}}", 8))),
			 "main:1:83: \"nam\" is not defined | did you mean "
			 "'name'?\n");
	ck_assert_uint_eq(diags.errors, 1);
	/* What is not rendered is not looked up. */
	ck_assert_str_eq(render("{{#no}}{{mash}}{{/no}}"), "");
}
END_TEST

START_TEST(values_carried)
{
	struct sbuf shown;

	ck_assert_str_eq(render("{{evil}}"), "a\nb");
	ck_assert_str_eq(render_as(CARRY_WIREGUARD, "\n{{evil}}", NULL),
			 "main:2:3: main cannot carry \"a\\x0ab\" of {{evil}}: "
			 "it holds a newline (2:10)\n");
	ck_assert_str_eq(render_as(CARRY_NETWORK, "{{empty}}", NULL),
			 "main:1:3: main cannot carry \"\" of {{empty}}: it is "
			 "empty\n");
	ck_assert_str_eq(render_as(CARRY_FIREWALL, "{{mesh}} {{zero}}", NULL),
			 "office 0");

	/* As the user sees it: the template's line, and the document's. */
	render_as(CARRY_FIREWALL, "x {{evil}}\n", NULL);
	sbuf_init(&shown, arena);
	diags_format(&diags, &shown);
	ck_assert_str_eq(shown.data,
		"main:1:5: error: main cannot carry \"a\\x0ab\" of {{evil}}: "
		"it holds a newline\n"
		"    1 | x {{evil}}\n"
		"      |     ^\n"
		"office.json:2:10: note: the value comes from here\n"
		"    2 |  \"evil\": \"a\\nb\"\n"
		"      |          ^\n");
}
END_TEST

START_TEST(limits_of_nesting)
{
	const char *most = arena_printf(arena, "%sx%s",
		repeat("{{#yes}}", TEMPLATE_NESTING),
		repeat("{{/yes}}", TEMPLATE_NESTING));
	static const char *const itself[] = {
		"self", "{{#yes}}.{{>self}}{{/yes}}", NULL
	};
	static const char *const ends[] = {
		"self", ".{{#o}}{{>self}}{{/o}}", NULL
	};

	ck_assert_str_eq(render(most), "x");
	ck_assert_str_eq(render(arena_printf(arena, "{{#yes}}%s{{/yes}}", most)),
			 "main:1:513: more than 64 sections stand in one "
			 "another\n");
	/* Said once, and the rest still parsed. */
	ck_assert_str_eq(render(arena_printf(arena, "%s%s{{/no}}",
					     repeat("{{#yes}}", 1000),
					     repeat("{{/yes}}", 1000))),
			 "main:1:513: more than 64 sections stand in one "
			 "another\n"
			 "main:1:16001: {{/no}} closes no section: none is "
			 "open\n");
	ck_assert_str_eq(render_as(CARRY_TEXT, "{{>self}}", itself),
			 "self:1:13: partials stand in one another more than "
			 "32 deep: \"self\" may include itself\n");
	ck_assert_str_eq(render_as(CARRY_TEXT,
				   "{{#deep}}{{>self}}{{/deep}}", ends),
			 repeat(".", TEMPLATE_PARTIALS_DEPTH));
	ck_assert_str_eq(render_as(CARRY_TEXT,
				   "{{#deeper}}{{>self}}{{/deeper}}", ends),
			 "self:1:11: partials stand in one another more than "
			 "32 deep: \"self\" may include itself\n");
}
END_TEST

START_TEST(limits_of_size)
{
	const char *large = repeat("x", TEMPLATE_LIMIT);
	const char *out;

	ck_assert_uint_eq(strlen(render(large)), TEMPLATE_LIMIT);
	ck_assert_str_eq(render(repeat("x", TEMPLATE_LIMIT + 1)),
			 "main:1:1: the template is larger than 1048576 "
			 "bytes\n");
	/* 3 to the fourth times 1 MiB is more than 64 MiB. */
	out = render(arena_printf(arena, "%s%.1000000s%s",
				  repeat("{{#peers}}", 4), large,
				  repeat("{{/peers}}", 4)));
	ck_assert_str_eq(out, "main:1:41: main becomes larger than 67108864 "
			 "bytes\n");
	/* Nothing comes out, and it does not go on for ever. */
	out = render(arena_printf(arena, "%s%s", repeat("{{#peers}}", 40),
				  repeat("{{/peers}}", 40)));
	ck_assert_msg(strstr(out, "rendering main takes more than 16777216 "
			     "steps"), "%s", out);
}
END_TEST

/* Sizes for which a quadratic parser would take minutes. */
START_TEST(linear)
{
	static const char *const parts[] = {
		"{{!a}}", "{{mesh}}", "{{#no}}{{/no}}", "\n", "{{!\n}}", " ",
		"}}", "{ ", "\r", "{{=<% %>=}}<%={{ }}=%>",
	};

	for (size_t i = 0; i < array_size(parts); i++) {
		const char *blanks = repeat(" ", 300000), *body, *out;

		body = repeat(parts[i], 600000 / strlen(parts[i]));
		out = render(arena_printf(arena, "%s%s", blanks, body));
		ck_assert_uint_eq(diags.errors, 0);
		ck_assert_uint_ge(strlen(out), 200000);
	}
	ck_assert_msg(strstr(render(repeat("{{", 500000)), "not closed"),
		      "unclosed");
	ck_assert_uint_eq(diags.errors, 1);
	render(repeat("{{#yes}}", 100000));
	ck_assert_uint_le(diags.errors, TEMPLATE_NESTING + 1);
}
END_TEST

START_TEST(uses)
{
	static const char *const named[] = { "a", "{{>b}}", "b", "x", NULL };
	struct template_set *templates = parse("{{>a}}", named);

	ck_assert_ptr_nonnull(templates);
	ck_assert(template_uses(templates, "a"));
	ck_assert(template_uses(templates, "b"));
	ck_assert(!template_uses(templates, "main"));
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(tags),
		CHECK_CASE(sections),
		CHECK_CASE(lines),
		CHECK_CASE(partials),
		CHECK_CASE(refuses_text),
		CHECK_CASE(refuses_values),
		CHECK_CASE(values_carried),
		CHECK_CASE(limits_of_nesting),
		CHECK_CASE(limits_of_size),
		CHECK_CASE(linear),
		CHECK_CASE(uses),
	};

	return check_run_within("render", cases, array_size(cases), setup,
				teardown);
}
