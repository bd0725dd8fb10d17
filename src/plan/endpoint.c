/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of an endpoint.  One that a peer was heard from is newer than what
 * a file says, unless the file was changed or the peer is silent ("roam").
 * One that is static is put back in any case, a hint never.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/internal.h"

/* A session is dead after REJECT_AFTER_TIME, WireGuard's section 6.1. */
#define SILENT_SECONDS 180

static int sample_compare(const void *a, const void *b)
{
	const struct sample_peer *x = a, *y = b;

	return key_compare(&x->public_key, &y->public_key);
}

static bool sent_has_grown(const struct plan_options *options,
			   const struct peer *have)
{
	const struct sample *sample = options->sample;
	struct sample_peer key = { .public_key = have->public_key };
	const struct sample_peer *found;

	if (!sample || !sample->count)
		return false;
	found = bsearch(&key, sample->peers, sample->count, sizeof(key),
			sample_compare);
	return found && have->sent > found->sent;
}

bool peer_is_silent(const struct plan_options *options,
		    const struct peer *want, const struct peer *have)
{
	if (have->last_handshake &&
	    options->now - have->last_handshake <= SILENT_SECONDS)
		return false;
	return want->keepalive || sent_has_grown(options, have);
}

/* A name that gives other addresses today is still the same name. */
static bool file_has_changed(const struct peer *want, const struct peer *last)
{
	if (!last)
		return false;
	if (want->endpoint_host || last->endpoint_host)
		return !want->endpoint_host || !last->endpoint_host ||
			strcmp(want->endpoint_host,
			       last->endpoint_host) != 0 ||
			want->endpoint_port != last->endpoint_port;
	return endpoint_compare(&want->endpoint, &last->endpoint) != 0;
}

bool settle_asks(const struct plan_options *options, const struct peer *want,
		 const struct peer *have, const struct peer *last)
{
	if (!have || !have->endpoint.ip.family)
		return true;
	switch (want->endpoint_policy) {
	case ENDPOINT_ROAM:
	case ENDPOINT_STATIC:
		return true;
	case ENDPOINT_HINT:
		return false;
	case ENDPOINT_DNS:
		return file_has_changed(want, last) ||
			peer_is_silent(options, want, have);
	}
	return true;
}

/* Why a name gave no address. */
static const char *no_address(const struct peer *want)
{
	if (!want->name_unasked)
		return "its name did not resolve";
	return want->endpoint_policy == ENDPOINT_HINT ?
		"the file's is a hint, for a peer without one" :
		"its name is looked up again when nothing is heard from there";
}

static bool is_resolved(const struct peer *want, const struct peer *have)
{
	for (size_t i = 0; i < want->resolved_count; i++)
		if (!endpoint_compare(&want->resolved[i], &have->endpoint))
			return true;
	return false;
}

static void note_kept(struct planner *p, const struct peer *want,
		      const struct peer *have, const char *why)
{
	char key[KEY_TEXT_MAX], endpoint[ENDPOINT_TEXT_MAX];

	plan_note(p, "peer %s keeps the endpoint %s: %s",
		  key_format(&want->public_key, key),
		  endpoint_format(&have->endpoint, endpoint), why);
}

static void note_set(struct planner *p, const struct peer *want,
		     const char *why)
{
	char key[KEY_TEXT_MAX], endpoint[ENDPOINT_TEXT_MAX];

	plan_note(p, "peer %s is given the endpoint %s: %s",
		  key_format(&want->public_key, key),
		  endpoint_format(&want->endpoint, endpoint), why);
}

bool plan_endpoint_stuck(const struct planner *p, const struct peer *want,
			 const struct peer *have)
{
	/* With a handshake it was learned, and is left alone. */
	return p->options->restore && !want->endpoint.ip.family &&
		have->endpoint.ip.family && !have->last_handshake;
}

bool plan_endpoint(struct planner *p, const struct peer *want,
		   const struct peer *have, const struct peer *last)
{
	if (!want->endpoint.ip.family) {
		if (want->endpoint_host && have->endpoint.ip.family)
			note_kept(p, want, have, no_address(want));
		return false;
	}
	if (!endpoint_compare(&want->endpoint, &have->endpoint))
		return false;
	if (p->options->restore)
		return true;
	if (!have->endpoint.ip.family) {
		note_set(p, want, "it has none");
		return true;
	}
	if (p->options->reading_back)
		return false;
	if (want->endpoint_policy == ENDPOINT_HINT) {
		note_kept(p, want, have,
			  "the file's is a hint, for a peer without one");
		return false;
	}
	if (is_resolved(want, have)) {
		note_kept(p, want, have, "the name still has it");
		return false;
	}
	if (want->endpoint_policy == ENDPOINT_STATIC) {
		note_set(p, want, "its policy is static");
		return true;
	}
	if (file_has_changed(want, last)) {
		note_set(p, want, "the file's endpoint has changed");
		return true;
	}
	if (peer_is_silent(p->options, want, have)) {
		note_set(p, want, "nothing was heard from where it was");
		return true;
	}
	note_kept(p, want, have, last ? "it roamed there" :
		  "what was applied before is not known");
	return false;
}
