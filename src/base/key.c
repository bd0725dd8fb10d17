/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TEXT_SIZE 44
#define KEY_WORDS 6	/* of eight characters, which hold them */
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

/* A byte in each of the eight bytes of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * In each byte: all bits where LOW <= C <= HIGH, else none.  Bytes of C and
 * both bounds are below 128, so no sum reaches into the byte above.
 */
static uint64_t within(uint64_t c, unsigned int low, unsigned int high)
{
	uint64_t from = c + EACH(128 - low), beyond = c + EACH(127 - high);

	return ((from & ~beyond & EACH(128)) >> 7) * 255;
}

/*
 * RFC 4648, 4: in each byte the six bits of a character.  Returns bits in the
 * bytes that have none.
 */
static uint64_t digit_values(uint64_t c, uint64_t *out)
{
	uint64_t high = c & EACH(128), all, is;

	c &= EACH(127);
	is = all = within(c, 'A', 'Z');
	*out = (c - (EACH('A') & is)) & is;
	all |= is = within(c, 'a', 'z');
	*out |= (c - (EACH('a' - 26) & is)) & is;
	all |= is = within(c, '0', '9');
	*out |= (c + (EACH(52 - '0') & is)) & is;
	all |= is = within(c, '+', '+');
	*out |= EACH(62) & is;
	all |= is = within(c, '/', '/');
	*out |= EACH(63) & is;
	return high | ~all;
}

/* In each byte: all bits where VALUE is above LIMIT, else none. */
static uint64_t above(uint64_t value, unsigned int limit)
{
	return (((value + EACH(127 - limit)) & EACH(128)) >> 7) * 255;
}

/* From "A" on, and from each border on so much further along in ASCII. */
static uint64_t digits_of(uint64_t value)
{
	uint64_t c = value + EACH('A');

	c += EACH('a' - 'Z' - 1) & above(value, 25);
	c -= EACH('z' + 1 - '0') & above(value, 51);
	c -= EACH('9' + 1 - '+') & above(value, 61);
	return c + (EACH('/' - '+' - 1) & above(value, 62));
}

/*
 * In constant time, as the time must not tell what a key is, and ours since
 * libsodium's takes three times as long: each of ten thousand peers has one.
 * The padding is wanted, and zeros in the two bits left over, so that a key
 * has one text only.
 */
int key_parse(struct str text, struct key *out)
{
	unsigned char in[KEY_WORDS * 8], values[KEY_WORDS * 8];
	uint8_t bytes[KEY_WORDS * 6];
	uint64_t bad;

	if (text.size != KEY_TEXT_SIZE)
		return -1;
	memset(in, 'A', sizeof(in));
	memcpy(in, text.data, KEY_TEXT_SIZE - 1);
	bad = (unsigned char)text.data[KEY_TEXT_SIZE - 1] ^ '=';
	for (size_t i = 0; i < sizeof(in); i += 8) {
		uint64_t word;

		memcpy(&word, in + i, 8);
		bad |= digit_values(word, &word);
		memcpy(values + i, &word, 8);
	}
	for (size_t i = 0, j = 0; i < sizeof(in); i += 4, j += 3) {
		uint32_t bits = (uint32_t)values[i] << 18 |
			(uint32_t)values[i + 1] << 12 |
			(uint32_t)values[i + 2] << 6 | values[i + 3];

		bytes[j] = (uint8_t)(bits >> 16);
		bytes[j + 1] = (uint8_t)(bits >> 8);
		bytes[j + 2] = (uint8_t)bits;
	}
	/* What is left over of the last character is none of the key's. */
	bad |= bytes[KEY_SIZE];
	if (!bad)
		memcpy(out->bytes, bytes, KEY_SIZE);
	sodium_memzero(in, sizeof(in));
	sodium_memzero(values, sizeof(values));
	sodium_memzero(bytes, sizeof(bytes));
	return bad ? -1 : 0;
}

char *key_format(const struct key *key, char out[static KEY_TEXT_MAX])
{
	uint8_t bytes[KEY_WORDS * 6] = { 0 };
	unsigned char values[KEY_WORDS * 8];

	memcpy(bytes, key->bytes, KEY_SIZE);
	for (size_t i = 0, j = 0; i < sizeof(bytes); i += 3, j += 4) {
		uint32_t bits = (uint32_t)bytes[i] << 16 |
			(uint32_t)bytes[i + 1] << 8 | bytes[i + 2];

		values[j] = bits >> 18;
		values[j + 1] = bits >> 12 & 63;
		values[j + 2] = bits >> 6 & 63;
		values[j + 3] = bits & 63;
	}
	for (size_t i = 0; i < sizeof(values); i += 8) {
		uint64_t word;

		memcpy(&word, values + i, 8);
		word = digits_of(word);
		memcpy(values + i, &word, 8);
	}
	memcpy(out, values, KEY_TEXT_SIZE - 1);
	out[KEY_TEXT_SIZE - 1] = '=';
	out[KEY_TEXT_SIZE] = '\0';
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(values, sizeof(values));
	return out;
}

/* The bits that differ, of all words: no byte is looked at by itself. */
bool key_equal(const struct key *a, const struct key *b)
{
	uint64_t x[KEY_SIZE / 8], y[KEY_SIZE / 8], odd = 0;

	memcpy(x, a->bytes, KEY_SIZE);
	memcpy(y, b->bytes, KEY_SIZE);
	for (size_t i = 0; i < array_size(x); i++)
		odd |= x[i] ^ y[i];
	return !odd;
}

int key_compare(const struct key *a, const struct key *b)
{
	return memcmp(a->bytes, b->bytes, KEY_SIZE);
}

bool key_is_zero(const struct key *key)
{
	static const struct key zero;

	return key_equal(key, &zero);
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
