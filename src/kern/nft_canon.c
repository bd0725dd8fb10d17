/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nft_canon.h"

#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_wire.h"

/* '#' starts no name that nft's language can write. */
#define CHAIN_FORMAT "#chain%u"
#define SET_FORMAT "#set%u"

/* The objects as they are written; sorted at the end. */
struct writer {
	struct nft_canon *c;
	struct firewall *out;
	size_t next_chain, next_set;	/* of those ranked, to be written */
};

static int compare_objects(const void *a, const void *b)
{
	const struct firewall_object *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->name, y->name);
	if (order)
		return order;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int compare_elements(const void *a, const void *b)
{
	const struct firewall_element *x = a, *y = b;

	return str_compare(x->bytes, y->bytes);
}

static int compare_attrs(const void *a, const void *b)
{
	const struct nft_item *const *x = a, *const *y = b;

	return str_compare((*x)->attrs, (*y)->attrs);
}

static struct firewall_object *add_object(struct writer *w,
					  enum firewall_kind kind,
					  const char *name, struct str attrs,
					  const struct nft_schema *schema)
{
	struct firewall_object *o = &w->out->objects[w->out->object_count];

	*o = (struct firewall_object){ .kind = kind, .name = name };
	if (nft_canon_bytes(w->c, attrs, schema, &o->bytes) < 0)
		return NULL;
	w->out->object_count++;
	return o;
}

static int write_chain(struct writer *w, struct nft_named *chain)
{
	struct nft_canon *c = w->c;
	const char *name = nft_named_show(c, &c->chains, chain);
	uint32_t rank = 0;

	if (!add_object(w, FIREWALL_CHAIN, name, chain->attrs,
			&nft_chain_schema))
		return -1;
	for (uint32_t i = chain->first; i != NFT_NONE;
	     i = c->rules.items[i].next) {
		struct firewall_object *rule =
			add_object(w, FIREWALL_RULE, name,
				   c->rules.items[i].attrs, &nft_rule_schema);

		if (!rule)
			return -1;
		rule->rank = rank++;
	}
	return 0;
}

/*
 * The kernel gives elements in the order of a hash with a secret in it.  The
 * key stands first, so this order does not depend on what is anonymous.  It
 * matters where elements lead to chains, by their data, for these are ranked.
 */
static struct nft_item **elements_of(const struct nft_canon *c,
				     const struct nft_named *set)
{
	struct nft_attr data;
	struct nft_item **list = arena_new_array(c->arena, struct nft_item *,
						 set->count);
	size_t n = 0;

	for (uint32_t i = set->first; i != NFT_NONE;
	     i = c->elements.items[i].next)
		list[n++] = &c->elements.items[i];
	if (nft_find_attr(set->attrs, NFTA_SET_DATA_TYPE, &data))
		items_sort(list, n, sizeof(struct nft_item *), compare_attrs);
	return list;
}

static int write_elements(struct writer *w, const struct nft_named *set,
			  struct firewall_object *object)
{
	struct nft_item **list = elements_of(w->c, set);
	struct firewall_element *first =
		w->out->elements + w->out->element_count;

	for (uint32_t i = 0; i < set->count; i++)
		if (nft_canon_element(w->c, set, list[i]->attrs,
				      &first[i]) < 0)
			return -1;
	items_sort(first, set->count, sizeof(*first), compare_elements);
	object->element_first = (uint32_t)w->out->element_count;
	object->element_count = set->count;
	w->out->element_count += set->count;
	return 0;
}

/*
 * A constant set that a rule uses takes no more elements (EBUSY).  What is
 * dynamic is written by packets.
 */
static int write_set(struct writer *w, struct nft_named *set)
{
	bool dynamic = set->filled || set->flags & NFT_SET_EVAL;
	struct firewall_object *o;

	o = add_object(w, FIREWALL_SET,
		       nft_named_show(w->c, &w->c->sets, set), set->attrs,
		       &nft_set_schema);
	if (!o)
		return -1;
	o->elements_compared = !dynamic;
	o->elements_writable = !dynamic && !set->anonymous &&
			       !(set->flags & NFT_SET_CONSTANT);
	return write_elements(w, set, o);
}

/* Only what was not written is; anonymous ones come by their ranks. */
static int write_named(struct writer *w, struct nft_named_list *list,
		       int (*write)(struct writer *w, struct nft_named *n))
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].anonymous && write(w, &list->items[i]) < 0)
			return -1;
	return 0;
}

/* The bound chains that rules written so far refer to, and theirs. */
static int follow_chains(struct writer *w)
{
	struct nft_named_list *chains = &w->c->chains;

	while (w->next_chain < chains->ranked_count)
		if (write_chain(w, chains->ranked[w->next_chain++]) < 0)
			return -1;
	return 0;
}

static int follow_all(struct writer *w)
{
	struct nft_named_list *sets = &w->c->sets;

	if (follow_chains(w) < 0)
		return -1;
	while (w->next_set < sets->ranked_count)
		if (write_set(w, sets->ranked[w->next_set++]) < 0 ||
		    follow_chains(w) < 0)
			return -1;
	return 0;
}

/* What nothing refers to: a sound ruleset holds none of it. */
static void rank_rest(struct nft_canon *c, struct nft_named_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		nft_named_show(c, list, &list->items[i]);
}

/* Named objects may share a name, not name and type: the type is the rank. */
static int write_objects(struct writer *w)
{
	struct nft_item_list *objects = &w->c->objects;

	for (size_t i = 0; i < objects->count; i++) {
		struct str attrs = objects->items[i].attrs;
		struct str name = nft_attr_name(attrs, NFTA_OBJ_NAME);
		uint32_t type = nft_attr_u32(attrs, NFTA_OBJ_TYPE, 0);
		struct firewall_object *o;

		o = add_object(w, FIREWALL_OBJECT,
			       arena_strndup(w->c->arena, name.data,
					     name.size),
			       attrs, nft_schema_of_object(type));
		if (!o)
			return -1;
		o->rank = type;
	}
	return 0;
}

static int write_flowtables(struct writer *w)
{
	struct nft_item_list *list = &w->c->flowtables;

	for (size_t i = 0; i < list->count; i++) {
		struct str attrs = list->items[i].attrs;
		struct str name = nft_attr_name(attrs, NFTA_FLOWTABLE_NAME);

		if (!add_object(w, FIREWALL_FLOWTABLE,
				arena_strndup(w->c->arena, name.data,
					      name.size),
				attrs, &nft_flowtable_schema))
			return -1;
	}
	return 0;
}

/* Every rule goes before the first set: rules tell which sets are filled. */
static int write_all(struct writer *w)
{
	struct nft_canon *c = w->c;

	if (!add_object(w, FIREWALL_TABLE, w->out->table, c->table,
			&nft_table_schema) ||
	    write_named(w, &c->chains, write_chain) < 0 ||
	    follow_chains(w) < 0 ||
	    write_named(w, &c->sets, write_set) < 0 || follow_all(w) < 0)
		return -1;
	rank_rest(c, &c->chains);
	rank_rest(c, &c->sets);
	if (follow_all(w) < 0)
		return -1;
	return write_objects(w) < 0 ? -1 : write_flowtables(w);
}

int nft_canonicalise(struct arena *arena, struct str messages,
		     const char *table, struct firewall *out, struct err *e)
{
	struct nft_canon c = {
		.arena = arena,
		.e = e,
		.table_name = table,
		.chains.format = CHAIN_FORMAT,
		.sets.format = SET_FORMAT,
	};
	struct firewall f = { .compiled = true };
	struct writer w = { .c = &c, .out = &f };

	sbuf_init(&c.scratch, arena);
	if (nft_collect(&c, messages) < 0)
		return -1;
	f.table = arena_strdup(arena, table);
	f.generation = c.generation;
	f.objects = arena_new_array(arena, struct firewall_object,
				    1 + c.chains.count + c.rules.count +
				    c.sets.count + c.objects.count +
				    c.flowtables.count);
	f.elements = arena_new_array(arena, struct firewall_element,
				     c.elements.count);
	if (write_all(&w) < 0)
		return -1;
	items_sort(f.objects, f.object_count, sizeof(*f.objects),
		   compare_objects);
	*out = f;
	return 0;
}
