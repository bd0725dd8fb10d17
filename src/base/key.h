/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 32 byte keys of WireGuard and their base64 form (44 characters, RFC
 * 4648 with padding).  Time does not depend on the key's value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define KEY_SIZE 32
#define KEY_TEXT_MAX 45

struct key {
	uint8_t bytes[KEY_SIZE];
};

/* A key, and the name of the file that a text says it is in. */
struct named_key {
	const char *name;
	struct key key;
};

/* The key of that name, of COUNT that are sorted by name, or NULL. */
const struct key *named_key_find(const struct named_key *keys, size_t count,
				 const char *name);

int key_parse(struct str text, struct key *out) must_check_;
char *key_format(const struct key *key, char out[static KEY_TEXT_MAX]);
bool key_equal(const struct key *a, const struct key *b);
int key_compare(const struct key *a, const struct key *b); /* public ones */
bool key_is_zero(const struct key *key);
/* As the kernel does it to a private key, RFC 7748 section 5. */
void key_clamp(struct key *key);
void key_public(const struct key *private_key, struct key *out);
void key_generate(struct key *private_key);	/* clamped */
void key_generate_preshared(struct key *out);
void key_wipe(struct key *key);
/*
 * The next run of base64 in REST that is as long as a good part of a key, with
 * what stands before it cut off REST; false: there is none.  A backslash
 * counts as well: JSON may write one before a slash.
 */
bool key_next_run(struct str *rest, struct str *run);
