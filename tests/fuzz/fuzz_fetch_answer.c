/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes between the main program and meshapply-fetch: what a reader
 * takes is written again byte for byte.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "input/fetch_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fetch_source sources[] = {
	{ .url = STR("https://one.test/office.json"),
	  .document = { .etag = STR("\"1\"") },
	  .signature = { .modified = STR("Fri, 20 Nov 2026 20:00:00 GMT") } },
	{ .url = STR("https://two.test/office.json") },
};

static void fuzz_answer(struct arena *arena, struct str text,
			struct fetch_request *request)
{
	struct fetch_answer answer;
	struct sbuf out;

	for (size_t n = 1; n <= array_size(sources); n++) {
		request->source_count = n;
		if (fetch_answer_read(arena, text, request, &answer))
			continue;
		sbuf_init(&out, arena);
		fetch_answer_write(&out, &answer);
		if (!str_equal(text, (struct str){ out.data, out.size }))
			abort();
	}
}

static void fuzz_request(struct arena *arena, struct str text)
{
	struct fetch_request request;
	struct sbuf out;

	if (fetch_request_read(arena, text, &request))
		return;
	sbuf_init(&out, arena);
	fetch_request_write(&out, &request);
	if (!str_equal(text, (struct str){ out.data, out.size }))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct fetch_request request = fetch_defaults();
	struct str text;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 28);
	mark = arena_mark(arena);
	request.sources = sources;
	text = (struct str){ arena_copy(arena, data, size), size };
	fuzz_answer(arena, text, &request);
	fuzz_request(arena, text);
	arena_reset(arena, mark);
	return 0;
}
