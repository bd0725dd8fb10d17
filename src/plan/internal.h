/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the planner share. */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

#define IPV6_MTU_MIN 1280u	/* RFC 8200 section 5 */
#define MARK_MASK 0xffffffffu	/* all bits, as WireGuard sets a mark */

/* What the kernel does to routes while the addresses of a device change. */
struct address_effects {
	const struct device *device;	/* of have */
	/* the last IPv4 address goes, before the routes or after them: all
	   IPv4 routes of the device go with it */
	bool emptied_early, emptied_late;
	/* deleted and added again: routes that use them as source are gone */
	const struct prefix *again;
	size_t again_count;
	/* deleted at the end */
	const struct prefix *gone;
	size_t gone_count;
};

struct planner {
	struct arena *arena;
	const struct state *want, *have, *last;
	const struct plan_options *options;
	struct plan *plan;
	const struct state *taken;	/* see plan_taken(); or NULL */
	struct address_effects *effects;
	size_t effects_count;
	struct err *e;
};

struct step *plan_add(struct planner *p, enum step_kind kind,
		      enum phase phase);
/* The worse of what the step had and CLASS, with its words. */
void step_class(struct step *s, enum disruption class, const char *why);
void plan_note(struct planner *p, const char *format, ...) printf_(2, 3);
/* --force=GUARD was given, or nothing is to be refused. */
bool plan_forced(const struct planner *p, const char *guard);
/* Sort by phase, stable; make the ids of steps unique. */
void plan_order(struct arena *arena, struct plan *plan);

/* A device of have is ours to change: owned, or about to be. */
bool plan_takes(const struct planner *p, const struct device *have);

/* The parts, each for one kind of object, in the order they are called. */
int plan_conflicts(struct planner *p);
void plan_firewall(struct planner *p);
void plan_devices(struct planner *p);
void plan_peers(struct planner *p, const struct device *want,
		const struct device *have);
void plan_addresses(struct planner *p, const struct device *want,
		    const struct device *have);
void plan_sysctls(struct planner *p);
int plan_routes(struct planner *p);
int plan_rules(struct planner *p);
/* All there is to a plan that disowns. */
void plan_disown(struct planner *p);
/* "route/inet/254/10.0.0.0/8/0" */
const char *plan_route_id(struct arena *arena, const struct route *r);
/* Raise the class of what concerns the path, last of all. */
void plan_access(struct planner *p);
/*
 * Where a device is taken over by force: routes and rules as have's, owned if
 * they are ours once the device is.  Else NULL.
 */
const struct state *plan_taken(const struct planner *p);
/* What wg-quick had made beside a device that is taken over goes: rules,
   tables, and routes whose allowed IP goes.  Nothing, unless adopting. */
bool plan_adopted_rule(const struct planner *p, const struct rule *have);
void plan_adopted_rules(struct planner *p);
void plan_adopted_tables(struct planner *p);
bool plan_adopted_leftover(const struct planner *p, const struct route *have);
/* Rules that keep marked packets out of the tunnel while its mark changes;
   PUT before the rest, taken away after it. */
void plan_mark_helpers(struct planner *p, bool put);
/* RULE of have is such a helper, to be taken away by its own step; or was one
   of a run that an undo follows. */
bool plan_mark_helper(const struct planner *p, const struct rule *rule);
bool plan_mark_leftover(const struct planner *p, const struct rule *rule);
/* Whether the mark may only change after the rules have gone. */
bool plan_mark_late(const struct planner *p, const struct device *want,
		    const struct device *have);

/*
 * Whether WANT's endpoint is to be written to the peer that is there: the
 * policy of roaming.  LAST is what the peer was before, or NULL.
 */
bool plan_endpoint(struct planner *p, const struct peer *want,
		   const struct peer *have, const struct peer *last);
/* In an undo: HAVE was given an endpoint where the peer before had none. */
bool plan_endpoint_stuck(const struct planner *p, const struct peer *want,
			 const struct peer *have);

/* The rule of a state that equals R, or NULL. */
const struct rule *rule_find(const struct state *s, const struct rule *r);
struct step *plan_rule_step(struct planner *p, enum step_kind kind,
			    enum phase phase, const struct rule *rule);
/* The words of a rule that do not tell who made it or where it stands. */
bool rule_same_selectors(const struct rule *a, const struct rule *b);
bool rule_is_suppress(const struct rule *r);
/* "not fwmark MARK": what a mark keeps out of the tunnel. */
bool rule_excepts_mark(const struct rule *r);

/* What this host sends by itself, as root. */
struct packet {
	struct ip from, to;	/* from: family 0 if it has none yet */
	uint32_t mark;
	uint8_t protocol;
	uint16_t from_port, to_port;
};

bool rule_selects(const struct rule *r, const struct packet *p);

/* A route, not a connected one, with one of these as its preferred source:
   the kernel deletes it with the address, or takes the source off it. */
bool route_uses(const struct route *r, const struct prefix *addresses,
		size_t count);
/* An address or a route of IPv6. */
bool device_wants_ipv6(const struct state *s, const struct device *d);
