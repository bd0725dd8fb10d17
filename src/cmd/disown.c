/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disown: leave a mesh running, and know nothing of it any more. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"

int cmd_disown(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	int status;

	session_open(&s, o);
	if (mesh_open(&s, !o->dry_run, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	strcpy(s.want.mesh, s.run.mesh);
	s.forget = true;
	s.run.options.disown = true;
	status = change_run(&s, false, &e);
	if (o->json || o->jsonl || o->verbose)
		return status;
	for (size_t i = 0; i < s.run.plan.note_count; i++)
		output_note(&s, "%s", s.run.plan.notes[i]);
	return status;
}
