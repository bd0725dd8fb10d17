/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections of this network namespace, as sock_diag(7) tells them.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct arena;
struct err;

/* IPv4 behind a socket of IPv6 (::ffff:a.b.c.d) is IPv4 here. */
struct connection {
	struct ip local, remote;
	uint16_t local_port, remote_port;	/* host order */
	uint32_t inode;		/* of its socket; 0: no process has it */
	uint32_t bound;		/* the link its socket is bound to, 0: any */
	bool established;
	bool counted;		/* what follows is known: linux/tcp.h */
	uint64_t acked;		/* bytes that the other end has confirmed */
	uint64_t received;
	uint32_t last_ack;	/* milliseconds since one came in */
};

/* The same two ends? */
bool connection_equal(const struct connection *a, const struct connection *b);

/* Pure.  A dump of all that are established, of one family. */
struct nlmsghdr *connection_encode_list(struct arena *arena, uint8_t family);
/* The one between these two ends, with its counters. */
struct nlmsghdr *connection_encode_find(struct arena *arena,
					const struct connection *like);
int connection_decode(const struct nlmsghdr *message, struct connection *out,
		      struct err *e) must_check_;

/* All that are established; no right is needed to see them. */
int connection_list(struct arena *arena, struct connection **out,
		    size_t *count, struct err *e) must_check_;
/* *FOUND is false where it is not there, or not established any more. */
int connection_find(struct arena *arena, const struct connection *like,
		    struct connection *out, bool *found, struct err *e)
	must_check_;
