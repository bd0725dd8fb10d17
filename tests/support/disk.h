/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk beneath the scratch folder of support/host.h: the calls by which a
 * run changes it are counted, and one of them fails, or is where the run dies,
 * by a kill or with the power.  Calls are those of creating, writing, syncing,
 * renaming and removing files, and what goes with that.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether a fault is to be met, and which. */
struct disk_fault {
	size_t at;		/* the call, from 0 */
	size_t times;		/* how many fail; 0: there the run dies */
	int error;		/* as this errno says */
	bool kept;		/* calls beneath /var/lib alone count */
};

/* What is there after the power was cut. */
enum disk_loss {
	DISK_SYNCED,		/* what was synced: contents, and names by
				   their folder */
	DISK_NAMES,		/* all names, but contents as of their sync */
	DISK_ALL,		/* all that was written */
};

#define DISK_LOSSES 3

/* Where a run dies: sigsetjmp(disk_killed, 1) before disk_start(). */
extern sigjmp_buf disk_killed;

/* Count from here on, with a fault, or NULL for none. */
void disk_start(const struct disk_fault *fault);
/* Stop counting: how many calls there were. */
size_t disk_stop(void);

/* All that is there is on disk; syncs are noted down from here on. */
void disk_settle(void);
/*
 * The power is cut: LOSS says what is left of /var/lib, /run is empty.  The
 * host is booted: the kernel is new, and records are of another boot.
 */
void disk_lose(enum disk_loss loss);
