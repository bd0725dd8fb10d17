/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

void scratch_open(struct scratch *scratch)
{
	snprintf(scratch->path, sizeof(scratch->path),
		 "/tmp/meshapply-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch->path));
	scratch->folder = open(scratch->path,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(scratch->folder, 0);
}

void scratch_put(const struct scratch *scratch, const char *name,
		 const void *data, size_t size, mode_t mode)
{
	int fd = openat(scratch->folder, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_close(struct scratch *scratch)
{
	close(scratch->folder);
	nftw(scratch->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const struct scratch_rubbish scratch_rubbish[SCRATCH_RUBBISH] = {
	{ "link", "symbolic link" }, { "dangling", "symbolic link" },
	{ "dir", "a folder" }, { "fifo", "a named pipe" },
	{ "socket", "a socket" }, { "device", "a device" },
};

size_t scratch_lay_rubbish(const struct scratch *scratch)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int folder = scratch->folder;

	scratch_put(scratch, "target", "secret", 6, 0600);
	ck_assert_int_eq(symlinkat("target", folder, "link"), 0);
	ck_assert_int_eq(symlinkat("nothing", folder, "dangling"), 0);
	ck_assert_int_eq(mkdirat(folder, "dir", 0700), 0);
	ck_assert_int_eq(mkfifoat(folder, "fifo", 0600), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket",
		 scratch->path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	close(s);
	if (!mknodat(folder, "device", S_IFCHR | 0600, makedev(1, 5)))
		return SCRATCH_RUBBISH;
	printf("SKIP: a device node (needs root)\n");
	return SCRATCH_RUBBISH - 1;
}

bool scratch_skips_without_root(const char *what)
{
	if (geteuid() == 0)
		return false;
	printf("SKIP: %s (needs root)\n", what);
	return true;
}
