/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run does about a change that waits to be confirmed. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "apply/guard.h"
#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"
#include "kern/netns.h"

#define POLL_MS 200
/* Seconds past its deadline that a change may be there still: until its guard
   has begun to undo it, and until that has come to an end. */
#define OVERDUE 60
#define OVERDUE_AT_WORK 600

char *clock_text(int64_t when, char out[static CLOCK_TEXT_MAX])
{
	time_t at = (time_t)when;
	struct tm tm;

	if (!localtime_r(&at, &tm) ||
	    !strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(out, "an unknown time");
	return out;
}

bool confirm_is_ours(const struct session *s, const struct pending *p)
{
	const char *netns = s->options->netns;

	if (p->same_boot)
		return p->here;
	/* The numbers of another boot mean nothing. */
	if (netns)
		return p->netns && !strcmp(p->netns, netns);
	return !p->netns && p->elsewhere == netns_is_elsewhere() &&
	       p->inner == confirm_inner();
}

int confirm_foreign(const struct session *s, const struct pending *p,
		    struct err *e)
{
	const char *mesh = s->run.mesh;

	if (p->netns)
		return err_set(e, ERR_CONFIG, "what is pending of %s is of "
			       "another network namespace, %s: meshapply "
			       "recover --netns=%s %s ends it", mesh,
			       p->netns, p->netns, mesh);
	return err_set(e, ERR_CONFIG, "what is pending of %s is of another "
		       "network namespace: the next run there ends it, as of "
		       "the unit that made the change", mesh);
}

static int roll_back(struct session *s, const struct pending *p,
		     struct err *e)
{
	struct run run;

	if (session_last(s, e))
		return -1;
	run = s->run;
	if (pending_roll_back(&run, p->same_boot ? "its guard was gone at the "
			      "deadline" : "the host was booted before it was "
			      "confirmed", e))
		return -1;
	output_note(s, "a change of %s was not confirmed %s; it is as before",
		    s->run.mesh, p->same_boot ? "in time" :
		    "before the host was booted anew");
	return 0;
}

static int busy(const struct session *s, const struct pending *p,
		struct err *e)
{
	char until[CLOCK_TEXT_MAX];
	const char *mesh = s->run.mesh;

	err_set(e, ERR_BUSY, "a change of %s waits to be confirmed until %s: "
		"meshapply confirm %s keeps it, meshapply rollback %s undoes "
		"it", mesh, clock_text((int64_t)p->until, until), mesh, mesh);
	e->number = EXIT_PENDING;
	return -1;
}

/* One that cannot be read, or must not count. */
static int give_up(struct session *s, struct err *e)
{
	output_note(s, "what was pending of %s is given up, and stays as it "
		    "is", s->run.mesh);
	return pending_give_up(&s->run, e);
}

int confirm_unread(struct session *s, struct err *e)
{
	if (strcmp(e->guard, "pending") != 0)
		return -1;
	if (options_force(s->options, "pending"))
		return give_up(s, e);
	if (!s->sets_aside)
		return -1;
	output_note(s, "%s: it is kept as %s/var/lib/meshapply/.pending.bad/%s,"
		    " and what is there stays as it is", e->text,
		    s->options->root, s->run.mesh);
	return pending_set_aside(&s->run, e);
}

int confirm_first(struct session *s, struct err *e)
{
	const struct options *o = s->options;
	bool forced = options_force(o, "pending");
	const struct pending *p;

	if (pending_read(s->run.store, s->arena, s->secrets, &p, e))
		return confirm_unread(s, e);
	if (!p)
		return 0;
	if (forced)
		return give_up(s, e);
	if (!confirm_is_ours(s, p))
		return confirm_foreign(s, p, e);
	if (!p->same_boot)
		return roll_back(s, p, e);
	if (s->settles)
		return 0;
	if (pending_overdue(p) &&
	    !guard_holds(s->run.store, s->arena, p->token))
		return roll_back(s, p, e);
	return o->confirm || s->recovers ? 0 : busy(s, p, e);
}

int confirm_keep(struct session *s, const struct pending *p, const char *why,
		 struct err *e)
{
	struct err failed;

	if (pending_confirm(&s->run, why, e))
		return -1;
	if (!p->forget)
		return 0;
	/* It looks after nothing any more. */
	guard_leave(s->run.store);
	/* The next removal does it. */
	if (store_forget(s->run.store, &failed))
		output_note(s, "%s", failed.text);
	return 0;
}

static void tell(struct session *s, const struct pending *p)
{
	char until[CLOCK_TEXT_MAX];
	bool probed = p->by && strcmp(p->by, "token");

	output_note(s, "this is undone at %s unless it is confirmed%s%s%s:",
		    clock_text((int64_t)p->until, until),
		    probed ? ", by itself (" : "", probed ? p->by : "",
		    probed ? ") or by hand" : "");
	output_note(s, "    meshapply confirm %s", p->token);
}

/* Another run may have moved the deadline. */
static uint64_t deadline_now(struct session *s, uint64_t before)
{
	size_t arena = arena_mark(s->arena), secrets = arena_mark(s->secrets);
	const struct pending *p = NULL;
	uint64_t deadline = before;
	struct err ignored;

	if (!pending_read(s->run.store, s->arena, s->secrets, &p, &ignored) &&
	    p)
		deadline = p->deadline;
	arena_reset(s->arena, arena);
	arena_reset(s->secrets, secrets);
	return deadline;
}

/* Is somebody undoing, or changing, the mesh? */
static bool is_at_work(struct session *s)
{
	struct err ignored;

	if (store_lock(s->run.store, 0, &ignored))
		return true;
	store_unlock(s->run.store);
	return false;
}

/* Nobody will come any more: a guard may live, and fail again and again. */
static bool is_hopeless(struct session *s, uint64_t *deadline)
{
	if (pending_now() <= *deadline + OVERDUE)
		return false;
	*deadline = deadline_now(s, *deadline);
	return pending_now() > *deadline + OVERDUE_AT_WORK ||
	       (pending_now() > *deadline + OVERDUE && !is_at_work(s));
}

/* Until the record is gone; how it ended. */
static enum settled_how wait_settled(struct session *s,
				     const struct pending *p)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	uint64_t deadline = p->deadline;
	struct settled settled;

	/* Whoever settles it locks the mesh. */
	store_unlock(s->run.store);
	while (pending_exists(s->run.store)) {
		if (is_hopeless(s, &deadline))
			return SETTLED_UNKNOWN;
		nanosleep(&poll, NULL);
	}
	pending_settled(s->run.store, s->arena, &settled);
	/* A removal that is kept leaves nothing to tell it; a way back does. */
	return s->forget && settled.how == SETTLED_UNKNOWN &&
	       store_is_forgotten(s->run.store) ?
		SETTLED_CONFIRMED : settled.how;
}

int confirm_end(struct session *s, struct apply_result *result)
{
	struct pending p = result->pending;
	struct err e = { 0 };

	tell(s, &p);
	if (!s->run.confirm->wait)
		return output_end(s, "waits to be confirmed", result, NULL,
				  EXIT_PENDING);
	switch (wait_settled(s, &p)) {
	case SETTLED_CONFIRMED:
		result->pending = (struct pending){ 0 };
		return output_end(s, "confirmed", result, NULL, 0);
	case SETTLED_ROLLED_BACK:
		result->pending = (struct pending){ 0 };
		err_set(&e, ERR_ROLLED_BACK, "it was not confirmed within "
			"%" PRIu32 " s; rolled back, verified", p.seconds);
		return output_end(s, "rolled back", result, &e,
				  ERR_ROLLED_BACK);
	case SETTLED_UNKNOWN:
		break;
	}
	if (pending_exists(s->run.store))
		err_set(&e, ERR_INCOMPLETE, "it was not confirmed in time, and "
			"the guard of this change is gone or fails to undo it "
			"(its journal tells): meshapply rollback %s undoes it",
			s->run.mesh);
	else
		err_set(&e, ERR_INCOMPLETE, "another run of %s did not wait "
			"for it to be confirmed, or has removed the mesh",
			s->run.mesh);
	return output_end(s, "waits to be confirmed", result, &e,
			  ERR_INCOMPLETE);
}
