/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of a device, and what the kernel does besides when they change:
 * deleting one deletes IPv4 routes that use it as source, deleting the last
 * IPv4 address deletes every IPv4 route of the link (fib_frontend.c).
 */
#include <string.h>
#include <sys/socket.h>

#include "plan/address_order.h"
#include "plan/internal.h"

static bool address_drift(const struct planner *p, const char *device,
			  const struct prefix *address, bool wanted)
{
	const struct device *last = p->last ? state_device(p->last, device) :
		NULL;

	if (!last || last->address_count > ADDRESS_ORDER_MAX)
		return false;
	for (size_t i = 0; i < last->address_count; i++)
		if (!prefix_compare(&last->addresses[i], address))
			return wanted;
	return !wanted;
}

static struct step *address_step(struct planner *p, enum step_kind kind,
				 enum phase phase, const struct device *want,
				 const struct device *have,
				 const struct prefix *address)
{
	struct step *s = plan_add(p, kind, phase);
	char text[PREFIX_TEXT_MAX];

	s->device = want;
	s->device_before = have;
	s->prefixes = address;
	s->prefix_count = 1;
	s->id = arena_printf(p->arena, "address/%s/%s", want->name,
			     prefix_format(address, text));
	s->drift = address_drift(p, want->name, address,
				 kind == STEP_ADDRESS_ADD);
	return s;
}

/* The value by the time of PHASE. */
static bool sysctl_is_off(const struct planner *p, enum phase phase,
			  const char *key)
{
	const struct sysctl *s = NULL;

	if (phase_removes(phase))
		s = state_sysctl(p->want, key);
	if (!s)
		s = state_sysctl(p->have, key);
	return !s || !strcmp(s->value, "0");
}

/* Secondaries survive their primary while our link's own sysctl is set. */
static void promote(struct planner *p, enum phase phase, const char *device,
		    bool on)
{
	const char *key = sysctl_of_link(p->arena, "ipv4", device,
					 "promote_secondaries");
	struct sysctl *value = arena_new_object(p->arena, struct sysctl);
	struct step *s;

	/* One of the two is enough, include/linux/inetdevice.h. */
	if (!sysctl_is_off(p, phase, key) ||
	    !sysctl_is_off(p, phase, "net.ipv4.conf.all.promote_secondaries"))
		return;
	*value = (struct sysctl){ .key = key, .value = on ? "1" : "0" };
	s = plan_add(p, STEP_SYSCTL_SET, phase);
	s->sysctl = value;
	s->sysctl_before = on ? "0" : "1";
	s->helper = true;
	s->id = arena_printf(p->arena, "sysctl/%s", key);
	s->why = on ? "addresses of a subnet outlive its first one" :
		"as it was";
}

static void removals(struct planner *p, const struct device *want,
		     const struct device *have, const struct address_list *list,
		     enum phase phase, bool promoted)
{
	if (list->count && promoted)
		promote(p, phase, want->name, true);
	for (size_t i = 0; i < list->count; i++) {
		struct step *s = address_step(p, STEP_ADDRESS_REMOVE, phase,
					      want, have, &list->items[i]);

		step_class(s, DISRUPTION_LOSS, phase_removes(phase) ?
			   "what uses it ends" :
			   "added again, for the order of addresses");
	}
	if (list->count && promoted)
		promote(p, phase, want->name, false);
}

static struct address_list family_list(struct arena *arena,
			       const struct device *device, uint8_t family,
			       bool listed)
{
	struct address_list out = { 0 };

	if (!device)
		return out;
	if (listed) {
		out.count = addresses_listed(arena, device->addresses,
					     device->address_count, family,
					     &out.items);
		return out;
	}
	out = address_list_new(arena, device->address_count);
	for (size_t i = 0; i < device->address_count; i++)
		if (device->addresses[i].ip.family == family)
			address_list_append(&out, &device->addresses[i]);
	return out;
}

/* Down in an undo: the kernel has taken IPv6 off the link by then. */
static bool ipv6_lost(const struct device *want, const struct device *have)
{
	return have && have->up && !want->up && want->has & DEVICE_UP;
}

static void family_down(struct planner *p, const struct device *want,
			const struct device *have,
			const struct address_change *c)
{
	for (size_t i = 0; i < c->want.count; i++)
		address_step(p, STEP_ADDRESS_ADD, PHASE_REMOVE_ADDRESSES, want,
			     have, &c->want.items[i])->drift = false;
}

static void note_effects(struct planner *p, const struct device *have,
			 const struct address_change *c, uint8_t family)
{
	struct address_effects *e;

	if (!have || (!c->early.count && !c->late.count))
		return;
	e = &p->effects[p->effects_count++];
	e->device = have;
	e->again = c->early.items;
	e->again_count = c->early.count;
	e->gone = c->late.items;
	e->gone_count = c->late.count;
	if (family != AF_INET)
		return;
	e->emptied_early = c->early.count && c->early.count == c->have.count;
	e->emptied_late = c->late.count && !c->want.count;
}

static bool list_has(const struct address_list *list,
		     const struct prefix *address)
{
	if (list->count > ADDRESS_ORDER_MAX)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!prefix_compare(&list->items[i], address))
			return true;
	return false;
}

/* Added again for their order: was it this one that was applied? */
static bool order_drift(const struct planner *p, const char *device,
			uint8_t family, const struct address_list *want)
{
	const struct device *last = p->last ? state_device(p->last, device) :
		NULL;
	struct address_list list;

	if (!last || last->address_count > ADDRESS_ORDER_MAX)
		return false;
	list = family_list(p->arena, last, family, true);
	return address_list_same(&list, want);
}

static void family_plan(struct planner *p, const struct device *want,
			const struct device *have, uint8_t family)
{
	size_t room = want->address_count + (have ? have->address_count : 0);
	struct address_change c = {
		.have = family_list(p->arena, have, family, false),
		.want = family_list(p->arena, want, family, true),
	};
	bool mended;

	if (family == AF_INET6 && ipv6_lost(want, have)) {
		family_down(p, want, have, &c);
		return;
	}
	if (address_list_same(&c.have, &c.want))
		return;
	c.early = address_list_new(p->arena, room);
	c.late = address_list_new(p->arena, room);
	c.add = address_list_new(p->arena, room);
	if (c.have.count)
		address_change_solve(&c, p->arena);
	else
		c.add = c.want;
	removals(p, want, have, &c.early, PHASE_DEVICE, c.promote_early);
	mended = c.early.count && order_drift(p, want->name, family, &c.want);
	for (size_t i = 0; i < c.add.count; i++) {
		struct step *s = address_step(p, STEP_ADDRESS_ADD,
					      PHASE_DEVICE, want, have,
					      &c.add.items[i]);

		if (list_has(&c.early, &c.add.items[i]))
			s->drift = mended;
	}
	removals(p, want, have, &c.late, PHASE_REMOVE_ADDRESSES,
		 c.promote_late);
	note_effects(p, have, &c, family);
}

bool device_wants_ipv6(const struct state *s, const struct device *d)
{
	for (size_t i = 0; i < d->address_count; i++)
		if (d->addresses[i].ip.family == AF_INET6)
			return true;
	for (size_t i = 0; i < s->route_count; i++)
		if (s->routes[i].prefix.ip.family == AF_INET6 &&
		    !strcmp(s->routes[i].device, d->name))
			return true;
	return false;
}

void plan_addresses(struct planner *p, const struct device *want,
		    const struct device *have)
{
	family_plan(p, want, have, AF_INET);
	family_plan(p, want, have, AF_INET6);
}
