/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read is noted, and each way to be another one is seen. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "support/check.h"
#include "support/scratch.h"

static struct arena *arena, *secrets, *traced;
static struct scratch scratch;
static struct err e;
static char buffer[64];

static void setup(void)
{
	arena = arena_new((size_t)1 << 26);
	secrets = arena_new_secret((size_t)1 << 26);
	traced = arena_new((size_t)1 << 26);
	scratch_open(&scratch);
}

static void teardown(void)
{
	(void)trace_end();
	scratch_close(&scratch);
	arena_freep(&traced);
	arena_freep(&secrets);
	arena_freep(&arena);
}

static void put(const char *name, const char *content, mode_t mode)
{
	scratch_put(&scratch, name, content, strlen(content), mode);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", scratch.path, name);
}

/* Longer than files are young for. */
static void grow_old(void)
{
	const struct timespec t = { .tv_nsec = 150000000 };

	nanosleep(&t, NULL);
}

static bool holds(struct str items)
{
	struct trace_item item;
	int more;

	while ((more = trace_next(&items, &item)) > 0)
		if (!trace_holds(&item, buffer, sizeof(buffer)))
			return false;
	ck_assert_int_eq(more, 0);
	return true;
}

static size_t count(struct str items, enum trace_kind kind)
{
	struct trace_item item;
	size_t n = 0;

	while (trace_next(&items, &item) > 0)
		n += item.kind == kind;
	return n;
}

static int open_scratch(void)
{
	int folder = folder_open(scratch.path, "", false, 0, &e);

	ck_assert_int_ge(folder, 0);
	return folder;
}

/* All that is read here is in the trace. */
static struct str trace_of_file(const char *name)
{
	struct str text, items;
	int folder;

	trace_start(traced, secrets);
	folder = open_scratch();
	ck_assert_int_eq(file_read(folder, name, 4096, arena, &text, &e), 0);
	items = trace_end();
	ck_assert_ptr_nonnull(items.data);
	close(folder);
	return items;
}

START_TEST(files)
{
	struct str items;
	char text[201];

	/* More than the buffer takes. */
	memset(text, 'x', 200);
	text[200] = '\0';
	put("f", text, 0600);
	items = trace_of_file("f");
	ck_assert(holds(items));
	put("f", text, 0644);
	ck_assert(holds(items));
	text[199] = 'y';
	put("f", text, 0600);
	ck_assert(!holds(items));
	text[199] = '\0';
	put("f", text, 0600);
	ck_assert(!holds(items));
	put("f", "", 0600);
	ck_assert(!holds(items));
	memset(text, 'x', 200);
	put("f", arena_printf(arena, "%sx", text), 0600);
	ck_assert(!holds(items));
	put("f", text, 0600);
	ck_assert(holds(items));
	ck_assert_int_eq(rename(path_of("f"), path_of("g")), 0);
	ck_assert(!holds(items));
	ck_assert_int_eq(symlink("g", path_of("f")), 0);
	ck_assert_msg(!holds(items), "a link is not followed");
	ck_assert_int_eq(unlink(path_of("f")), 0);
	ck_assert_int_eq(mkfifo(path_of("f"), 0600), 0);
	ck_assert_msg(!holds(items), "nor is a pipe waited for");
}
END_TEST

START_TEST(empty_file)
{
	struct str items;

	put("f", "", 0600);
	items = trace_of_file("f");
	ck_assert(holds(items));
	put("f", "x", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(twice)
{
	struct str text, items;
	int folder;

	put("f", "same", 0600);
	trace_start(traced, secrets);
	for (int i = 0; i < 3; i++) {
		folder = open_scratch();
		ck_assert_int_eq(file_read(folder, "f", 99, arena, &text, &e),
				 0);
		close(folder);
	}
	items = trace_end();
	ck_assert_uint_eq(count(items, TRACE_FILE), 1);
	ck_assert_uint_eq(count(items, TRACE_PLACE), 1);
}
END_TEST

START_TEST(missing)
{
	struct str text, items;
	int folder;

	trace_start(traced, secrets);
	folder = open_scratch();
	ck_assert_int_lt(file_read(folder, "f", 99, arena, &text, &e), 0);
	ck_assert_int_lt(folder_open(scratch.path, "none/deeper", false, 0,
				     &e), 0);
	items = trace_end();
	close(folder);
	ck_assert_ptr_nonnull(items.data);
	ck_assert(holds(items));
	put("f", "", 0600);
	ck_assert(!holds(items));
	ck_assert_int_eq(unlink(path_of("f")), 0);
	ck_assert(holds(items));
	ck_assert_int_eq(mkdir(path_of("none"), 0700), 0);
	ck_assert(holds(items));
	ck_assert_int_eq(mkdir(path_of("none/deeper"), 0700), 0);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(folders)
{
	struct str items;
	int folder;

	ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
	trace_start(traced, secrets);
	folder = folder_open(scratch.path, "d", false, 0, &e);
	items = trace_end();
	close(folder);
	ck_assert(holds(items));
	put("d/f", "", 0600);
	ck_assert(holds(items));
	ck_assert_int_eq(rename(path_of("d"), path_of("e")), 0);
	ck_assert(!holds(items));
	ck_assert_int_eq(symlink("e", path_of("d")), 0);
	ck_assert(!holds(items));
	ck_assert_int_eq(unlink(path_of("d")), 0);
	ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(listings)
{
	struct str items;
	int folder;

	ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
	trace_start(traced, secrets);
	folder = folder_open(scratch.path, "d", false, 0, &e);
	trace_at(folder, TRACE_TIMES);
	ck_assert_msg(!trace_end().data, "too young to be told by its times");
	grow_old();
	trace_start(traced, secrets);
	trace_folder(folder, scratch.path, "d");
	trace_at(folder, TRACE_TIMES);
	items = trace_end();
	close(folder);
	ck_assert(holds(items));
	put("d/f", "", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(modes)
{
	struct str items;

	put("f", "", 0600);
	trace_start(traced, secrets);
	trace_place(AT_FDCWD, path_of("f"), TRACE_FOLLOWS | TRACE_ACCESS);
	trace_place(AT_FDCWD, path_of("g"), TRACE_FOLLOWS | TRACE_ACCESS);
	items = trace_end();
	ck_assert(holds(items));
	ck_assert_int_eq(chmod(path_of("f"), 0644), 0);
	ck_assert(!holds(items));
	ck_assert_int_eq(chmod(path_of("f"), 0600), 0);
	ck_assert(holds(items));
	put("g", "", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(by_times)
{
	struct str text, items;
	int folder;

	put("f", "kept", 0600);
	grow_old();
	trace_start(traced, secrets);
	folder = open_scratch();
	trace_by_times(true);
	ck_assert_int_eq(file_read(folder, "f", 99, arena, &text, &e), 0);
	trace_by_times(false);
	items = trace_end();
	close(folder);
	ck_assert_ptr_nonnull(items.data);
	ck_assert(holds(items));
	ck_assert_ptr_null(memmem(items.data, items.size, "kept", 4));
	put("f", "kept", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(secret_files)
{
	struct str text, items;
	int folder;

	put("k", "very secret", 0600);
	trace_start(traced, secrets);
	folder = open_scratch();
	ck_assert_int_eq(file_read_secret(folder, "k", 99, secrets, &text,
					  &e), 0);
	ck_assert_int_eq(file_read_secret_path(path_of("k"), 99, secrets,
					       &text, &e), 0);
	items = trace_end();
	close(folder);
	ck_assert_uint_eq(count(items, TRACE_SECRET), 2);
	ck_assert_ptr_null(memmem(items.data, items.size, "secret", 6));
	ck_assert(holds(items));
	put("k", "Very secret", 0600);
	ck_assert(!holds(items));
	put("k", "very secret and more", 0600);
	ck_assert(!holds(items));
	put("k", "very", 0600);
	ck_assert(!holds(items));
	put("k", "very secret", 0600);
	ck_assert(holds(items));
	ck_assert_int_eq(chmod(path_of("k"), 0400), 0);
	ck_assert(!holds(items));
}
END_TEST

/* What landed among secrets is one, unless it is told otherwise. */
static struct str trace_of_text(bool is_public)
{
	struct str text;

	trace_start(traced, secrets);
	ck_assert_int_eq(file_read_path(path_of("t"), 99, secrets, &text, &e),
			 0);
	if (is_public)
		trace_is_public(text);
	return trace_end();
}

START_TEST(texts_that_may_hold_keys)
{
	struct str items;

	put("t", "PrivateKey", 0600);
	items = trace_of_text(false);
	ck_assert_uint_eq(count(items, TRACE_SECRET), 1);
	ck_assert_ptr_null(memmem(items.data, items.size, "Private", 7));
	ck_assert(holds(items));
	items = trace_of_text(true);
	ck_assert_uint_eq(count(items, TRACE_FILE), 1);
	ck_assert_ptr_nonnull(memmem(items.data, items.size, "Private", 7));
	ck_assert(holds(items));
	put("t", "PublicKey", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(relative_paths)
{
	struct str text, items;
	int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put("f", "here", 0600);
	ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
	put("d/f", "here", 0600);
	ck_assert_int_eq(chdir(scratch.path), 0);
	trace_start(traced, secrets);
	ck_assert_int_eq(file_read_path("f", 99, arena, &text, &e), 0);
	items = trace_end();
	ck_assert(holds(items));
	ck_assert_int_eq(chdir("d"), 0);
	ck_assert_msg(!holds(items), "the same words, another file");
	ck_assert_int_eq(fchdir(home), 0);
	close(home);
}
END_TEST

START_TEST(what_spoils)
{
	int pipes[2], folder;
	struct str text;

	put("f", "", 0644);
	ck_assert_int_eq(pipe(pipes), 0);
	close(pipes[1]);
	for (int i = 0; i < 5; i++) {
		trace_start(traced, secrets);
		folder = open_scratch();
		ck_assert(trace_is_on());
		if (i == 0)	/* open to others */
			ck_assert_int_lt(file_read_secret(folder, "f", 99,
				secrets, &text, &e), 0);
		else if (i == 1)
			ck_assert_int_eq(file_read_path(arena_printf(arena,
				"/proc/self/fd/%d", pipes[0]), 99, arena,
				&text, &e), 0);
		else if (i == 2)	/* too large */
			ck_assert_int_lt(file_read(open_scratch(), "..", 0,
				arena, &text, &e), 0);
		else if (i == 3)	/* a folder that nobody told of */
			ck_assert_int_eq(file_read(scratch.folder, "f", 99,
				arena, &text, &e), 0);
		else
			trace_spoil();
		ck_assert_msg(!trace_end().data, "way %d", i);
		close(folder);
	}
	close(pipes[0]);
}
END_TEST

START_TEST(pauses)
{
	struct str text, items;
	int folder;

	put("f", "", 0600);
	trace_start(traced, secrets);
	folder = open_scratch();
	trace_pause();
	ck_assert(!trace_is_on());
	trace_spoil();
	ck_assert_int_eq(file_read(folder, "f", 99, arena, &text, &e), 0);
	trace_resume();
	items = trace_end();
	close(folder);
	ck_assert_ptr_nonnull(items.data);
	ck_assert_uint_eq(count(items, TRACE_FILE), 0);
	ck_assert(!trace_is_on());
	ck_assert_int_eq(file_read(scratch.folder, "f", 99, arena, &text, &e),
			 0);
}
END_TEST

START_TEST(ends_in_time)
{
	trace_start(traced, secrets);
	ck_assert(trace_ends() == INT64_MAX);
	trace_until(20);
	trace_until(10);
	trace_until(30);
	ck_assert_int_eq(trace_ends(), 10);
}
END_TEST

START_TEST(values)
{
	struct str items;

	put("v", "1\n", 0600);
	trace_start(traced, secrets);
	trace_value(path_of("v"), STR("1\n"));
	items = trace_end();
	ck_assert(holds(items));
	put("v", "0\n", 0600);
	ck_assert(!holds(items));
}
END_TEST

START_TEST(items_in_parts)
{
	struct trace_item item;
	struct str items;

	trace_start(traced, secrets);
	for (int i = 0; i < 3; i++) {
		trace_open(TRACE_HEARD, 5, STR("who"));
		trace_add("wrong", 5);
		trace_again();
		trace_add(i < 2 ? "right" : "other", 5);
		trace_close();
	}
	items = trace_end();
	ck_assert_uint_eq(count(items, TRACE_HEARD), 2);
	ck_assert_int_eq(trace_next(&items, &item), 1);
	ck_assert(item.kind == TRACE_HEARD && item.flags == 5);
	ck_assert(str_is(item.name, "who") && str_is(item.bytes, "right"));
	ck_assert_msg(!trace_holds(&item, buffer, sizeof(buffer)),
		      "it is no question about files");
}
END_TEST

START_TEST(cut_short)
{
	struct str items, rest;
	struct trace_item item;
	char *copy;
	int more;

	put("f", "some text", 0600);
	items = trace_of_file("f");
	for (size_t size = 0; size <= items.size; size++) {
		rest = (struct str){ arena_copy(arena, items.data, size),
				     size };
		while ((more = trace_next(&rest, &item)) > 0)
			ck_assert_ptr_eq(item.name.data + item.name.size,
					 strchr(item.name.data, '\0'));
		ck_assert(more == 0 || rest.size);
	}
	/* An unknown kind, a size beyond all, a name without its end. */
	for (int i = 0; i < 3; i++) {
		copy = arena_copy(arena, items.data, items.size);
		memset(copy + (i ? 8 * i : 0), i == 2 ? 0xff : 0x7f, 4);
		rest = (struct str){ copy, items.size };
		ck_assert_int_eq(trace_next(&rest, &item), -1);
		ck_assert_ptr_eq(rest.data, copy);
	}
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(files), CHECK_CASE(empty_file), CHECK_CASE(twice),
		CHECK_CASE(missing), CHECK_CASE(folders),
		CHECK_CASE(listings), CHECK_CASE(modes), CHECK_CASE(by_times),
		CHECK_CASE(secret_files),
		CHECK_CASE(texts_that_may_hold_keys),
		CHECK_CASE(relative_paths), CHECK_CASE(what_spoils),
		CHECK_CASE(pauses), CHECK_CASE(ends_in_time),
		CHECK_CASE(values), CHECK_CASE(items_in_parts),
		CHECK_CASE(cut_short),
	};

	return check_run_within("trace", cases, array_size(cases), setup,
				teardown);
}
