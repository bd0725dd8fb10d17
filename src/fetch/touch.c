/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/fetch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ip.h"

#define DISCARD 9

static void send_to(const struct ip *ip)
{
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_port = htons(DISCARD),
	};
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_port = htons(DISCARD),
	};
	bool is_six = ip->family == AF_INET6;
	cleanup_fd int fd = socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC |
				   SOCK_NONBLOCK, 0);

	memcpy(&six.sin6_addr, ip->bytes, sizeof(six.sin6_addr));
	memcpy(&four.sin_addr, ip->bytes, sizeof(four.sin_addr));
	/* A way that is not there is what the one who asked is to see. */
	if (fd < 0 || sendto(fd, "", 1, 0,
			     is_six ? (void *)&six : (void *)&four,
			     is_six ? sizeof(six) : sizeof(four)) < 0)
		return;
}

int fetch_touch(char *const *addresses, int count)
{
	struct ip ip;

	for (int i = 0; i < count; i++) {
		if (ip_parse(str_of(addresses[i]), &ip)) {
			fprintf(stderr, "meshapply-fetch: %s is no address\n",
				addresses[i]);
			return 1;
		}
		send_to(&ip);
	}
	return 0;
}
