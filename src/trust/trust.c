/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What signatures say of a document. */
#include "trust/trust.h"

#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"
#include "trust/comment.h"

#define SHOWN_MAX 80	/* bytes of a name that others have given */

struct check {
	struct arena *arena;
	const struct trust_request *request;
	const struct trust_keys *keys;
	struct trust_proof proof;
	struct str said;	/* the mesh of the first comment */
};

static const struct minisign_key *key_of(const struct trust_keys *keys,
					 const uint8_t *id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (!memcmp(keys->items[i].id, id, MINISIGN_ID_SIZE))
			return &keys->items[i];
	return NULL;
}

static int refuse_pair(const struct minisign_key *a,
		       const struct minisign_key *b, struct err *e)
{
	char id[MINISIGN_ID_TEXT_MAX], other[MINISIGN_ID_TEXT_MAX];

	minisign_id_format(a->id, id);
	minisign_id_format(b->id, other);
	if (!memcmp(a->id, b->id, sizeof(a->id)))
		return err_set(e, ERR_CONFIG, "the key %s is there twice", id);
	/* One secret key would sign for two. */
	if (!memcmp(a->bytes, b->bytes, sizeof(a->bytes)))
		return err_set(e, ERR_CONFIG, "the keys %s and %s are one key "
			       "with two ids", id, other);
	return 0;
}

int trust_keys_check(const struct trust_keys *keys, struct err *e)
{
	if (keys->count > TRUST_KEYS_MAX)
		return err_set(e, ERR_CONFIG, "%zu keys are trusted, %d at "
			       "most", keys->count, TRUST_KEYS_MAX);
	for (size_t i = 1; i < keys->count; i++)
		for (size_t j = 0; j < i; j++)
			if (refuse_pair(&keys->items[j], &keys->items[i], e))
				return -1;
	if (!keys->count)
		return err_set(e, ERR_CONFIG, "no key is trusted");
	if (!keys->threshold || keys->threshold > keys->count)
		return err_set(e, ERR_CONFIG, "%u of %zu trusted keys cannot "
			       "have to sign", keys->threshold, keys->count);
	return 0;
}

/* "58BE6CE7FD94F927 or 7A81F7226605A05C" */
static const char *ids_words(struct arena *arena, const struct trust_keys *keys)
{
	char id[MINISIGN_ID_TEXT_MAX];
	struct sbuf out;

	sbuf_init(&out, arena);
	for (size_t i = 0; i < keys->count; i++)
		sbuf_printf(&out, "%s%s", !i ? "" :
			    i + 1 < keys->count ? ", " : " or ",
			    minisign_id_format(keys->items[i].id, id));
	return out.data ? out.data : "none";
}

/* The comments of all who sign say the same. */
static int take_comment(struct check *c, const struct trust_comment *comment,
			struct err *e)
{
	const char *wanted = c->request->mesh;
	struct trust_proof *proof = &c->proof;

	if (!comment->mesh.size || !comment->serial)
		return err_set(e, ERR_TRUST, "the trusted comment does not say "
			       "%s=: meshapply sign makes one that does",
			       comment->mesh.size ? "serial" : "mesh");
	if (wanted && !str_is(comment->mesh, wanted))
		return err_set(e, ERR_TRUST, "it was signed for the mesh %s, "
			       "and this is %s",
			       str_show(c->arena, comment->mesh, SHOWN_MAX),
			       wanted);
	if (c->said.size && !str_equal(c->said, comment->mesh))
		return err_set(e, ERR_TRUST, "it was signed for two meshes");
	if (proof->serial && proof->serial != comment->serial)
		return err_set(e, ERR_TRUST, "it was signed for the serials "
			       "%llu and %llu",
			       (unsigned long long)proof->serial,
			       (unsigned long long)comment->serial);
	c->said = comment->mesh;
	proof->serial = comment->serial;
	if (comment->expires &&
	    (!proof->expires || comment->expires < proof->expires))
		proof->expires = comment->expires;
	return 0;
}

static int take_signature(struct check *c,
			  const struct minisign_signature *signature,
			  struct err *e)
{
	const struct minisign_key *key = key_of(c->keys, signature->id);
	struct trust_comment comment;
	char id[MINISIGN_ID_TEXT_MAX];

	if (!key)
		return 0;
	if (minisign_verify(key, signature, c->request->document, e))
		return -1;
	if (trust_comment_read(signature->comment, &comment, e) ||
	    take_comment(c, &comment, e))
		return err_wrap(e, "key %s", minisign_id_format(key->id, id));
	c->proof.signers[c->proof.signer_count++] = *key;
	return 0;
}

/* Too few are trusted, or none. */
static int refuse_count(const struct check *c,
			const struct minisign_signatures *all, struct err *e)
{
	struct minisign_key made[MINISIGN_SIGNATURES_MAX];
	struct trust_keys by = { made, all->count, 0 };

	for (size_t i = 0; i < all->count; i++)
		memcpy(made[i].id, all->items[i].id, sizeof(made[i].id));
	if (!c->proof.signer_count)
		return err_set(e, ERR_TRUST, "it is signed by the key %s, "
			       "which is not trusted here; trusted is %s",
			       ids_words(c->arena, &by),
			       ids_words(c->arena, c->keys));
	return err_set(e, ERR_TRUST, "%zu of %zu trusted keys signed it, %u "
		       "have to; trusted is %s", c->proof.signer_count,
		       c->keys->count, c->keys->threshold,
		       ids_words(c->arena, c->keys));
}

static int check_expired(const struct trust_proof *proof, int64_t now,
			 struct err *e)
{
	char text[TIME_TEXT_MAX];

	if (!proof->expires || proof->expires > now)
		return 0;
	return err_set(e, ERR_TRUST, "it has expired on %s",
		       time_format(proof->expires, text));
}

static int check_signatures(struct check *c, struct err *e)
{
	const struct trust_request *request = c->request;
	struct minisign_signatures all;

	if (!request->signatures.size)
		return err_set(e, ERR_TRUST, "there is no signature of it, in "
			       "%s", request->name);
	if (minisign_signatures_read(request->signatures, request->name, &all,
				     e))
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (take_signature(c, &all.items[i], e))
			return -1;
	if (c->proof.signer_count < c->keys->threshold)
		return refuse_count(c, &all, e);
	c->proof.mesh = arena_strndup(c->arena, c->said.data, c->said.size);
	return 0;
}

/* The keys that it has named itself need not have signed it. */
static bool is_last(struct check *c)
{
	const struct trust_request *request = c->request;
	const struct trust_record *last = request->last;

	if (!last || !request->mesh || c->keys->items == request->own.items ||
	    memcmp(last->digest, c->proof.digest, sizeof(last->digest)) != 0)
		return false;
	c->proof.mesh = request->mesh;
	c->proof.serial = last->serial;
	c->proof.expires = last->expires;
	return true;
}

int trust_check(struct arena *arena, const struct trust_request *request,
		struct trust_proof *out, struct err *e)
{
	struct trust_keys keys = trust_keys_now(&request->own, request->last);
	struct check c = { .arena = arena, .request = request,
			   .keys = &keys };

	if (trust_keys_check(&request->own, e) || trust_keys_check(&keys, e))
		return -1;
	crypto_generichash(c.proof.digest, sizeof(c.proof.digest),
			   (const uint8_t *)request->document.data,
			   request->document.size, NULL, 0);
	if (!is_last(&c) && check_signatures(&c, e))
		return -1;
	if (check_expired(&c.proof, request->now, e))
		return -1;
	*out = c.proof;
	return 0;
}

int trust_check_document(struct trust_proof *proof, const char *mesh,
			 uint64_t serial, int64_t expires, int64_t now,
			 struct err *e)
{
	if (strcmp(proof->mesh, mesh) != 0)
		return err_set(e, ERR_TRUST, "it is of the mesh %s, and was "
			       "signed for another one", mesh);
	if (!serial)
		return err_set(e, ERR_TRUST, "it has no serial, and was "
			       "signed for %llu",
			       (unsigned long long)proof->serial);
	if (serial != proof->serial)
		return err_set(e, ERR_TRUST, "its serial is %llu, and it was "
			       "signed for %llu", (unsigned long long)serial,
			       (unsigned long long)proof->serial);
	if (expires && (!proof->expires || expires < proof->expires))
		proof->expires = expires;
	return check_expired(proof, now, e);
}
