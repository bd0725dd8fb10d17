/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys in files: one key a file, base64, as wg(8) takes it. */
#pragma once

#include "base/attr.h"

struct arena;
struct err;
struct key;

/*
 * Read the key in the file PATH (of --key; links followed, a pipe is fine,
 * "-" is standard input), or, where that is NULL, in the file of the bare
 * name NAME in FOLDER.  Blanks and line breaks around it are skipped.  What
 * the file holds passes through SECRETS and is in no message.
 *
 * ERR_NO_INPUT: no such file; ERR_CONFIG: others may read it, or what it
 * holds is not one key.
 */
int keyfile_read(const char *path, int folder, const char *name,
		 struct arena *secrets, struct key *out, struct err *e)
	must_check_;
