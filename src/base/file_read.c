/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading files whole, with a limit. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/file_private.h"
#include "base/trace.h"

#define FIRST_PIPE 65536	/* bytes to begin with where no size is known */
#define FIRST_FILE 4096		/* and for files of /proc, whose size is 0 */

/* read(2) that waits where standard input was left non-blocking. */
static ssize_t read_some(int fd, char *data, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, data, size);

		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			(void)poll(&p, 1, -1);
		}
	}
}

/*
 * The file's size is but a hint: it may grow while it is read.  At KNOWN bytes
 * its end is not asked for (0: not known).
 */
static int read_whole(int fd, const char *name, size_t limit, size_t hint,
		      size_t known, struct arena *arena, struct str *out,
		      struct err *e)
{
	/* One byte more than allowed tells that there is more; one is NUL. */
	size_t most = limit + 2, capacity = hint + 2, size = 0;
	char *data = arena_alloc(arena, capacity);
	ssize_t n;

	while ((n = read_some(fd, data + size, capacity - 1 - size)) > 0) {
		size += (size_t)n;
		if (size > limit)
			return err_set(e, ERR_DATA, "%s is larger than %zu "
				       "bytes", name, limit);
		/* There was room for one byte more, which did not come. */
		if (known && size == known)
			break;
		if (size < capacity - 1)
			continue;
		capacity = capacity > most / 2 ? most : capacity * 2;
		data = memcpy(arena_alloc(arena, capacity), data, size);
	}
	if (n < 0)
		return err_sys(e, "read %s", name);
	data[size] = '\0';
	*out = (struct str){ data, size };
	return 0;
}

static int read_open(int fd, const struct stat *st, const char *name,
		     size_t limit, struct arena *arena, struct str *out,
		     struct err *e)
{
	size_t mark = arena_mark(arena), hint = FIRST_PIPE, known = 0;

	if (limit > SIZE_MAX / 4)
		limit = SIZE_MAX / 4;
	if (S_ISDIR(st->st_mode))
		return err_set(e, ERR_NO_INPUT, "%s is a folder, not a file",
			       name);
	if (S_ISREG(st->st_mode)) {
		if ((uintmax_t)st->st_size > limit)
			return err_set(e, ERR_DATA, "%s is larger than %zu "
				       "bytes", name, limit);
		known = (size_t)st->st_size;
		hint = known ? known : FIRST_FILE;
	}
	if (hint > limit)
		hint = limit;
	if (read_whole(fd, name, limit, hint, known, arena, out, e) < 0) {
		arena_reset(arena, mark);
		return -1;
	}
	return 0;
}

static int look_at(int fd, const char *name, struct stat *st, struct err *e)
{
	if (!fstat(fd, st))
		return 0;
	if (errno == EBADF)
		return err_set(e, ERR_NO_INPUT, "%s is closed", name);
	return err_sys(e, "look at %s", name);
}

/*
 * A regular file or nothing.  What has the name is looked at before it is
 * opened, since opening alone makes some devices act, and again after, since
 * it may have been replaced in between.
 */
static int open_regular(int folder, const char *name, struct stat *st,
			struct err *e)
{
	int fd;

	if (name_check(name, NAME_MAX, e) < 0)
		return -1;
	if (fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "open %s", name);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_CONFIG, "%s is no regular file but %s",
			       name, mode_words(st->st_mode));
	fd = beneath_open(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	if (!fstat(fd, st) && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return err_set(e, ERR_CONFIG, "%s was replaced while it was opened",
		       name);
}

int file_read(int folder, const char *name, size_t limit, struct arena *arena,
	      struct str *out, struct err *e)
{
	struct err failed = { 0 };
	struct stat st;
	cleanup_fd int fd = open_regular(folder, name, &st, &failed);

	if (fd < 0 || read_open(fd, &st, name, limit, arena, out, &failed)) {
		trace_failed(folder, name, failed.number);
		*e = failed;
		return -1;
	}
	trace_read(folder, name, &st, *out, arena);
	return 0;
}

static bool is_stdin(const char *path)
{
	return !strcmp(path, "-") || !strcmp(path, "/dev/stdin");
}

int file_read_path(const char *path, size_t limit, struct arena *arena,
		   struct str *out, struct err *e)
{
	cleanup_fd int opened = -1;
	const char *name = path;
	int fd = STDIN_FILENO;
	struct stat st;

	if (is_stdin(path))
		name = "standard input";
	else
		fd = opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		err_sys(e, "open %s", path);
		trace_failed(AT_FDCWD, path, e->number);
		return -1;
	}
	if (is_stdin(path))
		trace_spoil();
	if (look_at(fd, name, &st, e) < 0 ||
	    read_open(fd, &st, name, limit, arena, out, e)) {
		trace_spoil();
		return -1;
	}
	trace_read(AT_FDCWD, path, &st, *out, arena);
	return 0;
}

/* What a user would have to type; the bare name where that is not known. */
static void full_path(int fd, const char *name, char *out, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, size - 1);
	if (n > 0)
		out[n] = '\0';
	else
		snprintf(out, size, "%s", name);
}

static int secret_check(int fd, const char *name, const struct stat *st,
			struct err *e)
{
	char path[512];

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		full_path(fd, name, path, sizeof(path));
		return err_set(e, ERR_CONFIG, "%s belongs to uid %u, who can "
			       "read the secret in it: chown %u %s", name,
			       (unsigned int)st->st_uid,
			       (unsigned int)geteuid(), path);
	}
	/*
	 * Credentials of systemd on a tmpfs: root's own, with an access list
	 * that lets the service's user read, whose mask acl(5) puts where the
	 * group's bits are.
	 */
	if (!st->st_uid && !st->st_gid && (st->st_mode & 0777) == 0440)
		return 0;
	if (st->st_mode & 077) {
		full_path(fd, name, path, sizeof(path));
		return err_set(e, ERR_CONFIG, "%s is open to others (mode "
			       "%04o) and holds a secret: chmod go= %s", name,
			       (unsigned int)(st->st_mode & 07777), path);
	}
	return 0;
}

int file_read_secret(int folder, const char *name, size_t limit,
		     struct arena *secrets, struct str *out, struct err *e)
{
	struct err failed = { 0 };
	struct stat st;
	cleanup_fd int fd = open_regular(folder, name, &st, &failed);

	if (fd < 0 || secret_check(fd, name, &st, &failed) < 0 ||
	    read_open(fd, &st, name, limit, secrets, out, &failed)) {
		trace_failed(folder, name, failed.number);
		*e = failed;
		return -1;
	}
	trace_secret(folder, name, &st, *out);
	return 0;
}

static int secret_kind_check(const char *path, const struct stat *st,
			     struct err *e)
{
	if (S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode))
		return 0;
	return err_set(e, ERR_CONFIG, "%s is neither a file nor a pipe but %s",
		       path, mode_words(st->st_mode));
}

static int read_secret_path(const char *path, size_t limit,
			    struct arena *secrets, struct str *out,
			    struct err *e)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (is_stdin(path))
		return file_read_path(path, limit, secrets, out, e);
	/* Before it is opened: see open_regular(). */
	if (stat(path, &st) < 0)
		return err_sys(e, "open %s", path);
	if (secret_kind_check(path, &st, e) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", path);
	if (secret_kind_check(path, &st, e) < 0)
		return -1;
	if (S_ISREG(st.st_mode) && secret_check(fd, path, &st, e) < 0)
		return -1;
	if (read_open(fd, &st, path, limit, secrets, out, e))
		return -1;
	trace_secret(AT_FDCWD, path, &st, *out);
	return 0;
}

int file_read_secret_path(const char *path, size_t limit,
			  struct arena *secrets, struct str *out,
			  struct err *e)
{
	if (!read_secret_path(path, limit, secrets, out, e))
		return 0;
	/* Nobody goes on without it. */
	trace_spoil();
	return -1;
}

static int trusted_check(int fd, const char *name, const struct stat *st,
			 struct err *e)
{
	char path[512];

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		full_path(fd, name, path, sizeof(path));
		return err_set(e, ERR_CONFIG, "%s belongs to uid %u, who can "
			       "write to it: chown %u %s", name,
			       (unsigned int)st->st_uid,
			       (unsigned int)geteuid(), path);
	}
	if (st->st_mode & 022) {
		full_path(fd, name, path, sizeof(path));
		return err_set(e, ERR_CONFIG, "others can write to %s (mode "
			       "%04o), which is to be relied on: chmod go-w "
			       "%s", name,
			       (unsigned int)(st->st_mode & 07777), path);
	}
	return 0;
}

int file_read_trusted(int folder, const char *name, size_t limit,
		      struct arena *arena, struct str *out, struct err *e)
{
	struct err failed = { 0 };
	struct stat st;
	cleanup_fd int fd = open_regular(folder, name, &st, &failed);

	if (fd < 0 || trusted_check(fd, name, &st, &failed) < 0 ||
	    read_open(fd, &st, name, limit, arena, out, &failed)) {
		trace_failed(folder, name, failed.number);
		*e = failed;
		return -1;
	}
	/* Its owner and mode count, as those of a secret do. */
	trace_secret(folder, name, &st, *out);
	return 0;
}

int file_read_trusted_path(const char *path, size_t limit,
			   struct arena *arena, struct str *out,
			   struct err *e)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
				 O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(e, "open %s", path);
		trace_failed(AT_FDCWD, path, e->number);
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is no regular file but %s",
			       path, mode_words(st.st_mode));
	if (trusted_check(fd, path, &st, e) < 0 ||
	    read_open(fd, &st, path, limit, arena, out, e)) {
		trace_spoil();
		return -1;
	}
	trace_secret(AT_FDCWD, path, &st, *out);
	return 0;
}

int folder_check_trusted(int folder, const char *name, struct err *e)
{
	struct stat st;

	trace_at(folder, TRACE_ACCESS);
	if (fstat(folder, &st) < 0)
		return err_sys(e, "look at %s", name);
	return trusted_check(folder, name, &st, e);
}
