/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One router advertisement (RFC 4861 section 4.2) to all nodes on a link.
 *
 *	advertise LINK LIFETIME
 *
 * It says that this host is a default router for LIFETIME seconds, and nothing
 * else: no prefix, no MTU, no times.  The kernel fills in the checksum and the
 * link-local source address.
 */
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(unsigned int link)
{
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	int hops = 255;	/* else it is dropped, section 6.1.2 */

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops,
		       sizeof(hops)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &link,
		       sizeof(link)))
		die("setsockopt");
	return fd;
}

int main(int argc, char **argv)
{
	struct nd_router_advert ra = { .nd_ra_type = ND_ROUTER_ADVERT };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	int fd;

	if (argc != 3) {
		fputs("usage: advertise LINK LIFETIME\n", stderr);
		return 2;
	}
	to.sin6_scope_id = if_nametoindex(argv[1]);
	if (!to.sin6_scope_id)
		die(argv[1]);
	memcpy(&to.sin6_addr, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	ra.nd_ra_router_lifetime = htons((unsigned short)atoi(argv[2]));
	fd = open_socket(to.sin6_scope_id);
	if (sendto(fd, &ra, sizeof(ra), 0, (const struct sockaddr *)&to,
		   sizeof(to)) != (ssize_t)sizeof(ra))
		die("sendto");
	close(fd);
	return 0;
}
