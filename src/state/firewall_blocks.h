/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of named sets in a firewall.nft whose frame was checked, and
 * what is around them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"
#include "base/str.h"

struct arena;

/* "elements = { TEXT }" of "set NAME { … }" or "map NAME { … }". */
struct firewall_block {
	struct str name;
	struct str text;	/* a view, without the braces */
	bool plain;		/* no byte but of addresses, blanks, commas */
	bool merges;		/* its set has the word auto-merge */
};

/* As they stand in the text; how many. */
size_t firewall_blocks(struct arena *arena, struct str text,
		       struct firewall_block **out);
/* Are both texts the same but for the insides of these blocks? */
bool firewall_same_around(struct str a, const struct firewall_block *a_blocks,
			  size_t a_count, struct str b,
			  const struct firewall_block *b_blocks,
			  size_t b_count);
/*
 * The elements of a plain block, if each is an address or prefix of FAMILY
 * without host bits: sorted; false if one is not, or if there are none.
 */
bool firewall_block_prefixes(struct arena *arena,
			     const struct firewall_block *block,
			     uint8_t family, struct prefix **out,
			     size_t *count);
