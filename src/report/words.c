/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "report/report.h"
#include "state/firewall.h"
#include "state/text.h"

static void change_add(struct words *w, const char *name, const char *from,
		       const char *to)
{
	if (w->change_count == array_size(w->changes))
		return;
	w->changes[w->change_count++] = (struct words_change){ name, from, to };
}

static const char *number(struct arena *arena, uint64_t value)
{
	return arena_printf(arena, "%llu", (unsigned long long)value);
}

static const char *mark(struct arena *arena, uint32_t value)
{
	return value ? arena_printf(arena, "0x%x", value) : "off";
}

static const char *key_text(struct arena *arena, const struct key *key)
{
	char text[KEY_TEXT_MAX];

	if (key_is_zero(key))
		return NULL;
	return arena_strdup(arena, key_format(key, text));
}

static const char *endpoint_text(struct arena *arena,
				 const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_MAX];

	if (!endpoint->ip.family)
		return NULL;
	return arena_strdup(arena, endpoint_format(endpoint, text));
}

static const char *prefixes_text(struct arena *arena,
				 const struct prefix *prefixes, size_t count)
{
	struct sbuf b;
	char text[PREFIX_TEXT_MAX];

	if (!count)
		return NULL;
	sbuf_init(&b, arena);
	for (size_t i = 0; i < count; i++) {
		sbuf_puts(&b, i ? ", " : "");
		sbuf_puts(&b, prefix_format(&prefixes[i], text));
	}
	return b.data;
}

static const char *keepalive_text(struct arena *arena, uint16_t seconds)
{
	return seconds ? arena_printf(arena, "%u s", seconds) : "off";
}

static void device_words(struct arena *arena, const struct step *s,
			 struct words *w)
{
	const struct device *to = s->device, *from = s->device_before;
	static const struct device none;

	if (!from)
		from = &none;
	if (s->fields & DEVICE_PRIVATE_KEY)
		change_add(w, "public key", key_text(arena, &from->public_key),
			   key_text(arena, &to->public_key));
	if (s->fields & DEVICE_LISTEN_PORT)
		change_add(w, "listen port", number(arena, from->listen_port),
			   number(arena, to->listen_port));
	if (s->fields & DEVICE_FWMARK)
		change_add(w, "mark", mark(arena, from->fwmark),
			   mark(arena, to->fwmark));
	if (s->fields & DEVICE_MTU)
		change_add(w, "MTU", from->mtu ? number(arena, from->mtu) :
			   NULL, number(arena, to->mtu));
	if (s->fields & DEVICE_ALIAS)
		change_add(w, "alias", *from->alias ? from->alias : NULL,
			   *to->alias ? to->alias : NULL);
	if (s->fields & DEVICE_GROUP)
		change_add(w, "group", mark(arena, from->group),
			   mark(arena, to->group));
	if (s->fields & DEVICE_VRF && *to->vrf)
		change_add(w, "VRF", *from->vrf ? from->vrf : NULL, to->vrf);
	if (s->fields & DEVICE_UP)
		change_add(w, "link", from->up ? "up" : "down",
			   to->up ? "up" : "down");
}

/* A key is a secret: that there is one, or another one, is all we say. */
static void preshared_words(const struct peer *from, const struct peer *to,
			    struct words *w)
{
	bool had = from && from->preshared_key;

	change_add(w, "preshared key", had ? "(one)" : NULL,
		   to->preshared_key ? had ? "(another)" : "(one)" : NULL);
}

static void peer_words(struct arena *arena, const struct step *s,
		       struct words *w)
{
	const struct peer *to = s->peer, *from = s->peer_before;
	unsigned int fields = s->fields;

	if (s->kind == STEP_PEER_ADD)
		fields = (to->preshared_key ? PEER_PRESHARED_KEY : 0u) |
			 (to->endpoint.ip.family ? PEER_ENDPOINT : 0u) |
			 (to->keepalive ? PEER_KEEPALIVE : 0u) |
			 PEER_ALLOWED_IPS;
	if (fields & PEER_ENDPOINT)
		change_add(w, "endpoint", from ?
			   endpoint_text(arena, &from->endpoint) : NULL,
			   endpoint_text(arena, &to->endpoint));
	if (fields & PEER_PRESHARED_KEY)
		preshared_words(from, to, w);
	if (fields & PEER_KEEPALIVE)
		change_add(w, "keepalive", from ?
			   keepalive_text(arena, from->keepalive) : NULL,
			   keepalive_text(arena, to->keepalive));
	if (s->kind == STEP_PEER_ADD)
		change_add(w, "allowed IPs", NULL,
			   prefixes_text(arena, to->allowed_ips,
					 to->allowed_ip_count));
	else if (s->prefix_count)
		change_add(w, "allowed IPs", NULL,
			   prefixes_text(arena, s->prefixes, s->prefix_count));
}

static void peer_object(struct arena *arena, const struct step *s,
			struct words *w)
{
	const struct peer *peer = step_peer(s);
	char text[KEY_TEXT_MAX];

	w->kind = "peer";
	w->object = arena_printf(arena, "peer %s on %s",
				 key_format(&peer->public_key, text),
				 step_device(s)->name);
	if (peer->name)
		w->object = arena_printf(arena, "%s (%s)", w->object,
					 peer->name);
}

static void device_object(struct arena *arena, const struct step *s,
			  struct words *w)
{
	w->kind = "device";
	w->object = arena_printf(arena, "device %s", step_device(s)->name);
}

static void address_object(struct arena *arena, const struct step *s,
			   struct words *w)
{
	char text[PREFIX_TEXT_MAX];

	w->kind = "address";
	w->object = arena_printf(arena, "address %s on %s",
				 prefix_format(s->prefixes, text),
				 step_device(s)->name);
}

static void route_object(struct arena *arena, const struct step *s,
			 struct words *w)
{
	struct sbuf b;

	w->kind = "route";
	sbuf_init(&b, arena);
	sbuf_puts(&b, "route ");
	route_write(&b, s->route ? s->route : s->route_before);
	w->object = b.data;
	if (s->kind != STEP_ROUTE_REPLACE || !s->route_before)
		return;
	sbuf_init(&b, arena);
	route_write(&b, s->route_before);
	change_add(w, "was", b.data, NULL);
}

static void rule_object(struct arena *arena, const struct step *s,
			struct words *w)
{
	struct sbuf b;

	w->kind = "rule";
	sbuf_init(&b, arena);
	sbuf_puts(&b, s->rule->family == AF_INET6 ? "IPv6 rule " : "rule ");
	rule_write(&b, s->rule);
	w->object = b.data;
}

static void elements_words(struct arena *arena, const struct step *s,
			   struct words *w)
{
	size_t want = s->firewall ? s->firewall->element_count : 0;
	size_t have = s->firewall_before ?
		s->firewall_before->element_count : 0;

	change_add(w, "set elements", number(arena, have),
		   number(arena, want));
}

static void firewall_object(struct arena *arena, const struct step *s,
			    struct words *w)
{
	const struct firewall *f = s->firewall ? s->firewall :
		s->firewall_before;

	w->kind = "firewall";
	w->object = arena_printf(arena, "firewall table %s%s",
				 s->table ? "" : "inet ",
				 s->table ? s->table : f->table);
	if (s->kind == STEP_FIREWALL_ELEMENTS)
		elements_words(arena, s, w);
	else if (s->kind == STEP_FIREWALL_LOAD && s->firewall_before)
		change_add(w, "rules", "the ones before", "swapped whole");
}

static void sysctl_object(struct arena *arena, const struct step *s,
			  struct words *w)
{
	w->kind = "sysctl";
	w->object = arena_printf(arena, "sysctl %s", s->sysctl->key);
	change_add(w, "value", s->sysctl_before, s->sysctl->value);
}

char step_sign(const struct step *s)
{
	switch (s->kind) {
	case STEP_LINK_CREATE:
	case STEP_PEER_ADD:
	case STEP_ADDRESS_ADD:
	case STEP_ROUTE_ADD:
	case STEP_RULE_ADD:
		return '+';
	case STEP_FIREWALL_LOAD:
		return s->firewall_before ? '~' : '+';
	case STEP_FIREWALL_ELEMENTS:
	case STEP_LINK_CHANGE:
	case STEP_DEVICE_SET:
	case STEP_PEER_CHANGE:
	case STEP_ROUTE_REPLACE:
	case STEP_SYSCTL_SET:
		return '~';
	case STEP_FIREWALL_DELETE:
	case STEP_LINK_EMPTY:
	case STEP_LINK_DELETE:
	case STEP_PEER_REMOVE:
	case STEP_ALLOWED_IPS_REMOVE:
	case STEP_ADDRESS_REMOVE:
	case STEP_ROUTE_REMOVE:
	case STEP_RULE_REMOVE:
	case STEP_FOREIGN_TABLE_DELETE:
		return '-';
	}
	return '~';
}

static void fill(struct arena *arena, const struct step *step,
		 struct words *out)
{
	switch (step->kind) {
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
	case STEP_FOREIGN_TABLE_DELETE:
		firewall_object(arena, step, out);
		return;
	case STEP_LINK_CREATE:
	case STEP_LINK_CHANGE:
	case STEP_DEVICE_SET:
		device_object(arena, step, out);
		device_words(arena, step, out);
		return;
	case STEP_LINK_EMPTY:
		device_object(arena, step, out);
		change_add(out, "peers", number(arena,
			   step->device_before ?
			   step->device_before->peer_count :
			   step->device->peer_count), NULL);
		return;
	case STEP_LINK_DELETE:
		device_object(arena, step, out);
		return;
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
		peer_object(arena, step, out);
		peer_words(arena, step, out);
		return;
	case STEP_PEER_REMOVE:
		peer_object(arena, step, out);
		return;
	case STEP_ALLOWED_IPS_REMOVE:
		peer_object(arena, step, out);
		change_add(out, "allowed IPs", prefixes_text(arena,
			   step->prefixes, step->prefix_count), NULL);
		return;
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_REMOVE:
		address_object(arena, step, out);
		return;
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_REPLACE:
	case STEP_ROUTE_REMOVE:
		route_object(arena, step, out);
		return;
	case STEP_RULE_ADD:
	case STEP_RULE_REMOVE:
		rule_object(arena, step, out);
		return;
	case STEP_SYSCTL_SET:
		sysctl_object(arena, step, out);
		return;
	}
}

/* The kernel takes almost any byte for the name of a link or in its alias. */
static const char *safe(struct arena *arena, const char *text)
{
	return text ? str_show(arena, str_of(text), SIZE_MAX) : NULL;
}

void words_of_step(struct arena *arena, const struct step *step,
		   struct words *out)
{
	memset(out, 0, sizeof(*out));
	out->sign = step_sign(step);
	fill(arena, step, out);
	out->object = safe(arena, out->object);
	for (size_t i = 0; i < out->change_count; i++) {
		out->changes[i].from = safe(arena, out->changes[i].from);
		out->changes[i].to = safe(arena, out->changes[i].to);
	}
}
