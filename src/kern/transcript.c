/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/transcript.h"

#include <linux/genetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <string.h>

#include "base/err.h"
#include "base/trace.h"
#include "kern/volatile.h"

#define REQUEST_MAX 2048u

/* An item's name: this, and the request without sequence and port. */
struct question {
	int32_t protocol;
	uint32_t dump;
};

/* An item's bytes: the answers, each padded, and this. */
struct outcome {
	int32_t number;		/* errno, 0: it was answered */
	uint32_t has_keys;
	uint8_t digest[TRACE_DIGEST];	/* of the keys in the answers */
};

/* The exchange that is being noted. */
static struct {
	int protocol;
	struct blanked *blanked;
} heard;

void transcript_ask(const struct talk *talk, const struct nlmsghdr *request,
		    bool dump)
{
	struct question question = { talk->protocol, dump };
	char name[sizeof(question) + REQUEST_MAX];
	struct nlmsghdr head = *request;

	if (!trace_is_on())
		return;
	if (head.nlmsg_len > REQUEST_MAX) {
		trace_spoil();
		return;
	}
	head.nlmsg_seq = 0;
	head.nlmsg_pid = 0;
	memcpy(name, &question, sizeof(question));
	memcpy(name + sizeof(question), request, head.nlmsg_len);
	memcpy(name + sizeof(question), &head, sizeof(head));
	heard.protocol = talk->protocol;
	heard.blanked = blanked_new(trace_secrets());
	trace_open(TRACE_HEARD, 0, (struct str){
			name, sizeof(question) + head.nlmsg_len });
}

void transcript_again(void)
{
	if (!trace_is_on())
		return;
	blanked_start(heard.blanked);
	trace_again();
}

void transcript_hear(struct nlmsghdr *answer)
{
	static const char zero[NLMSG_ALIGNTO];
	size_t size;

	if (!trace_is_on())
		return;
	if (volatile_blank(heard.protocol, answer, heard.blanked) < 0) {
		trace_spoil();
		return;
	}
	size = answer->nlmsg_len;
	trace_add(answer, size);
	trace_add(zero, NLMSG_ALIGN(size) - size);
}

static void outcome_of(int number, struct blanked *b, struct outcome *out)
{
	*out = (struct outcome){ .number = number, .has_keys = b->has_keys };
	if (b->has_keys)
		crypto_generichash_final(&b->keys, out->digest,
					 sizeof(out->digest));
}

void transcript_end(int number)
{
	struct outcome outcome;

	if (!trace_is_on())
		return;
	if (number < 0) {
		trace_spoil();
		return;
	}
	outcome_of(number, heard.blanked, &outcome);
	trace_add(&outcome, sizeof(outcome));
	trace_close();
}

/* Asking again */

struct comparison {
	int protocol;
	struct blanked *blanked;
	struct str all, left;	/* the answers that are expected */
};

static void start_again(void *data)
{
	struct comparison *c = data;
	uint32_t generation = c->blanked->generation;

	blanked_start(c->blanked);
	c->blanked->generation = generation;
	c->left = c->all;
}

static int differs(struct err *e)
{
	return err_set(e, ERR_FAILED, "another answer");
}

/* The buffer that it lies in is ours. */
static struct nlmsghdr *own(const struct nlmsghdr *answer)
{
	return (struct nlmsghdr *)(uintptr_t)answer;
}

static int compare(const struct nlmsghdr *answer, void *data, struct err *e)
{
	struct comparison *c = data;
	struct nlmsghdr *m = own(answer);
	size_t step;

	if (volatile_blank(c->protocol, m, c->blanked) < 0)
		return differs(e);
	step = NLMSG_ALIGN(m->nlmsg_len);
	if (step > c->left.size ||
	    memcmp(c->left.data, m, m->nlmsg_len) != 0)
		return differs(e);
	c->left.data += step;
	c->left.size -= step;
	return 0;
}

static bool is_nft_question(uint16_t type)
{
	if (type >> 8 != NFNL_SUBSYS_NFTABLES)
		return false;
	switch (type & 0xff) {
	case NFT_MSG_GETTABLE:
	case NFT_MSG_GETCHAIN:
	case NFT_MSG_GETRULE:
	case NFT_MSG_GETSET:
	case NFT_MSG_GETSETELEM:
	case NFT_MSG_GETGEN:
	case NFT_MSG_GETOBJ:
	case NFT_MSG_GETFLOWTABLE:
		return true;
	default:
		return false;
	}
}

/* Of rtnetlink each third of four messages is one, <linux/rtnetlink.h>. */
static bool is_question(const struct question *q, const struct nlmsghdr *m)
{
	const struct genlmsghdr *generic = mnl_nlmsg_get_payload(m);

	switch (q->protocol) {
	case NETLINK_ROUTE:
		return m->nlmsg_type >= RTM_BASE && (m->nlmsg_type & 3) == 2;
	case NETLINK_NETFILTER:
		return is_nft_question(m->nlmsg_type);
	case NETLINK_GENERIC:
		if (mnl_nlmsg_get_payload_len(m) < sizeof(*generic))
			return false;
		return m->nlmsg_type == GENL_ID_CTRL ?
			generic->cmd == CTRL_CMD_GETFAMILY :
			q->dump && generic->cmd == WG_CMD_GET_DEVICE;
	default:
		return false;
	}
}

/* ITEM's request to SPACE, of REQUEST_MAX bytes. */
static bool take_question(const struct trace_item *item, struct question *q,
			  struct nlmsghdr *space)
{
	size_t size = item->name.size - sizeof(*q);

	if (item->name.size < sizeof(*q) + sizeof(*space) ||
	    size > REQUEST_MAX)
		return false;
	memcpy(q, item->name.data, sizeof(*q));
	memcpy(space, item->name.data + sizeof(*q), size);
	/* The flags are those of who asks (kern/talk.h). */
	space->nlmsg_flags = 0;
	return space->nlmsg_len == size && is_question(q, space);
}

static struct talk *talk_of(struct replay *replay, int protocol)
{
	struct talk *talk = protocol == NETLINK_ROUTE ? &replay->route :
		protocol == NETLINK_GENERIC ? &replay->generic : &replay->nft;
	struct err ignored;

	if (talk->socket || !talk_open_bare(talk, protocol, &ignored))
		return talk;
	return NULL;
}

void replay_close(struct replay *replay)
{
	talk_close(&replay->route);
	talk_close(&replay->generic);
	talk_close(&replay->nft);
}

static int ask(struct talk *talk, bool dump, struct nlmsghdr *request,
	       const struct talk_reader *reader)
{
	struct err e = { 0 };

	if (!(dump ? talk_dump : talk_request)(talk, request, reader, &e))
		return 0;
	return e.number ? e.number : -1;
}

bool transcript_holds(const struct trace_item *item, struct replay *replay)
{
	_Alignas(struct nlmsghdr) char space[REQUEST_MAX];
	struct nlmsghdr *request = (struct nlmsghdr *)space;
	struct comparison c = { .blanked = replay->blanked };
	const struct talk_reader reader = {
		.start = start_again,
		.each = compare,
		.data = &c,
		.buffer = replay->buffer,
		.slots = TALK_SLOTS,
	};
	struct outcome outcome, was;
	struct question q;
	struct talk *talk;
	int number;

	if (item->bytes.size < sizeof(was) ||
	    !take_question(item, &q, request))
		return false;
	c.protocol = q.protocol;
	c.all = (struct str){ item->bytes.data,
			      item->bytes.size - sizeof(was) };
	memcpy(&was, c.all.data + c.all.size, sizeof(was));
	talk = talk_of(replay, q.protocol);
	number = talk ? ask(talk, q.dump, request, &reader) : -1;
	if (number < 0 || c.left.size || c.blanked->moved)
		return false;
	outcome_of(number, c.blanked, &outcome);
	return !memcmp(&outcome, &was, sizeof(was));
}
