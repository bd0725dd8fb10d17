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

/* The SSH connection that a run came over, as it goes now. */
struct plan_path {
	struct ip local, remote;
	uint16_t local_port, remote_port;
	char device[IFNAMSIZ];	/* that the remote end is reached through */
};

struct plan_options {
	int64_t now;		/* seconds since the epoch */
	const struct plan_path *path;	/* NULL: not known, or none */
	const struct sample *sample;	/* or NULL */
	bool adopt;		/* take over a foreign device and its objects */
	bool disown;		/* leave all that is ours as it is, as nobody's:
				   want is empty */
	/* have could be read in part only: what is unknown is left out */
	bool partial;
	bool restore;		/* want is a state before: endpoints as they
				   stand, no conflicts, nothing refused */
	/* want was just written: an endpoint that differs was learned since */
	bool reading_back;
	/* WireGuard's sockets are in another network namespace: no route of
	   this one leads to an endpoint, no port of it is theirs */
	bool outside;
	/* sysctls nobody needs any more, and what they go back to */
	const struct sysctl *restored;
	size_t restored_count;
	const char *const *force;	/* names of guards overruled */
	size_t force_count;
};

/* --force=GUARD was given. */
bool plan_options_force(const struct plan_options *options, const char *guard);

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
/* Does any step concern the path that the options gave? */
bool plan_cuts(const struct plan *plan);

/*
 * What would be done to get from one state to another, both read from texts
 * and settled, with the public keys of their devices set.  Names are not
 * resolved, sysctls' own values are not known: notes tell of these.
 */
int plan_between(struct arena *arena, const struct state *from,
		 const struct state *to, struct plan *out, struct err *e)
	must_check_;

/* Who a node is, besides what its state says; zero and NULL: not known. */
struct plan_identity {
	struct key public_key;
	const char *node;	/* of a document */
};

/*
 * Refuse, guard "identity", what makes another node of a running one: another
 * node of the document, another key, not one address kept.  IS goes with WANT,
 * WAS with LAST, which may be NULL; what somebody else changed is not guarded.
 */
int plan_identity(struct arena *arena, const struct state *want,
		  const struct state *have, const struct state *last,
		  const struct plan_identity *is,
		  const struct plan_identity *was,
		  const struct plan_options *options, struct err *e)
	must_check_;

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
 * Is HAVE silent although something was sent to it: no handshake for 180
 * seconds, and a keepalive in WANT or bytes sent since the sample.  A peer
 * that is idle is not silent.
 */
bool peer_is_silent(const struct plan_options *options,
		    const struct peer *want, const struct peer *have);

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

/*
 * Before the lookups: which of the names of WANT are to be looked up now.  The
 * policy of an endpoint may leave a name alone; the peer keeps the endpoint
 * that it has then.
 */
bool settle_asks(const struct plan_options *options, const struct peer *want,
		 const struct peer *have, const struct peer *last);

/*
 * The lookups that settle_mtu wants: where an MTU is automatic, one for each
 * peer with an endpoint, and one without a peer for the default route of each
 * family; else those of endpoints that something of WANT's devices, wanted or
 * in HAVE, might lead into the tunnel.
 * Of a name it is the endpoint that HAVE's peer keeps, if it does; LAST may be
 * NULL.
 */
size_t settle_lookups(struct arena *arena, const struct state *want,
		      const struct state *have, const struct state *last,
		      const struct plan_options *options, struct lookup **out);
/*
 * The MTU where it is automatic: what the smallest path to a peer leaves, less
 * 60 bytes by IPv4, 80 by IPv6; of a peer without an endpoint, or none at all,
 * the default route less 80; else 1420.  Never below 1280 while an IPv6
 * address is wanted.  An endpoint whose lookup ends on the device itself, now
 * or with the routes wanted, is an error at its peer's place, as is a VRF that
 * is not there; a route with a larger MTU than the device is a warning.
 */
void settle_mtu(struct state *want, const struct state *have,
		const struct plan_options *options,
		const struct lookup *lookups, size_t count,
		struct diags *diags);
