/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building a batch, linux/netfilter/nfnetlink.h: BEGIN with the generation it
 * was made for, messages that are each acknowledged, END.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* Elements of one message.  An attribute's size has 16 bits, and a smaller
   one leaves the kernel smaller pieces to allocate. */
#define NFT_LIST_SIZE 32000u

struct nft_batch {
	struct sbuf out;
	uint32_t sequence;	/* of the next message */
	size_t message;		/* where the open one begins */
	size_t list;		/* and its open list of elements; 0: none */
};

/* GENERATION 0: any. */
void nft_batch_begin(struct nft_batch *b, struct arena *arena,
		     uint32_t sequence, uint32_t generation);
void nft_batch_end(struct nft_batch *b, struct str *messages);

void nft_batch_message(struct nft_batch *b, uint8_t family, uint8_t type,
		       uint16_t flags);
void nft_batch_string(struct nft_batch *b, uint16_t type, struct str text);
void nft_batch_close(struct nft_batch *b);

/*
 * One element, ATTRS, of a message of TYPE (NEWSETELEM, DELSETELEM); messages
 * are opened as needed.  End a set with nft_batch_elements_end().
 */
void nft_batch_element(struct nft_batch *b, uint8_t type, uint16_t flags,
		       const char *table, const char *set, struct str attrs);
void nft_batch_elements_end(struct nft_batch *b);
