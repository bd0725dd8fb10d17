/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases of mustache's own specification (github.com/mustache/spec, its
 * folder specs as JSON), read from the folder that MUSTACHE_SPEC names.  Each
 * passes, or is one of the exceptions below, which say what comes instead.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "render/template.h"
#include "render/value.h"

#include "../support/texts.h"

#define PARTIALS_MAX 8

static const char *const files[] = {
	"comments", "delimiters", "interpolation", "inverted", "partials",
	"sections",
};

static const char undefined[] =
	"a name that is not defined is an error here, not an empty text";
static const char unescaped[] = "no output is HTML, so nothing is escaped";
static const char null[] = "there is no null: the nearest is false, which "
	"cannot be written";
static const char no_partial[] =
	"a partial that is not there is an error here, not an empty text";

static const struct exception {
	const char *file, *name, *why, *instead;
} exceptions[] = {
	{ "interpolation", "HTML Escaping", unescaped,
	  "These characters should be HTML escaped: & \" < >\n" },
	{ "interpolation", "Implicit Iterators - HTML Escaping", unescaped,
	  "These characters should be HTML escaped: & \" < >\n" },
	{ "sections", "Implicit Iterator - HTML Escaping", unescaped,
	  "\"(&)(\")(<)(>)\"" },
	{ "interpolation", "Basic Null Interpolation", null,
	  "template:1:6: \"cannot\" is false, which cannot be written | a "
	  "section asks for it: {{#name}}…{{/name}}\n" },
	{ "interpolation", "Triple Mustache Null Interpolation", null,
	  "template:1:7: \"cannot\" is false, which cannot be written | a "
	  "section asks for it: {{#name}}…{{/name}}\n" },
	{ "interpolation", "Ampersand Null Interpolation", null,
	  "template:1:7: \"cannot\" is false, which cannot be written | a "
	  "section asks for it: {{#name}}…{{/name}}\n" },
	{ "interpolation", "Basic Context Miss Interpolation", undefined,
	  "template:1:6: \"cannot\" is not defined\n" },
	{ "interpolation", "Triple Mustache Context Miss Interpolation",
	  undefined, "template:1:7: \"cannot\" is not defined\n" },
	{ "interpolation", "Ampersand Context Miss Interpolation", undefined,
	  "template:1:7: \"cannot\" is not defined\n" },
	{ "interpolation", "Dotted Names - Broken Chains", undefined,
	  "template:1:6: \"a\" is an object and has no member \"b\"\n" },
	{ "interpolation", "Dotted Names - Broken Chain Resolution", undefined,
	  "template:1:8: \"a.b\" is an object and has no member \"c\"\n" },
	{ "interpolation", "Dotted Names - Context Precedence", undefined,
	  "template:1:11: \"b\" is an object and has no member \"c\"\n" },
	{ "interpolation", "Dotted Names are never single keys", undefined,
	  "template:1:3: \"a\" is not defined\n" },
	{ "inverted", "Context Misses", undefined,
	  "template:1:5: \"missing\" is not defined\n" },
	{ "inverted", "Dotted Names - Broken Chains", undefined,
	  "template:1:7: \"a\" is an object and has no member \"b\"\n" },
	{ "partials", "Failed Lookup", no_partial,
	  "template:1:5: no partial is called \"text\"\n" },
	{ "sections", "Context Misses", undefined,
	  "template:1:5: \"missing\" is not defined\n" },
	{ "sections", "Dotted Names - Broken Chains", undefined,
	  "template:1:7: \"a\" is an object and has no member \"b\"\n" },
};

static struct arena *arena;
static bool met[array_size(exceptions)];
static size_t case_count;

static struct value *value_of(const json_t *json)
{
	struct value *value;
	const char *name;
	json_t *member;
	size_t i;

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		value = value_object(arena);
		json_object_foreach((json_t *)(uintptr_t)json, name, member)
			value_set(arena, value, name, value_of(member));
		return value;
	case JSON_ARRAY:
		value = value_list(arena);
		json_array_foreach(json, i, member)
			value_add(arena, value, value_of(member));
		return value;
	case JSON_STRING:
		return value_string(arena, json_string_value(json));
	case JSON_INTEGER:
		return value_number(arena,
				    (uint64_t)json_integer_value(json));
	case JSON_REAL:
		return value_string(arena, arena_printf(arena, "%.15g",
					    json_real_value(json)));
	case JSON_TRUE:
		return value_bool(arena, true);
	case JSON_FALSE:
	case JSON_NULL:
		return value_bool(arena, false);
	}
	return NULL;
}

static void add(struct template_text *texts, size_t *count, const char *name,
		const char *text)
{
	struct source *source = arena_new_object(arena, struct source);

	ck_assert_uint_lt(*count, PARTIALS_MAX);
	*source = (struct source){ .name = name, .text = str_of(text) };
	texts[(*count)++] = (struct template_text){ name, source };
}

/* What the case comes to: an output, or diagnostics. */
static const char *outcome(const json_t *test)
{
	struct template_text texts[PARTIALS_MAX];
	struct template_set *set;
	struct diags diags;
	const char *name;
	json_t *partial;
	size_t count = 0;
	struct str out;

	diags_init(&diags, arena);
	add(texts, &count, "template",
	    json_string_value(json_object_get(test, "template")));
	json_object_foreach(json_object_get(test, "partials"), name, partial)
		add(texts, &count, name, json_string_value(partial));
	set = template_parse(arena, texts, count, &diags);
	if (!set || template_render(arena, set, "template",
				    value_of(json_object_get(test, "data")),
				    CARRY_TEXT, &out, &diags) < 0)
		return diags_lines(arena, &diags);
	return arena_strndup(arena, out.data, out.size);
}

static const struct exception *exception_of(const char *file,
					    const char *name)
{
	for (size_t i = 0; i < array_size(exceptions); i++) {
		if (strcmp(exceptions[i].file, file) != 0 ||
		    strcmp(exceptions[i].name, name) != 0)
			continue;
		met[i] = true;
		return &exceptions[i];
	}
	return NULL;
}

static void check_case(const char *file, const json_t *test)
{
	const char *name = json_string_value(json_object_get(test, "name"));
	const char *expected =
		json_string_value(json_object_get(test, "expected"));
	const struct exception *exception = exception_of(file, name);
	const char *out = outcome(test);

	case_count++;
	if (!exception) {
		ck_assert_msg(!strcmp(out, expected), "%s, %s: expected\n%s\n"
			      "is\n%s", file, name, expected, out);
		return;
	}
	ck_assert_msg(strcmp(out, expected) != 0,
		      "%s, %s passes and is no exception any more", file,
		      name);
	ck_assert_msg(!strcmp(out, exception->instead), "%s, %s: (%s) "
		      "expected instead\n%s\nis\n%s", file, name,
		      exception->why, exception->instead, out);
}

START_TEST(specification)
{
	const char *folder = getenv("MUSTACHE_SPEC");

	if (!folder || !*folder) {
		printf("SKIPPED: MUSTACHE_SPEC names no folder: the cases of "
		       "mustache's specification are not tried\n");
		return;
	}
	for (size_t i = 0; i < array_size(files); i++) {
		const char *path = arena_printf(arena, "%s/%s.json", folder,
						files[i]);
		json_error_t error;
		json_t *json = json_load_file(path, 0, &error), *tests, *test;
		size_t j, before = case_count;

		ck_assert_msg(json != NULL, "%s: %s", path, error.text);
		tests = json_object_get(json, "tests");
		json_array_foreach(tests, j, test)
			check_case(files[i], test);
		ck_assert_msg(case_count > before, "%s has no cases", path);
		json_decref(json);
	}
	for (size_t i = 0; i < array_size(exceptions); i++)
		ck_assert_msg(met[i], "%s has no case \"%s\"",
			      exceptions[i].file, exceptions[i].name);
	printf("%zu cases, %zu of them exceptions on purpose\n", case_count,
	       array_size(exceptions));
}
END_TEST

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
}

static void teardown(void)
{
	arena_freep(&arena);
}

int main(void)
{
	Suite *suite = suite_create("render-spec");
	SRunner *runner = srunner_create(suite);
	TCase *tcase = tcase_create("specification");
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, specification);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
