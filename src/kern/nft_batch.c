/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nft_batch.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "kern/nft_wire.h"

static const char zero[NLMSG_ALIGNTO];

static void put_attr(struct sbuf *out, uint16_t type, const void *data,
		     size_t size)
{
	struct nlattr head = {
		.nla_len = (uint16_t)(NLA_HDRLEN + size),
		.nla_type = type,
	};

	sbuf_add(out, &head, sizeof(head));
	sbuf_add(out, data, size);
	sbuf_add(out, zero, NLA_ALIGN(size) - size);
}

/* Open a nested attribute; returns where it begins. */
static size_t open_nest(struct sbuf *out, uint16_t type)
{
	size_t at = out->size;

	put_attr(out, NLA_F_NESTED | type, NULL, 0);
	return at;
}

static void close_nest(struct sbuf *out, size_t at)
{
	uint16_t size = (uint16_t)(out->size - at);

	memcpy(out->data + at, &size, sizeof(size));
}

static void put_header(struct nft_batch *b, uint16_t type, uint16_t flags,
		       uint8_t family, uint16_t resource)
{
	struct nlmsghdr head = {
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = b->sequence++,
	};
	struct nfgenmsg body = {
		.nfgen_family = family,
		.version = NFNETLINK_V0,
		.res_id = htons(resource),
	};

	b->message = b->out.size;
	sbuf_add(&b->out, &head, sizeof(head));
	sbuf_add(&b->out, &body, sizeof(body));
}

void nft_batch_close(struct nft_batch *b)
{
	uint32_t size = (uint32_t)(b->out.size - b->message);

	memcpy(b->out.data + b->message, &size, sizeof(size));
}

void nft_batch_begin(struct nft_batch *b, struct arena *arena,
		     uint32_t sequence, uint32_t generation)
{
	uint32_t wire = htonl(generation);

	*b = (struct nft_batch){ .sequence = sequence };
	sbuf_init(&b->out, arena);
	put_header(b, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, NFPROTO_UNSPEC,
		   NFNL_SUBSYS_NFTABLES);
	if (generation)
		put_attr(&b->out, NFNL_BATCH_GENID, &wire, sizeof(wire));
	nft_batch_close(b);
}

void nft_batch_end(struct nft_batch *b, struct str *messages)
{
	put_header(b, NFNL_MSG_BATCH_END, NLM_F_REQUEST, NFPROTO_UNSPEC,
		   NFNL_SUBSYS_NFTABLES);
	nft_batch_close(b);
	*messages = sbuf_end(&b->out);
}

void nft_batch_message(struct nft_batch *b, uint8_t family, uint8_t type,
		       uint16_t flags)
{
	put_header(b, nft_type(type),
		   (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags), family, 0);
}

void nft_batch_string(struct nft_batch *b, uint16_t type, struct str text)
{
	char name[NFT_NAME_MAXLEN] = "";
	size_t size = text.size < sizeof(name) ? text.size : sizeof(name) - 1;

	memcpy(name, text.data, size);
	put_attr(&b->out, type, name, size + 1);
}

void nft_batch_elements_end(struct nft_batch *b)
{
	if (!b->list)
		return;
	close_nest(&b->out, b->list);
	nft_batch_close(b);
	b->list = 0;
}

void nft_batch_element(struct nft_batch *b, uint8_t type, uint16_t flags,
		       const char *table, const char *set, struct str attrs)
{
	size_t element;

	if (b->list && b->out.size - b->list + attrs.size > NFT_LIST_SIZE)
		nft_batch_elements_end(b);
	if (!b->list) {
		nft_batch_message(b, NFPROTO_INET, type, flags);
		nft_batch_string(b, NFTA_SET_ELEM_LIST_TABLE, str_of(table));
		nft_batch_string(b, NFTA_SET_ELEM_LIST_SET, str_of(set));
		b->list = open_nest(&b->out, NFTA_SET_ELEM_LIST_ELEMENTS);
	}
	element = open_nest(&b->out, NFTA_LIST_ELEM);
	sbuf_str(&b->out, attrs);
	close_nest(&b->out, element);
}
