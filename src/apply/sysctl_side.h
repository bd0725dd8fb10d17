/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What else the kernel changes when a sysctl is written (net/ipv4/devinet.c,
 * inet_forward_change(); net/ipv6/addrconf.c, addrconf_fixup_forwarding()),
 * and which keys are ever written here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "state/state.h"

struct arena;

struct sysctl_side {
	const char *key;
	bool inverse;	/* it becomes "0" where the cause becomes "1" */
};

/*
 * The keys that change with KEY on a host of these links; all.forwarding and
 * ip_forward are one variable.  Returns how many, on the arena.
 */
size_t sysctl_sides(struct arena *arena, const char *key,
		    const struct link *links, size_t link_count,
		    struct sysctl_side **out);
/* What SIDE becomes where the cause becomes VALUE. */
const char *sysctl_side_value(const struct sysctl_side *side,
			      const char *value);
/* The device of S whose link KEY is of, or NULL. */
const struct device *sysctl_device(const struct state *s, const char *key);
/* The key, of a link's KEY, with what a link has when it is made. */
const char *sysctl_default(struct arena *arena, const char *key);
/*
 * A key that a mesh may ask for, or one that changes with such a key: nothing
 * else is written from a record, whoever owns its file.
 */
bool sysctl_known(struct str key);
