/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three texts in tests: read from C strings, diagnostics in one line. */
#pragma once

#include "base/diag.h"
#include "state/state.h"
#include "state/text.h"

struct arena;

/*
 * All diagnostics, sorted, one a line: "NAME:LINE:COLUMN: MESSAGE", then
 * " (LINE:COLUMN)" of a second place, " [hidden]" and " | HINT" where there
 * are such.  Warnings have "warning: " before the message.
 */
const char *diags_lines(struct arena *arena, struct diags *diags);

/* Three sources of the usual names; NULL is a text that is not there. */
struct texts texts_of(const char *wireguard, const char *network,
		      const char *firewall);

/* texts_read() of the mesh "office" on wg0; the lines of its diagnostics. */
const char *texts_complain(struct arena *arena, const struct texts *texts,
			   struct state *out);

/* All three in one string, each after a line with its name. */
const char *texts_join(struct arena *arena, const struct texts *texts);
