/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ROOT/etc/meshapply/MESH.conf, meshapply.conf(5): what this host is told of
 * a mesh besides the source itself.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"

struct arena;
struct err;

#define CONFIG_FOLDER "/etc/meshapply"
#define CONFIG_LIMIT (1u << 20)		/* bytes */

/*
 * NULL: not said.  Paths that do not start with a slash were put beneath
 * ROOT/etc/meshapply; a source that is a URL is left as it is.
 */
struct config {
	const char *source;
	const char *key;	/* path of the file with the private key */
	const char *node;
	const char *templates;	/* path of a folder */
	/* names: where the device is, and where its UDP socket stays */
	const char *netns, *socket_netns;
	const char *confirm_by;	/* as of --confirm-by */
	struct place source_where;
	struct source text;	/* what the place is in: keep OUT alive */
};

/*
 * MESH is a mesh's name.  All that is wrong is added to DIAGS, with
 * ERR_CONFIG; ERR_NO_INPUT: there is no such file.
 */
int config_read(const char *root, const char *mesh, struct arena *arena,
		struct config *out, struct diags *diags, struct err *e)
	must_check_;

/*
 * The names that have a config here, sorted; none where the folder is not
 * there.  A name need not be one that a mesh can have.
 */
int config_names(const char *root, struct arena *arena, const char ***names,
		 size_t *count, struct err *e) must_check_;
