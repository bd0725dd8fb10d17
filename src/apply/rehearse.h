/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rehearsing a plan: what is wanted is made for real, from nothing, in a
 * network namespace of this process, so that what the kernel would refuse is
 * known before.  No key is needed, and none is used.
 *
 * Never a part of an apply: a namespace with a thousand peers that goes holds
 * up the clean-up of all others for many seconds.  Hence a sample of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/err.h"

struct run;

struct rehearsal {
	size_t steps, taken;
	size_t peers, peers_wanted;
	/* Of other links, which are not there: */
	size_t routes_left, sysctls_left;
	bool stand_in;		/* no WireGuard: links of another kind */
	bool vrf_left;
	char step[192];		/* that failed, or "" */
	struct place where;	/* that it comes from; source NULL: none */
};

/*
 * Enter a fresh namespace, where this process stays, and make what RUN wants,
 * settled.  RUN has arenas of this process.  -1 with ERR_PERMISSION where no
 * namespace is to be had; else *OUT tells the step that was refused, or that
 * is not as desired after it was read back.
 */
int rehearse(struct run *run, struct rehearsal *out, struct err *e)
	must_check_;
