/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Noting what is read. */
#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/trace_private.h"

#define FOLDERS 64	/* descriptors that are known */
#define RECENT 32	/* places that are not noted twice */
#define BY_TIMES (TRACE_IDENTITY | TRACE_TIMES | TRACE_ACCESS)

/* What landed among secrets: whether it is one is told later. */
struct held {
	const char *path;
	unsigned int flags;
	struct stat st;
	struct str text;
	bool is_public;
};

static struct {
	struct arena *arena;	/* NULL: off */
	struct arena *secrets;
	struct sbuf out;
	unsigned int paused;
	bool spoiled, by_times, relative;
	bool open;		/* an item is */
	int64_t until;
	struct folder {
		const char *path;
		dev_t device;
		ino_t inode;
	} folders[FOLDERS];
	struct held *held;
	size_t held_count, held_capacity;
	size_t recent[RECENT], recent_count;
	size_t item, bytes;	/* of the open one, where it and they begin */
	size_t before;		/* where the one before it does */
} trace;

void trace_start(struct arena *arena, struct arena *secrets)
{
	memset(&trace, 0, sizeof(trace));
	trace.arena = arena;
	trace.secrets = secrets;
	trace.until = INT64_MAX;
	sbuf_init(&trace.out, arena);
}

bool trace_is_on(void)
{
	return trace.arena && !trace.paused && !trace.spoiled;
}

struct arena *trace_secrets(void)
{
	return trace.secrets;
}

void trace_pause(void)
{
	trace.paused++;
}

void trace_resume(void)
{
	trace.paused--;
}

void trace_spoil(void)
{
	if (trace_is_on())
		trace.spoiled = true;
}

void trace_until(int64_t time)
{
	if (time < trace.until)
		trace.until = time;
}

int64_t trace_ends(void)
{
	return trace.until;
}

void trace_by_times(bool on)
{
	trace.by_times = on;
}

/* Items */

void trace_open(enum trace_kind kind, unsigned int flags, struct str name)
{
	/* One within another is neither. */
	if (trace.open)
		trace_spoil();
	if (!trace_is_on())
		return;
	trace.open = true;
	trace.item = trace.out.size;
	trace_item_begin(&trace.out, kind, flags, name);
	trace.bytes = trace.out.size;
}

void trace_add(const void *data, size_t size)
{
	if (trace.out.size > TRACE_LIMIT || size > TRACE_LIMIT)
		trace_spoil();
	if (trace_is_on())
		sbuf_add(&trace.out, data, size);
}

void trace_again(void)
{
	if (trace_is_on())
		trace.out.size = trace.bytes;
}

void trace_close(void)
{
	size_t size;

	if (!trace_is_on())
		return;
	trace.open = false;
	trace_item_end(&trace.out, trace.item, trace.bytes);
	/* What was just asked and answered so tells no more. */
	size = trace.out.size - trace.item;
	if (trace.item - trace.before == size &&
	    !memcmp(trace.out.data + trace.before,
		    trace.out.data + trace.item, size))
		trace.out.size = trace.item;
	else
		trace.before = trace.item;
}

/* The same folders are asked for over and over. */
static bool is_known(size_t item)
{
	struct str last = { trace.out.data + item, trace.out.size - item };

	for (size_t i = 0; i < RECENT && i < trace.recent_count; i++) {
		size_t at = trace.recent[i];

		if (at + last.size <= item &&
		    !memcmp(trace.out.data + at, last.data, last.size))
			return true;
	}
	trace.recent[trace.recent_count++ % RECENT] = item;
	return false;
}

static void put(enum trace_kind kind, unsigned int flags, const char *path,
		const void *bytes, size_t size)
{
	if (!trace_is_on())
		return;
	trace.relative |= path[0] != '/';
	trace_open(kind, flags, str_of(path));
	trace_add(bytes, size);
	trace_close();
	if (kind != TRACE_SECRET && is_known(trace.item))
		trace.out.size = trace.item;
}

/*
 * Two changes in one tick of the clock that files get their times from cannot
 * be told apart.  One without parts of a second may be of a coarse clock.
 */
static bool is_young(const struct timespec *t)
{
	struct timespec now;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (int64_t)(now.tv_sec - t->tv_sec) * 1000 +
		(now.tv_nsec - t->tv_nsec) / 1000000;
	return age < (t->tv_nsec ? 100 : 3000);
}

/* ST NULL: nothing has the name. */
static void put_place(const char *path, unsigned int flags,
		      const struct stat *st, int number)
{
	struct trace_seen seen;

	if (st && flags & TRACE_TIMES &&
	    (is_young(&st->st_mtim) || is_young(&st->st_ctim))) {
		trace_spoil();
		return;
	}
	trace_seen_of(st, number, flags, &seen);
	put(TRACE_PLACE, flags, path, &seen, sizeof(seen));
}

/* Places */

/* One that is open under another number than we know is another one. */
static const struct folder *folder_of(int fd)
{
	const struct folder *f;
	struct stat st;

	if (fd < 0 || fd >= FOLDERS)
		return NULL;
	f = &trace.folders[fd];
	return f->path && !fstat(fd, &st) && st.st_dev == f->device &&
		st.st_ino == f->inode ? f : NULL;
}

/* NULL: not known, and the trace is spoiled. */
static const char *path_of(int folder, const char *name)
{
	const struct folder *f;

	if (folder == AT_FDCWD)
		return arena_strdup(trace.arena, name);
	f = folder_of(folder);
	if (f)
		return arena_printf(trace.arena, "%s/%s", f->path, name);
	trace_spoil();
	return NULL;
}

static const char *joined(const char *root, const char *path)
{
	bool apart = root[0] && path[0] && path[0] != '/';

	return arena_printf(trace.arena, "%s%s%s", root, apart ? "/" : "",
			    path);
}

static bool know(int folder, const char *path, struct stat *st)
{
	if (!trace_is_on())
		return false;
	if (folder >= FOLDERS || fstat(folder, st)) {
		trace_spoil();
		return false;
	}
	trace.folders[folder] = (struct folder){
		arena_strdup(trace.arena, path), st->st_dev, st->st_ino };
	return true;
}

void trace_known(int folder, const char *path)
{
	struct stat st;

	(void)know(folder, path, &st);
}

void trace_folder(int folder, const char *root, const char *path)
{
	struct stat st;
	const char *name;

	if (!trace_is_on())
		return;
	name = joined(root, path);
	/* What stands behind the root may be no link. */
	if (know(folder, name, &st))
		put_place(name, TRACE_IDENTITY | (*path ? 0 : TRACE_FOLLOWS),
			  &st, 0);
}

void trace_failed(int folder, const char *name, int number)
{
	const char *path;

	if (!trace_is_on())
		return;
	if (number != ENOENT) {
		trace_spoil();
		return;
	}
	path = path_of(folder, name);
	if (path)
		put_place(path, folder == AT_FDCWD ? TRACE_FOLLOWS : 0, NULL,
			  number);
}

void trace_folder_failed(const char *root, const char *path, int number)
{
	if (trace_is_on())
		trace_failed(AT_FDCWD, joined(root, path), number);
}

void trace_at(int folder, unsigned int flags)
{
	const struct folder *f;
	struct stat st;

	if (!trace_is_on())
		return;
	f = folder_of(folder);
	if (!f || fstat(folder, &st))
		trace_spoil();
	else
		put_place(f->path, TRACE_IDENTITY | TRACE_FOLLOWS | flags,
			  &st, 0);
}

void trace_place(int folder, const char *name, unsigned int flags)
{
	bool follows = flags & TRACE_FOLLOWS, there;
	struct stat st;
	const char *path;

	if (!trace_is_on())
		return;
	there = !fstatat(folder, name, &st, follows ? 0 : AT_SYMLINK_NOFOLLOW);
	if (!there && errno != ENOENT) {
		trace_spoil();
		return;
	}
	path = path_of(folder, name);
	if (path)
		put_place(path, flags, there ? &st : NULL, ENOENT);
}

/* Files */

static bool is_ours(int folder, const char *name, const struct stat *st,
		    const char **path)
{
	if (!trace_is_on())
		return false;
	/* What comes out of a pipe does so once. */
	if (!S_ISREG(st->st_mode))
		trace_spoil();
	else
		*path = path_of(folder, name);
	return trace_is_on();
}

static void put_secret(const char *path, unsigned int flags,
		       const struct stat *st, struct str text)
{
	struct trace_secret secret;

	trace_seen_of(st, 0, TRACE_ACCESS, &secret.seen);
	crypto_generichash(secret.digest, sizeof(secret.digest),
			   (const unsigned char *)text.data, text.size, NULL,
			   0);
	put(TRACE_SECRET, flags, path, &secret, sizeof(secret));
}

void trace_read(int folder, const char *name, const struct stat *st,
		struct str text, const struct arena *arena)
{
	unsigned int flags = folder == AT_FDCWD ? TRACE_FOLLOWS : 0;
	const char *path = NULL;

	if (!is_ours(folder, name, st, &path))
		return;
	if (trace.by_times) {
		put_place(path, flags | BY_TIMES, st, 0);
		return;
	}
	if (!arena_is_secret(arena)) {
		put(TRACE_FILE, flags, path, text.data, text.size);
		return;
	}
	arena_room(trace.arena, &trace.held, trace.held_count,
		   &trace.held_capacity, sizeof(*trace.held));
	trace.held[trace.held_count++] = (struct held){ path, flags, *st,
							text, false };
}

void trace_secret(int folder, const char *name, const struct stat *st,
		  struct str text)
{
	unsigned int flags = folder == AT_FDCWD ? TRACE_FOLLOWS : 0;
	const char *path = NULL;

	if (!is_ours(folder, name, st, &path))
		return;
	if (trace.by_times)
		put_place(path, flags | BY_TIMES, st, 0);
	else
		put_secret(path, flags, st, text);
}

void trace_value(const char *path, struct str text)
{
	put(TRACE_FILE, TRACE_FOLLOWS, path, text.data, text.size);
}

void trace_is_public(struct str text)
{
	for (size_t i = 0; trace.arena && i < trace.held_count; i++)
		if (trace.held[i].text.data == text.data)
			trace.held[i].is_public = true;
}

struct str trace_end(void)
{
	struct str out = { 0 };

	for (size_t i = 0; trace_is_on() && i < trace.held_count; i++) {
		const struct held *h = &trace.held[i];

		if (h->is_public)
			put(TRACE_FILE, h->flags, h->path, h->text.data,
			    h->text.size);
		else
			put_secret(h->path, h->flags, &h->st, h->text);
	}
	/* From elsewhere the same words ask for something else. */
	if (trace.relative)
		trace_place(AT_FDCWD, ".", TRACE_FOLLOWS | TRACE_IDENTITY);
	if (trace_is_on())
		out = (struct str){ trace.out.data, trace.out.size };
	trace.arena = NULL;
	return out;
}
