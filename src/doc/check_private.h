/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the checks across objects, each in a file of its own. */
#pragma once

#include "base/attr.h"
#include "base/diag.h"
#include "doc/topology.h"

struct check {
	struct arena *arena;
	const struct mesh *mesh;
	struct diags *diags;
	struct graph graph;
	bool overlay_whole;	/* nothing is missing of it: see decode.h */
	bool *dropped;		/* links that were complained about already */
	const char **node_names;	/* for hints; NULL: not made yet */
	/* How many words may still be compared in search of a hint: a document
	   of wrong names alone must not take a minute. */
	size_t words_left;
};

/* Overlaps, addresses and endpoints: check_prefix.c */
void check_prefixes(struct check *c);
/* One endpoint for two nodes: check_endpoint.c */
void check_endpoints(struct check *c);
/* check_hub.c */
void check_hubs(struct check *c);
/* What links speak of: check_link.c */
void check_links(struct check *c);
/* Who can meet whom: check_meet.c */
void check_meetings(struct check *c);
/* Ways to everything, and the marks that they want: check_exit.c */
void check_exits(struct check *c);

/* An error at WHERE, that speaks of OTHER too. */
struct diag *check_error(struct check *c, struct place where,
			 struct place other, const char *other_message,
			 const char *format, ...) printf_(5, 6);
/* "there is no WHAT 'NAME'", with the nearest of WORDS. */
void check_unknown(struct check *c, const struct placed_name *name,
		   const char *what, const char *const *words, size_t count);
/* The same for a node, where *OUT is GRAPH_NONE then: -1. */
int check_node(struct check *c, const struct placed_name *name, uint32_t *out)
	must_check_;
