/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of addresses on a link, and the way from one list to another. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"

struct arena;

struct address_list {
	struct prefix *items;
	size_t count;
};

/* More than this many in a changed order: all are deleted and added again. */
#define ADDRESS_ORDER_MAX 4096

/* One family's way from have to want, both as the kernel lists them. */
struct address_change {
	struct address_list have, want;
	/* to be taken in this order; late is after all else */
	struct address_list early, add, late;
	/* a secondary outlives its primary only with promote_secondaries */
	bool promote_early, promote_late;
};

struct address_list address_list_new(struct arena *arena, size_t room);
void address_list_append(struct address_list *list,
			 const struct prefix *address);
bool address_list_same(const struct address_list *a,
		       const struct address_list *b);

/*
 * The order in which the kernel lists addresses that were added in the order
 * given, one family.  Returns how many.
 */
size_t addresses_listed(struct arena *arena, const struct prefix *given,
			size_t count, uint8_t family, struct prefix **out);

/*
 * Fill the three lists, which have room for all of have and want: nothing
 * deleted that is wanted, if the order can be had so; else the order mended
 * from the first difference on; else everything anew.
 */
void address_change_solve(struct address_change *c, struct arena *arena);
