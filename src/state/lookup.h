/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way a packet would take: asked by the planner, answered by kern/. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

struct peer;

/* How the kernel would send to an endpoint now, kern/ fills it. */
struct lookup {
	struct endpoint endpoint;
	uint32_t mark;
	bool found;
	char device[IFNAMSIZ];
	uint32_t mtu;		/* of the route, else of its link */
	uint32_t table;		/* where the route was found */
	struct prefix prefix;	/* and which it is */
	const struct peer *peer;	/* whose endpoint, or NULL: default */
};
