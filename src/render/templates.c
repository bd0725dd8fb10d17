/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where template files come from. */
#include "render/templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "render/builtin.h"
#include "render/template.h"

#define PARTIALS "partials"
#define SUFFIX ".mustache"
#define FILES_MAX 1024	/* in one folder: one of templates has a few */

const char *const template_file_names[TEMPLATE_FILES] = {
	[TEMPLATE_WIREGUARD] = "wireguard.conf",
	[TEMPLATE_NETWORK] = "network.batch",
	[TEMPLATE_FIREWALL] = "firewall.nft",
};

struct found {
	const char *name;	/* in {{>NAME}}, or that of one of the three */
	struct source source;	/* its name is NULL while it is not found */
	bool builtin;
};

struct loader {
	struct arena *arena;
	struct diags *diags;
	struct found *items;	/* the three come first */
	size_t count, capacity;
};

struct names {
	const char **items;
	size_t count, capacity;
};

static int read_names(struct loader *l, DIR *listing, struct names *names,
		      struct err *e)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(listing))) {
		/* Others' business: .git, a file that is being edited. */
		if (entry->d_name[0] == '.')
			continue;
		if (names->count == FILES_MAX)
			return err_set(e, ERR_CONFIG, "more than %d files",
				       FILES_MAX);
		arena_room(l->arena, &names->items, names->count,
			   &names->capacity, sizeof(*names->items));
		names->items[names->count++] =
			arena_strdup(l->arena, entry->d_name);
	}
	return errno ? err_sys(e, "list the folder") : 0;
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static struct found *find(struct loader *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i].name, name))
			return &l->items[i];
	return NULL;
}

static struct found *find_or_add(struct loader *l, const char *name)
{
	struct found *found = find(l, name);

	if (found)
		return found;
	arena_room(l->arena, &l->items, l->count, &l->capacity,
		   sizeof(*l->items));
	found = &l->items[l->count++];
	*found = (struct found){ .name = name };
	return found;
}

/* NAME without the suffix of partials, or NULL. */
static const char *partial_name(struct loader *l, const char *name)
{
	size_t size = strlen(name), suffix = sizeof(SUFFIX) - 1;

	if (size <= suffix || strcmp(name + size - suffix, SUFFIX) != 0)
		return NULL;
	return arena_strndup(l->arena, name, size - suffix);
}

static bool is_one_of_three(const char *name)
{
	for (size_t i = 0; i < TEMPLATE_FILES; i++)
		if (!strcmp(name, template_file_names[i]))
			return true;
	return false;
}

static void warn_unknown(struct loader *l, const char *folder,
			 const char *name, bool top)
{
	struct diag *diag = diag_warning(l->diags, (struct place){ 0 },
		"%s/%s is not read: %s", folder, name, top ?
		"no template has this name" :
		"a partial's name ends in " SUFFIX);

	if (top)
		diag_hint_nearest(l->diags, diag, str_of(name),
				  template_file_names, TEMPLATE_FILES);
}

/* The first found is taken. */
static int take_file(struct loader *l, int fd, const char *folder,
		     const char *file, const char *name, struct err *e)
{
	struct found *found = find_or_add(l, name);

	if (found->source.name)
		return 0;
	if (file_read(fd, file, TEMPLATE_LIMIT, l->arena, &found->source.text,
		      e) < 0)
		return err_wrap(e, "%s", folder);
	found->source.name = arena_printf(l->arena, "%s/%s", folder, file);
	return 0;
}

/* A folder of templates, or, if not TOP, one of partials. */
static int take_folder(struct loader *l, const char *root, const char *path,
		       bool top, struct err *e)
{
	const char *folder = arena_printf(l->arena, "%s%s%s", root, *root &&
					  *path && *path != '/' ? "/" : "",
					  path);
	cleanup_fd int fd = folder_open(root, path, false, 0, e);
	cleanup_(dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct names names = { 0 };

	if (!dir)
		return fd < 0 ? -1 : err_sys(e, "list the folder %s", folder);
	trace_at(fd, TRACE_TIMES);
	fd_take(&fd);
	if (read_names(l, dir, &names, e) < 0)
		return err_wrap(e, "%s", folder);
	names.count = words_sort(names.items, names.count);
	for (size_t i = 0; i < names.count; i++) {
		const char *file = names.items[i], *name = file;

		if (top && !strcmp(file, PARTIALS)) {
			if (take_folder(l, folder, PARTIALS, false, e) < 0)
				return -1;
			continue;
		}
		if (!top)
			name = partial_name(l, file);
		else if (!is_one_of_three(file))
			name = NULL;
		if (!name)
			warn_unknown(l, folder, file, top);
		else if (take_file(l, dirfd(dir), folder, file, name, e) < 0)
			return -1;
	}
	return 0;
}

/* One of ours, which need not be there. */
static int take_own_folder(struct loader *l, const char *root,
			   const char *path, struct err *e)
{
	struct err failed;

	if (!take_folder(l, root, path, true, &failed) ||
	    failed.kind == ERR_NO_INPUT)
		return 0;
	*e = failed;
	return -1;
}

static void take_builtin(struct loader *l)
{
	struct builtin b;

	for (size_t i = 0; (b = builtin_template(i)).file; i++) {
		const char *base = strrchr(b.file, '/');
		struct found *found = find_or_add(l, base ?
			partial_name(l, base + 1) : b.file);

		found->builtin = true;
		if (found->source.name)
			continue;
		found->source.text = b.text;
		found->source.name = arena_printf(l->arena, "<built-in>/%s",
						  b.file);
	}
}

/* A partial of the user's own that nothing includes has a wrong name. */
static void warn_unused(struct loader *l, const struct template_set *set)
{
	const char **names = arena_new_array(l->arena, const char *, l->count);
	size_t count = 0;

	for (size_t i = TEMPLATE_FILES; i < l->count; i++)
		if (l->items[i].builtin)
			names[count++] = l->items[i].name;
	for (size_t i = TEMPLATE_FILES; i < l->count; i++) {
		const struct found *found = &l->items[i];
		struct diag *diag;

		if (found->builtin || template_uses(set, found->name))
			continue;
		diag = diag_warning(l->diags, (struct place){ 0 },
				    "no template includes %s",
				    found->source.name);
		diag_hint_nearest(l->diags, diag, str_of(found->name), names,
				  count);
	}
}

static int partial_order(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name,
		      ((const struct found *)b)->name);
}

static int parse(struct loader *l, struct templates *out, struct err *e)
{
	struct template_text *texts = arena_new_array(l->arena,
						      struct template_text,
						      l->count);
	struct source *sources = arena_new_array(l->arena, struct source,
						 l->count);
	size_t errors = l->diags->errors;
	const struct template_set *set;

	if (l->count > TEMPLATE_FILES)
		qsort(l->items + TEMPLATE_FILES, l->count - TEMPLATE_FILES,
		      sizeof(*l->items), partial_order);
	for (size_t i = 0; i < l->count; i++) {
		sources[i] = l->items[i].source;
		texts[i] = (struct template_text){ l->items[i].name,
						   &sources[i] };
	}
	set = template_parse(l->arena, texts, l->count, l->diags);
	if (!set) {
		errors = l->diags->errors - errors;
		return err_set(e, ERR_CONFIG, "%zu error%s in the templates",
			       errors, errors == 1 ? "" : "s");
	}
	warn_unused(l, set);
	*out = (struct templates){ set, sources, l->count };
	return 0;
}

int templates_load(struct arena *arena, const char *root, const char *dir,
		   struct templates *out, struct diags *diags, struct err *e)
{
	struct loader l = { .arena = arena, .diags = diags };

	for (size_t i = 0; i < TEMPLATE_FILES; i++)
		find_or_add(&l, template_file_names[i]);
	if (dir && take_folder(&l, dir, "", true, e) < 0)
		return err_wrap(e, "templates");
	if (take_own_folder(&l, root, "/etc/meshapply/templates", e) < 0 ||
	    take_own_folder(&l, root, MESHAPPLY_DATADIR "/templates", e) < 0)
		return err_wrap(e, "templates");
	take_builtin(&l);
	return parse(&l, out, e);
}

int templates_render(struct arena *arena, const struct templates *templates,
		     const struct value *values,
		     struct source out[static TEMPLATE_FILES],
		     struct diags *diags)
{
	struct source made[TEMPLATE_FILES] = { 0 };
	int result = 0;

	for (size_t i = 0; i < TEMPLATE_FILES; i++) {
		const char *name = template_file_names[i];

		made[i].name = name;
		if (template_render(arena, templates->set, name, values,
				    carry_of(name), &made[i].text, diags) < 0)
			result = -1;
		if (!made[i].text.size)
			made[i].text.data = NULL;
	}
	if (!result)
		memcpy(out, made, sizeof(made));
	return result;
}
