/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who and what on this host will fight over a mesh, and what ends it.  The
 * kernel was read by the caller; what other programs are set up to do is read
 * here, from their files: no bus, no helper.  Nothing is written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "kern/nft_forward.h"
#include "state/state.h"

struct arena;

enum finding_level {
	FINDING_WARNING,	/* it may come to harm */
	FINDING_ERROR,		/* it does not work, or will surely be harmed */
};

#define FINDING_COMMANDS 6

struct finding {
	enum finding_level level;
	const char *id;		/* "networkd-rules": what it is, for machines */
	const char *mesh;	/* NULL: the host as a whole */
	const char *what, *why;
	/* What ends it: a file to be written, NULL if none, then commands. */
	const char *file, *content;
	const char *commands[FINDING_COMMANDS];
};

struct doctor_findings {
	struct finding *items;
	size_t count, capacity;
};

/* The host.  The caller fills it; all lives as long as ARENA. */
struct doctor {
	struct arena *arena;
	/* Files that are read end there: there may be keys in them. */
	struct arena *secrets;
	const char *root;	/* put before every path; "" */
	/* The network namespace is the one that the host's services see. */
	bool daemons;
	int64_t now;
	const char *release;	/* of the kernel, "6.1.0-13-amd64" */
	const char *no_wireguard;	/* why there is none; NULL: there is */
	const struct state *have;	/* links; rp_filter among the sysctls */
	const struct nft_forward *forward;	/* NULL: not read */
	struct doctor_findings findings;	/* out */
};

/* One mesh of it, by what was applied last and what is there. */
struct doctor_mesh {
	const char *mesh;
	const char *device;
	const struct device *have;	/* NULL: there is no such device */
	uint16_t port;			/* that it listens on, or is to; 0 */
	bool rules;			/* it has routing rules */
	bool everything;		/* they lead all traffic into it */
	bool forwards4, forwards6;	/* it needs forwarding */
};

/* What concerns the host as a whole. */
void doctor_host(struct doctor *d);
void doctor_mesh(struct doctor *d, const struct doctor_mesh *m);
/* Who manages its device, alone, in the order in which that is ended without
   a flap; needs the name and the index of the device. */
void doctor_managers(struct doctor *d, const struct doctor_mesh *m);
/* Errors first, then by mesh and id. */
void doctor_sort(struct doctor_findings *f);
/* Is any of LEVEL there? */
bool doctor_has(const struct doctor_findings *f, enum finding_level level);
