/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real kernel behind kern/kernel.h; private to kern/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "kern/kernel.h"
#include "kern/talk.h"

struct encoded;

struct kern {
	struct kernel kernel;		/* first: a cast leads here */
	struct arena *arena;
	struct kern_options options;
	struct talk route, generic;
	struct talk nft;		/* opened when it is used */
	struct talk outside;	/* in options.socket_netns; or closed */
	int here;		/* our namespace, while that is open */
	uint16_t wireguard;		/* its family's number; 0: not known */
	uint32_t generation;		/* of the ruleset, as observed */
	bool no_remove_me;	/* it has no WGALLOWEDIP_F_REMOVE_ME */
	struct encoded *encoded;	/* the plan at hand, or NULL */
};

/* Learn WireGuard's family, which loads its module. */
int kern_wireguard(struct kern *k, struct err *e) must_check_;
int kern_nft(struct kern *k, struct err *e) must_check_;
/* To where WireGuard's own packets are sent from. */
struct talk *kern_outside(struct kern *k);
/* The index of a link; an error is the kernel's words alone. */
int kern_link_index(struct kern *k, const char *name, uint32_t *index,
		    struct err *e) must_check_;
/* Is there a link of this name outside, where a new one starts? */
int kern_is_outside(struct kern *k, const char *name, bool *there,
		    struct err *e) must_check_;

int kern_observe(struct kernel *k, struct arena *arena,
		 struct arena *secrets, const struct scope *scope,
		 struct state *have, struct err *e) must_check_;
int kern_widen(struct kernel *k, struct arena *arena, struct arena *secrets,
	       const struct scope *scope, struct state *have, struct err *e)
	must_check_;
int kern_lookup(struct kernel *k, struct lookup *lookups, size_t count,
		struct err *e) must_check_;
int kern_encode(struct kernel *k, struct arena *arena,
		const struct plan *plan, struct err *e) must_check_;
int kern_send(struct kernel *k, const struct plan *plan, size_t first,
	      size_t *next, struct err *e) must_check_;
void kern_finish(struct kernel *k);

/*
 * Sysctls, as files below /proc/sys of the network namespace we are in.  Keys
 * are sysctl(8)'s: dots part them, a dot in a name is written "/".
 */
char *sysctl_path(struct arena *arena, const char *key); /* NULL: no key */
/* *VALUE is NULL where there is no such key. */
int sysctl_read(struct arena *arena, const char *key, const char **value,
		struct err *e) must_check_;
/* In one write(2); the error's text does not name the key. */
int sysctl_write(const char *path, const char *value, struct err *e)
	must_check_;
