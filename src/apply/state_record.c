/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/state_record.h"

#include <string.h>
#include <sys/socket.h>

#include "apply/sysctl_side.h"
#include "base/arena.h"
#include "state/text.h"

#define DEVICE(name, kind, member) \
	{ name, kind, offsetof(struct device, member) }
#define PEER(name, kind, member) \
	{ name, kind, offsetof(struct peer, member) }
#define ROUTE(name, kind, member) \
	{ name, kind, offsetof(struct route, member) }
#define RULE(name, kind, member) \
	{ name, kind, offsetof(struct rule, member) }

static const struct field device_fields[] = {
	DEVICE("name", FIELD_LINK_NAME, name),
	DEVICE("has", FIELD_U32, has),
	DEVICE("private-key", FIELD_SECRET, private_key),
	DEVICE("public-key", FIELD_KEY, public_key),
	DEVICE("listen-port", FIELD_U16, listen_port),
	DEVICE("fwmark", FIELD_U32, fwmark),
	DEVICE("mtu", FIELD_U32, mtu),
	DEVICE("group", FIELD_U32, group),
	DEVICE("alias", FIELD_ALIAS, alias),
	DEVICE("up", FIELD_BOOL, up),
	DEVICE("vrf", FIELD_LINK_NAME, vrf),
	DEVICE("index", FIELD_U32, index),
	DEVICE("owned", FIELD_BOOL, owned),
};

static const struct field peer_fields[] = {
	PEER("public-key", FIELD_KEY, public_key),
	PEER("preshared-key", FIELD_SECRET, preshared_key),
	PEER("endpoint", FIELD_IP, endpoint.ip),
	PEER("port", FIELD_U16, endpoint.port),
	PEER("scope", FIELD_U32, endpoint.scope),
	PEER("keepalive", FIELD_U16, keepalive),
};

static const struct field prefix_fields[] = {
	{ "prefix", FIELD_PREFIX, 0 },
};

static const struct field route_fields[] = {
	ROUTE("prefix", FIELD_PREFIX, prefix),
	ROUTE("type", FIELD_U8, type),
	ROUTE("protocol", FIELD_U8, protocol),
	ROUTE("scope", FIELD_U8, scope),
	ROUTE("tos", FIELD_U8, tos),
	ROUTE("table", FIELD_U32, table),
	ROUTE("metric", FIELD_U32, metric),
	ROUTE("via", FIELD_IP, via),
	ROUTE("device", FIELD_LINK_NAME, device),
	ROUTE("source", FIELD_IP, source),
	ROUTE("mtu", FIELD_U32, mtu),
	ROUTE("advmss", FIELD_U32, advmss),
	ROUTE("mtu-locked", FIELD_BOOL, mtu_locked),
	ROUTE("onlink", FIELD_BOOL, onlink),
	ROUTE("owned", FIELD_BOOL, owned),
	ROUTE("opaque", FIELD_BOOL, opaque),
};

static const struct field rule_fields[] = {
	RULE("family", FIELD_U8, family),
	RULE("action", FIELD_U8, action),
	RULE("protocol", FIELD_U8, protocol),
	RULE("tos", FIELD_U8, tos),
	RULE("priority", FIELD_U32, priority),
	RULE("invert", FIELD_BOOL, invert),
	RULE("from", FIELD_PREFIX, from),
	RULE("to", FIELD_PREFIX, to),
	RULE("iif", FIELD_LINK_NAME, iif),
	RULE("oif", FIELD_LINK_NAME, oif),
	RULE("fwmark", FIELD_U32, fwmark),
	RULE("fwmask", FIELD_U32, fwmask),
	RULE("table", FIELD_U32, table),
	RULE("suppress-prefixlength", FIELD_I32, suppress_prefixlength),
	RULE("ip-protocol", FIELD_U8, ip_protocol),
	RULE("source-port", FIELD_U16, source_port[0]),
	RULE("source-port-last", FIELD_U16, source_port[1]),
	RULE("destination-port", FIELD_U16, destination_port[0]),
	RULE("destination-port-last", FIELD_U16, destination_port[1]),
	RULE("uid", FIELD_U32, uid_range[0]),
	RULE("uid-last", FIELD_U32, uid_range[1]),
	RULE("owned", FIELD_BOOL, owned),
	RULE("opaque", FIELD_BOOL, opaque),
};

static const struct field sysctl_fields[] = {
	{ "key", FIELD_STRING, offsetof(struct sysctl, key) },
	{ "value", FIELD_STRING, offsetof(struct sysctl, value) },
};

#define WRITE(out, prefix, kind, fields, object) do { \
	sbuf_puts(out, prefix); \
	record_write(out, kind, fields, array_size(fields), object); \
} while (0)

static void peer_write(struct sbuf *out, const char *prefix,
		       const struct peer *peer)
{
	WRITE(out, prefix, "peer", peer_fields, peer);
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		WRITE(out, prefix, "allowed-ip", prefix_fields,
		      &peer->allowed_ips[i]);
}

void state_record_write(struct sbuf *out, const char *prefix,
			const struct state *state)
{
	for (size_t i = 0; i < state->device_count; i++) {
		const struct device *d = &state->devices[i];

		WRITE(out, prefix, "device", device_fields, d);
		for (size_t j = 0; j < d->address_count; j++)
			WRITE(out, prefix, "address", prefix_fields,
			      &d->addresses[j]);
		for (size_t j = 0; j < d->peer_count; j++)
			peer_write(out, prefix, &d->peers[j]);
	}
	for (size_t i = 0; i < state->route_count; i++)
		WRITE(out, prefix, "route", route_fields, &state->routes[i]);
	for (size_t i = 0; i < state->rule_count; i++)
		WRITE(out, prefix, "rule", rule_fields, &state->rules[i]);
	for (size_t i = 0; i < state->sysctl_count; i++)
		WRITE(out, prefix, "sysctl", sysctl_fields,
		      &state->sysctls[i]);
}

/* Room for one more in ARRAY, read into it. */
#define READ(r, record, fields, array, n, capacity) ( \
	arena_room((r)->arena, &(array), n, &(capacity), sizeof(*(array))), \
	record_read(r, record, fields, array_size(fields), \
		    memset(&(array)[n], 0, sizeof(*(array)))))

static void device_read(struct state_reader *reader, struct records *r,
			const struct record *record)
{
	struct state *s = reader->state;
	struct device *d;

	if (!READ(r, record, device_fields, s->devices, s->device_count,
		  reader->devices))
		return;
	d = &s->devices[s->device_count++];
	if (!d->name[0] || strchr(d->name, '/'))
		r->bad = true;
	reader->peers = reader->addresses = 0;
	reader->address_items = NULL;
}

static struct device *last_device(struct state_reader *reader,
				  struct records *r)
{
	if (!reader->state->device_count) {
		r->bad = true;
		return NULL;
	}
	return &reader->state->devices[reader->state->device_count - 1];
}

static void peer_read(struct state_reader *reader, struct records *r,
		      const struct record *record)
{
	struct device *d = last_device(reader, r);
	struct peer *peer;

	if (!d || d->peer_count >= TEXT_PEERS_MAX ||
	    !READ(r, record, peer_fields, d->peers, d->peer_count,
		  reader->peers)) {
		r->bad = true;
		return;
	}
	peer = &d->peers[d->peer_count++];
	if (key_is_zero(&peer->public_key))
		r->bad = true;
	reader->allowed_ips = 0;
	reader->allowed_items = NULL;
}

static void address_read(struct state_reader *reader, struct records *r,
			 const struct record *record)
{
	struct device *d = last_device(reader, r);

	if (!d || !READ(r, record, prefix_fields, reader->address_items,
			d->address_count, reader->addresses))
		return;
	if (!reader->address_items[d->address_count++].ip.family)
		r->bad = true;
	d->addresses = reader->address_items;
}

static void allowed_ip_read(struct state_reader *reader, struct records *r,
			    const struct record *record)
{
	struct device *d = last_device(reader, r);
	struct peer *peer;

	if (!d || !d->peer_count) {
		r->bad = true;
		return;
	}
	peer = &d->peers[d->peer_count - 1];
	if (!READ(r, record, prefix_fields, reader->allowed_items,
		  peer->allowed_ip_count, reader->allowed_ips))
		return;
	if (!reader->allowed_items[peer->allowed_ip_count++].ip.family)
		r->bad = true;
	peer->allowed_ips = reader->allowed_items;
}

static void route_read(struct state_reader *reader, struct records *r,
		       const struct record *record)
{
	struct state *s = reader->state;

	if (!READ(r, record, route_fields, s->routes, s->route_count,
		  reader->routes))
		return;
	if (!s->routes[s->route_count++].prefix.ip.family)
		r->bad = true;
}

static void rule_read(struct state_reader *reader, struct records *r,
		      const struct record *record)
{
	struct state *s = reader->state;
	uint8_t family;

	if (!READ(r, record, rule_fields, s->rules, s->rule_count,
		  reader->rules))
		return;
	family = s->rules[s->rule_count++].family;
	if (family != AF_INET && family != AF_INET6)
		r->bad = true;
}

static void sysctl_read(struct state_reader *reader, struct records *r,
			const struct record *record)
{
	struct state *s = reader->state;
	const struct sysctl *sysctl;

	if (!READ(r, record, sysctl_fields, s->sysctls, s->sysctl_count,
		  reader->sysctls))
		return;
	sysctl = &s->sysctls[s->sysctl_count++];
	/* Root writes what stands here: nothing but our own keys. */
	if (!sysctl->key || !sysctl->value ||
	    !sysctl_known(str_of(sysctl->key)))
		r->bad = true;
}

bool state_record_read(struct state_reader *reader, struct records *r,
		       const struct record *record)
{
	static const struct {
		const char *kind;
		void (*read)(struct state_reader *reader, struct records *r,
			     const struct record *record);
	} kinds[] = {
		{ "device", device_read },	{ "peer", peer_read },
		{ "address", address_read },	{ "allowed-ip",
						  allowed_ip_read },
		{ "route", route_read },	{ "rule", rule_read },
		{ "sysctl", sysctl_read },
	};
	struct str kind = record->kind;
	size_t prefix = strlen(reader->prefix);

	if (!str_starts(kind, reader->prefix))
		return false;
	kind.data += prefix;
	kind.size -= prefix;
	for (size_t i = 0; i < array_size(kinds); i++) {
		if (!str_is(kind, kinds[i].kind))
			continue;
		kinds[i].read(reader, r, record);
		return true;
	}
	return false;
}

void state_record_end(struct state_reader *reader)
{
	state_normalise(reader->state);
}
