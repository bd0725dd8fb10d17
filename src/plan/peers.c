/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers and their allowed IPs.  A prefix belongs to one peer of a device:
 * inserting it at another takes it away from the first in one go, so that a
 * prefix that moves is one insert, and only one that nobody wants any more is
 * removed.  Linear but for a sort of the prefixes that change.
 */
#include "plan/holdings.h"
#include "plan/internal.h"

/* The sender decides the path, the receiver takes a source from one peer. */
#define FOLLOW "; lost until the other side follows, least if the peer that " \
	"takes it is changed first, the one that gives it up last"

struct peers {
	struct planner *p;
	const struct device *want, *have, *last;
	struct holdings gained, lost;
};

/* What is in A and not in B; both sorted.  OUT has room for all of A. */
static size_t prefixes_without(const struct prefix *a, size_t a_count,
			       const struct prefix *b, size_t b_count,
			       struct prefix *out)
{
	size_t count = 0, j = 0;

	for (size_t i = 0; i < a_count; i++) {
		while (j < b_count && prefix_compare(&b[j], &a[i]) < 0)
			j++;
		if (j == b_count || prefix_compare(&b[j], &a[i]))
			out[count++] = a[i];
	}
	return count;
}

static struct prefix *gained(struct peers *c, const struct peer *want,
			     const struct peer *have, size_t *count)
{
	struct prefix *out = arena_new_array(c->p->arena, struct prefix,
					     want->allowed_ip_count);

	*count = prefixes_without(want->allowed_ips, want->allowed_ip_count,
				  have->allowed_ips, have->allowed_ip_count,
				  out);
	return out;
}

/* Walk both sorted lists; one of the pair may be NULL. */
static void each_pair(struct peers *c,
		      void (*fn)(struct peers *c, const struct peer *want,
				 const struct peer *have))
{
	const struct peer *want = c->want->peers;
	const struct peer *have = c->have ? c->have->peers : NULL;
	size_t w = 0, w_end = c->want->peer_count;
	size_t h = 0, h_end = c->have ? c->have->peer_count : 0;

	while (w < w_end || h < h_end) {
		int order = w == w_end ? 1 : h == h_end ? -1 :
			peer_compare(&want[w], &have[h]);

		if (order < 0)
			fn(c, &want[w++], NULL);
		else if (order > 0)
			fn(c, NULL, &have[h++]);
		else
			fn(c, &want[w++], &have[h++]);
	}
}

static void hold(struct peers *c, struct holdings *list,
		 const struct prefix *prefixes, size_t count,
		 const struct peer *peer)
{
	for (size_t i = 0; i < count; i++)
		holdings_add(c->p->arena, list, &prefixes[i], peer);
}

static void collect(struct peers *c, const struct peer *want,
		    const struct peer *have)
{
	static const struct peer none;
	const struct peer *w = want ? want : &none, *h = have ? have : &none;
	struct prefix *moved;
	size_t count;

	if (want && have && !(peer_diff(want, have) & PEER_ALLOWED_IPS))
		return;
	moved = gained(c, w, h, &count);
	hold(c, &c->gained, moved, count, want);
	moved = gained(c, h, w, &count);
	hold(c, &c->lost, moved, count, have);
}

/* Nothing changes hands where nobody has anything. */
static void collect_all(struct peers *c)
{
	if (!c->have || !c->have->peer_count)
		return;
	each_pair(c, collect);
	holdings_sort(&c->gained);
	holdings_sort(&c->lost);
	holdings_look(&c->gained, c->have);
	holdings_look(&c->lost, c->want);
}

static struct step *peer_step(struct peers *c, enum step_kind kind,
			      enum phase phase, const struct peer *want,
			      const struct peer *have)
{
	struct step *s = plan_add(c->p, kind, phase);
	const struct peer *peer = want ? want : have;
	char key[KEY_TEXT_MAX];

	s->device = c->want;
	s->device_before = c->have;
	s->peer = peer;
	s->peer_before = have;
	s->id = arena_printf(c->p->arena, "%s/%s/%s",
			     kind == STEP_ALLOWED_IPS_REMOVE ? "allowed-ips" :
			     "peer", c->want->name,
			     key_format(&peer->public_key, key));
	return s;
}

static const struct peer *last_peer(const struct peers *c,
				    const struct peer *peer)
{
	return c->last ? device_peer(c->last, &peer->public_key) : NULL;
}

/* PREFIX is of FROM before and of TO behind the change: who notices? */
static void class_of_move(struct peers *c, struct step *s,
			  const struct prefix *prefix,
			  const struct peer *from, const struct peer *to)
{
	bool rekeyed = !device_peer(c->want, &from->public_key) &&
		!device_peer(c->have, &to->public_key);
	char text[PREFIX_TEXT_MAX], key[KEY_TEXT_MAX];

	step_class(s, rekeyed ? DISRUPTION_SESSION : DISRUPTION_MESH, NULL);
	if (s->why)
		return;
	prefix_format(prefix, text);
	if (s->kind == STEP_PEER_ADD || s->kind == STEP_PEER_CHANGE)
		s->why = arena_printf(c->p->arena, "%s moves from peer %s%s",
			text, key_format(&from->public_key, key), rekeyed ?
			", which goes: a new handshake" : FOLLOW);
	else
		s->why = arena_printf(c->p->arena, "%s moves to peer %s%s",
			text, key_format(&to->public_key, key), rekeyed ?
			": a new handshake" : FOLLOW);
}

static void class_of_gains(struct peers *c, struct step *s)
{
	for (size_t i = 0; i < s->prefix_count; i++) {
		const struct holding *h =
			holdings_find(&c->gained, &s->prefixes[i]);

		if (h && h->other && peer_compare(h->other, h->peer))
			class_of_move(c, s, &h->prefix, h->other, h->peer);
	}
}

/* What is taken over by name is told where it is. */
static void class_of_losses(struct peers *c, struct step *s,
			    const struct prefix *lost, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct holding *h = holdings_find(&c->lost, &lost[i]);

		if (h && h->other && h->other_length < h->prefix.length &&
		    peer_compare(h->other, h->peer))
			class_of_move(c, s, &h->prefix, h->peer, h->other);
	}
}

static void peer_add(struct peers *c, const struct peer *want)
{
	struct step *s = peer_step(c, STEP_PEER_ADD, PHASE_DEVICE, want, NULL);

	s->prefixes = want->allowed_ips;
	s->prefix_count = want->allowed_ip_count;
	s->fields = (want->preshared_key ? PEER_PRESHARED_KEY : 0u) |
		(want->endpoint.ip.family ? PEER_ENDPOINT : 0u) |
		(want->keepalive ? PEER_KEEPALIVE : 0u) |
		(want->allowed_ip_count ? PEER_ALLOWED_IPS : 0u);
	s->drift = last_peer(c, want) != NULL;
	class_of_gains(c, s);
}

static bool peer_drift(const struct peers *c, const struct peer *want,
		       unsigned int fields)
{
	const struct peer *last = last_peer(c, want);

	/* Keys that were applied before are not kept: no telling. */
	return last && !(fields & PEER_PRESHARED_KEY) &&
		!(peer_diff(want, last) & fields);
}

/* Prefixes that nobody takes over have to be removed by name. */
static void allowed_ips_remove(struct peers *c, const struct peer *want,
			       const struct peer *have)
{
	size_t count, left = 0;
	struct prefix *lost = gained(c, have, want, &count);
	struct step *s;

	for (size_t i = 0; i < count; i++)
		if (!holdings_find(&c->gained, &lost[i]))
			lost[left++] = lost[i];
	if (!left)
		return;
	s = peer_step(c, STEP_ALLOWED_IPS_REMOVE, PHASE_REMOVE_ALLOWED_IPS,
		      want, have);
	s->prefixes = lost;
	s->prefix_count = left;
	s->fields = PEER_ALLOWED_IPS;
	s->drift = peer_drift(c, want, PEER_ALLOWED_IPS);
	class_of_losses(c, s, lost, left);
}

/* An endpoint cannot be taken back, a peer without a session can. */
static void peer_again(struct peers *c, const struct peer *want,
		       const struct peer *have)
{
	struct step *s = peer_step(c, STEP_PEER_REMOVE, PHASE_DEVICE, NULL,
				   have);

	s->why = "an endpoint cannot be taken back otherwise";
	peer_add(c, want);
}

static void peer_change(struct peers *c, const struct peer *want,
			const struct peer *have)
{
	unsigned int fields = peer_diff(want, have);
	size_t count = 0;
	struct prefix *added = NULL;
	struct step *s;

	if (plan_endpoint_stuck(c->p, want, have)) {
		peer_again(c, want, have);
		return;
	}
	fields &= PEER_PRESHARED_KEY | PEER_KEEPALIVE | PEER_ALLOWED_IPS;
	if (plan_endpoint(c->p, want, have, last_peer(c, want)))
		fields |= PEER_ENDPOINT;
	if (fields & PEER_ALLOWED_IPS) {
		allowed_ips_remove(c, want, have);
		added = gained(c, want, have, &count);
		if (!count)
			fields &= ~(unsigned int)PEER_ALLOWED_IPS;
	}
	if (!fields)
		return;
	s = peer_step(c, STEP_PEER_CHANGE, PHASE_DEVICE, want, have);
	s->fields = fields;
	s->prefixes = added;
	s->prefix_count = count;
	s->drift = peer_drift(c, want, fields);
	if (fields & PEER_PRESHARED_KEY)
		step_class(s, DISRUPTION_REKEY,
			   "both sides need the new key at the next handshake");
	class_of_gains(c, s);
}

static void peer_remove(struct peers *c, const struct peer *have)
{
	struct step *s = peer_step(c, STEP_PEER_REMOVE, PHASE_REMOVE_PEERS,
				   NULL, have);

	s->drift = c->last && !last_peer(c, have);
	class_of_losses(c, s, have->allowed_ips, have->allowed_ip_count);
	step_class(s, DISRUPTION_SESSION, "its session ends");
}

static bool is_self(const struct device *device, const struct peer *peer)
{
	return !key_is_zero(&device->public_key) &&
		key_equal(&device->public_key, &peer->public_key);
}

static void plan_pair(struct peers *c, const struct peer *want,
		      const struct peer *have)
{
	if (have && !want)
		peer_remove(c, have);
	else if (!want)
		return;	/* each_pair() has one of both */
	else if (is_self(c->want, want))
		plan_note(c->p, "a peer has %s's own key: the kernel does not "
			  "take it", c->want->name);
	else if (have)
		peer_change(c, want, have);
	else
		peer_add(c, want);
}

void plan_peers(struct planner *p, const struct device *want,
		const struct device *have)
{
	struct peers c = {
		.p = p, .want = want, .have = have,
		.last = p->last ? state_device(p->last, want->name) : NULL,
	};

	collect_all(&c);
	each_pair(&c, plan_pair);
}
