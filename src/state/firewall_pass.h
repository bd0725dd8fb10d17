/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a firewall's text does to the host's own connections, by its words
 * alone; and the same text with one connection let through.  Texts have been
 * looked at by firewall_check_frame().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

struct arena;

/* A TCP connection of this host; both ends are of one family. */
struct firewall_pass {
	struct ip local, remote;
	uint16_t local_port, remote_port;
};

/*
 * TEXT with an accept of both ways of the connection as the first rules of
 * every base chain of type filter.  No line is added, so that lines keep their
 * numbers.  A text without such a chain stays as it is.
 */
struct str firewall_pass_add(struct arena *arena, struct str text,
			     const struct firewall_pass *pass);

/* What its base chains see of a connection that ends on this host. */
struct firewall_sees {
	bool own;	/* one that is of any hook but forward */
	/* ... filters what comes in, or drops all it does not name */
	bool filters;
};

struct firewall_sees firewall_sees(struct str text);
