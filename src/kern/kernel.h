/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as the rest sees it: read it, look a route up, compile a
 * firewall, take the steps of a plan.  kern_open() gives the real one; the
 * model kernel of the tests is another.
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

/* What to read. */
struct scope {
	const char *mesh;	/* "": none, links alone are looked for */
	/* devices to read whether owned or not (wanted, to be adopted) */
	const char *const *devices;
	size_t device_count;
	/* about as many peers as such a device has: for them is room then */
	size_t peers;
	/* sysctls wanted, and those that change with them (kernel.md 5) */
	const char *const *sysctls;
	size_t sysctl_count;
	/* also every route, of any owner, of these tables (0-terminated) */
	const uint32_t *tables;
	/* also the listen ports of foreign WireGuard links */
	bool ports;
};

struct kernel {
	/*
	 * Fill HAVE: all links; the devices of the scope and those that bear
	 * the mesh's marks, with peers; routes that leave through these or
	 * are of OUR_PROTOCOL; the scope's tables; all rules; the sysctls;
	 * the mesh's firewall table, canonical.  Not claimed yet.  An
	 * interrupted dump is repeated, a bounded number of times
	 * (ERR_BUSY).  Keys go to SECRETS.
	 */
	int (*observe)(struct kernel *k, struct arena *arena,
		       struct arena *secrets, const struct scope *scope,
		       struct state *have, struct err *e);
	/*
	 * HAVE, just observed, by a scope that was the same but for tables,
	 * ports and sysctls: it gets those of SCOPE, and stays as it is else.
	 * Not claimed again.  After a failure HAVE is of no use.
	 */
	int (*widen)(struct kernel *k, struct arena *arena,
		     struct arena *secrets, const struct scope *scope,
		     struct state *have, struct err *e);
	int (*lookup)(struct kernel *k, struct lookup *lookups, size_t count,
		      struct err *e);
	/*
	 * Compile a framed text in a throw-away namespace into F's objects
	 * (F->compiled).  What the compiler refuses is added to DIAGS at its
	 * place, and -1 with ERR_DATA.  Without any namespace: ERR_PERMISSION.
	 */
	int (*compile)(struct kernel *k, struct arena *arena,
		       struct firewall *f, struct diags *diags,
		       struct err *e);
	/* The listing of the live table as text, for the undo. */
	int (*list)(struct kernel *k, struct arena *arena, const char *table,
		    struct str *text, struct err *e);
	/*
	 * Encode all steps of a plan; the last thing that allocates.  Messages
	 * hold keys: ARENA is the secret one.
	 */
	int (*encode)(struct kernel *k, struct arena *arena,
		      const struct plan *plan, struct err *e);
	/*
	 * Take step FIRST of the encoded plan, and those after it that share
	 * its messages; NEXT is the first not taken.  Each is acknowledged.
	 * On failure the step may be half done; the error tells the step and
	 * the kernel's own words.
	 */
	int (*send)(struct kernel *k, const struct plan *plan, size_t first,
		    size_t *next, struct err *e);
	/* Done with a plan: closes what apply must close last (nft). */
	void (*finish)(struct kernel *k);
	/* Writes sent so far: netlink sets and sysctl files. */
	uint64_t writes;
	/* After a send of the real one that failed: the step, one of those
	   that shared its messages. */
	size_t refused;
};

struct kern_options {
	const char *helper_folder;	/* where meshapply-nftc is */
	int lock;	/* the lock's descriptor, for children; or -1 */
	/* descriptor of the network namespace that WireGuard's own packets
	   are sent in: links are created and lookups made there; 0: ours */
	int socket_netns;
};

/* Sockets are opened here; on the ARENA, closed by kern_close. */
int kern_open(struct arena *arena, const struct kern_options *options,
	      struct kernel **out, struct err *e) must_check_;
void kern_close(struct kernel *k);
/* Has this kernel WireGuard, now that its module was asked for?  For one that
   kern_open() gave; an error says what there is not. */
int kern_has_wireguard(struct kernel *k, struct err *e) must_check_;
