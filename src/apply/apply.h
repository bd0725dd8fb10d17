/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking a plan so that it ends as desired or as before: journal, steps,
 * verification, undo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply/gate.h"
#include "apply/generation.h"
#include "apply/pending.h"
#include "base/err.h"
#include "kern/kernel.h"
#include "plan/plan.h"
#include "state/state.h"
#include "state/step.h"

struct arena;
struct diags;
struct rendered;
struct store;

/*
 * What a run works on.  Filled by the caller step by step; each member is
 * read only by the functions named after it.
 */
struct run {
	struct arena *arena, *secrets;
	struct kernel *kernel;
	struct store *store;
	const char *mesh;
	const struct state *want;	/* settled and compiled */
	const struct state *last;	/* or NULL */
	struct state have;		/* as observed and claimed */
	struct scope scope;		/* what was observed */
	struct plan_options options;
	struct plan plan;
	/* The names of WANT's endpoints that have to be looked up, to
	   addresses; *ASKED if there was one, which takes time.  Or NULL. */
	int (*resolve)(struct run *run, struct state *want,
		       struct diags *diags, bool *asked, struct err *e);
	int socket_netns;	/* as kern_options has it */
	size_t unresolved;	/* endpoint names that gave no address */
	/* a plan that nobody takes may go without what may not be read:
	   options.partial says so then, and unread what it was */
	bool partial_is_fine;
	struct err unread;
	/* NULL: what is done stays; and what a generation of it tells */
	const struct confirm *confirm;
	struct generation about;
	/* while want's table lets the caller's connection through (pass.h), the
	   one without it, which is kept as applied; else NULL */
	const struct firewall *clean;
	/* of a document: kept for the next run; or NULL */
	const struct rendered *rendered;
	/* what the disk does not take is no reason to leave the kernel as it
	   is: apply_result.unkept tells, and the caller sees to it */
	bool kernel_first;
	const char *helper_folder;	/* of a rehearsal */
	const struct gates *gates;	/* what may refuse the plan, or NULL */
	/* what observing took of each arena, for the undo's reserve */
	size_t observed, observed_secrets;
};

/*
 * Read the kernel and make the plan: observe, claim, settle, lookups, MTU,
 * firewall compiled or taken from what is kept, plan_diff; once more with
 * foreign routes and ports in the scope where the plan adds some.  WANT is
 * completed in place.  Writes nothing.
 */
int converge_plan(struct run *run, struct state *want, struct diags *diags,
		  struct err *e) must_check_;

enum apply_end {
	APPLY_NOTHING,		/* no step to take, nothing was written */
	APPLY_DONE,		/* all taken, verified */
};

struct apply_result {
	enum apply_end end;
	size_t steps_done;
	uint64_t writes;	/* netlink messages and files that changed */
	/* after ERR_INCOMPLETE: what differs from the state before */
	struct plan differs;
	/* after APPLY_DONE, if its seconds are set: what waits now */
	struct pending pending;
	/* after success, if its kind is set: why not all that is kept on disk
	   could be; the next run that writes goes on with it */
	struct err unkept;
	/* the same of what it was rendered to, which is made again then */
	struct err unrendered;
};

/*
 * Take the plan of RUN (made again if the kernel was BUSY with somebody
 * else's change).  Without a step to take, only what is kept on disk is
 * brought up to date, where it differs, and the sample taken.
 *
 * 0: as desired, verified, state files kept.  -1: ERR_ROLLED_BACK when it
 * failed after the first write and all is as before, verified; ERR_INCOMPLETE
 * when something is not; any other kind: nothing was changed.  Signals wait
 * from the first write to the end.
 */
int apply_plan(struct run *run, struct apply_result *result, struct err *e)
	must_check_;

/*
 * Undo what a killed run left, if a journal says so; *DID tells.  RUN needs
 * arenas, kernel, store, mesh, options.  ERR_INCOMPLETE keeps the journal, so
 * that it can be tried again; rubbish is ERR_CONFIG with the guard "journal".
 * --force=journal gives either up.  A journal marked verified, or of another
 * boot, is only put away.
 */
int apply_recover(struct run *run, bool *did, struct err *e) must_check_;
