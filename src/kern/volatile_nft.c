/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of nftables' answers changes by itself.  What the canonical form drops
 * is no step of any plan (kern/nft_schema.h); names of what an object is in
 * are dropped there too, and are not here.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/attr.h"
#include "kern/nft_schema.h"
#include "kern/nft_wire.h"
#include "kern/volatile_private.h"

#define DEPTH_MAX 24	/* as kern/nft_canon_attr.c has it */
/* Attributes of a message that say where the object is. */
#define PLACES_END 2

/* A view into a buffer that is ours to write to. */
static void zero(char *base, const char *from, struct str view)
{
	memset(base + (view.data - from), 0, view.size);
}

/* The same bytes, as they are read and as they are written. */
struct row {
	struct str rest;
	char *base;		/* of what FROM points to */
	const char *from;
};

static int blank_at(struct row row, const struct nft_schema *schema,
		    int depth);

static int blank_expr(struct row row, struct str expr, int depth)
{
	const struct nft_rule_of_attr rule = {
		NFTA_EXPR_DATA, NFT_NEST,
		nft_schema_of_expr(nft_attr_name(expr, NFTA_EXPR_NAME))
	};
	const struct nft_schema schema = { &rule, 1 };

	row.rest = expr;
	return blank_at(row, &schema, depth + 1);
}

static void blank_quota(struct row row, struct str payload)
{
	uint32_t flags;

	if (payload.size != sizeof(flags))
		return;
	memcpy(&flags, payload.data, sizeof(flags));
	flags &= ~htonl(NFT_QUOTA_F_DEPLETED);
	memcpy(row.base + (payload.data - row.from), &flags, sizeof(flags));
}

static int blank_attr(struct row row, const struct nft_attr *attr,
		      const struct nft_rule_of_attr *rule, int depth)
{
	switch (rule->action) {
	case NFT_DROP:
		if (depth || attr->type > PLACES_END)
			zero(row.base, row.from, attr->payload);
		return 0;
	case NFT_NEST:
		row.rest = attr->payload;
		return blank_at(row, rule->inside, depth + 1);
	case NFT_EXPR:
		return blank_expr(row, attr->payload, depth);
	case NFT_QUOTA_BITS:
		blank_quota(row, attr->payload);
		return 0;
	case NFT_KEEP:
	case NFT_SET_REF:
	case NFT_FILLED_REF:
	case NFT_CHAIN_REF:
		return 0;
	}
	return 0;
}

static int blank_at(struct row row, const struct nft_schema *schema,
		    int depth)
{
	struct nft_attr attr;
	enum nft_walk walk;

	if (depth > DEPTH_MAX)
		return -1;
	while ((walk = nft_next_attr(&row.rest, &attr)) == NFT_WALK_ITEM)
		if (blank_attr(row, &attr, nft_schema_find(schema, attr.type),
			       depth) < 0)
			return -1;
	return walk == NFT_WALK_BAD ? -1 : 0;
}

static int blank_list(struct row row, struct str list)
{
	struct nft_attr element;
	enum nft_walk walk;

	while ((walk = nft_next_attr(&list, &element)) == NFT_WALK_ITEM) {
		row.rest = element.payload;
		if (blank_at(row, &nft_element_schema, 1) < 0)
			return -1;
	}
	return walk == NFT_WALK_BAD ? -1 : 0;
}

static int blank_elements(struct row row)
{
	struct str rest = row.rest;
	struct nft_attr attr;
	enum nft_walk walk;

	while ((walk = nft_next_attr(&rest, &attr)) == NFT_WALK_ITEM)
		if (attr.type == NFTA_SET_ELEM_LIST_ELEMENTS &&
		    blank_list(row, attr.payload) < 0)
			return -1;
	return walk == NFT_WALK_BAD ? -1 : 0;
}

/*
 * It counts every change of any table.  The rest is the name of who asks, of
 * any length: nothing of it stays.
 */
static void blank_generation(struct nlmsghdr *m, struct str attrs,
			     struct blanked *b)
{
	uint32_t generation = nft_attr_u32(attrs, NFTA_GEN_ID, 0);

	b->moved |= b->generation && b->generation != generation;
	b->generation = generation;
	m->nlmsg_len -= (uint32_t)attrs.size;
}

static int blank_message(struct row row, uint8_t type)
{
	switch (type) {
	case NFT_MSG_NEWTABLE:
		return blank_at(row, &nft_table_schema, 0);
	case NFT_MSG_NEWCHAIN:
		return blank_at(row, &nft_chain_schema, 0);
	case NFT_MSG_NEWRULE:
		return blank_at(row, &nft_rule_schema, 0);
	case NFT_MSG_NEWSET:
		return blank_at(row, &nft_set_schema, 0);
	case NFT_MSG_NEWSETELEM:
		return blank_elements(row);
	case NFT_MSG_NEWFLOWTABLE:
		return blank_at(row, &nft_flowtable_schema, 0);
	case NFT_MSG_NEWOBJ:
		return blank_at(row, nft_schema_of_object(
			nft_attr_u32(row.rest, NFTA_OBJ_TYPE, 0)), 0);
	default:
		return 0;
	}
}

int volatile_blank_nft(struct nlmsghdr *m, struct blanked *b)
{
	char *base = (char *)m;
	struct str whole = { base, m->nlmsg_len };
	struct nft_message read;
	struct nfgenmsg *header = mnl_nlmsg_get_payload(m);

	if (nft_next_message(&whole, &read) != NFT_WALK_ITEM ||
	    m->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return -1;
	header->res_id = 0;
	if (m->nlmsg_type == nft_type(NFT_MSG_NEWGEN)) {
		blank_generation(m, read.attrs, b);
		return 0;
	}
	return blank_message((struct row){ read.attrs, base, base },
			     (uint8_t)(m->nlmsg_type & 0xff));
}
