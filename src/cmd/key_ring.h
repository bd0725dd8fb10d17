/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the keys that texts name come from. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/key.h"

struct device;
struct peer;
struct session;

#define KEY_FOLDER "/etc/meshapply/keys"

/* In the order in which they are looked at. */
struct key_ring {
	const char *given;	/* path of --key or the config, or NULL: the */
	const struct key *given_key;	/* private key; NULL: not read yet */
	const struct named_key *held;	/* in the source, sorted by name */
	size_t held_count;
	int credentials;	/* $CREDENTIALS_DIRECTORY, or -1 */
	int folder;		/* KEY_FOLDER, or -1 and why not */
	struct err why;
	/* Preshared keys that ring_device() did not find, and why. */
	struct key_lost {
		const struct peer *peer;
		const char *why;
	} *lost;
	size_t lost_count, lost_capacity;
};

/* Given and held keys are the caller's to set; closed with ring_close(). */
void ring_open(struct session *s, struct key_ring *ring);
void ring_close(struct key_ring *ring);
#define cleanup_ring cleanup_(ring_close)

/* The key of that name, on the secret arena, or NULL. */
const struct key *ring_find(struct session *s, const struct key_ring *ring,
			    const char *name, struct err *e);
/* The private key: the given one, which is read once, else that of NAME. */
const struct key *ring_private(struct session *s, struct key_ring *ring,
			       const char *name, struct err *e);
/*
 * The keys that D and its peers name.  HOW tells a user whose device names
 * none what is to be written.  All preshared ones are looked for; E is about
 * the first that is not found.
 */
int ring_device(struct session *s, struct key_ring *ring, struct device *d,
		const char *how, struct err *e) must_check_;
