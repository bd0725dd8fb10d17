/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign devices and ports in the way, and what others would lose with a
 * device of ours: found before the first write.  Routes and rules in the way
 * are found where their steps are made.
 */
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"
#include "state/text.h"
#include "state/value.h"

/* The mesh whose alias a link bears, if it is not MESH. */
static const char *other_mesh(const char *alias, const char *mesh)
{
	const char *of = alias_mesh(alias);

	return of && strcmp(of, mesh) != 0 ? of : NULL;
}

static int device_conflict(struct planner *p, const struct device *want)
{
	const struct device *have = state_device(p->have, want->name);
	const struct link *link = state_link(p->have, want->name);
	const char *mesh;

	/* Any link is among the links, a WireGuard one also a device. */
	if (!link || (have && have->owned))
		return 0;
	if (strcmp(link->kind, "wireguard") != 0)
		return err_set(p->e, ERR_REFUSED, "there is a link %s already, "
			       "and it is no WireGuard device (%s)", want->name,
			       *link->kind ? link->kind : "kind unknown");
	mesh = other_mesh(link->alias, p->want->mesh);
	if (mesh && !plan_forced(p, "device"))
		return err_refuse(p->e, "device", "%s belongs to the mesh %s, "
				  "and this is %s: remove that mesh first, or "
				  "give --mesh=%s if it is that one",
				  want->name, mesh, p->want->mesh, mesh);
	if (have && plan_takes(p, have))
		return 0;
	return err_refuse(p->e, "device", "there is a WireGuard device %s "
			  "already that is not ours; meshapply adopt %s takes "
			  "it over without a loss", want->name, want->name);
}

/* To move a link would take its sessions, addresses and routes. */
static int vrf_conflict(struct planner *p, const struct device *want)
{
	const struct device *have = state_device(p->have, want->name);

	if (!have || !(device_diff(want, have) & DEVICE_VRF))
		return 0;
	return err_set(p->e, ERR_REFUSED, "%s is in %s%s, not in %s%s, and a "
		       "link that moves loses its addresses and routes: move "
		       "it by hand (ip link set %s %s%s), or remove the mesh "
		       "first", want->name, *have->vrf ? "the VRF " : "no VRF",
		       have->vrf, *want->vrf ? "the VRF " : "none", want->vrf,
		       want->name, *want->vrf ? "vrf " : "nomaster",
		       want->vrf);
}

static bool is_ours(const struct planner *p, const char *name)
{
	const struct device *have = state_device(p->have, name);

	return (have && plan_takes(p, have)) || state_device(p->want, name);
}

static int port_conflict(struct planner *p, const struct device *want)
{
	const struct device *have = state_device(p->have, want->name);

	if (!(want->has & DEVICE_LISTEN_PORT) || !want->listen_port ||
	    plan_forced(p, "port") || p->options->outside)
		return 0;
	if (have && have->up && have->listen_port == want->listen_port)
		return 0;
	for (size_t i = 0; i < p->have->link_count; i++) {
		const struct link *link = &p->have->links[i];

		if (link->listen_port != want->listen_port ||
		    is_ours(p, link->name))
			continue;
		/* The port is taken when a link comes up. */
		if (link->up)
			return err_refuse(p->e, "port", "port %u of %s is in "
					  "use by the WireGuard device %s",
					  want->listen_port, want->name,
					  link->name);
		plan_note(p, "port %u is set on %s too, which is down",
			  want->listen_port, link->name);
	}
	return 0;
}

bool route_uses(const struct route *r, const struct prefix *addresses,
		size_t count)
{
	/* Of a connected one the kernel takes care itself. */
	if (!r->source.family || r->protocol == RTPROT_KERNEL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!ip_compare(&r->source, &addresses[i].ip))
			return true;
	return false;
}

/* A link that goes takes the routes with it that others put there or gave one
   of its addresses as source, one that loses IPv6 those of IPv6; FAMILY 0 is
   both. */
static int foreign_conflict(struct planner *p, const struct device *have,
			    uint8_t family)
{
	struct sbuf text;

	if (plan_forced(p, "foreign"))
		return 0;
	for (size_t i = 0; i < p->have->route_count; i++) {
		const struct route *r = &p->have->routes[i];

		bool on = !strcmp(r->device, have->name);

		if (r->owned || (family && r->prefix.ip.family != family) ||
		    (!on && !route_uses(r, have->addresses,
					have->address_count)))
			continue;
		sbuf_init(&text, p->arena);
		route_write(&text, r);
		if (!on)
			return err_refuse(p->e, "foreign", "the route %s "
					  "(protocol %u) is not ours and uses "
					  "an address of %s, which goes",
					  text.data, r->protocol, have->name);
		return err_refuse(p->e, "foreign", "%s carries the route %s, "
				  "which is not ours (protocol %u) and would "
				  "go with it", have->name, text.data,
				  r->protocol);
	}
	return 0;
}

/* RFC 8200 section 5; below it the kernel takes IPv6 off the link. */
static int mtu_conflict(struct planner *p, const struct device *want)
{
	const struct device *have = state_device(p->have, want->name);

	if (!(want->has & DEVICE_MTU) || !want->mtu ||
	    want->mtu >= IPV6_MTU_MIN)
		return 0;
	if (device_wants_ipv6(p->want, want))
		return err_set(p->e, ERR_DATA, "%s would have an MTU of %u "
			       "and IPv6, which needs 1280: the kernel takes "
			       "its addresses and routes away", want->name,
			       want->mtu);
	return have ? foreign_conflict(p, have, AF_INET6) : 0;
}

/* Nobody owns a mark or a table; who shares one should know. */
static void note_shared(struct planner *p, const struct device *want)
{
	const struct state *have = p->have;

	for (size_t i = 0; want->fwmark && i < have->rule_count; i++) {
		const struct rule *r = &have->rules[i];

		if (!r->owned && ((r->fwmask && r->fwmark == want->fwmark) ||
				  r->table == want->fwmark))
			plan_note(p, "the rule of priority %u, which is not "
				  "ours, uses the mark or table %u too",
				  r->priority, want->fwmark);
	}
}

static bool table_is_shared(const struct state *have, uint32_t table)
{
	for (size_t i = 0; i < have->route_count; i++)
		if (have->routes[i].table == table && !have->routes[i].owned)
			return true;
	return false;
}

static void note_tables(struct planner *p)
{
	const struct state *want = p->want;
	uint32_t noted = RT_TABLE_UNSPEC;

	/* Sorted by family and table. */
	for (size_t i = 0; i < want->route_count; i++) {
		uint32_t table = want->routes[i].table;

		if (table == noted || (table >= RT_TABLE_DEFAULT &&
				       table <= RT_TABLE_LOCAL))
			continue;
		noted = table;
		if (table_is_shared(p->have, table))
			plan_note(p, "the table %u holds routes that are not "
				  "ours", table);
	}
}

/* "not fwmark MARK table TABLE", with a default route in that table. */
static const struct route *tunnel_route(const struct state *s,
					const struct rule *r)
{
	if (!rule_excepts_mark(r) || r->action != FR_ACT_TO_TBL)
		return NULL;
	for (size_t i = 0; i < s->route_count; i++)
		if (s->routes[i].table == r->table && *s->routes[i].device &&
		    !s->routes[i].prefix.length &&
		    s->routes[i].prefix.ip.family == r->family)
			return &s->routes[i];
	return NULL;
}

/* The mesh whose tunnel R of have leads into, or NULL. */
static const char *tunnel_mesh(const struct state *have, const struct rule *r,
			       const char *mesh)
{
	const struct route *route = tunnel_route(have, r);
	const struct link *link = route ? state_link(have, route->device) :
		NULL;

	return link ? other_mesh(link->alias, mesh) : NULL;
}

static bool takes_packets_of(const struct state *want, const struct rule *r)
{
	for (size_t i = 0; i < want->rule_count; i++)
		if (want->rules[i].family == r->family &&
		    want->rules[i].fwmark != r->fwmark &&
		    tunnel_route(want, &want->rules[i]))
			return true;
	return false;
}

void plan_tunnels(const struct state *want, const struct state *have,
		  struct diags *diags)
{
	for (size_t i = 0; want->device_count && i < have->rule_count; i++) {
		const struct rule *r = &have->rules[i];
		const char *mesh = tunnel_mesh(have, r, want->mesh);
		struct diag *d;

		if (!mesh || !takes_packets_of(want, r))
			continue;
		d = diag_warning(diags, want->devices[0].where,
				 "the mesh %s sends everything into its tunnel "
				 "too: each takes the encrypted packets of the "
				 "other, and nothing gets out",
				 value_show(diags, str_of(mesh)));
		d->hint = "let one of the two carry certain prefixes only, or "
			"give its endpoints routes of their own";
	}
}

int plan_conflicts(struct planner *p)
{
	if (p->options->restore)
		return 0;
	for (size_t i = 0; i < p->want->device_count; i++) {
		const struct device *want = &p->want->devices[i];

		if (device_conflict(p, want) || vrf_conflict(p, want) ||
		    port_conflict(p, want) || mtu_conflict(p, want))
			return -1;
		note_shared(p, want);
	}
	for (size_t i = 0; i < p->have->device_count; i++) {
		const struct device *have = &p->have->devices[i];

		if (have->owned && !state_device(p->want, have->name) &&
		    foreign_conflict(p, have, 0))
			return -1;
	}
	note_tables(p);
	return 0;
}
