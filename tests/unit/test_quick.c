/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wg-quick files as they are met: each of examples/quick/ and of
 * tests/golden/quick/ok/ becomes the texts beside it, each of
 * tests/golden/quick/fail/ the diagnostics beside it.
 *
 * NAME.options holds words: ignore-hooks, ignore-dns.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "quick/quick.h"
#include "state/state.h"
#include "support/golden.h"

#define ARENA ((size_t)1 << 30)
#define GOLDEN "tests/golden/quick/"
#define EXAMPLES_AT_LEAST 30

static struct arena *arena, *secrets;

static void setup(void)
{
	arena = arena_new(ARENA);
	secrets = arena_new_secret(ARENA);
}

static void teardown(void)
{
	arena_freep(&arena);
	arena_freep(&secrets);
}

static const char *path_of(const char *folder, const char *name,
			   const char *more)
{
	return golden_path(arena, folder,
			   arena_printf(arena, "%s%s", name, more));
}

static void expect_in(const char *folder, const char *name,
		      struct str content)
{
	golden_expect(arena, arena_printf(arena, "%s%s", folder, name),
		      content);
}

struct outcome {
	struct quick quick;
	struct state state;
	int result;
	struct diags diags;
};

/* Translate and read back; everything is said in the file's own places. */
static void run(struct outcome *out, const char *folder, const char *name,
		const char *more)
{
	struct source *source = arena_new_object(arena, struct source);
	struct str words = golden_read(arena, path_of(more, name, ".options"));
	struct quick_options options = { .name = name };

	*out = (struct outcome){ .result = -1 };
	options.ignore_hooks = words.data && strstr(words.data, "ignore-hooks");
	options.ignore_dns = words.data && strstr(words.data, "ignore-dns");
	source->name = arena_printf(arena, "%s.conf", name);
	source->text = golden_read(arena, path_of(folder, name, ".conf"));
	ck_assert_msg(source->text.data != NULL, "%s", name);
	diags_init(&out->diags, arena);
	out->result = quick_translate(arena, secrets, source, &options,
				      &out->quick, &out->diags);
	ck_assert_int_eq(out->result, out->diags.errors ? -1 : 0);
	if (!out->result)
		out->result = texts_read(arena, &out->quick.texts, NULL, NULL,
					 &out->state, &out->diags);
	ck_assert_int_eq(out->result, out->diags.errors ? -1 : 0);
	diags_sort(&out->diags);
}

static struct str said(struct outcome *out)
{
	struct sbuf text;

	if (!out->diags.count)
		return (struct str){ NULL, 0 };
	sbuf_init(&text, arena);
	diags_format(&out->diags, &text);
	return (struct str){ text.data, text.size };
}

/* Is the key held that a text names? */
static bool is_held(const struct quick *quick, const char *name)
{
	for (size_t i = 0; i < quick->key_count; i++)
		if (!strcmp(quick->keys[i].name, name))
			return true;
	return false;
}

static void expect_no_secret(const struct quick *quick, struct str text)
{
	char key[KEY_TEXT_MAX];

	for (size_t i = 0; i < quick->key_count; i++) {
		key_format(&quick->keys[i].key, key);
		ck_assert(!text.data ||
			  !memmem(text.data, text.size, key, strlen(key)));
	}
}

/* What was read back hangs together with the keys that were held apart. */
static void expect_whole(const char *name, const struct outcome *out)
{
	const struct device *device = out->state.devices;
	size_t held = 0;

	ck_assert_uint_eq(out->state.device_count, 1);
	ck_assert_str_eq(device->name, name);
	ck_assert_str_eq(out->state.mesh, name);
	if (device->private_key_file)
		held += is_held(&out->quick, device->private_key_file);
	for (size_t i = 0; i < device->peer_count; i++)
		if (device->peers[i].preshared_key_file)
			held += is_held(&out->quick,
					device->peers[i].preshared_key_file);
	ck_assert_uint_eq(held, out->quick.key_count);
	for (size_t i = 1; i < out->quick.key_count; i++)
		ck_assert_int_lt(strcmp(out->quick.keys[i - 1].name,
					out->quick.keys[i].name), 0);
	expect_no_secret(&out->quick, out->quick.texts.wireguard.text);
	expect_no_secret(&out->quick, out->quick.texts.network.text);
	expect_no_secret(&out->quick, out->quick.texts.firewall.text);
}

/* Every line of a text leads somewhere, and never backwards in the text. */
static void expect_map(const struct source *text)
{
	if (!text->text.data)
		return;
	ck_assert_ptr_nonnull(text->origin);
	ck_assert_uint_gt(text->map_count, 0);
	ck_assert_uint_eq(text->map[0].offset, 0);
	for (size_t i = 0; i < text->map_count; i++) {
		ck_assert_uint_lt(text->map[i].offset, text->text.size);
		ck_assert_uint_le(text->map[i].origin_offset,
				  text->origin->text.size);
		if (i)
			ck_assert_uint_le(text->map[i - 1].offset,
					  text->map[i].offset);
	}
}

static void check_ok(const char *folder, const char *name)
{
	const struct texts *texts;
	const char *golden;
	struct outcome out;

	setup();
	golden = path_of(GOLDEN "ok/", name, "/");
	run(&out, folder, name, GOLDEN "ok/");
	ck_assert_msg(!out.result, "%s is refused:\n%s", name,
		      out.diags.errors ? said(&out).data : "");
	texts = &out.quick.texts;
	if (golden_updating())
		mkdir(golden, 0777);
	expect_in(golden, TEXT_WIREGUARD, texts->wireguard.text);
	expect_in(golden, TEXT_NETWORK, texts->network.text);
	expect_in(golden, TEXT_FIREWALL, texts->firewall.text);
	expect_in(golden, "diagnostics", said(&out));
	expect_whole(name, &out);
	expect_map(&texts->wireguard);
	expect_map(&texts->network);
	expect_map(&texts->firewall);
	teardown();
}

/* All secrets of these files are spelled so. */
static void check_fail(const char *folder, const char *name)
{
	struct outcome out;
	struct str text;

	setup();
	run(&out, folder, name, folder);
	ck_assert_msg(out.result == -1, "%s is taken", name);
	text = said(&out);
	ck_assert_msg(!memmem(text.data, text.size, "SECRET", 6) &&
		      !memmem(text.data, text.size, "secretSE", 8),
		      "%s: a secret is shown:\n%s", name, text.data);
	golden_expect(arena, path_of(folder, name, ".err"), text);
	teardown();
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* CHECK each NAME.conf of a folder, in order; returns how many there are. */
static size_t walk(const char *folder,
		   void (*check)(const char *folder, const char *name))
{
	struct arena *names_arena = arena_new((size_t)1 << 24);
	size_t count = 0, capacity = 0;
	char **names = NULL;
	struct dirent *entry;
	DIR *dir;

	setup();
	dir = opendir(path_of(folder, "", ""));
	ck_assert_msg(dir != NULL, "%s: %m", folder);
	teardown();
	while ((entry = readdir(dir))) {
		size_t size = strlen(entry->d_name);

		if (size < 6 || strcmp(entry->d_name + size - 5, ".conf") != 0)
			continue;
		arena_room(names_arena, &names, count, &capacity,
			   sizeof(*names));
		names[count++] = arena_strndup(names_arena, entry->d_name,
					       size - 5);
	}
	closedir(dir);
	if (count)
		qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; i < count; i++)
		check(folder, names[i]);
	arena_freep(&names_arena);
	return count;
}

START_TEST(examples_become_texts)
{
	ck_assert_uint_ge(walk("examples/quick/", check_ok),
			  EXAMPLES_AT_LEAST);
}
END_TEST

START_TEST(odd_forms_become_texts)
{
	ck_assert_uint_gt(walk(GOLDEN "ok/", check_ok), 0);
}
END_TEST

START_TEST(wrong_files_are_refused)
{
	ck_assert_uint_gt(walk(GOLDEN "fail/", check_fail), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quick");
	TCase *golden = tcase_create("golden");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(golden, 120);
	tcase_add_test(golden, examples_become_texts);
	tcase_add_test(golden, odd_forms_become_texts);
	tcase_add_test(golden, wrong_files_are_refused);
	suite_add_tcase(suite, golden);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
