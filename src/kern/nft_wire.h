/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading netlink messages and attributes of any origin within their bounds.
 * What is malformed ends a walk and is told, it is never guessed at.
 */
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* Of newer kernels than our headers: what follows from the rest of a set. */
#define NFT_SET_ATTR_BACKEND 19
#define NFT_SET_ATTR_COUNT 20

struct nft_attr {
	uint16_t type;		/* without the NESTED and byte order bits */
	struct str payload;
	struct str whole;	/* header and payload, without padding */
};

struct nft_message {
	uint16_t type;		/* whole nlmsg_type */
	uint16_t flags;
	uint32_t sequence;
	struct str attrs;	/* behind the nfgenmsg */
	uint8_t family;
	struct str whole;
};

enum nft_walk { NFT_WALK_ITEM, NFT_WALK_END, NFT_WALK_BAD };

/* Take the first attribute off REST. */
enum nft_walk nft_next_attr(struct str *rest, struct nft_attr *out);
/* Take the first message off REST. */
enum nft_walk nft_next_message(struct str *rest, struct nft_message *out);
/* The first attribute of TYPE, or false: none, or malformed before it. */
bool nft_find_attr(struct str attrs, uint16_t type, struct nft_attr *out);
/* A number in network order; DEFAULT where it is absent or no number. */
uint32_t nft_attr_u32(struct str attrs, uint16_t type, uint32_t absent);
/* A name without its NULs; empty where it is absent. */
struct str nft_attr_name(struct str attrs, uint16_t type);
struct str nft_name(struct str payload);

/* nlmsg_type of a message of nf_tables */
static inline uint16_t nft_type(uint8_t message)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}
