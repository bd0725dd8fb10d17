/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "kern/kern.h"

#define PROC_SYS "/proc/sys/"
#define VALUE_MAX 4096

/* No component may be empty, "." or "..". */
static bool is_plain(const char *path)
{
	while (*path) {
		size_t size = strcspn(path, "/");

		if (!size || (size <= 2 && !strncmp(path, "..", size)))
			return false;
		path += size;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

char *sysctl_path(struct arena *arena, const char *key)
{
	char *path = arena_printf(arena, PROC_SYS "%s", key);
	char *name = path + strlen(PROC_SYS);

	for (char *c = name; *c; c++) {
		if (*c == '.')
			*c = '/';
		else if (*c == '/')
			*c = '.';
	}
	return *name && is_plain(name) ? path : NULL;
}

int sysctl_read(struct arena *arena, const char *key, const char **value,
		struct err *e)
{
	const char *path = sysctl_path(arena, key);
	char text[VALUE_MAX];
	ssize_t size;

	if (!path)
		return err_set(e, ERR_FAILED, "sysctl %s: not a key", key);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		trace_failed(AT_FDCWD, path, ENOENT);
		*value = NULL;
		return 0;
	}
	size = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (size < 0) {
		trace_spoil();
		return err_sys(e, "sysctl %s", key);
	}
	trace_value(path, (struct str){ text, (size_t)size });
	while (size && text[size - 1] == '\n')
		size--;
	*value = arena_strndup(arena, text, (size_t)size);
	return 0;
}

int sysctl_write(const char *path, const char *value, struct err *e)
{
	size_t size = strlen(value);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		err_sys(e, "cannot be opened");
		/* A missing key is no missing input. */
		e->kind = e->kind == ERR_NO_INPUT ? ERR_FAILED : e->kind;
		return -1;
	}
	if (write(fd, value, size) != (ssize_t)size)
		return err_sys(e, "cannot be written");
	return 0;
}
