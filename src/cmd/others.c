/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other meshes of this host, as far as their documents are here. */
#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "doc/doc.h"

/* Only documents are: what others say is known once it is applied. */
static int check_kind(const struct want *w, struct err *e)
{
	switch (w->in.kind) {
	case SOURCE_DOCUMENT:
		return 0;
	case SOURCE_QUICK:
		return err_set(e, ERR_DATA, "%s is a wg-quick file",
			       w->config.source);
	case SOURCE_FOLDER:
		return err_set(e, ERR_DATA, "%s is a folder of files",
			       w->config.source);
	case SOURCE_URL:
		return err_set(e, ERR_DATA, "%s is not fetched",
			       w->config.source);
	}
	return -1;
}

/* The document of another mesh. */
static int open_other(struct session *s, const char *name, struct want *w,
		      struct err *e)
{
	struct diags diags;	/* what is wrong with it is not ours to tell */

	diags_init(&diags, s->arena);
	if (config_read(s->options->root, name, s->arena, &w->config, &diags,
			e))
		return -1;
	w->key = w->config.key;
	w->node = w->config.node;
	w->node_by = w->config.text.name;
	if (!w->config.source)
		return err_set(e, ERR_DATA, "%s names no source",
			       w->config.text.name);
	if (source_open("", w->config.source, s->arena, s->secrets, &w->in,
			e) || check_kind(w, e))
		return -1;
	if (mesh_read(s->arena, s->secrets, &w->in.text, &w->document->mesh,
		      &diags))
		return err_set(e, ERR_DATA, "%s has errors", w->in.text.name);
	return 0;
}

/* -1: not compared, and why. */
static int check_other(struct session *s, const char *name,
		       const struct view *view, struct err *e)
{
	struct want *w = arena_new_object(s->arena, struct want);
	struct view *other = arena_new_object(s->arena, struct view);
	int clash;

	w->document = arena_new_object(s->arena, struct document);
	if (open_other(s, name, w, e) || document_find_self(s, w, e))
		return -1;
	view_make(s->arena, &w->document->mesh, w->document->self, other);
	/* A clash is in the diagnostics; compared they were. */
	clash = view_check_pair(view, other, &s->diags);
	(void)clash;
	return 0;
}

void others_check(struct session *s, const struct view *view)
{
	const char **names;
	struct err e = { 0 };
	size_t count;

	if (config_names(s->options->root, s->arena, &names, &count, &e)) {
		output_note(s, "other meshes were not compared with: %s",
			    e.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], view->mesh->name) ||
		    !mesh_name_valid(str_of(names[i])))
			continue;
		if (check_other(s, names[i], view, &e))
			output_note(s, "the mesh %s was not compared with: %s",
				    names[i], e.text);
	}
}
