/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apply/pending.h"
#include "base/arena.h"
#include "report/report.h"

char *age_words(int64_t seconds, char out[static 64])
{
	static const struct {
		int64_t size;
		const char *name;
	} units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
		{ 1, "second" },
	};
	size_t used = 0;

	if (seconds <= 0) {
		snprintf(out, 64, "now");
		return out;
	}
	for (size_t i = 0; i < array_size(units) && used < 40; i++) {
		int64_t n = seconds / units[i].size;

		seconds %= units[i].size;
		if (!n)
			continue;
		used += (size_t)snprintf(out + used, 64 - used,
					 "%s%" PRId64 " %s%s",
					 used ? ", " : "", n, units[i].name,
					 n == 1 ? "" : "s");
	}
	snprintf(out + used, 64 - used, " ago");
	return out;
}

char *bytes_words(uint64_t bytes, char out[static 32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < array_size(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, 32, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
	return out;
}

/* For each peer that is there whether a step of the drift speaks of it. */
static const bool *drifted_peers(struct arena *arena, const struct status *s)
{
	const struct device *d = s->have;
	bool *drifted = arena_new_array(arena, bool, d->peer_count);

	for (size_t i = 0; s->drift && i < s->drift->count; i++) {
		const struct step *step = &s->drift->steps[i];
		const struct peer *p = step_peer(step);

		if (p)
			p = device_peer(d, &p->public_key);
		if (p)
			drifted[p - d->peers] = true;
	}
	return drifted;
}

static const char *peer_verdict(const struct status *s, bool drifted)
{
	if (!s->drift)
		return "unknown";
	return drifted ? "not as applied" : "as applied";
}

/* PEER is one of those of s->have. */
static bool is_silent(const struct status *s, const struct peer *peer)
{
	return s->silent && s->silent[peer - s->have->peers];
}

static void peer_text(struct sbuf *out, const struct status *s,
		      const struct peer *peer, bool drifted)
{
	char key[KEY_TEXT_MAX], endpoint[ENDPOINT_TEXT_MAX], age[64];
	char received[32], sent[32], prefix[PREFIX_TEXT_MAX];
	const struct peer *last = s->last ?
		device_peer(s->last, &peer->public_key) : NULL;

	sbuf_printf(out, "\n  peer %s", key_format(&peer->public_key, key));
	if (last && last->name) {
		sbuf_puts(out, " (");
		sbuf_show(out, str_of(last->name), strlen(last->name));
		sbuf_putc(out, ')');
	}
	sbuf_putc(out, '\n');
	sbuf_printf(out, "    %s\n", peer_verdict(s, drifted));
	if (peer->endpoint.ip.family)
		sbuf_printf(out, "    endpoint %s\n",
			    endpoint_format(&peer->endpoint, endpoint));
	sbuf_puts(out, "    allowed IPs");
	for (size_t i = 0; i < peer->allowed_ip_count && i < 16; i++)
		sbuf_printf(out, "%s %s", i ? "," : "",
			    prefix_format(&peer->allowed_ips[i], prefix));
	if (peer->allowed_ip_count > 16)
		sbuf_printf(out, " and %zu more", peer->allowed_ip_count - 16);
	sbuf_puts(out, peer->allowed_ip_count ? "\n" : " none\n");
	sbuf_printf(out, "    last handshake %s%s\n", peer->last_handshake ?
		    age_words(s->now - peer->last_handshake, age) : "never",
		    is_silent(s, peer) ? ": silent" : "");
	sbuf_printf(out, "    received %s, sent %s\n",
		    bytes_words(peer->received, received),
		    bytes_words(peer->sent, sent));
}

static const char *verdict(const struct status *s)
{
	if (!s->have)
		return "no device";
	if (!s->drift)
		return "unknown: what was applied is not kept";
	return s->drift->count ? "drifted from what was applied" :
		"as applied";
}

static void pending_text(struct sbuf *out, const struct status *s)
{
	char age[64];

	if (!s->pending)
		return;
	sbuf_puts(out, "  a change waits to be confirmed");
	if (s->pending->by) {
		sbuf_puts(out, " (");
		sbuf_show(out, str_of(s->pending->by), SIZE_MAX);
		sbuf_putc(out, ')');
	}
	if (!s->pending->same_boot)
		sbuf_puts(out, ", since before this boot");
	else if (s->pending_left > 0)
		sbuf_printf(out, ", for %" PRId64 " s still", s->pending_left);
	else
		sbuf_printf(out, ", until %s", age_words(-s->pending_left,
							 age));
	sbuf_printf(out, "%s\n    meshapply confirm %s keeps it, meshapply "
		    "rollback %s undoes it\n", s->pending_guarded ? "" :
		    "; it has no guard", s->mesh, s->mesh);
}

void status_text(struct sbuf *out, const struct status *s, bool color)
{
	bool good = s->have && s->drift && !s->drift->count;
	char key[KEY_TEXT_MAX], prefix[PREFIX_TEXT_MAX];
	const struct device *d = s->have;
	const bool *drifted;

	sbuf_printf(out, "mesh %s: %s%s%s\n", s->mesh,
		    color ? good ? "\033[32m" : "\033[33m" : "", verdict(s),
		    color ? "\033[0m" : "");
	pending_text(out, s);
	if (!d)
		return;
	sbuf_puts(out, "  device ");
	sbuf_show(out, str_of(d->name), sizeof(d->name));
	sbuf_printf(out, ", %s, MTU %u, port %u, public key %s\n",
		    d->up ? "up" : "down", d->mtu, d->listen_port,
		    key_format(&d->public_key, key));
	for (size_t i = 0; i < d->address_count; i++)
		sbuf_printf(out, "  address %s\n",
			    prefix_format(&d->addresses[i], prefix));
	drifted = drifted_peers(out->arena, s);
	for (size_t i = 0; i < d->peer_count; i++)
		peer_text(out, s, &d->peers[i], drifted[i]);
	if (s->drift && s->drift->count) {
		sbuf_puts(out, "\nTo be as applied again:\n");
		plan_text(out, s->drift, color, false);
	}
}

static json_t *peer_json(struct arena *arena, const struct status *s,
			 const struct peer *peer, bool drifted)
{
	char key[KEY_TEXT_MAX], text[ENDPOINT_TEXT_MAX];
	const struct peer *last = s->last ?
		device_peer(s->last, &peer->public_key) : NULL;
	json_t *object = json_object(), *allowed = json_array();

	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		json_array_append_new(allowed, json_string(
			prefix_format(&peer->allowed_ips[i], text)));
	json_object_set_new(object, "public_key",
			    json_string(key_format(&peer->public_key, key)));
	if (last && last->name)
		json_object_set_new(object, "name",
				    text_json(arena, last->name));
	json_object_set_new(object, "endpoint", peer->endpoint.ip.family ?
		json_string(endpoint_format(&peer->endpoint, text)) :
		json_null());
	json_object_set_new(object, "allowed_ips", allowed);
	json_object_set_new(object, "last_handshake", peer->last_handshake ?
		json_integer(peer->last_handshake) : json_null());
	json_object_set_new(object, "received",
			    json_integer((json_int_t)peer->received));
	json_object_set_new(object, "sent",
			    json_integer((json_int_t)peer->sent));
	json_object_set_new(object, "silent",
			    json_boolean(is_silent(s, peer)));
	json_object_set_new(object, "as_applied", s->drift ?
		json_boolean(!drifted) : json_null());
	return object;
}

static json_t *pending_json(struct arena *arena, const struct status *s)
{
	const struct pending *p = s->pending;

	if (!p)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:b}", "until",
			 (json_int_t)p->until, "seconds_left",
			 p->same_boot && s->pending_left > 0 ?
			 (json_int_t)s->pending_left : (json_int_t)0,
			 "confirm_by", text_json(arena, p->by), "guarded", s->pending_guarded);
}

json_t *status_json(struct arena *arena, const struct status *s)
{
	char text[PREFIX_TEXT_MAX], key[KEY_TEXT_MAX];
	json_t *object = json_object(), *peers = json_array();
	json_t *addresses = json_array();
	const struct device *d = s->have;
	const bool *drifted;

	json_object_set_new(object, "mesh", json_string(s->mesh));
	json_object_set_new(object, "state", json_string(!d ? "absent" :
		!s->drift ? "unknown" : s->drift->count ? "drifted" :
		"as applied"));
	if (d) {
		drifted = drifted_peers(arena, s);
		for (size_t i = 0; i < d->peer_count; i++)
			json_array_append_new(peers, peer_json(arena, s,
							       &d->peers[i],
							       drifted[i]));
		for (size_t i = 0; i < d->address_count; i++)
			json_array_append_new(addresses, json_string(
				prefix_format(&d->addresses[i], text)));
		json_object_set_new(object, "device",
				    text_json(arena, d->name));
		json_object_set_new(object, "public_key", json_string(
			key_format(&d->public_key, key)));
		json_object_set_new(object, "listen_port",
				    json_integer(d->listen_port));
		json_object_set_new(object, "mtu", json_integer(d->mtu));
		json_object_set_new(object, "up", json_boolean(d->up));
	}
	json_object_set_new(object, "addresses", addresses);
	json_object_set_new(object, "peers", peers);
	json_object_set_new(object, "drift", s->drift ?
			    plan_json(arena, s->drift) : json_null());
	json_object_set_new(object, "pending", pending_json(arena, s));
	return object;
}
