/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan that was saved: of what it was made, and a line for each step, in
 * the order in which they are taken.  No secret is in it: sources, and what
 * steps find and leave, are there as digests, keyed by a salt of the file's
 * own, so that two files cannot be compared and nothing can be looked up.
 *
 *   meshapply 1 plan
 *   about mesh=office source=/root/office.json salt=… inputs=… …
 *   step id=peer/wg0/bEKi… kind=8 … before=… after=…
 *   end
 *
 * Making the plan again and comparing the lines bit by bit is the check.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;
struct generation;
struct plan;
struct state;

#define PLAN_FILE_LIMIT ((size_t)256 << 20)
#define PLAN_SALT 32

struct plan_file {
	const char *mesh;
	const char *source;	/* a path or NAME to read again; NULL: none */
	const char *version;	/* of the program that made it */
	int64_t time;		/* when it was made */
	uint8_t salt[PLAN_SALT];
	uint8_t inputs[32];	/* of texts and keys */
	uint64_t steps;
	struct str lines;	/* of the steps */
};

/*
 * PLAN as lines to OUT.  ABOUT is what the texts were, WANT has the keys; what
 * is read of them on the way goes to SECRETS and is given back.
 */
void plan_file_make(struct arena *arena, struct arena *secrets,
		    const char *source, int64_t now,
		    const struct generation *about, const struct state *want,
		    const struct plan *plan, struct plan_file *out);
/* The bytes of the file. */
void plan_file_text(struct sbuf *out, const struct plan_file *file);
/* What plan_file_text() wrote, nothing else: ERR_DATA with NAME. */
int plan_file_parse(struct arena *arena, const char *name, struct str text,
		    struct plan_file *out, struct err *e) must_check_;

/*
 * ERR_REFUSED, guard "plan", unless PLAN of ABOUT and WANT is what was saved
 * in FILE: says what is another now.
 */
int plan_file_check(const struct plan_file *file, struct arena *arena,
		    struct arena *secrets, const struct generation *about,
		    const struct state *want, const struct plan *plan,
		    struct err *e) must_check_;
