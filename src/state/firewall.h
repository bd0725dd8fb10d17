/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table inet meshapply_<mesh>, as text and as canonical objects.
 *
 * Canonical objects are made from netlink dumps (kern/nft_canon.h): for each
 * table, chain, rule, set, object and flowtable its attributes as the kernel
 * gave them, without the volatile ones, anonymous names replaced by their
 * rank, so that two dumps of the same text are equal byte for byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"

struct arena;

enum firewall_kind {
	FIREWALL_TABLE,
	FIREWALL_CHAIN,
	FIREWALL_RULE,
	FIREWALL_SET,
	FIREWALL_OBJECT,
	FIREWALL_FLOWTABLE,
};

struct firewall_object {
	enum firewall_kind kind;
	/* name; of a rule that of its chain */
	const char *name;
	uint32_t rank;		/* of a rule in its chain */
	struct str bytes;	/* canonical attributes */
	/* of a set: named (not anonymous) and not dynamic, so that its
	   elements are written as deltas */
	bool elements_writable;
	bool elements_compared;	/* false: dynamic, the packets fill it */
	uint32_t element_first, element_count;	/* into elements */
};

/* Elements of one set are sorted by bytes. */
struct firewall_element {
	struct str bytes;	/* canonical attributes: identity and value */
	struct str raw;		/* NFTA_LIST_ELEM content to send or delete */
	bool sendable;		/* false: carries what a delta cannot */
};

struct firewall {
	const char *table;	/* meshapply_<mesh>, escaped */
	/* want, last, before: the file; have: empty */
	struct str text;
	struct place where;
	/* false: text only, not compiled; objects are meaningless */
	bool compiled;
	struct firewall_object *objects;  /* kind, name, rank */
	size_t object_count;
	struct firewall_element *elements;
	size_t element_count;
	uint32_t generation;	/* have: of the ruleset when dumped */
};

/*
 * How two compiled tables differ: not at all, in elements of writable sets
 * alone, or in more.  NULL is no table.
 */
enum firewall_difference {
	FIREWALL_SAME,
	FIREWALL_ELEMENTS,
	FIREWALL_DIFFERENT,
};

enum firewall_difference firewall_compare(const struct firewall *want,
					  const struct firewall *have);

/*
 * A mesh's table name: bytes that an nft identifier cannot carry are written
 * as "/" and two hexadecimal digits, which no mesh name holds.
 */
char *firewall_table_name(struct arena *arena, const char *mesh);

/*
 * Make sure of the frame of a firewall.nft before any compiler sees it:
 * comments, define, and exactly one "table inet NAME { … }" of this NAME.
 * Errors with their place: include, another table, any statement outside it
 * (flush, add, delete, …), iif and oif by index (use iifname, oifname),
 * unbalanced braces, an unterminated string, a byte that is no text.
 */
void firewall_check_frame(const struct source *text, const char *table,
			  struct diags *diags);
/* Names of links the text compares with, for stubs: sorted, each once. */
size_t firewall_link_names(struct arena *arena, struct str text,
			   const char *const **names);

/* The canonical form as bytes to keep in a file, and back (ERR_DATA). */
struct err;
struct str firewall_pack(struct arena *arena, const struct firewall *f);
int firewall_unpack(struct arena *arena, struct str bytes,
		    struct firewall *out, struct err *e) must_check_;
