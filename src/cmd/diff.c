/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff: what would change from one state that was applied to another. */
#include <stdio.h>
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/generation.h"
#include "cmd/output.h"
#include "plan/plan.h"

/* What was applied last: its key is that of the newest generation. */
static int state_now(struct session *s, struct state *out, struct err *e)
{
	const struct generation *g;

	if (session_last(s, e) ||
	    generation_standing(s->run.store, s->arena, &g, e))
		return -1;
	if (!s->run.last)
		return err_set(e, ERR_NO_INPUT, "what was applied last to %s "
			       "is not kept", s->run.mesh);
	*out = *s->run.last;
	out->devices = arena_copy(s->arena, out->devices, out->device_count *
				  sizeof(*out->devices));
	for (size_t i = 0; g && i < out->device_count; i++) {
		out->devices[i].public_key = g->public_key;
		out->devices[i].has |= DEVICE_PRIVATE_KEY;
	}
	return 0;
}

/* NUMBER 0 is now. */
static int read_side(struct session *s, uint64_t number, struct state *out,
		     struct err *e)
{
	return number ? generation_state(s, number, out, e) :
		state_now(s, out, e);
}

static int make(struct session *s, struct err *e)
{
	struct state *from = arena_new_object(s->arena, struct state);
	struct state *to = arena_new_object(s->arena, struct state);
	uint64_t numbers[2];
	const char *mesh;
	char **texts;

	if (generation_mesh(s, 2, &mesh, &texts, e) ||
	    generation_number(texts[0], true, &numbers[0], e) ||
	    generation_number(texts[1], true, &numbers[1], e) ||
	    session_enter(s, false, e))
		return -1;
	s->run.mesh = mesh;
	if (store_open(s->arena, s->options->root, mesh, false, &s->run.store,
		       e) ||
	    read_side(s, numbers[0], from, e) ||
	    read_side(s, numbers[1], to, e))
		return -1;
	return plan_between(s->arena, from, to, &s->run.plan, e);
}

int cmd_diff(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	bool differs;

	session_open(&s, o);
	if (make(&s, &e)) {
		output_diags(&s, &e);
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	}
	/* What has no step is told in any case. */
	o->verbose = true;
	output_plan(&s);
	differs = s.run.plan.count || s.run.plan.note_count;
	return output_end(&s, differs ? "different" : "no difference", NULL,
			  NULL, differs && o->detailed_exitcode ?
			  EXIT_CHANGES : 0);
}
