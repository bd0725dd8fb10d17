/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/disk.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "support/host.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define DESCRIPTORS 256
#define FILE_LIMIT ((size_t)1 << 24)

sigjmp_buf disk_killed;

static struct {
	struct disk_fault fault;
	bool counts, notes;
	struct arena *arena;	/* the run's own is reset under way */
	size_t count;
	bool open[DESCRIPTORS];	/* when counting began */
} disk;

/* --- what is on disk for certain --- */

struct node;

struct entry {
	const char *name;
	struct node *node;
};

/* A file or folder, as of its last sync. */
struct node {
	ino_t inode;
	bool gone;		/* the number may be another one's by now */
	bool folder, synced;
	mode_t mode;
	struct str content;
	struct entry *entries;
	size_t entry_count, entry_capacity;
};

static struct node **nodes;
static size_t node_count, node_capacity;

static struct node *node_of(const struct stat *st)
{
	struct node *node;

	for (size_t i = 0; i < node_count; i++)
		if (nodes[i]->inode == st->st_ino && !nodes[i]->gone)
			return nodes[i];
	arena_room(disk.arena, &nodes, node_count, &node_capacity,
		   sizeof(struct node *));
	node = nodes[node_count++] = arena_new_object(disk.arena, struct node);
	node->inode = st->st_ino;
	node->folder = S_ISDIR(st->st_mode);
	node->mode = st->st_mode & 07777;
	return node;
}

static void forget_node(int folder, const char *name)
{
	struct stat st;

	if (disk.notes && !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		node_of(&st)->gone = true;
}

static void note_names(struct node *node, int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(again);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	node->entry_count = 0;
	while ((entry = readdir(dir))) {
		struct entry *e;
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		ck_assert_int_eq(fstatat(fd, entry->d_name, &st,
					 AT_SYMLINK_NOFOLLOW), 0);
		arena_room(disk.arena, &node->entries, node->entry_count,
			   &node->entry_capacity, sizeof(*node->entries));
		e = &node->entries[node->entry_count++];
		e->name = arena_strdup(disk.arena, entry->d_name);
		e->node = node_of(&st);
	}
	closedir(dir);
}

/* FD may be open for writing only. */
static void note_content(struct node *node, int fd)
{
	char path[64];
	struct err e;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(file_read_path(path, FILE_LIMIT, disk.arena,
					&node->content, &e), 0);
}

static void note_sync(int fd)
{
	struct node *node;
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	node = node_of(&st);
	node->synced = true;
	node->mode = st.st_mode & 07777;
	if (node->folder)
		note_names(node, fd);
	else
		note_content(node, fd);
}

static int settle_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)st;
	(void)type;
	(void)ftw;
	ck_assert_int_ge(fd, 0);
	note_sync(fd);
	close(fd);
	return 0;
}

void disk_settle(void)
{
	node_count = node_capacity = 0;
	nodes = NULL;
	disk.arena = arena_new((size_t)1 << 28);
	disk.notes = true;
	ck_assert_int_eq(nftw(host.scratch.path, settle_one, 16, FTW_PHYS), 0);
}

/* --- the power is cut --- */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

static void empty(const char *path)
{
	ck_assert_int_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void put_back(const struct node *node, int folder, const char *name)
{
	int fd;

	if (!node->folder) {
		struct scratch in = { .folder = folder };

		scratch_put(&in, name, node->content.data ?
			    node->content.data : "", node->content.size,
			    node->mode);
		return;
	}
	if (strcmp(name, ".") != 0)
		ck_assert_int_eq(mkdirat(folder, name, 0700), 0);
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < node->entry_count; i++)
		put_back(node->entries[i].node, fd, node->entries[i].name);
	ck_assert_int_eq(fchmod(fd, node->mode), 0);
	close(fd);
}

/* With the names that are there now, whether they are synced or not. */
static int lose_content(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	struct node *node = node_of(st);

	if (type == FTW_F) {
		FILE *file = fopen(path, "w");

		ck_assert_ptr_nonnull(file);
		if (node->content.size)
			ck_assert_uint_eq(fwrite(node->content.data, 1,
						 node->content.size, file),
					  node->content.size);
		ck_assert_int_eq(fclose(file), 0);
	}
	(void)ftw;
	return 0;
}

static char boot[64], next_boot[64];

/* Another number for the boot, of the same length. */
static int age(const char *path, const struct stat *st, int type,
	       struct FTW *ftw)
{
	struct str text;
	struct err e;
	char *at;
	int fd;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	ck_assert_int_eq(file_read_path(path, FILE_LIMIT, host.arena, &text,
					&e), 0);
	at = memmem(text.data, text.size, boot, strlen(boot));
	if (!at)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, next_boot, strlen(boot), at - text.data),
			 (ssize_t)strlen(boot));
	close(fd);
	return 0;
}

static void find_boot(void)
{
	struct str text;
	struct err e;

	ck_assert_int_eq(file_read_path(BOOT_ID, sizeof(boot) - 1, host.arena,
					&text, &e), 0);
	text.size--;
	memcpy(boot, text.data, text.size);
	boot[text.size] = '\0';
	strcpy(next_boot, boot);
	for (char *c = next_boot; *c; c++)
		*c = *c == '-' ? '-' : *c == '0' ? '1' : '0';
}

void disk_lose(enum disk_loss loss)
{
	struct stat st;

	ck_assert(disk.notes);
	disk.counts = disk.notes = false;
	host_die();
	switch (loss) {
	case DISK_SYNCED:
		ck_assert_int_eq(fstat(host.scratch.folder, &st), 0);
		empty(host.scratch.path);
		put_back(node_of(&st), host.scratch.folder, ".");
		break;
	case DISK_NAMES:
		ck_assert_int_eq(nftw(host.scratch.path, lose_content, 16,
				      FTW_PHYS), 0);
		break;
	case DISK_ALL:
		break;
	}
	if (!faccessat(host.scratch.folder, "run", F_OK, 0))
		empty(arena_printf(host.arena, "%s/run", host.scratch.path));
	find_boot();
	ck_assert_int_eq(nftw(host.scratch.path, age, 16, FTW_PHYS), 0);
	arena_free(disk.arena);
	host_boot();
}

/* --- the calls --- */

void disk_start(const struct disk_fault *fault)
{
	disk.fault = fault ? *fault :
			     (struct disk_fault){ .at = SIZE_MAX, .times = 1 };
	disk.count = 0;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		disk.open[fd] = fcntl(fd, F_GETFD) >= 0;
	disk.counts = true;
}

size_t disk_stop(void)
{
	disk.counts = false;
	return disk.count;
}

/* What a dead process had open is closed, with its locks. */
static void die(void)
{
	disk.counts = false;
	host_die();
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (!disk.open[fd])
			(void)close(fd);
	siglongjmp(disk_killed, 1);
}

static bool is_kept(int fd)
{
	char link[64], path[PATH_MAX] = { 0 };

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 &&
	       strstr(path, "/var/lib");
}

/* 0: make the call, on FD or in that folder; -1: it has failed. */
static int meet(int fd)
{
	size_t at = disk.count;

	if (!disk.counts || (disk.fault.kept && !is_kept(fd)))
		return 0;
	disk.count++;
	if (at < disk.fault.at)
		return 0;
	if (!disk.fault.times)
		die();
	if (at - disk.fault.at >= disk.fault.times)
		return 0;
	errno = disk.fault.error;
	return -1;
}

/* Others than files are none of the disk's. */
static bool is_disk(int fd)
{
	struct stat st;

	return disk.counts && !fstat(fd, &st) &&
	       (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* In the C library's place, and without it: it may be a static one. */

ssize_t write(int fd, const void *buffer, size_t size)
{
	if (is_disk(fd) && meet(fd))
		return -1;
	return syscall(SYS_write, fd, buffer, size);
}

int fsync(int fd)
{
	if (is_disk(fd) && meet(fd))
		return -1;
	if (disk.notes)
		note_sync(fd);
	return (int)syscall(SYS_fsync, fd);
}

int fchmod(int fd, mode_t mode)
{
	if (is_disk(fd) && meet(fd))
		return -1;
	return (int)syscall(SYS_fchmod, fd, mode);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
	if (meet(folder))
		return -1;
	return (int)syscall(SYS_mkdirat, folder, name, mode);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	if (meet(to_folder))
		return -1;
	forget_node(to_folder, to);
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
	if (meet(folder))
		return -1;
	forget_node(folder, name);
	return (int)syscall(SYS_unlinkat, folder, name, flags);
}

int openat(int folder, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (flags & O_CREAT && meet(folder))
		return -1;
	return (int)syscall(SYS_openat, folder, name, flags | O_LARGEFILE,
			    mode);
}
