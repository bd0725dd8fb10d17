/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs.  Each takes what the command line said, runs the stages in order,
 * prints, and returns the exit status.  Only here and in report/ is anything
 * printed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "apply/apply.h"
#include "base/attr.h"
#include "base/diag.h"
#include "base/err.h"

struct arena;

#define SOURCES_MAX 64		/* that validate takes at once */
#define EXIT_CHANGES 2
#define EXIT_PENDING 3
#define EXIT_PARTIAL 6
#define CONFIRM_SECONDS 120	/* where it is not said */
/* By then a session that lived on has been made anew (WireGuard's section 6.1:
   120 s, and a keepalive). */
#define HANDSHAKE_SECONDS 180

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
/* How validate tells what it found. */
enum findings { FINDINGS_TEXT, FINDINGS_GITHUB, FINDINGS_SARIF };

/* What the command line said. */
struct options {
	const char *verb;
	const char *mesh;
	const char *key;
	const char *root;	/* "" where none was given */
	const char *netns;
	const char *node;
	const char *templates;
	const char *output;	/* a folder; of plan a file */
	const char *plan;	/* that was saved */
	const char *max_disruption;	/* as said; most is it */
	enum disruption most;
	const char *force[16];
	size_t force_count;
	bool dry_run, json, jsonl, detailed_exitcode, strict;
	bool quiet, verbose, ignore_hooks, ignore_dns, help, version;
	bool all_nodes, values;
	bool rehearse;
	bool check;		/* for a monitoring system */
	bool implied;		/* no verb was given */
	unsigned int wait;	/* seconds for the lock */
	unsigned int confirm;	/* seconds to be confirmed in */
	const char *confirm_by;	/* a probe; "token": by hand, with the token */
	const char *token;
	bool confirm_given, wait_confirmed;
	const char *secret_key, *password_file;	/* of sign */
	bool add;
	const char *public_keys[16];	/* of verify: files, or keys */
	size_t public_key_count;
	unsigned int threshold;	/* 0: not said */
	enum color color;
	enum findings findings;
	char **arguments;	/* what is left: SOURCE, NAME */
	int argument_count;
};

struct verb {
	const char *name;
	const char *arguments;	/* for the usage line */
	const char *summary;
	unsigned int accepts;	/* enum option_set */
	int least, most;	/* arguments */
	int (*run)(struct options *o);
};

/* Sets of options that a verb takes besides the common ones. */
enum option_set {
	TAKES_SOURCE = 1u << 0,	/* --key --node --templates … */
	TAKES_KERNEL = 1u << 1,	/* --netns --root */
	TAKES_MESH = 1u << 2,
	TAKES_CHANGE = 1u << 3,	/* --force --dry-run --wait … */
	TAKES_OUTPUT = 1u << 4,	/* --json --jsonl … */
	TAKES_DRIFT = 1u << 5,	/* --detailed-exitcode, where none is made */
	TAKES_ROOT = 1u << 6,	/* --root, without --netns */
	TAKES_NODES = 1u << 7,	/* --all-nodes */
	TAKES_FINDINGS = 1u << 8,	/* --format */
	TAKES_RENDER = 1u << 9,	/* --output --values */
	SOURCE_OF_MESH = 1u << 10,	/* none: --mesh does for SOURCE */
	TAKES_LIMIT = 1u << 24,	/* --max-disruption */
	TAKES_PLAN = 1u << 25,	/* --plan, which may have a SOURCE */
	TAKES_SAVE = 1u << 26,	/* --output, of a plan */
	TAKES_CONFIRM = 1u << 16,	/* --confirm --wait-confirmed */
	TAKES_PROBE = 1u << 17,	/* --confirm-by */
	TAKES_TOKEN = 1u << 18,
	TAKES_CHECK = 1u << 20,	/* --check */
	TAKES_REHEARSE = 1u << 27,	/* --rehearse */
	TAKES_SECRET = 1u << 28,	/* --secret-key --password-file --add */
	TAKES_PUBLIC = 1u << 29,	/* --public-key --threshold */
	VERB_INTERNAL = 1u << 19,	/* not in the list of verbs */
};

extern const struct verb verbs[];
extern const size_t verb_count;

/*
 * Read the command line: the verb (the first one of the table when none is
 * given) and its options.  Returns the verb, or NULL with *STATUS set when
 * the run ends here (help, version, usage error; already printed).
 */
const struct verb *options_read(int argc, char **argv, struct options *o,
				int *status);
void usage_error(const char *format, ...) printf_(1, 2);
/* What it was told, for output_usage(). */
const char *usage_said(void);
bool options_force(const struct options *o, const char *guard);
/* The verb that WORD may have been meant for, or NULL. */
const char *verb_nearest(const char *word);

/* A run's things, opened as far as a verb needs them. */
struct session {
	const struct options *options;
	struct arena *arena, *secrets;
	struct arena *traced;	/* what is read is noted there; or NULL */
	struct diags diags;
	struct run run;
	struct gates gates;
	struct state want;
	const struct texts *given;	/* that want was read from */
	int home;		/* the namespace it began in; -1: still there */
	bool forget;		/* once done, nothing is kept of the mesh */
	bool settles;		/* the verb looks after what is pending */
	bool recovers;		/* it ends what nobody looks after, no more */
	bool sets_aside;	/* what is no record of it is put aside */
	bool unchanged;		/* the document is what was rendered last */
	bool recovered;		/* what a killed run left was undone */
	const char *confirm_by;	/* of the mesh's config; NULL: not said */
	bool writes;		/* the kernel was to be written to */
	enum err_kind broken;	/* 0, or what its diagnostics end the run as */
	const char **notes;	/* that were made */
	size_t note_count, note_capacity;
};

void session_open(struct session *s, const struct options *o);
void session_close(struct session *s);
void session_closep(struct session *s);
/* Enter --netns, refuse a --root that would mix hosts. */
int session_enter(struct session *s, bool changes, struct err *e);
/* The state folder of MESH; with LOCK it is made, locked, what a killed run
   left is undone (told on stderr), and so is what was not confirmed in time
   and has no guard any more.  ERR_BUSY while a change is pending, but for a
   session that settles it. */
int session_store(struct session *s, const char *mesh, bool lock,
		  struct err *e);
/* Sockets to the kernel. */
int session_kernel(struct session *s, struct err *e);
/* What was applied last, into run.last. */
int session_last(struct session *s, struct err *e);

/*
 * want.c: from SOURCE (NULL: what the config of --mesh says) to s->want, for
 * this host: keys read, names resolved; errors are in s->diags as well.
 * run.mesh and the planner's options are set.
 */
int want_read(struct session *s, const char *source, struct err *e);

bool session_colored(const struct session *s, int fd);
/* The mesh that an argument means: a bare name, or that of NAME.conf. */
int mesh_of_argument(struct session *s, const char *argument,
		     const char **mesh, struct err *e);

/* names.c: run.resolve, by meshapply-fetch. */
int names_resolve(struct run *run, struct state *want, struct diags *diags,
		  bool *asked, struct err *e) must_check_;

int cmd_apply(struct options *o);
int cmd_plan(struct options *o);
int cmd_validate(struct options *o);
int cmd_render(struct options *o);
int cmd_status(struct options *o);
int cmd_history(struct options *o);
int cmd_diff(struct options *o);
int cmd_adopt(struct options *o);
int cmd_doctor(struct options *o);
int cmd_disown(struct options *o);
int cmd_remove(struct options *o);
int cmd_recover(struct options *o);
int cmd_confirm(struct options *o);
int cmd_rollback(struct options *o);
int cmd_guard(struct options *o);
int cmd_key(struct options *o);
int cmd_sign(struct options *o);
int cmd_verify(struct options *o);
int cmd_version(struct options *o);
int cmd_help(struct options *o);

/* change.c: what apply, adopt and remove share: read SOURCE and all that is
   kept, then plan, show, take, report. */
int change_prepare(struct session *s, const char *source, struct err *e)
	must_check_;
int change_run(struct session *s, bool adopt, struct err *e);
/* The mesh that the arguments name.  That there is nothing of it is no error:
   it may have been removed before. */
int mesh_open(struct session *s, bool writes, struct err *e) must_check_;
