/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guard is a process that waits beside a pending change and undoes it.  It
 * says so in /run/meshapply/MESH/guard, which it holds locked while it lives:
 * the token of the record that it has read.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct err;
struct store;

#define GUARD_SECONDS 10	/* to wait for one */

/* Say that the record of TOKEN is guarded from now on; a descriptor that is
   to be held, or -1. */
int guard_arm(struct store *s, struct arena *arena, const char *token,
	      struct err *e) must_check_;
/* Nothing is left to be guarded. */
void guard_leave(struct store *s);
/* Does a guard that lives hold the record of TOKEN? */
bool guard_holds(struct store *s, struct arena *arena, const char *token);
/* The same within SECONDS. */
bool guard_wait(struct store *s, struct arena *arena, const char *token,
		unsigned int seconds);
