/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which meshes are on this host, and which one an argument means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct err;
struct session;

struct mesh_names {
	const char **items;
	size_t count, capacity;
};

void mesh_names_add(struct session *s, struct mesh_names *names,
		    const char *name);
/*
 * Those whose links are here, by their alias, and those that something is
 * kept of; sorted, each once.
 */
int mesh_names_here(struct session *s, struct mesh_names *names,
		    struct err *e) must_check_;

/* Those alone that something is kept of. */
void mesh_names_kept(struct session *s, struct mesh_names *names);

bool mesh_is_among(const char *mesh, const char *const *names, size_t count);

/* The name that status, remove or recover were given, as SOURCE or --mesh. */
int mesh_named(struct session *s, const char **mesh, struct err *e)
	must_check_;
/*
 * Is there anything of MESH: a config, something kept, a link?  If not, WHY
 * says which meshes there are; it is ERR_USAGE where ARGUMENT is a file, or
 * the device of another mesh, whose name it tells, else ERR_NO_INPUT.  The
 * network namespace has been entered.
 */
bool mesh_is_here(struct session *s, const char *mesh, struct err *why);
