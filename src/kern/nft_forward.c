/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nft_forward.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_wire.h"

static bool same_table(const struct nft_chain *chain,
		       const struct nft_message *m)
{
	/* Attribute 1 of chains, rules, sets and elements alike. */
	return m->family == chain->family &&
		str_equal(nft_attr_name(m->attrs, NFTA_CHAIN_TABLE),
			  chain->table);
}

/* An expression of a rule. */
struct expression {
	struct str name, data;
};

static bool next_expression(struct str *rest, struct expression *out)
{
	struct nft_attr element, data;

	if (nft_next_attr(rest, &element) != NFT_WALK_ITEM)
		return false;
	out->name = nft_attr_name(element.payload, NFTA_EXPR_NAME);
	out->data = nft_find_attr(element.payload, NFTA_EXPR_DATA, &data) ?
		data.payload : (struct str){ 0 };
	return true;
}

static struct str expressions_of(const struct nft_message *rule)
{
	struct nft_attr list;

	return nft_find_attr(rule->attrs, NFTA_RULE_EXPRESSIONS, &list) ?
		list.payload : (struct str){ 0 };
}

/* Nested attributes OUTER, then INNER. */
static bool find_nested(struct str attrs, uint16_t outer, uint16_t inner,
			struct nft_attr *out)
{
	struct nft_attr nest;

	return nft_find_attr(attrs, outer, &nest) &&
		nft_find_attr(nest.payload, inner, out);
}

static bool is_drop(const struct expression *x)
{
	struct nft_attr verdict;

	if (str_is(x->name, "reject"))
		return true;
	return str_is(x->name, "immediate") &&
		find_nested(x->data, NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT,
			    &verdict) &&
		nft_attr_u32(verdict.payload, NFTA_VERDICT_CODE, NF_ACCEPT) ==
		NF_DROP;
}

/* Nothing in the rule can keep a packet from being dropped. */
static bool rule_drops_all(const struct nft_message *rule)
{
	struct str rest = expressions_of(rule);
	struct expression x;

	while (next_expression(&rest, &x)) {
		if (is_drop(&x))
			return true;
		if (!str_is(x.name, "counter") && !str_is(x.name, "log"))
			return false;
	}
	return false;
}

static bool is_ip(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 ||
		family == NFPROTO_INET;
}

static void take_chain(struct arena *arena, struct nft_forward *f,
		       const struct nft_message *m)
{
	struct nft_chain *chain;
	struct nft_attr hook;

	if (!is_ip(m->family) ||
	    !nft_find_attr(m->attrs, NFTA_CHAIN_HOOK, &hook) ||
	    nft_attr_u32(hook.payload, NFTA_HOOK_HOOKNUM, UINT32_MAX) !=
	    NF_INET_FORWARD)
		return;
	arena_room(arena, &f->chains, f->count, &f->capacity,
		   sizeof(*f->chains));
	chain = &f->chains[f->count++];
	*chain = (struct nft_chain){
		.family = m->family,
		.table = nft_attr_name(m->attrs, NFTA_CHAIN_TABLE),
		.name = nft_attr_name(m->attrs, NFTA_CHAIN_NAME),
		.priority = (int32_t)nft_attr_u32(hook.payload,
						  NFTA_HOOK_PRIORITY, 0),
		.drops_by_policy = nft_attr_u32(m->attrs, NFTA_CHAIN_POLICY,
						NF_ACCEPT) == NF_DROP,
	};
}

/* The last rule that speaks of a chain decides. */
static void take_rule(struct nft_forward *f, const struct nft_message *m)
{
	struct str name = nft_attr_name(m->attrs, NFTA_RULE_CHAIN);

	for (size_t i = 0; i < f->count; i++)
		if (same_table(&f->chains[i], m) &&
		    str_equal(f->chains[i].name, name))
			f->chains[i].drops_at_end = rule_drops_all(m);
}

/* The messages of TYPE one after the other; false at the end. */
static bool next_of(struct str *rest, uint8_t type, struct nft_message *m)
{
	while (nft_next_message(rest, m) == NFT_WALK_ITEM)
		if (m->type == nft_type(type))
			return true;
	return false;
}

int nft_forward_decode(struct arena *arena, struct str messages,
		       struct nft_forward *out, struct err *e)
{
	struct nft_forward f = { .messages = messages };
	struct str rest = messages;
	enum nft_walk walk;
	struct nft_message m;

	while ((walk = nft_next_message(&rest, &m)) == NFT_WALK_ITEM)
		if (m.type == nft_type(NFT_MSG_NEWCHAIN))
			take_chain(arena, &f, &m);
	if (walk == NFT_WALK_BAD)
		return err_set(e, ERR_DATA, "nftables: a message is cut "
			       "short");
	for (rest = messages; next_of(&rest, NFT_MSG_NEWRULE, &m);)
		take_rule(&f, &m);
	*out = f;
	return 0;
}

/* DATA is what the name of a link is compared with: "wg0", or "wg" of wg*. */
static bool is_name(struct str data, const char *name)
{
	size_t size = strlen(name);

	if (data.size > size)
		return !memcmp(data.data, name, size + 1);
	return data.size && !memcmp(data.data, name, data.size);
}

static bool is_index(struct str data, uint32_t index)
{
	return index && data.size == sizeof(index) &&
		!memcmp(data.data, &index, sizeof(index));
}

/* "meta iifname" or its like, and right behind it "cmp". */
static bool rule_names(const struct nft_message *rule, const char *name,
		       uint32_t index)
{
	struct str rest = expressions_of(rule);
	uint32_t key = UINT32_MAX;
	struct nft_attr value;
	struct expression x;

	for (; next_expression(&rest, &x);
	     key = str_is(x.name, "meta") ?
		nft_attr_u32(x.data, NFTA_META_KEY, UINT32_MAX) : UINT32_MAX) {
		if (!str_is(x.name, "cmp") ||
		    !find_nested(x.data, NFTA_CMP_DATA, NFTA_DATA_VALUE,
				 &value))
			continue;
		if ((key == NFT_META_IIFNAME || key == NFT_META_OIFNAME) &&
		    is_name(value.payload, name))
			return true;
		if ((key == NFT_META_IIF || key == NFT_META_OIF) &&
		    is_index(value.payload, index))
			return true;
	}
	return false;
}

/* Keys that are names have the size of a link's name, padded with NULs. */
static bool elements_name(const struct nft_message *m, const char *name)
{
	struct nft_attr list, element, value;
	struct str rest;

	if (!nft_find_attr(m->attrs, NFTA_SET_ELEM_LIST_ELEMENTS, &list))
		return false;
	rest = list.payload;
	while (nft_next_attr(&rest, &element) == NFT_WALK_ITEM)
		if (find_nested(element.payload, NFTA_SET_ELEM_KEY,
				NFTA_DATA_VALUE, &value) &&
		    value.payload.size == IFNAMSIZ &&
		    is_name(value.payload, name))
			return true;
	return false;
}

bool nft_forward_names(const struct nft_forward *f,
		       const struct nft_chain *chain, const char *name,
		       uint32_t index)
{
	struct str rest = f->messages;
	struct nft_message m;

	while (nft_next_message(&rest, &m) == NFT_WALK_ITEM) {
		if (!same_table(chain, &m))
			continue;
		if (m.type == nft_type(NFT_MSG_NEWRULE) &&
		    rule_names(&m, name, index))
			return true;
		if (m.type == nft_type(NFT_MSG_NEWSETELEM) &&
		    elements_name(&m, name))
			return true;
	}
	return false;
}

bool nft_forward_has(const struct nft_forward *f,
		     const struct nft_chain *chain, const char *prefix)
{
	struct str rest = f->messages;
	struct nft_message m;

	while (next_of(&rest, NFT_MSG_NEWCHAIN, &m))
		if (same_table(chain, &m) &&
		    str_starts(nft_attr_name(m.attrs, NFTA_CHAIN_NAME),
			       prefix))
			return true;
	return false;
}
