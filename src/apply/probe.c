/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/probe.h"

#include <stdio.h>
#include <string.h>

#include "apply/apply.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define WORDS "handshake[:PEER], tcp:HOST:PORT, ssh, command:PATH or token"

static int put(struct str text, char *out, size_t size)
{
	if (!text.size || text.size >= size)
		return -1;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return 0;
}

static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.size; i++)
		if (!char_is_alphanumeric(host.data[i]) &&
		    !strchr(".-_:%", host.data[i]))
			return false;
	return host.size && host.data[0] != '-';
}

/* HOST:PORT, an IPv6 address in brackets. */
static int parse_tcp(struct str text, struct probe *out, struct err *e)
{
	const char *colon = text.size ?
		memrchr(text.data, ':', text.size) : NULL;
	struct str host, port;
	uint64_t number;

	if (!colon)
		return err_set(e, ERR_USAGE, "the probe tcp wants HOST:PORT");
	host = (struct str){ text.data, (size_t)(colon - text.data) };
	port = (struct str){ colon + 1, text.size - host.size - 1 };
	if (host.size > 2 && host.data[0] == '[' && str_ends(host, "]"))
		host = (struct str){ host.data + 1, host.size - 2 };
	else if (memchr(host.data, ':', host.size))
		return err_set(e, ERR_USAGE, "the probe tcp wants an IPv6 "
			       "address in brackets: tcp:[2001:db8::1]:22");
	if (!is_host(host) || put(host, out->host, sizeof(out->host)) ||
	    str_uint(port, UINT16_MAX, &number) || !number ||
	    put(port, out->port, sizeof(out->port)))
		return err_set(e, ERR_USAGE, "the probe tcp wants HOST:PORT");
	return 0;
}

static int parse_rest(struct str kind, struct str rest, struct probe *out,
		      struct err *e)
{
	if (str_is(kind, "handshake")) {
		out->kind = PROBE_HANDSHAKE;
		if (!put(rest, out->peer, sizeof(out->peer)))
			return 0;
		return err_set(e, ERR_USAGE, "the probe handshake wants a "
			       "peer's name or public key");
	}
	if (str_is(kind, "tcp")) {
		out->kind = PROBE_TCP;
		return parse_tcp(rest, out, e);
	}
	if (str_is(kind, "command")) {
		out->kind = PROBE_COMMAND;
		if (str_starts(rest, "/") &&
		    !put(rest, out->path, sizeof(out->path)))
			return 0;
		return err_set(e, ERR_USAGE, "the probe command wants a "
			       "program's whole path, without arguments");
	}
	return err_set(e, ERR_USAGE, "a probe is " WORDS);
}

int probe_parse(const char *text, struct probe *out, struct err *e)
{
	struct str rest = str_of(text), kind;

	*out = (struct probe){ 0 };
	if (!strcmp(text, "token"))
		out->kind = PROBE_TOKEN;
	else if (!strcmp(text, "ssh"))
		out->kind = PROBE_SSH;
	else if (!strcmp(text, "handshake"))
		out->kind = PROBE_HANDSHAKE;
	else if (!strchr(text, ':') || !str_next(&rest, ':', &kind))
		return err_set(e, ERR_USAGE, "a probe is " WORDS);
	else
		return parse_rest(kind, rest, out, e);
	return 0;
}

static void wait_for(struct probe *probe, const struct peer *peer)
{
	probe->peers[probe->peer_count++].public_key = peer->public_key;
}

/* By its name, or by its key. */
static int named_peer(const struct device *d, struct probe *probe,
		      struct err *e)
{
	struct key key;
	bool is_key = !key_parse(str_of(probe->peer), &key);

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct peer *peer = &d->peers[i];

		if (is_key ? key_equal(&peer->public_key, &key) :
			     peer->name && !strcmp(peer->name, probe->peer)) {
			wait_for(probe, peer);
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "the probe handshake: %s has no peer %s",
		       d->name, probe->peer);
}

/* Those that were heard last and will be peers still, the latest first. */
static void last_peers(const struct device *want, const struct device *have,
		       struct probe *probe)
{
	const struct peer *found[PROBE_PEERS];
	size_t count = 0;

	for (size_t i = 0; have && i < have->peer_count; i++) {
		const struct peer *peer = &have->peers[i];
		size_t at = count;

		if (!peer->last_handshake ||
		    !device_peer(want, &peer->public_key))
			continue;
		while (at && found[at - 1]->last_handshake <
			     peer->last_handshake)
			at--;
		if (at == PROBE_PEERS)
			continue;
		if (count < PROBE_PEERS)
			count++;
		memmove(&found[at + 1], &found[at],
			(count - at - 1) * sizeof(*found));
		found[at] = peer;
	}
	for (size_t i = 0; i < count; i++)
		wait_for(probe, found[i]);
}

static int handshake_baseline(const struct run *run, struct probe *probe,
			      struct err *e)
{
	const struct device *want = run->want->device_count ?
		&run->want->devices[0] : NULL;

	if (!want)
		return err_set(e, ERR_USAGE, "the probe handshake: there will "
			       "be no device to hear a peer");
	strcpy(probe->device, want->name);
	if (*probe->peer)
		return named_peer(want, probe, e);
	last_peers(want, state_device(&run->have, want->name), probe);
	return 0;
}

int probe_baseline(const struct run *run, struct probe *probe, struct err *e)
{
	const struct plan_path *path = run->options.path;

	if (probe->kind == PROBE_HANDSHAKE)
		return handshake_baseline(run, probe, e);
	if (probe->kind != PROBE_SSH)
		return 0;
	if (!path)
		return err_set(e, ERR_USAGE, "the probe ssh: this run did not "
			       "come over SSH, as far as can be seen");
	probe->connection = (struct connection){
		.local = path->local, .remote = path->remote,
		.local_port = path->local_port,
		.remote_port = path->remote_port,
	};
	return 0;
}

const char *probe_write(struct arena *arena, const struct probe *probe)
{
	const struct connection *c = &probe->connection;
	char local[IP_TEXT_MAX], remote[IP_TEXT_MAX], key[KEY_TEXT_MAX];
	struct sbuf out;

	if (probe->kind == PROBE_SSH)
		return arena_printf(arena, "%s,%u,%s,%u",
				    ip_format(&c->remote, remote),
				    c->remote_port,
				    ip_format(&c->local, local),
				    c->local_port);
	if (probe->kind != PROBE_HANDSHAKE)
		return NULL;
	sbuf_init(&out, arena);
	sbuf_puts(&out, probe->device);
	for (size_t i = 0; i < probe->peer_count; i++)
		sbuf_printf(&out, ",%s",
			    key_format(&probe->peers[i].public_key, key));
	return out.data;
}

static int read_end(struct str *rest, struct ip *ip, uint16_t *port)
{
	struct str word;
	uint64_t number;

	if (!str_next(rest, ',', &word) || ip_parse(word, ip) ||
	    !str_next(rest, ',', &word) ||
	    str_uint(word, UINT16_MAX, &number))
		return -1;
	*port = (uint16_t)number;
	return 0;
}

static int read_peers(struct str rest, struct probe *probe)
{
	struct str word;

	if (!str_next(&rest, ',', &word) ||
	    put(word, probe->device, sizeof(probe->device)))
		return -1;
	while (str_next(&rest, ',', &word)) {
		if (probe->peer_count == PROBE_PEERS ||
		    key_parse(word,
			      &probe->peers[probe->peer_count].public_key))
			return -1;
		probe->peer_count++;
	}
	return 0;
}

int probe_read(const char *word, struct probe *probe, struct err *e)
{
	struct connection *c = &probe->connection;
	struct str rest = str_of(word);
	int status = 0;

	if (probe->kind == PROBE_HANDSHAKE)
		status = read_peers(rest, probe);
	else if (probe->kind == PROBE_SSH)
		status = read_end(&rest, &c->remote, &c->remote_port) ||
			read_end(&rest, &c->local, &c->local_port) ||
			rest.size || c->local.family != c->remote.family ?
			-1 : 0;
	if (!status)
		return 0;
	return err_set(e, ERR_DATA, "the baseline of a probe is torn");
}
