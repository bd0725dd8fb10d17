/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the mesh's table, and the names of those that wg-quick made. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/nft.h"
#include "kern/observe.h"
#include "state/firewall.h"

static int read_firewall(struct observer *o, const char *table, struct err *e)
{
	struct firewall *f = arena_new_object(o->arena, struct firewall);
	struct mnl_socket *nft = o->k->nft.socket;
	struct str messages;
	bool found;

	if (nft_generation(nft, o->arena, &o->k->generation, e) < 0 ||
	    nft_dump(nft, o->arena, table, &messages, &found, e) < 0)
		return -1;
	if (!found)
		return 0;
	if (nft_canonicalise(o->arena, messages, table, f, e) < 0)
		return -1;
	o->k->generation = f->generation;
	o->have->firewall = f;
	return 0;
}

struct names {
	struct arena *arena;
	const char **items;
	size_t count, capacity;
};

static void start_names(void *data)
{
	struct names *n = data;

	n->count = 0;
}

static int take_name(const struct nlmsghdr *answer, void *data, struct err *e)
{
	const struct nlattr *table[NFTA_TABLE_NAME + 1];
	char name[NFT_TABLE_MAXNAMELEN] = "";
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(answer);
	struct names *n = data;
	struct attrs attrs;

	if (attrs_of(answer, sizeof(*header), &attrs) < 0 ||
	    attrs_parse(attrs, table, NFTA_TABLE_NAME, NULL) < 0 ||
	    attr_string(table[NFTA_TABLE_NAME], name, sizeof(name)) < 0)
		return err_set(e, ERR_FAILED, "malformed answer");
	if ((header->nfgen_family != NFPROTO_IPV4 &&
	     header->nfgen_family != NFPROTO_IPV6) ||
	    strncmp(name, "wg-quick-", strlen("wg-quick-")) != 0)
		return 0;
	arena_room(n->arena, &n->items, n->count, &n->capacity,
		   sizeof(*n->items));
	n->items[n->count++] = arena_printf(n->arena, "%s %s",
		header->nfgen_family == NFPROTO_IPV4 ? "ip" : "ip6", name);
	return 0;
}

static int read_foreign(struct observer *o, struct err *e)
{
	struct names names = { .arena = o->arena };
	_Alignas(struct nlmsghdr) char space[64] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(space);
	struct nfgenmsg *header;
	const struct talk_reader reader = {
		.start = start_names,
		.each = take_name,
		.data = &names,
	};

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->nfgen_family = NFPROTO_UNSPEC;
	header->version = NFNETLINK_V0;
	if (talk_dump(&o->k->nft, request, &reader, e) < 0)
		return -1;
	o->have->foreign_tables = names.items;
	o->have->foreign_table_count = names.count;
	return 0;
}

int observe_firewall(struct observer *o, struct err *e)
{
	const char *table = firewall_table_name(o->arena, o->scope->mesh);
	struct err why;

	o->k->generation = 0;
	/* Without a mesh only links are looked for. */
	if (!*o->scope->mesh)
		return 0;
	if (kern_nft(o->k, e) < 0)
		return -1;
	if ((read_firewall(o, table, &why) == 0 &&
	     read_foreign(o, &why) == 0) ||
	    observer_denied(o, &why, "the firewall table %s", table) == 0)
		return 0;
	*e = why;
	return err_wrap(e, "reading the firewall table %s", table);
}
