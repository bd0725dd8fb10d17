/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "kern/attrs.h"
#include "kern/wg_codec.h"

/* Header, the link's index, and the frame of the list of peers. */
#define FRAME (MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct genlmsghdr)) + \
	       ATTR_SPACE(sizeof(uint32_t)) + ATTR_SPACE(0))
#define ROOM (WG_MESSAGE_MAX - FRAME)

static struct nlmsghdr *start(struct arena *arena, size_t size,
			      uint16_t family, uint8_t command)
{
	struct nlmsghdr *message = arena_alloc(arena, FRAME + size);
	struct genlmsghdr *header;

	message = mnl_nlmsg_put_header(message);
	message->nlmsg_type = family;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->cmd = command;
	header->version = WG_GENL_VERSION;
	mnl_attr_put_u32(message, WGDEVICE_A_IFINDEX, 0);
	return message;
}

void wg_set_index(struct nlmsghdr *message, uint32_t index)
{
	struct nlattr *first = mnl_nlmsg_get_payload_offset(
		message, sizeof(struct genlmsghdr));

	memcpy(mnl_attr_get_payload(first), &index, sizeof(index));
}

struct nlmsghdr *wg_encode_get(struct arena *arena, uint16_t family,
			       uint32_t index)
{
	struct nlmsghdr *message = start(arena, 0, family, WG_CMD_GET_DEVICE);

	wg_set_index(message, index);
	return message;
}

static void put_key(struct nlmsghdr *message, uint16_t type,
		    const struct key *key)
{
	static const struct key none;

	mnl_attr_put(message, type, KEY_SIZE, key ? key->bytes : none.bytes);
}

struct nlmsghdr *wg_encode_device(struct arena *arena, uint16_t family,
				  const struct device *device,
				  unsigned int fields)
{
	struct nlmsghdr *message = start(arena,
		ATTR_SPACE(KEY_SIZE) + ATTR_SPACE(sizeof(uint16_t)) +
		ATTR_SPACE(sizeof(uint32_t)), family, WG_CMD_SET_DEVICE);

	if (fields & DEVICE_PRIVATE_KEY)
		put_key(message, WGDEVICE_A_PRIVATE_KEY, device->private_key);
	if (fields & DEVICE_LISTEN_PORT)
		mnl_attr_put_u16(message, WGDEVICE_A_LISTEN_PORT,
				 device->listen_port);
	if (fields & DEVICE_FWMARK)
		mnl_attr_put_u32(message, WGDEVICE_A_FWMARK, device->fwmark);
	return message;
}

struct nlmsghdr *wg_encode_empty(struct arena *arena, uint16_t family)
{
	struct nlmsghdr *message = start(arena, ATTR_SPACE(sizeof(uint32_t)),
					 family, WG_CMD_SET_DEVICE);

	mnl_attr_put_u32(message, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	return message;
}

static size_t prefix_space(const struct prefix *prefix, bool removed)
{
	return ATTR_SPACE(0) + ATTR_SPACE(sizeof(uint16_t)) +
	       ATTR_SPACE(ip_bits(prefix->ip.family) / 8) +
	       ATTR_SPACE(sizeof(uint8_t)) +
	       (removed ? ATTR_SPACE(sizeof(uint32_t)) : 0);
}

static size_t endpoint_size(const struct endpoint *endpoint)
{
	return endpoint->ip.family == AF_INET ? sizeof(struct sockaddr_in) :
						sizeof(struct sockaddr_in6);
}

/* Without its prefixes; a peer's endpoint can be set, but not unset. */
static size_t head_space(const struct wg_entry *entry)
{
	size_t space = ATTR_SPACE(0) + ATTR_SPACE(KEY_SIZE) + ATTR_SPACE(0);

	if (entry->flags)
		space += ATTR_SPACE(sizeof(uint32_t));
	if (entry->fields & PEER_PRESHARED_KEY)
		space += ATTR_SPACE(KEY_SIZE);
	if (entry->fields & PEER_ENDPOINT && entry->peer->endpoint.ip.family)
		space += ATTR_SPACE(endpoint_size(&entry->peer->endpoint));
	if (entry->fields & PEER_KEEPALIVE)
		space += ATTR_SPACE(sizeof(uint16_t));
	return space;
}

static size_t entry_space(const struct wg_entry *entry)
{
	size_t space = head_space(entry);

	for (size_t i = 0; i < entry->prefix_count; i++)
		space += prefix_space(&entry->prefixes[i],
				      entry->remove_prefixes);
	return space;
}

static void put_endpoint(struct nlmsghdr *message,
			 const struct endpoint *endpoint)
{
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(endpoint->port),
		.sin6_scope_id = endpoint->scope,
	};
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons(endpoint->port),
	};

	if (endpoint->ip.family == AF_INET) {
		memcpy(&v4.sin_addr, endpoint->ip.bytes, sizeof(v4.sin_addr));
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(v4), &v4);
	} else if (endpoint->ip.family == AF_INET6) {
		memcpy(&v6.sin6_addr, endpoint->ip.bytes,
		       sizeof(v6.sin6_addr));
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(v6), &v6);
	}
}

static void put_prefixes(struct nlmsghdr *message,
			 const struct wg_entry *entry)
{
	for (size_t i = 0; i < entry->prefix_count; i++) {
		const struct prefix *p = &entry->prefixes[i];
		struct nlattr *item = mnl_attr_nest_start(message, 0);

		mnl_attr_put_u16(message, WGALLOWEDIP_A_FAMILY, p->ip.family);
		attr_put_ip(message, WGALLOWEDIP_A_IPADDR, &p->ip);
		mnl_attr_put_u8(message, WGALLOWEDIP_A_CIDR_MASK, p->length);
		if (entry->remove_prefixes)
			mnl_attr_put_u32(message, WG_ALLOWED_IP_FLAGS,
					 WG_ALLOWED_IP_REMOVE_ME);
		mnl_attr_nest_end(message, item);
	}
}

static void put_head(struct nlmsghdr *message, const struct wg_entry *entry)
{
	put_key(message, WGPEER_A_PUBLIC_KEY, entry->public_key);
	if (entry->flags)
		mnl_attr_put_u32(message, WGPEER_A_FLAGS, entry->flags);
	if (entry->fields & PEER_PRESHARED_KEY)
		put_key(message, WGPEER_A_PRESHARED_KEY,
			entry->peer->preshared_key);
	if (entry->fields & PEER_ENDPOINT)
		put_endpoint(message, &entry->peer->endpoint);
	if (entry->fields & PEER_KEEPALIVE)
		mnl_attr_put_u16(message,
				 WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
				 entry->peer->keepalive);
}

static void put_entry(struct nlmsghdr *message, const struct wg_entry *entry)
{
	struct nlattr *peer = mnl_attr_nest_start(message, 0), *list;

	put_head(message, entry);
	if (entry->prefix_count) {
		list = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
		put_prefixes(message, entry);
		mnl_attr_nest_end(message, list);
	}
	mnl_attr_nest_end(message, peer);
}

struct parts {
	struct arena *arena;
	struct wg_part *items;
	size_t count, capacity;
};

static void add_part(struct parts *parts, const struct wg_part *part)
{
	arena_room(parts->arena, &parts->items, parts->count,
		   &parts->capacity, sizeof(*parts->items));
	parts->items[parts->count++] = *part;
}

/*
 * An entry too long for one message.  What goes on is for a peer that is
 * there: should somebody have removed it meanwhile, it stays so.
 */
static void cut(struct parts *parts, const struct wg_entry *entry,
		size_t place)
{
	struct wg_entry rest = *entry;

	do {
		struct wg_entry *piece = arena_copy(parts->arena, &rest,
						    sizeof(rest));
		size_t space = head_space(&rest), count = 0;

		while (count < rest.prefix_count) {
			space += prefix_space(&rest.prefixes[count],
					      rest.remove_prefixes);
			if (space > ROOM)
				break;
			count++;
		}
		piece->prefix_count = count;
		rest.prefixes += count;
		rest.prefix_count -= count;
		rest.fields = 0;
		rest.flags |= WGPEER_F_UPDATE_ONLY;
		add_part(parts, &(struct wg_part){
			.entries = piece,
			.count = 1,
			.first = place,
			.next = rest.prefix_count ? place : place + 1,
		});
	} while (rest.prefix_count);
}

struct wg_part *wg_split(struct arena *arena, const struct wg_entry *entries,
			 size_t count, size_t *part_count)
{
	struct parts parts = { .arena = arena };
	size_t next;

	for (size_t i = 0; i < count; i = next) {
		size_t space = entry_space(&entries[i]);

		next = i + 1;
		if (space > ROOM) {
			cut(&parts, &entries[i], i);
			continue;
		}
		while (next < count) {
			space += entry_space(&entries[next]);
			if (space > ROOM)
				break;
			next++;
		}
		add_part(&parts, &(struct wg_part){
			.entries = entries + i,
			.count = next - i,
			.first = i,
			.next = next,
		});
	}
	*part_count = parts.count;
	return parts.items;
}

struct nlmsghdr *wg_encode_part(struct arena *arena, uint16_t family,
				const struct wg_part *part)
{
	struct nlmsghdr *message;
	struct nlattr *list;
	size_t space = 0;

	for (size_t i = 0; i < part->count; i++)
		space += entry_space(&part->entries[i]);
	message = start(arena, space, family, WG_CMD_SET_DEVICE);
	list = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	for (size_t i = 0; i < part->count; i++)
		put_entry(message, &part->entries[i]);
	mnl_attr_nest_end(message, list);
	return message;
}

struct nlmsghdr *wg_encode_moved_away(struct arena *arena, uint16_t family,
				      const struct wg_part *part,
				      const struct key *fresh)
{
	const struct wg_entry away = {
		.public_key = fresh,
		.flags = WGPEER_F_REMOVE_ME,
	};
	const struct wg_entry holder = { .public_key = fresh };
	size_t space = head_space(&holder) + head_space(&away);
	struct nlattr *list, *peer, *prefixes;
	struct nlmsghdr *message;

	for (size_t i = 0; i < part->count; i++)
		space += entry_space(&part->entries[i]);
	message = start(arena, space, family, WG_CMD_SET_DEVICE);
	list = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	peer = mnl_attr_nest_start(message, 0);
	put_head(message, &holder);
	prefixes = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
	for (size_t i = 0; i < part->count; i++) {
		struct wg_entry entry = part->entries[i];

		entry.remove_prefixes = false;
		put_prefixes(message, &entry);
	}
	mnl_attr_nest_end(message, prefixes);
	mnl_attr_nest_end(message, peer);
	put_entry(message, &away);
	mnl_attr_nest_end(message, list);
	return message;
}
