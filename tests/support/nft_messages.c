/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "kern/nft_wire.h"
#include "support/nft_messages.h"

struct nlmsghdr *nm_head;

static struct arena *arena;
static struct sbuf out;
static char buffer[1 << 16] __attribute__((aligned(NLMSG_ALIGNTO)));

void nm_start(struct arena *on)
{
	arena = on;
	sbuf_init(&out, arena);
}

/* Cut BYTES off what is done: a dump that ends too early. */
void nm_cut(size_t bytes)
{
	out.size -= bytes;
}

void nm_begin_in(uint8_t type, uint8_t family, const char *table)
{
	struct nfgenmsg *body;

	memset(buffer, 0, sizeof(buffer));
	nm_head = mnl_nlmsg_put_header(buffer);
	nm_head->nlmsg_type = nft_type(type);
	body = mnl_nlmsg_put_extra_header(nm_head, sizeof(*body));
	body->nfgen_family = family;
	mnl_attr_put_strz(nm_head, NFTA_TABLE_NAME, table);
}

void nm_begin(uint8_t type)
{
	nm_begin_in(type, NFPROTO_INET, NM_TABLE);
}

void nm_end(void)
{
	sbuf_add(&out, buffer, nm_head->nlmsg_len);
}

void nm_put_u32(uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(nm_head, type, htonl(value));
}

void nm_put_text(uint16_t type, const char *text)
{
	mnl_attr_put_strz(nm_head, type, text);
}

struct nlattr *nm_open_nest(uint16_t type)
{
	return mnl_attr_nest_start(nm_head, type);
}

void nm_close_nest(struct nlattr *nest)
{
	mnl_attr_nest_end(nm_head, nest);
}

void nm_put_generation(uint32_t value)
{
	struct nfgenmsg *body;

	nm_head = mnl_nlmsg_put_header(buffer);
	nm_head->nlmsg_type = nft_type(NFT_MSG_NEWGEN);
	body = mnl_nlmsg_put_extra_header(nm_head, sizeof(*body));
	memset(body, 0, sizeof(*body));
	nm_put_u32(NFTA_GEN_ID, value);
	nm_end();
}

void nm_put_table(uint64_t handle, uint32_t use)
{
	nm_begin(NFT_MSG_NEWTABLE);
	nm_put_u32(NFTA_TABLE_FLAGS, 0);
	nm_put_u32(NFTA_TABLE_USE, use);
	mnl_attr_put_u64(nm_head, NFTA_TABLE_HANDLE, handle);
	nm_put_u32(NFTA_TABLE_OWNER, use);
	nm_end();
}

void nm_put_chain(const char *name, uint32_t flags, uint32_t use)
{
	nm_begin(NFT_MSG_NEWCHAIN);
	nm_put_text(NFTA_CHAIN_NAME, name);
	mnl_attr_put_u64(nm_head, NFTA_CHAIN_HANDLE, use);
	nm_put_u32(NFTA_CHAIN_USE, use);
	nm_put_u32(NFTA_CHAIN_ID, use);
	if (flags)
		nm_put_u32(NFTA_CHAIN_FLAGS, flags);
	nm_end();
}

void nm_put_set(const char *name, uint32_t flags, uint32_t volatile_one)
{
	nm_begin(NFT_MSG_NEWSET);
	nm_put_text(NFTA_SET_NAME, name);
	nm_put_u32(NFTA_SET_FLAGS, flags);
	nm_put_u32(NFTA_SET_ID, volatile_one);
	nm_put_u32(NFT_SET_ATTR_COUNT, volatile_one);
	mnl_attr_put_u64(nm_head, NFTA_SET_HANDLE, volatile_one);
	nm_end();
}

void nm_begin_rule(const char *chain, uint64_t handle)
{
	nm_begin(NFT_MSG_NEWRULE);
	nm_put_text(NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(nm_head, NFTA_RULE_HANDLE, handle);
	mnl_attr_put_u64(nm_head, NFTA_RULE_POSITION, handle - 1);
}

/* Expressions nest: element, then data; both are closed by nm_end_expr(). */
static struct nlattr *nests[2];

void nm_begin_expr(const char *name)
{
	nests[0] = nm_open_nest(NFTA_LIST_ELEM);
	nm_put_text(NFTA_EXPR_NAME, name);
	nests[1] = nm_open_nest(NFTA_EXPR_DATA);
}

void nm_end_expr(void)
{
	nm_close_nest(nests[1]);
	nm_close_nest(nests[0]);
}

void nm_put_counter(uint64_t packets)
{
	nm_begin_expr("counter");
	mnl_attr_put_u64(nm_head, NFTA_COUNTER_BYTES, packets * 60);
	mnl_attr_put_u64(nm_head, NFTA_COUNTER_PACKETS, packets);
	nm_end_expr();
}

void nm_put_lookup(const char *set, uint32_t id)
{
	nm_begin_expr("lookup");
	nm_put_text(NFTA_LOOKUP_SET, set);
	nm_put_u32(NFTA_LOOKUP_SREG, 1);
	nm_put_u32(NFTA_LOOKUP_SET_ID, id);
	nm_end_expr();
}

void nm_put_verdict(uint16_t type, const char *chain)
{
	struct nlattr *data = nm_open_nest(type);
	struct nlattr *verdict = nm_open_nest(NFTA_DATA_VERDICT);

	nm_put_u32(NFTA_VERDICT_CODE, (uint32_t)NFT_JUMP);
	nm_put_text(NFTA_VERDICT_CHAIN, chain);
	nm_close_nest(verdict);
	nm_close_nest(data);
}

void nm_put_jump(const char *chain)
{
	nm_begin_expr("immediate");
	nm_put_u32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	nm_put_verdict(NFTA_IMMEDIATE_DATA, chain);
	nm_end_expr();
}

void nm_put_value(uint16_t type, const void *value, size_t size)
{
	struct nlattr *data = nm_open_nest(type);

	mnl_attr_put(nm_head, NFTA_DATA_VALUE, size, value);
	nm_close_nest(data);
}

struct nlattr *nm_begin_elements(const char *set)
{
	nm_begin(NFT_MSG_NEWSETELEM);
	nm_put_text(NFTA_SET_ELEM_LIST_SET, set);
	return nm_open_nest(NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nm_put_element(uint32_t key, uint32_t flags)
{
	struct nlattr *element = nm_open_nest(NFTA_LIST_ELEM);

	key = htonl(key);
	nm_put_value(NFTA_SET_ELEM_KEY, &key, sizeof(key));
	if (flags)
		nm_put_u32(NFTA_SET_ELEM_FLAGS, flags);
	nm_close_nest(element);
}

struct str nm_taken(void)
{
	struct str messages = {
		arena_copy(arena, out.data, out.size), out.size
	};

	out.size = 0;
	return messages;
}
