/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the kernel's answers changes by itself, or does not decide
 * anything, so that two answers can be compared byte for byte: it is blanked.
 * What is forgotten here costs time, and never truth: then they differ.
 */
#pragma once

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct nlmsghdr;

/* What is taken out of the answers of one request; of secrets, as it holds
   the keys that were taken last. */
struct blanked {
	crypto_generichash_state keys;	/* BLAKE2b-256 of all in them */
	bool has_keys;
	/* of the ruleset, 0: not told; MOVED: the answers differ in it */
	uint32_t generation;
	bool moved;
};

/* Aligned as the state wants it; started. */
struct blanked *blanked_new(struct arena *secrets);
void blanked_start(struct blanked *b);
/*
 * Blank M, an answer of PROTOCOL (NETLINK_ROUTE, …), in place; it may become
 * shorter.  -1: it is malformed, and may hold keys still.
 */
int volatile_blank(int protocol, struct nlmsghdr *m, struct blanked *b)
	must_check_;
