/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model's WireGuard: netlink.c, allowedips.c of drivers/net/wireguard. */
#include "support/model.h"

#include <errno.h>
#include <string.h>

struct peer *model_peer(struct model *m, const char *device,
			const struct key *key)
{
	struct model_link *l = model_link_find(m, device);

	for (size_t i = 0; l && i < l->device.peer_count; i++)
		if (key_equal(&l->peers[i].public_key, key))
			return &l->peers[i];
	return NULL;
}

static void peer_remove(struct model_link *l, const struct key *key)
{
	for (size_t i = 0; i < l->device.peer_count; i++)
		if (key_equal(&l->peers[i].public_key, key))
			l->peers[i--] = l->peers[--l->device.peer_count];
}

static void prefix_drop(struct peer *p, const struct prefix *prefix)
{
	struct prefix *list = (struct prefix *)(uintptr_t)p->allowed_ips;

	for (size_t i = 0; i < p->allowed_ip_count; i++)
		if (!prefix_compare(&list[i], prefix)) {
			list[i] = list[--p->allowed_ip_count];
			return;
		}
}

/* A prefix has one owner: whoever had it loses it. */
static void prefix_take(struct model *m, struct model_link *l, struct peer *p,
			const struct prefix *prefix)
{
	struct prefix *list;
	size_t n = p->allowed_ip_count;

	for (size_t i = 0; i < l->device.peer_count; i++)
		prefix_drop(&l->peers[i], prefix);
	n = p->allowed_ip_count;
	list = arena_new_array(m->arena, struct prefix, n + 1);
	if (n)
		memcpy(list, p->allowed_ips, n * sizeof(*list));
	list[n] = *prefix;
	p->allowed_ips = list;
	p->allowed_ip_count = n + 1;
}

static struct peer *peer_new(struct model *m, struct model_link *l,
			     const struct key *key)
{
	struct peer *p = model_peer(m, l->link.name, key);

	if (p)
		return p;
	arena_room(m->arena, &l->peers, l->device.peer_count,
		   &l->peer_capacity, sizeof(*l->peers));
	p = &l->peers[l->device.peer_count++];
	*p = (struct peer){ .public_key = *key };
	return p;
}

/* Half of it: the first fields and half of the prefixes. */
static void peer_write(struct model *m, struct model_link *l, struct peer *p,
		       const struct step *s, bool half)
{
	size_t count = half ? s->prefix_count / 2 : s->prefix_count;

	if (s->fields & PEER_PRESHARED_KEY)
		p->preshared_key = s->peer->preshared_key;
	if (s->fields & PEER_ENDPOINT)
		p->endpoint = s->peer->endpoint;
	if (s->fields & PEER_KEEPALIVE && !half)
		p->keepalive = s->peer->keepalive;
	for (size_t i = 0; i < count; i++)
		prefix_take(m, l, p, &s->prefixes[i]);
}

/*
 * Removal of prefixes as older kernels need it: a fresh key takes them and
 * is removed, whoever had them.
 */
static void prefixes_remove(struct model_link *l, const struct step *s,
			    bool half)
{
	size_t count = half ? s->prefix_count / 2 : s->prefix_count;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < l->device.peer_count; j++)
			prefix_drop(&l->peers[j], &s->prefixes[i]);
}

int model_peer_step(struct model *m, const struct step *s, bool half)
{
	struct model_link *l = model_link_find(m, s->device->name);
	const struct key *key = &s->peer->public_key;

	if (!l)
		return ENODEV;
	/* The own key is passed over in silence. */
	if (key_equal(key, &l->device.public_key) &&
	    !key_is_zero(&l->device.public_key))
		return 0;
	switch ((unsigned int)s->kind) {
	case STEP_PEER_ADD:
		peer_write(m, l, peer_new(m, l, key), s, half);
		return 0;
	case STEP_PEER_CHANGE:
		if (!model_peer(m, l->link.name, key))
			return ENOENT;
		peer_write(m, l, peer_new(m, l, key), s, half);
		return 0;
	case STEP_PEER_REMOVE:
		peer_remove(l, key);
		return 0;
	case STEP_ALLOWED_IPS_REMOVE:
		prefixes_remove(l, s, half);
		return 0;
	}
	return EOPNOTSUPP;
}

static bool port_in_use(const struct model *m, const struct model_link *self,
			uint16_t port)
{
	for (size_t i = 0; i < m->link_count; i++)
		if (m->links[i] != self && m->links[i]->link.up &&
		    m->links[i]->device.listen_port == port)
			return true;
	return false;
}

static int port_take(struct model *m, struct model_link *l, uint16_t port)
{
	if (port && port_in_use(m, l, port))
		return EADDRINUSE;
	while (!port || port_in_use(m, l, port))
		port = m->next_port++;
	l->device.listen_port = port;
	return 0;
}

static void key_set(struct model_link *l, const struct device *d)
{
	l->device.private_key = d->private_key;
	l->device.public_key = d->public_key;
	peer_remove(l, &d->public_key);
	/* Sessions end, handshakes are not forgotten. */
}

int model_device_step(struct model *m, const struct step *s, bool half)
{
	struct model_link *l = model_link_find(m, s->device->name);
	int number;

	if (!l)
		return ENODEV;
	if (s->fields & DEVICE_FWMARK)
		l->device.fwmark = s->device->fwmark;
	if (half)
		return 0;
	if (s->fields & DEVICE_LISTEN_PORT) {
		if (!l->link.up) {
			l->device.listen_port = s->device->listen_port;
		} else {
			number = port_take(m, l, s->device->listen_port);
			if (number)
				return number;
		}
	}
	if (s->fields & DEVICE_PRIVATE_KEY)
		key_set(l, s->device);
	return 0;
}

static const char *const per_link[] = {
	"net.ipv4.conf.%s.forwarding", "net.ipv4.conf.%s.promote_secondaries",
	"net.ipv4.conf.%s.rp_filter", "net.ipv6.conf.%s.forwarding",
	"net.ipv6.conf.%s.accept_ra",
};

static const char *link_default(const struct model *m, size_t i)
{
	const char *value = NULL;

	if (i == 0)
		value = model_sysctl_value(m,
			"net.ipv4.conf.default.forwarding");
	if (i == 3)
		value = model_sysctl_value(m,
			"net.ipv6.conf.default.forwarding");
	return value ? value : i == 4 ? "1" : "0";
}

struct model_link *model_link_add(struct model *m, const char *name,
				  const char *kind)
{
	struct model_link *l = arena_new_object(m->arena, struct model_link);

	strcpy(l->link.name, name);
	strcpy(l->device.name, name);
	strcpy(l->link.kind, kind);
	l->link.index = m->next_index++;
	l->link.mtu = strcmp(kind, "wireguard") ? 1500 : 1420;
	arena_room(m->arena, &m->links, m->link_count, &m->link_capacity,
		   sizeof(struct model_link *));
	m->links[m->link_count++] = l;
	for (size_t i = 0; i < array_size(per_link); i++)
		model_sysctl(m, arena_printf(m->arena, per_link[i], name),
			     link_default(m, i));
	return l;
}

static void link_delete(struct model *m, struct model_link *l)
{
	for (size_t i = 0; i < array_size(per_link); i++)
		model_sysctl(m, arena_printf(m->arena, per_link[i],
					     l->link.name), NULL);
	model_routes_flush(m, l->link.name, 0);
	for (size_t i = 0; i < m->link_count; i++)
		if (m->links[i] == l) {
			m->links[i] = m->links[--m->link_count];
			return;
		}
}

static int link_up(struct model *m, struct model_link *l)
{
	int number;

	if (l->link.up)
		return 0;
	number = port_take(m, l, l->device.listen_port);
	if (number)
		return number;
	l->link.up = true;
	model_sysctl(m, "net.ipv4.conf.all.send_redirects", "0");
	return 0;
}

static void link_down(struct model *m, struct model_link *l)
{
	l->link.up = false;
	model_routes_flush(m, l->link.name, 0);
	model_addresses_flush_ipv6(l);
}

static int link_change(struct model *m, struct model_link *l,
		       const struct step *s, bool half)
{
	const struct device *d = s->device;

	if (s->fields & DEVICE_ALIAS)
		strcpy(l->link.alias, d->alias);
	if (half && s->fields & ~(unsigned int)DEVICE_ALIAS &&
	    s->fields & DEVICE_ALIAS)
		return 0;
	if (s->fields & DEVICE_GROUP)
		l->link.group = d->group;
	if (s->fields & DEVICE_MTU) {
		l->link.mtu = d->mtu;
		if (d->mtu < 1280) {
			model_routes_flush(m, l->link.name, 10);
			model_addresses_flush_ipv6(l);
		}
	}
	if (!(s->fields & DEVICE_UP))
		return 0;
	if (d->up)
		return link_up(m, l);
	link_down(m, l);
	return 0;
}

static int link_create(struct model *m, const struct step *s)
{
	const struct model_link *vrf = model_link_find(m, s->device->vrf);
	struct model_link *l;

	if (model_link_find(m, s->device->name))
		return EEXIST;
	if (s->fields & DEVICE_VRF && *s->device->vrf && !vrf)
		return ENODEV;
	l = model_link_add(m, s->device->name, "wireguard");
	if (s->fields & DEVICE_GROUP)
		l->link.group = s->device->group;
	if (s->fields & DEVICE_MTU && s->device->mtu)
		l->link.mtu = s->device->mtu;
	if (s->fields & DEVICE_VRF && *s->device->vrf) {
		strcpy(l->device.vrf, s->device->vrf);
		l->link.master = vrf->link.index;
	}
	return 0;
}

int model_link_step(struct model *m, const struct step *s, bool half)
{
	struct model_link *l = model_link_find(m, s->device->name);

	if (s->kind == STEP_LINK_CREATE)
		return link_create(m, s);
	if (!l)
		return ENODEV;
	if (s->kind == STEP_LINK_EMPTY)
		l->device.peer_count = half ? l->device.peer_count / 2 : 0;
	else if (s->kind == STEP_LINK_DELETE)
		link_delete(m, l);
	else
		return link_change(m, l, s, half);
	return 0;
}
