/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents in tests.  To be read in C they are written with ' in place of ",
 * and @7 stands for a public key, the seventh.
 */
#pragma once

#include "doc/mesh.h"

struct arena;

/* TEXT as JSON: a source named "mesh.json". */
struct source *mesh_source(struct arena *arena, const char *text);
/* A document that is right; the running test fails where it is not. */
const struct mesh *mesh_of(struct arena *arena, const char *text);
/* What mesh_read() says of it, as diags_lines(). */
const char *mesh_complain(struct arena *arena, const char *text);
/* What mesh_test() says of a document that is right. */
const char *mesh_test_lines(struct arena *arena, const char *text);
