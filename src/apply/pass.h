/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SSH connection that a run came over, let through our own table for as
 * long as the change is pending.  What is kept as applied is the table without
 * it, which is loaded when the change is confirmed.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "state/state.h"

struct arena;
struct diags;
struct err;
struct plan_path;
struct run;

/*
 * After converge_plan(): where RUN's plan writes a table, WANT's gets the pass
 * of run->options.path, and the plan is made again.  Sets run->clean.  Without
 * a path, or a table to compile it in, nothing is changed.
 */
int pass_add(struct run *run, struct state *want, struct diags *diags,
	     struct err *e) must_check_;
/* PATH as a word of the record of what is pending; and read again. */
const char *pass_write(struct arena *arena, const struct plan_path *path);
int pass_read(const char *word, struct plan_path *out) must_check_;
/*
 * Is LIVE what CLEAN is with the pass of WORD?  It is no change then, nobody
 * else's and no new one, for as long as what is pending is.
 */
bool pass_is_all(struct run *run, const struct firewall *clean,
		 const struct firewall *live, const char *word);
/* Of a plan that nobody takes: then it has no step about the table (*OVER). */
int pass_over(struct run *run, struct state *want, const char *word,
	      bool *over, struct err *e) must_check_;
/*
 * The live table becomes the one that is kept as applied, in one transaction,
 * read back; nothing is done where it is that already.  RUN needs arenas,
 * kernel, store, mesh, options.
 */
int pass_remove(struct run *run, struct err *e) must_check_;
