/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of sock_diag, one netlink message after the other. */
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is asked for with what was decoded has the same ends. */
static void again(struct arena *arena, const struct connection *c)
{
	const struct nlmsghdr *m = connection_encode_find(arena, c);
	const struct inet_diag_req_v2 *r = mnl_nlmsg_get_payload(m);
	size_t bytes = ip_bits(c->local.family) / 8;

	if (r->sdiag_family != c->remote.family ||
	    memcmp(r->id.idiag_src, c->local.bytes, bytes) ||
	    memcmp(r->id.idiag_dst, c->remote.bytes,
		   ip_bits(c->remote.family) / 8) ||
	    !connection_equal(c, c))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	const struct nlmsghdr *m;
	struct connection c;
	struct attrs left;
	struct err e;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)64 << 20);
	mark = arena_mark(arena);
	left = (struct attrs){ arena_copy(arena, data, size), size };
	while (messages_next(&left, &m) > 0)
		if (!connection_decode(m, &c, &e))
			again(arena, &c);
	arena_reset(arena, mark);
	return 0;
}
