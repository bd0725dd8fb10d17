/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TEXT_SIZE 44
#define KEY_RUN 20	/* so many characters of base64 may be a key's */

static int name_compare(const void *name, const void *item)
{
	return strcmp(name, ((const struct named_key *)item)->name);
}

const struct key *named_key_find(const struct named_key *keys, size_t count,
				 const char *name)
{
	const struct named_key *found;

	if (!count)
		return NULL;
	found = bsearch(name, keys, count, sizeof(*keys), name_compare);
	return found ? &found->key : NULL;
}

/* Picks the implementations and the source of randomness; again is free. */
static void ready(void)
{
	if (sodium_init() < 0)
		abort();
}

/*
 * libsodium decodes in constant time and, in this variant, wants the padding
 * and zeros in the two bits left over, so that a key has one text only.
 */
int key_parse(struct str text, struct key *out)
{
	struct key key;
	size_t size;
	int result = -1;

	if (text.size != KEY_TEXT_SIZE)
		return -1;
	if (!sodium_base642bin(key.bytes, sizeof(key.bytes), text.data,
			       text.size, NULL, &size, NULL,
			       sodium_base64_VARIANT_ORIGINAL) &&
	    size == KEY_SIZE) {
		*out = key;
		result = 0;
	}
	key_wipe(&key);
	return result;
}

char *key_format(const struct key *key, char out[static KEY_TEXT_MAX])
{
	return sodium_bin2base64(out, KEY_TEXT_MAX, key->bytes, KEY_SIZE,
				 sodium_base64_VARIANT_ORIGINAL);
}

bool key_equal(const struct key *a, const struct key *b)
{
	return sodium_memcmp(a->bytes, b->bytes, KEY_SIZE) == 0;
}

int key_compare(const struct key *a, const struct key *b)
{
	return memcmp(a->bytes, b->bytes, KEY_SIZE);
}

bool key_is_zero(const struct key *key)
{
	return sodium_is_zero(key->bytes, KEY_SIZE);
}

void key_clamp(struct key *key)
{
	key->bytes[0] &= 248;
	key->bytes[31] = (key->bytes[31] & 127) | 64;
}

void key_public(const struct key *private_key, struct key *out)
{
	ready();
	if (crypto_scalarmult_base(out->bytes, private_key->bytes))
		abort();
}

void key_generate(struct key *private_key)
{
	key_generate_preshared(private_key);
	key_clamp(private_key);
}

void key_generate_preshared(struct key *out)
{
	ready();
	randombytes_buf(out->bytes, KEY_SIZE);
}

void key_wipe(struct key *key)
{
	sodium_memzero(key, sizeof(*key));
}

/* Of base64 as JSON may write it: a slash can be escaped. */
static bool is_key_character(char c)
{
	return char_is_alphanumeric(c) || c == '+' || c == '/' || c == '\\';
}

/* Neither a word nor a number is so long and of both. */
static bool is_key_run(struct str run)
{
	bool letter = false, other = false;

	for (size_t i = 0; i < run.size; i++) {
		letter |= char_is_letter(run.data[i]);
		other |= !char_is_letter(run.data[i]);
	}
	return run.size >= 2 * KEY_RUN ||
	       (run.size >= KEY_RUN && letter && other);
}

bool key_next_run(struct str *rest, struct str *run)
{
	while (rest->size) {
		*run = (struct str){ rest->data, 0 };
		while (run->size < rest->size &&
		       is_key_character(run->data[run->size]))
			run->size++;
		rest->data += run->size;
		rest->size -= run->size;
		if (is_key_run(*run))
			return true;
		if (rest->size) {
			rest->data++;
			rest->size--;
		}
	}
	return false;
}
