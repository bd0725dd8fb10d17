/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From dumps to canonical objects, in three steps: nft_collect.c sorts the
 * messages out, nft_canon.c writes objects in an order that anonymous names
 * have no say in, nft_canon_attr.c writes the attributes of one.
 *
 * Canonical bytes are a list of { u16 type, u32 size, payload } in the
 * kernel's order, host endian, nested ones alike: no padding, no flag bits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "kern/nft_schema.h"

struct arena;
struct err;

#define NFT_UNRANKED UINT32_MAX
#define NFT_NONE UINT32_MAX

struct nft_item {
	struct str attrs;
	uint32_t next;		/* of the same chain or set, or NFT_NONE */
};

/* A chain or a set: what has a name that may be anonymous. */
struct nft_named {
	struct str name;
	struct str attrs;
	bool anonymous;
	bool filled;		/* a set that packets add to */
	uint32_t flags;
	uint32_t rank;		/* of its first reference, if anonymous */
	const char *shown;	/* the name to go on with, once ranked */
	uint32_t first, last;	/* its rules or elements */
	uint32_t count;
};

struct nft_named_list {
	struct nft_named *items;	/* sorted by name once collected */
	size_t count, capacity;
	struct nft_named **ranked;	/* the anonymous ones by rank */
	size_t ranked_count;
	const char *format;	/* of a shown name */
};

struct nft_item_list {
	struct nft_item *items;
	size_t count, capacity;
};

struct nft_canon {
	struct arena *arena;
	struct err *e;
	const char *table_name;
	uint32_t generation;
	struct str table;
	bool has_table;
	struct nft_named_list chains, sets;
	struct nft_item_list rules, elements, objects, flowtables;
	struct sbuf scratch;
};

/* Fill C from messages; its arena, table name and error are given. */
int nft_collect(struct nft_canon *c, struct str messages) must_check_;
/* The one of that name, or NULL. */
struct nft_named *nft_named_find(const struct nft_named_list *list,
				 struct str name);
/* Rank an anonymous one, if it is not yet; its name to go on with. */
const char *nft_named_show(struct nft_canon *c, struct nft_named_list *list,
			   struct nft_named *named);

/* Append the canonical form of ATTRS to c->scratch. */
int nft_write_attrs(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema) must_check_;
/* The same alone, on the arena. */
int nft_canon_bytes(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema, struct str *out)
	must_check_;

/* Take the first attribute off canonical bytes; false: there is none. */
bool nft_canon_next(struct str *rest, uint16_t *type, struct str *payload);
/* In canonical bytes: the payload of the first attribute of TYPE. */
bool nft_canon_find(struct str bytes, uint16_t type, struct str *payload);
uint32_t nft_canon_u32(struct str bytes, uint16_t type, uint32_t absent);

/* Elements: their bytes, and what a delta sends of them, maybe a view. */
struct firewall_element;
int nft_canon_element(struct nft_canon *c, const struct nft_named *set,
		      struct str attrs, struct firewall_element *out)
	must_check_;
