/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What converging, applying and undoing share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply/apply.h"
#include "apply/store.h"

/* What is there now, and what is left to do towards a state. */
struct look {
	struct state have;
	struct plan plan;
};

/* Observe the run's scope; an ERR_BUSY is tried again a few times. */
int run_observe(struct run *run, struct state *have, struct err *e)
	must_check_;
/*
 * Claim HAVE by its marks and by all of COUNT states (NULL: none): an object
 * is ours if any of them makes it so.
 */
void run_claim(struct run *run, struct state *have,
	       const struct state *const *by, size_t count);
/* A scope's tables, ended by a zero that is not counted; NULL while empty. */
struct tables {
	struct arena *arena;
	uint32_t *items;
	size_t count, capacity;
};

/* Add TABLE unless it is there; was it not? */
bool tables_add(struct tables *tables, uint32_t table);
/* Read the kernel again and plan anew, within the same scope. */
int converge_again(struct run *run, struct err *e) must_check_;
/* Has --force=GUARD been given? */
bool run_forced(const struct run *run, const char *guard);

/*
 * Look forward, to what RUN wants: what JOURNAL says was added is ours.
 * READING_BACK: all of it has been written, endpoints may have been learned.
 */
int look_forward(struct run *run, const struct journal *journal,
		 bool reading_back, struct look *out, struct err *e)
	must_check_;
/*
 * Look back, to the state before.  An endpoint that is neither what was there
 * before nor what the plan set was learned since, and is left alone.
 */
int look_back(struct run *run, const struct journal *journal,
	      struct look *out, struct err *e) must_check_;

/* Encode and send all steps; *DONE counts those taken. */
int run_take(struct run *run, const struct plan *plan, size_t *done,
	     struct err *e) must_check_;

/* Once what is applied is staged: what history will tell of the run, if the
   plan changes what the host wants; run->about.number is 0 if none is made. */
int run_stage_generation(struct run *run, struct err *e) must_check_;

/*
 * The state before, as far as the run's plan can change it, and what the plan
 * adds; on the arena, pointing into run->have.  ERR_REFUSED, guard
 * "firewall": the live table cannot be given back.
 */
int journal_make(struct run *run, struct journal *out, struct err *e)
	must_check_;

/*
 * Back to the state before, verified; -1 with ERR_INCOMPLETE and what still
 * DIFFERS.
 */
int run_undo(struct run *run, const struct journal *journal,
	     struct plan *differs, struct err *e) must_check_;
/* The same of a record that another run has left: all it speaks of is looked
   at, and signals wait. */
int run_undo_record(struct run *run, const struct journal *journal,
		    struct err *e) must_check_;
