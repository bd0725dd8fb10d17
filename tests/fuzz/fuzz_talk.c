/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel could answer: acknowledgements, extended ones, dumps cut
 * short, the number of a family, whole readings.  The first byte says what is
 * asked, then come datagrams, each after its size in two bytes; sizes from
 * LOST on are what recvmsg(2) does otherwise.  When there is no more, each
 * request is acknowledged once.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/kern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LOST = 0xfffd,		/* ENOBUFS */
	INTERRUPTED,		/* EINTR */
	FOREIGN,		/* what follows is not from the kernel */
};

#define BATCH 3

static struct {
	const uint8_t *data;
	size_t size;
	uint32_t first, last;	/* numbers of the requests last sent */
	uint32_t acked;
	/* what of the reader's buffer was not received */
	void *rest;
	size_t rest_size;
} wire;

/* The program's own calls end here: no kernel is asked anything. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct nlmsghdr *request;
	ssize_t size = 0;

	(void)fd;
	(void)flags;
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		request = message->msg_iov[i].iov_base;
		size += (ssize_t)message->msg_iov[i].iov_len;
		wire.last = request->nlmsg_seq;
		if (!i)
			wire.first = request->nlmsg_seq;
	}
	wire.acked = wire.first - 1;
	return size;
}

static size_t acknowledge(struct nlmsghdr *ack)
{
	struct nlmsgerr none = { 0 };

	if (wire.acked == wire.last)
		return 0;
	*ack = (struct nlmsghdr){
		.nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(none),
		.nlmsg_type = NLMSG_ERROR,
		.nlmsg_seq = ++wire.acked,
	};
	memcpy(ack + 1, &none, sizeof(none));
	return ack->nlmsg_len;
}

/* Numbers count from 1, the first request that was sent last. */
static void number(char *at, size_t size)
{
	struct nlmsghdr head;

	while (size >= sizeof(head)) {
		memcpy(&head, at, sizeof(head));
		head.nlmsg_seq += wire.first - 1;
		memcpy(at, &head, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size ||
		    MNL_ALIGN((size_t)head.nlmsg_len) > size)
			return;
		at += MNL_ALIGN((size_t)head.nlmsg_len);
		size -= MNL_ALIGN((size_t)head.nlmsg_len);
	}
}

static uint16_t take_size(void)
{
	uint16_t size;

	memcpy(&size, wire.data, sizeof(size));
	wire.data += sizeof(size);
	wire.size -= sizeof(size);
	return size;
}

static size_t datagram(void *buffer, uint16_t size)
{
	if (size > wire.size)
		size = (uint16_t)wire.size;
	memcpy(buffer, wire.data, size);
	wire.data += size;
	wire.size -= size;
	number(buffer, size);
	return size;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct sockaddr_nl *from = message->msg_name;
	struct iovec *part = message->msg_iov;
	size_t got;

	(void)fd;
	(void)flags;
	ASAN_UNPOISON_MEMORY_REGION(wire.rest, wire.rest_size);
	from->nl_pid = 0;
	message->msg_flags = 0;
	if (wire.size < sizeof(uint16_t)) {
		got = acknowledge(part->iov_base);
		errno = EIO;
	} else {
		uint16_t size = take_size();

		errno = size == LOST ? ENOBUFS : EINTR;
		if (size == LOST || size == INTERRUPTED)
			return -1;
		from->nl_pid = size == FOREIGN;
		got = datagram(part->iov_base, size == FOREIGN ? 0 : size);
		if (!got)
			return 0;
	}
	if (!got)
		return -1;
	wire.rest = (char *)part->iov_base + got;
	wire.rest_size = part->iov_len - got;
	ASAN_POISON_MEMORY_REGION(wire.rest, wire.rest_size);
	return (ssize_t)got;
}

/* One at a time. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
	     struct timespec *patience)
{
	ssize_t got = recvmsg(fd, &messages->msg_hdr, flags);

	(void)count;
	(void)patience;
	if (got < 0)
		return -1;
	messages->msg_len = (unsigned int)got;
	return 1;
}

/* All of what a reader is given is there. */
static int each(const struct nlmsghdr *answer, void *data, struct err *e)
{
	const unsigned char *bytes = (const unsigned char *)answer;
	unsigned int *sum = data;

	if (answer->nlmsg_type < NLMSG_MIN_TYPE)
		abort();
	for (uint32_t i = 0; i < answer->nlmsg_len; i++)
		*sum += bytes[i];
	return *sum % 251 ? 0 : err_set(e, ERR_FAILED, "enough");
}

static void start(void *data)
{
	*(unsigned int *)data = 0;
}

/* What has failed says so. */
static void judge(int result, const struct err *e)
{
	if (result < 0 && (!e->text[0] || !e->kind))
		abort();
}

static void exchange(struct talk *talk, struct arena *arena, uint8_t what)
{
	unsigned int sum;
	struct talk_reader reader = {
		.start = start, .each = each, .data = &sum,
	};
	struct nlmsghdr *requests[BATCH];
	struct err e = { 0 };
	size_t failed;
	bool sent;

	for (size_t i = 0; i < BATCH; i++)
		requests[i] = mnl_nlmsg_put_header(
			arena_alloc(arena, MNL_NLMSG_HDRLEN));
	if (what == 0) {
		judge(talk_request(talk, requests[0], &reader, &e), &e);
	} else if (what == 1) {
		reader.family = AF_INET6;
		judge(talk_dump(talk, requests[0], &reader, &e), &e);
	} else {
		judge(talk_batch(talk, requests, BATCH, &sent, &failed, &e),
		      &e);
		if (failed >= BATCH)
			abort();
	}
}

static void observe(struct kern *k, struct arena *arena)
{
	static const uint32_t tables[] = { RT_TABLE_MAIN, 0 };
	static const char *const devices[] = { "wg0" };
	const struct scope scope = {
		.mesh = "office", .devices = devices, .device_count = 1,
		.tables = tables, .ports = true,
	};
	struct state have = { 0 };
	struct err e = { 0 };

	judge(kern_observe(&k->kernel, arena, arena, &scope, &have, &e), &e);
}

static void ask(struct kern *k, struct arena *arena, uint8_t what)
{
	struct lookup lookup = {
		.endpoint = { .ip = { AF_INET, { 192, 0, 2, 1 } } },
	};
	struct err e = { 0 };
	uint32_t index = 0;
	int result;

	switch (what % 8) {
	case 3:
		result = kern_wireguard(k, &e);
		judge(result, &e);
		if (!result && !k->wireguard)
			abort();
		return;
	case 4:
		judge(kern_link_index(k, "wg0", &index, &e), &e);
		return;
	case 5:
		judge(kern_lookup(&k->kernel, &lookup, 1, &e), &e);
		return;
	case 6:
	case 7:
		/* As if it were known, the readings go further. */
		k->wireguard = what % 8 == 6 ? 0x1f : 0;
		observe(k, arena);
		return;
	default:
		exchange(&k->route, arena, what % 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kern_options options = { .lock = -1 };
	static struct arena *arena;
	struct kernel *kernel;
	struct err e;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	if (!size)
		return 0;
	wire.data = data + 1;
	wire.size = size - 1;
	mark = arena_mark(arena);
	if (kern_open(arena, &options, &kernel, &e) < 0)
		abort();
	ask((struct kern *)kernel, arena, data[0]);
	kern_close(kernel);
	ASAN_UNPOISON_MEMORY_REGION(wire.rest, wire.rest_size);
	wire.rest_size = 0;
	arena_reset(arena, mark);
	return 0;
}
