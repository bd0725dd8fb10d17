/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_batch.h"
#include "kern/nft_canon.h"
#include "kern/nft_wire.h"

/*
 * What is added or deleted as one: an element, or of an interval set, whose
 * elements are the borders, a start with the end that follows it.  A start
 * without an end reaches to the last value; an end without a start is the one
 * that nft puts at 0.
 */
struct unit {
	const struct firewall_element *start, *end;
};

struct units {
	struct unit *items;
	size_t count;
};

static uint32_t element_flags(const struct firewall_element *element)
{
	return nft_canon_u32(element->bytes, NFTA_SET_ELEM_FLAGS, 0);
}

static bool is_end(const struct firewall_element *element)
{
	return element_flags(element) & NFT_SET_ELEM_INTERVAL_END;
}

static bool same_key(const struct firewall_element *a,
		     const struct firewall_element *b)
{
	struct str x = { "", 0 }, y = { "", 0 };

	nft_canon_find(a->bytes, NFTA_SET_ELEM_KEY, &x);
	nft_canon_find(b->bytes, NFTA_SET_ELEM_KEY, &y);
	return str_equal(x, y);
}

static int compare_parts(const struct firewall_element *a,
			 const struct firewall_element *b)
{
	if (!a || !b)
		return !!a - !!b;
	return str_compare(a->bytes, b->bytes);
}

static int compare_units(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	int order = compare_parts(x->start, y->start);

	return order ? order : compare_parts(x->end, y->end);
}

static bool is_of_intervals(const struct firewall_object *set)
{
	uint32_t flags = nft_canon_u32(set->bytes, NFTA_SET_FLAGS, 0);

	return flags & NFT_SET_INTERVAL && !(flags & NFT_SET_CONCAT);
}

static void pair_border(const struct firewall_element *element, bool end,
			struct units *out)
{
	struct unit *last = &out->items[out->count - !!out->count];

	if (!end)
		out->items[out->count++].start = element;
	else if (out->count && last->start && !last->end)
		last->end = element;
	else
		out->items[out->count++].end = element;
}

/*
 * Elements are in the order of their keys, which stand first in their bytes.
 * Of one key the end goes before the start: it is of the interval before.
 */
static void pair_borders(const struct firewall_element *elements,
			 size_t count, struct units *out)
{
	for (size_t i = 0; i < count; i++) {
		bool end = is_end(&elements[i]);

		if (!end && i + 1 < count && is_end(&elements[i + 1]) &&
		    same_key(&elements[i], &elements[i + 1])) {
			pair_border(&elements[i + 1], true, out);
			pair_border(&elements[i++], false, out);
			continue;
		}
		pair_border(&elements[i], end, out);
	}
}

/* Sorted.  A concatenated element has its end in itself. */
static struct units units_of(struct arena *arena, const struct firewall *f,
			     const struct firewall_object *set)
{
	const struct firewall_element *elements =
		f->elements + set->element_first;
	size_t count = set->element_count;
	struct units units = {
		.items = arena_new_array(arena, struct unit, count),
	};

	if (is_of_intervals(set)) {
		pair_borders(elements, count, &units);
		items_sort(units.items, units.count, sizeof(*units.items),
			   compare_units);
		return units;
	}
	for (size_t i = 0; i < count; i++)
		units.items[units.count++].start = &elements[i];
	return units;
}

/* A deletion names an element, it does not describe it. */
static struct str identity(struct arena *arena, struct str raw)
{
	static const char zero[NLA_ALIGNTO];
	struct nft_attr attr;
	struct sbuf out;

	sbuf_init(&out, arena);
	while (nft_next_attr(&raw, &attr) == NFT_WALK_ITEM) {
		if (attr.type != NFTA_SET_ELEM_KEY &&
		    attr.type != NFTA_SET_ELEM_KEY_END &&
		    attr.type != NFTA_SET_ELEM_FLAGS)
			continue;
		sbuf_str(&out, attr.whole);
		sbuf_add(&out, zero,
			 NLA_ALIGN(attr.whole.size) - attr.whole.size);
	}
	return (struct str){ out.data, out.size };
}

struct delta {
	struct arena *arena;
	struct nft_batch batch;
	const char *table, *set;
	bool add;
	struct err *e;
};

static int put_element(struct delta *d, const struct firewall_element *element)
{
	if (!element)
		return 0;
	if (!d->add) {
		nft_batch_element(&d->batch, NFT_MSG_DELSETELEM, 0, d->table,
				  d->set, identity(d->arena, element->raw));
		return 0;
	}
	if (!element->sendable)
		return err_set(d->e, ERR_FAILED, "set %s: an element carries "
			       "what cannot be sent alone", d->set);
	nft_batch_element(&d->batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
			  d->table, d->set, element->raw);
	return 0;
}

static int put_unit(struct delta *d, const struct unit *unit)
{
	return put_element(d, unit->start) < 0 ? -1 :
	       put_element(d, unit->end);
}

/* Put what ALL has and KNOWN has not. */
static int put_missing(struct delta *d, const struct units *all,
		       const struct units *known)
{
	size_t k = 0;

	for (size_t i = 0; i < all->count; i++) {
		int order = -1;

		while (k < known->count &&
		       (order = compare_units(&known->items[k],
					      &all->items[i])) < 0)
			k++;
		if (k < known->count && !order)
			continue;
		if (put_unit(d, &all->items[i]) < 0)
			return -1;
	}
	nft_batch_elements_end(&d->batch);
	return 0;
}

static const struct firewall_object *find_set(const struct firewall *f,
					      const char *name)
{
	for (size_t i = 0; i < f->object_count; i++)
		if (f->objects[i].kind == FIREWALL_SET &&
		    !strcmp(f->objects[i].name, name))
			return &f->objects[i];
	return NULL;
}

/* Deletions of all sets go first, then additions. */
static int put_pass(struct delta *d, const struct firewall *want,
		    const struct firewall *have)
{
	for (size_t i = 0; i < want->object_count; i++) {
		const struct firewall_object *set = &want->objects[i], *old;
		struct units to, from;
		int result;

		if (set->kind != FIREWALL_SET || !set->elements_writable)
			continue;
		old = find_set(have, set->name);
		if (!old || !old->elements_writable)
			return err_set(d->e, ERR_FAILED, "set %s cannot be "
				       "changed in place", set->name);
		to = units_of(d->arena, want, set);
		from = units_of(d->arena, have, old);
		d->set = set->name;
		result = d->add ? put_missing(d, &to, &from) :
				  put_missing(d, &from, &to);
		if (result < 0)
			return -1;
	}
	return 0;
}

int nft_encode_elements(struct arena *arena, const struct firewall *want,
			const struct firewall *have, uint32_t sequence,
			struct str *messages, struct err *e)
{
	struct delta d = { .arena = arena, .table = want->table, .e = e };

	nft_batch_begin(&d.batch, arena, sequence, have->generation);
	if (put_pass(&d, want, have) < 0)
		return -1;
	d.add = true;
	if (put_pass(&d, want, have) < 0)
		return -1;
	nft_batch_end(&d.batch, messages);
	return 0;
}

int nft_encode_delete(struct arena *arena, uint8_t family, const char *name,
		      uint32_t generation, uint32_t sequence,
		      struct str *messages, struct err *e)
{
	struct nft_batch batch;

	if (!*name || strlen(name) >= NFT_TABLE_MAXNAMELEN)
		return err_set(e, ERR_FAILED, "no name of a table");
	nft_batch_begin(&batch, arena, sequence, generation);
	nft_batch_message(&batch, family, NFT_MSG_DELTABLE, 0);
	nft_batch_string(&batch, NFTA_TABLE_NAME, str_of(name));
	nft_batch_close(&batch);
	nft_batch_end(&batch, messages);
	return 0;
}
