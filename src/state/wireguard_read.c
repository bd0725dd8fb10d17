/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wireguard.conf: sections, keys, and whose a directive is. */
#include <string.h>

#include "base/arena.h"
#include "state/reader.h"

/* The keys there are; those of [Interface] first. */
enum word {
	WORD_ADDRESS,
	WORD_LISTEN_PORT,
	WORD_FWMARK,
	WORD_MTU,
	WORD_TABLE,
	WORD_PUBLIC_KEY,
	WORD_ALLOWED_IPS,
	WORD_ENDPOINT,
	WORD_KEEPALIVE,
	WORD_COUNT,
};

_Static_assert(WORD_COUNT <= array_size(((struct wireguard_reader *)0)->seen),
	       "seen has a place for every key");

static const char *const words[WORD_COUNT] = {
	[WORD_ADDRESS] = "Address",
	[WORD_LISTEN_PORT] = "ListenPort",
	[WORD_FWMARK] = "FwMark",
	[WORD_MTU] = "MTU",
	[WORD_TABLE] = "Table",
	[WORD_PUBLIC_KEY] = "PublicKey",
	[WORD_ALLOWED_IPS] = "AllowedIPs",
	[WORD_ENDPOINT] = "Endpoint",
	[WORD_KEEPALIVE] = "PersistentKeepalive",
};

/* Keys of wg-quick that have their place elsewhere. */
static const struct {
	const char *name, *hint;
} elsewhere[] = {
	{ "PrivateKey", "the private key stays in a file of its own, named by "
			"'#@ private-key-file NAME'" },
	{ "PresharedKey", "a preshared key stays in a file of its own, named "
			  "by '#@ preshared-key-file NAME'" },
	{ "DNS", "name servers are not set by a mesh" },
	{ "SaveConfig", "this file is read, never written" },
	{ "PreUp", "no command is run: routes and rules are lines of "
		   "network.batch, packet filtering is firewall.nft" },
	{ "PostUp", "no command is run: routes and rules are lines of "
		    "network.batch, packet filtering is firewall.nft" },
	{ "PreDown", "no command is run: what was set up is removed again" },
	{ "PostDown", "no command is run: what was set up is removed again" },
};

static struct peer *current_peer(struct wireguard_reader *r)
{
	return &r->peers[r->peer_count - 1];
}

bool wireguard_is_repeated(struct wireguard_reader *r, struct str *seen,
			   struct str view, const char *name)
{
	struct diag *diag;

	if (!seen->data) {
		*seen = view;
		return false;
	}
	diag = value_error(r->source, view, r->diags, "%s is given twice",
			   name);
	diag->other = place_of(r->source, *seen);
	diag->other_message = "the first is here";
	return true;
}

static void take_interface(struct wireguard_reader *r, enum word word,
			   struct str value)
{
	struct device *d = &r->out->device;
	bool automatic;

	if (word == WORD_ADDRESS) {
		if (value_addresses(r->arena, r->source, value, r->diags,
				    &r->addresses) < 0)
			return;
	} else if (word == WORD_LISTEN_PORT) {
		if (value_port(r->source, value, r->diags,
			       &d->listen_port) == 0 && d->listen_port)
			d->has |= DEVICE_LISTEN_PORT;
	} else if (word == WORD_FWMARK) {
		if (value_fwmark(r->source, value, r->diags, &d->fwmark,
				 &automatic) == 0 && automatic)
			d->automatic |= DEVICE_FWMARK;
	} else if (word == WORD_MTU) {
		r->out->mtu = place_of(r->source, value);
		if (value_mtu(r->source, value, r->diags, &d->mtu,
			      &automatic) == 0 && !automatic)
			d->automatic &= ~(unsigned int)DEVICE_MTU;
	} else if (!value_word_is(value, "off")) {
		value_error(r->source, value, r->diags,
			    "Table is %s, and can only be 'off' here",
			    value_show(r->diags, value))->hint =
			"routes are lines of network.batch";
	}
}

static void take_peer(struct wireguard_reader *r, enum word word,
		      struct str value)
{
	struct peer *p = current_peer(r);
	struct value_endpoint e;

	if (word == WORD_PUBLIC_KEY) {
		p->where = place_of(r->source, value);
		if (value_key(r->source, value, words[word], r->diags,
			      &p->public_key) == 0)
			r->key_valid = true;
	} else if (word == WORD_ALLOWED_IPS) {
		if (value_allowed_ips(r->arena, r->source, value, r->diags,
				      &r->allowed) < 0)
			return;
	} else if (word == WORD_KEEPALIVE) {
		if (value_keepalive(r->source, value, r->diags,
				    &p->keepalive) < 0)
			return;
	} else if (value_endpoint(r->arena, r->source, value, r->diags,
				  &e) == 0) {
		p->endpoint_where = place_of(r->source, value);
		p->endpoint = e.endpoint;
		p->endpoint_host = e.host;
		p->endpoint_port = e.host ? e.port : 0;
	}
}

/* A key that is none of ours: one of wg-quick's, or a slip. */
static void refuse_key(struct wireguard_reader *r, struct str key)
{
	size_t first = r->section == SECTION_PEER ? WORD_PUBLIC_KEY : 0;
	size_t end = r->section == SECTION_PEER ? WORD_COUNT : WORD_PUBLIC_KEY;

	for (size_t i = 0; i < array_size(elsewhere); i++) {
		struct diag *diag;

		if (!value_word_is(key, elsewhere[i].name))
			continue;
		diag = value_error(r->source, key, r->diags,
				   "%s does not belong into this file",
				   elsewhere[i].name);
		diag->hint = elsewhere[i].hint;
		return;
	}
	value_unknown(r->source, key, r->diags, "key", words + first,
		      end - first);
}

static void take_pair(struct wireguard_reader *r, const struct ini_line *line)
{
	enum word word = 0;
	bool of_peer;

	if (r->section == SECTION_NONE) {
		if (!r->header.data)
			value_error(r->source, line->key, r->diags,
				    "a key stands before the first section");
		return;
	}
	while (word < WORD_COUNT && !value_word_is(line->key, words[word]))
		word++;
	if (word == WORD_COUNT) {
		refuse_key(r, line->key);
		return;
	}
	of_peer = word >= WORD_PUBLIC_KEY;
	if (of_peer != (r->section == SECTION_PEER)) {
		value_error(r->source, line->key, r->diags,
			    "%s belongs to %s", words[word],
			    of_peer ? "a [Peer]" : "[Interface]");
		return;
	}
	if (word != WORD_ADDRESS && word != WORD_ALLOWED_IPS &&
	    wireguard_is_repeated(r, &r->seen[word], line->key, words[word]))
		return;
	if (of_peer)
		take_peer(r, word, line->value);
	else
		take_interface(r, word, line->value);
}

/* The current peer's prefixes: masked, in order, each once, with places. */
static void keep_allowed(struct wireguard_reader *r, struct peer *p)
{
	struct prefix_list *list = &r->allowed;
	struct prefix *prefixes;
	struct place *places;

	if (!list->count)
		return;
	for (size_t i = 0; i < list->count; i++)
		list->items[i].prefix = prefix_mask(list->items[i].prefix);
	prefix_list_sort(list);
	prefixes = arena_new_array(r->arena, struct prefix, list->count);
	places = arena_new_array(r->arena, struct place, list->count);
	for (size_t i = 0; i < list->count; i++) {
		prefixes[i] = list->items[i].prefix;
		places[i] = list->items[i].where;
	}
	p->allowed_ips = prefixes;
	p->allowed_ip_places = places;
	p->allowed_ip_count = list->count;
	r->prefix_count += list->count;
	list->count = 0;
}

static void keep_addresses(struct wireguard_reader *r)
{
	const struct prefix_list *list = &r->addresses;
	struct device *d = &r->out->device;
	struct prefix *prefixes;
	struct place *places;

	prefixes = arena_new_array(r->arena, struct prefix, list->count);
	places = arena_new_array(r->arena, struct place, list->count);
	for (size_t i = 0; i < list->count; i++) {
		prefixes[i] = list->items[i].prefix;
		places[i] = list->items[i].where;
	}
	d->addresses = prefixes;
	d->address_places = places;
	d->address_count = list->count;
}

/* A peer without a key that can be read is kept no longer. */
static void end_section(struct wireguard_reader *r)
{
	if (r->section != SECTION_PEER)
		return;
	keep_allowed(r, current_peer(r));
	if (!r->seen[WORD_PUBLIC_KEY].data)
		value_error(r->source, r->header, r->diags,
			    "this [Peer] has no PublicKey");
	if (!r->key_valid)
		r->peer_count--;
	if (r->prefix_count > TEXT_PREFIXES_MAX) {
		value_error(r->source, r->header, r->diags,
			    "with this [Peer] there are more than %u allowed "
			    "IPs", TEXT_PREFIXES_MAX);
		r->full = true;
	}
}

static void begin_peer(struct wireguard_reader *r)
{
	if (r->peer_count == TEXT_PEERS_MAX) {
		value_error(r->source, r->header, r->diags,
			    "this is more than %u peers", TEXT_PEERS_MAX);
		r->full = true;
		return;
	}
	arena_room(r->arena, &r->peers, r->peer_count, &r->peer_capacity,
		   sizeof(*r->peers));
	r->peers[r->peer_count++] = (struct peer){
		.where = place_of(r->source, r->header) };
	r->section = SECTION_PEER;
	r->key_valid = false;
}

static void begin_section(struct wireguard_reader *r, struct str name)
{
	static const char *const sections[] = { "Interface", "Peer" };

	end_section(r);
	r->section = SECTION_NONE;
	r->header = name;
	memset(r->seen, 0, sizeof(r->seen));
	memset(r->seen_directives, 0, sizeof(r->seen_directives));
	if (value_word_is(name, "Peer")) {
		begin_peer(r);
	} else if (!value_word_is(name, "Interface")) {
		value_unknown(r->source, name, r->diags, "section", sections,
			      array_size(sections));
	} else if (!wireguard_is_repeated(r, &r->interface_header, name,
					  "[Interface]")) {
		r->section = SECTION_INTERFACE;
		r->out->device.where = place_of(r->source, name);
	}
}

/* Directives waiting for a header are the current section's after all. */
static void take_pending(struct wireguard_reader *r)
{
	/* Those of a section that was refused are not looked at. */
	if (r->section != SECTION_NONE || !r->header.data)
		for (size_t i = 0; i < r->pending_count; i++)
			wireguard_take_directive(r, &r->pending[i]);
	r->pending_count = 0;
}

static void take_line(struct wireguard_reader *r, const struct ini_line *line)
{
	bool first = !r->header.data && line->kind != INI_PAIR;

	if (line->blank_before && !first)
		take_pending(r);
	switch (line->kind) {
	case INI_DIRECTIVE:
		arena_room(r->arena, &r->pending, r->pending_count,
			   &r->pending_capacity, sizeof(*r->pending));
		r->pending[r->pending_count++] = *line;
		return;
	case INI_SECTION:
		begin_section(r, line->key);
		if (!r->full)
			take_pending(r);
		return;
	case INI_PAIR:
		take_pending(r);
		take_pair(r, line);
		return;
	case INI_BAD:
		value_error(r->source, line->key, r->diags,
			    "this line is neither [SECTION] nor KEY = VALUE");
		return;
	case INI_END:
		take_pending(r);
		end_section(r);
		return;
	}
}

/* Peers lie in one array, which would else be copied as it grows. */
static void expect_peers(struct wireguard_reader *r)
{
	struct str rest = r->source->text, before;
	size_t sections = 0;

	while (str_next(&rest, '[', &before))
		sections++;
	if (sections > TEXT_PEERS_MAX)
		sections = TEXT_PEERS_MAX;
	r->peers = arena_new_array(r->arena, struct peer, sections);
	r->peer_capacity = sections;
}

void wireguard_read(struct arena *arena, const struct source *source,
		    struct diags *diags, struct wireguard_text *out)
{
	struct wireguard_reader r = {
		.arena = arena, .source = source, .diags = diags, .out = out };
	struct device *d = &out->device;
	struct ini_line line;
	struct ini ini;

	d->has = DEVICE_FWMARK | DEVICE_MTU | DEVICE_ALIAS | DEVICE_GROUP |
		 DEVICE_UP | DEVICE_VRF;
	d->automatic = DEVICE_MTU;
	expect_peers(&r);
	ini_start(&ini, source);
	do {
		ini_next(&ini, &line);
		take_line(&r, &line);
	} while (line.kind != INI_END && !r.full);
	keep_addresses(&r);
	d->peers = r.peers;
	d->peer_count = r.peer_count;
	if (!r.interface_header.data && !r.full)
		diag_error(diags, (struct place){ source, 0 },
			   "there is no [Interface]");
}
