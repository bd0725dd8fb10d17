/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices: made, marked, changed, taken away. */
#include <string.h>

#include "plan/internal.h"

#define LINK_MARKS (DEVICE_ALIAS | DEVICE_GROUP)
#define DEVICE_SET_FIELDS \
	(DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK)

static const struct device *last_device(const struct planner *p,
					const char *name)
{
	return p->last ? state_device(p->last, name) : NULL;
}

/* The file says what it said before, so somebody else changed the kernel. */
static bool fields_drift(const struct planner *p, const struct device *want,
			 unsigned int fields)
{
	const struct device *last = last_device(p, want->name);

	/* The keys of what was applied before are not kept. */
	if (!last || fields & DEVICE_PRIVATE_KEY)
		return false;
	return (last->has & fields) == fields &&
		!(device_diff(want, last) & fields);
}

static struct step *device_step(struct planner *p, enum step_kind kind,
				enum phase phase, const struct device *want,
				const struct device *have,
				unsigned int fields)
{
	struct step *s = plan_add(p, kind, phase);

	s->device = want;
	s->device_before = have;
	s->fields = fields;
	s->id = arena_printf(p->arena, "device/%s", want->name);
	s->drift = have ? fields_drift(p, want, fields) :
		last_device(p, want->name) != NULL;
	return s;
}

/*
 * Two of our devices and one port: it is taken when a link comes up, so the
 * one that has it now lets go of it first.
 */
static void free_port(struct planner *p, const struct device *want)
{
	for (size_t i = 0; i < p->have->device_count; i++) {
		const struct device *other = &p->have->devices[i];
		struct device *freed;
		struct step *s;

		if (p->options->outside || !plan_takes(p, other) ||
		    !strcmp(other->name, want->name) ||
		    other->listen_port != want->listen_port)
			continue;
		freed = arena_copy(p->arena, other, sizeof(*other));
		freed->listen_port = 0;
		s = device_step(p, STEP_DEVICE_SET, PHASE_CREATE, freed, other,
				DEVICE_LISTEN_PORT);
		s->drift = false;
		step_class(s, DISRUPTION_LOSS,
			   arena_printf(p->arena, "its port %u is freed for %s",
					want->listen_port, want->name));
	}
}

static void device_create(struct planner *p, const struct device *want)
{
	unsigned int fields = want->has & DEVICE_SET_FIELDS;
	struct step *s;

	if (want->has & DEVICE_LISTEN_PORT && want->listen_port)
		free_port(p, want);
	device_step(p, STEP_LINK_CREATE, PHASE_CREATE, want, NULL,
		    want->has & (DEVICE_GROUP | DEVICE_MTU | DEVICE_VRF));
	if (want->has & DEVICE_ALIAS && *want->alias) {
		s = device_step(p, STEP_LINK_CHANGE, PHASE_CREATE, want, NULL,
				DEVICE_ALIAS);
		s->why = "marks it as ours";
	}
	if (!want->private_key)
		fields &= ~(unsigned int)DEVICE_PRIVATE_KEY;
	if (!want->listen_port)
		fields &= ~(unsigned int)DEVICE_LISTEN_PORT;
	if (!want->fwmark)
		fields &= ~(unsigned int)DEVICE_FWMARK;
	if (fields)
		device_step(p, STEP_DEVICE_SET, PHASE_DEVICE, want, NULL,
			    fields);
}

static void set_classes(struct step *s)
{
	if (s->fields & DEVICE_LISTEN_PORT)
		step_class(s, DISRUPTION_LOSS,
			   "peers use the old port until they hear from us");
	if (s->fields & DEVICE_PRIVATE_KEY)
		step_class(s, DISRUPTION_SESSION,
			   "sessions end; peers have to know the new key");
}

static void device_set(struct planner *p, const struct device *want,
		       const struct device *have)
{
	unsigned int fields = device_diff(want, have) & DEVICE_SET_FIELDS;

	if (fields & DEVICE_LISTEN_PORT && want->listen_port)
		free_port(p, want);
	if (fields & DEVICE_FWMARK && plan_mark_late(p, want, have)) {
		device_step(p, STEP_DEVICE_SET, PHASE_REMOVE_ROUTES, want, have,
			    DEVICE_FWMARK);
		fields &= ~(unsigned int)DEVICE_FWMARK;
	}
	if (fields)
		set_classes(device_step(p, STEP_DEVICE_SET, PHASE_DEVICE,
					want, have, fields));
}

/*
 * Below 1280 the kernel takes every IPv6 address and route off the link.  In
 * an undo that is how it was: last, so that nothing before stumbles over it.
 */
static enum phase mtu_phase(const struct device *want,
			    const struct device *have)
{
	return want->mtu < IPV6_MTU_MIN && have->mtu >= IPV6_MTU_MIN ?
		PHASE_REMOVE_ADDRESSES : PHASE_DEVICE;
}

/* Without the right to, of a WireGuard link only what is a link is seen. */
static bool device_is_unread(const struct planner *p,
			     const struct device *have)
{
	return p->options->partial && !(have->has & DEVICE_PRIVATE_KEY);
}

static void device_change(struct planner *p, const struct device *want,
			  const struct device *have)
{
	unsigned int fields = device_diff(want, have);
	struct step *s;

	if (fields & LINK_MARKS) {
		s = device_step(p, STEP_LINK_CHANGE, PHASE_CREATE, want, have,
				fields & LINK_MARKS);
		s->why = have->owned ? "marks it as ours" : "taken over";
	}
	if (fields & DEVICE_MTU && mtu_phase(want, have) == PHASE_DEVICE)
		device_step(p, STEP_LINK_CHANGE, PHASE_DEVICE, want, have,
			    DEVICE_MTU);
	if (!device_is_unread(p, have))
		device_set(p, want, have);
}

/* Only in an undo: IPv4 routes and all of IPv6 go with it. */
static void device_down(struct planner *p, const struct device *want,
			const struct device *have)
{
	struct step *s = device_step(p, STEP_LINK_CHANGE,
				     PHASE_REMOVE_ADDRESSES, want, have,
				     DEVICE_UP);

	step_class(s, DISRUPTION_SESSION, "the link goes down, as it was");
}

static void device_plan(struct planner *p, const struct device *want,
		       const struct device *have)
{
	bool up = have && have->up;

	if (have)
		device_change(p, want, have);
	else
		device_create(p, want);
	if (!have || !device_is_unread(p, have))
		plan_peers(p, want, have);
	else
		plan_note(p, "the key and the peers of %s could not be read",
			  have->name);
	if (!want->up && up && want->has & DEVICE_UP)
		device_down(p, want, have);
	plan_addresses(p, want, have);
	if (want->up && !up)
		device_step(p, STEP_LINK_CHANGE, PHASE_UP, want, have,
			    DEVICE_UP);
	if (have && device_diff(want, have) & DEVICE_MTU &&
	    mtu_phase(want, have) != PHASE_DEVICE)
		device_step(p, STEP_LINK_CHANGE, PHASE_REMOVE_ADDRESSES, want,
			    have, DEVICE_MTU);
}

/*
 * Deleting a link costs the whole host 12 ms a peer (RCU); emptied first by
 * one message it is next to nothing.
 */
static void device_remove(struct planner *p, const struct device *have)
{
	const char *why = "all its sessions end";
	struct step *s;

	if (have->peer_count) {
		s = device_step(p, STEP_LINK_EMPTY, PHASE_REMOVE_LINKS, have,
				have, 0);
		step_class(s, DISRUPTION_SESSION, why);
		s->drift = false;
	}
	s = device_step(p, STEP_LINK_DELETE, PHASE_REMOVE_LINKS, have, have,
			0);
	step_class(s, DISRUPTION_SESSION, why);
	s->drift = false;
}

void plan_devices(struct planner *p)
{
	const struct state *want = p->want, *have = p->have;

	for (size_t i = 0; i < want->device_count; i++)
		device_plan(p, &want->devices[i],
			    state_device(have, want->devices[i].name));
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned &&
		    !state_device(want, have->devices[i].name))
			device_remove(p, &have->devices[i]);
}
