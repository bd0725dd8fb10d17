/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders of a mesh, and where we are. */
#include "apply/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/trace.h"
#include "kern/netns.h"
#include "state/state.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define NETNS "/proc/self/ns/net"
#define LOCK_TRIES 3
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
	trace_place(AT_FDCWD, NETNS, TRACE_FOLLOWS | TRACE_IDENTITY);
	if (stat(NETNS, &st) < 0)
		return err_sys(e, "look at %s", NETNS);
	s->here.netns = (uint64_t)st.st_ino;
	s->here.cookie = netns_cookie();
	return 0;
}

int store_folder(struct store *s, const char *root, const char *path,
		 bool create, enum made made, int *out, struct err *e)
{
	const char *top = arena_printf(s->arena, "%s%s", s->root, root);
	struct err failed = { 0 };

	fd_closep(out);
	*out = folder_open(top, path, false, 0755, &failed);
	if (*out >= 0)
		return 0;
	if (failed.kind != ERR_NO_INPUT) {
		*e = failed;
		return -1;
	}
	if (!create)
		return 0;
	s->made |= made;
	*out = folder_open(top, path, true, 0755, e);
	return *out < 0 ? -1 : 0;
}

static const char *path_of(const struct store *s, const char *root,
			   const char *path)
{
	return arena_printf(s->arena, "%s%s/meshapply/%s%s", s->root, root,
			    s->mesh, path);
}

/* As nearly always, all are there: what is around a folder is opened by it. */
static bool open_present(struct store *s)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct err ignored;

	fd_closep(&s->run);
	fd_closep(&s->applied);
	fd_closep(&s->state);
	fd_closep(&s->base);
	s->run = folder_open(arena_printf(s->arena, "%s/run", s->root),
			     arena_printf(s->arena, "meshapply/%s", s->mesh),
			     false, 0, &ignored);
	if (s->run < 0)
		return false;
	s->applied = folder_open(arena_printf(s->arena, "%s/var/lib", s->root),
				 arena_printf(s->arena, "meshapply/%s/applied",
					      s->mesh), false, 0, &ignored);
	if (s->applied < 0)
		return false;
	s->state = openat(s->applied, "..", flags);
	s->base = s->state < 0 ? -1 : openat(s->state, "..", flags);
	if (s->base < 0)
		return false;
	trace_known(s->state, path_of(s, "/var/lib", ""));
	trace_known(s->base, arena_printf(s->arena, "%s/var/lib/meshapply",
					  s->root));
	return true;
}

/* Is what was opened as FD still what PATH leads to? */
static bool is_still(int fd, const char *path)
{
	struct stat opened, now;

	return fd >= 0 && !fstat(fd, &opened) && !stat(path, &now) &&
	       opened.st_dev == now.st_dev && opened.st_ino == now.st_ino;
}

static int open_folders(struct store *s, struct err *e)
{
	const char *run = arena_printf(s->arena, "meshapply/%s", s->mesh);
	const char *applied = arena_printf(s->arena, "%s/applied", run);
	cleanup_fd int run_base = -1;

	if (open_present(s))
		return 0;
	if (s->create && s->root[0]) {
		/* An image may be empty still. */
		cleanup_fd int fd = folder_open(s->root, "/var/lib", true,
						0755, e);
		cleanup_fd int fd2 = fd < 0 ? -1 :
			folder_open(s->root, "/run", true, 0755, e);

		if (fd2 < 0)
			return -1;
	}
	if (store_folder(s, "/run", "meshapply", s->create, MADE_RUN_BASE,
			 &run_base, e) < 0 ||
	    store_folder(s, "/run", run, s->create, MADE_RUN, &s->run,
			 e) < 0 ||
	    store_folder(s, "/var/lib", "meshapply", s->create, MADE_BASE,
			 &s->base, e) < 0 ||
	    store_folder(s, "/var/lib", run, s->create, MADE_STATE, &s->state,
			 e) < 0)
		return -1;
	/* Once more: only what holds a folder of ours cannot go. */
	if (store_folder(s, "/var/lib", "meshapply", s->create, MADE_BASE,
			 &s->base, e) < 0)
		return -1;
	return store_folder(s, "/var/lib", applied, s->create, MADE_APPLIED,
			    &s->applied, e);
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
		.generations = -1,
		.sysctls_lock = -1,
	};
	if (sodium_init() < 0)
		return err_set(e, ERR_FAILED, "libsodium cannot be used");
	if (here(s, e) < 0 || open_folders(s, e) < 0) {
		store_close(s);
		return -1;
	}
	/* Else it is found out under the lock. */
	if (!create)
		s->others = store_look_for_others(s);
	*out = s;
	return 0;
}

bool store_others(const struct store *s)
{
	return s->others;
}

/* By a descriptor of its own: one that is shared has read on already. */
DIR *folder_list(int folder)
{
	int fd = folder < 0 ? -1 :
		openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		fd_closep(&fd);
	return dir;
}

static bool holds_only_lock(int folder)
{
	DIR *dir = folder_list(folder);
	struct dirent *entry;
	bool only = dir;

	if (!dir)
		return false;
	while (only && (entry = readdir(dir)))
		only = !strcmp(entry->d_name, ".") ||
		       !strcmp(entry->d_name, "..") ||
		       !strcmp(entry->d_name, STORE_LOCK);
	closedir(dir);
	return only;
}

/* NAME beside FOLDER, which is open, or in the folder around it. */
static void unmake_above(int folder, const char *above, const char *name)
{
	cleanup_fd int fd = folder < 0 ? -1 :
		openat(folder, above, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)unlinkat(fd, name, AT_REMOVEDIR);
}

/*
 * What this run made goes again, if nothing came to lie in it: not while
 * another run may be about to put something there.
 */
static void unmake(struct store *s)
{
	struct err ignored;

	if (s->lock < 0 && s->made & MADE_RUN && s->run >= 0)
		s->lock = lock_take(s->arena, s->run, STORE_LOCK, s->mesh, 0,
				    &ignored);
	if (s->lock < 0)
		return;
	if (s->made & MADE_APPLIED)
		(void)unlinkat(s->state, "applied", AT_REMOVEDIR);
	if (s->made & MADE_GENERATIONS)
		(void)unlinkat(s->state, STORE_GENERATIONS, AT_REMOVEDIR);
	if (s->made & MADE_STATE)
		(void)unlinkat(s->base, s->mesh, AT_REMOVEDIR);
	if (s->made & MADE_BASE)
		unmake_above(s->base, "..", "meshapply");
	if (s->made & MADE_RUN && holds_only_lock(s->run)) {
		(void)unlinkat(s->run, STORE_LOCK, 0);
		unmake_above(s->run, "..", s->mesh);
	}
	if (s->made & MADE_RUN_BASE)
		unmake_above(s->run, "../..", "meshapply");
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_abandon(s);
	if (s->made)
		unmake(s);
	fd_closep(&s->run);
	fd_closep(&s->base);
	fd_closep(&s->state);
	fd_closep(&s->applied);
	fd_closep(&s->generations);
	fd_closep(&s->lock);
}

int store_lock(struct store *s, unsigned int wait, struct err *e)
{
	for (int i = 0; i < LOCK_TRIES && s->lock < 0; i++) {
		s->lock = lock_take(s->arena, s->run, STORE_LOCK, s->mesh,
				    wait, e);
		if (s->lock >= 0 || e->number != ESTALE)
			break;
		/* The folders went with it. */
		if (open_folders(s, e) < 0)
			return -1;
	}
	if (s->lock < 0)
		return -1;
	/* What was opened may have been removed before the lock was ours. */
	if (s->create && !(is_still(s->run, path_of(s, "/run", "")) &&
			   is_still(s->applied, path_of(s, "/var/lib",
							"/applied"))) &&
	    open_folders(s, e) < 0)
		return -1;
	s->others = store_look_for_others(s);
	/* A journal may speak of them still. */
	if (journal_look(s) == JOURNAL_NONE)
		store_sweep(s);
	return 0;
}

void store_unlock(struct store *s)
{
	fd_closep(&s->lock);
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
	/* Nobody else writes there: times and inodes tell it from another. */
	trace_by_times(true);
	*found = !file_read(folder, name, limit, arena, out, &failed);
	trace_by_times(false);
	if (*found)
		return 0;
	if (failed.kind == ERR_NO_INPUT)
		return 0;
	*e = failed;
	return -1;
}

bool store_same_boot(const struct store *s, const struct identity *of)
{
	return !strcmp(s->here.boot, of->boot);
}

/* The inode's number may be another one's by now, the cookie never. */
static bool same_netns(const struct identity *a, const struct identity *b)
{
	return a->netns == b->netns &&
	       (!a->cookie || !b->cookie || a->cookie == b->cookie);
}

bool store_is_here(const struct store *s, const struct identity *of)
{
	return store_same_boot(s, of) && same_netns(&s->here, of);
}

bool store_is_past(const struct store *s, const struct identity *of)
{
	/* The numbers of another boot mean nothing in this one. */
	if (!store_same_boot(s, of))
		return true;
	if (same_netns(&s->here, of))
		return false;
	return of->netns == s->here.netns ||
	       netns_look(of->netns) == NETNS_GONE;
}

int store_check_namespace(const struct store *s, const struct identity *of,
			  const char *what, struct err *e)
{
	if (store_is_here(s, of) || store_is_past(s, of))
		return 0;
	return err_set(e, ERR_CONFIG, "%s of %s is of another network "
		       "namespace (net:[%llu])%s", what, s->mesh,
		       (unsigned long long)of->netns,
		       netns_look(of->netns) == NETNS_LIVES ? ": run there" :
		       "; if that is gone, a run as root sees it and goes on");
}

static bool is_temporary(const char *name)
{
	size_t size = strlen(name);

	return name[0] == '.' && size > TEMPORARY_DIGITS + 2 &&
	       name[size - TEMPORARY_DIGITS - 1] == '.' &&
	       strspn(name + size - TEMPORARY_DIGITS, "0123456789abcdef") ==
	       TEMPORARY_DIGITS;
}

void folder_sweep(int folder)
{
	DIR *dir = folder_list(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (is_temporary(entry->d_name))
			(void)unlinkat(folder, entry->d_name, 0);
	closedir(dir);
}

void store_sweep(struct store *s)
{
	struct err ignored;

	/* Nothing is decided by what is swept. */
	trace_pause();
	folder_sweep(s->run);
	folder_sweep(s->state);
	folder_sweep(s->applied);
	if (!generations_open(s, false, &ignored))
		folder_sweep(s->generations);
	journal_sweep(s);
	sysctls_sweep(s);
	trace_resume();
}
