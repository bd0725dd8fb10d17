/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a step is about, for errors: "route 10.0.0.0/24 dev wg0". */
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "kern/step.h"
#include "state/text.h"

static void peer_words(const char *what, const struct step *step, char *out,
		       size_t size)
{
	char key[KEY_TEXT_MAX];

	snprintf(out, size, "%s %s of %s", what,
		 key_format(&step_peer(step)->public_key, key),
		 step_device(step)->name);
}

static void address_words(const struct step *step, char *out, size_t size)
{
	char text[PREFIX_TEXT_MAX];

	snprintf(out, size, "address %s dev %s",
		 prefix_format(step->prefixes, text), step_device(step)->name);
}

/* In ip's words; what the arena gives for it is given back. */
static void ip_words(const struct kern *k, const struct step *step, char *out,
		     size_t size)
{
	size_t mark = arena_mark(k->arena);
	const struct route *route = step->route ? step->route :
						  step->route_before;
	struct sbuf text;

	sbuf_init(&text, k->arena);
	if (step->rule)
		rule_write(&text, step->rule);
	else
		route_write(&text, route);
	snprintf(out, size, "%s %s", step->rule ? "rule" : "route",
		 text.data ? text.data : "");
	arena_reset(k->arena, mark);
}

void step_words(const struct kern *k, const struct step *step, char *out,
		size_t size)
{
	switch (step->kind) {
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
		snprintf(out, size, "firewall table %s",
			 step->firewall->table);
		return;
	case STEP_LINK_CREATE:
	case STEP_LINK_CHANGE:
	case STEP_LINK_DELETE:
		snprintf(out, size, "link %s", step_device(step)->name);
		return;
	case STEP_LINK_EMPTY:
		snprintf(out, size, "the peers of %s", step_device(step)->name);
		return;
	case STEP_DEVICE_SET:
		snprintf(out, size, "device %s", step_device(step)->name);
		return;
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
	case STEP_PEER_REMOVE:
		peer_words("peer", step, out, size);
		return;
	case STEP_ALLOWED_IPS_REMOVE:
		peer_words("allowed IPs of peer", step, out, size);
		return;
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_REMOVE:
		address_words(step, out, size);
		return;
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_REPLACE:
	case STEP_ROUTE_REMOVE:
	case STEP_RULE_ADD:
	case STEP_RULE_REMOVE:
		ip_words(k, step, out, size);
		return;
	case STEP_SYSCTL_SET:
		snprintf(out, size, "sysctl %s", step->sysctl->key);
		return;
	case STEP_FOREIGN_TABLE_DELETE:
		snprintf(out, size, "table %s", step->table);
		return;
	}
}
