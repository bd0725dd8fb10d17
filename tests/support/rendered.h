/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A view through the built-in templates to texts, and what is read of them. */
#pragma once

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "doc/doc.h"
#include "doc/view.h"
#include "render/templates.h"
#include "render/value.h"
#include "state/firewall.h"
#include "state/state.h"
#include "state/text.h"

/* No folder of this name is there: nothing overrides what is built in. */
#define RENDERED_ROOT "/nonexistent"

static inline int rendered_templates(struct arena *arena,
				     struct templates *out)
{
	struct diags diags;
	struct err e;

	diags_init(&diags, arena);
	return templates_load(arena, RENDERED_ROOT, NULL, out, &diags, &e);
}

static inline int rendered_texts(struct arena *arena,
				 const struct templates *templates,
				 const struct view *view, struct texts *out,
				 struct diags *diags)
{
	struct source made[TEMPLATE_FILES];

	if (templates_render(arena, templates, view_values(arena, view), made,
			     diags) < 0)
		return -1;
	*out = (struct texts){ made[TEMPLATE_WIREGUARD],
			       made[TEMPLATE_NETWORK],
			       made[TEMPLATE_FIREWALL] };
	return 0;
}

static inline bool rendered_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static inline int rendered_order(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* Are the prefixes of LIST, masked, sorted and each once, those of HAVE? */
static inline bool rendered_allowed(struct arena *arena,
				    const struct prefix_list *list,
				    const struct peer *have)
{
	struct prefix *want = arena_new_array(arena, struct prefix,
					      list->count);
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		want[i] = prefix_mask(list->items[i].prefix);
	if (list->count)
		qsort(want, list->count, sizeof(*want), rendered_order);
	for (size_t i = 0; i < list->count; i++)
		if (!count || prefix_compare(&want[count - 1], &want[i]))
			want[count++] = want[i];
	return prefixes_equal(want, count, have->allowed_ips,
			      have->allowed_ip_count);
}

static inline const char *rendered_peer(struct arena *arena,
					const struct view_peer *want,
					const struct peer *have)
{
	const struct node_endpoint *e = want->endpoint;
	const struct mesh_link *link = want->link;

	if (!have)
		return "a peer is not there";
	if (!rendered_same(want->node->name, have->name))
		return "a peer has another name";
	if (want->keepalive != have->keepalive)
		return "a keepalive";
	if (!rendered_same(link ? link->preshared_key_file : NULL,
			   have->preshared_key_file))
		return "a preshared key";
	if (have->endpoint_policy != want->endpoint_policy)
		return "the policy of an endpoint";
	if (!rendered_same(e ? e->host : NULL, have->endpoint_host))
		return "the name of an endpoint";
	if (e && e->host && want->endpoint_port != have->endpoint_port)
		return "the port of a name";
	if (!e || e->host ? have->endpoint.ip.family != 0 :
	    ip_compare(&e->ip, &have->endpoint.ip) != 0 ||
	    want->endpoint_port != have->endpoint.port)
		return "an endpoint";
	if (!rendered_allowed(arena, &want->allowed, have))
		return "the allowed IPs";
	return NULL;
}

static inline const char *rendered_device(struct arena *arena,
					  const struct view *view,
					  const struct device *d, bool full)
{
	const struct prefix_list *addresses = &view->self->addresses;

	if (strcmp(d->name, view->mesh->interface) != 0)
		return "the device";
	if (!rendered_same(arena_printf(arena, "%s.key", view->mesh->name),
			   d->private_key_file))
		return "the private key's file";
	if (d->listen_port != view->listen_port)
		return "the port";
	if (d->fwmark != view->fwmark ||
	    !(d->automatic & DEVICE_FWMARK) != !(full && !view->fwmark))
		return "the mark";
	if (!rendered_same(d->vrf, view->vrf ? view->vrf : ""))
		return "the VRF";
	if (d->mtu != view->mtu || !(d->automatic & DEVICE_MTU) != !!view->mtu)
		return "the MTU";
	if (d->address_count != addresses->count ||
	    d->peer_count != view->peer_count)
		return "how many addresses or peers";
	for (size_t i = 0; i < addresses->count; i++)
		if (prefix_compare(&d->addresses[i],
				   &addresses->items[i].prefix) != 0)
			return "an address";
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct view_peer *p = &view->peers[i];
		const char *why = rendered_peer(arena, p,
			device_peer(d, &p->node->public_key));

		if (why)
			return why;
	}
	return NULL;
}

/* NULL, or the first thing in STATE that is not as VIEW has it. */
static inline const char *rendered_differs(struct arena *arena,
					   const struct view *view,
					   const struct state *state)
{
	bool main = !view_is_apart(view);
	size_t wholes = (size_t)view->full4 + view->full6;
	size_t sysctls = (size_t)view->forwards4 + view->forwards6;

	if (strcmp(state->mesh, view->mesh->name) != 0)
		return "the mesh";
	if (state->device_count != 1)
		return "how many devices";
	if (state->route_count != view->routes.count + wholes)
		return "how many routes";
	for (size_t i = 0; i < state->route_count; i++)
		if (strcmp(state->routes[i].device,
			   view->mesh->interface) != 0 ||
		    state->routes[i].mtu != view_route_mtu(view,
						&state->routes[i].prefix) ||
		    (state->routes[i].prefix.length && !state->routes[i]
		     .automatic && state->routes[i].table != view->table))
			return "a route";
	if (state->rule_count != (main ? 2 * wholes : 0))
		return "how many rules";
	if (state->sysctl_count != sysctls + (main && view->full4))
		return "how many sysctls";
	if (!state->firewall != !view->mesh->firewall)
		return "the firewall";
	return rendered_device(arena, view, &state->devices[0],
			       main && wholes);
}
