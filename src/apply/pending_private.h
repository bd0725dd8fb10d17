/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pending record in whole: between pending*.c, and for the fuzzer. */
#pragma once

#include <stdbool.h>

#include "apply/pending.h"
#include "apply/record.h"
#include "apply/store_private.h"

#define PENDING_LIMIT ((size_t)1 << 30)

struct pending_record {
	struct pending head;
	struct contents kept;	/* the files of applied/ before */
	struct str sysctls;	/* lines of the registry before, of this mesh */
	struct journal journal;
};

void pending_write(struct sbuf *out, const struct identity *here,
		   const struct pending_record *p);
/* The header and the record's own line. */
bool pending_head(struct records *r, struct identity *of, struct pending *out);
/* What comes after it; kept files are views into R. */
bool pending_rest(struct records *r, const char *mesh,
		  struct pending_record *out);

/* The whole record of the store's mesh; *OUT NULL if there is none. */
int pending_load(struct store *s, struct arena *arena, struct arena *secrets,
		 struct pending_record **out, struct err *e) must_check_;
int pending_store(struct store *s, struct str content, struct err *e)
	must_check_;
int pending_remove(struct store *s, struct err *e) must_check_;
/* Nothing is to be settled any more: generations stand, nobody is told. */
int pending_end(struct run *run, struct err *e) must_check_;
int settled_write(struct store *s, struct arena *arena,
		  const struct settled *settled, struct err *e) must_check_;
int settled_forget(struct store *s, struct err *e) must_check_;

/*
 * What two changes in a row have as the state before and as added: that of
 * FIRST, with what only SECOND has touched.
 */
void pending_join(struct arena *arena, const struct journal *first,
		  const struct journal *second, struct journal *out);
