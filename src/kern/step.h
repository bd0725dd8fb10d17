/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An encoded plan; private to step*.c. */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "kern/kern.h"

struct nftc;

enum channel {
	CHANNEL_ROUTE,
	CHANNEL_OUTSIDE,	/* a link is made, for another namespace */
	CHANNEL_WIREGUARD,
	CHANNEL_NFT,		/* a batch of our own */
	CHANNEL_NFTC,		/* the child loads it */
	CHANNEL_SYSCTL,
};

/* A link that messages speak of; its index is known once it is there. */
struct target {
	const char *name;
	uint32_t index;		/* 0: made by this plan */
};

struct outgoing {
	struct nlmsghdr *message;
	/* for a kernel that refuses the message as unknown, or NULL */
	struct nlmsghdr *fallback;
	struct target *target;	/* or NULL: speaks of no link */
	size_t step, next;	/* steps it takes part in */
};

/* Steps that are taken by the same messages. */
struct unit {
	enum channel channel;
	size_t first, next;
	struct outgoing *messages;
	size_t count;
	struct str batch;		/* CHANNEL_NFT */
	struct nftc *nftc;		/* CHANNEL_NFTC */
	uint32_t generation;
	const char *path, *value;	/* CHANNEL_SYSCTL */
};

struct encoded {
	struct unit *units;
	size_t count, capacity;
	size_t cursor;			/* the unit that is next, if in order */
	struct target *targets;
	size_t target_count;
};

/* The object of a step in words, of at most SIZE bytes; on no arena. */
void step_words(const struct kern *k, const struct step *step, char *out,
		size_t size);
