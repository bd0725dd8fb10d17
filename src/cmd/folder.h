/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render --output: sets of the three texts into folders. */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct err;
struct texts;

struct folder_set;

/* For COUNT folders; PATH need not be there, nothing is done yet. */
struct folder_set *folder_set_new(struct arena *arena, const char *path,
				  size_t count);
/*
 * Stage TEXTS for the folder NAME beneath the path, or for the path itself
 * where NAME is NULL: the folder is made, what differs is written beside its
 * place.  At most COUNT times; NAME is borrowed, TEXTS is not.
 */
int folder_set_stage(struct folder_set *set, const char *name,
		     const struct texts *texts, struct err *e) must_check_;
/*
 * Put everything in its place, and remove those of the three files that a
 * node does not have; nothing else in a folder is touched.  *CHANGED: files
 * written or removed.
 */
int folder_set_commit(struct folder_set *set, size_t *changed, struct err *e)
	must_check_;
/*
 * Take away what is staged and not in its place, and folders made for it, those
 * on the way to the path too: a disk that is full leaves everything as it was.
 */
void folder_set_abandon(struct folder_set *set);
