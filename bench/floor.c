/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor FILE...: the least that any program could do.  Each FILE holds netlink
 * messages as bench/encode made them; they are sent, their answers are taken,
 * and nothing else is done: no text is read, nothing is compared.
 *
 * A file is a row of exchanges, each a header and so many bytes.  What is to
 * be written is handed over by one sendmsg, and all its acknowledgements are
 * awaited; a dump is read to its end.  Exit status 1 if the kernel refuses
 * anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROTOCOLS 32
#define SPACE (16 << 20)	/* of a socket's buffers */

struct exchange {
	uint32_t protocol, dump, size;	/* of what follows, in bytes */
};

static int sockets[PROTOCOLS];	/* 0: not open yet */
static char buffer[64 << 10];

static int fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	return -1;
}

static int open_socket(uint32_t protocol)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int space = SPACE, one = 1, fd;

	if (sockets[protocol])
		return sockets[protocol];
	fd = socket(AF_NETLINK, SOCK_RAW, (int)protocol);
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) < 0)
		return fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof(space));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof(space));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return sockets[protocol] = fd;
}

/* How many acknowledgements the messages ask for. */
static int count_acks(const char *data, size_t size)
{
	int acks = 0;

	for (size_t at = 0; at + NLMSG_HDRLEN <= size;) {
		const struct nlmsghdr *m = (const void *)(data + at);

		acks += !!(m->nlmsg_flags & NLM_F_ACK);
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return acks;
}

/* One datagram: what it ends of LEFT, or -1. */
static int take(const char *data, int size, int dump)
{
	const struct nlmsghdr *m = (const void *)data;
	int ended = 0;

	for (; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
		const struct nlmsgerr *error = NLMSG_DATA(m);

		if (m->nlmsg_type == NLMSG_ERROR && error->error) {
			errno = -error->error;
			return fail("the kernel refused a message");
		}
		ended += m->nlmsg_type == (dump ? NLMSG_DONE : NLMSG_ERROR);
	}
	return ended;
}

static int exchange(const struct exchange *x, const char *data)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec part = { (void *)(uintptr_t)data, x->size };
	struct msghdr message = { .msg_name = &kernel,
				  .msg_namelen = sizeof(kernel),
				  .msg_iov = &part, .msg_iovlen = 1 };
	int left = x->dump ? 1 : count_acks(data, x->size);
	int fd = open_socket(x->protocol);

	if (fd < 0)
		return -1;
	if (sendmsg(fd, &message, 0) != (ssize_t)x->size)
		return fail("send");
	for (;;) {
		/* A batch that asks for no answer still gets its errors. */
		ssize_t n = recv(fd, buffer, sizeof(buffer),
				 left > 0 ? 0 : MSG_DONTWAIT);
		int ended;

		if (n < 0 && left <= 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return fail("receive");
		ended = take(buffer, (int)n, (int)x->dump);
		if (ended < 0)
			return -1;
		left -= ended;
		if (left <= 0 && ended)
			return 0;
	}
}

static int run(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ,
		    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return fail(path);
	for (off_t at = 0; at < st.st_size;) {
		const struct exchange *x = (const void *)(data + at);

		if (exchange(x, (const char *)(x + 1)) < 0)
			return -1;
		at += (off_t)(sizeof(*x) + x->size);
	}
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (run(argv[i]) < 0)
			return 1;
	return 0;
}
