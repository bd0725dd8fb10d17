/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading files, in a folder and by path, secret or not. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static void put(const char *name, const char *content, mode_t mode)
{
	scratch_put(&scratch, name, content, strlen(content), mode);
}

START_TEST(reads)
{
	struct str text = { "untouched", 9 };

	put("f", "hello\n", 0644);
	ck_assert(!file_read(folder, "f", 6, arena, &text, &e));
	ck_assert(str_is(text, "hello\n"));
	ck_assert_int_eq(text.data[text.size], '\0');
	put("empty", "", 0644);
	ck_assert(!file_read(folder, "empty", 0, arena, &text, &e));
	ck_assert_uint_eq(text.size, 0);
	ck_assert_int_eq(text.data[0], '\0');

	ck_assert_int_eq(file_read(folder, "f", 5, arena, &text, &e), -1);
	ck_assert_int_eq(e.kind, ERR_DATA);
	ck_assert_str_eq(e.text, "f is larger than 5 bytes");
	ck_assert_int_eq(file_read(folder, "none", 5, arena, &text, &e), -1);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_uint_eq(text.size, 0);
}
END_TEST

START_TEST(reads_no_rubbish)
{
	size_t count = scratch_lay_rubbish(&scratch);
	struct str text;

	for (size_t i = 0; i < count; i++) {
		const char *name = scratch_rubbish[i].name;

		alarm(20);	/* none may block */
		ck_assert_int_eq(file_read(folder, name, 99, arena, &text,
					   &e), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_msg(strstr(e.text, scratch_rubbish[i].words), "%s",
			      e.text);
		ck_assert_int_eq(file_read_secret(folder, name, 99, arena,
						  &text, &e), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
	}
	alarm(0);
}
END_TEST

/* The owner of the folder replaces a file by a link again and again. */
static void *swap(void *argument)
{
	const bool *stop = argument;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		syscall(SYS_renameat2, folder, "a", folder, "b",
			RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

START_TEST(reads_under_attack)
{
	bool stop = false;
	pthread_t thread;
	struct str text;
	int good = 0;

	put("a", "good", 0600);
	put("elsewhere", "evil", 0600);
	ck_assert_int_eq(symlinkat("elsewhere", folder, "b"), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, swap, &stop), 0);
	for (int i = 0; i < 20000; i++) {
		if (file_read_secret(folder, "a", 9, arena, &text, &e) < 0)
			continue;
		if (str_is(text, "evil"))
			break;
		good++;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_int_gt(good, 0);
	ck_assert(!str_is(text, "evil"));
}
END_TEST

START_TEST(bare_names_only)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "/etc/passwd", "../f", "dir/", "a\nb",
		"\x1b[2J", "\x7f",
	};
	char longest[NAME_MAX + 2];
	struct staged_file staged;
	struct str text;

	for (size_t i = 0; i < array_size(bad); i++) {
		ck_assert(file_read(folder, bad[i], 9, arena, &text, &e) < 0);
		ck_assert_int_eq(e.kind, ERR_DATA);
		ck_assert_ptr_null(strpbrk(e.text, "\n\x1b\x7f"));
		ck_assert(file_read_secret(folder, bad[i], 9, arena, &text,
					   &e) < 0);
		ck_assert(file_stage(&staged, folder, bad[i], STR("x"), 0600,
				     &e) < 0);
		ck_assert_int_eq(e.kind, ERR_DATA);
		ck_assert(file_remove(folder, bad[i], &e) < 0);
		ck_assert_int_eq(e.kind, ERR_DATA);
	}
	memset(longest, 'x', sizeof(longest));
	longest[NAME_MAX + 1] = '\0';
	ck_assert(file_read(folder, longest, 9, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	longest[64] = '\0';
	ck_assert(file_write(folder, longest, STR("x"), 0600, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	longest[63] = '\0';
	ck_assert(!file_write(folder, longest, STR("x"), 0600, &e));
	ck_assert(!file_read(folder, longest, 9, arena, &text, &e));
}
END_TEST

struct writing {
	int fd;
	size_t size;
};

static void *write_slowly(void *argument)
{
	const struct writing *w = argument;
	char block[1000];

	memset(block, 'x', sizeof(block));
	for (size_t done = 0; done < w->size; done += sizeof(block)) {
		size_t rest = w->size - done;
		ssize_t n = write(w->fd, block, rest < sizeof(block) ? rest :
						sizeof(block));

		if (n < 0)
			break;
	}
	close(w->fd);
	return NULL;
}

/* Read SIZE bytes through a pipe by its path. */
static int read_pipe(size_t size, size_t limit, int flags, struct str *out)
{
	struct writing w = { .size = size };
	char path[32];
	pthread_t thread;
	int p[2], result;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC | flags), 0);
	w.fd = p[1];
	fcntl(w.fd, F_SETFL, 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", p[0]);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_slowly, &w), 0);
	result = file_read_path(path, limit, arena, out, &e);
	close(p[0]);
	pthread_join(thread, NULL);
	return result;
}

START_TEST(reads_paths)
{
	struct str text;

	signal(SIGPIPE, SIG_IGN);
	put("f", "hello", 0644);
	ck_assert_int_eq(symlinkat("f", folder, "l"), 0);
	ck_assert(!file_read_path(path_of("l"), 5, arena, &text, &e));
	ck_assert(str_is(text, "hello"));
	ck_assert(file_read_path(path_of("l"), 4, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	ck_assert(file_read_path(top, 4, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_ptr_nonnull(strstr(e.text, "is a folder"));
	ck_assert(file_read_path(path_of("none"), 4, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert(file_read_path("", 4, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	/* grows as it is read: its size is said to be 0 */
	ck_assert(!file_read_path("/proc/self/smaps", 1 << 24, arena, &text,
				  &e));
	ck_assert_uint_gt(text.size, 4096);
	ck_assert_uint_eq(strlen(text.data), text.size);
	ck_assert(file_read_path("/proc/self/smaps", 4096, arena, &text,
				 &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	/* without an end */
	ck_assert(file_read_path("/dev/zero", 1 << 20, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);

	ck_assert(!read_pipe(300000, 300000, 0, &text));
	ck_assert_uint_eq(text.size, 300000);
	ck_assert_uint_eq(strlen(text.data), 300000);
	ck_assert(!read_pipe(0, 0, 0, &text));
	ck_assert_uint_eq(text.size, 0);
	ck_assert(read_pipe(300001, 300000, 0, &text) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
}
END_TEST

/* Standard input in a child of its own: 0, or the kind of the error. */
static int read_stdin(int fd, const char *path)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct str text;

		if (fd < 0)
			close(STDIN_FILENO);
		else
			dup2(fd, STDIN_FILENO);
		if (file_read_path(path, 5, arena, &text, &e) < 0)
			_exit(e.kind);
		_exit(str_is(text, "hello") ? 0 : 255);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(reads_standard_input)
{
	int fd, p[2];

	put("f", "hello", 0600);
	fd = openat(folder, "f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read_stdin(fd, "-"), 0);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(read_stdin(fd, "/dev/stdin"), 0);
	close(fd);
	ck_assert_int_eq(read_stdin(folder, "-"), ERR_NO_INPUT);
	ck_assert_int_eq(read_stdin(-1, "-"), ERR_NO_INPUT);
	/* left non-blocking by somebody, and nothing there yet */
	ck_assert_int_eq(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	if (!fork()) {
		close(p[0]);
		usleep(100000);
		_exit(write(p[1], "hello", 5) == 5 ? 0 : 1);
	}
	fcntl(p[1], F_SETFD, FD_CLOEXEC);
	close(p[1]);
	ck_assert_int_eq(read_stdin(p[0], "-"), 0);
	close(p[0]);
	wait(NULL);
}
END_TEST

START_TEST(secrets_are_private)
{
	static const mode_t bad[] = { 0640, 0604, 0610, 0601, 0660, 0777 };
	struct str text;

	put("key", "hidden", 0600);
	ck_assert(!file_read_secret(folder, "key", 99, arena, &text, &e));
	ck_assert(str_is(text, "hidden"));
	ck_assert(!file_read_secret_path(path_of("key"), 99, arena, &text,
					 &e));
	put("key", "hidden", 0400);
	ck_assert(!file_read_secret(folder, "key", 99, arena, &text, &e));
	for (size_t i = 0; i < array_size(bad); i++) {
		const char *chmod_words = arena_printf(arena, "chmod go= %s",
						       path_of("key"));

		unlinkat(folder, "key", 0);
		put("key", "hidden", bad[i]);
		ck_assert(file_read_secret(folder, "key", 99, arena, &text,
					   &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(e.text, chmod_words));
		ck_assert_ptr_null(strstr(e.text, "hidden"));
		ck_assert(file_read_secret_path(path_of("key"), 99, arena,
						&text, &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(e.text, chmod_words));
	}
	ck_assert(file_read_secret(folder, "none", 9, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert(file_read_secret_path(path_of("none"), 9, arena, &text,
					&e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	if (scratch_skips_without_root("a secret that belongs to another user"))
		return;
	/* A credential of systemd with an access list. */
	unlinkat(folder, "key", 0);
	put("key", "hidden", 0440);
	ck_assert_int_eq(fchownat(folder, "key", 0, 0, 0), 0);
	ck_assert(!file_read_secret(folder, "key", 99, arena, &text, &e));
	ck_assert(str_is(text, "hidden"));
	ck_assert_int_eq(fchownat(folder, "key", 0, STRANGER, 0), 0);
	ck_assert(file_read_secret(folder, "key", 99, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	put("key", "hidden", 0600);
	fchmodat(folder, "key", 0600, 0);
	ck_assert_int_eq(fchownat(folder, "key", STRANGER, 0, 0), 0);
	ck_assert(file_read_secret(folder, "key", 99, arena, &text, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(e.text, "chown"));
}
END_TEST

START_TEST(secret_paths)
{
	size_t count = scratch_lay_rubbish(&scratch);
	struct str text;
	pid_t pid;

	/* links are followed, a user named them */
	ck_assert(!file_read_secret_path(path_of("link"), 9, arena, &text,
					 &e));
	ck_assert(str_is(text, "secret"));
	for (size_t i = 0; i < count; i++) {
		const char *name = scratch_rubbish[i].name;

		if (!strcmp(name, "link") || !strcmp(name, "dangling") ||
		    !strcmp(name, "fifo"))
			continue;
		ck_assert(file_read_secret_path(path_of(name), 9, arena,
						&text, &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_msg(strstr(e.text, scratch_rubbish[i].words), "%s",
			      e.text);
	}
	pid = fork();
	if (!pid) {
		int fd = openat(folder, "fifo", O_WRONLY);

		_exit(write(fd, "piped", 5) == 5 ? 0 : 1);
	}
	ck_assert(!file_read_secret_path(path_of("fifo"), 9, arena, &text,
					 &e));
	ck_assert(str_is(text, "piped"));
	waitpid(pid, NULL, 0);
}
END_TEST

static const TTest *const *const tests[] = {
	&reads, &reads_no_rubbish, &reads_under_attack, &bare_names_only,
	&reads_paths, &reads_standard_input, &secrets_are_private,
	&secret_paths,
};

int main(void)
{
	TCase *tcase = tcase_create("file, read");
	Suite *suite = suite_create("file, read");
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
