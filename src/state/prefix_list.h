/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes with their places in a text. */
#pragma once

#include <stddef.h>

#include "base/diag.h"
#include "base/ip.h"

struct arena;

struct placed_prefix {
	struct prefix prefix;
	struct place where;
};

struct prefix_list {
	struct placed_prefix *items;
	size_t count, capacity;
};

/* For qsort(): by prefix, equal ones as they stand in the text. */
int placed_prefix_compare(const void *a, const void *b);
/* Sorted, of equal prefixes the first. */
void prefix_list_sort(struct prefix_list *list);

/*
 * The routes that the kernel makes for ADDRESSES, in the table main, sorted.
 * An IPv4 address has none if it stands alone or its network is 0.0.0.0/8
 * (net/ipv4/fib_frontend.c, fib_add_ifaddr); an IPv6 one always has
 * (net/ipv6/addrconf.c).
 */
void prefix_list_connected(struct arena *arena,
			   const struct prefix_list *addresses,
			   struct prefix_list *out);
