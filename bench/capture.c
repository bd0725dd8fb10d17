/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into nft, appends each batch that it sends to $CAPTURE, in the
 * form that floor.c reads: so the floor writes what the stock tool writes.
 */
#include <dlfcn.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The batch begins with a message of its own. */
static int is_batch(const struct msghdr *message)
{
	const struct nlmsghdr *first;

	if (!message->msg_iovlen ||
	    message->msg_iov[0].iov_len < sizeof(*first))
		return 0;
	first = message->msg_iov[0].iov_base;
	return first->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int);
	uint32_t header[3] = { NETLINK_NETFILTER, 0, 0 };
	const char *path = getenv("CAPTURE");
	FILE *file = path && is_batch(message) ? fopen(path, "a") : NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
	if (file) {
		for (size_t i = 0; i < message->msg_iovlen; i++)
			header[2] += (uint32_t)message->msg_iov[i].iov_len;
		fwrite(header, sizeof(header), 1, file);
		for (size_t i = 0; i < message->msg_iovlen; i++)
			fwrite(message->msg_iov[i].iov_base, 1,
			       message->msg_iov[i].iov_len, file);
		fclose(file);
	}
	return next(fd, message, flags);
}
