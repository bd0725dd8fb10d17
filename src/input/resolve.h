/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoint names to addresses.  The asking is done by a child,
 * meshapply-fetch, which holds no capability and sees no key: the main
 * program parses no network protocol.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct arena;
struct err;

#define RESOLVE_NAMES_MAX 65536
#define RESOLVE_SECONDS 10	/* for all names together */
#define RESOLVE_ADDRESSES_MAX 64	/* of one name */

struct resolve_query {
	const char *host;
	uint16_t port;
	/* answered: every address of every family, in the resolver's order,
	   so that the first can be reached (RFC 6724); none: unresolved */
	struct endpoint *endpoints;
	size_t endpoint_count;
	const char *why;	/* unresolved: in the resolver's words */
};

/*
 * Resolve all queries.  A name that does not resolve, or not in time, is no
 * error: it has no endpoints and says why.  PROGRAM is the child's path; that
 * it fails altogether is ERR_UNAVAILABLE.
 */
int resolve_names(struct arena *arena, const char *program,
		  struct resolve_query *queries, size_t count,
		  struct err *e) must_check_;
