/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of minisign: keys, signatures, secret keys, and what a trusted
 * comment says.  A key that is taken has one text; what is taken of a comment
 * is written to what is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "trust/comment.h"
#include "trust/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCUMENT STR("{}\n")

static void fuzz_key(struct str text)
{
	char again[MINISIGN_KEY_TEXT_MAX];
	struct minisign_key key, same;
	struct err e;

	if (minisign_key_read(text, "key", &key, &e))
		return;
	minisign_key_format(&key, again);
	if (minisign_key_parse(str_of(again), &same, &e) ||
	    memcmp(&key, &same, sizeof(key)) != 0)
		abort();
}

/* Trusted by the ids that the file itself has: all of it is looked at. */
static void fuzz_signatures(struct arena *arena, struct str text)
{
	struct minisign_key keys[MINISIGN_SIGNATURES_MAX];
	struct minisign_signatures all;
	struct trust_proof proof;
	struct trust_request request = {
		.document = DOCUMENT, .signatures = text, .name = "sig",
		.own = { keys, 0, 1 },
	};
	struct err e;

	if (minisign_signatures_read(text, "sig", &all, &e))
		return;
	/* What is no key at all has signed nothing. */
	for (size_t i = 0; i < all.count; i++) {
		memset(&keys[i], 0, sizeof(keys[i]));
		memcpy(keys[i].id, all.items[i].id, sizeof(keys[i].id));
		keys[i].bytes[0] = (uint8_t)i;
		if (!minisign_verify(&keys[i], &all.items[i], DOCUMENT, &e))
			abort();
	}
	request.own.count = all.count;
	(void)!trust_check(arena, &request, &proof, &e);
}

static void fuzz_secret(struct str text)
{
	struct minisign_sealed sealed;
	struct minisign_secret secret;
	struct err e;

	/* scrypt alone would be what takes the time. */
	if (minisign_secret_read(text, "key", &sealed, &e) ||
	    sealed.encrypted)
		return;
	(void)!minisign_secret_open(&sealed, STR(""), "key", &secret, &e);
}

static void fuzz_comment(struct arena *arena, struct str text)
{
	struct trust_comment comment, same;
	const char *again;
	struct err e;

	if (trust_comment_read(text, &comment, &e))
		return;
	again = trust_comment_write(arena, &comment);
	/* A year of five digits is written by nobody who can be read. */
	if (comment.expires >= INT64_C(253402300800))
		return;
	if (trust_comment_read(str_of(again), &same, &e) ||
	    !str_equal(same.mesh, comment.mesh) ||
	    same.serial != comment.serial || same.expires != comment.expires)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	static struct arena *arena;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 28);
	mark = arena_mark(arena);
	fuzz_key(text);
	fuzz_signatures(arena, text);
	fuzz_secret(text);
	/* In a file it is one line. */
	if (size && !memchr(data, '\n', size) && !memchr(data, 0, size))
		fuzz_comment(arena, text);
	arena_reset(arena, mark);
	return 0;
}
