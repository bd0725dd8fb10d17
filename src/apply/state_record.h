/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole state as lines (record.h), exact, its keys among them. */
#pragma once

#include <stdbool.h>

#include "apply/record.h"
#include "state/state.h"

/* Devices with peers and addresses, routes, rules, sysctls; PREFIX is put
   before each kind.  Neither the firewall nor the host's links. */
void state_record_write(struct sbuf *out, const char *prefix,
			const struct state *state);

/* Collects lines of one prefix; the state is complete after _end(). */
struct state_reader {
	const char *prefix;
	struct state *state;
	size_t devices, routes, rules, sysctls;	/* capacities */
	size_t peers, addresses;	/* of the last device */
	size_t allowed_ips;		/* of its last peer */
	struct prefix *address_items, *allowed_items;
};

/* true if the line was one of these; r->bad tells whether it was good. */
bool state_record_read(struct state_reader *reader, struct records *r,
		       const struct record *record);
void state_record_end(struct state_reader *reader);
