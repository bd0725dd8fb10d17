/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mesh document as a source: which node this is, and its three texts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "doc/mesh.h"
#include "doc/topology.h"
#include "doc/view.h"
#include "render/templates.h"

struct err;
struct session;
struct want;

struct document {
	struct mesh mesh;
	struct graph graph;		/* of it, once it is open */
	struct templates templates;
	const struct node *self;	/* NULL: not known yet */
	bool by_name;			/* found without asking for a key */
	const struct key *private_key;	/* that is given; NULL: not read */
	struct view *view;		/* of self, once it was rendered */
};

/*
 * Decode and check W's document, read the config of its mesh where none was
 * read, load the templates.  An expired one is a warning.
 */
int document_open(struct session *s, struct want *w, struct err *e)
	must_check_;

/*
 * Which node this is: the one of --node, the config's, else the one that has
 * the public key of our private key.  By a name alone no key is read.
 */
int document_find_self(struct session *s, struct want *w, struct err *e)
	must_check_;
/* NODE's view to W's texts. */
int document_render(struct session *s, struct want *w,
		    const struct node *node, struct err *e) must_check_;
/* A rendered TEXT as a source: whose it is stands in its name. */
struct source document_text(struct session *s, const struct want *w,
			    const char *node, struct source text);
/*
 * For what changes this host: refuse an expired document, find ourselves in
 * it, render, and compare with the other meshes of this host.
 */
int document_here(struct session *s, struct want *w, struct err *e)
	must_check_;
/* The key that is used must be that of the node whose view was rendered. */
int document_check_key(const struct want *w, const struct key *private_key,
		       struct err *e) must_check_;

/*
 * others.c: clashes of VIEW with the documents of other meshes that this
 * host has a config for, to s->diags.  One that cannot be read is a note.
 */
void others_check(struct session *s, const struct view *view);
