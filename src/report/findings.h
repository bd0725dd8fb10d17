/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics for the machines that show them beside the lines of a change.
 * They are sorted (diags_sort()); E, or NULL, is what went wrong besides them.
 * Columns count characters, not bytes.
 */
#pragma once

#include <jansson.h>

struct arena;
struct diags;
struct err;
struct sbuf;

/*
 * Workflow commands of GitHub, a line each: "::error file=F,line=L,col=C::M".
 * A second place and the hint are further lines of the message.
 */
void findings_github(struct sbuf *out, const struct diags *diags,
		     const struct err *e);

/* One run of SARIF 2.1.0 (OASIS); a new reference. */
json_t *findings_sarif(struct arena *arena, const struct diags *diags,
		       const struct err *e);
