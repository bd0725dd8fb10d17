/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys that later documents are to be signed by. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "doc/decode.h"

struct named_keys {
	struct minisign_key items[TRUST_KEYS_MAX];
	size_t offsets[TRUST_KEYS_MAX];
	size_t count;
	struct setting threshold;
	struct place where;
	bool whole;
};

static int refuse_repeated(struct decoder *d, const struct named_keys *keys)
{
	const struct minisign_key *last = &keys->items[keys->count];

	for (size_t i = 0; i < keys->count; i++) {
		const struct minisign_key *key = &keys->items[i];
		bool same = !memcmp(key->bytes, last->bytes,
				    sizeof(key->bytes));
		struct diag *diag;

		if (!same && memcmp(key->id, last->id, sizeof(key->id)) != 0)
			continue;
		diag = diag_error(d->diags, decode_place(d,
				  keys->offsets[keys->count]), same ?
				  "this key is there twice" :
				  "two keys have this one's id");
		diag->other = decode_place(d, keys->offsets[i]);
		diag->other_message = "the first is here";
		return -1;
	}
	return 0;
}

static int take_key(struct decoder *d, const struct field *field,
		    const struct doc_value *item, struct named_keys *keys)
{
	struct err why;

	if (!decode_item_is(d, field->name, item, DOC_TEXT))
		return -1;
	keys->offsets[keys->count] = item->offset;
	if (minisign_key_parse(item->text, &keys->items[keys->count], &why)) {
		diag_error(d->diags, decode_place(d, item->offset), "%s",
			   why.text)->hint = "it is the second line of a .pub "
			"file that minisign -G writes";
		return -1;
	}
	if (refuse_repeated(d, keys))
		return -1;
	keys->count++;
	return 0;
}

static int take_keys(struct decoder *d, const struct field *field,
		     const struct doc_value *value, void *object)
{
	struct named_keys *keys = object;
	const struct doc_value *item = value->first;

	keys->where = decode_place(d, value->offset);
	if (!value->count || value->count > TRUST_KEYS_MAX) {
		diag_error(d->diags, keys->where, "%s has %zu keys, 1 to %d "
			   "are wanted", field->name, value->count,
			   TRUST_KEYS_MAX);
		return -1;
	}
	keys->whole = true;
	for (; item; item = item->next)
		if (take_key(d, field, item, keys))
			keys->whole = false;
	return keys->whole ? 0 : -1;
}

static const struct field trust_fields[] = {
	{ "keys", KIND(DOC_LIST), take_keys, .required = true },
	{ "threshold", KIND(DOC_NUMBER), take_setting, .required = true,
	  .at = offsetof(struct named_keys, threshold), .min = 1,
	  .max = TRUST_KEYS_MAX },
};

static const struct shape trust_shape = {
	"'trust'", "'trust'", trust_fields, array_size(trust_fields),
};

int take_trust(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object)
{
	struct named_keys keys = { .count = 0 };
	struct mesh *mesh = object;
	bool whole = d->whole;
	struct diag *diag;

	(void)field;
	mesh->trust_where = decode_place(d, value->offset);
	decode_object(d, &trust_shape, value, value->offset, &keys);
	d->whole = whole;	/* no other check goes by it */
	if (keys.whole && keys.threshold.value > keys.count) {
		diag = diag_error(d->diags, keys.threshold.where,
				  "threshold is %u, more than there are keys",
				  (unsigned int)keys.threshold.value);
		diag->other = keys.where;
		diag->other_message = "the keys are here";
		return -1;
	}
	mesh->trust = (struct trust_keys){
		arena_copy(d->arena, keys.items,
			   keys.count * sizeof(*keys.items)),
		keys.count, keys.threshold.value };
	return 0;
}
