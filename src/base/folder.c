/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening folders and what lies beneath them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/file_private.h"
#include "base/trace.h"

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/*
 * openat2(2) would say so of whole paths, but a service that may not set the
 * bits for suid is not let use it: what it is told cannot be filtered.  Of one
 * component openat(2) promises the same.
 */
int beneath_open(int folder, const char *name, int flags, mode_t mode)
{
	int fd;

	if (strchr(name, '/') || !strcmp(name, "..")) {
		errno = EXDEV;
		return -1;
	}
	do
		fd = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int name_check(const char *name, size_t max, struct err *e)
{
	size_t size = strlen(name);

	if (!size || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(e, ERR_DATA, "\"%s\" is no file name", name);
	if (size > max)
		return err_set(e, ERR_DATA, "a file name of %zu bytes is too "
			       "long, %zu is the most", size, max);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '/')
			return err_set(e, ERR_DATA, "%s: a file name without "
				       "a folder is wanted", name);
		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_DATA, "a file name holds the "
				       "control byte 0x%02x", c);
	}
	return 0;
}

const char *mode_words(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a regular file";
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a symbolic link, which is not followed here";
	case S_IFIFO:
		return "a named pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "of an unknown kind";
	}
}

int owner_inherit(int fd, int folder, struct err *e)
{
	struct stat of_folder, of_file;

	if (geteuid() != 0)
		return 0;
	if (fstat(folder, &of_folder) < 0 || fstat(fd, &of_file) < 0)
		return err_sys(e, "find the owner");
	if (of_folder.st_uid == of_file.st_uid &&
	    of_folder.st_gid == of_file.st_gid)
		return 0;
	if (fchown(fd, of_folder.st_uid, of_folder.st_gid) < 0)
		return err_sys(e, "give to uid %u",
			       (unsigned int)of_folder.st_uid);
	return 0;
}

int folder_sync(int folder, struct err *e)
{
	/* EINVAL: a file system that has nothing to sync in a folder. */
	if (fsync(folder) < 0 && errno != EINVAL)
		return err_sys(e, "sync the folder");
	return 0;
}

/* AT may be open as O_PATH only, which cannot be synced. */
static int sync_place(int at, struct err *e)
{
	cleanup_fd int fd = beneath_open(at, ".", O_RDONLY | O_DIRECTORY, 0);

	/* One that may be searched and not read is none that we look after. */
	return fd < 0 ? 0 : folder_sync(fd, e);
}

static int folder_make(int at, const char *name, mode_t mode, struct err *e)
{
	cleanup_fd int fd = -1;

	/* Closed to others until its owner and mode are as they should be. */
	if (mkdirat(at, name, 0700) < 0)
		return err_sys(e, "create the folder %s", name);
	fd = beneath_open(at, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_sys(e, "open the new folder %s", name);
	if (owner_inherit(fd, at, e) < 0)
		return err_wrap(e, "folder %s", name);
	if (fchmod(fd, mode) < 0)
		return err_sys(e, "chmod the folder %s", name);
	if (sync_place(at, e) < 0)
		return -1;
	return fd_take(&fd);
}

/* One component down, which is made if need be. */
static int enter(int at, const char *name, bool create, mode_t mode,
		 struct err *e)
{
	int fd = beneath_open(at, name, O_PATH | O_DIRECTORY, 0);
	struct stat st;

	if (fd < 0 && errno == ENOENT && create) {
		struct err failed;

		fd = folder_make(at, name, mode, &failed);
		if (fd < 0 && failed.number != EEXIST) {
			*e = failed;
			return -1;
		}
		/* Somebody was faster. */
		if (fd < 0)
			fd = beneath_open(at, name, O_PATH | O_DIRECTORY, 0);
	}
	if (fd >= 0)
		return fd;
	if ((errno == ENOTDIR || errno == ELOOP) &&
	    !fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		return err_set(e, ERR_CONFIG, "%s is no folder but %s", name,
			       mode_words(st.st_mode));
	return err_sys(e, "open %s", name);
}

/*
 * Closes AT, unless that is what it returns.  *READABLE: the last component
 * could be opened at once as all of them are wanted in the end.
 */
static int walk(int at, struct str path, bool create, mode_t mode,
		bool *readable, struct err *e)
{
	struct str component;

	while (str_next(&path, '/', &component)) {
		char name[NAME_MAX + 1];
		int next;

		if (!component.size || str_is(component, "."))
			continue;
		if (component.size > NAME_MAX || str_is(component, "..")) {
			close(at);
			return err_set(e, ERR_CONFIG, "a component is \"..\" "
				       "or too long");
		}
		memcpy(name, component.data, component.size);
		name[component.size] = '\0';
		next = path.size ? -1 :
			beneath_open(at, name, O_RDONLY | O_DIRECTORY, 0);
		*readable = next >= 0;
		if (next < 0)
			next = enter(at, name, create, mode, e);
		close(at);
		if (next < 0)
			return -1;
		at = next;
	}
	return at;
}

static int open_beneath(const char *root, const char *path, bool create,
			mode_t mode, struct err *e)
{
	const char *base = root[0] ? root : path[0] == '/' ? "/" : ".";
	cleanup_fd int at = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool readable = false;
	int fd;

	if (at < 0)
		return err_sys(e, "open the folder %s", base);
	fd = walk(at, str_of(path), create, mode, &readable, e);
	at = fd;
	if (fd < 0)
		return err_wrap(e, "%s%s%s", root, root[0] && path[0] &&
				path[0] != '/' ? "/" : "", path);
	if (readable)
		return fd_take(&at);
	/* What was only passed through need not be readable, this must be. */
	fd = beneath_open(at, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_sys(e, "open the folder %s%s", root, path);
	return fd;
}

int folder_open(const char *root, const char *path, bool create, mode_t mode,
		struct err *e)
{
	struct err failed = { 0 };
	int fd = open_beneath(root, path, create, mode, &failed);

	if (fd >= 0) {
		trace_folder(fd, root, path);
		return fd;
	}
	trace_folder_failed(root, path, failed.number);
	*e = failed;
	return -1;
}
