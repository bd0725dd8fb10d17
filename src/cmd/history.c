/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history: what was applied to a mesh, from what is kept of it. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/generation.h"
#include "cmd/meshes.h"
#include "cmd/output.h"
#include "report/history.h"
#include "report/report.h"

static int find_names(struct session *s, struct mesh_names *names,
		      struct err *e)
{
	const struct options *o = s->options;
	const char *mesh;

	if (session_enter(s, false, e))
		return -1;
	if (!o->argument_count && !o->mesh) {
		mesh_names_kept(s, names);
		return 0;
	}
	if (mesh_named(s, &mesh, e))
		return -1;
	if (!mesh_is_here(s, mesh, e))
		return -1;
	mesh_names_add(s, names, mesh);
	return 0;
}

static void print_text(const struct session *s, const char *mesh,
		       const struct generations *generations)
{
	static bool again;
	struct sbuf out;

	if (s->options->quiet)
		return;
	sbuf_init(&out, s->arena);
	if (again)
		sbuf_putc(&out, '\n');
	again = true;
	history_text(&out, mesh, generations);
	fwrite(out.data, 1, out.size, stdout);
}

static int show(struct session *s, const char *mesh, json_t *list,
		struct err *e)
{
	const struct options *o = s->options;
	struct generations generations;
	struct store *store;
	int status;

	if (store_open(s->arena, o->root, mesh, false, &store, e))
		return -1;
	status = generation_list(store, s->arena, &generations, e);
	store_close(store);
	if (status)
		return -1;
	if (generations.unread)
		output_note(s, "%zu of the states that are kept of %s cannot "
			    "be read; they are left out", generations.unread,
			    mesh);
	if (o->json || o->jsonl)
		print_mesh(o, list, history_json(s->arena, mesh,
						 &generations));
	else
		print_text(s, mesh, &generations);
	return 0;
}

static void print_end(struct session *s, json_t *list, const struct err *e)
{
	const struct options *o = s->options;
	json_t *object = result_json(s, e, e ? (int)e->kind : 0);

	json_object_set_new(object, "notes", notes_json(s));
	if (o->json)
		json_object_set(object, "meshes", list);
	print_result(o, object);
}

int cmd_history(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	json_t *list = json_array();
	struct mesh_names names = { 0 };
	struct err e = { 0 };
	int status;

	session_open(&s, o);
	status = find_names(&s, &names, &e);
	for (size_t i = 0; !status && i < names.count; i++)
		status = show(&s, names.items[i], list, &e);
	if (status)
		output_error(&s, &e);
	if (o->json || o->jsonl)
		print_end(&s, list, status ? &e : NULL);
	else if (!status && !names.count && !o->quiet)
		puts("nothing is kept of any mesh on this host");
	json_decref(list);
	return status ? (int)e.kind : 0;
}
