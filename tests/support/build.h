/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States by hand, and runs over the model kernel, for the planner's tests. */
#pragma once

#include "plan/plan.h"
#include "support/model.h"

#define BUILD_MAX 64	/* objects of a kind */

struct build {
	struct arena *arena;
	struct state s;
};

/* An empty state of MESH with room for BUILD_MAX objects of each kind. */
void build_init(struct build *b, struct arena *arena, const char *mesh);
/* A device as the readers give it: mark 0, MTU 1420, no port, key SEED. */
struct device *build_device(struct build *b, const char *name, int seed);
void build_addresses(struct build *b, struct device *d, const char *list);
/* ENDPOINT and ALLOWED ("10.0.0.0/8,…") may be NULL. */
struct peer *build_peer(struct build *b, struct device *d, int seed,
			const char *endpoint, const char *allowed);
struct route *build_route(struct build *b, const char *prefix,
			  const char *device, uint32_t table);
struct rule *build_rule(struct build *b, uint8_t family, uint32_t priority,
			uint32_t table);
void build_sysctl(struct build *b, const char *key, const char *value);
void build_firewall(struct build *b, const char *text);
struct endpoint build_endpoint(const char *text);
struct prefix build_prefix(const char *text);
struct key build_key(int seed);
/* A full tunnel as wg-quick makes it, numbers and priorities automatic. */
void build_full_tunnel(struct build *b, struct device *d, uint8_t family);

/* What apply does, without its journal. */
struct bench {
	struct model *model;
	struct arena *arena;
	const char *mesh;
	struct plan_options options;
	uint32_t tables[8];	/* to observe besides */
};

void bench_init(struct bench *bench, struct arena *arena, const char *mesh);
/* WANT, BEFORE may be NULL: what the scope is made of. */
void bench_observe(struct bench *bench, const struct state *want,
		   const struct state *before, const struct state *last,
		   struct state *have);
/* Observe and settle: lookups are the model's. */
int bench_settle(struct bench *bench, struct state *want,
		 const struct state *last, struct diags *diags,
		 struct err *e) must_check_;
/* Take the steps FROM to END (or as many as there are). */
int bench_take(struct bench *bench, const struct plan *plan, size_t from,
	       size_t end, size_t *done, struct err *e) must_check_;
/* Observe, plan, take all, and expect a second plan of no steps. */
int bench_converge(struct bench *bench, struct state *want,
		   const struct state *last, struct plan *plan,
		   struct err *e) must_check_;
/* Where BEFORE was: plan, take, compare.  NULL, or what went wrong. */
const char *bench_undo(struct bench *bench, const struct state *before,
		       const struct state *want, const struct state *last);

/* The first step of this kind on the object of this id, or NULL; steps of a
   kind. */
const struct step *plan_step(const struct plan *plan, enum step_kind kind,
			     const char *id);
size_t plan_kinds(const struct plan *plan, enum step_kind kind);
