/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_wire.h"
#include "kern/talk.h"

#define REQUEST_SIZE 1024u
#define TRIES 12
/* Where the sequence numbers of readings begin, away from those of batches. */
#define FIRST_SEQUENCE 0x6d000000u

struct dump {
	struct talk talk;
	const char *table;
	struct sbuf out;
	size_t mark;		/* where the answer to this request begins */
	bool moved;		/* what was there a moment ago is gone */
	struct err *e;
};

/* Attribute 1 is the table's name in every message of nf_tables but NEWGEN. */
static bool is_of_table(const struct dump *d, const struct nft_message *m)
{
	if (m->type == nft_type(NFT_MSG_NEWGEN))
		return true;
	return m->family == NFPROTO_INET &&
	       str_is(nft_attr_name(m->attrs, NFTA_TABLE_NAME), d->table);
}

static void start(void *data)
{
	struct dump *d = data;

	d->out.size = d->mark;
}

static int keep(const struct nlmsghdr *head, void *data, struct err *e)
{
	static const char zero[NLMSG_ALIGNTO];
	struct dump *d = data;
	struct str bytes = { (const char *)head, head->nlmsg_len };
	struct nft_message m;

	if (nft_next_message(&bytes, &m) != NFT_WALK_ITEM)
		return err_set(e, ERR_FAILED, "malformed answer");
	if (!is_of_table(d, &m))
		return 0;
	sbuf_str(&d->out, m.whole);
	sbuf_add(&d->out, zero, NLMSG_ALIGN(m.whole.size) - m.whole.size);
	return 0;
}

static const char *what(uint8_t type)
{
	switch (type) {
	case NFT_MSG_GETGEN:
		return "the generation";
	case NFT_MSG_GETTABLE:
		return "the table";
	case NFT_MSG_GETCHAIN:
		return "chains";
	case NFT_MSG_GETRULE:
		return "rules";
	case NFT_MSG_GETSET:
		return "sets";
	case NFT_MSG_GETSETELEM:
		return "set elements";
	case NFT_MSG_GETOBJ:
		return "objects";
	default:
		return "flowtables";
	}
}

/* One request; TABLE and SET are attributes 1 and 2, or NULL. */
static int ask(struct dump *d, uint8_t type, const char *table,
	       const char *set)
{
	_Alignas(struct nlmsghdr) char request[REQUEST_SIZE] = { 0 };
	struct nlmsghdr *head = mnl_nlmsg_put_header(request);
	const struct talk_reader reader = {
		.start = start, .each = keep, .data = d,
	};
	bool single = type == NFT_MSG_GETGEN || type == NFT_MSG_GETTABLE;
	struct nfgenmsg *body;

	head->nlmsg_type = nft_type(type);
	body = mnl_nlmsg_put_extra_header(head, sizeof(*body));
	body->nfgen_family = type == NFT_MSG_GETGEN ? NFPROTO_UNSPEC :
						      NFPROTO_INET;
	body->version = NFNETLINK_V0;
	if (table)
		mnl_attr_put_strz(head, NFTA_TABLE_NAME, table);
	if (set)
		mnl_attr_put_strz(head, NFTA_SET_ELEM_LIST_SET, set);
	d->mark = d->out.size;
	if ((single ? talk_request : talk_dump)(&d->talk, head, &reader,
						d->e) == 0)
		return 0;
	return err_wrap(d->e, "nftables: reading %s", what(type));
}

/* As ask(), for what an earlier answer said is there. */
static int ask_part(struct dump *d, uint8_t type, const char *table,
		    const char *set)
{
	if (ask(d, type, table, set) == 0)
		return 0;
	d->moved |= d->e->number == ENOENT;
	return d->moved ? 0 : -1;
}

static int dump_elements(struct dump *d, size_t from, size_t to)
{
	char name[NFT_SET_MAXNAMELEN];

	while (from < to) {
		struct str rest = { d->out.data + from, to - from };
		struct nft_message m;
		struct str set;

		if (nft_next_message(&rest, &m) != NFT_WALK_ITEM)
			return 0;
		from = to - rest.size;
		set = nft_attr_name(m.attrs, NFTA_SET_NAME);
		if (m.type != nft_type(NFT_MSG_NEWSET) ||
		    set.size >= sizeof(name))
			continue;
		memcpy(name, set.data, set.size);
		name[set.size] = '\0';
		if (ask_part(d, NFT_MSG_GETSETELEM, d->table, name) < 0)
			return -1;
	}
	return 0;
}

/* The chains' dump has no filter by table in older kernels. */
static int dump_parts(struct dump *d)
{
	size_t sets;

	if (ask_part(d, NFT_MSG_GETCHAIN, NULL, NULL) < 0 ||
	    ask_part(d, NFT_MSG_GETRULE, d->table, NULL) < 0)
		return -1;
	sets = d->out.size;
	if (ask_part(d, NFT_MSG_GETSET, d->table, NULL) < 0 ||
	    dump_elements(d, sets, d->out.size) < 0 ||
	    ask_part(d, NFT_MSG_GETOBJ, d->table, NULL) < 0)
		return -1;
	return ask_part(d, NFT_MSG_GETFLOWTABLE, d->table, NULL);
}

/* Its answer stays at the end of what is kept. */
static int ask_generation(struct dump *d, uint32_t *generation)
{
	struct nft_message m;
	struct str answer;

	if (ask(d, NFT_MSG_GETGEN, NULL, NULL) < 0)
		return -1;
	answer = (struct str){ d->out.data + d->mark, d->out.size - d->mark };
	if (nft_next_message(&answer, &m) != NFT_WALK_ITEM)
		return err_set(d->e, ERR_FAILED,
			       "nftables: reading the generation: no answer");
	*generation = nft_attr_u32(m.attrs, NFTA_GEN_ID, 0);
	return 0;
}

/* 1: whole and consistent, 0: something moved, -1: failed. */
static int dump_once(struct dump *d, bool *found)
{
	uint32_t before = 0, after = 0;
	size_t end;

	d->out.size = 0;
	d->moved = false;
	if (ask_generation(d, &before) < 0)
		return -1;
	*found = ask(d, NFT_MSG_GETTABLE, d->table, NULL) == 0;
	if (!*found && d->e->number != ENOENT)
		return -1;
	if (*found && dump_parts(d) < 0)
		return -1;
	end = d->out.size;
	if (ask_generation(d, &after) < 0)
		return -1;
	d->out.size = end;
	return before == after && !d->moved;
}

static void dump_init(struct dump *d, struct mnl_socket *socket,
		      struct arena *arena)
{
	d->talk = (struct talk){
		.socket = socket,
		.protocol = NETLINK_NETFILTER,
		.port = mnl_socket_get_portid(socket),
		.sequence = FIRST_SEQUENCE,
		.buffer = arena_alloc(arena, TALK_BUFFER),
	};
	sbuf_init(&d->out, arena);
}

int nft_dump(struct mnl_socket *socket, struct arena *arena,
	     const char *table, struct str *messages, bool *found,
	     struct err *e)
{
	struct err failure = { 0 };
	struct dump d = { .table = table, .e = &failure };

	if (strlen(table) >= NFT_TABLE_MAXNAMELEN)
		return err_set(e, ERR_DATA, "the table's name is too long");
	dump_init(&d, socket, arena);
	for (int i = 0; i < TRIES; i++) {
		bool there;
		int state = dump_once(&d, &there);

		if (state < 0) {
			*e = failure;
			return -1;
		}
		if (!state)
			continue;
		*messages = sbuf_end(&d.out);
		*found = there;
		return 0;
	}
	return err_set(e, ERR_BUSY, "nftables: the ruleset changed in each of "
		       "%d readings", TRIES);
}

int nft_generation(struct mnl_socket *socket, struct arena *arena,
		   uint32_t *generation, struct err *e)
{
	struct dump d = { .table = "", .e = e };

	dump_init(&d, socket, arena);
	return ask_generation(&d, generation);
}
