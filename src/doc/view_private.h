/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views that are only gone through. */
#pragma once

#include "doc/topology.h"
#include "doc/view.h"

/* view_of() but for the members: all that a packet's way goes by. */
void view_of_ways(struct arena *arena, const struct graph *graph,
		  const struct node *self, struct view *out);
