/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that wait to be confirmed: /var/lib/meshapply/.pending/MESH, a
 * record (apply/record.h) of mode 0600 that is there before the first write to
 * the kernel.  It holds what the way back takes: the state before, exact, with
 * keys, and what was kept of it on disk.
 *
 * How the last one ended is told by /var/lib/meshapply/MESH/settled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct apply_result;
struct arena;
struct err;
struct journal;
struct run;
struct store;

#define PENDING_SECONDS_MAX 86400
#define PENDING_TOKEN_MAX 10	/* "k3vq-7xwp" and a NUL */

/* What the record says of itself. */
struct pending {
	uint64_t deadline;	/* CLOCK_BOOTTIME, seconds */
	uint64_t until;		/* the same by the clock, to be shown */
	uint32_t seconds;	/* that were given */
	const char *token;
	const char *by;		/* a probe, apply/probe.h; NULL: by hand */
	const char *baseline;	/* of the probe; NULL: none */
	uint64_t generation_before;	/* 0: none */
	const char *pass;	/* of the firewall, apply/pass.h; NULL: none */
	const char *netns;	/* a name that ip netns knows; NULL: none */
	bool elsewhere;		/* not in the namespace of process 1 */
	bool inner;		/* nor in that which the host begins with */
	bool forget;		/* a removal: once kept, all is forgotten */
	bool same_boot;		/* and its network namespace is not gone */
	bool here;		/* of this network namespace, if of this boot */
};

/*
 * How a run is to be confirmed.  ARM is called with the record on disk and
 * returns once a guard has taken it over; it may not write to the kernel.
 */
struct confirm {
	unsigned int seconds;
	const char *by;		/* as given; NULL: by hand */
	const char *baseline;	/* of that probe, probe_write(); or NULL */
	bool wait;		/* until it is settled */
	const char *pass;	/* to be kept in the record */
	const char *netns;	/* to be kept in the record */
	bool elsewhere, inner;
	bool forget;
	int (*arm)(const struct confirm *confirm, struct run *run,
		   const struct pending *pending, struct err *e);
	void *data;		/* of ARM */
};

/* Seconds since the boot, those asleep too. */
uint64_t pending_now(void);
bool pending_overdue(const struct pending *pending);
/* Is TEXT a token by its looks?  A mesh may be called so, too. */
bool pending_is_token(const char *text);

/*
 * The record of the store's mesh, without what the way back takes; *OUT NULL
 * if there is none.  ERR_CONFIG with the guard "pending": it is rubbish.
 */
int pending_read(struct store *s, struct arena *arena, struct arena *secrets,
		 const struct pending **out, struct err *e) must_check_;
/* Is there any, of whatever state? */
bool pending_exists(struct store *s);
/* The meshes that have one, sorted; none where there is no folder. */
int pending_names(const char *root, struct arena *arena, const char ***names,
		  size_t *count, struct err *e) must_check_;
/* The folder of the records, opened; -1: there is none. */
int pending_folder(const char *root, struct err *e) must_check_;

/*
 * Between the stages of apply_plan(): the record of what RUN is about to do,
 * and its guard.  Where one is pending already, its state before stays, and
 * what is added is joined; RUN without CONFIRM does nothing.  What is there to
 * be undone by pending_disarm() is kept in OUT.
 */
struct armed {
	bool armed;
	/* one that was there before, on the secret arena; data NULL: none */
	struct str old;
};

int pending_arm(struct run *run, const struct journal *journal,
		struct apply_result *result, struct armed *out,
		struct err *e) must_check_;
/* Nothing was changed after all. */
void pending_disarm(struct run *run, const struct armed *armed);

enum settled_how {
	SETTLED_UNKNOWN,
	SETTLED_CONFIRMED,
	SETTLED_ROLLED_BACK,
};

struct settled {
	enum settled_how how;
	const char *token;
	int64_t time;		/* seconds since the epoch */
	const char *why;	/* "the deadline has passed" */
};

/*
 * End what is pending, under the mesh's lock: what was done stays, or all is
 * as before, verified.  WHY is kept with it.  ERR_NO_INPUT: nothing is
 * pending.  A failed way back keeps the record, so that it can be tried again;
 * so does a disk that takes nothing, after the kernel's way back is done
 * (ERR_INCOMPLETE).  Of another boot the kernel has nothing left: what was kept
 * of the state before is applied by the normal road, with the record's keys.
 * RUN needs arenas, kernel, store, mesh, options, last.
 */
int pending_confirm(struct run *run, const char *why, struct err *e)
	must_check_;
int pending_roll_back(struct run *run, const char *why, struct err *e)
	must_check_;
/*
 * A killed run's journal was UNDONE.  If that was all the way back, nothing is
 * left to be confirmed; else an earlier change is, which that run has joined.
 */
int pending_spent(struct run *run, const struct journal *undone,
		  struct err *e) must_check_;
/* Give the record up, for --force=pending: what is there stays. */
int pending_give_up(struct run *run, struct err *e) must_check_;
/* The same of one that cannot be read, which is kept in .pending.bad. */
int pending_set_aside(struct run *run, struct err *e) must_check_;
/* Put aside there what cannot be a record by its name: which it was, as shown.
   -1: some of it could not be. */
int pending_sweep(const char *root, struct arena *arena, const char ***names,
		  size_t *count, struct err *e) must_check_;
/* How the last one ended, as far as that is known. */
void pending_settled(struct store *s, struct arena *arena,
		     struct settled *out);
