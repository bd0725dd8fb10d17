/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/meshapply/MESH/seal: what a run that found nothing to do has read and
 * asked, and what it was told.  A plan is a pure function of that: where the
 * same questions have the same answers, byte for byte, there is nothing to do
 * either, and nothing has to be understood to see it.
 *
 * It proves nothing else, and is believed where no other user can have
 * written it.  It may be lost, or be an old one: each change that matters is
 * a change of an answer in it, so nobody has to take it away.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;
struct store;

struct seal {
	const char *mesh;
	int64_t until;		/* of the host's clock */
	struct str items;	/* base/trace.h */
};

/* How a seal is read: false unless FILE is whole, and was made for KEY, which
   is all that the run was told.  OUT points into FILE. */
bool seal_take(struct str file, struct str key, struct seal *out);
/* That of any mesh on this host; for a run that WRITES, where none is at work
   on the mesh. */
bool seal_find(const char *root, struct str key, bool writes,
	       struct arena *arena, struct seal *out);
/* Of the mesh of S, which is locked. */
int seal_write(struct store *s, struct str key, const struct seal *seal,
	       struct arena *arena, struct err *e) must_check_;

/* Are the answers still the same?  What is read for it goes to SECRETS. */
bool seal_holds(const struct seal *seal, struct arena *secrets);
