/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_canon.h"
#include "kern/nft_wire.h"
#include "state/firewall.h"

/* The expressions of an element or of its set: one, or a list of several. */
static int expressions(struct nft_canon *c, struct str attrs, uint16_t one,
		       uint16_t several, struct str *out)
{
	const struct nft_rule_of_attr rule = { one, NFT_EXPR, NULL };
	const struct nft_schema schema = { &rule, 1 };
	struct nft_attr attr;
	struct str bytes;

	*out = (struct str){ "", 0 };
	if (nft_find_attr(attrs, several, &attr))
		return nft_canon_bytes(c, attr.payload, &nft_expr_schema, out);
	if (!nft_find_attr(attrs, one, &attr))
		return 0;
	if (nft_canon_bytes(c, attr.whole, &schema, &bytes) < 0)
		return -1;
	nft_canon_find(bytes, one, out);
	return 0;
}

/*
 * A new element without expressions gets those of its set from the kernel
 * (nft_add_set_elem() in nf_tables_api.c), so these need not be sent, and
 * others, of which the kernel does not take all it dumps, cannot be.
 */
static int carries_only_what_its_set_gives(struct nft_canon *c,
					   const struct nft_named *set,
					   struct str attrs, bool *yes)
{
	struct str own, given;

	if (expressions(c, attrs, NFTA_SET_ELEM_EXPR,
			NFTA_SET_ELEM_EXPRESSIONS, &own) < 0)
		return -1;
	*yes = true;
	if (!own.size)
		return 0;
	if (expressions(c, set->attrs, NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS,
			&given) < 0)
		return -1;
	*yes = str_equal(own, given);
	return 0;
}

static bool is_sent(uint16_t type)
{
	switch (type) {
	case NFTA_SET_ELEM_KEY:
	case NFTA_SET_ELEM_KEY_END:
	case NFTA_SET_ELEM_DATA:
	case NFTA_SET_ELEM_FLAGS:
	case NFTA_SET_ELEM_TIMEOUT:
	case NFTA_SET_ELEM_USERDATA:
	case NFTA_SET_ELEM_OBJREF:
		return true;
	default:
		return false;
	}
}

/* What is neither sent nor dropped is of a kernel newer than this. */
static bool is_known(uint16_t type)
{
	return is_sent(type) || type == NFTA_SET_ELEM_EXPR ||
	       type == NFTA_SET_ELEM_EXPRESSIONS ||
	       type == NFTA_SET_ELEM_EXPIRATION || type == NFTA_SET_ELEM_PAD;
}

/* Is all of it sent, as it stands?  As of most elements, none is taken out. */
static bool is_all_sent(struct str attrs)
{
	struct nft_attr attr;
	enum nft_walk walk;

	if (attrs.size % NLA_ALIGNTO)
		return false;
	while ((walk = nft_next_attr(&attrs, &attr)) == NFT_WALK_ITEM)
		if (!is_sent(attr.type))
			return false;
	return walk == NFT_WALK_END;
}

static void collect_raw(struct nft_canon *c, struct str attrs,
			struct firewall_element *out)
{
	static const char zero[NLA_ALIGNTO];
	struct nft_attr attr;

	c->scratch.size = 0;
	while (nft_next_attr(&attrs, &attr) == NFT_WALK_ITEM) {
		size_t size = attr.whole.size;

		if (!is_known(attr.type))
			out->sendable = false;
		if (!is_sent(attr.type))
			continue;
		sbuf_str(&c->scratch, attr.whole);
		sbuf_add(&c->scratch, zero, NLA_ALIGN(size) - size);
	}
	out->raw.size = c->scratch.size;
	out->raw.data = arena_copy(c->arena, c->scratch.data, out->raw.size);
}

int nft_canon_element(struct nft_canon *c, const struct nft_named *set,
		      struct str attrs, struct firewall_element *out)
{
	*out = (struct firewall_element){ .raw = { "", 0 } };
	if (nft_canon_bytes(c, attrs, &nft_element_schema, &out->bytes) < 0)
		return -1;
	if (set->anonymous)
		return 0;
	if (is_all_sent(attrs)) {
		out->sendable = true;
		out->raw = attrs;
		return 0;
	}
	if (carries_only_what_its_set_gives(c, set, attrs,
					    &out->sendable) < 0)
		return -1;
	collect_raw(c, attrs, out);
	return 0;
}
