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

/* All bits where LOW <= C <= HIGH, else none, without a branch on C. */
static int within(int c, int low, int high)
{
	return ~(((c - low) | (high - c)) >> 31);
}

/* RFC 4648, 4: the six bits of a character; 64 for any other. */
static int digit_value(int c)
{
	int upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z');
	int digit = within(c, '0', '9');
	int plus = within(c, '+', '+'), slash = within(c, '/', '/');

	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) |
	       (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63) |
	       (~(upper | lower | digit | plus | slash) & 64);
}

/* All bits where VALUE is above LIMIT, else none. */
static int above(int value, int limit)
{
	return (limit - value) >> 31;
}

/* From "A" on, and from each border on so much further along in ASCII. */
static char digit_of(int value)
{
	return (char)('A' + value + (above(value, 25) & ('a' - 'Z' - 1)) +
		      (above(value, 51) & ('0' - 'z' - 1)) +
		      (above(value, 61) & ('+' - '9' - 1)) +
		      (above(value, 62) & ('/' - '+' - 1)));
}

/*
 * In constant time, as the time must not tell what a key is, and ours since
 * libsodium's takes three times as long: each of ten thousand peers has one.
 * The padding is wanted, and zeros in the two bits left over, so that a key
 * has one text only.
 */
int key_parse(struct str text, struct key *out)
{
	const unsigned char *in = (const unsigned char *)text.data;
	struct key key;
	size_t size = 0;
	int bad = 0, bits = 0;

	if (text.size != KEY_TEXT_SIZE)
		return -1;
	for (int i = 0; i < KEY_TEXT_SIZE - 1; i++) {
		int value = digit_value(in[i]);

		bad |= value & 64;
		bits = (bits & 0xfff) << 6 | (value & 63);
		if (i % 4)
			key.bytes[size++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	bad |= (bits & 3) | (in[KEY_TEXT_SIZE - 1] ^ '=');
	if (!bad)
		*out = key;
	key_wipe(&key);
	return bad ? -1 : 0;
}

/* Three bytes, or two and nothing, to four characters. */
static void group_format(const uint8_t *bytes, size_t count, char out[4])
{
	int bits = bytes[0] << 16 | bytes[1] << 8 |
		(count > 2 ? bytes[2] : 0);

	for (int i = 0; i < 4; i++)
		out[i] = digit_of(bits >> (18 - 6 * i) & 63);
}

char *key_format(const struct key *key, char out[static KEY_TEXT_MAX])
{
	for (size_t i = 0; i < KEY_SIZE; i += 3)
		group_format(key->bytes + i, KEY_SIZE - i, out + i / 3 * 4);
	out[KEY_TEXT_SIZE - 1] = '=';
	out[KEY_TEXT_SIZE] = '\0';
	return out;
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
