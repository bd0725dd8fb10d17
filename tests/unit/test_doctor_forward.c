/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who drops what is forwarded: from messages of nf_tables to findings. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "support/check.h"
#include "support/doctor.h"
#include "support/nft_messages.h"

/* Look, and a chain that drops is found, with WORD in what is said. */
static const struct finding *drops(const char *word)
{
	return expect("forward-drop", FINDING_ERROR, word);
}

static void put_policy(uint32_t hook, uint32_t policy, int32_t priority)
{
	struct nlattr *nest = nm_open_nest(NFTA_CHAIN_HOOK);

	nm_put_u32(NFTA_HOOK_HOOKNUM, hook);
	nm_put_u32(NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nm_close_nest(nest);
	nm_put_u32(NFTA_CHAIN_POLICY, policy);
}

static void put_base(uint8_t family, const char *table, const char *chain,
		     uint32_t hook, uint32_t policy)
{
	nm_begin_in(NFT_MSG_NEWCHAIN, family, table);
	nm_put_text(NFTA_CHAIN_NAME, chain);
	put_policy(hook, policy, -5);
	nm_end();
}

static void put_chain(uint8_t family, const char *table, const char *chain)
{
	nm_begin_in(NFT_MSG_NEWCHAIN, family, table);
	nm_put_text(NFTA_CHAIN_NAME, chain);
	nm_end();
}

/* "meta KEY == NAME VERDICT"; NAME NULL: without a condition. */
static void put_rule(uint8_t family, const char *table, const char *chain,
		     uint32_t key, const void *value, size_t size)
{
	static uint64_t handle;
	struct nlattr *list;

	nm_begin_in(NFT_MSG_NEWRULE, family, table);
	nm_put_text(NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(nm_head, NFTA_RULE_HANDLE, ++handle);
	list = nm_open_nest(NFTA_RULE_EXPRESSIONS);
	nm_begin_expr("counter");
	nm_end_expr();
	if (value) {
		nm_begin_expr("meta");
		nm_put_u32(NFTA_META_KEY, key);
		nm_end_expr();
		nm_begin_expr("cmp");
		nm_put_value(NFTA_CMP_DATA, value, size);
		nm_end_expr();
	}
	nm_begin_expr("reject");
	nm_end_expr();
	nm_close_nest(list);
	nm_end();
}

static void decode(struct nft_forward *f)
{
	struct err e;

	ck_assert_msg(!nft_forward_decode(arena, nm_taken(), f, &e), "%s",
		      e.text);
	doctor.forward = f;
}

START_TEST(forward)
{
	const struct finding *found_one;
	struct nft_forward f;

	nm_start(arena);
	put_base(NFPROTO_INET, "meshapply_office", "fwd", NF_INET_FORWARD,
		 NF_DROP);
	put_base(NFPROTO_INET, "filter", "in", NF_INET_LOCAL_IN, NF_DROP);
	put_base(NFPROTO_IPV6, "filter", "FORWARD", NF_INET_FORWARD, NF_DROP);
	put_base(NFPROTO_ARP, "filter", "FORWARD", NF_INET_FORWARD, NF_DROP);
	decode(&f);
	ck_assert_uint_eq(f.count, 2);
	ck_assert_int_eq(f.chains[1].priority, -5);
	/* Nothing is forwarded, then IPv4 alone. */
	expect_none();
	mesh.forwards4 = true;
	expect_none();
	mesh.forwards6 = true;
	found_one = drops("ip6 filter");
	ck_assert_str_eq(found_one->commands[1], "nft insert rule ip6 filter "
			 "FORWARD oifname \"wg0\" accept");
}
END_TEST

START_TEST(forward_makers)
{
	static const struct {
		const char *table, *chain, *command;
	} makers[] = {
		{ "filter", "DOCKER-USER", "iptables -I DOCKER-USER" },
		{ "filter", "ufw-before-forward", "ufw route allow in on wg0" },
		{ "firewalld", "x", "firewall-cmd --permanent" },
		{ "other", "x", "nft insert rule ip other FORWARD" },
	};
	struct nft_forward f;

	mesh.forwards4 = true;
	for (size_t i = 0; i < array_size(makers); i++) {
		const struct finding *one;

		nm_start(arena);
		put_base(NFPROTO_IPV4, makers[i].table, "FORWARD",
			 NF_INET_FORWARD, NF_DROP);
		put_chain(NFPROTO_IPV4, makers[i].table, makers[i].chain);
		decode(&f);
		one = drops("policy drop");
		ck_assert_msg(str_starts(str_of(one->commands[0]),
					 makers[i].command), "%s",
			      one->commands[0]);
	}
}
END_TEST

START_TEST(forward_named)
{
	static const uint32_t six = 6, seven = 7;
	static const struct {
		uint32_t key;
		const char *value;
		size_t size;
		bool names;
	} rules[] = {
		{ NFT_META_IIFNAME, "wg0", 4, true },
		{ NFT_META_OIFNAME, "wg0\0\0\0\0\0\0\0\0\0\0\0\0", 16, true },
		{ NFT_META_IIFNAME, "wg", 2, true },
		{ NFT_META_IIFNAME, "wg01", 5, false },
		{ NFT_META_IIFNAME, "wg1", 4, false },
		{ NFT_META_MARK, "wg0", 4, false },
		/* A number of the host's byte order. */
		{ NFT_META_IIF, (const char *)&seven, 4, true },
		{ NFT_META_IIF, (const char *)&six, 4, false },
	};
	struct nft_forward f;

	mesh.forwards4 = true;
	for (size_t i = 0; i < array_size(rules); i++) {
		nm_start(arena);
		put_base(NFPROTO_INET, "filter", "fwd", NF_INET_FORWARD,
			 NF_DROP);
		put_rule(NFPROTO_INET, "filter", "any", rules[i].key,
			 rules[i].value, rules[i].size);
		/* What another table says is another's. */
		put_rule(NFPROTO_IPV4, "filter", "any", NFT_META_IIFNAME,
			 "wg0", 4);
		decode(&f);
		look();
		ck_assert_msg(!found("forward-drop") == rules[i].names, "%zu",
			      i);
	}
}
END_TEST

START_TEST(forward_set)
{
	static const char name[16] = "wg0";
	struct nlattr *list, *element;
	struct nft_forward f;

	mesh.forwards4 = true;
	nm_start(arena);
	put_base(NFPROTO_INET, "filter", "fwd", NF_INET_FORWARD, NF_DROP);
	nm_begin_in(NFT_MSG_NEWSETELEM, NFPROTO_INET, "filter");
	nm_put_text(NFTA_SET_ELEM_LIST_SET, "lan");
	list = nm_open_nest(NFTA_SET_ELEM_LIST_ELEMENTS);
	element = nm_open_nest(NFTA_LIST_ELEM);
	nm_put_value(NFTA_SET_ELEM_KEY, name, sizeof(name));
	nm_close_nest(element);
	nm_close_nest(list);
	nm_end();
	decode(&f);
	expect_none();
	mesh.device = "wg1";
	drops("inet filter");
}
END_TEST

/* firewalld accepts by policy and rejects at the end. */
START_TEST(forward_last_rule)
{
	struct nft_forward f;

	mesh.forwards4 = true;
	nm_start(arena);
	put_base(NFPROTO_INET, "x", "fwd", NF_INET_FORWARD, NF_ACCEPT);
	put_rule(NFPROTO_INET, "x", "fwd", 0, NULL, 0);
	put_rule(NFPROTO_INET, "x", "fwd", NFT_META_IIFNAME, "eth0", 5);
	decode(&f);
	ck_assert(!f.chains[0].drops_at_end);
	expect_none();
	nm_start(arena);
	put_base(NFPROTO_INET, "x", "fwd", NF_INET_FORWARD, NF_ACCEPT);
	put_rule(NFPROTO_INET, "x", "fwd", NFT_META_IIFNAME, "eth0", 5);
	put_rule(NFPROTO_INET, "x", "fwd", 0, NULL, 0);
	decode(&f);
	drops("its last rule");
}
END_TEST

START_TEST(forward_cut)
{
	struct nft_forward f;
	struct str whole;
	struct err e;

	nm_start(arena);
	put_base(NFPROTO_INET, "x", "fwd", NF_INET_FORWARD, NF_DROP);
	put_rule(NFPROTO_INET, "x", "fwd", NFT_META_IIFNAME, "wg0", 4);
	whole = nm_taken();
	/* A copy of its own, so that reading beyond it is seen. */
	for (size_t size = 0; size < whole.size; size++) {
		struct arena *own = arena_new(1 << 20);
		struct str cut = { arena_copy(own, whole.data, size), size };

		memset(&f, 0, sizeof(f));
		if (!nft_forward_decode(own, cut, &f, &e) && f.count)
			nft_forward_names(&f, &f.chains[0], "wg0", 7);
		arena_free(own);
	}
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(forward), CHECK_CASE(forward_makers),
		CHECK_CASE(forward_named), CHECK_CASE(forward_set),
		CHECK_CASE(forward_last_rule), CHECK_CASE(forward_cut),
	};

	return check_run_within("doctor_forward", cases, array_size(cases),
				host_make, host_end);
}
