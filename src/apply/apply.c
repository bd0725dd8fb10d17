/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking a plan.  Everything that can fail on disk or for want of memory
 * stands before the first write to the kernel.
 */
#include <stdio.h>
#include <string.h>

#include "apply/signals.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "state/firewall.h"

#define ATTEMPTS 3	/* while others keep changing what we speak of */
#define FORWARD_TRIES 3
/* For the looks and the undo, beyond what the states themselves take. */
#define RESERVE ((size_t)1 << 20)
#define RESERVE_SECRETS ((size_t)1 << 16)
/* Bytes, as measured and rounded up: of a look, an element of a set, and a
   byte of a text that was not compiled; of a plan and of its messages, a step
   and an allowed IP. */
#define LOOK_ELEMENT 160
#define LOOK_TEXT 16
#define PLAN_STEP 800
#define MESSAGE_STEP 320
#define MESSAGE_PREFIX 64
#define MESSAGE_ELEMENT ((size_t)64)

struct walk {
	struct run *run;
	struct apply_result *result;
	struct journal journal;
	struct look look;	/* the last one */
	size_t reached;		/* the step begun last */
	bool unstaged;		/* nothing is to be renamed: result->unkept */
	size_t mark, secrets;	/* of the arenas, before the first look */
};

/* What they took is there for the next one. */
static void forget_looks(struct walk *w)
{
	arena_reset(w->run->arena, w->mark);
	arena_reset(w->run->secrets, w->secrets);
}

static bool wants_nothing(const struct state *want)
{
	return !want->device_count && !want->route_count &&
	       !want->rule_count && !want->firewall;
}

static int stage(struct run *run, struct err *e)
{
	struct store *s = run->store;
	struct state kept = *run->want;

	if (run->clean)
		kept.firewall = arena_copy(run->arena, run->clean,
					   sizeof(*run->clean));
	/* A removal leaves nothing to remember; store_forget() comes next. */
	if (!wants_nothing(&kept) &&
	    (store_stage_applied(s, run->arena, &kept, e) ||
	     run_stage_generation(run, e)))
		return -1;
	return sysctls_stage(s, run->arena, run->want, &run->have, e);
}

/* *UNSTAGED: the disk takes nothing, and the kernel goes first. */
static int stage_if_possible(struct run *run, struct apply_result *result,
			     bool *unstaged, struct err *e)
{
	struct err failed;

	*unstaged = false;
	result->unkept = (struct err){ 0 };
	if (!stage(run, &failed))
		return 0;
	if (!run->kernel_first || failed.kind == ERR_BUSY) {
		*e = failed;
		return -1;
	}
	store_abandon(run->store);
	result->unkept = failed;
	*unstaged = true;
	return 0;
}

/* The kernel is as desired: what is kept on disk follows. */
static int keep(struct run *run, const struct state *have, bool journal,
		struct apply_result *result, struct err *e)
{
	if (store_stage_canon(run->store, run->arena,
			      run->clean ? run->clean : have->firewall, e))
		return -1;
	if (journal && journal_mark_verified(run->store, e))
		return -1;
	if (!store_commit(run->store, &result->writes, e))
		return 0;
	if (!journal)
		return -1;
	/* The mark says what is yet to be renamed: the next run does it. */
	result->unkept = *e;
	store_leave(run->store);
	return 0;
}

/* How silent a peer is matters to the next run alone, and may be lost. */
static void take_sample(struct run *run, const struct state *have)
{
	struct err ignored;

	if (sample_write(run->store, run->arena, have, &ignored))
		return;
}

static int nothing_to_do(struct run *run, struct apply_result *result,
			 struct err *e)
{
	struct armed armed;
	bool unstaged;

	/* What is pending is so for longer. */
	if (pending_arm(run, NULL, result, &armed, e))
		return -1;
	if (stage_if_possible(run, result, &unstaged, e) ||
	    (!unstaged && keep(run, &run->have, false, result, e))) {
		store_abandon(run->store);
		pending_disarm(run, &armed);
		result->pending = (struct pending){ 0 };
		return -1;
	}
	take_sample(run, &run->have);
	result->end = APPLY_NOTHING;
	return 0;
}

static int look_over(struct walk *w, bool middle, struct err *e)
{
	const struct plan *left = &w->look.plan;

	if (look_forward(w->run, &w->journal, true, &w->look, e))
		return err_wrap(e, "read back");
	for (size_t i = 0; i < left->count; i++)
		if (!middle || !phase_removes(left->steps[i].phase))
			return err_set(e, ERR_FAILED, "read back %s, %s is "
				       "not as desired", middle ?
				       "before the removals" :
				       "after the last step",
				       left->steps[i].id);
	return 0;
}

/* Undone, it is as if it had not been taken. */
static bool is_given_back(const struct step *step)
{
	return step->kind == STEP_ROUTE_REMOVE ||
	       step->kind == STEP_RULE_REMOVE ||
	       step->kind == STEP_ALLOWED_IPS_REMOVE;
}

/*
 * All that can fail stands before a removal that cannot be given back: it is
 * read back first.  With nothing before there is nothing to look at.
 */
static bool wants_look(const struct plan *plan)
{
	if (!plan->count || phase_removes(plan->steps[0].phase))
		return false;
	for (size_t i = 0; i < plan->count; i++)
		if (phase_removes(plan->steps[i].phase) &&
		    !is_given_back(&plan->steps[i]))
			return true;
	return false;
}

static int send_steps(struct walk *w, struct err *e)
{
	struct kernel *k = w->run->kernel;
	const struct plan *plan = &w->run->plan;
	bool looked = !wants_look(plan);

	for (size_t i = 0, next; i < plan->count; i = next) {
		if (!looked && phase_removes(plan->steps[i].phase)) {
			if (look_over(w, true, e))
				return -1;
			forget_looks(w);
			looked = true;
		}
		w->reached = i;
		if (k->send(k, plan, i, &next, e))
			return -1;
		w->result->steps_done += next - i;
	}
	w->reached = plan->count;
	return look_over(w, false, e);
}

/* Sessions that are gone cannot be given back. */
static bool sessions_lost(const struct state *before,
			  const struct state *have)
{
	for (size_t i = 0; i < before->device_count; i++) {
		const struct device *d = &before->devices[i];
		const struct device *now = state_device(have, d->name);

		for (size_t j = 0; j < d->peer_count; j++)
			if (!now || !device_peer(now,
						 &d->peers[j].public_key))
				return true;
	}
	return false;
}

/* A foreign table is not kept: past its deletion only forward is right. */
static bool table_deleted(const struct walk *w)
{
	const struct plan *plan = &w->run->plan;

	for (size_t i = 0; i < plan->count && i <= w->reached; i++)
		if (plan->steps[i].kind == STEP_FOREIGN_TABLE_DELETE)
			return true;
	return false;
}

static int go_forward(struct walk *w, struct err *e)
{
	struct run *run = w->run;

	for (int i = 0; i < FORWARD_TRIES; i++) {
		forget_looks(w);
		if (look_forward(run, &w->journal, false, &w->look, e))
			return -1;
		if (!w->look.plan.count)
			return 0;
		if (run_take(run, &w->look.plan, &w->result->steps_done, e))
			continue;
	}
	forget_looks(w);
	return look_over(w, false, e);
}

static bool has_table(const struct state *s, const char *table)
{
	for (size_t i = 0; i < s->foreign_table_count; i++)
		if (!strcmp(s->foreign_tables[i], table))
			return true;
	return false;
}

/* A foreign table that is gone and will not come back, or NULL. */
static const char *lost_table(struct walk *w)
{
	const struct plan *plan = &w->run->plan;
	struct err failed;
	bool unread;

	if (!table_deleted(w))
		return NULL;
	unread = look_back(w->run, &w->journal, &w->look, &failed);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_FOREIGN_TABLE_DELETE &&
		    (unread || !has_table(&w->look.have, plan->steps[i].table)))
			return plan->steps[i].table;
	return NULL;
}

static int go_back(struct walk *w, bool lost, struct err *e)
{
	struct err failed = { 0 }, first = *e;
	size_t mark = arena_mark(w->run->arena);
	size_t secrets = arena_mark(w->run->secrets);
	const char *table;

	if (run_undo(w->run, &w->journal, &w->result->differs, &failed)) {
		err_set(e, ERR_INCOMPLETE, "%s; the rollback is not complete: "
			"%s", first.text, failed.text);
		e->number = first.number;
		return -1;
	}
	arena_reset(w->run->arena, mark);
	arena_reset(w->run->secrets, secrets);
	table = lost_table(w);
	if (table) {
		err_set(e, ERR_INCOMPLETE, "%s; rolled back but for the table "
			"%s, which is not kept", first.text, table);
		e->number = first.number;
		return -1;
	}
	err_set(e, ERR_ROLLED_BACK, "%s; rolled back, verified%s", first.text,
		lost ? "; sessions of peers that were gone begin anew" : "");
	e->number = first.number;
	return -1;
}

/*
 * A step was refused, or is not to be seen: E says.  0 if the kernel got to
 * what is desired after all.  *CLEAN: nothing had been changed yet.
 */
static int mend(struct walk *w, bool *clean, struct err *e)
{
	struct run *run = w->run;
	struct err failed = { 0 };
	bool lost = false;

	run->kernel->finish(run->kernel);
	forget_looks(w);
	if (!look_back(run, &w->journal, &w->look, &failed)) {
		*clean = !w->reached && !w->look.plan.count;
		if (*clean)
			return -1;
		lost = sessions_lost(&w->journal.before, &w->look.have);
	}
	if ((lost || e->kind == ERR_BUSY || table_deleted(w)) &&
	    !go_forward(w, &failed))
		return 0;
	forget_looks(w);
	return go_back(w, lost, e);
}

/* About what a look takes of the arena for S: arrays, some as they grow. */
static size_t look_size(const struct state *s)
{
	size_t size = 2 * s->route_count * sizeof(struct route);

	for (size_t i = 0; i < s->device_count; i++) {
		const struct device *d = &s->devices[i];

		size += 2 * d->peer_count * sizeof(struct peer);
		for (size_t j = 0; j < d->peer_count; j++)
			size += 4 * sizeof(struct prefix) *
				d->peers[j].allowed_ip_count;
	}
	if (s->firewall && s->firewall->compiled)
		size += s->firewall->element_count * LOOK_ELEMENT;
	else if (s->firewall)
		size += s->firewall->text.size * LOOK_TEXT;
	return size;
}

/* What the looks will take for what is wanted, beyond what is there now. */
static size_t look_more(const struct run *run)
{
	size_t now = look_size(&run->have), then = look_size(run->want);

	return then > now ? then - now : 0;
}

/* About what the messages of PLAN take, and of one that undoes it. */
static size_t message_size(const struct plan *plan)
{
	size_t size = plan->count * MESSAGE_STEP;

	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		if (step->peer)
			size += step->peer->allowed_ip_count * MESSAGE_PREFIX;
		if (step->peer_before)
			size += step->peer_before->allowed_ip_count *
				MESSAGE_PREFIX;
		if (step->kind == STEP_FIREWALL_ELEMENTS)
			size += (step->firewall->element_count +
				 step->firewall_before->element_count) *
				MESSAGE_ELEMENT;
	}
	return size;
}

static size_t peers_of(const struct state *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->device_count; i++)
		count += s->devices[i].peer_count;
	return count;
}

/*
 * So that neither a look nor the undo meets an end of memory.  The last look
 * is there still while what is kept is written, and its failure is undone by
 * looks that each take the place of the one before.
 */
static int reserve(struct run *run, struct err *e)
{
	size_t looks = 2 * (run->observed + look_more(run));
	size_t secrets = 2 * (run->observed_secrets +
			      peers_of(run->want) * sizeof(struct key));

	if (arena_populate(run->arena, looks + RESERVE +
			   run->plan.count * PLAN_STEP) ||
	    arena_populate(run->secrets, secrets + RESERVE_SECRETS +
			   message_size(&run->plan)))
		return err_set(e, ERR_FAILED, "there is not memory enough to "
			       "undo what would be done");
	return 0;
}

static int walk(struct walk *w, bool *clean, struct err *e)
{
	struct run *run = w->run;

	*clean = true;
	if (run->kernel->encode(run->kernel, run->secrets, &run->plan, e) ||
	    reserve(run, e)) {
		run->kernel->finish(run->kernel);
		return -1;
	}
	w->mark = arena_mark(run->arena);
	w->secrets = arena_mark(run->secrets);
	*clean = false;
	if (send_steps(w, e) && mend(w, clean, e))
		return -1;
	run->kernel->finish(run->kernel);
	if (!w->unstaged && keep(run, &w->look.have, true, w->result, e))
		return go_back(w, sessions_lost(&w->journal.before,
						&w->look.have), e);
	return 0;
}

static void close_journal(struct run *run)
{
	struct err ignored;

	/* One that stays says what is true: verified, or nothing to undo. */
	if (journal_close(run->store, &ignored))
		return;
}

/*
 * All that can fail on disk.  With the journal there, what a run leaves that
 * is killed before its change is whole is known not to wait for anybody.
 */
static int prepare(struct walk *w, struct armed *armed, struct err *e)
{
	struct run *run = w->run;
	struct err lost;

	if (stage_if_possible(run, w->result, &w->unstaged, e))
		return -1;
	/* A run without a step keeps no rendering: it writes nothing. */
	if (run->rendered &&
	    store_stage_rendered(run->store, run->arena, run->rendered, &lost))
		w->result->unrendered = lost;
	if (journal_write(run->store, run->secrets, &w->journal, e))
		return -1;
	return pending_arm(run, &w->journal, w->result, armed, e);
}

/* *CLEAN after a failure: nothing was changed. */
static int attempt(struct run *run, struct apply_result *result, bool *clean,
		   struct err *e)
{
	struct walk w = { .run = run, .result = result };
	struct armed armed = { 0 };
	struct signals signals;
	int status;

	*clean = true;
	if (journal_make(run, &w.journal, e))
		return -1;
	/* From here on something may lie about. */
	signals_block(&signals);
	status = prepare(&w, &armed, e);
	if (!status)
		status = walk(&w, clean, e);
	if (status) {
		store_abandon(run->store);
		result->pending = (struct pending){ 0 };
	}
	/* An undo that is not complete is tried again by the guard. */
	if (status && (*clean || e->kind != ERR_INCOMPLETE))
		pending_disarm(run, &armed);
	if (status ? *clean || e->kind != ERR_INCOMPLETE :
		     w.unstaged || !result->unkept.kind)
		close_journal(run);
	if (!status)
		take_sample(run, &w.look.have);
	signals_unblock(&signals);
	return status;
}

int apply_plan(struct run *run, struct apply_result *result, struct err *e)
{
	uint64_t writes = run->kernel->writes;
	bool clean = true;

	memset(result, 0, sizeof(*result));
	for (int i = 0; i < ATTEMPTS; i++) {
		/* Somebody else's change came between the plan and its
		   first step. */
		if (i && (converge_again(run, e) || run_gates(run, e)))
			return -1;
		if (!run->plan.count)
			return nothing_to_do(run, result, e);
		if (!attempt(run, result, &clean, e)) {
			result->end = APPLY_DONE;
			result->writes += run->kernel->writes - writes;
			return 0;
		}
		if (!clean || e->kind != ERR_BUSY)
			break;
	}
	result->writes += run->kernel->writes - writes;
	return -1;
}
