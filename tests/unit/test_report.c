/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed of names that others gave: valid JSON, nothing that steers
   a terminal. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "report/report.h"
#include "support/check.h"

#define ODD "wg\xff\x1b[2J"	/* a name that the kernel takes */

static struct arena *arena;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
}

static void end(void)
{
	arena_free(arena);
}

/* A device of that name is taken over, whose alias is as odd. */
static struct plan odd_plan(void)
{
	static struct device to = { .name = ODD, .alias = "meshapply:m" };
	static struct device from = { .name = ODD, .alias = "a\xc3 b\n" };
	static const char *notes[] = { "the link " ODD " is there" };
	static struct step step = {
		.kind = STEP_LINK_CHANGE, .fields = DEVICE_ALIAS,
		.device = &to, .device_before = &from,
		.id = "device/" ODD, .why = "not as " ODD,
	};

	return (struct plan){ .steps = &step, .count = 1, .notes = notes,
			      .note_count = 1 };
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	ck_assert_msg(text != NULL, "there is no %s", name);
	return text;
}

START_TEST(odd_names_in_json)
{
	struct plan plan;
	json_t *object, *step, *change;
	char *dump;

	start();
	plan = odd_plan();
	object = plan_json(arena, &plan);
	dump = json_dumps(object, JSON_ENSURE_ASCII);
	ck_assert_ptr_nonnull(dump);
	free(dump);
	step = json_array_get(json_object_get(object, "steps"), 0);
	ck_assert_str_eq(text_of(step, "id"), "device/wg\\xff\\x1b[2J");
	ck_assert_str_eq(text_of(step, "why"), "not as wg\\xff\\x1b[2J");
	ck_assert_str_eq(text_of(step, "object"), "device wg\\xff\\x1b[2J");
	change = json_array_get(json_object_get(step, "changes"), 0);
	ck_assert_str_eq(text_of(change, "from"), "a\\xc3 b\\x0a");
	ck_assert_str_eq(text_of(change, "to"), "meshapply:m");
	ck_assert_uint_eq(json_array_size(json_object_get(object, "notes")),
			  1);
	json_decref(object);
	end();
}
END_TEST

START_TEST(what_is_utf8_stays)
{
	static const char *const texts[] = { "", "wg0", "caf\xc3\xa9", "a\nb" };

	start();
	for (size_t i = 0; i < array_size(texts); i++) {
		json_t *text = text_json(arena, texts[i]);

		ck_assert_str_eq(json_string_value(text), texts[i]);
		json_decref(text);
	}
	ck_assert(json_is_null(text_json(arena, NULL)));
	end();
}
END_TEST

START_TEST(odd_names_in_text)
{
	struct plan plan;
	struct sbuf out;

	start();
	plan = odd_plan();
	sbuf_init(&out, arena);
	plan_text(&out, &plan, false, true);
	ck_assert_ptr_null(strchr(out.data, '\x1b'));
	ck_assert_ptr_null(strchr(out.data, '\xff'));
	ck_assert_ptr_nonnull(strstr(out.data, "wg\\xff\\x1b[2J"));
	end();
}
END_TEST

START_TEST(counts_without_steps)
{
	struct plan plan;
	json_t *object;

	start();
	plan = odd_plan();
	object = plan_summary_json(arena, &plan);
	ck_assert_int_eq(json_integer_value(json_object_get(object,
							    "change")), 1);
	ck_assert_ptr_null(json_object_get(object, "steps"));
	json_decref(object);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(odd_names_in_json), CHECK_CASE(what_is_utf8_stays),
		CHECK_CASE(odd_names_in_text),
		CHECK_CASE(counts_without_steps),
	};

	return check_run("report", cases, array_size(cases));
}
