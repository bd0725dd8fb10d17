/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/meshes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "doc/doc.h"
#include "input/config.h"
#include "input/source.h"
#include "kern/kernel.h"
#include "state/value.h"

#define KEPT_FOLDER "/var/lib/meshapply"
#define RUN_FOLDER "/run/meshapply"
#define NAMES_SHOWN 8

void mesh_names_add(struct session *s, struct mesh_names *names,
		    const char *name)
{
	if (!mesh_name_valid(str_of(name)))
		return;
	arena_room(s->arena, &names->items, names->count, &names->capacity,
		   sizeof(*names->items));
	names->items[names->count++] = arena_strdup(s->arena, name);
}

/* All links of this host, without keeping a socket to the kernel. */
static int look(struct session *s, struct state *have, struct err *e)
{
	struct kern_options options = {
		.helper_folder = helper_folder(s->arena), .lock = -1,
	};
	struct scope scope = { .mesh = "" };
	struct kernel *kernel;
	int result;

	if (kern_open(s->arena, &options, &kernel, e))
		return -1;
	result = kernel->observe(kernel, s->arena, s->secrets, &scope, have,
				 e);
	kern_close(kernel);
	return result;
}

static void add_live(struct session *s, struct mesh_names *names,
		     const struct state *have)
{
	for (size_t i = 0; i < have->link_count; i++) {
		const char *mesh = alias_mesh(have->links[i].alias);

		if (mesh)
			mesh_names_add(s, names, mesh);
	}
}

/* A device may have been taken away. */
static void add_kept(struct session *s, struct mesh_names *names)
{
	struct err ignored;
	int fd = folder_open(s->options->root, KEPT_FOLDER, false, 0,
			     &ignored);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		fd_closep(&fd);
		return;
	}
	/* What begins with a dot is not a mesh's. */
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR ||
						entry->d_type == DT_UNKNOWN))
			mesh_names_add(s, names, entry->d_name);
	closedir(folder);
}

void mesh_names_kept(struct session *s, struct mesh_names *names)
{
	add_kept(s, names);
	names->count = words_sort(names->items, names->count);
}

static void collect(struct session *s, struct mesh_names *names,
		    const struct state *have)
{
	add_live(s, names, have);
	add_kept(s, names);
	names->count = words_sort(names->items, names->count);
}

bool mesh_is_among(const char *mesh, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], mesh))
			return true;
	return false;
}

int mesh_names_here(struct session *s, struct mesh_names *names,
		    struct err *e)
{
	struct state have = { 0 };

	if (look(s, &have, e))
		return -1;
	collect(s, names, &have);
	return 0;
}

static const char *argument_of(const struct session *s)
{
	const struct options *o = s->options;

	return o->argument_count ? o->arguments[0] : o->mesh;
}

int mesh_named(struct session *s, const char **mesh, struct err *e)
{
	const struct options *o = s->options;
	const char *name = argument_of(s);

	if (!name)
		return err_set(e, ERR_USAGE, "%s which mesh? meshapply status "
			       "lists them", o->verb);
	if (o->argument_count && o->mesh && strcmp(name, o->mesh))
		return err_set(e, ERR_USAGE, "%s or --mesh %s?", name,
			       o->mesh);
	return mesh_of_argument(s, name, mesh, e);
}

/* What may not be looked at, or is no folder, is left to those who read it. */
static bool exists(const char *root, const char *folder, const char *name)
{
	struct err failed = { 0 };
	cleanup_fd int fd = folder_open(root, folder, false, 0, &failed);
	struct stat st;

	if (fd < 0)
		return failed.kind != ERR_NO_INPUT;
	return !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
}

static bool is_on_disk(struct session *s, const char *mesh)
{
	const char *root = s->options->root;

	return exists(root, KEPT_FOLDER, mesh) ||
		exists(root, RUN_FOLDER, mesh) ||
		exists(root, CONFIG_FOLDER, arena_printf(s->arena, "%s.conf",
							 mesh));
}

/* NAME without the ending of a file, or NULL if it has none. */
static const char *stem(struct session *s, const char *name)
{
	struct str file = str_of(name);

	if (!str_ends(file, ".json") && !str_ends(file, ".conf"))
		return NULL;
	return arena_strndup(s->arena, name, file.size - strlen(".conf"));
}

/* The mesh that the document of that path says it is, or NULL. */
static const char *mesh_of_document(struct session *s, const char *path)
{
	struct input_source *in = arena_new_object(s->arena,
						   struct input_source);
	struct mesh mesh = { 0 };
	struct diags diags;	/* what is wrong with it does not matter */
	struct err ignored;

	diags_init(&diags, s->arena);
	if (source_open("", path, s->arena, s->secrets, in, &ignored) ||
	    in->kind != SOURCE_DOCUMENT ||
	    mesh_decode(s->arena, s->secrets, &in->text, &mesh, &diags))
		return NULL;
	return mesh.name;
}

/* "; there is office, lab" */
static const char *others(struct session *s, const struct mesh_names *names)
{
	struct sbuf out;

	if (!names->count)
		return "; no mesh of meshapply is on this host";
	sbuf_init(&out, s->arena);
	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		sbuf_printf(&out, "%s%s", i ? ", " : "; there is ",
			    names->items[i]);
	if (names->count > NAMES_SHOWN)
		sbuf_printf(&out, " and %zu more", names->count - NAMES_SHOWN);
	return out.data;
}

/* A path, a file's name, a device's name: not the mesh's. */
static int explain(struct session *s, const char *mesh,
		   const struct state *have, const struct mesh_names *names,
		   struct err *why)
{
	const struct link *link = state_link(have, mesh);
	const char *other = link ? alias_mesh(link->alias) : NULL;
	const char *argument = argument_of(s), *verb = s->options->verb;
	const char *base = stem(s, argument);
	struct stat st;

	if (other)
		return err_set(why, ERR_USAGE, "%s is the device of the mesh "
			       "%s: meshapply %s %s", mesh, other, verb,
			       other);
	if (base && mesh_is_among(base, names->items, names->count))
		return err_set(why, ERR_USAGE, "%s is no name of a mesh here: "
			       "meshapply %s %s", argument, verb, base);
	if (base && !stat(argument, &st)) {
		/* A pipe would be waited for. */
		if (S_ISREG(st.st_mode))
			other = mesh_of_document(s, argument);
		return err_set(why, ERR_USAGE, "%s is a file, and the name of "
			       "a mesh is wanted: meshapply %s %s", argument,
			       verb, other ? other : base);
	}
	return err_set(why, ERR_NO_INPUT, "there is nothing of a mesh %s%s",
		       mesh, others(s, names));
}

bool mesh_is_here(struct session *s, const char *mesh, struct err *why)
{
	struct mesh_names names = { 0 };
	struct state have = { 0 };
	struct err ignored;

	/* Who may not look is told so when it is looked for. */
	if (is_on_disk(s, mesh) || look(s, &have, &ignored))
		return true;
	collect(s, &names, &have);
	if (mesh_is_among(mesh, names.items, names.count))
		return true;
	explain(s, mesh, &have, &names, why);
	return false;
}
