/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/wg_codec.h"

void wg_read_start(struct wg_reader *reader, struct arena *arena,
		   struct arena *secrets, struct device *device)
{
	*reader = (struct wg_reader){
		.arena = arena,
		.secrets = secrets,
		.device = device,
	};
}

void wg_read_expect(struct wg_reader *reader, size_t peers)
{
	reader->peers = arena_new_array(reader->arena, struct peer, peers);
	reader->peer_capacity = peers;
}

void wg_read_restart(struct wg_reader *reader)
{
	reader->peer_count = 0;
	reader->prefix_count = 0;
}

/* A key of zeros is none. */
static int decode_secret(struct arena *secrets, const struct nlattr *attribute,
			 const struct key **out)
{
	struct key *key;

	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) != KEY_SIZE)
		return -1;
	*out = NULL;
	if (key_is_zero(mnl_attr_get_payload(attribute)))
		return 0;
	key = arena_alloc(secrets, sizeof(*key));
	*out = key;
	return attr_get(attribute, key->bytes, KEY_SIZE);
}

static int decode_endpoint(const struct nlattr *attribute,
			   struct endpoint *out)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	sa_family_t family;

	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) < sizeof(family))
		return -1;
	memcpy(&family, mnl_attr_get_payload(attribute), sizeof(family));
	if (family == AF_INET) {
		if (attr_get(attribute, &v4, sizeof(v4)) < 0)
			return -1;
		*out = (struct endpoint){ .ip.family = AF_INET,
					  .port = ntohs(v4.sin_port) };
		memcpy(out->ip.bytes, &v4.sin_addr, sizeof(v4.sin_addr));
		return 0;
	}
	if (family != AF_INET6 || attr_get(attribute, &v6, sizeof(v6)) < 0)
		return -1;
	*out = (struct endpoint){ .ip.family = AF_INET6,
				  .port = ntohs(v6.sin6_port),
				  .scope = v6.sin6_scope_id };
	memcpy(out->ip.bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
	return 0;
}

static int decode_allowed_ip(struct attrs attrs, struct prefix *out)
{
	const struct nlattr *table[WGALLOWEDIP_A_MAX + 1];
	uint16_t family = 0;
	struct prefix prefix = { 0 };

	if (attrs_parse(attrs, table, WGALLOWEDIP_A_MAX, NULL) < 0 ||
	    !table[WGALLOWEDIP_A_FAMILY] || !table[WGALLOWEDIP_A_IPADDR] ||
	    !table[WGALLOWEDIP_A_CIDR_MASK] ||
	    attr_get(table[WGALLOWEDIP_A_FAMILY], &family,
		     sizeof(family)) < 0 ||
	    (family != AF_INET && family != AF_INET6) ||
	    attr_ip(table[WGALLOWEDIP_A_IPADDR], (uint8_t)family,
		    &prefix.ip) < 0 ||
	    attr_get(table[WGALLOWEDIP_A_CIDR_MASK], &prefix.length,
		     sizeof(prefix.length)) < 0 ||
	    prefix.length > ip_bits((uint8_t)family))
		return -1;
	*out = prefix;
	return 0;
}

static int read_allowed_ips(struct wg_reader *r, struct peer *peer,
			    const struct nlattr *list)
{
	const struct nlattr *item;
	struct attrs left;
	int more;

	if (!list)
		return 0;
	left = attrs_nested(list);
	while ((more = attrs_next(&left, &item)) > 0) {
		arena_room(r->arena, &r->prefixes, r->prefix_count,
			   &r->prefix_capacity, sizeof(*r->prefixes));
		if (decode_allowed_ip(attrs_nested(item),
				      &r->prefixes[r->prefix_count]) < 0)
			return -1;
		r->prefix_count++;
		peer->allowed_ip_count++;
	}
	return more;
}

/* The peer of this key: the last one goes on, or a new one begins. */
static struct peer *peer_of(struct wg_reader *r, const struct key *key)
{
	struct peer *peer;

	if (r->peer_count &&
	    key_equal(&r->peers[r->peer_count - 1].public_key, key))
		return &r->peers[r->peer_count - 1];
	arena_room(r->arena, &r->peers, r->peer_count, &r->peer_capacity,
		   sizeof(*r->peers));
	peer = &r->peers[r->peer_count++];
	*peer = (struct peer){ .public_key = *key };
	return peer;
}

static int read_peer(struct wg_reader *r, struct attrs attrs)
{
	const struct nlattr *table[WGPEER_A_MAX + 1];
	struct __kernel_timespec handshake = { 0 };
	struct peer *peer;
	struct key key = { 0 };

	if (attrs_parse(attrs, table, WGPEER_A_MAX, NULL) < 0 ||
	    !table[WGPEER_A_PUBLIC_KEY] ||
	    attr_get(table[WGPEER_A_PUBLIC_KEY], key.bytes, KEY_SIZE) < 0)
		return -1;
	peer = peer_of(r, &key);
	if (decode_secret(r->secrets, table[WGPEER_A_PRESHARED_KEY],
			  &peer->preshared_key) < 0 ||
	    decode_endpoint(table[WGPEER_A_ENDPOINT], &peer->endpoint) < 0 ||
	    attr_get(table[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL],
		     &peer->keepalive, sizeof(peer->keepalive)) < 0 ||
	    attr_get(table[WGPEER_A_LAST_HANDSHAKE_TIME], &handshake,
		     sizeof(handshake)) < 0 ||
	    attr_get(table[WGPEER_A_RX_BYTES], &peer->received,
		     sizeof(peer->received)) < 0 ||
	    attr_get(table[WGPEER_A_TX_BYTES], &peer->sent,
		     sizeof(peer->sent)) < 0)
		return -1;
	if (table[WGPEER_A_LAST_HANDSHAKE_TIME])
		peer->last_handshake = handshake.tv_sec;
	return read_allowed_ips(r, peer, table[WGPEER_A_ALLOWEDIPS]);
}

static int read_peers(struct wg_reader *r, const struct nlattr *list)
{
	const struct nlattr *item;
	struct attrs left;
	int more;

	if (!list)
		return 0;
	left = attrs_nested(list);
	while ((more = attrs_next(&left, &item)) > 0)
		if (read_peer(r, attrs_nested(item)) < 0)
			return -1;
	return more;
}

static int parse_part(const struct nlmsghdr *part, const struct nlattr **table)
{
	struct attrs attrs;

	return attrs_of(part, sizeof(struct genlmsghdr), &attrs) < 0 ||
	       attrs_parse(attrs, table, WGDEVICE_A_MAX, NULL) < 0 ? -1 : 0;
}

static int malformed(struct err *e)
{
	return err_set(e, ERR_FAILED, "malformed answer of WireGuard");
}

int wg_read_part(struct wg_reader *reader, const struct nlmsghdr *part,
		 struct err *e)
{
	const struct nlattr *table[WGDEVICE_A_MAX + 1];
	struct device *device = reader->device;

	if (parse_part(part, table) < 0 ||
	    attr_get(table[WGDEVICE_A_IFINDEX], &device->index,
		     sizeof(device->index)) < 0 ||
	    attr_get(table[WGDEVICE_A_LISTEN_PORT], &device->listen_port,
		     sizeof(device->listen_port)) < 0 ||
	    attr_get(table[WGDEVICE_A_FWMARK], &device->fwmark,
		     sizeof(device->fwmark)) < 0 ||
	    attr_get(table[WGDEVICE_A_PUBLIC_KEY], device->public_key.bytes,
		     KEY_SIZE) < 0 ||
	    decode_secret(reader->secrets, table[WGDEVICE_A_PRIVATE_KEY],
			  &device->private_key) < 0 ||
	    read_peers(reader, table[WGDEVICE_A_PEERS]) < 0)
		return malformed(e);
	return 0;
}

void wg_read_end(struct wg_reader *reader)
{
	const struct prefix *prefix = reader->prefixes;

	for (size_t i = 0; i < reader->peer_count; i++) {
		struct peer *peer = &reader->peers[i];

		if (!peer->allowed_ip_count)
			continue;
		peer->allowed_ips = prefix;
		prefix += peer->allowed_ip_count;
	}
	reader->device->peers = reader->peers;
	reader->device->peer_count = reader->peer_count;
}

int wg_decode_port(const struct nlmsghdr *part, uint16_t *port, struct err *e)
{
	const struct nlattr *table[WGDEVICE_A_MAX + 1];

	if (parse_part(part, table) < 0 ||
	    attr_get(table[WGDEVICE_A_LISTEN_PORT], port, sizeof(*port)) < 0)
		return malformed(e);
	return 0;
}
