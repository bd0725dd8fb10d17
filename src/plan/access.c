/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way this run came.  A step that may cut it is of class access, for
 * whoever started the run would not be there to see, or to mend it.  What the
 * step itself is for does not count: rather one too many than one too few.
 */
#include <netinet/in.h>
#include <string.h>

#include "plan/internal.h"
#include "state/firewall_pass.h"

/* What the connection runs over now. */
struct carrier {
	const struct plan_path *path;
	const struct device *device;	/* of ours, or NULL: another way */
	const struct peer *peer;	/* of it, or NULL */
	uint8_t length;			/* of its allowed IP */
};

static void cuts(struct step *s, const char *why)
{
	/* The worse of two classes keeps its words, of one the first. */
	s->path = true;
	step_class(s, DISRUPTION_ACCESS, why);
}

/* The longest of a peer's allowed IPs that has IP; -1: none has. */
static int longest(const struct prefix *prefixes, size_t count,
		   const struct ip *ip)
{
	int length = -1;

	for (size_t i = 0; i < count; i++)
		if (prefix_has(&prefixes[i], ip) &&
		    prefixes[i].length > length)
			length = prefixes[i].length;
	return length;
}

static void carrier_find(const struct planner *p, struct carrier *c)
{
	const struct device *d = state_device(p->have, c->path->device);

	if (!d || !plan_takes(p, d))
		return;
	c->device = d;
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct peer *peer = &d->peers[i];
		int length = longest(peer->allowed_ips, peer->allowed_ip_count,
				     &c->path->remote);

		if (length < 0 || (c->peer && length <= c->length))
			continue;
		c->peer = peer;
		c->length = (uint8_t)length;
	}
}

static bool is_carrier(const struct carrier *c, const struct step *s)
{
	const struct peer *peer = step_peer(s);

	return c->peer && peer && !peer_compare(peer, c->peer);
}

/* Packets to the remote end go to another peer, or to none. */
static void peer_moves(const struct carrier *c, struct step *s)
{
	int length = longest(s->prefixes, s->prefix_count, &c->path->remote);

	if (length < 0 || (s->kind != STEP_ALLOWED_IPS_REMOVE &&
			   c->peer && length < c->length))
		return;
	cuts(s, "the SSH connection of this run goes by this allowed IP");
}

static void peer_step(const struct carrier *c, struct step *s)
{
	const char *why = NULL;

	if (!c->device || strcmp(step_device(s)->name, c->device->name))
		return;
	if (s->fields & PEER_ALLOWED_IPS)
		peer_moves(c, s);
	if (!is_carrier(c, s))
		return;
	if (s->kind == STEP_PEER_REMOVE)
		why = "the SSH connection of this run comes through this peer";
	else if (s->fields & PEER_ENDPOINT && s->peer_before)
		why = "the SSH connection of this run comes through this "
			"peer, from where it is now";
	else if (s->fields & PEER_PRESHARED_KEY && s->peer_before)
		why = "the SSH connection of this run comes through this "
			"peer, which has to have the new key";
	if (why)
		cuts(s, why);
}

static void device_step(const struct carrier *c, struct step *s)
{
	const unsigned int fields = DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT |
		DEVICE_FWMARK;

	if (!c->device || strcmp(step_device(s)->name, c->device->name))
		return;
	if (s->kind == STEP_LINK_EMPTY || s->kind == STEP_LINK_DELETE ||
	    (s->kind == STEP_DEVICE_SET && s->fields & fields) ||
	    (s->kind == STEP_LINK_CHANGE && s->fields & DEVICE_UP &&
	     !s->device->up))
		cuts(s, "the SSH connection of this run comes through this "
		     "device");
}

/* A subnet that the remote end is in is reached through the device. */
static void address_step(const struct carrier *c, struct step *s)
{
	const struct prefix *address = &s->prefixes[0];

	if (!ip_compare(&address->ip, &c->path->local)) {
		if (s->kind == STEP_ADDRESS_REMOVE)
			cuts(s, "the SSH connection of this run is to this "
			     "address");
	} else if (prefix_has(address, &c->path->remote)) {
		cuts(s, "the SSH connection of this run comes from this "
		     "subnet");
	}
}

static void rule_step(const struct carrier *c, struct step *s)
{
	/* What this host sends on the connection: of no mark, by root. */
	const struct packet packet = {
		.from = c->path->local, .to = c->path->remote,
		.protocol = IPPROTO_TCP, .from_port = c->path->local_port,
		.to_port = c->path->remote_port,
	};

	if (rule_selects(s->rule, &packet))
		cuts(s, "it decides the way of this run's SSH connection");
}

static void firewall_step(const struct carrier *c, struct step *s)
{
	struct firewall_sees sees;

	/* Without it nothing is dropped. */
	if (s->kind == STEP_FIREWALL_DELETE)
		return;
	sees = firewall_sees(s->firewall->text);
	if (sees.filters)
		cuts(s, "the table filters what comes to this host, the SSH "
		     "connection of this run too");
	else if (sees.own && c->device && s->kind == STEP_FIREWALL_LOAD)
		cuts(s, "the table sees the SSH connection of this run, which "
		     "comes through the mesh");
}

static void look_at(const struct carrier *c, struct step *s)
{
	switch (s->kind) {
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
		firewall_step(c, s);
		break;
	case STEP_LINK_CREATE:
	case STEP_LINK_CHANGE:
	case STEP_LINK_EMPTY:
	case STEP_LINK_DELETE:
	case STEP_DEVICE_SET:
		device_step(c, s);
		break;
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
	case STEP_PEER_REMOVE:
	case STEP_ALLOWED_IPS_REMOVE:
		peer_step(c, s);
		break;
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_REMOVE:
		address_step(c, s);
		break;
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_REPLACE:
	case STEP_ROUTE_REMOVE:
		if (prefix_has(&s->route->prefix, &c->path->remote))
			cuts(s, "the SSH connection of this run comes from "
			     "there");
		break;
	case STEP_RULE_ADD:
	case STEP_RULE_REMOVE:
		rule_step(c, s);
		break;
	case STEP_SYSCTL_SET:
	case STEP_FOREIGN_TABLE_DELETE:
		break;
	}
}

void plan_access(struct planner *p)
{
	struct carrier c = { .path = p->options->path };

	/* An undo goes back to where it came from. */
	if (!c.path || p->options->restore)
		return;
	carrier_find(p, &c);
	for (size_t i = 0; i < p->plan->count; i++)
		look_at(&c, &p->plan->steps[i]);
}

bool plan_cuts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].path)
			return true;
	return false;
}
