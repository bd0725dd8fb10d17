/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and signatures as minisign(1) has them in files, whose formats
 * https://jedisct1.github.io/minisign/ tells: Ed25519 over a document's bytes
 * ("Ed", legacy) or over their BLAKE2b-512 ("ED"), and once more over that
 * signature and a comment, which so can be trusted.
 *
 * Reading is strict: the lines there are, canonical base64 of the right length,
 * nothing behind the last line.  A line may end in CR LF, as on Windows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

#define MINISIGN_ID_SIZE 8
#define MINISIGN_ID_TEXT_MAX 17
#define MINISIGN_PUBLIC_SIZE 32
#define MINISIGN_KEY_TEXT_MAX 57
#define MINISIGN_SIGNATURE_SIZE 64

/* Bytes of a file; of a document's signatures, all of them. */
#define MINISIGN_KEY_LIMIT 4096
#define MINISIGN_SIGNATURES_LIMIT (256u << 10)
#define MINISIGN_SIGNATURES_MAX 16

/* A public one. */
struct minisign_key {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t bytes[MINISIGN_PUBLIC_SIZE];
};

/* Of a document, by one key. */
struct minisign_signature {
	uint8_t id[MINISIGN_ID_SIZE];
	bool prehashed;
	uint8_t bytes[MINISIGN_SIGNATURE_SIZE];
	struct str comment;	/* the trusted one, in the file's text */
	uint8_t global[MINISIGN_SIGNATURE_SIZE];	/* over both of them */
};

struct minisign_signatures {
	struct minisign_signature items[MINISIGN_SIGNATURES_MAX];
	size_t count;
};

/* A file with a secret key in it, which a password may have to open. */
struct minisign_sealed {
	bool encrypted;
	uint8_t salt[32];
	uint64_t operations, memory;
	uint8_t key[104];	/* id, secret key, checksum */
};

/* For an arena of secrets. */
struct minisign_secret {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t bytes[64];
};

/* The 56 characters alone.  All errors of keys are ERR_CONFIG. */
int minisign_key_parse(struct str text, struct minisign_key *out,
		       struct err *e) must_check_;
/* A .pub file: a comment and the key, or the key alone. */
int minisign_key_read(struct str file, const char *name,
		      struct minisign_key *out, struct err *e) must_check_;
char *minisign_key_format(const struct minisign_key *key,
			  char out[static MINISIGN_KEY_TEXT_MAX]);
/* Sixteen hexadecimal digits, as minisign shows an id. */
char *minisign_id_format(const uint8_t id[static MINISIGN_ID_SIZE],
			 char out[static MINISIGN_ID_TEXT_MAX]);

/*
 * A .minisig file: one signature, or several one after the other, each whole,
 * of a key each; minisign itself looks at the first.  All errors of signatures
 * are ERR_TRUST.
 */
int minisign_signatures_read(struct str file, const char *name,
			     struct minisign_signatures *out, struct err *e)
	must_check_;
/* SIGNATURE, of the id of KEY, is of it, and so is its comment. */
int minisign_verify(const struct minisign_key *key,
		    const struct minisign_signature *signature,
		    struct str document, struct err *e) must_check_;

/* FILE stays a secret of the caller's.  ERR_CONFIG. */
int minisign_secret_read(struct str file, const char *name,
			 struct minisign_sealed *out, struct err *e)
	must_check_;
/*
 * PASSWORD is not looked at where none is wanted.  scrypt takes the memory the
 * file says, a gigabyte as minisign has it.
 */
int minisign_secret_open(const struct minisign_sealed *sealed,
			 struct str password, const char *name,
			 struct minisign_secret *out, struct err *e)
	must_check_;
void minisign_secret_public(const struct minisign_secret *secret,
			    struct minisign_key *out);
/* One signature as a text, of the kind "ED": the same whenever it is made. */
int minisign_sign(struct arena *arena, const struct minisign_secret *secret,
		  struct str document, struct str comment, struct str *out,
		  struct err *e) must_check_;
