/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to each attribute of a dump on its way to canonical bytes.
 * One that is not named here is kept as it stands: what a newer kernel adds
 * shows as a difference, it is not overlooked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum nft_action {
	NFT_KEEP,
	NFT_DROP,	/* moves by itself, or names the place, not the thing */
	NFT_NEST,	/* go inside */
	NFT_EXPR,	/* an expression: the name decides what is inside */
	NFT_SET_REF,	/* a set's name, anonymous or not */
	NFT_FILLED_REF,	/* the same, of one that packets fill */
	NFT_CHAIN_REF,	/* a chain's name, bound or not */
	NFT_QUOTA_BITS,	/* flags, one of which tells that it is used up */
};

struct nft_schema;

struct nft_rule_of_attr {
	uint16_t type;
	enum nft_action action;
	const struct nft_schema *inside;
};

struct nft_schema {
	const struct nft_rule_of_attr *rules;
	size_t count;
};

extern const struct nft_schema nft_table_schema;
extern const struct nft_schema nft_chain_schema;
extern const struct nft_schema nft_rule_schema;
extern const struct nft_schema nft_set_schema;
extern const struct nft_schema nft_flowtable_schema;
extern const struct nft_schema nft_element_schema;
extern const struct nft_schema nft_expr_schema;

/* NFTA_EXPR_DATA of the expression NAME; empty for one not known. */
const struct nft_schema *nft_schema_of_expr(struct str name);
/* A named object of NFT_OBJECT_*. */
const struct nft_schema *nft_schema_of_object(uint32_t type);
/* KEEP for what is not named. */
const struct nft_rule_of_attr *nft_schema_find(const struct nft_schema *s,
					       uint16_t type);
