/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making folders and replacing files beneath them. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"

#include "../support/scratch.h"

#define STRANGER 65534

static struct arena *arena;
static struct scratch scratch;
static const char *top;
static int folder;
static struct err e;

static void setup(void)
{
	arena = arena_new((size_t)1 << 26);
	scratch_open(&scratch);
	top = scratch.path;
	folder = scratch.folder;
	e = (struct err){ 0 };
}

static void teardown(void)
{
	scratch_close(&scratch);
	arena_freep(&arena);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", top, name);
}

/* Entries of the folder, without "." and "..". */
static size_t entries(void)
{
	DIR *dir = opendir(top);
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

START_TEST(stages_and_commits)
{
	struct staged_file staged;
	struct str text;
	struct stat st;

	umask(0);
	ck_assert(!file_write(folder, "f", STR("old"), 0640, &e));
	umask(077);
	ck_assert(!file_stage(&staged, folder, "f", STR("new"), 0644, &e));
	ck_assert_str_ne(staged.temporary, "");
	ck_assert_uint_eq(entries(), 2);
	ck_assert(!file_read(folder, "f", 9, arena, &text, &e));
	ck_assert(str_is(text, "old"));
	ck_assert_int_eq(fstatat(folder, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);

	ck_assert(!file_commit(&staged, &e));
	ck_assert_str_eq(staged.temporary, "");
	ck_assert(!file_read(folder, "f", 9, arena, &text, &e));
	ck_assert(str_is(text, "new"));
	ck_assert_int_eq(fstatat(folder, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	file_abandon(&staged);
	ck_assert_uint_eq(entries(), 1);

	ck_assert(!file_stage(&staged, folder, "f", STR("never"), 0600, &e));
	file_abandon(&staged);
	file_abandon(&staged);
	ck_assert_uint_eq(entries(), 1);
	ck_assert(!file_read(folder, "f", 9, arena, &text, &e));
	ck_assert(str_is(text, "new"));

	ck_assert(!file_write(folder, "empty", STR(""), 0600, &e));
	ck_assert(!file_read(folder, "empty", 9, arena, &text, &e));
	ck_assert_uint_eq(text.size, 0);
	ck_assert(!file_remove(folder, "empty", &e));
	ck_assert(!file_remove(folder, "empty", &e));
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(replaces_no_rubbish)
{
	size_t count = scratch_lay_rubbish(&scratch), before = entries();
	struct staged_file staged;
	struct str text;

	for (size_t i = 0; i < count; i++) {
		ck_assert(file_stage(&staged, folder, scratch_rubbish[i].name,
				     STR("x"), 0600, &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_msg(strstr(e.text, scratch_rubbish[i].words), "%s",
			      e.text);
	}
	ck_assert_uint_eq(entries(), before);
	/* laid after it was staged: replaced, not followed */
	ck_assert(!file_stage(&staged, folder, "late", STR("x"), 0600, &e));
	ck_assert_int_eq(symlinkat("target", folder, "late"), 0);
	ck_assert(!file_commit(&staged, &e));
	ck_assert(!file_read(folder, "late", 9, arena, &text, &e));
	ck_assert(str_is(text, "x"));
	ck_assert(!file_read(folder, "target", 9, arena, &text, &e));
	ck_assert(str_is(text, "secret"));
	/* a folder cannot be replaced: a failed commit can be abandoned */
	ck_assert(!file_stage(&staged, folder, "later", STR("x"), 0600, &e));
	ck_assert_int_eq(mkdirat(folder, "later", 0700), 0);
	ck_assert(file_commit(&staged, &e) < 0);
	file_abandon(&staged);
	ck_assert_uint_eq(entries(), before + 2);
	ck_assert(file_remove(folder, "dir", &e) < 0);
	/* a link is removed, not what it leads to */
	ck_assert(!file_remove(folder, "link", &e));
	ck_assert(!file_read(folder, "target", 9, arena, &text, &e));
}
END_TEST

START_TEST(a_full_disk)
{
	struct rlimit saved, tiny;
	struct staged_file staged;
	int result;

	/* EFBIG stands in for ENOSPC: the same write fails half way. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &saved), 0);
	tiny = (struct rlimit){ .rlim_cur = 3, .rlim_max = saved.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	result = file_stage(&staged, folder, "f", STR("too much"), 0600, &e);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &saved), 0);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(e.number, EFBIG);
	ck_assert_int_eq(e.kind, ERR_FAILED);
	ck_assert_str_eq(e.text, "write f: File too large");
	ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(opens_folders)
{
	struct stat st, parent;
	int fd;

	umask(077);
	fd = folder_open(top, "/a//b/./c/", true, 0755, &e);
	ck_assert_msg(fd >= 0, "%s", e.text);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(!file_write(fd, "f", STR("x"), 0600, &e));
	close(fd);
	ck_assert_int_eq(stat(path_of("a"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	fd = folder_open("", path_of("a/b/c"), false, 0, &e);
	ck_assert_int_ge(fd, 0);
	close(fd);
	/* one that is there is left as it is */
	fd = folder_open("", path_of("a"), true, 0700, &e);
	ck_assert_int_eq(fstat(fd, &parent), 0);
	ck_assert_uint_eq(parent.st_mode & 07777, 0755);
	close(fd);
	fd = folder_open(top, "", false, 0, &e);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = folder_open("", "/", false, 0, &e);
	ck_assert_int_ge(fd, 0);
	close(fd);

	ck_assert_int_eq(folder_open(top, "/a/x", false, 0, &e), -1);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_int_eq(folder_open(path_of("x"), "/a", true, 0700, &e), -1);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_int_eq(folder_open(top, "/a/../a", true, 0700, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

START_TEST(folders_follow_nothing)
{
	static const char *const create[] = { "open", "create" };
	size_t count = scratch_lay_rubbish(&scratch);

	ck_assert_int_eq(unlinkat(folder, "link", 0), 0);
	ck_assert_int_eq(symlinkat("dir", folder, "link"), 0);
	for (size_t i = 0; i < count * 2; i++) {
		const char *name = scratch_rubbish[i / 2].name;
		const char *words = scratch_rubbish[i / 2].words;

		if (!strcmp(name, "dir"))
			continue;
		alarm(20);
		ck_assert_msg(folder_open(top, arena_printf(arena, "/%s",
					  name), i % 2, 0700, &e) < 0,
			      "%s %s", create[i % 2], name);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_msg(strstr(e.text, words), "%s", e.text);
		ck_assert(folder_open(top, arena_printf(arena, "/%s/x",
				      name), i % 2, 0700, &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
	}
	alarm(0);
	/* in ROOT they are the caller's, and followed */
	close(folder_open(path_of("link"), "/made", true, 0700, &e));
	ck_assert_int_eq(access(path_of("dir/made"), F_OK), 0);
}
END_TEST

/* The owner of the folder replaces a component by a link again and again. */
static void *swap(void *argument)
{
	const bool *stop = argument;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		renameat2(folder, "a", folder, "b", RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

START_TEST(folders_under_attack)
{
	char elsewhere[] = "/tmp/meshapply-test-XXXXXX";
	bool stop = false;
	struct stat st;
	pthread_t thread;
	int opened = 0;

	ck_assert_ptr_nonnull(mkdtemp(elsewhere));
	ck_assert_int_eq(mkdirat(folder, "a", 0700), 0);
	ck_assert_int_eq(symlinkat(elsewhere, folder, "b"), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, swap, &stop), 0);
	for (int i = 0; i < 2000; i++) {
		int fd = folder_open(top, "/a/inner", true, 0700, &e);

		if (fd < 0)
			continue;
		opened++;
		close(fd);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_int_gt(opened, 0);
	ck_assert_int_eq(stat(arena_printf(arena, "%s/inner", elsewhere),
			      &st), -1);
	ck_assert_int_eq(rmdir(elsewhere), 0);
}
END_TEST

START_TEST(owners_are_kept)
{
	struct stat st;
	int fd;

	if (scratch_skips_without_root("owners of folders and files"))
		return;
	ck_assert_int_eq(fchown(folder, STRANGER, STRANGER - 1), 0);
	fd = folder_open(top, "/a/b", true, 0750, &e);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_uid, STRANGER);
	ck_assert_uint_eq(st.st_gid, STRANGER - 1);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert(!file_write(fd, "f", STR("x"), 0640, &e));
	ck_assert_int_eq(fstatat(fd, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, STRANGER);
	ck_assert_uint_eq(st.st_gid, STRANGER - 1);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	close(fd);
}
END_TEST

static const TTest *const *const tests[] = {
	&stages_and_commits, &replaces_no_rubbish, &a_full_disk,
	&opens_folders, &folders_follow_nothing, &folders_under_attack,
	&owners_are_kept,
};

int main(void)
{
	TCase *tcase = tcase_create("file, write");
	Suite *suite = suite_create("file, write");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < array_size(tests); i++)
		tcase_add_test(tcase, *tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
