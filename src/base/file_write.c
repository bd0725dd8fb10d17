/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing files, in one step or in two. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/file_private.h"

#define ATTEMPTS 8	/* 48 random bits clash by ill will only */

/* ".NAME." and twelve hexadecimal digits. */
static int temporary_name(struct staged_file *staged, struct err *e)
{
	unsigned char r[6];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return err_sys(e, "get random bytes");
	snprintf(staged->temporary, sizeof(staged->temporary),
		 ".%s.%02x%02x%02x%02x%02x%02x", staged->name, r[0], r[1],
		 r[2], r[3], r[4], r[5]);
	return 0;
}

static int temporary_open(struct staged_file *staged, struct err *e)
{
	int fd = -1;

	for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
		if (temporary_name(staged, e) < 0)
			return -1;
		/* Closed to others until its owner and mode are right. */
		fd = beneath_open(staged->folder, staged->temporary,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd < 0 ? err_sys(e, "create a file beside %s", staged->name) :
			fd;
}

static int write_whole(int fd, struct str content)
{
	while (content.size) {
		ssize_t n = write(fd, content.data, content.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		content.data += n;
		content.size -= (size_t)n;
	}
	return 0;
}

static int fill(int fd, const struct staged_file *staged, struct str content,
		mode_t mode, struct err *e)
{
	if (write_whole(fd, content) < 0)
		return err_sys(e, "write %s", staged->name);
	if (owner_inherit(fd, staged->folder, e) < 0)
		return err_wrap(e, "%s", staged->name);
	/* Not left to the umask. */
	if (fchmod(fd, mode) < 0)
		return err_sys(e, "chmod %s", staged->name);
	if (fsync(fd) < 0)
		return err_sys(e, "sync %s", staged->name);
	return 0;
}

/* What rename() would put away must be a file of the kind we write. */
static int replaceable(int folder, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is no regular file but %s",
			       name, mode_words(st.st_mode));
	return 0;
}

int file_stage(struct staged_file *staged, int folder, const char *name,
	       struct str content, mode_t mode, struct err *e)
{
	struct staged_file s = { .folder = folder };
	cleanup_fd int fd = -1;

	if (name_check(name, sizeof(s.name) - 1, e) < 0 ||
	    replaceable(folder, name, e) < 0)
		return -1;
	memcpy(s.name, name, strlen(name) + 1);
	fd = temporary_open(&s, e);
	if (fd < 0)
		return -1;
	if (fill(fd, &s, content, mode, e) < 0) {
		file_abandon(&s);
		return -1;
	}
	*staged = s;
	return 0;
}

int file_commit_to(struct staged_file *staged, int folder, struct err *e)
{
	if (renameat(staged->folder, staged->temporary, folder,
		     staged->name) < 0)
		return err_sys(e, "rename a new %s into place", staged->name);
	staged->temporary[0] = '\0';
	if (folder_sync(folder, e) < 0)
		return err_wrap(e, "%s", staged->name);
	return 0;
}

int file_commit(struct staged_file *staged, struct err *e)
{
	return file_commit_to(staged, staged->folder, e);
}

void file_abandon(struct staged_file *staged)
{
	if (staged->temporary[0])
		(void)unlinkat(staged->folder, staged->temporary, 0);
	staged->temporary[0] = '\0';
}

int file_write(int folder, const char *name, struct str content, mode_t mode,
	       struct err *e)
{
	struct staged_file staged;

	if (file_stage(&staged, folder, name, content, mode, e) < 0)
		return -1;
	if (file_commit(&staged, e) < 0) {
		file_abandon(&staged);
		return -1;
	}
	return 0;
}

int file_write_path(const char *path, struct str content, mode_t mode,
		    struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	cleanup_fd int fd = -1;
	size_t size = slash ? (size_t)(slash - path) : 0;

	if (size >= sizeof(folder))
		return err_set(e, ERR_DATA, "a path has at most %zu bytes",
			       sizeof(folder) - 1);
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", size ? (int)size : 1,
			 path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the folder %s", folder);
	return file_write(fd, slash ? slash + 1 : path, content, mode, e);
}

int file_remove(int folder, const char *name, struct err *e)
{
	if (name_check(name, NAME_MAX, e) < 0)
		return -1;
	if (unlinkat(folder, name, 0) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove %s", name);
	/* Else it is back after a crash. */
	if (folder_sync(folder, e) < 0)
		return err_wrap(e, "%s", name);
	return 0;
}
