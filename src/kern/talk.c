/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/talk.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/libc.h"
#include "base/trace.h"
#include "kern/attrs.h"
#include "kern/transcript.h"

#define RECEIVE_SPACE (4 << 20)
/* The kernel answers within the call; this only ends a wait for nothing. */
#define PATIENCE_SECONDS 60

/* What cannot be had is gone without: older kernels, no privilege. */
static void set_options(struct mnl_socket *socket)
{
	int fd = mnl_socket_get_fd(socket);
	int one = 1, space = RECEIVE_SPACE;
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

	(void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &one,
				    sizeof(one));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &one,
				    sizeof(one));
	(void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &one,
				    sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space,
		       sizeof(space)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &space,
				 sizeof(space));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
}

int talk_open(struct talk *talk, struct arena *arena, int protocol,
	      struct err *e)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	void *buffer = talk->buffer;

	if (!socket)
		return err_sys(e, "netlink socket");
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_sys(e, "netlink socket");
		mnl_socket_close(socket);
		return -1;
	}
	set_options(socket);
	*talk = (struct talk){
		.socket = socket,
		.protocol = protocol,
		.port = mnl_socket_get_portid(socket),
		.buffer = buffer ? buffer : arena_alloc(arena, TALK_BUFFER),
	};
	return 0;
}

int talk_open_bare(struct talk *talk, int protocol, struct err *e)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int one = 1;

	if (!socket)
		return err_sys(e, "netlink socket");
	/* Which port it is does not matter: the kernel gives one. */
	if (bind(mnl_socket_get_fd(socket), (const void *)&any, sizeof(any))) {
		err_sys(e, "netlink socket");
		mnl_socket_close(socket);
		return -1;
	}
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO,
			 &patience, sizeof(patience));
	/* Filters are rtnetlink's. */
	if (protocol == NETLINK_ROUTE)
		(void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK,
					    &one, sizeof(one));
	*talk = (struct talk){ .socket = socket, .protocol = protocol };
	return 0;
}

void talk_close(struct talk *talk)
{
	if (talk->socket)
		mnl_socket_close(talk->socket);
	talk->socket = NULL;
}

/* The kernel's errno in words; a missing object is no missing input. */
static int say(struct err *e, int number)
{
	errno = number;
	err_sys(e, "kernel");
	err_set(e, e->kind == ERR_NO_INPUT ? ERR_FAILED : e->kind, "%s",
		errno_words(number) ? errno_words(number) : "unknown error");
	e->number = number;
	return -1;
}

/* The attributes behind an error or the end of a dump, if there are any. */
static int extended(const struct nlmsghdr *m, struct attrs *out)
{
	size_t header = sizeof(struct nlmsgerr);
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(m);

	if (!(m->nlmsg_flags & NLM_F_ACK_TLVS))
		return -1;
	if (m->nlmsg_type == NLMSG_DONE)
		header = sizeof(int);
	else if (!(m->nlmsg_flags & NLM_F_CAPPED))
		header += error->msg.nlmsg_len - sizeof(error->msg);
	return attrs_of(m, header, out);
}

int talk_refusal(const struct nlmsghdr *m, int number, struct err *e)
{
	const struct nlattr *table[NLMSGERR_ATTR_MAX + 1];
	char words[256] = "";
	uint32_t offset = 0;
	struct attrs attrs;

	say(e, number);
	if (extended(m, &attrs) < 0 ||
	    attrs_parse(attrs, table, NLMSGERR_ATTR_MAX, NULL) < 0 ||
	    attr_string(table[NLMSGERR_ATTR_MSG], words, sizeof(words)) < 0 ||
	    attr_get(table[NLMSGERR_ATTR_OFFS], &offset, sizeof(offset)) < 0)
		return -1;
	if (words[0] && offset)
		err_set(e, e->kind, "%s (%s, at byte %u of the request)",
			e->text, words, offset);
	else if (words[0])
		err_set(e, e->kind, "%s (%s)", e->text, words);
	else if (offset)
		err_set(e, e->kind, "%s (at byte %u of the request)", e->text,
			offset);
	e->number = number;
	return -1;
}

/* NLMSG_ERROR, an ack among them, and NLMSG_DONE: 0 or -1. */
static int verdict(const struct nlmsghdr *m, struct err *e)
{
	int number = 0;

	if (m->nlmsg_type == NLMSG_ERROR &&
	    mnl_nlmsg_get_payload_len(m) < sizeof(struct nlmsgerr))
		return err_set(e, ERR_FAILED, "malformed acknowledgement");
	if (mnl_nlmsg_get_payload_len(m) >= sizeof(number))
		memcpy(&number, mnl_nlmsg_get_payload(m), sizeof(number));
	if (number >= 0)
		return 0;
	return talk_refusal(m, number == INT32_MIN ? EIO : -number, e);
}

static int send_all(struct talk *talk, struct iovec *parts, size_t count,
		    struct err *e)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = parts,
		.msg_iovlen = count,
	};
	ssize_t size;

	do {
		size = sendmsg(mnl_socket_get_fd(talk->socket), &message, 0);
	} while (size < 0 && errno == EINTR);
	return size < 0 ? say(e, errno) : 0;
}

static int send_one(struct talk *talk, struct nlmsghdr *request,
		    struct err *e)
{
	struct iovec part = { request, request->nlmsg_len };

	request->nlmsg_seq = ++talk->sequence;
	request->nlmsg_pid = talk->port;
	return send_all(talk, &part, 1, e);
}

/* What came, one to a buffer; from the kernel, as its size is not 0. */
struct parts {
	size_t sizes[TALK_SLOTS];
	unsigned int count;
};

/* One where there is but one buffer, else what there is. */
static int receive_some(int fd, struct mmsghdr *messages, unsigned int slots)
{
	ssize_t size;

	if (slots > 1)
		return recvmmsg(fd, messages, slots, MSG_WAITFORONE, NULL);
	size = recvmsg(fd, &messages->msg_hdr, 0);
	if (size < 0)
		return -1;
	messages->msg_len = (unsigned int)size;
	return 1;
}

static int receive(struct talk *talk, char *buffer, unsigned int slots,
		   struct parts *out, struct err *e)
{
	struct sockaddr_nl from[TALK_SLOTS] = { 0 };
	struct iovec parts[TALK_SLOTS];
	struct mmsghdr messages[TALK_SLOTS] = { 0 };
	int count;

	for (unsigned int i = 0; i < slots; i++) {
		parts[i] = (struct iovec){ buffer + i * TALK_BUFFER,
					   TALK_BUFFER };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
		};
	}
	do
		count = receive_some(mnl_socket_get_fd(talk->socket), messages,
				     slots);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return say(e, errno);
	out->count = (unsigned int)count;
	for (unsigned int i = 0; i < out->count; i++) {
		if (!from[i].nl_pid &&
		    messages[i].msg_hdr.msg_flags & MSG_TRUNC)
			return say(e, EMSGSIZE);
		out->sizes[i] = from[i].nl_pid ? 0 : messages[i].msg_len;
	}
	return 0;
}

struct exchange {
	const struct talk_reader *reader;
	uint32_t sequence;
	bool dump;
	bool done, interrupted, failed;
};

/* One too short to tell is the reader's to refuse. */
static bool is_of_family(const struct nlmsghdr *m, uint8_t family)
{
	const struct rtgenmsg *header = mnl_nlmsg_get_payload(m);

	return !family || mnl_nlmsg_get_payload_len(m) < sizeof(*header) ||
	       header->rtgen_family == family;
}

/*
 * Also an answer that nobody wants any more is read to its end: the socket
 * takes no other dump before.
 */
static void take(struct exchange *x, struct nlmsghdr *m, struct err *e)
{
	struct err ignored;

	if (m->nlmsg_seq != x->sequence || m->nlmsg_type == NLMSG_NOOP)
		return;
	if (m->nlmsg_flags & NLM_F_DUMP_INTR ||
	    m->nlmsg_type == NLMSG_OVERRUN)
		x->interrupted = true;
	if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE) {
		x->done = true;
		if (verdict(m, x->failed ? &ignored : e) < 0)
			x->failed = true;
		return;
	}
	if (m->nlmsg_type < NLMSG_MIN_TYPE || !x->reader)
		return;
	if (!x->failed && !x->interrupted &&
	    is_of_family(m, x->reader->family) &&
	    x->reader->each(m, x->reader->data, e) < 0)
		x->failed = true;
	transcript_hear(m);
}

/* The same message, to be written to. */
static struct nlmsghdr *in_buffer(char *buffer, const struct nlmsghdr *m)
{
	return (void *)(buffer + ((const char *)m - buffer));
}

static int take_part(struct exchange *x, char *buffer, size_t size,
		     struct err *e)
{
	struct attrs left = { buffer, size };
	const struct nlmsghdr *m;
	int more;

	while ((more = messages_next(&left, &m)) > 0)
		take(x, in_buffer(buffer, m), e);
	return more < 0 ? err_set(e, ERR_FAILED, "malformed answer") : 0;
}

static int read_answer(struct talk *talk, struct exchange *x, struct err *e)
{
	char *buffer = talk->buffer;
	unsigned int slots = 1;
	struct parts parts = { 0 };

	if (x->reader && x->reader->buffer) {
		buffer = x->reader->buffer;
		slots = x->reader->slots ? x->reader->slots : 1;
	}
	while (!x->done) {
		struct err lost;

		if (receive(talk, buffer, slots, &parts, &lost) < 0) {
			/* Of a dump the rest is there still, and its end. */
			if (!x->dump || x->interrupted ||
			    lost.number != ENOBUFS) {
				*e = lost;
				return -1;
			}
			x->interrupted = true;
			continue;
		}
		for (unsigned int i = 0; i < parts.count; i++)
			if (take_part(x, buffer + i * TALK_BUFFER,
				      parts.sizes[i], e) < 0)
				return -1;
	}
	return x->failed ? -1 : 0;
}

/* As far as the kernel has said it: what else failed is no answer. */
static int answered(int status, const struct err *e)
{
	transcript_end(!status ? 0 : e->number ? e->number : -1);
	return status;
}

int talk_request(struct talk *talk, struct nlmsghdr *request,
		 const struct talk_reader *reader, struct err *e)
{
	struct exchange x = { .reader = reader };

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	/* Who wants no answer has not asked. */
	if (!reader)
		trace_spoil();
	transcript_ask(talk, request, false);
	if (reader && reader->start)
		reader->start(reader->data);
	if (send_one(talk, request, e) < 0)
		return answered(-1, e);
	x.sequence = talk->sequence;
	return answered(read_answer(talk, &x, e), e);
}

int talk_dump(struct talk *talk, struct nlmsghdr *request,
	      const struct talk_reader *reader, struct err *e)
{
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	transcript_ask(talk, request, true);
	for (int i = 0; i < TALK_ATTEMPTS; i++) {
		struct exchange x = { .reader = reader, .dump = true };
		struct err failure = { 0 };

		transcript_again();
		if (reader->start)
			reader->start(reader->data);
		if (send_one(talk, request, e) < 0)
			return answered(-1, e);
		x.sequence = talk->sequence;
		if (read_answer(talk, &x, &failure) == 0 && !x.interrupted)
			return answered(0, e);
		if (x.interrupted || failure.number == EINTR)
			continue;
		*e = failure;
		return answered(-1, e);
	}
	trace_spoil();
	return err_set(e, ERR_BUSY, "changed while it was read, %d times",
		       TALK_ATTEMPTS);
}

/* Acks come in the order of the requests, each within the sending call. */
int talk_batch(struct talk *talk, struct nlmsghdr *const *requests,
	       size_t count, bool *sent, size_t *failed, struct err *e)
{
	struct iovec parts[TALK_BATCH];
	uint32_t first = talk->sequence + 1;
	int result = 0;

	trace_spoil();
	*sent = false;
	*failed = 0;
	for (size_t i = 0; i < count; i++) {
		requests[i]->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		requests[i]->nlmsg_seq = ++talk->sequence;
		requests[i]->nlmsg_pid = talk->port;
		parts[i] = (struct iovec){ requests[i],
					   requests[i]->nlmsg_len };
	}
	if (send_all(talk, parts, count, e) < 0)
		return -1;
	*sent = true;
	for (size_t i = 0; i < count; i++) {
		struct exchange x = { .sequence = first + (uint32_t)i };
		struct err refused;

		if (read_answer(talk, &x, result ? &refused : e) == 0)
			continue;
		if (!result)
			*failed = i;
		result = -1;
		if (!x.done)
			break;
	}
	return result;
}
