/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run prints: data on stdout as text, --json or --jsonl; diagnostics
 * on stderr.  Nothing is printed while apply writes to the kernel.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct apply_result;
struct arena;
struct err;
struct json_t;
struct options;
struct session;
struct verb;

/* A remark on stderr, not when quiet. */
void output_note(struct session *s, const char *format, ...) printf_(2, 3);
/* The plan: text at once, a line a step for --jsonl. */
void output_plan(struct session *s);
/*
 * The end of a run: RESULT is one word ("applied", "planned", "nothing to
 * do", …), E NULL or what went wrong.  STATUS is returned.
 */
int output_end(struct session *s, const char *result,
	       const struct apply_result *applied, const struct err *e,
	       int status);
/* A usage error ends the run: for --json or --jsonl, if it was given. */
void output_usage(const struct options *o);
/*
 * Everything collected in s->diags, sorted, on stderr.  Where they are what E
 * (or NULL) says, that counts them as they are shown, equal ones once.
 */
void output_diags(struct session *s, struct err *e);
/*
 * The end of a run whose --format is not text, after output_diags(): its
 * findings on stdout.  E is NULL or what went wrong; its status is returned.
 */
int output_findings(struct session *s, const struct err *e);
/* What went wrong, on stderr, with the way out. */
void output_error(struct session *s, const struct err *e);
/*
 * The last thing of a run: what could not be printed is a failure, but where
 * the exit status STATUS tells what became of the kernel.  VERB may be NULL.
 * Returns the status.
 */
int output_close(const struct verb *verb, const struct options *o, int status);

/* An error as a member of a JSON object; E may be NULL. */
struct json_t *error_json(struct arena *arena, const struct err *e);
/* The remarks that were made, quiet or not. */
struct json_t *notes_json(const struct session *s);
/* A line, or INDENTed ones, on stdout; takes OBJECT. */
void print_json(struct json_t *object, size_t indent);
/* The first line of a stream, once: it names the format. */
void stream_start(void);
/* What is told of one MESH: a line of a stream, or waits in LIST for its end;
   takes MESH. */
void print_mesh(const struct options *o, struct json_t *list,
		struct json_t *mesh);
/* How a verb ended that looks at several: E (or NULL), STATUS; what it found
   is added to it. */
struct json_t *result_json(struct session *s, const struct err *e,
			   int status);
/* The end of a run, whole or as the last line of a stream; takes OBJECT. */
void print_result(const struct options *o, struct json_t *object);

/* Where meshapply-nftc and meshapply-fetch are. */
const char *helper_folder(struct arena *arena);
