/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commit-confirm: a change is armed, and then it is confirmed or undone. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apply/generation.h"
#include "apply/pass.h"
#include "apply/pending_private.h"
#include "apply/sysctls_private.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "state/firewall.h"

/* What was given out is told by mouth: neither l nor o, 0 nor 1. */
static void make_token(char out[static PENDING_TOKEN_MAX])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	for (size_t i = 0; i < PENDING_TOKEN_MAX - 1; i++)
		out[i] = i == 4 ? '-' :
			letters[randombytes_uniform(sizeof(letters) - 1)];
	out[PENDING_TOKEN_MAX - 1] = '\0';
}

static void make_head(struct run *run, struct pending *head)
{
	const struct confirm *confirm = run->confirm;
	char token[PENDING_TOKEN_MAX];

	make_token(token);
	head->token = arena_strdup(run->arena, token);
	head->seconds = confirm->seconds;
	head->deadline = pending_now() + confirm->seconds;
	head->until = (uint64_t)time(NULL) + confirm->seconds;
	head->by = confirm->by;
	head->baseline = confirm->baseline;
	head->pass = confirm->pass;
	head->netns = confirm->netns;
	head->elsewhere = confirm->elsewhere;
	head->inner = confirm->inner;
	head->forget = confirm->forget;
	head->same_boot = head->here = true;
}

static struct str sysctls_before(struct run *run)
{
	struct sbuf out;

	sbuf_init(&out, run->arena);
	sysctls_ours_write(run->store, &out);
	return (struct str){ out.data ? out.data : "", out.size };
}

/* The first of what is pending has the state before. */
static int make_record(struct run *run, const struct journal *journal,
		       const struct pending_record *old,
		       struct pending_record *out, struct err *e)
{
	struct store *s = run->store;
	const struct generation *before = NULL;

	make_head(run, &out->head);
	if (old) {
		out->head.generation_before = old->head.generation_before;
		out->kept = old->kept;
		out->sysctls = old->sysctls;
		if (journal)
			pending_join(run->arena, &old->journal, journal,
				     &out->journal);
		else
			out->journal = old->journal;
		return 0;
	}
	if (generation_standing(s, run->arena, &before, e))
		return -1;
	out->head.generation_before = before ? before->number : 0;
	out->sysctls = sysctls_before(run);
	out->journal = *journal;
	return store_kept(s, run->arena, &out->kept, e);
}

static struct str record_text(struct run *run,
			      const struct pending_record *record)
{
	struct sbuf out;

	sbuf_init(&out, run->secrets);
	pending_write(&out, &run->store->here, record);
	return (struct str){ out.data, out.size };
}

static int put_record(struct run *run, const struct pending_record *record,
		      struct err *e)
{
	return pending_store(run->store, record_text(run, record), e);
}

int pending_arm(struct run *run, const struct journal *journal,
		struct apply_result *result, struct armed *out, struct err *e)
{
	struct pending_record *record, *old;

	*out = (struct armed){ 0 };
	if (!run->confirm)
		return 0;
	if (pending_load(run->store, run->arena, run->secrets, &old, e))
		return -1;
	/* Without a step only a deadline is to be moved. */
	if (!journal && !old)
		return 0;
	record = arena_new_object(run->arena, struct pending_record);
	if (make_record(run, journal, old, record, e) ||
	    (!old && settled_forget(run->store, e)))
		return -1;
	/* To be put back. */
	if (old)
		out->old = record_text(run, old);
	/* One that could not be synced may be there all the same. */
	out->armed = true;
	if (put_record(run, record, e) ||
	    run->confirm->arm(run->confirm, run, &record->head, e)) {
		pending_disarm(run, out);
		return -1;
	}
	result->pending = record->head;
	return 0;
}

void pending_disarm(struct run *run, const struct armed *armed)
{
	struct err ignored;

	/* What stays there leads back to a state that is there already. */
	if (!armed->armed ||
	    (armed->old.data ?
	     pending_store(run->store, armed->old, &ignored) :
	     pending_remove(run->store, &ignored)))
		return;
}

static int nothing_pending(const struct run *run, struct err *e)
{
	return err_set(e, ERR_NO_INPUT, "nothing of %s waits to be confirmed",
		       run->mesh);
}

static int elsewhere(const struct run *run, const struct pending *p,
		     struct err *e)
{
	return err_set(e, ERR_CONFIG, "what is pending of %s is of another "
		       "network namespace%s%s", run->mesh, p->netns ? ", " :
		       "", p->netns ? p->netns : "");
}

/*
 * Did this change, or one that has joined it, make G?  What was told to stay
 * may be undone after all, if the rest of that was refused.
 */
static bool is_its(const struct generation *g, const struct pending *head,
		   enum settled_how how)
{
	if (g->state == GENERATION_PENDING)
		return true;
	return how == SETTLED_ROLLED_BACK && !g->back_to &&
	       g->state == GENERATION_APPLIED &&
	       g->number > head->generation_before;
}

static int mark(struct run *run, const struct pending *head,
		enum settled_how how, struct err *e)
{
	struct generations list;

	if (generation_list(run->store, run->arena, &list, e))
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (is_its(list.items[i], head, how) &&
		    generation_mark(run->store, list.items[i]->number,
				    how == SETTLED_CONFIRMED ?
				    GENERATION_APPLIED :
				    GENERATION_ROLLED_BACK, e))
			return -1;
	return 0;
}

/* The record goes last: until then all of this is done again. */
static int settle(struct run *run, const struct pending *head,
		  enum settled_how how, const char *why, struct err *e)
{
	struct settled settled = {
		.how = how, .token = head->token, .why = why,
		.time = time(NULL),
	};

	if (mark(run, head, how, e) ||
	    settled_write(run->store, run->arena, &settled, e))
		return -1;
	return pending_remove(run->store, e);
}

int pending_confirm(struct run *run, const char *why, struct err *e)
{
	const struct pending *head;

	if (pending_read(run->store, run->arena, run->secrets, &head, e))
		return -1;
	if (!head)
		return nothing_pending(run, e);
	if (head->same_boot && !head->here)
		return elsewhere(run, head, e);
	if (!head->same_boot)
		return err_set(e, ERR_FAILED, "the host was booted anew since: "
			       "meshapply recover %s makes it as it was before "
			       "the change", run->mesh);
	/* It may be undone in part already. */
	if (pending_overdue(head))
		return err_set(e, ERR_FAILED, "too late: the change of %s is "
			       "being undone; meshapply rollback %s tries at "
			       "once", run->mesh, run->mesh);
	if (pass_remove(run, e))
		return -1;
	return settle(run, head, SETTLED_CONFIRMED, why, e);
}

static struct str way_back(struct arena *secrets, const struct journal *journal)
{
	struct sbuf out;

	sbuf_init(&out, secrets);
	journal_body(&out, journal);
	return (struct str){ out.data, out.size };
}

int pending_spent(struct run *run, const struct journal *undone,
		  struct err *e)
{
	struct pending_record *p;
	struct err ignored;

	/* One that cannot be read stands in the way of what comes next. */
	if (pending_load(run->store, run->arena, run->secrets, &p, &ignored) ||
	    !p || !p->head.here ||
	    !str_equal(way_back(run->secrets, &p->journal),
		       way_back(run->secrets, undone)))
		return 0;
	return settle(run, &p->head, SETTLED_ROLLED_BACK,
		      "the run that made the change was killed", e);
}

/* Whoever waits for its end is not told that of the one before. */
int pending_end(struct run *run, struct err *e)
{
	static const struct pending unread;

	return mark(run, &unread, SETTLED_CONFIRMED, e) ||
	       settled_forget(run->store, e) ? -1 : 0;
}

int pending_give_up(struct run *run, struct err *e)
{
	return pending_end(run, e) ? -1 : pending_remove(run->store, e);
}

/* The registry has this mesh's entries as they were. */
static int sysctls_back(struct run *run, struct str lines, struct err *e)
{
	struct store *s = run->store;
	struct sysctl_entries ours = { .arena = run->arena };
	struct records r = { .arena = run->arena, .secrets = run->secrets,
			     .rest = lines };
	struct record record;

	while (record_next(&r, &record))
		sysctls_pending_read(s, &r, &record, &ours);
	/* Of one that is torn the values are left as they are. */
	if (r.bad)
		return 0;
	if (sysctls_merge(s, &ours, e))
		return -1;
	return sysctls_remove_empty(s, e);
}

/* The kernel is as before: what is kept follows. */
static int kept_back(struct run *run, const struct pending_record *p,
		     struct err *e)
{
	struct contents kept = p->kept;
	uint64_t writes = 0;

	if (store_kept_put(run->store, run->arena, &kept, &writes, e))
		return -1;
	return sysctls_back(run, p->sysctls, e);
}

/*
 * From here on there is no confirming what may be half undone, should this run
 * not come to its end: its time is over, for the guard as well.  A disk that
 * takes nothing is no reason to stay cut off.
 */
static void end_time(struct run *run, struct pending_record *p)
{
	struct err ignored;

	if (pending_overdue(&p->head))
		return;
	p->head.deadline = pending_now();
	if (put_record(run, p, &ignored))
		return;
}

/* The kernel first: E.  *LATE, if its kind is set: what the disk refused. */
static int roll_back_here(struct run *run, struct pending_record *p,
			  struct err *late, struct err *e)
{
	struct err failed;

	end_time(run, p);
	if (run_undo_record(run, &p->journal, e))
		return err_wrap(e, "roll %s back", run->mesh);
	if (kept_back(run, p, &failed))
		*late = failed;
	return 0;
}

/* As BEFORE had it: keys that the texts only name, and names' addresses. */
static int lend(const struct state *before, struct state *want,
		struct err *e)
{
	for (size_t i = 0; i < want->device_count; i++) {
		struct device *d = &want->devices[i];
		const struct device *of = state_device(before, d->name);

		if (!of || !of->private_key)
			return err_set(e, ERR_CONFIG, "the record of what is "
				       "pending holds no key of %s", d->name);
		d->private_key = of->private_key;
		d->public_key = of->public_key;
		d->has |= DEVICE_PRIVATE_KEY;
		for (size_t j = 0; j < d->peer_count; j++) {
			struct peer *p = &d->peers[j];
			const struct peer *was =
				device_peer(of, &p->public_key);

			if (p->preshared_key_file && !(was &&
						       was->preshared_key))
				return err_set(e, ERR_CONFIG, "the record of "
					       "what is pending holds no "
					       "preshared key %s",
					       p->preshared_key_file);
			if (p->preshared_key_file)
				p->preshared_key = was->preshared_key;
			if (p->endpoint_host && was)
				p->endpoint = was->endpoint;
		}
	}
	return 0;
}

/* If it is to be told as a generation of its own, where that one is lost. */
static void about_before(struct run *run, const struct pending_record *p)
{
	const struct generation *g;
	struct err ignored;

	run->about = (struct generation){ 0 };
	if (!p->head.generation_before ||
	    generation_read(run->store, run->arena, p->head.generation_before,
			    &g, &ignored))
		return;
	run->about = *g;
	run->about.back_to = g->number;
}

static int apply_kept(struct run *run, const struct pending_record *p,
		      struct err *late, struct err *e)
{
	struct state *want = arena_new_object(run->arena, struct state);
	struct apply_result result = { 0 };
	struct diags diags;

	diags_init(&diags, run->arena);
	if (store_kept_state(run->store, run->arena, &p->kept, want, e) ||
	    lend(&p->journal.before, want, e))
		return -1;
	/* Compiled anew: what it was is of another boot. */
	if (want->firewall)
		want->firewall->compiled = false;
	run->confirm = NULL;
	run->last = NULL;
	run->kernel_first = true;
	about_before(run, p);
	if (converge_plan(run, want, &diags, e)) {
		if (diags.errors)
			return err_set(e, e->kind, "%s",
				       diags.items[0].message);
		return -1;
	}
	if (apply_plan(run, &result, e))
		return -1;
	if (result.unkept.kind)
		*late = result.unkept;
	return 0;
}

/* The kernel forgot it all, the state before as well. */
static int roll_back_anew(struct run *run, const struct pending_record *p,
			  struct err *late, struct err *e)
{
	struct contents none = { 0 };
	uint64_t writes = 0;
	struct err failed;

	/* What is applied now is the generation before, no new one. */
	if (mark(run, &p->head, SETTLED_ROLLED_BACK, &failed))
		*late = failed;
	if (p->kept.of[0].data)
		return apply_kept(run, p, late, e);
	if (store_kept_put(run->store, run->arena, &none, &writes, &failed))
		*late = failed;
	return 0;
}

int pending_roll_back(struct run *run, const char *why, struct err *e)
{
	struct err late = { 0 }, failed;
	struct pending_record *p;

	if (pending_load(run->store, run->arena, run->secrets, &p, e))
		return -1;
	if (!p)
		return nothing_pending(run, e);
	if (p->head.same_boot && !p->head.here)
		return elsewhere(run, &p->head, e);
	if (p->head.same_boot ? roll_back_here(run, p, &late, e) :
				roll_back_anew(run, p, &late, e))
		return -1;
	if (!late.kind &&
	    settle(run, &p->head, SETTLED_ROLLED_BACK, why, &failed))
		late = failed;
	if (!late.kind)
		return 0;
	/* The record stays, and with it all that there is to be done yet. */
	return err_set(e, ERR_INCOMPLETE, "the kernel is as it was before the "
		       "change of %s, but not all that is kept of it could be "
		       "written, which is tried again: %s", run->mesh,
		       late.text);
}
