/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading WireGuard links: keys, peers, addresses. */
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/observe.h"
#include "kern/rt_codec.h"
#include "kern/wg_codec.h"

static bool is_wireguard(const struct link *link)
{
	return !strcmp(link->kind, "wireguard");
}

/* Named by the scope, or with the mesh's alias. */
static bool is_read(const struct observer *o, const struct link *link)
{
	const char *mesh = alias_mesh(link->alias);

	if (mesh && !strcmp(mesh, o->scope->mesh))
		return true;
	for (size_t i = 0; i < o->scope->device_count; i++)
		if (!strcmp(o->scope->devices[i], link->name))
			return true;
	return false;
}

/* Devices of one host that are ours are few. */
struct device *observer_device(const struct observer *o, uint32_t index)
{
	for (size_t i = 0; i < o->have->device_count; i++)
		if (o->have->devices[i].index == index)
			return &o->have->devices[i];
	return NULL;
}

static void restart_device(void *data)
{
	wg_read_restart(data);
}

static int take_part(const struct nlmsghdr *answer, void *data,
		     struct err *e)
{
	return wg_read_part(data, answer, e);
}

static int read_wireguard(struct observer *o, struct device *device,
			  struct err *e)
{
	struct wg_reader reader;
	const struct talk_reader talk = {
		.start = restart_device,
		.each = take_part,
		.data = &reader,
		.buffer = o->buffer,
	};
	struct err why;

	wg_read_start(&reader, o->arena, o->secrets, device);
	wg_read_expect(&reader, o->scope->peers);
	if (talk_dump(&o->k->generic,
		      wg_encode_get(o->arena, o->k->wireguard, device->index),
		      &talk, &why) == 0) {
		wg_read_end(&reader);
		return 0;
	}
	if (observer_denied(o, &why, "the keys and peers of %s",
			    device->name) < 0) {
		*e = why;
		return err_wrap(e, "reading the peers of %s", device->name);
	}
	device->has &= ~(unsigned int)(DEVICE_PRIVATE_KEY | DEVICE_FWMARK |
				       DEVICE_LISTEN_PORT);
	return 0;
}

struct addresses {
	struct arena *arena;
	uint32_t index;
	struct prefix *items;
	size_t count, capacity;
	size_t mark;
};

static void start_addresses(void *data)
{
	struct addresses *a = data;

	a->count = a->mark;
}

static int take_address(const struct nlmsghdr *answer, void *data,
			struct err *e)
{
	struct addresses *a = data;
	struct rt_address address;

	if (rt_decode_address(answer, &address, e) < 0)
		return -1;
	if (address.index != a->index || address.automatic)
		return 0;
	arena_room(a->arena, &a->items, a->count, &a->capacity,
		   sizeof(*a->items));
	a->items[a->count++] = address.prefix;
	return 0;
}

static void reverse(struct prefix *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct prefix other = items[count - 1 - i];

		items[count - 1 - i] = items[i];
		items[i] = other;
	}
}

/* In the order they were added: the kernel has IPv6's newest first. */
static int read_addresses(struct observer *o, struct device *device,
			  struct err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct addresses a = { .arena = o->arena, .index = device->index };
	struct talk_reader reader = {
		.start = start_addresses,
		.each = take_address,
		.data = &a,
	};

	for (size_t i = 0; i < array_size(families); i++) {
		a.mark = a.count;
		reader.family = families[i];
		if (talk_dump(&o->k->route,
			      rt_encode_get_addresses(o->arena, families[i],
						      device->index),
			      &reader, e) < 0)
			return err_wrap(e, "reading the addresses of %s",
					device->name);
		if (families[i] == AF_INET6 && a.count > a.mark)
			reverse(a.items + a.mark, a.count - a.mark);
	}
	device->addresses = a.items;
	device->address_count = a.count;
	return 0;
}

static int take_port(const struct nlmsghdr *answer, void *data,
		     struct err *e)
{
	return wg_decode_port(answer, data, e);
}

/* A dump is the only way to a port; the peers in it are passed over. */
static int read_port(struct observer *o, struct link *link, struct err *e)
{
	const struct talk_reader reader = {
		.each = take_port,
		.data = &link->listen_port,
		.buffer = o->buffer,
	};
	struct err why;

	if (talk_dump(&o->k->generic,
		      wg_encode_get(o->arena, o->k->wireguard, link->index),
		      &reader, &why) == 0 ||
	    observer_denied(o, &why, "the port of %s", link->name) == 0)
		return 0;
	*e = why;
	return err_wrap(e, "reading the port of %s", link->name);
}

static int read_device(struct observer *o, struct link *link, struct err *e)
{
	struct device *device = &o->have->devices[o->have->device_count];
	const struct link *master = observer_link(o, link->master);

	if (master && master->vrf_table)
		memcpy(device->vrf, master->name, sizeof(device->vrf));
	memcpy(device->name, link->name, sizeof(device->name));
	memcpy(device->alias, link->alias, sizeof(device->alias));
	device->index = link->index;
	device->mtu = link->mtu;
	device->group = link->group;
	device->up = link->up;
	device->has = DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK |
		      DEVICE_MTU | DEVICE_UP | DEVICE_ALIAS | DEVICE_GROUP |
		      DEVICE_VRF;
	o->have->device_count++;
	if (read_wireguard(o, device, e) < 0)
		return -1;
	link->listen_port = device->listen_port;
	return read_addresses(o, device, e);
}

static bool is_port_read(const struct observer *o, const struct link *link)
{
	return o->scope->ports && is_wireguard(link) && !is_read(o, link);
}

int observe_ports(struct observer *o, struct err *e)
{
	for (size_t i = 0; i < o->have->link_count; i++)
		if (is_port_read(o, &o->have->links[i]) &&
		    read_port(o, &o->have->links[i], e) < 0)
			return -1;
	return 0;
}

int observe_devices(struct observer *o, struct err *e)
{
	struct state *have = o->have;
	size_t count = 0;

	for (size_t i = 0; i < have->link_count; i++)
		count += is_wireguard(&have->links[i]);
	if (!count)
		return 0;
	if (kern_wireguard(o->k, e) < 0)
		return -1;
	have->devices = arena_new_array(o->arena, struct device, count);
	for (size_t i = 0; i < have->link_count; i++) {
		struct link *link = &have->links[i];

		if (is_wireguard(link) && is_read(o, link) &&
		    read_device(o, link, e) < 0)
			return -1;
	}
	return observe_ports(o, e);
}
