/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of many nodes, from one graph. */
#pragma once

#include "doc/topology.h"
#include "doc/view.h"

/* view_make() of the node SELF; OUT borrows nothing of the graph. */
void view_of(struct arena *arena, const struct graph *graph, uint32_t self,
	     struct view *out);
/* The same but for the members: all that a packet's way goes by. */
void view_of_ways(struct arena *arena, const struct graph *graph,
		  uint32_t self, struct view *out);
/* The routes the kernel makes by itself for NODE's addresses, sorted. */
void view_connected(struct arena *arena, const struct node *node,
		    struct prefix_list *out);
