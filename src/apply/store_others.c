/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other meshes, by what is kept of them: one whose link was taken away by hand
 * may have routes and rules left, which are not ours for being alone.
 */
#include <string.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/trace.h"

/* What cannot be read counts: too little is claimed then, not too much. */
static bool is_applied(struct store *s, int folder)
{
	struct records r = { .arena = s->arena, .secrets = s->arena };
	struct identity of = { 0 };
	struct err ignored;
	bool found;

	if (store_read(folder, STORE_FILES, FILES_LIMIT, s->arena, &r.rest,
		       &found, &ignored) < 0)
		return true;
	if (!found)
		return false;
	return !header_read(&r, STORE_FILES, &of) ||
	       store_is_here(s, &of);
}

static bool is_other(struct store *s, const char *path, const char *name)
{
	size_t mark = arena_mark(s->arena);
	struct err failed = { 0 };
	bool applied;

	/* The registry and its lock are no folders. */
	if (name[0] == '.' || !strcmp(name, STORE_SYSCTLS) ||
	    !strcmp(name, s->mesh))
		return false;
	cleanup_fd int folder = folder_open(path, name, false, 0, &failed);

	if (folder < 0)
		return failed.kind == ERR_PERMISSION;
	applied = is_applied(s, folder);
	arena_reset(s->arena, mark);
	return applied;
}

bool store_look_for_others(struct store *s)
{
	const char *path = arena_printf(s->arena, "%s/var/lib/meshapply",
					s->root);
	DIR *folder = folder_list(s->base);
	struct dirent *entry;
	bool found = false;

	trace_at(s->base, TRACE_TIMES);
	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = is_other(s, path, entry->d_name);
	closedir(folder);
	return found;
}
