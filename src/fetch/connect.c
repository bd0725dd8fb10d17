/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

/* For all addresses together; the alarm ends the program. */
#define CONNECT_SECONDS 8

static int try(const struct addrinfo *to)
{
	cleanup_fd int fd = socket(to->ai_family, to->ai_socktype |
				   SOCK_CLOEXEC, to->ai_protocol);

	return fd < 0 ? -1 : connect(fd, to->ai_addr, to->ai_addrlen);
}

int fetch_connect(const char *host, const char *port)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *list = NULL;
	int error;

	alarm(CONNECT_SECONDS);
	error = getaddrinfo(host, port, &hints, &list);
	if (error) {
		fprintf(stderr, "meshapply-fetch: %s: %s\n", host,
			gai_strerror(error));
		return 1;
	}
	errno = 0;
	for (const struct addrinfo *to = list; to; to = to->ai_next)
		if (!try(to)) {
			freeaddrinfo(list);
			return 0;
		}
	fprintf(stderr, "meshapply-fetch: %s port %s: %s\n", host, port,
		strerror(errno));
	freeaddrinfo(list);
	return 1;
}
