/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "state/text.h"

#define FILES 3

static const char *const file_names[FILES] = {
	TEXT_WIREGUARD, TEXT_NETWORK, TEXT_FIREWALL
};

struct folder {
	const char *name;	/* NULL: the path of the set itself */
	struct staged_file staged[FILES];
	bool is_stale[FILES];
	bool made;		/* by us: it goes again if the run fails */
};

struct folder_set {
	struct arena *arena;
	const char *path;
	bool *made;		/* by us: the folder that is so many bytes */
	struct folder *items;
	size_t count;
};

struct folder_set *folder_set_new(struct arena *arena, const char *path,
				  size_t count)
{
	struct folder_set *set = arena_new_object(arena, struct folder_set);
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	set->arena = arena;
	set->path = arena_strndup(arena, path, size);
	/* All of it now: a caller may give back what is allocated later. */
	set->made = arena_new_array(arena, bool, size + 1);
	set->items = arena_new_array(arena, struct folder, count);
	return set;
}

static const char *path_of(const struct folder_set *set,
			   const struct folder *f)
{
	return f->name ? arena_printf(set->arena, "%s/%s", set->path,
				      f->name) : set->path;
}

/* What is there and is no folder is found out by who opens it. */
static int make_folder(const char *path, bool *made, struct err *e)
{
	if (!mkdir(path, 0777))
		*made = true;
	else if (errno != EEXIST)
		return err_sys(e, "create the folder %s", path);
	return 0;
}

/* Does a component of PATH end before its byte I? */
static bool ends_at(const char *path, size_t i)
{
	return i && path[i - 1] != '/' && (path[i] == '/' || !path[i]);
}

/* mkdir -p, following what links the user's own path has. */
static int make_path(struct folder_set *set, struct err *e)
{
	size_t size = strlen(set->path);

	for (size_t i = 1; i <= size; i++)
		if (ends_at(set->path, i) &&
		    make_folder(arena_strndup(set->arena, set->path, i),
				&set->made[i], e))
			return -1;
	return 0;
}

/* From the innermost, and only where nothing is in it. */
static void unmake_path(const struct folder_set *set)
{
	for (size_t i = strlen(set->path); i; i--)
		if (set->made[i])
			(void)rmdir(arena_strndup(set->arena, set->path, i));
}

static mode_t file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Is the file there, and does it hold TEXT? */
static int compare(struct arena *arena, int folder, const char *name,
		   struct str text, bool *there, bool *same, struct err *e)
{
	size_t mark = arena_mark(arena);
	struct err failed;
	struct str old;

	*there = *same = false;
	if (!file_read(folder, name, TEXT_LIMIT, arena, &old, &failed)) {
		*there = true;
		*same = text.data && str_equal(old, text);
		arena_reset(arena, mark);
		return 0;
	}
	/* One that is too large differs, whatever is in it. */
	*there = failed.kind == ERR_DATA;
	if (*there || failed.kind == ERR_NO_INPUT)
		return 0;
	*e = failed;
	return -1;
}

static int stage_file(struct folder_set *set, struct folder *f, int folder,
		      size_t i, struct str text, struct err *e)
{
	bool there, same;

	if (compare(set->arena, folder, file_names[i], text, &there, &same, e))
		return -1;
	f->is_stale[i] = there && !text.data;
	if (!text.data || same)
		return 0;
	return file_stage(&f->staged[i], folder, file_names[i], text,
			  file_mode(), e);
}

int folder_set_stage(struct folder_set *set, const char *name,
		     const struct texts *texts, struct err *e)
{
	const struct str contents[FILES] = {
		texts->wireguard.text, texts->network.text,
		texts->firewall.text
	};
	cleanup_fd int folder = -1;
	struct folder *f;
	const char *path;

	if (!set->count && make_path(set, e))
		return -1;
	f = &set->items[set->count++];
	f->name = name;
	path = path_of(set, f);
	if (name && make_folder(path, &f->made, e))
		return -1;
	folder = folder_open(path, "", false, 0, e);
	if (folder < 0)
		return -1;
	for (size_t i = 0; i < FILES; i++)
		if (stage_file(set, f, folder, i, contents[i], e))
			return err_wrap(e, "%s", path);
	return 0;
}

static int commit(const struct folder_set *set, struct folder *f,
		  size_t *changed, struct err *e)
{
	const char *path = path_of(set, f);
	cleanup_fd int folder = folder_open(path, "", false, 0, e);

	if (folder < 0)
		return -1;
	for (size_t i = 0; i < FILES; i++) {
		bool is_staged = *f->staged[i].temporary;

		f->staged[i].folder = folder;
		if (is_staged && file_commit(&f->staged[i], e))
			return err_wrap(e, "%s", path);
		if (f->is_stale[i] && file_remove(folder, file_names[i], e))
			return err_wrap(e, "%s", path);
		*changed += is_staged || f->is_stale[i];
	}
	return 0;
}

int folder_set_commit(struct folder_set *set, size_t *changed, struct err *e)
{
	*changed = 0;
	for (size_t i = 0; i < set->count; i++)
		if (commit(set, &set->items[i], changed, e))
			return -1;
	return 0;
}

void folder_set_abandon(struct folder_set *set)
{
	for (size_t i = set->count; i-- > 0;) {
		struct folder *f = &set->items[i];
		const char *path = path_of(set, f);
		struct err ignored;
		cleanup_fd int folder = folder_open(path, "", false, 0,
						    &ignored);

		for (size_t j = 0; folder >= 0 && j < FILES; j++) {
			f->staged[j].folder = folder;
			file_abandon(&f->staged[j]);
		}
		/* Only where nothing came into it. */
		if (f->made)
			(void)rmdir(path);
	}
	unmake_path(set);
}
