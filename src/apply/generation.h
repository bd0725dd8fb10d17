/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: the last states that were applied, without secrets, each a
 * file /var/lib/meshapply/MESH/generations/NUMBER of lines (apply/record.h)
 * and the three texts.  All of them can be lost: then there is less to go
 * back to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"
#include "base/str.h"
#include "state/step.h"

struct arena;
struct err;
struct store;
struct texts;

#define GENERATIONS_KEPT 10
#define GENERATION_DIGEST 32
#define GENERATION_TEXTS 3	/* in the order of struct texts */
/* More than a history can reach: what is greater is no number of ours. */
#define GENERATION_NUMBER_MAX UINT64_C(999999999999999)

enum generation_state {
	GENERATION_APPLIED,
	GENERATION_PENDING,	/* to be confirmed yet */
	GENERATION_ROLLED_BACK,
};

struct generation {
	uint64_t number;	/* from 1; 0: none was made */
	int64_t time;		/* seconds since the epoch */
	const char *source;	/* as the run was given it; NULL: not known */
	const char *node;	/* of a document, who this host was; or NULL */
	bool has_serial;	/* of a document */
	uint64_t serial;
	/* of the texts as the source gave them, generation_digest() */
	uint8_t digest[GENERATION_DIGEST];
	struct key public_key;	/* of our device; zero: there is none */
	enum disruption disruption;	/* of the plan that made it */
	enum generation_state state;
	uint64_t back_to;	/* a rollback to that one; 0: it is none */
	/* as they were applied, settled; data NULL: there is no such text */
	struct str texts[GENERATION_TEXTS];
};

/* "applied", "pending", "rolled back" */
const char *generation_state_name(enum generation_state state);
/* BLAKE2b-256 of the three texts; one that is not there is not an empty one. */
void generation_digest(const struct texts *texts,
		       uint8_t out[static GENERATION_DIGEST]);
/* The texts as sources, with the names that they have in a folder. */
void generation_texts(const struct generation *g, struct texts *out);

/*
 * Stage G, whose number is generation_next()'s, for store_commit().  With the
 * commit the oldest go, all beyond GENERATIONS_KEPT, but never the newest one
 * that was applied for good.
 */
int generation_stage(struct store *s, struct arena *arena,
		     const struct generation *g, struct err *e) must_check_;
/* The number of the next one: greater than any that is there. */
int generation_next(struct store *s, struct arena *arena, uint64_t *out,
		    struct err *e) must_check_;

/* ERR_NO_INPUT: there is no such one; ERR_DATA: it is torn or was edited. */
int generation_read(struct store *s, struct arena *arena, uint64_t number,
		    const struct generation **out, struct err *e)
	must_check_;
/* The newest that can be read; *OUT NULL: none. */
int generation_newest(struct store *s, struct arena *arena,
		      const struct generation **out, struct err *e)
	must_check_;
/* The newest that was not rolled back, be it pending; *OUT NULL: none. */
int generation_standing(struct store *s, struct arena *arena,
			const struct generation **out, struct err *e)
	must_check_;
/* The newest that was applied for good; *OUT NULL: none. */
int generation_applied(struct store *s, struct arena *arena,
		       const struct generation **out, struct err *e)
	must_check_;

/* Ascending by number; those that cannot be read are counted only. */
struct generations {
	const struct generation **items;
	size_t count;
	size_t unread;
};

int generation_list(struct store *s, struct arena *arena,
		    struct generations *out, struct err *e) must_check_;

/* Written again, fsynced, renamed; nothing is done where it is so already. */
int generation_mark(struct store *s, uint64_t number,
		    enum generation_state state, struct err *e) must_check_;
