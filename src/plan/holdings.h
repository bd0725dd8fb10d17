/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allowed IPs that change hands on a device. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "state/state.h"

struct arena;

/* A prefix that a peer gains or loses. */
struct holding {
	struct prefix prefix;
	const struct peer *peer;
	/* Whose packets these were, or will be: the peer on the other side of
	   the change whose prefix covers this one most closely, of so many
	   bits.  NULL: nobody's. */
	const struct peer *other;
	uint8_t other_length;
};

struct holdings {
	struct holding *items;
	size_t count, capacity;
};

void holdings_add(struct arena *arena, struct holdings *list,
		  const struct prefix *prefix, const struct peer *peer);
void holdings_sort(struct holdings *list);
/* In a sorted list; or NULL. */
const struct holding *holdings_find(const struct holdings *list,
				    const struct prefix *prefix);
/*
 * Set the other of each item of the sorted LIST from DEVICE: what it was of
 * gained prefixes, what it will be of lost ones.  One walk over DEVICE's
 * allowed IPs, as WireGuard chooses a peer: the longest prefix.
 */
void holdings_look(struct holdings *list, const struct device *device);
