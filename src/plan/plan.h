/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planning: pure functions from states to steps.  No system call, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "state/firewall.h"
#include "state/lookup.h"
#include "state/state.h"
#include "state/step.h"

struct arena;
struct diags;

/* What was sent to a peer when the last run looked, /run's sample. */
struct sample_peer {
	struct key public_key;
	uint64_t sent;
};

struct sample {
	const struct sample_peer *peers;	/* sorted by key */
	size_t count;
};

struct plan_options {
	int64_t now;		/* seconds since the epoch */
	const struct sample *sample;	/* or NULL */
	bool adopt;		/* take over a foreign device and its objects */
	/* have could be read in part only: what is unknown is left out */
	bool partial;
	bool restore;		/* want is a state before: endpoints as they
				   stand, no conflicts, nothing refused */
	/* want was just written: an endpoint that differs was learned since */
	bool reading_back;
	/* sysctls nobody needs any more, and what they go back to */
	const struct sysctl *restored;
	size_t restored_count;
	const char *const *force;	/* names of guards overruled */
	size_t force_count;
};

/*
 * Steps that turn HAVE into WANT.  HAVE has been claimed (state_claim), WANT
 * is settled; LAST, what was applied before, may be NULL.  What is foreign
 * and in the way is refused: -1, ERR_REFUSED with the guard and the owner
 * named.  Nothing to do is a plan of no steps.  The plan points into WANT,
 * HAVE and ARENA.
 */
int plan_diff(struct arena *arena, const struct state *want,
	      const struct state *have, const struct state *last,
	      const struct plan_options *options, struct plan *out,
	      struct err *e) must_check_;

/*
 * A warning for each other mesh of HAVE that takes all of a family's traffic,
 * as WANT (settled) does: the rule of either takes what the other encrypts.
 */
void plan_tunnels(const struct state *want, const struct state *have,
		  struct diags *diags);

/*
 * The sysctls to observe for WANT: those wanted, those that the kernel changes
 * along with them or that a plan sets for a while, on all of HAVE's links.
 * In no order; a key may be there twice or name what the host does not have.
 * A dot in a link's name is written as a slash, as sysctl(8) does.
 */
struct sysctl_keys {
	const char **items;
	size_t count, capacity;
};

void plan_sysctl_keys(struct arena *arena, const struct state *want,
		      const struct state *have, struct sysctl_keys *keys);

/*
 * Settling: values that only the kernel can give.  First the numbers (mark,
 * table, rule priorities, and MTU 0 where it is automatic): those that our
 * own device has now are kept, else free ones are taken, 51820 first as
 * wg-quick does.  Also gives every device its marks (alias, group), writes
 * "define fwmark" before a firewall text that uses $fwmark, and, where IPv6
 * forwarding is wanted, wants accept_ra = 2 of the links whose default route
 * came by router advertisement: it would be deleted otherwise.
 */
int settle_numbers(struct arena *arena, struct state *want,
		   const struct state *have, const struct state *last,
		   struct err *e) must_check_;

/* The lookups that settle_mtu wants, one for each peer with an endpoint, and
   one without a peer for the default route of each family. */
size_t settle_lookups(struct arena *arena, const struct state *want,
		      struct lookup **out);
/*
 * The MTU where it is automatic: 80 less than the smallest path to a peer,
 * without peers than the default route's, else 1420; never below 1280 while
 * an IPv6 address is wanted.  An endpoint whose lookup ends on the device
 * itself, now or with the routes wanted, is an error at its peer's place.
 */
void settle_mtu(struct state *want, const struct state *have,
		const struct plan_options *options,
		const struct lookup *lookups, size_t count,
		struct diags *diags);
