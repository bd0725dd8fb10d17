/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was applied to a mesh, newest first, in words and in JSON. */
#pragma once

#include <jansson.h>

#include "apply/generation.h"

struct arena;
struct sbuf;

void history_text(struct sbuf *out, const char *mesh,
		  const struct generations *generations);
/* A new reference. */
json_t *history_json(struct arena *arena, const char *mesh,
		     const struct generations *generations);
