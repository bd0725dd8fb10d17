/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confirm: what apply --confirm did stays. */
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/meshes.h"
#include "cmd/output.h"

#define WAIT_SECONDS 60		/* for the guard, which may be at work */

/* What is meant: a mesh, or the token of one. */
struct meant {
	const char *mesh, *token;
};

static bool has_token(struct session *s, const char *mesh, const char *token)
{
	const struct pending *p = NULL;
	struct store *store;
	struct err ignored;
	bool has;

	if (store_open(s->arena, s->options->root, mesh, false, &store,
		       &ignored))
		return false;
	has = !pending_read(store, s->arena, s->secrets, &p, &ignored) && p &&
	      !strcmp(p->token, token);
	store_close(store);
	return has;
}

/* How the last change of MESH ended, if its token is TOKEN (NULL: any). */
static void look_settled(struct session *s, const char *mesh,
			 const char *token, struct settled *last,
			 const char **of)
{
	struct settled settled;
	struct store *store;
	struct err ignored;

	if (store_open(s->arena, s->options->root, mesh, false, &store,
		       &ignored))
		return;
	pending_settled(store, s->arena, &settled);
	store_close(store);
	if (settled.how == SETTLED_UNKNOWN || settled.time < last->time ||
	    (token && strcmp(settled.token, token)))
		return;
	*last = settled;
	*of = mesh;
}

/* Nothing waits; was it too late? */
static int too_late(struct session *s, const struct meant *meant)
{
	char when[CLOCK_TEXT_MAX];
	struct settled last = { 0 };
	struct mesh_names names = { 0 };
	const char *of = meant->mesh;
	struct err e = { 0 };

	if (meant->mesh)
		look_settled(s, meant->mesh, meant->token, &last, &of);
	else if (!mesh_names_here(s, &names, &e))
		for (size_t i = 0; i < names.count; i++)
			look_settled(s, names.items[i], meant->token, &last,
				     &of);
	s->run.mesh = of;
	switch (last.how) {
	case SETTLED_CONFIRMED:
		output_note(s, "%s was confirmed at %s", of,
			    clock_text(last.time, when));
		return output_end(s, "confirmed already", NULL, NULL, 0);
	case SETTLED_ROLLED_BACK:
		err_set(&e, ERR_FAILED, "too late: %s was rolled back at %s "
			"(%s)", of, clock_text(last.time, when), last.why ?
			last.why : "no reason is known");
		break;
	case SETTLED_UNKNOWN:
		err_set(&e, ERR_NO_INPUT, "nothing%s%s waits to be confirmed%s"
			"%s", of ? " of " : "", of ? of : "", meant->token ?
			" by the token " : "", meant->token ? meant->token :
			"");
		break;
	}
	return output_end(s, "failed", NULL, &e, (int)e.kind);
}

static int several(const char *const *names, size_t count, struct err *e)
{
	return err_set(e, ERR_USAGE, "changes of %zu meshes wait to be "
		       "confirmed, of %s and %s first: say which one", count,
		       names[0], names[1]);
}

/* The mesh that is meant; none where nothing of it is pending. */
static int find(struct session *s, struct meant *meant, bool *pending,
		struct err *e)
{
	const struct options *o = s->options;
	const char *word = o->argument_count ? o->arguments[0] : o->mesh;
	const char **names;
	size_t count;

	meant->token = o->token;
	if (pending_names(o->root, s->arena, &names, &count, e))
		return -1;
	if (word && !mesh_is_among(word, names, count) &&
	    pending_is_token(word) && !o->token) {
		meant->token = word;
		word = o->argument_count ? o->mesh : NULL;
	}
	if (word && mesh_of_argument(s, word, &meant->mesh, e))
		return -1;
	for (size_t i = 0; !meant->mesh && meant->token && i < count; i++)
		if (has_token(s, names[i], meant->token))
			meant->mesh = names[i];
	if (!meant->mesh && !meant->token && count > 1)
		return several(names, count, e);
	if (!meant->mesh && !meant->token && count)
		meant->mesh = names[0];
	*pending = meant->mesh && mesh_is_among(meant->mesh, names, count);
	return 0;
}

static int check_token(const struct meant *meant, const struct pending *p,
		       struct err *e)
{
	if (meant->token && strcmp(meant->token, p->token))
		return err_set(e, ERR_USAGE, "%s is not the token of what "
			       "waits of %s", meant->token, meant->mesh);
	if (!meant->token && p->by && !strcmp(p->by, "token"))
		return err_set(e, ERR_USAGE, "this change of %s wants its "
			       "token: meshapply confirm TOKEN", meant->mesh);
	return 0;
}

static int confirm_locked(struct session *s, const struct meant *meant,
			  bool *pending, struct err *e)
{
	bool writes = !s->options->dry_run;
	const struct pending *p;

	if (session_enter(s, writes, e) ||
	    session_store(s, meant->mesh, writes, e) ||
	    pending_read(s->run.store, s->arena, s->secrets, &p, e))
		return -1;
	*pending = p;
	if (!p)
		return 0;
	if (s->recovered)
		return err_set(e, ERR_FAILED, "the run that made this change "
			       "was killed, and the change is undone: "
			       "meshapply rollback %s ends it", meant->mesh);
	if (session_last(s, e) || check_token(meant, p, e))
		return -1;
	return writes ? confirm_keep(s, p, "by hand", e) : 0;
}

int cmd_confirm(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct meant meant = { 0 };
	struct err e = { 0 };
	bool pending = false;

	if (!o->wait)
		o->wait = WAIT_SECONDS;
	session_open(&s, o);
	s.settles = true;
	if (find(&s, &meant, &pending, &e) ||
	    (pending && confirm_locked(&s, &meant, &pending, &e)))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	if (!pending)
		return too_late(&s, &meant);
	if (o->dry_run)
		return output_end(&s, "something to confirm", NULL, NULL,
				  o->detailed_exitcode ? EXIT_CHANGES : 0);
	return output_end(&s, "confirmed", NULL, NULL, 0);
}
