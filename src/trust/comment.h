/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trusted comment says of the document that is signed: words between
 * blanks,
 *
 *   mesh=office serial=7 expires=2026-12-31T00:00:00Z
 *
 * in any order, none of them twice.  Any other word is let pass.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

/* What JSON's numbers carry, as in the document. */
#define TRUST_SERIAL_MAX UINT64_C(9007199254740991)

struct trust_comment {
	struct str mesh;	/* in the text that was read; size 0: none */
	uint64_t serial;	/* 0: not said */
	int64_t expires;	/* seconds since 1970; 0: not said */
};

/* ERR_TRUST. */
int trust_comment_read(struct str text, struct trust_comment *out,
		       struct err *e) must_check_;
/* On ARENA.  What is not said is left out. */
const char *trust_comment_write(struct arena *arena,
				const struct trust_comment *comment);
