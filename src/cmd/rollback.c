/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rollback: undo what is pending, or go back to an older generation. */
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/generation.h"
#include "cmd/meshes.h"
#include "cmd/output.h"

#define WAIT_SECONDS 60		/* for the guard, which may be at work */

/* The only mesh that anything is pending of, or that anything is kept of. */
static int only_mesh(struct session *s, const char **mesh, struct err *e)
{
	struct mesh_names kept = { 0 };
	const char **names;
	size_t count;

	if (pending_names(s->options->root, s->arena, &names, &count, e))
		return -1;
	mesh_names_kept(s, &kept);
	if (count != 1 && kept.count != 1)
		return err_set(e, ERR_USAGE, "rollback of which mesh? "
			       "meshapply status lists them");
	*mesh = count == 1 ? names[0] : kept.items[0];
	return 0;
}

/* "[MESH] [N]"; a mesh can be called like a number. */
static int read_arguments(struct session *s, const char **mesh,
			  uint64_t *number, struct err *e)
{
	const struct options *o = s->options;
	int count = o->argument_count;
	const char *last = count ? o->arguments[count - 1] : NULL;
	struct err why;

	*mesh = o->mesh;
	*number = 0;
	if (last && (count == 2 || o->mesh || !mesh_is_here(s, last, &why)) &&
	    !str_uint(str_of(last), GENERATION_NUMBER_MAX, number) && *number)
		count--;
	if (count == 2)
		return err_set(e, ERR_USAGE, "%s is no number of a state: see "
			       "meshapply history", last);
	if (count && mesh_of_argument(s, o->arguments[0], mesh, e))
		return -1;
	return *mesh ? 0 : only_mesh(s, mesh, e);
}

static int roll_back(struct session *s, struct err *e)
{
	if (s->options->dry_run)
		return output_end(s, "something to undo", NULL, NULL,
				  s->options->detailed_exitcode ?
				  EXIT_CHANGES : 0);
	if (pending_roll_back(&s->run, "by hand", e))
		return output_end(s, "failed", NULL, e, (int)e->kind);
	return output_end(s, "rolled back", NULL, NULL, 0);
}

/*
 * Was the last change undone, by its guard, by hand or on the way to the lock?
 * Then to undo the one before it as well is not what is asked for.
 */
static bool is_undone(struct session *s, struct settled *settled)
{
	const struct generation *last = NULL;
	struct err ignored;

	pending_settled(s->run.store, s->arena, settled);
	if (generation_newest(s->run.store, s->arena, &last, &ignored))
		return false;
	if (last && last->state == GENERATION_ROLLED_BACK)
		return true;
	/* A removal makes none. */
	return settled->how == SETTLED_ROLLED_BACK &&
	       (!last || settled->time > last->time);
}

static int undone_already(struct session *s, const struct settled *settled)
{
	char when[CLOCK_TEXT_MAX];
	const char *mesh = s->run.mesh;
	bool told = settled->how == SETTLED_ROLLED_BACK;

	output_note(s, "the last change of %s is rolled back already%s%s: "
		    "meshapply rollback %s NUMBER goes back further, "
		    "meshapply history %s lists to where", mesh,
		    told ? ", since " : "",
		    told ? clock_text(settled->time, when) : "", mesh, mesh);
	return output_end(s, "rolled back already", NULL, NULL, 0);
}

/* The one before that which stands; a rollback stands for where it led. */
static int find_before(struct session *s, uint64_t *number, struct err *e)
{
	const struct generation *now;
	struct generations list;
	uint64_t limit;

	if (generation_standing(s->run.store, s->arena, &now, e) ||
	    generation_list(s->run.store, s->arena, &list, e))
		return -1;
	limit = !now ? 0 : now->back_to ? now->back_to : now->number;
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i]->number < limit &&
		    list.items[i]->state == GENERATION_APPLIED)
			*number = list.items[i]->number;
	if (*number)
		return 0;
	return err_set(e, ERR_NO_INPUT, "nothing of %s waits to be confirmed, "
		       "and no older state of it is kept", s->run.mesh);
}

static int go_back(struct session *s, uint64_t number, struct err *e)
{
	if ((!number && find_before(s, &number, e)) ||
	    generation_want(s, number, e)) {
		output_diags(s, e);
		return output_end(s, "failed", NULL, e, (int)e->kind);
	}
	output_note(s, "back to generation %llu",
		    (unsigned long long)number);
	return change_run(s, false, e);
}

int cmd_rollback(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	const struct pending *p = NULL;
	struct err e = { 0 };
	struct settled settled;
	const char *mesh;
	uint64_t number;

	if (!o->wait)
		o->wait = WAIT_SECONDS;
	session_open(&s, o);
	s.settles = true;
	if (read_arguments(&s, &mesh, &number, &e) ||
	    session_enter(&s, !o->dry_run, &e) ||
	    session_store(&s, mesh, !o->dry_run, &e) ||
	    session_kernel(&s, &e) || session_last(&s, &e) ||
	    pending_read(s.run.store, s.arena, s.secrets, &p, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	if (p && number) {
		err_set(&e, ERR_BUSY, "a change of %s waits to be confirmed: "
			"meshapply confirm %s or meshapply rollback %s first",
			mesh, mesh, mesh);
		e.number = EXIT_PENDING;
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	}
	if (p)
		return roll_back(&s, &e);
	if (!number && is_undone(&s, &settled))
		return undone_already(&s, &settled);
	return go_back(&s, number, &e);
}
