/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard's generic netlink messages, linux/wireguard.h: dumps to structs,
 * changes to messages.  Pure.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "state/state.h"

struct arena;
struct err;

/*
 * A message is kept below this: an attribute, and all peers are one, ends at
 * 64 KiB, and the kernel's own parts are of 32 KiB.
 */
#define WG_MESSAGE_MAX ((size_t)32 << 10)

/* WGALLOWEDIP_A_FLAGS and its flag, Linux 6.16; not in older headers. */
#define WG_ALLOWED_IP_FLAGS 4
#define WG_ALLOWED_IP_REMOVE_ME 1u

/*
 * Reading one device: start, each part of the dump in its order, end.  A peer
 * may go on in the next part, its allowed IPs be cut anywhere.
 */
struct wg_reader {
	struct arena *arena, *secrets;
	struct device *device;
	struct peer *peers;
	size_t peer_count, peer_capacity;
	struct prefix *prefixes;	/* of all peers, one after the other */
	size_t prefix_count, prefix_capacity;
};

/* DEVICE keeps its name; peers and prefixes go to ARENA, keys to SECRETS. */
void wg_read_start(struct wg_reader *reader, struct arena *arena,
		   struct arena *secrets, struct device *device);
/* Make room for so many peers at once. */
void wg_read_expect(struct wg_reader *reader, size_t peers);
/* Also from the start again, after an interrupted dump. */
void wg_read_restart(struct wg_reader *reader);
int wg_read_part(struct wg_reader *reader, const struct nlmsghdr *part,
		 struct err *e) must_check_;
/* Sets the device's peers, in the order of the dump. */
void wg_read_end(struct wg_reader *reader);
/* The listen port alone, from any part that has it; else PORT stays. */
int wg_decode_port(const struct nlmsghdr *part, uint16_t *port,
		   struct err *e) must_check_;

/* The request for a dump of one device, on ARENA. */
struct nlmsghdr *wg_encode_get(struct arena *arena, uint16_t family,
			       uint32_t index);

/*
 * Changes.  The link's index is the first attribute of each, and may be set
 * or changed afterwards.
 */
void wg_set_index(struct nlmsghdr *message, uint32_t index);
/* The fields of DEVICE named (private key, listen port, fwmark). */
struct nlmsghdr *wg_encode_device(struct arena *arena, uint16_t family,
				  const struct device *device,
				  unsigned int fields);
/* Remove all peers. */
struct nlmsghdr *wg_encode_empty(struct arena *arena, uint16_t family);

/* What a message says of one peer. */
struct wg_entry {
	const struct key *public_key;
	uint32_t flags;			/* WGPEER_F_* */
	unsigned int fields;		/* enum peer_field, but allowed IPs */
	const struct peer *peer;	/* their values; NULL if no fields */
	const struct prefix *prefixes;
	size_t prefix_count;
	bool remove_prefixes;		/* instead of adding them */
};

/*
 * As many entries as one message takes.  FIRST to NEXT - 1 are their places
 * in the list; of one too long for a message each part is one piece, and all
 * but the last have NEXT equal to FIRST.
 */
struct wg_part {
	const struct wg_entry *entries;
	size_t count;
	size_t first, next;
};

/* At borders of entries where that can be, inside of one where it must. */
struct wg_part *wg_split(struct arena *arena, const struct wg_entry *entries,
			 size_t count, size_t *part_count);
struct nlmsghdr *wg_encode_part(struct arena *arena, uint16_t family,
				const struct wg_part *part);
/*
 * For kernels that cannot remove an allowed IP: all prefixes of the part move
 * to a peer of the FRESH key, and this one is removed, in one message.
 */
struct nlmsghdr *wg_encode_moved_away(struct arena *arena, uint16_t family,
				      const struct wg_part *part,
				      const struct key *fresh);
