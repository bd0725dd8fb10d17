/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of other programs, and what they say; private to doctor/. */
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "doctor/doctor.h"

/* A finding to be filled; MESH may be NULL. */
struct finding *finding_add(struct doctor *d, enum finding_level level,
			    const char *id, const struct doctor_mesh *m);
#define doctor_printf(d, ...) arena_printf((d)->arena, __VA_ARGS__)

/* Is there anything of that path?  Links are not followed. */
bool host_exists(const struct doctor *d, const char *path);
/* Was PATH made after OTHER was written?  False if either is not there. */
bool host_is_newer(const struct doctor *d, const char *path,
		   const char *other);
/*
 * Read a regular file, links followed, whole, as a secret.  False where there
 * is none, it is too large, or may not be read, which is a finding then.
 */
bool host_read(struct doctor *d, const char *path, struct str *out);
/* The names in FOLDER that end in SUFFIX, sorted; none if it is not there. */
size_t host_list(const struct doctor *d, const char *folder,
		 const char *suffix, const char ***names);

/* The link that starts the unit at boot; NULL if there is none, or the unit is
   masked. */
const char *unit_enabled(const struct doctor *d, const char *unit);
/* Does it run now, or is it started at boot? */
bool unit_is_used(const struct doctor *d, const char *unit);

/*
 * The files that a program is configured by, in the order in which they are
 * read: later ones win.  FOLDERS, the most important last and ended by NULL,
 * hold drop-ins that end in ".conf": one of a name hides those of the same
 * name in folders before; MAIN stands before the drop-ins of those in FOLDERS
 * from the one at AFTER on.
 */
size_t conf_files(struct doctor *d, const char *main,
		  const char *const *folders, size_t after,
		  const char *const **out);
/* The value of the last "KEY=" in SECTION of TEXT ("": before any); false:
   none. */
bool conf_find(struct str text, const char *section, const char *key,
	       struct str *value);
/* The next word of a line, between blanks; false: there is none. */
bool conf_word(struct str *rest, struct str *word);
/* Words for no, as systemd and GLib take them. */
bool conf_is_no(struct str value);

/* networkd.c, manager.c, forward.c, ruleset.c, filter.c, tools.c, kernel.c */
void check_kernel(struct doctor *d);
void check_networkd(struct doctor *d, const struct doctor_mesh *m);
void check_network_manager(struct doctor *d, const struct doctor_mesh *m);
void check_forward(struct doctor *d, const struct doctor_mesh *m);
void check_ruleset(struct doctor *d);
void check_reverse_path(struct doctor *d, const struct doctor_mesh *m);
void check_clock_of(struct doctor *d, const struct doctor_mesh *m);
void check_units(struct doctor *d, const struct doctor_mesh *m);
void check_port(struct doctor *d, const struct doctor_mesh *m);
void check_names(struct doctor *d, const struct doctor_mesh *m);
