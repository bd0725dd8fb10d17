/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was accepted before, and the keys that follow from it. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "trust/trust.h"

int trust_check_last(const struct trust_proof *proof,
		     const struct trust_record *last, struct err *e)
{
	unsigned long long serial = proof->serial;

	if (!last || proof->serial > last->serial)
		return 0;
	if (proof->serial < last->serial)
		return err_set(e, ERR_TRUST, "its serial is %llu, and %llu was "
			       "accepted before: an old document is not taken "
			       "again", serial,
			       (unsigned long long)last->serial);
	if (!memcmp(proof->digest, last->digest, sizeof(last->digest)))
		return 0;
	return err_set(e, ERR_TRUST, "equivocation: another document of the "
		       "serial %llu was accepted before; every change wants a "
		       "serial of its own", serial);
}

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct minisign_key));
}

/* Of the keys in whatever order, and how many of them have to sign. */
static void digest_keys(const struct trust_keys *keys,
			uint8_t out[static TRUST_DIGEST_SIZE])
{
	struct minisign_key sorted[TRUST_KEYS_MAX] = { 0 };
	crypto_generichash_state state;
	uint8_t threshold[4];

	for (size_t i = 0; i < sizeof(threshold); i++)
		threshold[i] = (uint8_t)(keys->threshold >> 8 * i);
	if (keys->count)
		memcpy(sorted, keys->items, keys->count * sizeof(*sorted));
	qsort(sorted, keys->count, sizeof(*sorted), key_compare);
	crypto_generichash_init(&state, NULL, 0, TRUST_DIGEST_SIZE);
	crypto_generichash_update(&state, threshold, sizeof(threshold));
	crypto_generichash_update(&state, (const uint8_t *)sorted,
				  keys->count * sizeof(*sorted));
	crypto_generichash_final(&state, out, TRUST_DIGEST_SIZE);
}

struct trust_keys trust_keys_now(const struct trust_keys *own,
				 const struct trust_record *last)
{
	uint8_t anchors[TRUST_DIGEST_SIZE];

	if (!last || !last->keys.count)
		return *own;
	digest_keys(own, anchors);
	return memcmp(anchors, last->anchors, sizeof(anchors)) != 0 ? *own :
		last->keys;
}

void trust_accept(const struct trust_keys *own,
		  const struct trust_record *last,
		  const struct trust_proof *proof,
		  const struct trust_keys *named, struct trust_record *out)
{
	struct trust_keys now = trust_keys_now(own, last);
	struct trust_record record = { .serial = proof->serial,
				       .expires = proof->expires };

	memcpy(record.digest, proof->digest, sizeof(record.digest));
	if (named)
		record.keys = *named;
	else if (now.items != own->items)
		record.keys = now;
	if (record.keys.count)
		digest_keys(own, record.anchors);
	*out = record;
}
