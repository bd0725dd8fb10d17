/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers, allowed IPs, and the policy of roaming. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

static struct arena *arena;
static struct bench bench;
static struct build want;
static struct device *device;
static struct plan plan;
static struct state have;
static struct err err;

/* A mesh of two peers is there; WANT is the same anew, to be changed. */
static void base(struct build *b)
{
	build_init(b, arena, MESH);
	device = build_device(b, "wg0", 1);
	build_addresses(b, device, "10.0.0.1/24");
	build_peer(b, device, 11, "198.51.100.1:51820",
		   "10.0.0.2/32,10.1.0.0/16");
	build_peer(b, device, 12, "198.51.100.2:51820", "10.0.0.3/32");
}

static struct build *start(void)
{
	static struct build first;

	arena = arena_new((size_t)1 << 30);
	bench_init(&bench, arena, MESH);
	base(&first);
	ck_assert_msg(!bench_converge(&bench, &first.s, NULL, &plan, &err),
		      "%s", err.text);
	base(&want);
	return &first;
}

static void end(void)
{
	arena_free(arena);
}

static void plan_last(const struct state *last)
{
	struct diags diags;

	diags_init(&diags, arena);
	ck_assert_msg(!bench_settle(&bench, &want.s, last, &diags, &err),
		      "%s", err.text);
	bench_observe(&bench, &want.s, NULL, last, &have);
	ck_assert_msg(!plan_diff(arena, &want.s, &have, last, &bench.options,
				 &plan, &err), "%s", err.text);
}

/* Take the plan; a second one has no steps. */
static void take(void)
{
	struct plan again;

	ck_assert_msg(!bench_converge(&bench, &want.s, NULL, &again, &err),
		      "%s", err.text);
}

static const char *peer_id(const char *kind, int seed)
{
	struct key key = build_key(seed);
	char text[KEY_TEXT_MAX];

	return arena_printf(arena, "%s/wg0/%s", kind, key_format(&key, text));
}

START_TEST(nothing_to_do)
{
	struct build *first = start();

	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(plan.disruption, DISRUPTION_NONE);
	end();
}
END_TEST

START_TEST(first_apply_in_order)
{
	struct build *first = start();
	struct bench fresh;
	struct plan p;

	bench_init(&fresh, arena, MESH);
	(void)first;
	ck_assert(!bench_converge(&fresh, &want.s, NULL, &p, &err));
	ck_assert_uint_eq(p.count, 7);
	ck_assert_int_eq(p.steps[0].kind, STEP_LINK_CREATE);
	ck_assert_str_eq(p.steps[0].id, "device/wg0");
	ck_assert_uint_eq(p.steps[1].fields, DEVICE_ALIAS);
	ck_assert_uint_eq(p.steps[2].fields, DEVICE_PRIVATE_KEY);
	ck_assert_str_eq(p.steps[3].id, peer_id("peer", 11));
	ck_assert_str_eq(p.steps[5].id, "address/wg0/10.0.0.1/24");
	ck_assert_uint_eq(p.steps[6].fields, DEVICE_UP);
	ck_assert_int_eq(p.disruption, DISRUPTION_NONE);
	end();
}
END_TEST

START_TEST(only_the_changed_fields)
{
	struct build *first = start();
	struct key psk = build_key(90);

	device->peers[0].keepalive = 25;
	device->peers[1].preshared_key = &psk;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_uint_eq(plan.steps[0].fields, PEER_KEEPALIVE);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_NONE);
	ck_assert_uint_eq(plan.steps[0].prefix_count, 0);
	ck_assert_uint_eq(plan.steps[1].fields, PEER_PRESHARED_KEY);
	ck_assert_int_eq(plan.steps[1].disruption, DISRUPTION_REKEY);
	ck_assert_ptr_nonnull(plan.steps[1].why);
	ck_assert(!plan.steps[0].drift);
	take();
	end();
}
END_TEST

START_TEST(zero_preshared_key_is_none)
{
	struct build *first = start();
	static const struct key zero;

	device->peers[0].preshared_key = &zero;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

START_TEST(drift_and_change)
{
	struct build *first = start();
	struct key key = build_key(11);

	model_peer(bench.model, "wg0", &key)->keepalive = 7;
	device->peers[1].keepalive = 9;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert(plan.steps[0].drift);
	ck_assert(!plan.steps[1].drift);
	plan_last(NULL);
	ck_assert(!plan.steps[0].drift);
	end();
}
END_TEST

START_TEST(prefix_moves_by_one_insert)
{
	struct build *first = start();

	device->peers[0].allowed_ip_count = 1;
	build_addresses(&want, device, "10.0.0.1/24");
	device->peer_count = 1;
	build_peer(&want, device, 12, "198.51.100.2:51820",
		   "10.0.0.3/32,10.1.0.0/16");
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_str_eq(plan.steps[0].id, peer_id("peer", 12));
	ck_assert_uint_eq(plan.steps[0].fields, PEER_ALLOWED_IPS);
	ck_assert_uint_eq(plan.steps[0].prefix_count, 1);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_MESH);
	ck_assert_ptr_nonnull(strstr(plan.steps[0].why, "10.1.0.0/16"));
	take();
	end();
}
END_TEST

START_TEST(prefixes_swap)
{
	struct build *first = start();
	struct peer *p = device->peers;
	const struct prefix *list = p[0].allowed_ips;
	size_t count = p[0].allowed_ip_count;

	p[0].allowed_ips = p[1].allowed_ips;
	p[0].allowed_ip_count = p[1].allowed_ip_count;
	p[1].allowed_ips = list;
	p[1].allowed_ip_count = count;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_uint_eq(plan_kinds(&plan, STEP_PEER_CHANGE), 2);
	take();
	end();
}
END_TEST

START_TEST(prefix_nobody_wants)
{
	struct build *first = start();
	const struct step *s;

	device->peers[0].allowed_ip_count = 1;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 1);
	s = plan_step(&plan, STEP_ALLOWED_IPS_REMOVE,
		      peer_id("allowed-ips", 11));
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->phase, PHASE_REMOVE_ALLOWED_IPS);
	ck_assert_uint_eq(s->prefix_count, 1);
	take();
	end();
}
END_TEST

START_TEST(prefix_of_a_peer_that_goes)
{
	struct build *first = start();

	device->peer_count = 0;
	build_peer(&want, device, 12, "198.51.100.2:51820",
		   "10.0.0.3/32,10.1.0.0/16");
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.steps[0].kind, STEP_PEER_CHANGE);
	/* Its session is there, but the other side does not send by it yet. */
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_MESH);
	ck_assert_int_eq(plan.steps[1].kind, STEP_PEER_REMOVE);
	ck_assert_int_eq(plan.steps[1].phase, PHASE_REMOVE_PEERS);
	ck_assert_int_eq(plan.steps[1].disruption, DISRUPTION_SESSION);
	ck_assert_str_eq(plan.steps[1].id, peer_id("peer", 11));
	take();
	end();
}
END_TEST

START_TEST(peer_gets_a_new_key)
{
	struct build *first = start();

	device->peers[0].public_key = build_key(13);
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.steps[0].kind, STEP_PEER_ADD);
	ck_assert_int_eq(plan.steps[0].disruption, DISRUPTION_SESSION);
	ck_assert_int_eq(plan.steps[1].kind, STEP_PEER_REMOVE);
	take();
	end();
}
END_TEST

START_TEST(own_key_among_peers_is_left_out)
{
	struct build *first = start();

	build_peer(&want, device, 1 + 0x4000, NULL, NULL);
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_ge(plan.note_count, 1);
	end();
}
END_TEST

enum file { SAME, CHANGED, LOST, NAME_SAME, NAME_OTHER };

static const struct roam {
	enum file file;
	bool keepalive, sent, resolved;
	int64_t handshake;	/* seconds ago; -1: none */
	bool set;
} roams[] = {
	/* file	  keepalive sent resolved handshake set */
	{ SAME, false, false, false, 10, false },
	{ SAME, true, true, false, 10, false },
	{ SAME, true, true, false, 180, false },
	{ SAME, true, false, false, 181, true },
	{ SAME, false, true, false, 181, true },
	{ SAME, false, false, false, 181, false },
	{ SAME, false, false, false, -1, false },
	{ SAME, true, false, false, -1, true },
	{ SAME, false, true, false, -1, true },
	{ SAME, true, true, false, -50, false },	/* clock set back */
	{ CHANGED, false, false, false, 10, true },
	{ CHANGED, false, false, false, 500, true },
	{ LOST, false, false, false, 10, false },
	{ LOST, true, false, false, 10, false },
	{ LOST, true, false, false, 500, true },
	{ NAME_SAME, false, false, false, 10, false },
	{ NAME_SAME, true, false, false, 500, true },
	{ NAME_SAME, true, true, true, 500, false },
	{ NAME_OTHER, false, false, false, 10, true },
	{ NAME_OTHER, false, false, true, 10, false },
}, static_roams[] = {
	{ SAME, false, false, false, 10, true },
	{ SAME, true, true, false, 10, true },
	{ SAME, false, false, false, -1, true },
	{ CHANGED, false, false, false, 10, true },
	{ LOST, false, false, false, 10, true },
	{ NAME_SAME, false, false, false, 10, true },
	{ NAME_SAME, false, false, true, 10, false },
}, hint_roams[] = {
	{ SAME, false, false, false, 10, false },
	{ SAME, true, true, false, 500, false },
	{ CHANGED, false, false, false, 10, false },
	{ LOST, true, false, false, -1, false },
	{ NAME_OTHER, true, false, false, 500, false },
};

static const struct {
	enum endpoint_policy policy;
	const struct roam *cases;
	size_t count;
} policies[] = {
	{ ENDPOINT_ROAM, roams, array_size(roams) },
	{ ENDPOINT_DNS, roams, array_size(roams) },
	{ ENDPOINT_STATIC, static_roams, array_size(static_roams) },
	{ ENDPOINT_HINT, hint_roams, array_size(hint_roams) },
};

static void roam_last(const struct roam *r, struct peer *wanted,
		      struct build *first)
{
	struct peer *last = &first->s.devices[0].peers[0];
	static struct endpoint resolved[2];

	if (r->file == NAME_SAME || r->file == NAME_OTHER) {
		wanted->endpoint_host = "vpn.example.net";
		wanted->endpoint_port = 51820;
		last->endpoint_host = r->file == NAME_SAME ?
			"vpn.example.net" : "old.example.net";
		last->endpoint_port = 51820;
		last->endpoint = (struct endpoint){ 0 };
		resolved[0] = wanted->endpoint;
		resolved[1] = build_endpoint("203.0.113.9:1024");
		wanted->resolved = resolved;
		wanted->resolved_count = r->resolved ? 2 : 1;
	} else if (r->file == CHANGED) {
		last->endpoint = build_endpoint("198.51.100.77:51820");
	}
}

static void one_roam(const struct roam *r, enum endpoint_policy policy)
{
	struct build *first = start();
	struct peer *wanted = &device->peers[0], *now;
	struct sample_peer old = { .public_key = wanted->public_key,
				   .sent = 100 };
	struct sample sample = { &old, 1 };

	now = model_peer(bench.model, "wg0", &wanted->public_key);
	now->endpoint = build_endpoint("203.0.113.9:1024");
	now->keepalive = wanted->keepalive = r->keepalive ? 25 : 0;
	now->sent = r->sent ? 101 : 100;
	wanted->endpoint_policy = policy;
	if (r->handshake != -1)
		now->last_handshake = bench.options.now - r->handshake;
	bench.options.sample = &sample;
	roam_last(r, wanted, first);
	plan_last(r->file == LOST ? NULL : &first->s);
	ck_assert_msg(plan.count == r->set, "policy %d, file %d, handshake "
		      "%d: %zu steps", policy, r->file, (int)r->handshake,
		      plan.count);
	ck_assert_uint_ge(plan.note_count, 1);
	if (r->set)
		ck_assert_uint_eq(plan.steps[0].fields, PEER_ENDPOINT);
	end();
}

START_TEST(roaming)
{
	for (size_t i = 0; i < array_size(policies); i++)
		for (size_t j = 0; j < policies[i].count; j++)
			one_roam(&policies[i].cases[j], policies[i].policy);
}
END_TEST

/* Which names are looked up, by the policy and how the peer is. */
START_TEST(names_asked_for)
{
	struct plan_options options = { .now = 1000000 };
	struct peer now = { .endpoint = build_endpoint("203.0.113.9:1024") };
	struct peer wanted = { .endpoint_host = "a.example.net",
			       .endpoint_port = 1, .keepalive = 25 };
	struct peer last = wanted;

	now.last_handshake = options.now - 10;
	for (size_t i = 0; i < ENDPOINT_POLICIES; i++) {
		bool always = i == ENDPOINT_ROAM || i == ENDPOINT_STATIC;
		bool dns = i == ENDPOINT_DNS;

		wanted.endpoint_policy = (enum endpoint_policy)i;
		ck_assert(settle_asks(&options, &wanted, NULL, NULL));
		ck_assert_int_eq(settle_asks(&options, &wanted, &now, NULL),
				 always);
		ck_assert_int_eq(settle_asks(&options, &wanted, &now, &last),
				 always);
		last.endpoint_port = 2;
		ck_assert_int_eq(settle_asks(&options, &wanted, &now, &last),
				 always || dns);
		last.endpoint_port = 1;
		now.last_handshake = options.now - 500;
		ck_assert_int_eq(settle_asks(&options, &wanted, &now, &last),
				 always || dns);
		now.last_handshake = options.now - 10;
		last.endpoint_port = 1;
	}
	now.endpoint = (struct endpoint){ 0 };
	ck_assert(settle_asks(&options, &wanted, &now, &last));
}
END_TEST

START_TEST(endpoint_where_there_was_none)
{
	struct build *first = start();
	struct key key = build_key(11);

	model_peer(bench.model, "wg0", &key)->endpoint =
		(struct endpoint){ 0 };
	plan_last(NULL);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.steps[0].fields, PEER_ENDPOINT);
	(void)first;
	end();
}
END_TEST

START_TEST(name_that_does_not_resolve)
{
	struct build *first = start();

	device->peers[0].endpoint = (struct endpoint){ 0 };
	device->peers[0].endpoint_host = "gone.example.net";
	device->peers[0].endpoint_port = 51820;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_eq(plan.note_count, 1);
	ck_assert_ptr_nonnull(strstr(plan.notes[0], "did not resolve"));
	device->peers[0].name_unasked = true;
	device->peers[0].endpoint_policy = ENDPOINT_DNS;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_ptr_nonnull(strstr(plan.notes[0], "looked up again"));
	device->peers[0].endpoint_policy = ENDPOINT_HINT;
	plan_last(&first->s);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_ptr_nonnull(strstr(plan.notes[0], "a hint"));
	end();
}
END_TEST

/* An endpoint cannot be unset: the undo makes the peer anew, but only while
   nothing was ever heard from it. */
START_TEST(endpoint_undone)
{
	struct build *first = start();
	struct plan_options restore = { .now = 1000000, .restore = true };
	struct key key = build_key(11);
	struct state before;
	struct peer *p = model_peer(bench.model, "wg0", &key);

	p->endpoint = (struct endpoint){ 0 };
	bench_observe(&bench, &first->s, NULL, NULL, &before);
	p->endpoint = build_endpoint("198.51.100.1:51820");
	bench_observe(&bench, &first->s, NULL, NULL, &have);
	ck_assert(!plan_diff(arena, &before, &have, NULL, &restore, &plan,
			     &err));
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.steps[0].kind, STEP_PEER_REMOVE);
	ck_assert_int_eq(plan.steps[1].kind, STEP_PEER_ADD);
	ck_assert_ptr_null(bench_undo(&bench, &before, &first->s, NULL));
	p = model_peer(bench.model, "wg0", &key);
	p->endpoint = build_endpoint("198.51.100.1:51820");
	p->last_handshake = 999999;
	bench_observe(&bench, &first->s, NULL, NULL, &have);
	ck_assert(!plan_diff(arena, &before, &have, NULL, &restore, &plan,
			     &err));
	ck_assert_uint_eq(plan.count, 0);
	end();
}
END_TEST

/* Peers of N prefixes each, their keys spread over the whole range. */
static struct device *crowd(struct build *b, size_t peers, size_t each)
{
	struct device *d;

	build_init(b, arena, MESH);
	d = build_device(b, "wg0", 1);
	d->peers = arena_new_array(arena, struct peer, peers);
	d->peer_count = peers;
	for (size_t i = 0; i < peers; i++) {
		struct prefix *list = arena_new_array(arena, struct prefix,
						      each);

		d->peers[i].public_key = build_key((int)i);
		d->peers[i].public_key.bytes[2] = (uint8_t)(i >> 16);
		for (size_t j = 0; j < each; j++) {
			uint32_t n = (uint32_t)(i * each + j);

			list[j] = (struct prefix){ .length = 32, .ip = {
				.family = 2, .bytes = { 10, (uint8_t)(n >> 16),
				(uint8_t)(n >> 8), (uint8_t)n } } };
		}
		d->peers[i].allowed_ips = list;
		d->peers[i].allowed_ip_count = each;
	}
	state_normalise(&b->s);
	return d;
}

static double plan_seconds(const struct state *w, const struct state *h)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	ck_assert(!plan_diff(arena, w, h, NULL, &bench.options, &plan, &err));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) +
		(double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Every prefix moves to the next peer: the worst for the map of owners. */
START_TEST(time_is_linear)
{
	struct build a, b;
	struct device *w, *h;
	double small, large;

	start();
	w = crowd(&a, 2500, 4);
	h = crowd(&b, 2500, 4);
	h->owned = true;
	for (size_t i = 0; i + 1 < 2500; i++)
		w->peers[i].allowed_ips = h->peers[i + 1].allowed_ips;
	w->peers[2499].allowed_ips = h->peers[0].allowed_ips;
	small = plan_seconds(&a.s, &b.s);
	ck_assert_uint_eq(plan.count, 2500);
	w = crowd(&a, 20000, 4);
	h = crowd(&b, 20000, 4);
	h->owned = true;
	for (size_t i = 0; i + 1 < 20000; i++)
		w->peers[i].allowed_ips = h->peers[i + 1].allowed_ips;
	w->peers[19999].allowed_ips = h->peers[0].allowed_ips;
	large = plan_seconds(&a.s, &b.s);
	ck_assert_uint_eq(plan.count, 20000);
	/* Eight times as much; quadratic would be 64 times. */
	ck_assert_msg(large < 30 * small + 0.05, "%f s, then %f s", small,
		      large);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(nothing_to_do), CHECK_CASE(first_apply_in_order),
		CHECK_CASE(only_the_changed_fields),
		CHECK_CASE(zero_preshared_key_is_none),
		CHECK_CASE(drift_and_change),
		CHECK_CASE(prefix_moves_by_one_insert),
		CHECK_CASE(prefixes_swap), CHECK_CASE(prefix_nobody_wants),
		CHECK_CASE(prefix_of_a_peer_that_goes),
		CHECK_CASE(peer_gets_a_new_key),
		CHECK_CASE(own_key_among_peers_is_left_out),
		CHECK_CASE(roaming), CHECK_CASE(names_asked_for),
		CHECK_CASE(endpoint_where_there_was_none),
		CHECK_CASE(name_that_does_not_resolve),
		CHECK_CASE(endpoint_undone), CHECK_CASE(time_is_linear),
	};

	return check_run("plan: peers", cases, array_size(cases));
}
