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
/* Is P of the namespaces of this run, or were it if it was of this boot? */
bool confirm_is_ours(const struct session *s, const struct pending *p);

/*
 * How S->run is to be confirmed: as the options say, else, by the plan that
 * was made, where it may cut off whoever is behind this run.
 */
int confirm_prepare(struct session *s, struct err *e) must_check_;
/* The end of a run that waits to be confirmed: its exit status. */
int confirm_end(struct session *s, struct apply_result *result);
/* guard_watch.c: guard what is pending of MESH until nothing is; the exit
   status of the guard. */
int guard_mesh(struct session *s, const char *mesh);
/* Is this network namespace not that of process 1, as far as can be seen? */
bool confirm_elsewhere(void);

/* "2026-11-20 16:45:12" where we are. */
#define CLOCK_TEXT_MAX 32
char *clock_text(int64_t when, char out[static CLOCK_TEXT_MAX]);
