/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remove and recover: from the marks alone, without a source. */
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/meshes.h"
#include "cmd/output.h"

/* That there is nothing of it is no error: it may have been removed before. */
static int open_mesh(struct session *s, bool writes, struct err *e)
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
	if (open_mesh(&s, !o->dry_run, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	/* Nothing is wanted: the plan takes away what is owned. */
	strcpy(s.want.mesh, s.run.mesh);
	s.forget = true;
	return change_run(&s, false, &e);
}

int cmd_recover(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };

	session_open(&s, o);
	if (o->dry_run) {
		enum journal_mark mark;

		if (open_mesh(&s, false, &e))
			return output_end(&s, "failed", NULL, &e,
					  (int)e.kind);
		mark = journal_look(s.run.store);
		return output_end(&s, mark == JOURNAL_OPEN ?
				  "something to undo" : "nothing to undo",
				  NULL, NULL, mark == JOURNAL_OPEN &&
				  o->detailed_exitcode ? EXIT_CHANGES : 0);
	}
	/* Opening it with the lock undoes what is there to undo. */
	if (open_mesh(&s, true, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	return output_end(&s, "nothing left to undo", NULL, NULL, 0);
}
