/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nft_wire.h"

#include <arpa/inet.h>

enum nft_walk nft_next_attr(struct str *rest, struct nft_attr *out)
{
	struct nlattr head;
	size_t step;

	if (!rest->size)
		return NFT_WALK_END;
	if (rest->size < sizeof(head))
		return NFT_WALK_BAD;
	memcpy(&head, rest->data, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > rest->size)
		return NFT_WALK_BAD;
	out->type = head.nla_type & NLA_TYPE_MASK;
	out->whole = (struct str){ rest->data, head.nla_len };
	out->payload = (struct str){ rest->data + NLA_HDRLEN,
				     head.nla_len - (size_t)NLA_HDRLEN };
	step = NLA_ALIGN((size_t)head.nla_len);
	if (step > rest->size)
		step = rest->size;
	*rest = (struct str){ rest->data + step, rest->size - step };
	return NFT_WALK_ITEM;
}

enum nft_walk nft_next_message(struct str *rest, struct nft_message *out)
{
	size_t fixed = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	struct nlmsghdr head;
	size_t step;

	if (!rest->size)
		return NFT_WALK_END;
	if (rest->size < fixed)
		return NFT_WALK_BAD;
	memcpy(&head, rest->data, sizeof(head));
	if (head.nlmsg_len < fixed || head.nlmsg_len > rest->size)
		return NFT_WALK_BAD;
	out->type = head.nlmsg_type;
	out->flags = head.nlmsg_flags;
	out->sequence = head.nlmsg_seq;
	out->family = (uint8_t)rest->data[NLMSG_HDRLEN];
	out->whole = (struct str){ rest->data, head.nlmsg_len };
	out->attrs = (struct str){ rest->data + fixed,
				   head.nlmsg_len - fixed };
	step = NLMSG_ALIGN((size_t)head.nlmsg_len);
	if (step > rest->size)
		step = rest->size;
	*rest = (struct str){ rest->data + step, rest->size - step };
	return NFT_WALK_ITEM;
}

bool nft_find_attr(struct str attrs, uint16_t type, struct nft_attr *out)
{
	while (nft_next_attr(&attrs, out) == NFT_WALK_ITEM)
		if (out->type == type)
			return true;
	return false;
}

uint32_t nft_attr_u32(struct str attrs, uint16_t type, uint32_t absent)
{
	struct nft_attr attr;
	uint32_t value;

	if (!nft_find_attr(attrs, type, &attr) ||
	    attr.payload.size != sizeof(value))
		return absent;
	memcpy(&value, attr.payload.data, sizeof(value));
	return ntohl(value);
}

struct str nft_name(struct str payload)
{
	return (struct str){ payload.data,
			     strnlen(payload.data, payload.size) };
}

struct str nft_attr_name(struct str attrs, uint16_t type)
{
	struct nft_attr attr;

	if (!nft_find_attr(attrs, type, &attr))
		return (struct str){ "", 0 };
	return nft_name(attr.payload);
}
