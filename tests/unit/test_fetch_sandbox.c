/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What meshapply-fetch can still open, and how much it may have. */
#include "fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "support/check.h"
#include "support/scratch.h"

static struct scratch scratch;
static const char *allowed, *other;

/* The exit status of FUNCTION in a process of its own. */
static int in_child(int (*function)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(function());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_denied(const char *path, int flags)
{
	errno = 0;
	return !opens(path, flags) && errno == EACCES;
}

static int confined(void)
{
	const char *paths[] = { "/nonexistent/file", allowed };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    !opens(other, O_RDONLY) || !opens(allowed, O_RDWR))
		return 1;
	if (!sandbox_confine_files(paths, 2))
		return 77;
	if (!opens(allowed, O_RDONLY))
		return 2;
	if (!is_denied(other, O_RDONLY) || !is_denied(scratch.path, O_RDONLY))
		return 3;
	if (!is_denied(allowed, O_RDWR) || !is_denied(allowed, O_WRONLY))
		return 4;
	if (!is_denied("/etc/passwd", O_RDONLY) ||
	    !is_denied("/tmp", O_RDONLY | O_DIRECTORY))
		return 5;
	if (access("/etc/hosts", R_OK) == 0 && !opens("/etc/hosts", O_RDONLY))
		return 6;
	return !unlink(allowed) || errno != EACCES ? 7 : 0;
}

START_TEST(files)
{
	struct arena *arena = arena_new(1 << 20);
	int status;

	scratch_open(&scratch);
	scratch_put(&scratch, "allowed", "a", 1, 0644);
	scratch_put(&scratch, "other", "b", 1, 0644);
	allowed = arena_printf(arena, "%s/allowed", scratch.path);
	other = arena_printf(arena, "%s/other", scratch.path);
	status = in_child(confined);
	if (status == 77)
		printf("SKIPPED: files: this kernel has no Landlock\n");
	else
		ck_assert_int_eq(status, 0);
	scratch_close(&scratch);
	arena_free(arena);
}
END_TEST

static int limited(void)
{
	struct rlimit limit;
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 1;
	sandbox_confine_rest((uint64_t)256 << 20);
	if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max)
		return 2;
	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_max)
		return 3;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		return 4;
	fd = open(allowed, O_WRONLY | O_APPEND | O_CLOEXEC);
	/* It would be ended by the signal. */
	if (fd < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    write(fd, "x", 1) != -1 || errno != EFBIG)
		return 5;
	close(fd);
	if (prctl(PR_GET_SECCOMP) != 2)
		return 77;
	return fork() != -1 || errno != EPERM ? 6 : 0;
}

START_TEST(limits)
{
	struct arena *arena = arena_new(1 << 20);
	int status;

	scratch_open(&scratch);
	scratch_put(&scratch, "allowed", "a", 1, 0644);
	allowed = arena_printf(arena, "%s/allowed", scratch.path);
	status = in_child(limited);
	if (status == 77)
		printf("SKIPPED: limits: no system calls are filtered "
		       "here\n");
	else
		ck_assert_int_eq(status, 0);
	scratch_close(&scratch);
	arena_free(arena);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(files),
		CHECK_CASE(limits),
	};

	return check_run("fetch_sandbox", cases,
			 sizeof(cases) / sizeof(*cases));
}
