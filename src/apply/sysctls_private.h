/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of sysctls as a file: between sysctls.c and sysctls_file.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "apply/store_private.h"

/* The entries as they will be; each key of a mesh once. */
struct sysctl_entries {
	struct arena *arena;
	struct sysctl_entry *items;
	size_t count, capacity;
};

void sysctl_entries_add(struct sysctl_entries *list,
			const struct sysctl_entry *entry);
/* Add what the registry has of other meshes. */
void sysctl_entries_keep(const struct store *s, struct sysctl_entries *list);
bool sysctl_is_here(const struct store *s, const struct sysctl_entry *entry);
bool sysctl_is_ours(const struct store *s, const struct sysctl_entry *entry);

/*
 * Stage LIST as the registry, whose lock is held from here to the commit;
 * nothing is done where it says that already.  ERR_BUSY when another mesh
 * changed it since sysctls_read().
 */
int sysctls_put(struct store *s, const struct sysctl_entries *list,
		struct err *e) must_check_;
/*
 * A mark's entries: read one of this mesh (r->bad if it is none), and put them
 * into the registry, whatever became of it since.
 */
void sysctls_pending_read(const struct store *s, struct records *r,
			  const struct record *record,
			  struct sysctl_entries *ours);
int sysctls_merge(struct store *s, const struct sysctl_entries *ours,
		  struct err *e) must_check_;
/* Empty, it is of no use to anybody. */
int sysctls_remove_empty(struct store *s, struct err *e) must_check_;
