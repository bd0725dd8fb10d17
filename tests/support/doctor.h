/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that doctor looks at: its files beneath a scratch folder, its kernel
 * as a test sets it; a mesh "office" on wg0, and nothing to be found.  Names
 * are short, for a test of doctor has few others.
 */
#pragma once

#include "doctor/doctor.h"

#define NOW INT64_C(1800000000)	/* what its clock shows */

extern struct arena *arena, *secrets;
extern struct doctor doctor;
extern struct doctor_mesh mesh;
extern struct device device;
extern struct state have;
extern struct link links[4];
extern struct sysctl sysctls[8];

void host_make(void);
void host_end(void);

/* PATH beneath the scratch folder, its folders made. */
const char *beneath(const char *path);
void put(const char *path, const char *text);
/* A link to what is not there. */
void put_link(const char *path);
void activate(const char *unit);
void make_older(const char *path);
const char *text_of(const char *path);

void look(void);
/* What was found of ID, or NULL. */
const struct finding *found(const char *id);
/* Look, and it is there, of LEVEL, with WORD in it, and says what ends it. */
const struct finding *expect(const char *id, enum finding_level level,
			     const char *word);
void expect_none(void);
/* What a finding says to write ends it. */
void obey(const struct finding *f);
/* What it says to run on PATH, where the command ends. */
void run_on(const char *command, const char *path);
