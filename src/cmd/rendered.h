/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document that was rendered before, from the same bytes, by this program:
 * its texts are taken as they were kept (apply/rendered.h).
 */
#pragma once

#include <stdbool.h>

struct arena;
struct session;
struct want;

/*
 * Take what is kept for the document of W, up to s->want with its keys.
 * false: nothing fits, or something is wrong; nothing has been said then, and
 * S and W are as before, for the long way.
 */
bool rendered_take(struct session *s, struct want *w);
/* What W was rendered to, for the run to keep, where it may be kept. */
void rendered_keep(struct session *s, const struct want *w);
/* The version and the linker's digest of this program; NULL: it has none, and
   cannot be told from others of its version. */
const char *program_id(struct arena *arena);
