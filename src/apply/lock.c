/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock is an empty file of its own that nobody else can open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"

#define LOCKS "/proc/locks"
#define LOCKS_LIMIT ((size_t)16 << 20)
#define POLL_MS 100

/* Whoever holds a flock on this file, by /proc/locks; 0: not to be seen. */
static unsigned long holder(struct arena *arena, int fd)
{
	struct str text, line;
	struct err ignored;
	char wanted[64];
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    file_read_path(LOCKS, LOCKS_LIMIT, arena, &text, &ignored) < 0)
		return 0;
	snprintf(wanted, sizeof(wanted), "%02x:%02x:%llu",
		 major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	while (str_next(&text, '\n', &line)) {
		char word[64];
		unsigned long pid;

		/* "1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF" */
		if (sscanf(arena_strndup(arena, line.data, line.size),
			   "%*s FLOCK %*s %*s %lu %63s", &pid, word) == 2 &&
		    !strcmp(word, wanted))
			return pid;
	}
	return 0;
}

/* The owner of the folder's, as all that lies in it. */
static int give(int fd, int folder, const char *what, struct err *e)
{
	struct stat st, around;

	if (fstat(fd, &st) < 0 || fstat(folder, &around) < 0)
		return err_sys(e, "look at the lock of %s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "the lock of %s is no file",
			       what);
	/*
	 * A second name may be that of a file which is not to change hands;
	 * with none it was removed meanwhile, is_named() tells.
	 */
	if (st.st_nlink > 1)
		return err_set(e, ERR_CONFIG, "the lock of %s has %lu names, "
			       "not one", what, (unsigned long)st.st_nlink);
	if (!geteuid() && (st.st_uid != around.st_uid ||
			   st.st_gid != around.st_gid) &&
	    fchown(fd, around.st_uid, around.st_gid) < 0)
		return err_sys(e, "give the lock of %s to its owner", what);
	return 0;
}

static int removed(const char *what, struct err *e)
{
	err_set(e, ERR_BUSY, "%s was removed by another run meanwhile", what);
	e->number = ESTALE;
	return -1;
}

/* Whoever can read it could hold it for ever: nobody else. */
static int lock_open(int folder, const char *name, int flags, const char *what,
		     struct err *e)
{
	cleanup_fd int fd = openat(folder, name, flags | O_RDONLY | O_CLOEXEC |
				   O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);

	/* The folder itself is gone. */
	if (fd < 0 && errno == ENOENT && flags & O_CREAT)
		return removed(what, e);
	if (fd < 0)
		return err_sys(e, "open the lock of %s", what);
	if (give(fd, folder, what, e) < 0)
		return -1;
	return fd_take(&fd);
}

static int lock_wait(struct arena *arena, int fd, const char *what,
		     unsigned int wait, struct err *e)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	unsigned long left = wait * (1000ul / POLL_MS), pid;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock %s", what);
		if (left) {
			left--;
			nanosleep(&poll, NULL);
			continue;
		}
		pid = holder(arena, fd);
		if (!pid)
			return err_set(e, ERR_BUSY, "another run is at work "
				       "on %s", what);
		return err_set(e, ERR_BUSY, "another run, process %lu, is at "
			       "work on %s", pid, what);
	}
	return 0;
}

/* Whoever held it may have removed it. */
static bool is_named(int fd, int folder, const char *name)
{
	struct stat held, named;

	return !fstat(fd, &held) &&
	       !fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

int lock_take(struct arena *arena, int folder, const char *name,
	      const char *what, unsigned int wait, struct err *e)
{
	cleanup_fd int fd = -1;

	if (folder < 0)
		return err_set(e, ERR_FAILED, "there is no folder to lock %s "
			       "in", what);
	fd = lock_open(folder, name, O_CREAT, what, e);
	if (fd < 0 || lock_wait(arena, fd, what, wait, e) < 0)
		return -1;
	if (!is_named(fd, folder, name))
		return removed(what, e);
	return fd_take(&fd);
}

int lock_try(int folder, const char *name)
{
	cleanup_fd int fd = -1;
	struct err ignored;

	if (folder < 0)
		return -1;
	fd = lock_open(folder, name, 0, name, &ignored);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
	    !is_named(fd, folder, name))
		return -1;
	return fd_take(&fd);
}
