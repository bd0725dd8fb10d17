/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front of every run, step by step, for the verbs that do not need all
 * of want_read().
 */
#pragma once

#include "base/attr.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/key.h"
#include "input/config.h"
#include "input/source.h"
#include "state/text.h"

struct document;
struct session;

/*
 * A source that was read.  Diagnostics point into it: it is on the run's
 * arena.
 */
struct want {
	struct input_source in;
	const char *source;	/* as named by the argument or the config */
	struct config config;		/* of this host; text.name NULL: none */
	/* Of options, else of the config; NULL: not said */
	const char *mesh, *key, *node;
	const char *node_by;		/* who named the node */
	const struct texts *texts;	/* NULL: not rendered yet */
	/* Keys in the source itself, sorted by name */
	const struct named_key *held;
	size_t held_count;
	struct document *document;	/* NULL: it is none */
};

/*
 * Read SOURCE (NULL: that of the config of --mesh): a wg-quick file or a
 * folder to its texts, a document to its mesh.
 */
int want_open(struct session *s, const char *source, struct want **out,
	      struct err *e) must_check_;
/* The texts, read and checked, to s->want, without keys. */
int want_state(struct session *s, const struct want *w, struct err *e)
	must_check_;
/*
 * Read the keys that s->want names.  Preshared ones that cannot be read, all
 * of them, are errors in LOST, at the places that name them.
 */
int want_keys(struct session *s, const struct want *w, struct diags *lost,
	      struct err *e) must_check_;
/*
 * Where a node of many begins, and its end: S is as for all of them, and what
 * was allocated since the mark is given back, unless a diagnostic or a note
 * that was made since speaks of it.
 */
struct want_mark {
	size_t arena, diags, errors, notes;
};

struct want_mark want_mark(const struct session *s);
void want_give_back(struct session *s, const struct want *w,
		    const struct want_mark *mark);
/* Settle W's key and node once its config is read. */
void want_settle(const struct session *s, struct want *w);

/* A warning where others can read W's file, which holds keys. */
void want_warn_exposed(struct session *s, const struct want *w);
/*
 * What s->diags holds, as the error of the run; -1.  Errors of several kinds
 * end it as ERR_DATA, if that is among them.
 */
int want_broken(struct session *s, enum err_kind kind, struct err *e);
/* The same for what was read of W's texts: a rendered one is a template's. */
int want_broken_text(struct session *s, const struct want *w, struct err *e);
