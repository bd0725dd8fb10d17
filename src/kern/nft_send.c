/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/nft_wire.h"
#include "kern/talk.h"

/* netlink_sendmsg() wants the message and 32 bytes in the send buffer. */
#define SEND_MARGIN 4096
/* An acknowledgement in the receive buffer, with the kernel's own share. */
#define ACK_SPACE 2048
#define RECEIVE_SIZE 8192u

/* Make room; what cannot be had shows when sending. */
static void make_room(int fd, size_t send, size_t acks)
{
	int out = (int)send + SEND_MARGIN, in = (int)acks * ACK_SPACE;
	int now = 0;
	socklen_t size = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &size) == 0 &&
	    now < out)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &out,
				 sizeof(out));
	size = sizeof(now);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &now, &size) == 0 &&
	    now < in)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &in,
				 sizeof(in));
}

static const char *deed(uint8_t type)
{
	switch (type) {
	case NFT_MSG_DELTABLE:
		return "deleting a table";
	case NFT_MSG_DELSETELEM:
		return "deleting elements";
	case NFT_MSG_NEWSETELEM:
		return "adding elements";
	default:
		return "a batch";
	}
}

/* What the batch was doing in the message of that sequence number. */
static const char *deed_of(struct str batch, uint32_t sequence, struct str *set)
{
	struct nft_message m;

	*set = (struct str){ "", 0 };
	while (nft_next_message(&batch, &m) == NFT_WALK_ITEM) {
		if (m.sequence != sequence)
			continue;
		if (m.type == nft_type(NFT_MSG_DELSETELEM) ||
		    m.type == nft_type(NFT_MSG_NEWSETELEM))
			*set = nft_attr_name(m.attrs, NFTA_SET_ELEM_LIST_SET);
		return deed(m.type >> 8 == NFNL_SUBSYS_NFTABLES ?
			    m.type & 0xff : UINT8_MAX);
	}
	return deed(UINT8_MAX);
}

static int refused(struct str batch, const struct nlmsghdr *head, int number,
		   struct err *e)
{
	struct str set;
	const char *what = deed_of(batch, head->nlmsg_seq, &set);

	if (number == ERESTART) {
		err_set(e, ERR_BUSY, "nftables: somebody else changed the "
			"ruleset meanwhile");
		e->number = number;
		return -1;
	}
	talk_refusal(head, number, e);
	return err_wrap(e, "nftables: %s%s%.*s", what,
			set.size ? " of set " : "", (int)set.size, set.data);
}

struct acks {
	struct str batch;
	uint32_t first, last;	/* sequence numbers of the batch */
	size_t seen;
	bool failed;
	struct err *e;
};

static void take(struct acks *a, const struct nlmsghdr *head)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(head);
	uint32_t distance = head->nlmsg_seq - a->first;

	if (head->nlmsg_type != NLMSG_ERROR || distance > a->last - a->first ||
	    mnl_nlmsg_get_payload_len(head) < sizeof(*error))
		return;
	if (!error->error) {
		a->seen++;
		return;
	}
	if (!a->failed)
		refused(a->batch, head,
			error->error > -4096 ? -error->error : EIO, a->e);
	a->failed = true;
}

/* The kernel answers within the call that sends, so none is waited for. */
static int read_acks(struct mnl_socket *socket, struct acks *a)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(socket), buffer,
				   sizeof(buffer), MSG_DONTWAIT);
		const struct nlmsghdr *head = (void *)buffer;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0)
			return err_sys(a->e, "nftables: reading "
				       "acknowledgements");
		for (; mnl_nlmsg_ok(head, left);
		     head = mnl_nlmsg_next(head, &left))
			take(a, head);
	}
}

/* What is acknowledged, and the numbers of the batch. */
static size_t survey(struct acks *a)
{
	struct str rest = a->batch;
	struct nft_message m;
	size_t count = 0, i = 0;

	for (; nft_next_message(&rest, &m) == NFT_WALK_ITEM; i++) {
		if (!i)
			a->first = m.sequence;
		a->last = m.sequence;
		count += !!(m.flags & NLM_F_ACK);
	}
	return count;
}

int nft_send(struct mnl_socket *socket, struct str messages, struct err *e)
{
	struct acks a = { .batch = messages, .e = e };
	size_t expected = survey(&a);
	int fd = mnl_socket_get_fd(socket), one = 1;
	ssize_t sent;

	if (messages.size > INT32_MAX / 2)
		return err_set(e, ERR_FAILED, "nftables: the batch is too "
			       "large");
	(void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &one, sizeof(one));
	make_room(fd, messages.size, expected);
	do {
		sent = mnl_socket_sendto(socket, messages.data, messages.size);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_sys(e, "nftables: sending a batch");
	if (read_acks(socket, &a) < 0 || a.failed)
		return -1;
	if (a.seen != expected)
		return err_set(e, ERR_FAILED, "nftables: %zu of %zu messages "
			       "were acknowledged", a.seen, expected);
	return 0;
}
