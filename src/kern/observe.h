/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading of the kernel at work; private to observe*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/kern.h"

struct observer {
	struct kern *k;
	struct arena *arena, *secrets;
	const struct scope *scope;
	struct state *have;
	size_t link_capacity, route_capacity, rule_capacity;
	/* where the present dump's items begin in their array */
	size_t mark;
	/* what the present dump of routes is for, 0: any */
	uint32_t table, index;
	uint8_t protocol;
	void *buffer;		/* of secrets, where dumps with keys land */
	/* what may not be read, in words; "": nothing */
	char unread[512];
	struct err denied;	/* and the kernel's */
};

/* Links are sorted by index while observing; NULL: none of this index. */
struct link *observer_link(const struct observer *o, uint32_t index);
/* A device that is read, by its link's index. */
struct device *observer_device(const struct observer *o, uint32_t index);
/* Note what E, of kind ERR_PERMISSION, kept from being read: 0; else -1. */
int observer_denied(struct observer *o, const struct err *e,
		    const char *format, ...) printf_(3, 4);

int observe_links(struct observer *o, struct err *e) must_check_;
int observe_devices(struct observer *o, struct err *e) must_check_;
int observe_routes(struct observer *o, struct err *e) must_check_;
/* The scope's tables anew, in place of what is there of them. */
int observe_tables(struct observer *o, struct err *e) must_check_;
/* The listen ports of WireGuard links that are not read. */
int observe_ports(struct observer *o, struct err *e) must_check_;
int observe_rules(struct observer *o, struct err *e) must_check_;
int observe_firewall(struct observer *o, struct err *e) must_check_;
