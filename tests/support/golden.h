/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the project that hold what a test expects.  GOLDEN_UPDATE=1 writes
 * what there is now; MESHAPPLY_SOURCE is the project's folder, else ".".  All
 * of these fail the running test where they cannot do their work.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct arena;

bool golden_updating(void);
/* The path of FOLDER/NAME, FOLDER being the project's. */
const char *golden_path(struct arena *arena, const char *folder,
			const char *name);
/* The file's content, terminated by a NUL; data is NULL if there is none. */
struct str golden_read(struct arena *arena, const char *path);
/*
 * CONTENT is what the file holds; where data is NULL there is no file.  When
 * updating it is made so first.
 */
void golden_update(const char *path, struct str content);
void golden_expect(struct arena *arena, const char *path,
		   struct str content);
