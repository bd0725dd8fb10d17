/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/seal.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "kern/transcript.h"
#include "kern/volatile.h"
#include "state/value.h"

#define SEAL_LIMIT ((size_t)64 << 20)
#define MAGIC "meshapply seal 1"

static bool is_end(const struct trace_item *item, struct str rest)
{
	return item->kind == TRACE_END && !item->name.size &&
		!item->bytes.size && !rest.size;
}

/* All of it, before any of it is believed. */
static bool is_whole(struct str items, struct str *without_end)
{
	struct str rest = items;
	struct trace_item item;

	while (trace_next(&rest, &item) > 0) {
		size_t size = items.size - rest.size;

		if (is_end(&item, rest)) {
			*without_end = (struct str){ items.data, size };
			return true;
		}
		if (item.kind == TRACE_HEAD || item.kind == TRACE_END)
			return false;
	}
	return false;
}

bool seal_take(struct str file, struct str key, struct seal *out)
{
	struct trace_item head, mesh;

	if (trace_next(&file, &head) <= 0 || head.kind != TRACE_HEAD ||
	    !str_is(head.name, MAGIC) || !str_equal(head.bytes, key) ||
	    trace_next(&file, &mesh) <= 0 || mesh.kind != TRACE_HEAD ||
	    !mesh_name_valid(mesh.name) ||
	    mesh.bytes.size != sizeof(out->until) ||
	    !is_whole(file, &out->items))
		return false;
	out->mesh = mesh.name.data;
	memcpy(&out->until, mesh.bytes.data, sizeof(out->until));
	return true;
}

/*
 * Whoever is at work may yet do something: it is waited for, or left to.  The
 * lock is let go at once, who takes it now comes after us.
 */
static bool is_idle(int folder)
{
	cleanup_fd int lock = lock_try(folder, STORE_LOCK);

	return lock >= 0;
}

/* In the folder of the mesh that it speaks of, and of nobody else's. */
static bool take_of(int around, const char *mesh, struct str key, bool writes,
		    struct arena *arena, struct seal *out)
{
	cleanup_fd int folder = openat(around, mesh, O_PATH | O_DIRECTORY |
				       O_NOFOLLOW | O_CLOEXEC);
	struct err ignored;
	struct str file;

	return folder >= 0 &&
		!file_read_secret(folder, STORE_SEAL, SEAL_LIMIT, arena, &file,
				  &ignored) &&
		seal_take(file, key, out) && !strcmp(out->mesh, mesh) &&
		(!writes || is_idle(folder));
}

bool seal_find(const char *root, struct str key, bool writes,
	       struct arena *arena, struct seal *out)
{
	struct err ignored;
	int folder = folder_open(arena_printf(arena, "%s/run", root),
				 "meshapply", false, 0, &ignored);
	DIR *list = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;
	bool found = false;

	if (!list)
		fd_closep(&folder);
	while (list && !found && (entry = readdir(list))) {
		size_t mark = arena_mark(arena);

		if (!mesh_name_valid(str_of(entry->d_name)))
			continue;
		found = take_of(folder, entry->d_name, key, writes, arena,
				out);
		if (!found)
			arena_reset(arena, mark);
	}
	if (list)
		closedir(list);
	return found;
}

static void put(struct sbuf *out, enum trace_kind kind, const char *name,
		const void *data, size_t size)
{
	size_t item = out->size, bytes;

	trace_item_begin(out, kind, 0, str_of(name));
	bytes = out->size;
	sbuf_add(out, data, size);
	trace_item_end(out, item, bytes);
}

int seal_write(struct store *s, struct str key, const struct seal *seal,
	       struct arena *arena, struct err *e)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	put(&out, TRACE_HEAD, MAGIC, key.data, key.size);
	put(&out, TRACE_HEAD, seal->mesh, &seal->until, sizeof(seal->until));
	sbuf_str(&out, seal->items);
	put(&out, TRACE_END, "", NULL, 0);
	if (out.size > SEAL_LIMIT)
		return file_remove(s->run, STORE_SEAL, e);
	return file_write(s->run, STORE_SEAL,
			  (struct str){ out.data, out.size }, 0600, e);
}

static bool files_hold(const struct seal *seal, void *buffer)
{
	struct str rest = seal->items;
	struct trace_item item;

	while (trace_next(&rest, &item) > 0)
		if (item.kind != TRACE_HEARD && item.kind != TRACE_END &&
		    !trace_holds(&item, buffer, REPLAY_BUFFER))
			return false;
	return true;
}

static bool kernel_holds(const struct seal *seal, struct arena *secrets,
			 void *buffer)
{
	struct replay replay = {
		.buffer = buffer, .blanked = blanked_new(secrets),
	};
	struct str rest = seal->items;
	struct trace_item item;
	bool same = true;

	while (same && trace_next(&rest, &item) > 0)
		same = item.kind != TRACE_HEARD ||
			transcript_holds(&item, &replay);
	replay_close(&replay);
	return same;
}

/* The kernel last: it is asked much. */
bool seal_holds(const struct seal *seal, struct arena *secrets)
{
	void *buffer = arena_alloc(secrets, REPLAY_BUFFER);

	return files_hold(seal, buffer) &&
		kernel_holds(seal, secrets, buffer);
}
