/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "state/text.h"

#define FILE_LIMIT ((size_t)1 << 20)

static const char *rooted(const struct doctor *d, const char *path)
{
	return doctor_printf(d, "%s%s", d->root, path);
}

struct finding *finding_add(struct doctor *d, enum finding_level level,
			    const char *id, const struct doctor_mesh *m)
{
	struct doctor_findings *f = &d->findings;

	arena_room(d->arena, &f->items, f->count, &f->capacity,
		   sizeof(*f->items));
	f->items[f->count] = (struct finding){
		.level = level, .id = id, .mesh = m ? m->mesh : NULL,
	};
	return &f->items[f->count++];
}

bool host_exists(const struct doctor *d, const char *path)
{
	struct stat st;

	return !lstat(rooted(d, path), &st);
}

bool host_is_newer(const struct doctor *d, const char *path,
		   const char *other)
{
	struct stat a, b;

	if (lstat(rooted(d, path), &a) || lstat(rooted(d, other), &b))
		return false;
	return a.st_mtim.tv_sec > b.st_mtim.tv_sec ||
		(a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
		 a.st_mtim.tv_nsec > b.st_mtim.tv_nsec);
}

static void tell_unread(struct doctor *d, const char *path)
{
	struct finding *f;

	for (size_t i = 0; i < d->findings.count; i++)
		if (!strcmp(d->findings.items[i].id, "unread"))
			return;
	f = finding_add(d, FINDING_WARNING, "unread", NULL);
	f->what = doctor_printf(d, "%s may not be read", path);
	f->why = "what it and its like say is not known";
	f->commands[0] = "sudo meshapply doctor";
}

bool host_read(struct doctor *d, const char *path, struct str *out)
{
	const char *full = rooted(d, path);
	struct err e = { 0 };
	struct stat st;

	/* What is no file may have no end. */
	if (stat(full, &st)) {
		if (errno == EACCES)
			tell_unread(d, path);
		return false;
	}
	if (!S_ISREG(st.st_mode))
		return false;
	if (!file_read_path(full, FILE_LIMIT, d->secrets, out, &e))
		return true;
	if (e.kind == ERR_PERMISSION)
		tell_unread(d, path);
	return false;
}

size_t host_list(const struct doctor *d, const char *folder,
		 const char *suffix, const char ***names)
{
	DIR *dir = opendir(rooted(d, folder));
	size_t count = 0, capacity = 0;
	struct dirent *entry;

	*names = NULL;
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !str_ends(str_of(entry->d_name), suffix))
			continue;
		arena_room(d->arena, names, count, &capacity,
			   sizeof(**names));
		(*names)[count++] = arena_strdup(d->arena, entry->d_name);
	}
	closedir(dir);
	return *names ? words_sort(*names, count) : 0;
}

static const char *enabled_in(const struct doctor *d, const char *folder,
			      const char *unit)
{
	static const char *const kinds[] = { ".wants", ".requires" };
	const char **targets;

	for (size_t k = 0; k < array_size(kinds); k++) {
		size_t count = host_list(d, folder, kinds[k], &targets);

		for (size_t i = 0; i < count; i++) {
			const char *path = doctor_printf(d, "%s/%s/%s", folder,
							 targets[i], unit);

			if (host_exists(d, path))
				return path;
		}
	}
	return NULL;
}

/* A link to /dev/null: a package that was removed leaves one, too. */
static bool is_masked(const struct doctor *d, const char *folder,
		      const char *unit)
{
	static const char null[] = "/dev/null";
	char to[sizeof(null)];
	ssize_t size = readlink(rooted(d, doctor_printf(d, "%s/%s", folder,
							unit)),
				to, sizeof(to));

	return size == sizeof(null) - 1 && !memcmp(to, null, (size_t)size);
}

const char *unit_enabled(const struct doctor *d, const char *unit)
{
	static const char *const folders[] = {
		"/etc/systemd/system", "/run/systemd/system",
		"/run/systemd/generator", "/usr/lib/systemd/system",
		"/lib/systemd/system",
	};

	if (is_masked(d, folders[0], unit) || is_masked(d, folders[1], unit))
		return NULL;
	for (size_t i = 0; i < array_size(folders); i++) {
		const char *path = enabled_in(d, folders[i], unit);

		if (path)
			return path;
	}
	return NULL;
}

bool unit_is_used(const struct doctor *d, const char *unit)
{
	/* systemd keeps a link for each unit that runs. */
	return host_exists(d, doctor_printf(d, "/run/systemd/units/"
					    "invocation:%s", unit)) ||
		unit_enabled(d, unit);
}

/* Is there a file of that name in a folder behind? */
static bool is_hidden(const struct doctor *d, const char *const *folders,
		      const char *name)
{
	while (*++folders)
		if (host_exists(d, doctor_printf(d, "%s/%s", *folders, name)))
			return true;
	return false;
}

struct paths {
	const char **items;
	size_t count, capacity;
};

static void add_path(struct doctor *d, struct paths *paths, const char *path)
{
	arena_room(d->arena, &paths->items, paths->count, &paths->capacity,
		   sizeof(*paths->items));
	paths->items[paths->count++] = path;
}

static int name_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(strrchr(*x, '/'), strrchr(*y, '/'));
}

/* Drop-ins of all these folders as one list, by their names. */
static void add_drop_ins(struct doctor *d, struct paths *paths,
			 const char *const *folders, size_t from, size_t end)
{
	size_t first = paths->count;

	for (size_t i = from; i < end; i++) {
		const char **names;
		size_t count = host_list(d, folders[i], ".conf", &names);

		for (size_t j = 0; j < count; j++)
			if (!is_hidden(d, folders + i, names[j]))
				add_path(d, paths, doctor_printf(
					d, "%s/%s", folders[i], names[j]));
	}
	if (paths->count > first)
		qsort(paths->items + first, paths->count - first,
		      sizeof(*paths->items), name_order);
}

size_t conf_files(struct doctor *d, const char *main,
		  const char *const *folders, size_t after,
		  const char *const **out)
{
	struct paths paths = { 0 };
	size_t end = 0;

	while (folders[end])
		end++;
	add_drop_ins(d, &paths, folders, 0, after);
	add_path(d, &paths, main);
	add_drop_ins(d, &paths, folders, after, end);
	*out = paths.items;
	return paths.count;
}

bool conf_find(struct str text, const char *section, const char *key,
	       struct str *value)
{
	const struct source source = { .text = text };
	bool inside = !*section, found = false;
	struct ini_line line;
	enum ini_kind kind;
	struct ini ini;

	ini_start(&ini, &source);
	while ((kind = ini_next(&ini, &line)) != INI_END) {
		if (kind == INI_SECTION)
			inside = str_is(line.key, section);
		if (!inside || kind != INI_PAIR || !str_is(line.key, key))
			continue;
		*value = line.value;
		found = true;
	}
	return found;
}

bool conf_word(struct str *rest, struct str *word)
{
	size_t size = 0;

	*rest = str_trim(*rest);
	while (size < rest->size && rest->data[size] != ' ' &&
	       rest->data[size] != '\t')
		size++;
	*word = (struct str){ rest->data, size };
	rest->data += size;
	rest->size -= size;
	return size;
}

bool conf_is_no(struct str value)
{
	static const char *const words[] = { "no", "n", "false", "f", "off",
					     "0" };

	for (size_t i = 0; i < array_size(words); i++)
		if (str_is_nocase(value, words[i]))
			return true;
	return false;
}
