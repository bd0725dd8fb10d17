/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics for the machines that show them beside the lines of a change.
 * They are sorted (diags_sort()).  Columns count characters, not bytes.
 *
 * A machine can show what is in a file of the change.  What a document was
 * rendered to is told at the document's start, and the place within it in the
 * message; what stands in no file at all (standard input, a built-in template)
 * has its place in the message alone.  A source whose text was not read is
 * told at its start, if it has the name of a file.
 */
#pragma once

#include <jansson.h>

struct arena;
struct diags;
struct sbuf;

/*
 * Workflow commands of GitHub, a line each: "::error file=F,line=L,col=C::M".
 * A second place and the hint are further lines of the message.
 */
void findings_github(struct sbuf *out, const struct diags *diags);

/*
 * One run of SARIF 2.1.0 (OASIS); a new reference.  Every result has a place:
 * what has none is a notification of the tool.
 */
json_t *findings_sarif(struct arena *arena, const struct diags *diags);
