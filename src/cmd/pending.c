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

#define POLL_MS 200
#define OVERDUE 60		/* seconds that a guard may take to undo it */

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
	return !p->netns && p->elsewhere == confirm_elsewhere();
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

int confirm_first(struct session *s, struct err *e)
{
	const struct options *o = s->options;
	bool forced = options_force(o, "pending");
	const struct pending *p;

	if (pending_read(s->run.store, s->arena, s->secrets, &p, e))
		return forced && !strcmp(e->guard, "pending") ?
			give_up(s, e) : -1;
	if (!p)
		return 0;
	if (forced)
		return give_up(s, e);
	if (!confirm_is_ours(s, p))
		return err_set(e, ERR_CONFIG, "what is pending of %s is of "
			       "another network namespace%s%s", s->run.mesh,
			       p->netns ? ", " : "", p->netns ? p->netns : "");
	if (!p->same_boot)
		return roll_back(s, p, e);
	if (s->settles)
		return 0;
	if (pending_overdue(p) &&
	    !guard_holds(s->run.store, s->arena, p->token))
		return roll_back(s, p, e);
	return o->confirm ? 0 : busy(s, p, e);
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

/* Until the record is gone; how it ended. */
static enum settled_how wait_settled(struct session *s,
				     const struct pending *p)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	struct settled settled;

	/* Whoever settles it locks the mesh. */
	store_unlock(s->run.store);
	while (pending_exists(s->run.store)) {
		if (pending_now() > p->deadline + OVERDUE &&
		    !guard_holds(s->run.store, s->arena, p->token))
			return SETTLED_UNKNOWN;
		nanosleep(&poll, NULL);
	}
	pending_settled(s->run.store, s->arena, &settled);
	return settled.how;
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
		err_set(&e, ERR_INCOMPLETE, "the guard of this change is "
			"gone: meshapply rollback %s undoes it", s->run.mesh);
	else
		err_set(&e, ERR_INCOMPLETE, "another run of %s did not wait "
			"for it to be confirmed, or has removed the mesh",
			s->run.mesh);
	return output_end(s, "waits to be confirmed", result, &e,
			  ERR_INCOMPLETE);
}
