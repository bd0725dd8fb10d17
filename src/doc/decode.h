/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the tree of values to struct mesh, private to doc/.  An object is
 * decoded by the table of its keys; what is wrong is said at its place and
 * left out, and decoding goes on.
 */
#pragma once

#include "doc/doc.h"
#include "doc/parse.h"

#define OVERLAYS_MAX 64		/* prefixes: each address is held to all */
#define TESTS_MAX 10000	/* each may take two nodes' views */
#define NODE_NAME_MAX 63
#define LABEL_PREFIX "label:"
/* What IPv6 wants, RFC 8200 section 5; what a route can have, ip-route(8). */
#define LINK_MTU_MIN 1280
#define LINK_MTU_MAX 65520
#define INLINE_PREFIX "inline:"	/* of names made up for inline keys */
/* What RFC 8259 section 6 calls interoperable: 2^53 - 1. */
#define WHOLE_NUMBER_MAX 9007199254740991u

struct decoder {
	struct arena *arena, *secrets;
	struct source *source;
	struct diags *diags;
	struct mesh *mesh;
	struct place hubs_where;	/* source NULL: no hubs */
	struct place secrets_where;	/* source NULL: not said */
	bool overlay_whole;	/* nothing is missing of it */
	bool names_whole;	/* every node's name is known */
	bool topology_wrong;
	bool links_given;	/* however wrong they are */
	/* Everything is there that all checks across objects go by: an error
	   of theirs does not come from one that is already reported. */
	bool whole;
};

struct field {
	const char *name;
	unsigned int kinds;	/* KIND() of those that are taken */
	/*
	 * Put VALUE, of such a kind, into OBJECT; -1 after an error.  Lists
	 * and objects say for their parts whether anything is missing then.
	 */
	int (*take)(struct decoder *d, const struct field *field,
		    const struct doc_value *value, void *object);
	bool required;
	bool minor;		/* nothing else is judged by it: see whole */
	size_t at;		/* of a setting in OBJECT, with its limits */
	uint32_t min, max;
};

#define KIND(kind) (1u << (kind))

struct shape {
	const char *one, *this;	/* "a node", "this node" */
	const struct field *fields;
	size_t count;
};

/* The members of VALUE into OBJECT; what is missing is said at WHERE. */
void decode_object(struct decoder *d, const struct shape *shape,
		   const struct doc_value *value, size_t where, void *object);
/* Is ITEM, of the list NAME, of this kind?  Says so if not. */
bool decode_item_is(struct decoder *d, const char *name,
		    const struct doc_value *item, enum doc_kind kind);

struct place decode_place(const struct decoder *d, size_t offset);

/* For tables: what fields take that have no function of their own. */
int take_nothing(struct decoder *d, const struct field *field,
		 const struct doc_value *value, void *object);
int take_setting(struct decoder *d, const struct field *field,
		 const struct doc_value *value, void *object);
/* A setting whose value is an enum endpoint_policy. */
int take_policy(struct decoder *d, const struct field *field,
		const struct doc_value *value, void *object);

int decode_number(struct decoder *d, const char *name,
		  const struct doc_value *value, uint64_t min, uint64_t max,
		  uint64_t *out) must_check_;
/* The index of a text among WORDS, or -1. */
int decode_word(struct decoder *d, const char *name,
		const struct doc_value *value, const char *const *words,
		size_t count) must_check_;
/* Of a node or label; WHAT is it.  The text of VALUE, or its KEY. */
int decode_name(struct decoder *d, const char *what, struct str text,
		size_t offset, struct placed_name *out) must_check_;
/* A list of names, none of them twice. */
int decode_names(struct decoder *d, const struct field *field,
		 const struct doc_value *value, const char *what,
		 struct placed_name **items, size_t *count) must_check_;
/* RFC 3339 to seconds since 1970. */
int decode_time(struct decoder *d, const char *name,
		const struct doc_value *value, int64_t *out) must_check_;
int decode_key(struct decoder *d, const char *name,
	       const struct doc_value *value, struct key *out) must_check_;
int decode_endpoint(struct decoder *d, const struct doc_value *value,
		    struct node_endpoint *out) must_check_;
/* Networks, masked; what is good of them is appended. */
int decode_prefixes(struct decoder *d, const char *name,
		    const struct doc_value *value,
		    struct prefix_list *list) must_check_;
/* The same for addresses, for now each with its whole length. */
void decode_addresses(struct decoder *d, const char *name,
		      const struct doc_value *value, struct prefix_list *list);

/* Entries of the document's tables. */
int take_nodes(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object);
int take_links(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object);
int take_trust(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object);
int take_tests(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object);

/*
 * Of mesh_check() what can be said of a mesh that is not whole: OVERLAY and
 * NAMES tell whether all of the one and of the nodes' names are there.
 */
int mesh_check_parts(struct arena *arena, const struct mesh *mesh,
		     bool overlay, bool names, struct diags *diags)
	must_check_;

/*
 * Hide the lines of all diagnostics that may show a key of the document: what
 * looks like one and is not the value of "public_key".
 */
void document_hide_keys(const struct source *source, struct diags *diags);
