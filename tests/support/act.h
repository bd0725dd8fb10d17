/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run does from its first call to its last, on the host of
 * support/host.h, so that the disk may fail, or the run die, at any of them.
 */
#pragma once

#include <stdbool.h>

#include "support/disk.h"
#include "support/host.h"

enum act_kind {
	ACT_APPLY,		/* or remove, where nothing is wanted */
	ACT_ARM,		/* apply, to be confirmed */
	ACT_CONFIRM,		/* what was armed before */
	ACT_ROLL_BACK,
};

#define ACT_KINDS 4

struct act {
	const struct host_change *change;
	enum act_kind kind;
	/* where it began, by act_prepare() */
	struct state *before;
	const char *kept;
	size_t sent;
};

/* The one of COUNT, over all changes and kinds; false: it makes no sense. */
#define ACT_COUNT (HOST_CHANGES * ACT_KINDS)
bool act_choose(struct act *act, int number);
const char *act_name(const struct act *act);

/* Open a host and bring it to where ACT begins. */
void act_prepare(struct act *act);
/* As one run does it; -1 and host.e, or 0. */
int act_run(const struct act *act);
/* The same with a fault, which may be the run's death; *DIED tells. */
int act_under(const struct act *act, const struct disk_fault *fault,
	      bool *died);
/* How many calls to the disk it takes; opens and closes a host of its own. */
size_t act_calls(struct act *act);

/* The next run: what was left is undone or finished, nothing lies about. */
void act_recover(const char *where);
/* The host can be brought to every state there is, and be left as it was. */
void act_ends_clean(const struct act *act, const char *where);
