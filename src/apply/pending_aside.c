/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies among the records of what is pending and is none: out of the way,
 * in /var/lib/meshapply/.pending.bad, where nobody is woken by it.
 */
#include <dirent.h>
#include <stdio.h>

#include "apply/generation.h"
#include "apply/pending_private.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/value.h"

#define ASIDE "meshapply/.pending.bad"

static int open_aside(const char *root, bool create, struct err *e)
{
	char top[4096];

	if ((size_t)snprintf(top, sizeof(top), "%s/var/lib", root) >=
	    sizeof(top))
		return err_set(e, ERR_USAGE, "--root is too long");
	return folder_open(top, ASIDE, create, 0700, e);
}

/* What was put there under its name before is not kept. */
static int put_aside(const char *root, int folder, const char *name,
		     struct err *e)
{
	cleanup_fd int aside = open_aside(root, true, e);

	if (aside < 0)
		return -1;
	return renameat(folder, name, aside, name) ?
		err_sys(e, "put %s/var/lib/" ASIDE "/%s aside", root, name) :
		0;
}

int pending_set_aside(struct run *run, struct err *e)
{
	const char *root = run->store->root;
	cleanup_fd int folder = pending_folder(root, e);

	if (folder < 0 || pending_end(run, e))
		return -1;
	return put_aside(root, folder, run->mesh, e);
}

int pending_sweep(const char *root, struct arena *arena, const char ***names,
		  size_t *count, struct err *e)
{
	struct err failed = { 0 };
	cleanup_fd int folder = pending_folder(root, &failed);
	DIR *dir = folder < 0 ? NULL : folder_list(folder);
	struct dirent *entry;
	size_t capacity = 0;
	bool left = false;

	*names = NULL;
	*count = 0;
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		/* Nobody is woken by what is hidden. */
		if (entry->d_name[0] == '.' ||
		    mesh_name_valid(str_of(entry->d_name)))
			continue;
		if (put_aside(root, folder, entry->d_name, &failed)) {
			left = true;
			continue;
		}
		arena_room(arena, names, *count, &capacity, sizeof(**names));
		(*names)[(*count)++] = str_show(arena, str_of(entry->d_name),
						SIZE_MAX);
	}
	closedir(dir);
	if (!left)
		return 0;
	*e = failed;
	return -1;
}

int pending_forget_aside(const char *root, const char *mesh, struct err *e)
{
	struct err failed = { 0 };
	cleanup_fd int aside = open_aside(root, false, &failed);

	if (aside < 0 && failed.kind == ERR_NO_INPUT)
		return 0;
	if (aside >= 0)
		return file_remove(aside, mesh, e);
	*e = failed;
	return -1;
}
