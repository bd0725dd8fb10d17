/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a document is to be believed.  Pure: bytes, keys and a clock value
 * in, a proof or an error of kind ERR_TRUST out.
 *
 *   trust_check: its signatures, before anything of it is parsed
 *   trust_check_document: that it says of itself what was signed for it
 *   trust_check_last: that it is not older than what was accepted before
 *   trust_accept: what is to be remembered of it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "trust/minisign.h"

struct arena;
struct err;

#define TRUST_KEYS_MAX MINISIGN_SIGNATURES_MAX
#define TRUST_DIGEST_SIZE 32	/* BLAKE2b-256, as b2sum -l 256 */

/* So many of these keys have to sign. */
struct trust_keys {
	const struct minisign_key *items;
	size_t count;
	uint32_t threshold;
};

/* That each is there once, by id and by key, and the threshold can be met:
   ERR_CONFIG. */
int trust_keys_check(const struct trust_keys *keys, struct err *e)
	must_check_;

/* What is kept of a mesh: the document that was accepted last, and the keys
   that it, or one before it, has named. */
struct trust_record {
	uint64_t serial;	/* 0: none was accepted */
	int64_t expires;
	uint8_t digest[TRUST_DIGEST_SIZE];
	/* COUNT 0: none were named, the host's own are trusted */
	struct trust_keys keys;
	/* of the host's own keys then: other ones end what was named */
	uint8_t anchors[TRUST_DIGEST_SIZE];
};

/*
 * The keys to go by: those of LAST (or NULL), as long as OWN, the host's, are
 * what they were when they were named.
 */
struct trust_keys trust_keys_now(const struct trust_keys *own,
				 const struct trust_record *last);

struct trust_request {
	struct str document;
	struct str signatures;		/* its .minisig file; size 0: none */
	const char *name;		/* of that file */
	const char *mesh;		/* NULL: whichever it says */
	struct trust_keys own;		/* the host's */
	const struct trust_record *last;	/* of this mesh, or NULL */
	int64_t now;
};

/* What is known of a document then. */
struct trust_proof {
	const char *mesh;
	uint64_t serial;
	int64_t expires;	/* the earliest that is said; 0: never */
	uint8_t digest[TRUST_DIGEST_SIZE];	/* of all its bytes */
	struct minisign_key signers[TRUST_KEYS_MAX];	/* as in the file */
	size_t signer_count;
};

/*
 * Each signature by a trusted key has to be right, and its trusted comment has
 * to say the mesh and the serial; those by other keys do not count.
 *
 * The document that was accepted last is known by its digest where it, or one
 * before it, has named the keys: they need not have signed it themselves.  It
 * has no signers then.
 */
int trust_check(struct arena *arena, const struct trust_request *request,
		struct trust_proof *out, struct err *e) must_check_;

/*
 * What the document says itself, SERIAL and EXPIRES 0 where it does not; an
 * earlier end becomes that of PROOF.
 */
int trust_check_document(struct trust_proof *proof, const char *mesh,
			 uint64_t serial, int64_t expires, int64_t now,
			 struct err *e) must_check_;

/* LAST may be NULL: nothing is known. */
int trust_check_last(const struct trust_proof *proof,
		     const struct trust_record *last, struct err *e)
	must_check_;

/*
 * What to keep once a document has passed all of the above.  NAMED, or NULL,
 * are the keys that it names.  OUT borrows from LAST and NAMED.
 */
void trust_accept(const struct trust_keys *own,
		  const struct trust_record *last,
		  const struct trust_proof *proof,
		  const struct trust_keys *named, struct trust_record *out);
