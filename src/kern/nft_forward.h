/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else decides about packets that are forwarded: the base chains of the
 * hook "forward" in all tables of this network namespace.  A packet has to
 * pass every one of them, in the order of their priorities.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

struct nft_chain {
	uint8_t family;		/* NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET */
	struct str table, name;
	int32_t priority;
	bool drops_by_policy;
	bool drops_at_end;	/* its last rule drops, without a condition */
};

struct nft_forward {
	struct str messages;	/* which the chains point into */
	struct nft_chain *chains;
	size_t count, capacity;
};

/* By a socket of its own; needs CAP_NET_ADMIN. */
int nft_forward_read(struct arena *arena, struct nft_forward *out,
		     struct err *e) must_check_;
/*
 * Pure: from messages of chains, rules and set elements, of any origin.  What
 * is malformed is ERR_DATA.
 */
int nft_forward_decode(struct arena *arena, struct str messages,
		       struct nft_forward *out, struct err *e) must_check_;
/*
 * Does a rule or a set in the table of CHAIN speak of the link NAME, of INDEX
 * (0: not known)?  Wildcards as "wg*" count.
 */
bool nft_forward_names(const struct nft_forward *f,
		       const struct nft_chain *chain, const char *name,
		       uint32_t index);
/* Is there a chain NAME in the table of CHAIN?  It tells who made the table. */
bool nft_forward_has(const struct nft_forward *f,
		     const struct nft_chain *chain, const char *prefix);
