/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans, results and status in words and in JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/diag.h"
#include "base/str.h"
#include "state/state.h"
#include "state/step.h"

struct arena;
struct pending;

/* The format of --json and --jsonl, raised when a member changes meaning. */
#define REPORT_FORMAT 1

/* What a step does to one object, said once for text and JSON. */
struct words_change {
	const char *name;	/* "endpoint" */
	const char *from, *to;	/* NULL: was not, will not be */
};

struct words {
	char sign;		/* '+', '~', '-' */
	const char *kind;	/* "peer" */
	const char *object;	/* "peer KEY on wg0" */
	struct words_change changes[12];
	size_t change_count;
};

char step_sign(const struct step *step);
void words_of_step(struct arena *arena, const struct step *step,
		   struct words *out);

/* A line a step and a summary; COLOR with escape sequences. */
void plan_text(struct sbuf *out, const struct plan *plan, bool color,
	       bool verbose);
/* How many steps add, change, remove, helpers not counted; and how many of
   these mend what somebody else changed in the kernel. */
struct plan_counts {
	size_t add, change, remove, drift;
};

struct plan_counts plan_count(const struct plan *plan);
/* New references. */
json_t *step_json(struct arena *arena, const struct step *step);
json_t *plan_json(struct arena *arena, const struct plan *plan);
/* The same without the steps. */
json_t *plan_summary_json(struct arena *arena, const struct plan *plan);
/* TEXT as it is, or safe to show (sbuf_show) where it is not UTF-8, as the
   name of a link may be; NULL is null. */
json_t *text_json(struct arena *arena, const char *text);
json_t *diags_json(const struct diags *diags);

/* Status of one device: HAVE beside what was applied (LAST may be NULL). */
struct status {
	const struct device *have;	/* NULL: no such device */
	const struct device *last;
	const struct plan *drift;	/* what apply would mend, or NULL */
	const char *mesh;
	int64_t now;
	const bool *silent;	/* for each peer of HAVE; or NULL */
	size_t silent_count;
	bool interrupted;	/* a run was killed, and is yet to be undone */
	/* What waits to be confirmed, or NULL; LEFT seconds, negative: it is
	   overdue; GUARDED: by a process that lives. */
	const struct pending *pending;
	int64_t pending_left;
	bool pending_guarded;
};

void status_text(struct sbuf *out, const struct status *status, bool color);
json_t *status_json(struct arena *arena, const struct status *status);
/* "1 minute, 4 seconds ago" as wg says it; OUT is returned. */
char *age_words(int64_t seconds, char out[static 64]);
char *bytes_words(uint64_t bytes, char out[static 32]);
