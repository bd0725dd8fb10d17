/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_forward.h"
#include "kern/nft_wire.h"
#include "kern/talk.h"

#define REQUEST_SIZE 1024u
/* Of addresses of IPv6, as nft(8) numbers the types of keys. */
#define TYPE_IP6ADDR 8

struct reading {
	struct talk talk;
	struct sbuf out;
	size_t mark;
};

static void start(void *data)
{
	struct reading *r = data;

	r->out.size = r->mark;
}

static int keep(const struct nlmsghdr *head, void *data, struct err *e)
{
	static const char zero[NLMSG_ALIGNTO];
	struct reading *r = data;

	(void)e;
	sbuf_add(&r->out, head, head->nlmsg_len);
	sbuf_add(&r->out, zero, NLMSG_ALIGN(head->nlmsg_len) -
		 head->nlmsg_len);
	return 0;
}

/* Names of attributes 1 and 2, empty: none; they have been read before. */
static int ask(struct reading *r, uint8_t type, uint8_t family,
	       struct str table, struct str set, struct err *e)
{
	_Alignas(struct nlmsghdr) char request[REQUEST_SIZE] = { 0 };
	struct nlmsghdr *head = mnl_nlmsg_put_header(request);
	const struct talk_reader reader = {
		.start = start, .each = keep, .data = r,
	};
	char name[NFT_NAME_MAXLEN];
	const struct str names[] = { table, set };
	struct nfgenmsg *body;

	head->nlmsg_type = nft_type(type);
	body = mnl_nlmsg_put_extra_header(head, sizeof(*body));
	body->nfgen_family = family;
	body->version = NFNETLINK_V0;
	for (size_t i = 0; i < array_size(names); i++) {
		if (!names[i].size || names[i].size >= sizeof(name))
			continue;
		memcpy(name, names[i].data, names[i].size);
		name[names[i].size] = '\0';
		mnl_attr_put_strz(head, (uint16_t)(i + 1), name);
	}
	r->mark = r->out.size;
	/* What has gone since drops nothing. */
	if (!talk_dump(&r->talk, head, &reader, e) || e->number == ENOENT)
		return 0;
	return err_wrap(e, "nftables: reading the ruleset");
}

/* Elements of the sets between FROM and TO of what was read. */
static int read_elements(struct reading *r, size_t from, size_t to,
			 struct err *e)
{
	while (from < to) {
		struct str rest = { r->out.data + from, to - from };
		struct nft_message m;

		if (nft_next_message(&rest, &m) != NFT_WALK_ITEM)
			return 0;
		from = to - rest.size;
		if (m.type == nft_type(NFT_MSG_NEWSET) &&
		    ask(r, NFT_MSG_GETSETELEM, m.family,
			nft_attr_name(m.attrs, NFTA_SET_TABLE),
			nft_attr_name(m.attrs, NFTA_SET_NAME), e))
			return -1;
	}
	return 0;
}

/*
 * Sets of names of links alone matter: those with keys of that size.  That
 * of an IPv6 address is the same, and lists of these are long.
 */
static void keep_name_sets(struct reading *r, size_t from)
{
	struct str rest = { r->out.data + from, r->out.size - from };
	size_t end = from;
	struct nft_message m;

	while (nft_next_message(&rest, &m) == NFT_WALK_ITEM) {
		size_t size = NLMSG_ALIGN(m.whole.size);

		if (nft_attr_u32(m.attrs, NFTA_SET_KEY_LEN, 0) != IFNAMSIZ ||
		    nft_attr_u32(m.attrs, NFTA_SET_KEY_TYPE, 0) ==
		    TYPE_IP6ADDR)
			continue;
		memmove(r->out.data + end, m.whole.data, size);
		end += size;
	}
	r->out.size = end;
}

static int read_all(struct reading *r, struct err *e)
{
	const struct str none = { 0 };
	struct nft_forward first = { 0 };
	size_t mark;

	if (ask(r, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, none, none, e))
		return -1;
	/* The text moves while it grows: names are taken from a copy. */
	if (nft_forward_decode(r->out.arena, (struct str){
			arena_copy(r->out.arena, r->out.data, r->out.size),
			r->out.size }, &first, e))
		return -1;
	for (size_t i = 0; i < first.count; i++) {
		const struct nft_chain *c = &first.chains[i];

		if (ask(r, NFT_MSG_GETRULE, c->family, c->table, none, e))
			return -1;
		mark = r->out.size;
		if (ask(r, NFT_MSG_GETSET, c->family, c->table, none, e))
			return -1;
		keep_name_sets(r, mark);
		if (read_elements(r, mark, r->out.size, e))
			return -1;
	}
	return 0;
}

int nft_forward_read(struct arena *arena, struct nft_forward *out,
		     struct err *e)
{
	struct reading r = { 0 };
	int status;

	if (talk_open(&r.talk, arena, NETLINK_NETFILTER, e))
		return -1;
	sbuf_init(&r.out, arena);
	status = read_all(&r, e);
	talk_close(&r.talk);
	if (status)
		return -1;
	return nft_forward_decode(arena, (struct str){ r.out.data,
						       r.out.size }, out, e);
}
