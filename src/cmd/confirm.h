/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that wait to be confirmed, as the verbs see them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct apply_result;
struct err;
struct pending;
struct session;

/*
 * What is pending of the session's mesh, which is locked: of another boot, or
 * overdue without a guard, it is rolled back (told on stderr); else the run
 * ends with ERR_BUSY, but where it is there to settle it or moves the
 * deadline.
 */
int confirm_first(struct session *s, struct err *e) must_check_;
/*
 * E, with which a record was not read: one that is rubbish leads nowhere, and
 * is given up where that is asked for, or put aside where nobody is to be kept
 * waiting by it.
 */
int confirm_unread(struct session *s, struct err *e) must_check_;
/* Is P of the namespaces of this run, or were it if it was of this boot? */
bool confirm_is_ours(const struct session *s, const struct pending *p);

/*
 * How S->run is to be confirmed: as the options say, else, by the plan that
 * was made, where it may cut off whoever is behind this run.
 */
int confirm_prepare(struct session *s, struct err *e) must_check_;
/* How long a change waits for what BY says, a probe or NULL, where no time was
   given. */
unsigned int confirm_seconds(const char *by);
/* Keep P, which is pending; a mesh that was removed is forgotten. */
int confirm_keep(struct session *s, const struct pending *p, const char *why,
		 struct err *e) must_check_;
/* The end of a run that waits to be confirmed: its exit status. */
int confirm_end(struct session *s, struct apply_result *result);
/* guard_watch.c: guard what is pending of MESH until nothing is; the exit
   status of the guard. */
int guard_mesh(struct session *s, const char *mesh);
/* Is this another network namespace than that which the host begins with, as
   far as the kernel tells? */
bool confirm_inner(void);
/* P is not of the namespaces of this run: where it is, and what to do. */
int confirm_foreign(const struct session *s, const struct pending *p,
		    struct err *e);

/* "2026-11-20 16:45:12" where we are. */
#define CLOCK_TEXT_MAX 32
char *clock_text(int64_t when, char out[static CLOCK_TEXT_MAX]);
