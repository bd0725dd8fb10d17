/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/talk.h"

/* Of include/net/tcp_states.h, which is no header of the interface. */
#define STATE_ESTABLISHED 1
#define ALL_STATES 0xffffffffu

bool connection_equal(const struct connection *a, const struct connection *b)
{
	return !ip_compare(&a->local, &b->local) &&
	       !ip_compare(&a->remote, &b->remote) &&
	       a->local_port == b->local_port &&
	       a->remote_port == b->remote_port;
}

static struct nlmsghdr *encode(struct arena *arena,
			       const struct inet_diag_req_v2 *request)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(arena_alloc(
		arena, MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*request))));

	m->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	memcpy(mnl_nlmsg_put_extra_header(m, sizeof(*request)), request,
	       sizeof(*request));
	return m;
}

struct nlmsghdr *connection_encode_list(struct arena *arena, uint8_t family)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1u << STATE_ESTABLISHED,
	};

	return encode(arena, &request);
}

static struct nlmsghdr *encode_like(struct arena *arena,
				    const struct connection *like,
				    uint8_t family)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = 1u << (INET_DIAG_INFO - 1),
		.idiag_states = ALL_STATES,
		.id.idiag_sport = htons(like->local_port),
		.id.idiag_dport = htons(like->remote_port),
		.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};

	memcpy(request.id.idiag_src, like->local.bytes,
	       sizeof(request.id.idiag_src));
	memcpy(request.id.idiag_dst, like->remote.bytes,
	       sizeof(request.id.idiag_dst));
	return encode(arena, &request);
}

struct nlmsghdr *connection_encode_find(struct arena *arena,
					const struct connection *like)
{
	return encode_like(arena, like, like->remote.family);
}

static struct ip ip_of(uint8_t family, const __be32 bytes[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip ip = { .family = family };
	const uint8_t *from = (const uint8_t *)bytes;

	if (family == AF_INET6 && !memcmp(from, mapped, sizeof(mapped))) {
		ip.family = AF_INET;
		from += sizeof(mapped);
	}
	memcpy(ip.bytes, from, ip_bits(ip.family) / 8);
	return ip;
}

/* An older kernel's struct ends earlier, a newer one's later. */
static bool info_get(const struct nlattr *info, size_t offset, void *out,
		     size_t size)
{
	if (!info || mnl_attr_get_payload_len(info) < offset + size)
		return false;
	memcpy(out, (const char *)mnl_attr_get_payload(info) + offset, size);
	return true;
}

#define INFO(info, member, out) \
	info_get(info, offsetof(struct tcp_info, member), out, sizeof(*(out)))

int connection_decode(const struct nlmsghdr *message, struct connection *out,
		      struct err *e)
{
	const struct nlattr *table[INET_DIAG_INFO + 1];
	struct inet_diag_msg of;
	struct attrs attrs;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    attrs_of(message, sizeof(of), &attrs) < 0 ||
	    attrs_parse(attrs, table, INET_DIAG_INFO, NULL) < 0)
		return err_set(e, ERR_FAILED, "malformed connection");
	memcpy(&of, mnl_nlmsg_get_payload(message), sizeof(of));
	if (of.idiag_family != AF_INET && of.idiag_family != AF_INET6)
		return err_set(e, ERR_FAILED, "malformed connection");
	*out = (struct connection){
		.local = ip_of(of.idiag_family, of.id.idiag_src),
		.remote = ip_of(of.idiag_family, of.id.idiag_dst),
		.local_port = ntohs(of.id.idiag_sport),
		.remote_port = ntohs(of.id.idiag_dport),
		.inode = of.idiag_inode,
		.bound = of.id.idiag_if,
		.established = of.idiag_state == STATE_ESTABLISHED,
	};
	out->counted =
		INFO(table[INET_DIAG_INFO], tcpi_bytes_acked, &out->acked) &&
		INFO(table[INET_DIAG_INFO], tcpi_bytes_received,
		     &out->received) &&
		INFO(table[INET_DIAG_INFO], tcpi_last_ack_recv,
		     &out->last_ack);
	return 0;
}

struct list {
	struct arena *arena;
	struct connection *items;
	size_t count, capacity, mark;
};

static void start(void *data)
{
	struct list *list = data;

	list->count = list->mark;
}

static int take(const struct nlmsghdr *answer, void *data, struct err *e)
{
	struct list *list = data;

	arena_room(list->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	if (connection_decode(answer, &list->items[list->count], e))
		return -1;
	list->count++;
	return 0;
}

/* ENOENT: a kernel without the family, so no connection of it. */
static int dump(struct talk *talk, struct nlmsghdr *request,
		const struct talk_reader *reader, struct err *e)
{
	struct err why;

	if (!talk_dump(talk, request, reader, &why) || why.number == ENOENT)
		return 0;
	*e = why;
	return -1;
}

int connection_list(struct arena *arena, struct connection **out,
		    size_t *count, struct err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	cleanup_(talk_close) struct talk talk = { 0 };
	struct list list = { .arena = arena };
	const struct talk_reader reader = {
		.start = start, .each = take, .data = &list,
	};

	if (talk_open(&talk, arena, NETLINK_SOCK_DIAG, e))
		return -1;
	for (size_t i = 0; i < array_size(families); i++) {
		list.mark = list.count;
		if (dump(&talk, connection_encode_list(arena, families[i]),
			 &reader, e))
			return err_wrap(e, "reading TCP connections");
	}
	*out = list.items;
	*count = list.count;
	return 0;
}

/* Where it is gone the kernel may answer with who listens on its port. */
static bool has_found(const struct list *list, const struct connection *like,
		      struct connection *out)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i].established ||
		    !connection_equal(like, &list->items[i]))
			continue;
		*out = list->items[i];
		return true;
	}
	return false;
}

/*
 * A socket that is bound to a link, as those of link-local addresses are, is
 * found by that link alone, or among all of these ports; one of IPv6 may have
 * mapped addresses.
 */
static int find_bound(struct talk *talk, struct list *list,
		      const struct talk_reader *reader,
		      const struct connection *like, struct connection *out,
		      bool *found, struct err *e)
{
	const uint8_t families[] = { like->remote.family, AF_INET6 };

	for (size_t i = 0; i < array_size(families) && !*found; i++) {
		if (dump(talk, encode_like(list->arena, like, families[i]),
			 reader, e))
			return -1;
		*found = has_found(list, like, out);
	}
	return 0;
}

int connection_find(struct arena *arena, const struct connection *like,
		    struct connection *out, bool *found, struct err *e)
{
	cleanup_(talk_close) struct talk talk = { 0 };
	struct list list = { .arena = arena };
	const struct talk_reader reader = {
		.start = start, .each = take, .data = &list,
	};
	struct err why;

	*found = false;
	if (talk_open(&talk, arena, NETLINK_SOCK_DIAG, e))
		return -1;
	if (!talk_request(&talk, connection_encode_find(arena, like), &reader,
			  &why)) {
		*found = has_found(&list, like, out);
	} else if (why.number != ENOENT) {
		*e = why;
		return err_wrap(e, "reading a TCP connection");
	}
	if (!*found && find_bound(&talk, &list, &reader, like, out, found, e))
		return err_wrap(e, "reading TCP connections");
	return 0;
}
