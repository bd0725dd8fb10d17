/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public keys that this host trusts documents by: files of minisign's,
 * of root or of the user who runs this, that nobody else can write.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct err;
struct minisign_key;

#define TRUSTED_FOLDER "/etc/meshapply/trusted.d"

/*
 * All ROOT/etc/meshapply/trusted.d/NAME.pub, by their names; none where the
 * folder is not there.  ERR_CONFIG: one is no key, or others can write it.
 */
int trusted_folder(const char *root, struct arena *arena,
		   struct minisign_key **keys, size_t *count, struct err *e)
	must_check_;

/*
 * Those of the COUNT files that are NAMED, one key each: a path, or a bare
 * name in that folder, with or without its ".pub".
 */
int trusted_named(const char *root, const char *const *named, size_t count,
		  struct arena *arena, struct minisign_key **keys,
		  struct err *e) must_check_;
