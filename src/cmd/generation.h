/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States that were applied before, for the verbs that go back or look back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct session;
struct state;

/* "7" to 7; "now", where it may be said, to 0.  ERR_USAGE: no such number. */
int generation_number(const char *text, bool now, uint64_t *out,
		      struct err *e) must_check_;
/*
 * The mesh of the first argument, if there are more than NUMBERS, else of
 * --mesh, else the only one that something is kept of; ERR_USAGE where that
 * is not one.  The arguments after it are *REST.
 */
int generation_mesh(struct session *s, int numbers, const char **mesh,
		    char ***rest, struct err *e) must_check_;

/*
 * What generation NUMBER of the mesh was, by its texts, to s->want, with the
 * keys that it had: those that the texts name; else those of the running
 * device and its peers, where public keys are the same; else ERR_NO_INPUT,
 * which names --key.  Names are resolved, s->run.about tells of it.
 *
 * s->run.store is open, and s->run.kernel.
 */
int generation_want(struct session *s, uint64_t number, struct err *e)
	must_check_;
/* The same without keys, for looking: of the device the public one. */
int generation_state(struct session *s, uint64_t number, struct state *out,
		     struct err *e) must_check_;
