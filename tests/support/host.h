/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with a model kernel and a scratch folder for what is kept on disk,
 * and runs of one mesh, "office", on it.  All of these fail the running test
 * where they cannot do their work.
 */
#pragma once

#include "apply/apply.h"
#include "apply/store.h"
#include "base/arena.h"
#include "base/err.h"
#include "support/model.h"
#include "support/scratch.h"

struct host {
	struct scratch scratch;
	struct arena *arena, *secrets;	/* of all runs: the model keeps keys */
	struct arena *kernel;		/* the model's own */
	struct model *model;
	struct store *store;		/* of the run that is going on */
	bool torn;			/* what was applied last may be */
	struct err e;
};

extern struct host host;

#define PEER(n) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" n "E="

/* Three texts and a private key, told by a number. */
struct wanted {
	const char *name, *wireguard, *network, *firewall;
	char key;
};

extern const struct wanted wanted_nothing;
extern const struct wanted wanted_first;
/* Every kind of object of the first changed, added and removed. */
extern const struct wanted wanted_second;
/* A part of the first, on another link. */
extern const struct wanted wanted_elsewhere;

struct host_change {
	const struct wanted *from, *to;
};

#define HOST_CHANGES 5
extern const struct host_change host_changes[HOST_CHANGES];

void host_open(void);
void host_close(void);
/* The kernel is a new one, on which nothing was applied yet. */
void host_boot(void);
struct key *host_key(char number);
struct state *host_want(const struct wanted *wanted);

/* Open the store, lock it, read what was applied last. */
void host_start(struct run *run);
/* -1 and host.e where that fails; host_finish() is due all the same. */
int host_try_start(struct run *run);
void host_finish(void);
/* As a kill ends a run: no lock is held, and nothing is tidied up. */
void host_die(void);
void host_plan(struct run *run, const struct wanted *wanted);
/* Apply without a fault. */
void host_settle(const struct wanted *wanted);
/* Nothing is left to do. */
void host_converged(const struct wanted *wanted, const char *where);

/* Everything that a mesh or its host can have, and how it differs now. */
struct state *host_snapshot(void);
const char *host_differs(const struct state *before);
/* No temporary file lies about. */
bool host_tidy(void);
/* How many steps a change takes; opens and closes a host of its own. */
size_t host_steps(const struct host_change *change);
