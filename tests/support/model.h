/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model kernel: struct kernel on states in memory, with the side effects
 * that a real kernel has, and refusals to order.  It is written from what the
 * kernel does, not from what the planner expects.
 */
#pragma once

#include "base/arena.h"
#include "kern/kernel.h"

/* Refuse step AT (counted over all plans from 0), TIMES times. */
struct model_fault {
	size_t at;
	size_t times;		/* 0: never */
	bool half;		/* what can be split is half done by then, what
				   cannot is done, only its answer is lost */
};

struct model_link {
	struct link link;
	struct device device;	/* of others only name, address_count */
	struct peer *peers;
	size_t peer_capacity;
	struct prefix *addresses;	/* IPv4 as listed, then IPv6 */
	size_t address_capacity;
};

struct model {
	struct kernel kernel;	/* first: a struct kernel * is a model */
	struct arena *arena;
	struct model_link **links;
	size_t link_count, link_capacity;
	struct route *routes;	/* without connected ones */
	size_t route_count, route_capacity;
	struct rule *rules;
	size_t rule_count, rule_capacity;
	struct sysctl *sysctls;
	size_t sysctl_count, sysctl_capacity;
	struct firewall *firewall;
	const char **foreign_tables;
	size_t foreign_table_count, foreign_table_capacity;
	uint32_t generation;
	uint32_t next_index;
	uint16_t next_port;
	struct model_fault fault;
	size_t sent;		/* steps tried so far */
	size_t batch;		/* peer steps in one message; 0 is 1 */
	bool no_namespaces;	/* compile() is refused */
};

/* A host with lo and eth0 (192.0.2.2/24, 2001:db8::2/64), default routes by
   its gateways, the kernel's own rules and sysctls, no WireGuard. */
struct model *model_new(struct arena *arena);

struct model_link *model_link_find(const struct model *m, const char *name);
struct model_link *model_link_add(struct model *m, const char *name,
				  const char *kind);
struct peer *model_peer(struct model *m, const char *device,
			const struct key *key);
void model_sysctl(struct model *m, const char *key, const char *value);
const char *model_sysctl_value(const struct model *m, const char *key);
/* What others do: the object as given, no questions asked. */
void model_route_put(struct model *m, const struct route *route);
void model_rule_put(struct model *m, const struct rule *rule);
void model_foreign_table(struct model *m, const char *name);

/* One step as the kernel takes it: 0 or an errno. */
int model_step(struct model *m, const struct step *step, bool half);
/* The objects a text compiles to: its lines "element X" are elements of one
   set, all the rest is one object. */
void model_compile(struct arena *arena, struct firewall *f);

/* The first difference of two observed states in words, or NULL. */
const char *model_difference(struct arena *arena, const struct state *a,
			     const struct state *b);

/* Between the files of the model. */
int model_link_step(struct model *m, const struct step *step, bool half);
int model_device_step(struct model *m, const struct step *step, bool half);
int model_peer_step(struct model *m, const struct step *step, bool half);
int model_address_step(struct model *m, const struct step *step);
int model_route_step(struct model *m, const struct step *step);
int model_rule_step(struct model *m, const struct step *step);
int model_sysctl_step(struct model *m, const struct step *step);
int model_lookup(struct kernel *k, struct lookup *lookups, size_t count,
		 struct err *e);
/* Put an address where the kernel would; false: it has it already. */
bool model_address_insert(struct model *m, struct model_link *l,
			  const struct prefix *address);
/* What is lost with a link that goes down, or its IPv6. */
void model_routes_flush(struct model *m, const char *device, uint8_t family);
void model_addresses_flush_ipv6(struct model_link *l);
