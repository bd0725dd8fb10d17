/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nft_schema.h"

#include <linux/netfilter/nf_tables.h>

#include "base/attr.h"
#include "kern/nft_wire.h"

#define SCHEMA(...) { \
	.rules = (const struct nft_rule_of_attr[]){ __VA_ARGS__ }, \
	.count = sizeof((const struct nft_rule_of_attr[]){ __VA_ARGS__ }) / \
		 sizeof(struct nft_rule_of_attr), \
}

static const struct nft_schema nothing;

/* Values */

static const struct nft_schema verdict = SCHEMA(
	{ NFTA_VERDICT_CHAIN, NFT_CHAIN_REF, NULL },
	{ NFTA_VERDICT_CHAIN_ID, NFT_DROP, NULL });

static const struct nft_schema data = SCHEMA(
	{ NFTA_DATA_VERDICT, NFT_NEST, &verdict });

/* Expressions */

const struct nft_schema nft_expr_schema = SCHEMA(
	{ NFTA_LIST_ELEM, NFT_EXPR, NULL });

static const struct nft_schema immediate = SCHEMA(
	{ NFTA_IMMEDIATE_DATA, NFT_NEST, &data });

static const struct nft_schema cmp = SCHEMA(
	{ NFTA_CMP_DATA, NFT_NEST, &data });

static const struct nft_schema range = SCHEMA(
	{ NFTA_RANGE_FROM_DATA, NFT_NEST, &data },
	{ NFTA_RANGE_TO_DATA, NFT_NEST, &data });

static const struct nft_schema bitwise = SCHEMA(
	{ NFTA_BITWISE_MASK, NFT_NEST, &data },
	{ NFTA_BITWISE_XOR, NFT_NEST, &data },
	{ NFTA_BITWISE_DATA, NFT_NEST, &data });

static const struct nft_schema lookup = SCHEMA(
	{ NFTA_LOOKUP_SET, NFT_SET_REF, NULL },
	{ NFTA_LOOKUP_SET_ID, NFT_DROP, NULL });

static const struct nft_schema objref = SCHEMA(
	{ NFTA_OBJREF_SET_NAME, NFT_SET_REF, NULL },
	{ NFTA_OBJREF_SET_ID, NFT_DROP, NULL });

static const struct nft_schema dynset = SCHEMA(
	{ NFTA_DYNSET_SET_NAME, NFT_FILLED_REF, NULL },
	{ NFTA_DYNSET_SET_ID, NFT_DROP, NULL },
	{ NFTA_DYNSET_PAD, NFT_DROP, NULL },
	{ NFTA_DYNSET_EXPR, NFT_EXPR, NULL },
	{ NFTA_DYNSET_EXPRESSIONS, NFT_NEST, &nft_expr_schema });

static const struct nft_schema counter = SCHEMA(
	{ NFTA_COUNTER_BYTES, NFT_DROP, NULL },
	{ NFTA_COUNTER_PACKETS, NFT_DROP, NULL },
	{ NFTA_COUNTER_PAD, NFT_DROP, NULL });

static const struct nft_schema quota = SCHEMA(
	{ NFTA_QUOTA_FLAGS, NFT_QUOTA_BITS, NULL },
	{ NFTA_QUOTA_CONSUMED, NFT_DROP, NULL },
	{ NFTA_QUOTA_PAD, NFT_DROP, NULL });

static const struct nft_schema last = SCHEMA(
	{ NFTA_LAST_SET, NFT_DROP, NULL },
	{ NFTA_LAST_MSECS, NFT_DROP, NULL },
	{ NFTA_LAST_PAD, NFT_DROP, NULL });

static const struct nft_schema limit = SCHEMA(
	{ NFTA_LIMIT_PAD, NFT_DROP, NULL });

static const struct {
	const char *name;
	const struct nft_schema *schema;
} expressions[] = {
	{ "immediate", &immediate },
	{ "cmp", &cmp },
	{ "range", &range },
	{ "bitwise", &bitwise },
	{ "lookup", &lookup },
	{ "objref", &objref },
	{ "dynset", &dynset },
	{ "counter", &counter },
	{ "quota", &quota },
	{ "last", &last },
	{ "limit", &limit },
};

/* What a table holds */

const struct nft_schema nft_table_schema = SCHEMA(
	{ NFTA_TABLE_USE, NFT_DROP, NULL },
	{ NFTA_TABLE_HANDLE, NFT_DROP, NULL },
	{ NFTA_TABLE_PAD, NFT_DROP, NULL },
	{ NFTA_TABLE_OWNER, NFT_DROP, NULL });

const struct nft_schema nft_chain_schema = SCHEMA(
	{ NFTA_CHAIN_TABLE, NFT_DROP, NULL },
	{ NFTA_CHAIN_HANDLE, NFT_DROP, NULL },
	{ NFTA_CHAIN_NAME, NFT_CHAIN_REF, NULL },
	{ NFTA_CHAIN_USE, NFT_DROP, NULL },
	{ NFTA_CHAIN_COUNTERS, NFT_DROP, NULL },
	{ NFTA_CHAIN_PAD, NFT_DROP, NULL },
	{ NFTA_CHAIN_ID, NFT_DROP, NULL });

const struct nft_schema nft_rule_schema = SCHEMA(
	{ NFTA_RULE_TABLE, NFT_DROP, NULL },
	{ NFTA_RULE_CHAIN, NFT_DROP, NULL },
	{ NFTA_RULE_HANDLE, NFT_DROP, NULL },
	{ NFTA_RULE_EXPRESSIONS, NFT_NEST, &nft_expr_schema },
	{ NFTA_RULE_POSITION, NFT_DROP, NULL },
	{ NFTA_RULE_PAD, NFT_DROP, NULL },
	{ NFTA_RULE_ID, NFT_DROP, NULL },
	{ NFTA_RULE_POSITION_ID, NFT_DROP, NULL },
	{ NFTA_RULE_CHAIN_ID, NFT_DROP, NULL });

const struct nft_schema nft_set_schema = SCHEMA(
	{ NFTA_SET_TABLE, NFT_DROP, NULL },
	{ NFTA_SET_NAME, NFT_SET_REF, NULL },
	{ NFTA_SET_ID, NFT_DROP, NULL },
	{ NFTA_SET_PAD, NFT_DROP, NULL },
	{ NFTA_SET_HANDLE, NFT_DROP, NULL },
	{ NFTA_SET_EXPR, NFT_EXPR, NULL },
	{ NFTA_SET_EXPRESSIONS, NFT_NEST, &nft_expr_schema },
	{ NFT_SET_ATTR_BACKEND, NFT_DROP, NULL },
	{ NFT_SET_ATTR_COUNT, NFT_DROP, NULL });

const struct nft_schema nft_flowtable_schema = SCHEMA(
	{ NFTA_FLOWTABLE_TABLE, NFT_DROP, NULL },
	{ NFTA_FLOWTABLE_USE, NFT_DROP, NULL },
	{ NFTA_FLOWTABLE_HANDLE, NFT_DROP, NULL },
	{ NFTA_FLOWTABLE_PAD, NFT_DROP, NULL });

const struct nft_schema nft_element_schema = SCHEMA(
	{ NFTA_SET_ELEM_KEY, NFT_NEST, &data },
	{ NFTA_SET_ELEM_KEY_END, NFT_NEST, &data },
	{ NFTA_SET_ELEM_DATA, NFT_NEST, &data },
	{ NFTA_SET_ELEM_EXPIRATION, NFT_DROP, NULL },
	{ NFTA_SET_ELEM_PAD, NFT_DROP, NULL },
	{ NFTA_SET_ELEM_EXPR, NFT_EXPR, NULL },
	{ NFTA_SET_ELEM_EXPRESSIONS, NFT_NEST, &nft_expr_schema });

#define OBJECT(inside) SCHEMA( \
	{ NFTA_OBJ_TABLE, NFT_DROP, NULL }, \
	{ NFTA_OBJ_USE, NFT_DROP, NULL }, \
	{ NFTA_OBJ_HANDLE, NFT_DROP, NULL }, \
	{ NFTA_OBJ_PAD, NFT_DROP, NULL }, \
	{ NFTA_OBJ_DATA, NFT_NEST, inside })

static const struct nft_schema counter_object = OBJECT(&counter);
static const struct nft_schema quota_object = OBJECT(&quota);
static const struct nft_schema limit_object = OBJECT(&limit);
static const struct nft_schema other_object = OBJECT(&nothing);

const struct nft_schema *nft_schema_of_object(uint32_t type)
{
	switch (type) {
	case NFT_OBJECT_COUNTER:
		return &counter_object;
	case NFT_OBJECT_QUOTA:
		return &quota_object;
	case NFT_OBJECT_LIMIT:
		return &limit_object;
	default:
		return &other_object;
	}
}

const struct nft_schema *nft_schema_of_expr(struct str name)
{
	for (size_t i = 0; i < array_size(expressions); i++)
		if (str_is(name, expressions[i].name))
			return expressions[i].schema;
	return &nothing;
}

const struct nft_rule_of_attr *nft_schema_find(const struct nft_schema *s,
					       uint16_t type)
{
	static const struct nft_rule_of_attr keep;

	for (size_t i = 0; i < s->count; i++)
		if (s->rules[i].type == type)
			return &s->rules[i];
	return &keep;
}
