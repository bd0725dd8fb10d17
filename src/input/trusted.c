/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/trusted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "trust/minisign.h"

#define ENDING ".pub"

static int open_folder(const char *root, struct err *e)
{
	cleanup_fd int folder = folder_open(root, TRUSTED_FOLDER, false, 0, e);

	if (folder < 0 ||
	    folder_check_trusted(folder, TRUSTED_FOLDER, e) < 0)
		return -1;
	return fd_take(&folder);
}

static int read_in(int folder, const char *root, const char *name,
		   struct arena *arena, struct minisign_key *out,
		   struct err *e)
{
	struct str text;

	if (file_read_trusted(folder, name, MINISIGN_KEY_LIMIT, arena, &text,
			      e) < 0 ||
	    minisign_key_read(text, name, out, e) < 0)
		return err_wrap(e, "%s" TRUSTED_FOLDER, root);
	return 0;
}

static void close_listing(DIR **listing)
{
	if (*listing)
		closedir(*listing);
}

/* By a descriptor of its own, which goes with it. */
static DIR *list_open(int folder)
{
	cleanup_fd int fd = openat(folder, ".",
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);

	if (listing)
		fd_take(&fd);
	return listing;
}

/* The names of files with keys, sorted. */
static int list(DIR *listing, struct arena *arena, const char ***names,
		size_t *count)
{
	size_t n = 0, capacity = 0;
	const struct dirent *entry;

	*names = NULL;
	while ((errno = 0, entry = readdir(listing))) {
		if (entry->d_name[0] == '.' ||
		    !str_ends(str_of(entry->d_name), ENDING))
			continue;
		arena_room(arena, names, n, &capacity, sizeof(**names));
		(*names)[n++] = arena_strdup(arena, entry->d_name);
	}
	if (errno)
		return -1;
	*count = n ? words_sort(*names, n) : 0;
	return 0;
}

int trusted_folder(const char *root, struct arena *arena,
		   struct minisign_key **keys, size_t *count, struct err *e)
{
	cleanup_(close_listing) DIR *listing = NULL;
	struct err failed = { 0 };
	cleanup_fd int folder = open_folder(root, &failed);
	struct minisign_key *found;
	const char **names;
	size_t n;

	if (folder < 0 && failed.kind == ERR_NO_INPUT) {
		*keys = NULL;
		*count = 0;
		return 0;
	}
	if (folder < 0) {
		*e = failed;
		return -1;
	}
	listing = list_open(folder);
	if (!listing || list(listing, arena, &names, &n))
		return err_sys(e, "read %s" TRUSTED_FOLDER, root);
	found = arena_new_array(arena, struct minisign_key, n);
	for (size_t i = 0; i < n; i++)
		if (read_in(folder, root, names[i], arena, &found[i], e) < 0)
			return -1;
	*keys = found;
	*count = n;
	return 0;
}

/* NAME or NAME.pub of the folder. */
static int read_bare(const char *root, const char *name, struct arena *arena,
		     struct minisign_key *out, struct err *e)
{
	cleanup_fd int folder = open_folder(root, e);

	if (folder < 0)
		return -1;
	if (!str_ends(str_of(name), ENDING))
		name = arena_printf(arena, "%s" ENDING, name);
	return read_in(folder, root, name, arena, out, e);
}

static int read_path(const char *path, struct arena *arena,
		     struct minisign_key *out, struct err *e)
{
	struct str text;

	if (file_read_trusted_path(path, MINISIGN_KEY_LIMIT, arena, &text,
				   e) < 0)
		return -1;
	return minisign_key_read(text, path, out, e);
}

int trusted_named(const char *root, const char *const *named, size_t count,
		  struct arena *arena, struct minisign_key **keys,
		  struct err *e)
{
	struct minisign_key *found = arena_new_array(arena,
						     struct minisign_key,
						     count);

	for (size_t i = 0; i < count; i++)
		if (strchr(named[i], '/') ?
		    read_path(named[i], arena, &found[i], e) :
		    read_bare(root, named[i], arena, &found[i], e))
			return err_wrap(e, "trusted key");
	*keys = found;
	return 0;
}
