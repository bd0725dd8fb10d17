/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan: steps in the order in which they are taken.  The planner makes it
 * (plan/), the kernel code turns it into messages (kern/), apply walks it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "state/state.h"

/* In order.  Past PHASE_ROUTES_RULES stands a verification, then removals. */
enum phase {
	PHASE_FIREWALL,
	PHASE_CREATE,		/* the link, marked */
	PHASE_DEVICE,		/* key, port, peers, allowed IPs, addresses */
	PHASE_UP,
	PHASE_SYSCTL,
	PHASE_ROUTES,
	PHASE_RULES,
	PHASE_REMOVE_RULES,	/* the first of the removals */
	PHASE_REMOVE_ROUTES,
	PHASE_REMOVE_ADDRESSES,
	PHASE_REMOVE_ALLOWED_IPS,
	PHASE_REMOVE_PEERS,	/* the point of no return */
	PHASE_REMOVE_LINKS,
	PHASE_REMOVE_FIREWALL,
	PHASE_RESTORE_SYSCTL,
};

enum step_kind {
	STEP_FIREWALL_LOAD,	/* create or swap the whole table */
	STEP_FIREWALL_ELEMENTS,	/* deltas of sets, one transaction */
	STEP_FIREWALL_DELETE,
	STEP_LINK_CREATE,	/* down, with our group and its MTU */
	STEP_LINK_CHANGE,	/* fields: alias, group, mtu, up */
	STEP_LINK_EMPTY,	/* all peers in one message, before deletion */
	STEP_LINK_DELETE,
	STEP_DEVICE_SET,	/* fields: private key, listen port, fwmark */
	STEP_PEER_ADD,
	STEP_PEER_CHANGE,	/* fields; prefixes are the allowed IPs added */
	STEP_PEER_REMOVE,
	STEP_ALLOWED_IPS_REMOVE,	/* prefixes of one peer */
	STEP_ADDRESS_ADD,
	STEP_ADDRESS_REMOVE,
	STEP_ROUTE_ADD,		/* NLM_F_CREATE | NLM_F_EXCL */
	STEP_ROUTE_REPLACE,	/* of a route that was read as ours */
	STEP_ROUTE_REMOVE,
	STEP_RULE_ADD,
	STEP_RULE_REMOVE,
	STEP_SYSCTL_SET,
	STEP_FOREIGN_TABLE_DELETE,	/* adopt: wg-quick's own nft table */
};

/* Worst last.  What each means is in meshapply(8). */
enum disruption {
	DISRUPTION_NONE,
	DISRUPTION_REKEY,
	DISRUPTION_LOSS,
	DISRUPTION_SESSION,
	DISRUPTION_MESH,
	DISRUPTION_ACCESS,
};

/*
 * One object each; which members are set follows from the kind.  X is what
 * will be, X_before what is (NULL: nothing).  Of a removal both are what is.
 * Steps on peers and addresses have the device too, for its name.  ROUTE_ADD
 * is exclusive; ROUTE_REPLACE creates where there is none (the kernel may
 * have deleted it together with an address) and replaces what has its key.
 */
struct step {
	enum step_kind kind;
	enum phase phase;
	enum disruption disruption;
	const char *why;	/* of the disruption, or reason, or NULL */
	/* unique in its plan: "peer/wg0/<key>"; the second step on the same
	   object is "device/wg0#2" */
	const char *id;
	bool helper;		/* taken back within the same plan */
	bool drift;		/* somebody else changed the kernel */
	/* RULE_ADD: one of the same words and priority stands there, of
	   another maker, and goes or is left */
	bool twin;
	bool path;		/* may cut the way this run came */
	unsigned int fields;	/* enum device_field or enum peer_field */
	const struct device *device, *device_before;
	const struct peer *peer, *peer_before;
	const struct prefix *prefixes;	/* allowed IPs; one address */
	size_t prefix_count;
	const struct route *route, *route_before;
	const struct rule *rule;
	const struct sysctl *sysctl;
	const char *sysctl_before;
	const struct firewall *firewall, *firewall_before;
	const char *table;	/* foreign: "ip wg-quick-wg0" */
};

struct plan {
	struct step *steps;
	size_t count, capacity;
	enum disruption disruption;	/* the worst of them */
	/* explanations of what is left alone, for --verbose */
	const char **notes;
	size_t note_count, note_capacity;
};

/* What a step on a peer or a device is about, whether it comes or goes. */
const struct device *step_device(const struct step *step);
const struct peer *step_peer(const struct step *step);
/* true past the middle verification */
bool phase_removes(enum phase phase);
const char *disruption_name(enum disruption d);
/* NAME may be NULL; false: there is no such class. */
bool disruption_parse(const char *name, enum disruption *out);
