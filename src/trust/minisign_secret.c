/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secret keys, in the open or sealed with a password. */
#include <sodium.h>
#include <string.h>

#include "trust/minisign_private.h"

#define CHECKSUM_SIZE 32
/* "Ed", how it is sealed, "B2", then what is in struct minisign_sealed. */
#define SALT_AT 6
#define OPERATIONS_AT (SALT_AT + 32)
#define MEMORY_AT (OPERATIONS_AT + 8)
#define KEY_AT (MEMORY_AT + 8)
#define SEALED_RAW (KEY_AT + 104)
/* What minisign takes itself, or less where that is not to be had. */
#define OPERATIONS_MAX crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE
#define MEMORY_MAX crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE

struct opened {
	struct minisign_secret secret;
	uint8_t checksum[CHECKSUM_SIZE];
};

_Static_assert(sizeof(struct opened) == 104, "as the files have it");

static uint64_t little_endian(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

static int sealed_take(const uint8_t *raw, const char *name,
		       struct minisign_sealed *out, struct err *e)
{
	static const uint8_t open[2];
	bool encrypted = !memcmp(raw + 2, "Sc", 2);

	if (memcmp(raw, "Ed", 2) != 0 || memcmp(raw + 4, "B2", 2) != 0 ||
	    (!encrypted && memcmp(raw + 2, open, 2) != 0))
		return err_set(e, ERR_CONFIG, "%s is a secret key of a kind "
			       "that is not known", name);
	out->encrypted = encrypted;
	memcpy(out->salt, raw + SALT_AT, sizeof(out->salt));
	out->operations = little_endian(raw + OPERATIONS_AT);
	out->memory = little_endian(raw + MEMORY_AT);
	memcpy(out->key, raw + KEY_AT, sizeof(out->key));
	if (encrypted && (out->operations > OPERATIONS_MAX ||
			  out->memory > MEMORY_MAX))
		return err_set(e, ERR_CONFIG, "%s wants more of scrypt than "
			       "minisign does", name);
	return 0;
}

int minisign_secret_read(struct str file, const char *name,
			 struct minisign_sealed *out, struct err *e)
{
	struct minisign_lines lines = { file, name, ERR_CONFIG, 0 };
	uint8_t raw[SEALED_RAW];
	struct str comment;
	int result;

	minisign_ready();
	result = minisign_comment(&lines, MINISIGN_UNTRUSTED,
				  MINISIGN_UNTRUSTED_MAX, &comment, e) ||
		minisign_base64(&lines, "the secret key", raw, sizeof(raw),
				e) ||
		minisign_end(&lines, e) || sealed_take(raw, name, out, e) ?
		-1 : 0;
	sodium_memzero(raw, sizeof(raw));
	return result;
}

static int unseal(const struct minisign_sealed *sealed, struct str password,
		  const char *name, struct opened *key, struct err *e)
{
	uint8_t stream[sizeof(*key)], *bytes = (uint8_t *)key;

	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream),
					       password.data, password.size,
					       sealed->salt,
					       sealed->operations,
					       (size_t)sealed->memory))
		return err_set(e, ERR_FAILED, "%s: scrypt wants %llu MiB of "
			       "memory, which are not there", name,
			       (unsigned long long)sealed->memory >> 20);
	for (size_t i = 0; i < sizeof(stream); i++)
		bytes[i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
	return 0;
}

static bool checksum_fits(const struct opened *key)
{
	uint8_t checksum[CHECKSUM_SIZE];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(checksum));
	crypto_generichash_update(&state, (const uint8_t *)"Ed", 2);
	crypto_generichash_update(&state, (const uint8_t *)&key->secret,
				  sizeof(key->secret));
	crypto_generichash_final(&state, checksum, sizeof(checksum));
	return !sodium_memcmp(checksum, key->checksum, sizeof(checksum));
}

/* Signing with a public key that is not the secret one's tells the latter. */
static bool halves_fit(const struct minisign_secret *secret)
{
	uint8_t public_key[MINISIGN_PUBLIC_SIZE], both[64];
	bool same;

	crypto_sign_seed_keypair(public_key, both, secret->bytes);
	same = !sodium_memcmp(both, secret->bytes, sizeof(both));
	sodium_memzero(both, sizeof(both));
	return same;
}

static int opened_check(const struct minisign_sealed *sealed,
			const struct opened *key, const char *name,
			struct err *e)
{
	static const uint8_t none[CHECKSUM_SIZE];

	if (sealed->encrypted && !checksum_fits(key))
		return err_set(e, ERR_CONFIG, "%s: the password is not the "
			       "one of this key", name);
	/* minisign leaves it out of a file without a password. */
	if (!sealed->encrypted && !checksum_fits(key) &&
	    sodium_memcmp(key->checksum, none, sizeof(none)) != 0)
		return err_set(e, ERR_CONFIG, "%s: the checksum of the key is "
			       "wrong", name);
	if (!halves_fit(&key->secret))
		return err_set(e, ERR_CONFIG, "%s: the two halves of the key "
			       "do not belong together", name);
	return 0;
}

int minisign_secret_open(const struct minisign_sealed *sealed,
			 struct str password, const char *name,
			 struct minisign_secret *out, struct err *e)
{
	struct opened key;
	int result = 0;

	minisign_ready();
	memcpy(&key, sealed->key, sizeof(key));
	if (sealed->encrypted)
		result = unseal(sealed, password, name, &key, e);
	if (!result)
		result = opened_check(sealed, &key, name, e);
	if (!result)
		*out = key.secret;
	sodium_memzero(&key, sizeof(key));
	return result;
}
