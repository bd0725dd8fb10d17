/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the main program and meshapply-fetch: a request one way, an answer
 * the other, each a sequence of frames { u32 kind, u32 size, payload, NUL },
 * the NUL not counted, host endian, since both are of one build.
 *
 * A text that is empty has no frame; those there are stand in the order of
 * enum fetch_frame, each once but for lists.  A request is LIMITS, what holds
 * for all sources, for each source a URL and what belongs to it, and END.  An
 * answer is LIMITS, for each source a RESULT and what belongs to it, and END.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "input/fetch.h"

struct arena;

/* What a whole answer can take for each source besides the document. */
#define FETCH_BESIDES_MAX (FETCH_SIGNATURE_MAX + 8 * FETCH_TEXT_MAX)

void fetch_request_write(struct sbuf *out,
			 const struct fetch_request *request);
/* Views of TEXT, which stays; 0, or -1: it is not as written. */
int fetch_request_read(struct arena *arena, struct str text,
		       struct fetch_request *out) must_check_;

void fetch_answer_write(struct sbuf *out, const struct fetch_answer *answer);
/*
 * Strictly: as many results as REQUEST has sources, no text with a control
 * character, nothing larger than it may be, no state that contradicts the
 * rest, nothing unchanged that was not known.  Results on ARENA, their texts
 * are views of TEXT.
 */
int fetch_answer_read(struct arena *arena, struct str text,
		      const struct fetch_request *request,
		      struct fetch_answer *out) must_check_;
