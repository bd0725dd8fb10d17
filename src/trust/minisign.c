/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verifying and signing. */
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "trust/minisign_private.h"

#define HASH_SIZE 64	/* BLAKE2b-512 */

/* What is signed for a document, in the place of its bytes. */
static struct str prehash(struct str document, uint8_t out[static HASH_SIZE])
{
	crypto_generichash(out, HASH_SIZE, (const uint8_t *)document.data,
			   document.size, NULL, 0);
	return (struct str){ (const char *)out, HASH_SIZE };
}

static bool is_signed(const uint8_t *signature, struct str by_key,
		      const struct minisign_key *key)
{
	return !crypto_sign_verify_detached(signature,
					    (const uint8_t *)by_key.data,
					    by_key.size, key->bytes);
}

/* A signature and the comment behind it, as one. */
static bool comment_is_signed(const struct minisign_signature *s,
			      const struct minisign_key *key)
{
	uint8_t both[MINISIGN_SIGNATURE_SIZE + MINISIGN_TRUSTED_MAX];

	if (s->comment.size > MINISIGN_TRUSTED_MAX)
		return false;
	memcpy(both, s->bytes, sizeof(s->bytes));
	if (s->comment.size)
		memcpy(both + sizeof(s->bytes), s->comment.data,
		       s->comment.size);
	return is_signed(s->global,
			 (struct str){ (const char *)both,
				       sizeof(s->bytes) + s->comment.size },
			 key);
}

int minisign_verify(const struct minisign_key *key,
		    const struct minisign_signature *signature,
		    struct str document, struct err *e)
{
	char id[MINISIGN_ID_TEXT_MAX];
	uint8_t hash[HASH_SIZE];

	minisign_ready();
	minisign_id_format(signature->id, id);
	if (signature->prehashed)
		document = prehash(document, hash);
	if (!is_signed(signature->bytes, document, key))
		return err_set(e, ERR_TRUST, "the signature by the key %s is "
			       "not one of this document: one of them was "
			       "changed", id);
	if (!comment_is_signed(signature, key))
		return err_set(e, ERR_TRUST, "the trusted comment of the "
			       "signature by the key %s was changed", id);
	return 0;
}

void minisign_secret_public(const struct minisign_secret *secret,
			    struct minisign_key *out)
{
	memcpy(out->id, secret->id, sizeof(out->id));
	/* libsodium(3): the second half of a secret key is the public one. */
	memcpy(out->bytes, secret->bytes + 32, sizeof(out->bytes));
}

static void add_base64(struct sbuf *out, const void *data, size_t size)
{
	char text[sodium_base64_ENCODED_LEN(2 + MINISIGN_ID_SIZE +
					    MINISIGN_SIGNATURE_SIZE,
					    sodium_base64_VARIANT_ORIGINAL)];

	sbuf_puts(out, sodium_bin2base64(text, sizeof(text), data, size,
					 sodium_base64_VARIANT_ORIGINAL));
	sbuf_putc(out, '\n');
}

int minisign_sign(struct arena *arena, const struct minisign_secret *secret,
		  struct str document, struct str comment, struct str *out,
		  struct err *e)
{
	uint8_t raw[2 + MINISIGN_ID_SIZE + MINISIGN_SIGNATURE_SIZE] =
		{ 'E', 'D' };
	uint8_t *bytes = raw + 2 + MINISIGN_ID_SIZE;
	uint8_t hash[HASH_SIZE], global[MINISIGN_SIGNATURE_SIZE];
	struct sbuf text, both;

	if (comment.size + strlen(MINISIGN_TRUSTED) > MINISIGN_TRUSTED_MAX ||
	    !minisign_comment_valid(comment))
		return err_set(e, ERR_FAILED, "a trusted comment is one line "
			       "of at most %d bytes", MINISIGN_TRUSTED_MAX);
	minisign_ready();
	memcpy(raw + 2, secret->id, sizeof(secret->id));
	prehash(document, hash);
	crypto_sign_detached(bytes, NULL, hash, sizeof(hash), secret->bytes);
	sbuf_init(&both, arena);
	sbuf_add(&both, bytes, MINISIGN_SIGNATURE_SIZE);
	sbuf_str(&both, comment);
	crypto_sign_detached(global, NULL, (const uint8_t *)both.data,
			     both.size, secret->bytes);
	sbuf_init(&text, arena);
	sbuf_puts(&text, MINISIGN_UNTRUSTED "signature by meshapply sign\n");
	add_base64(&text, raw, sizeof(raw));
	sbuf_puts(&text, MINISIGN_TRUSTED);
	sbuf_str(&text, comment);
	sbuf_putc(&text, '\n');
	add_base64(&text, global, sizeof(global));
	*out = (struct str){ text.data, text.size };
	return 0;
}
