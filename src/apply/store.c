/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders of a mesh, their lock, and where we are. */
#include "apply/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "state/state.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define NETNS "/proc/self/ns/net"
#define LOCKS "/proc/locks"
#define LOCKS_LIMIT ((size_t)16 << 20)
#define LOCK_POLL_MS 100
#define TEMPORARY_DIGITS 12	/* base/file.c: ".NAME." and these */

static int here(struct store *s, struct err *e)
{
	struct str boot;
	struct stat st;

	if (file_read_path(BOOT_ID, 128, s->arena, &boot, e) < 0)
		return -1;
	boot = str_trim(boot);
	if (boot.size && boot.data[boot.size - 1] == '\n')
		boot.size--;
	s->here.boot = arena_strndup(s->arena, boot.data, boot.size);
	if (stat(NETNS, &st) < 0)
		return err_sys(e, "look at %s", NETNS);
	s->here.netns = (uint64_t)st.st_ino;
	return 0;
}

/* A folder that is missing is none, unless it was to be made. */
static int open_folder(const struct store *s, const char *root,
		       const char *path, int *out, struct err *e)
{
	const char *top = arena_printf(s->arena, "%s%s", s->root, root);
	struct err failed = { 0 };

	*out = folder_open(top, path, s->create, 0755, &failed);
	if (*out >= 0 || (failed.kind == ERR_NO_INPUT && !s->create))
		return 0;
	*e = failed;
	return -1;
}

static int open_folders(struct store *s, struct err *e)
{
	const char *run = arena_printf(s->arena, "meshapply/%s", s->mesh);
	const char *applied = arena_printf(s->arena, "%s/applied", run);

	if (s->create && s->root[0]) {
		/* An image may be empty still. */
		cleanup_fd int fd = folder_open(s->root, "/var/lib", true,
						0755, e);
		cleanup_fd int fd2 = fd < 0 ? -1 :
			folder_open(s->root, "/run", true, 0755, e);

		if (fd2 < 0)
			return -1;
	}
	if (open_folder(s, "/run", run, &s->run, e) < 0 ||
	    open_folder(s, "/var/lib", "meshapply", &s->base, e) < 0 ||
	    open_folder(s, "/var/lib", run, &s->state, e) < 0)
		return -1;
	return open_folder(s, "/var/lib", applied, &s->applied, e);
}

int store_open(struct arena *arena, const char *root, const char *mesh,
	       bool create, struct store **out, struct err *e)
{
	struct store *s = arena_new_object(arena, struct store);

	/* One is no name, the other is taken by the registry. */
	if (!mesh[0] || mesh[0] == '.' || strchr(mesh, '/') ||
	    strlen(mesh) > MESH_NAME_MAX || !strcmp(mesh, STORE_SYSCTLS))
		return err_set(e, ERR_CONFIG,
			       "\"%s\" cannot be the name of a mesh", mesh);
	*s = (struct store){
		.arena = arena, .mesh = arena_strdup(arena, mesh),
		.root = arena_strdup(arena, root), .create = create,
		.run = -1, .base = -1, .state = -1, .applied = -1, .lock = -1,
	};
	if (sodium_init() < 0)
		return err_set(e, ERR_FAILED, "libsodium cannot be used");
	if (here(s, e) < 0 || open_folders(s, e) < 0) {
		store_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_abandon(s);
	fd_closep(&s->run);
	fd_closep(&s->base);
	fd_closep(&s->state);
	fd_closep(&s->applied);
	fd_closep(&s->lock);
}

/* Whoever holds a flock on this file, by /proc/locks; 0: not to be seen. */
static unsigned long holder(struct store *s, int fd)
{
	struct str text, line;
	struct err ignored;
	char wanted[64];
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    file_read_path(LOCKS, LOCKS_LIMIT, s->arena, &text, &ignored) < 0)
		return 0;
	snprintf(wanted, sizeof(wanted), "%02x:%02x:%llu",
		 major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	while (str_next(&text, '\n', &line)) {
		char word[64];
		unsigned long pid;

		/* "1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF" */
		if (sscanf(arena_strndup(s->arena, line.data, line.size),
			   "%*s FLOCK %*s %*s %lu %63s", &pid, word) == 2 &&
		    !strcmp(word, wanted))
			return pid;
	}
	return 0;
}

/* Whoever can read it could hold it for ever: nobody else. */
static int lock_open(struct store *s, struct err *e)
{
	struct stat st, folder;
	int fd;

	if (s->run < 0)
		return err_set(e, ERR_FAILED, "there is no folder to lock");
	fd = openat(s->run, "lock", O_RDONLY | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return err_sys(e, "open the lock of %s", s->mesh);
	s->lock = fd;
	if (fstat(fd, &st) < 0 || fstat(s->run, &folder) < 0)
		return err_sys(e, "look at the lock of %s", s->mesh);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "the lock of %s is no file",
			       s->mesh);
	/*
	 * A second name may be that of a file which is not to change hands;
	 * with none it was removed meanwhile, lock_check() tells.
	 */
	if (st.st_nlink > 1)
		return err_set(e, ERR_CONFIG, "the lock of %s has %lu names, "
			       "not one", s->mesh, (unsigned long)st.st_nlink);
	if (!geteuid() && (st.st_uid != folder.st_uid ||
			   st.st_gid != folder.st_gid) &&
	    fchown(fd, folder.st_uid, folder.st_gid) < 0)
		return err_sys(e, "give the lock of %s to its owner", s->mesh);
	return 0;
}

static int lock_wait(struct store *s, unsigned int wait, struct err *e)
{
	const struct timespec poll = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	unsigned long left = wait * (1000ul / LOCK_POLL_MS), pid;

	while (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock %s", s->mesh);
		if (left) {
			left--;
			nanosleep(&poll, NULL);
			continue;
		}
		pid = holder(s, s->lock);
		if (!pid)
			return err_set(e, ERR_BUSY, "another run is at work "
				       "on %s", s->mesh);
		return err_set(e, ERR_BUSY, "another run, process %lu, is at "
			       "work on %s", pid, s->mesh);
	}
	return 0;
}

/* Whoever held it may have removed the mesh, the lock with it. */
static int lock_check(const struct store *s, struct err *e)
{
	struct stat held, named;

	if (!fstat(s->lock, &held) &&
	    !fstatat(s->run, "lock", &named, AT_SYMLINK_NOFOLLOW) &&
	    held.st_dev == named.st_dev && held.st_ino == named.st_ino)
		return 0;
	return err_set(e, ERR_BUSY, "%s was removed by another run meanwhile",
		       s->mesh);
}

int store_lock(struct store *s, unsigned int wait, struct err *e)
{
	if (lock_open(s, e) < 0 || lock_wait(s, wait, e) < 0 ||
	    lock_check(s, e) < 0) {
		fd_closep(&s->lock);
		return -1;
	}
	/* A journal may speak of them still. */
	if (journal_look(s) == JOURNAL_NONE)
		store_sweep(s);
	return 0;
}

int store_lock_descriptor(const struct store *s)
{
	return s->lock;
}

int store_read(int folder, const char *name, size_t limit,
	       struct arena *arena, struct str *out, bool *found,
	       struct err *e)
{
	struct err failed = { 0 };

	*found = false;
	if (folder < 0)
		return 0;
	if (!file_read(folder, name, limit, arena, out, &failed)) {
		*found = true;
		return 0;
	}
	if (failed.kind == ERR_NO_INPUT)
		return 0;
	*e = failed;
	return -1;
}

bool store_same_boot(const struct store *s, const struct identity *of)
{
	return !strcmp(s->here.boot, of->boot);
}

int store_check_namespace(const struct store *s, const struct identity *of,
			  const char *what, struct err *e)
{
	/* The numbers of another boot mean nothing in this one. */
	if (!store_same_boot(s, of) || s->here.netns == of->netns)
		return 0;
	return err_set(e, ERR_CONFIG, "%s of %s is of another network "
		       "namespace (net:[%llu]); run there, or remove "
		       "%s/var/lib/meshapply/%s and %s/run/meshapply/%s if "
		       "that namespace is gone", what, s->mesh,
		       (unsigned long long)of->netns, s->root, s->mesh,
		       s->root, s->mesh);
}

static bool is_temporary(const char *name)
{
	size_t size = strlen(name);

	return name[0] == '.' && size > TEMPORARY_DIGITS + 2 &&
	       name[size - TEMPORARY_DIGITS - 1] == '.' &&
	       strspn(name + size - TEMPORARY_DIGITS, "0123456789abcdef") ==
	       TEMPORARY_DIGITS;
}

static void sweep(int folder)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	fd = folder < 0 ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY |
				      O_CLOEXEC);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (is_temporary(entry->d_name))
			(void)unlinkat(folder, entry->d_name, 0);
	closedir(dir);
}

void store_sweep(struct store *s)
{
	sweep(s->run);
	sweep(s->state);
	sweep(s->applied);
	journal_sweep(s);
	/* Those of the registry may be another mesh's, alive. */
	if (s->base < 0 || flock(s->base, LOCK_EX | LOCK_NB) < 0)
		return;
	sweep(s->base);
	(void)flock(s->base, LOCK_UN);
}
