/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front half: a mesh document (meshapply.json(5)) to what one node is to
 * have.  Pure: nothing is read but the text.
 *
 *   mesh_read: JSON to struct mesh, checked     decode*.c, check*.c
 *   view_make: what one node has of it          topology.c, view.c
 *   view_values: as templates see it            values.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "doc/mesh.h"

struct arena;
struct graph;
struct value;
struct view;

/*
 * Decode and check the document SOURCE.  All that is wrong is added to DIAGS,
 * with both places where two clash; 0 if nothing is, else -1 and OUT is left
 * alone.  SOURCE and its text are borrowed by OUT.  The text may hold keys:
 * they are kept on SECRETS only, and a SOURCE that has any, or says so
 * ("secrets": "inline"), is marked as secret, so that no line of it is shown.
 */
int mesh_read(struct arena *arena, struct arena *secrets,
	      struct source *source, struct mesh *out,
	      struct diags *diags) must_check_;

/* The parts of mesh_read(): values each for itself, then all together. */
int mesh_decode(struct arena *arena, struct arena *secrets,
		struct source *source, struct mesh *out,
		struct diags *diags) must_check_;
int mesh_check(struct arena *arena, const struct mesh *mesh,
	       struct diags *diags) must_check_;

/* NULL if there is none. */
const struct node *mesh_node(const struct mesh *mesh, const char *name);
const struct node *mesh_node_of_key(const struct mesh *mesh,
				    const struct key *public_key);

/*
 * "tests" of the document: what does not come out as expected is an error at
 * the test, with the hop at which it ends.  0 or -1.
 */
int mesh_test(struct arena *arena, const struct mesh *mesh,
	      struct diags *diags) must_check_;

/* What SELF has of the mesh, which has passed mesh_check(). */
void view_make(struct arena *arena, const struct mesh *mesh,
	       const struct node *self, struct view *out);
/* The same for many nodes, from one graph_make(); OUT borrows none of it. */
void view_of(struct arena *arena, const struct graph *graph,
	     const struct node *self, struct view *out);

/*
 * Two meshes on one host: the same interface, listen port, table or mark, or
 * prefixes that overlap, is an error with both places; 0 or -1.  A node may
 * offer one mesh what it has by the other.
 */
int view_check_pair(const struct view *a, const struct view *b,
		    struct diags *diags) must_check_;

/* The values of meshapply-template(5), with places in the document. */
const struct value *view_values(struct arena *arena, const struct view *view);
