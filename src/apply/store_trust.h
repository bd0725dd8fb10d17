/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /var/lib/meshapply/MESH/trust: which document of a mesh was accepted last,
 * and the keys that documents have named.  Going back to an older state leaves
 * it alone; remove forgets it.
 */
#pragma once

#include <stdbool.h>

#include "apply/store.h"
#include "base/attr.h"
#include "trust/trust.h"

struct records;

/*
 * *OUT is NULL where nothing is kept.  ERR_CONFIG: what is kept is not as it
 * was written; to take it for nothing would let an old document pass.
 */
int store_trust(struct store *s, struct arena *arena,
		const struct trust_record **out, struct err *e) must_check_;
/* To be kept with the next store_commit(); not written where it says the same
   already. */
int store_stage_trust(struct store *s, struct arena *arena,
		      const struct trust_record *record, struct err *e)
	must_check_;

/* Without the file, for the fuzzer: the lines behind the header. */
void trust_body(struct sbuf *out, const struct trust_record *record);
bool trust_lines(struct records *r, struct trust_record *out);
