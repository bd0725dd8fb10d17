/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_canon.h"
#include "kern/nft_wire.h"

static int malformed(struct nft_canon *c, const char *what)
{
	return err_set(c->e, ERR_FAILED, "nftables: table %s: the dump is "
		       "malformed (%s)", c->table_name, what);
}

static int compare_names(const void *a, const void *b)
{
	const struct nft_named *x = a, *y = b;

	return str_compare(x->name, y->name);
}

struct nft_named *nft_named_find(const struct nft_named_list *list,
				 struct str name)
{
	struct nft_named key = { .name = name };

	if (!list->count)
		return NULL;
	return bsearch(&key, list->items, list->count, sizeof(key),
		       compare_names);
}

static int sort_names(struct nft_canon *c, struct nft_named_list *list)
{
	if (!list->count)
		return 0;
	qsort(list->items, list->count, sizeof(*list->items), compare_names);
	for (size_t i = 1; i < list->count; i++)
		if (!compare_names(&list->items[i - 1], &list->items[i]))
			return malformed(c, "a name given twice");
	list->ranked = arena_new_array(c->arena, struct nft_named *,
				       list->count);
	return 0;
}

static int add_named(struct nft_canon *c, struct nft_named_list *list,
		     struct str attrs, uint16_t name, uint16_t flags,
		     uint32_t anonymous)
{
	struct nft_named *n;

	arena_room(c->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	n = &list->items[list->count++];
	*n = (struct nft_named){
		.name = nft_attr_name(attrs, name),
		.attrs = attrs,
		.flags = nft_attr_u32(attrs, flags, 0),
		.rank = NFT_UNRANKED,
		.first = NFT_NONE,
		.last = NFT_NONE,
	};
	n->anonymous = n->flags & anonymous;
	if (!n->name.size)
		return malformed(c, "no name");
	return 0;
}

static struct nft_item *add_item(struct nft_canon *c,
				 struct nft_item_list *list, struct str attrs)
{
	struct nft_item *item;

	arena_room(c->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	item = &list->items[list->count++];
	*item = (struct nft_item){ .attrs = attrs, .next = NFT_NONE };
	return item;
}

/* Append the item to the chain's rules or the set's elements. */
static void add_owned(struct nft_canon *c, struct nft_named *owner,
		      struct nft_item_list *list, struct str attrs)
{
	uint32_t index = (uint32_t)list->count;

	add_item(c, list, attrs);
	if (owner->last == NFT_NONE)
		owner->first = index;
	else
		list->items[owner->last].next = index;
	owner->last = index;
	owner->count++;
}

static int add_elements(struct nft_canon *c, struct str attrs)
{
	struct nft_named *set = nft_named_find(
		&c->sets, nft_attr_name(attrs, NFTA_SET_ELEM_LIST_SET));
	struct nft_attr list, element;
	enum nft_walk walk;

	if (!set)
		return malformed(c, "elements of no set");
	if (!nft_find_attr(attrs, NFTA_SET_ELEM_LIST_ELEMENTS, &list))
		return 0;
	while ((walk = nft_next_attr(&list.payload, &element)) ==
	       NFT_WALK_ITEM)
		if (element.type == NFTA_LIST_ELEM)
			add_owned(c, set, &c->elements, element.payload);
	return walk == NFT_WALK_BAD ? malformed(c, "elements") : 0;
}

static int add_rule(struct nft_canon *c, struct str attrs)
{
	struct nft_named *chain = nft_named_find(
		&c->chains, nft_attr_name(attrs, NFTA_RULE_CHAIN));

	if (!chain)
		return malformed(c, "a rule of no chain");
	add_owned(c, chain, &c->rules, attrs);
	return 0;
}

static int take_first(struct nft_canon *c, const struct nft_message *m)
{
	switch (m->type & 0xff) {
	case NFT_MSG_NEWTABLE:
		if (c->has_table)
			return malformed(c, "two tables");
		c->table = m->attrs;
		c->has_table = true;
		return 0;
	case NFT_MSG_NEWCHAIN:
		return add_named(c, &c->chains, m->attrs, NFTA_CHAIN_NAME,
				 NFTA_CHAIN_FLAGS, NFT_CHAIN_BINDING);
	case NFT_MSG_NEWSET:
		return add_named(c, &c->sets, m->attrs, NFTA_SET_NAME,
				 NFTA_SET_FLAGS, NFT_SET_ANONYMOUS);
	case NFT_MSG_NEWOBJ:
		add_item(c, &c->objects, m->attrs);
		return 0;
	case NFT_MSG_NEWFLOWTABLE:
		add_item(c, &c->flowtables, m->attrs);
		return 0;
	default:
		return 0;
	}
}

/* What belongs to a chain or a set, once these are known. */
static int take_second(struct nft_canon *c, const struct nft_message *m)
{
	switch (m->type & 0xff) {
	case NFT_MSG_NEWRULE:
		return add_rule(c, m->attrs);
	case NFT_MSG_NEWSETELEM:
		return add_elements(c, m->attrs);
	default:
		return 0;
	}
}

static int walk_messages(struct nft_canon *c, struct str messages,
			 int (*take)(struct nft_canon *c,
				     const struct nft_message *m))
{
	struct nft_message m;
	enum nft_walk walk;

	while ((walk = nft_next_message(&messages, &m)) == NFT_WALK_ITEM) {
		if (m.type == nft_type(NFT_MSG_NEWGEN)) {
			c->generation = nft_attr_u32(m.attrs, NFTA_GEN_ID, 0);
			continue;
		}
		if (m.type >> 8 != NFNL_SUBSYS_NFTABLES ||
		    m.family != NFPROTO_INET ||
		    !str_is(nft_attr_name(m.attrs, NFTA_TABLE_NAME),
			    c->table_name))
			continue;
		if (take(c, &m) < 0)
			return -1;
	}
	return walk == NFT_WALK_BAD ? malformed(c, "cut off") : 0;
}

int nft_collect(struct nft_canon *c, struct str messages)
{
	if (messages.size >= NFT_NONE)
		return malformed(c, "4 GiB");
	if (walk_messages(c, messages, take_first) < 0 ||
	    sort_names(c, &c->chains) < 0 || sort_names(c, &c->sets) < 0)
		return -1;
	if (!c->has_table)
		return malformed(c, "no table");
	return walk_messages(c, messages, take_second);
}
