/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/fetch.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ip.h"
#include "base/time.h"

#define DISCARD 9
#define TOUCH_MS 4000		/* until the next one is due */
#define ADDRESSES_MAX 64

/* One socket, of two to each address. */
struct touch {
	struct ip ip;
	int fd;			/* -1: nothing can come to it */
};

static socklen_t name_of(const struct ip *ip, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_in *four = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = ip->family;
	if (ip->family == AF_INET6) {
		memcpy(&six->sin6_addr, ip->bytes, sizeof(six->sin6_addr));
		six->sin6_port = htons(DISCARD);
		return sizeof(*six);
	}
	memcpy(&four->sin_addr, ip->bytes, sizeof(four->sin_addr));
	four->sin_port = htons(DISCARD);
	return sizeof(*four);
}

/*
 * What comes by another link proves nothing of DEVICE, nor does what this host
 * refuses itself: only who is bound to it listens.
 */
static bool listen_on(int fd, const char *device, bool six)
{
	const int on = 1;

	/* Without a right, since Linux 5.7. */
	return !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			   (socklen_t)strlen(device)) &&
	       !setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
			   six ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
}

static void touch(const char *device, const struct ip *ip, int protocol,
		  const void *packet, size_t size, struct touch *out)
{
	cleanup_fd int fd = socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC |
				   SOCK_NONBLOCK, protocol);
	struct sockaddr_storage name;
	socklen_t name_size = name_of(ip, &name);
	bool listens;

	*out = (struct touch){ .ip = *ip, .fd = -1 };
	if (fd < 0)
		return;
	listens = listen_on(fd, device, ip->family == AF_INET6);
	/* A way that is not there is what the one who asked is to see. */
	if (!connect(fd, (struct sockaddr *)&name, name_size) &&
	    send(fd, packet, size, 0) >= 0 && listens)
		out->fd = fd_take(&fd);
}

/* By UDP; and by ICMP echo, where ping_group_range lets us. */
static void touch_both(const char *device, const struct ip *ip,
		       struct touch out[static 2])
{
	const struct icmphdr four = { .type = ICMP_ECHO };
	const struct icmp6hdr six = { .icmp6_type = ICMPV6_ECHO_REQUEST };
	bool is_six = ip->family == AF_INET6;

	touch(device, ip, 0, "", 1, &out[0]);
	touch(device, ip, is_six ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
	      is_six ? (const void *)&six : &four,
	      is_six ? sizeof(six) : sizeof(four), &out[1]);
}

static bool is_from(const struct sockaddr *name, const struct ip *ip)
{
	if (name->sa_family != ip->family)
		return false;
	if (ip->family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)name)->sin6_addr,
			       ip->bytes, sizeof(struct in6_addr));
	return !memcmp(&((const struct sockaddr_in *)name)->sin_addr,
		       ip->bytes, sizeof(struct in_addr));
}

/* An error that the far end itself has sent: nobody listens, or may. */
static bool is_refused(const struct touch *t)
{
	char control[512], byte;
	struct iovec iov = { &byte, sizeof(byte) };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int type = t->ip.family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR;

	if (recvmsg(t->fd, &message, MSG_ERRQUEUE) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c;
	     c = CMSG_NXTHDR(&message, c)) {
		struct sock_extended_err *error = (void *)CMSG_DATA(c);

		if (c->cmsg_type == type &&
		    (error->ee_origin == SO_EE_ORIGIN_ICMP ||
		     error->ee_origin == SO_EE_ORIGIN_ICMP6) &&
		    is_from(SO_EE_OFFENDER(error), &t->ip))
			return true;
	}
	return false;
}

static bool is_answered(const struct touch *t)
{
	char byte;

	/* An error is told once here, and kept there. */
	return recv(t->fd, &byte, sizeof(byte), 0) >= 0 || is_refused(t);
}

static bool any_answers(const struct touch *touches, size_t count)
{
	int64_t end = time_now_ms() + TOUCH_MS, left;
	struct pollfd fds[2 * ADDRESSES_MAX];

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = touches[i].fd,
					  .events = POLLIN };
	while ((left = end - time_now_ms()) > 0) {
		if (poll(fds, count, (int)left) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents && is_answered(&touches[i]))
				return true;
	}
	return false;
}

int fetch_touch(const char *device, char *const *addresses, int count)
{
	struct touch touches[2 * ADDRESSES_MAX];
	struct ip ip;

	if (count > ADDRESSES_MAX)
		count = ADDRESSES_MAX;
	for (int i = 0; i < count; i++) {
		if (ip_parse(str_of(addresses[i]), &ip)) {
			fprintf(stderr, "meshapply-fetch: %s is no address\n",
				addresses[i]);
			return 64;
		}
		touch_both(device, &ip, &touches[2 * i]);
	}
	return any_answers(touches, 2 * (size_t)count) ? 0 : 1;
}
