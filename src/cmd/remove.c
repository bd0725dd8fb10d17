/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remove and recover: from the marks alone, without a source. */
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/meshes.h"
#include "cmd/output.h"

int mesh_open(struct session *s, bool writes, struct err *e)
{
	const char *mesh = NULL;
	struct err why = { 0 };

	if (mesh_named(s, &mesh, e) || session_enter(s, writes, e))
		return -1;
	if (!mesh_is_here(s, mesh, &why)) {
		if (why.kind == ERR_USAGE) {
			*e = why;
			return -1;
		}
		output_note(s, "%s", why.text);
	}
	if (session_store(s, mesh, writes, e))
		return -1;
	return session_kernel(s, e) || session_last(s, e) ? -1 : 0;
}

int cmd_remove(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };

	session_open(&s, o);
	if (mesh_open(&s, !o->dry_run, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	/* Nothing is wanted: the plan takes away what is owned. */
	strcpy(s.want.mesh, s.run.mesh);
	s.forget = true;
	return change_run(&s, false, &e);
}

/* Is there anything of MESH to be undone or finished? */
static bool is_left(struct session *s, const char *mesh)
{
	struct store *store;
	struct err ignored;
	bool left;

	if (store_open(s->arena, s->options->root, mesh, false, &store,
		       &ignored))
		return true;
	left = journal_look(store) != JOURNAL_NONE || pending_exists(store);
	store_close(store);
	return left;
}

static int recover_one(struct session *s, const char *mesh, struct err *e)
{
	const struct pending *p;
	struct err why;

	/* What is pending in another namespace is for a run there. */
	if (store_open(s->arena, s->options->root, mesh, false, &s->run.store,
		       e) ||
	    pending_read(s->run.store, s->arena, s->secrets, &p, e))
		return -1;
	store_close(s->run.store);
	s->run.store = NULL;
	s->run.mesh = mesh;
	if (p && !confirm_is_ours(s, p)) {
		(void)confirm_foreign(s, p, &why);
		output_note(s, "%s", why.text);
		return 0;
	}
	return session_store(s, mesh, true, e);
}

/* Whatever is left of any mesh; the first failure is the run's. */
static int recover_all(struct session *s, struct err *e)
{
	struct mesh_names names = { 0 };
	struct err first = { 0 };

	if (session_enter(s, true, e) || mesh_names_here(s, &names, e))
		return output_end(s, "failed", NULL, e, (int)e->kind);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_(session_closep) struct session one = { 0 };

		if (!is_left(s, names.items[i]))
			continue;
		session_open(&one, s->options);
		one.recovers = true;
		if (!recover_one(&one, names.items[i], e))
			continue;
		if (first.kind)
			output_error(s, e);
		else
			first = *e;
	}
	if (first.kind)
		return output_end(s, "failed", NULL, &first, (int)first.kind);
	return output_end(s, "nothing left to undo", NULL, NULL, 0);
}

int cmd_recover(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };

	session_open(&s, o);
	s.recovers = true;
	if (o->dry_run) {
		enum journal_mark mark;

		if (mesh_open(&s, false, &e))
			return output_end(&s, "failed", NULL, &e,
					  (int)e.kind);
		mark = journal_look(s.run.store);
		return output_end(&s, mark == JOURNAL_OPEN ?
				  "something to undo" : "nothing to undo",
				  NULL, NULL, mark == JOURNAL_OPEN &&
				  o->detailed_exitcode ? EXIT_CHANGES : 0);
	}
	if (!o->argument_count && !o->mesh)
		return recover_all(&s, &e);
	/* Opening it with the lock undoes what is there to undo. */
	if (mesh_open(&s, true, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	return output_end(&s, "nothing left to undo", NULL, NULL, 0);
}
