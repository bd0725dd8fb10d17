/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was sent to each peer when the last run looked. */
#include <stdlib.h>
#include <string.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/trace.h"
#include "plan/plan.h"
#include "state/text.h"

#define SAMPLE "sample"
#define SAMPLE_LIMIT ((size_t)16 << 20)

static const struct field fields[] = {
	{ "public-key", FIELD_KEY, offsetof(struct sample_peer, public_key) },
	{ "sent", FIELD_U64, offsetof(struct sample_peer, sent) },
};

static int compare(const void *a, const void *b)
{
	const struct sample_peer *x = a, *y = b;

	return key_compare(&x->public_key, &y->public_key);
}

/* Counters begin anew with each boot and in each namespace. */
static bool is_of_here(const struct store *s, const struct identity *of)
{
	return store_is_here(s, of);
}

bool sample_lines(struct records *r, struct sample *out)
{
	struct sample_peer *peers = NULL;
	size_t count = 0, capacity = 0;
	struct record record;

	while (record_next(r, &record)) {
		arena_room(r->arena, &peers, count, &capacity,
			   sizeof(*peers));
		if (!str_is(record.kind, "peer") || count == TEXT_PEERS_MAX ||
		    !record_read(r, &record, fields, array_size(fields),
				 memset(&peers[count], 0, sizeof(*peers))))
			return false;
		count++;
	}
	if (r->bad)
		return false;
	if (count)
		items_sort(peers, count, sizeof(*peers), compare);
	*out = (struct sample){ peers, count };
	return true;
}

void sample_read(struct store *s, struct arena *arena, struct sample *out)
{
	struct records r = { .arena = arena, .secrets = arena };
	struct identity of = { 0 };
	struct err ignored;
	bool found;

	*out = (struct sample){ 0 };
	if (store_read(s->run, SAMPLE, SAMPLE_LIMIT, arena, &r.rest, &found,
		       &ignored) < 0 || !found)
		return;
	if (!header_read(&r, SAMPLE, &of) || !is_of_here(s, &of) ||
	    !sample_lines(&r, out))
		*out = (struct sample){ 0 };
}

int sample_write(struct store *s, struct arena *arena,
		 const struct state *have, struct err *e)
{
	size_t mark = arena_mark(arena);
	struct str old, text;
	struct sbuf out;
	bool found;
	int status = 0;

	if (s->run < 0)
		return 0;
	/* What is compared with is the last one's, and decides nothing. */
	trace_pause();
	sbuf_init(&out, arena);
	header_write(&out, SAMPLE, &s->here);
	for (size_t i = 0; i < have->device_count; i++) {
		const struct device *d = &have->devices[i];

		for (size_t j = 0; d->owned && j < d->peer_count; j++) {
			struct sample_peer peer = {
				.public_key = d->peers[j].public_key,
				.sent = d->peers[j].sent,
			};

			record_write(&out, "peer", fields, array_size(fields),
				     &peer);
		}
	}
	text = (struct str){ out.data, out.size };
	if (store_read(s->run, SAMPLE, SAMPLE_LIMIT, arena, &old, &found,
		       e) < 0)
		found = false;
	if (!found || !str_equal(old, text))
		status = file_write(s->run, SAMPLE, text, 0644, e);
	trace_resume();
	arena_reset(arena, mark);
	return status;
}
