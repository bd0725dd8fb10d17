/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/fetch_wire.h"

#include <string.h>

#include "base/arena.h"

enum fetch_frame {
	FRAME_LIMITS = 1,
	/* of a request */
	FRAME_CA,
	FRAME_PINNED,
	FRAME_HTTP_PROXY,
	FRAME_HTTPS_PROXY,
	FRAME_NO_PROXY,
	FRAME_REDIRECT_HOST,
	/* of each of its sources */
	FRAME_SOURCE,
	FRAME_KNOWN_ETAG,
	FRAME_KNOWN_MODIFIED,
	FRAME_KNOWN_SIGNATURE_ETAG,
	FRAME_KNOWN_SIGNATURE_MODIFIED,
	FRAME_TOKEN,
	FRAME_CERTIFICATE,
	FRAME_KEY,
	FRAME_HEADER,
	/* of each result of an answer */
	FRAME_RESULT,
	FRAME_URL,
	FRAME_ERROR,
	FRAME_DOCUMENT,
	FRAME_ETAG,
	FRAME_MODIFIED,
	FRAME_SIGNATURE,
	FRAME_SIGNATURE_ETAG,
	FRAME_SIGNATURE_MODIFIED,

	FRAME_END,
};

struct frame_head {
	uint32_t kind, size;
};

struct limits {
	uint32_t allow_http, size, connect, try, retries, budget;
};

struct result_head {
	uint32_t failed, status, tries, document, signature;
};

struct text_field {
	enum fetch_frame kind;
	size_t offset;		/* of a struct str in the object */
	size_t limit;
};

#define REQUEST(kind, member, limit) \
	{ kind, offsetof(struct fetch_request, member), limit }
#define SOURCE(kind, member, limit) \
	{ kind, offsetof(struct fetch_source, member), limit }
#define RESULT(kind, member, limit) \
	{ kind, offsetof(struct fetch_result, member), limit }

static const struct text_field request_texts[] = {
	REQUEST(FRAME_CA, ca, FETCH_PEM_MAX),
	REQUEST(FRAME_PINNED, pinned, FETCH_TEXT_MAX),
	REQUEST(FRAME_HTTP_PROXY, http_proxy, FETCH_TEXT_MAX),
	REQUEST(FRAME_HTTPS_PROXY, https_proxy, FETCH_TEXT_MAX),
	REQUEST(FRAME_NO_PROXY, no_proxy, FETCH_TEXT_MAX),
};

static const struct text_field source_texts[] = {
	SOURCE(FRAME_SOURCE, url, FETCH_TEXT_MAX),
	SOURCE(FRAME_KNOWN_ETAG, document.etag, FETCH_TEXT_MAX),
	SOURCE(FRAME_KNOWN_MODIFIED, document.modified, FETCH_TEXT_MAX),
	SOURCE(FRAME_KNOWN_SIGNATURE_ETAG, signature.etag, FETCH_TEXT_MAX),
	SOURCE(FRAME_KNOWN_SIGNATURE_MODIFIED, signature.modified,
	       FETCH_TEXT_MAX),
	SOURCE(FRAME_TOKEN, token, FETCH_TEXT_MAX),
	SOURCE(FRAME_CERTIFICATE, certificate, FETCH_PEM_MAX),
	SOURCE(FRAME_KEY, key, FETCH_PEM_MAX),
};

static const struct text_field result_texts[] = {
	RESULT(FRAME_URL, url, FETCH_TEXT_MAX),
	RESULT(FRAME_ERROR, error, FETCH_TEXT_MAX),
	RESULT(FRAME_DOCUMENT, document.bytes, FETCH_SIZE_MAX),
	RESULT(FRAME_ETAG, document.known.etag, FETCH_TEXT_MAX),
	RESULT(FRAME_MODIFIED, document.known.modified, FETCH_TEXT_MAX),
	RESULT(FRAME_SIGNATURE, signature.bytes, FETCH_SIGNATURE_MAX),
	RESULT(FRAME_SIGNATURE_ETAG, signature.known.etag, FETCH_TEXT_MAX),
	RESULT(FRAME_SIGNATURE_MODIFIED, signature.known.modified,
	       FETCH_TEXT_MAX),
};

static void put(struct sbuf *out, enum fetch_frame kind, const void *data,
		size_t size)
{
	struct frame_head head = { kind, (uint32_t)size };

	sbuf_add(out, &head, sizeof(head));
	sbuf_add(out, data, size);
	sbuf_putc(out, '\0');
}

static void put_texts(struct sbuf *out, const struct text_field *fields,
		      size_t count, const void *object)
{
	for (size_t i = 0; i < count; i++) {
		struct str text;

		memcpy(&text, (const char *)object + fields[i].offset,
		       sizeof(text));
		if (text.size)
			put(out, fields[i].kind, text.data, text.size);
	}
}

void fetch_request_write(struct sbuf *out, const struct fetch_request *request)
{
	struct limits limits = {
		request->allow_http, request->size_limit,
		request->connect_seconds, request->try_seconds,
		request->retries, request->budget_seconds,
	};

	put(out, FRAME_LIMITS, &limits, sizeof(limits));
	put_texts(out, request_texts, array_size(request_texts), request);
	for (size_t i = 0; i < request->redirect_host_count; i++)
		put(out, FRAME_REDIRECT_HOST, request->redirect_hosts[i].data,
		    request->redirect_hosts[i].size);
	for (size_t i = 0; i < request->source_count; i++) {
		const struct fetch_source *s = &request->sources[i];

		put_texts(out, source_texts, array_size(source_texts), s);
		for (size_t j = 0; j < s->header_count; j++)
			put(out, FRAME_HEADER, s->headers[j].data,
			    s->headers[j].size);
	}
	put(out, FRAME_END, NULL, 0);
}

void fetch_answer_write(struct sbuf *out, const struct fetch_answer *answer)
{
	uint32_t confined = answer->confined;

	put(out, FRAME_LIMITS, &confined, sizeof(confined));
	for (size_t i = 0; i < answer->count; i++) {
		const struct fetch_result *r = &answer->results[i];
		struct result_head head = {
			r->failed, r->status, r->tries,
			r->document.state, r->signature.state,
		};

		put(out, FRAME_RESULT, &head, sizeof(head));
		put_texts(out, result_texts, array_size(result_texts), r);
	}
	put(out, FRAME_END, NULL, 0);
}

/* One frame after the other; once bad, or at the end, there is none. */
struct wire {
	struct str rest;
	uint32_t kind;		/* of the frame at hand; 0: none, or bad */
	struct str payload;
};

static void next(struct wire *w)
{
	struct frame_head head;
	struct str rest = w->rest;

	w->kind = 0;
	if (rest.size < sizeof(head))
		return;
	memcpy(&head, rest.data, sizeof(head));
	rest.data += sizeof(head);
	rest.size -= sizeof(head);
	/* A kind of zero would pass for the end. */
	if (!head.kind || head.size >= rest.size || rest.data[head.size])
		return;
	w->kind = head.kind;
	w->payload = (struct str){ rest.data, head.size };
	w->rest.data = rest.data + head.size + 1;
	w->rest.size = rest.size - head.size - 1;
}

static bool take(struct wire *w, enum fetch_frame kind, void *out, size_t size)
{
	if (w->kind != kind || w->payload.size != size)
		return false;
	if (size)
		memcpy(out, w->payload.data, size);
	next(w);
	return true;
}

/* A frame that is too large, or empty, stays, and is then out of place. */
static void take_texts(struct wire *w, const struct text_field *fields,
		       size_t count, void *object)
{
	for (size_t i = 0; i < count; i++) {
		if (w->kind != fields[i].kind || !w->payload.size ||
		    w->payload.size > fields[i].limit)
			continue;
		memcpy((char *)object + fields[i].offset, &w->payload,
		       sizeof(w->payload));
		next(w);
	}
}

static const struct str *take_list(struct arena *arena, struct wire *w,
				   enum fetch_frame kind, size_t *count)
{
	struct str *items = NULL;
	size_t capacity = 0;

	while (w->kind == kind && w->payload.size &&
	       w->payload.size <= FETCH_TEXT_MAX) {
		arena_room(arena, &items, *count, &capacity, sizeof(*items));
		items[(*count)++] = w->payload;
		next(w);
	}
	return items;
}

static bool at_end(struct wire *w)
{
	return take(w, FRAME_END, NULL, 0) && !w->kind && !w->rest.size;
}

int fetch_request_read(struct arena *arena, struct str text,
		       struct fetch_request *out)
{
	struct wire w = { .rest = text };
	struct fetch_source *sources;
	struct limits limits;

	*out = (struct fetch_request){ 0 };
	next(&w);
	if (!take(&w, FRAME_LIMITS, &limits, sizeof(limits)) ||
	    limits.allow_http > 1)
		return -1;
	out->allow_http = limits.allow_http;
	out->size_limit = limits.size;
	out->connect_seconds = limits.connect;
	out->try_seconds = limits.try;
	out->retries = limits.retries;
	out->budget_seconds = limits.budget;
	take_texts(&w, request_texts, array_size(request_texts), out);
	out->redirect_hosts = take_list(arena, &w, FRAME_REDIRECT_HOST,
					&out->redirect_host_count);
	sources = arena_new_array(arena, struct fetch_source,
				  FETCH_SOURCES_MAX);
	out->sources = sources;
	while (w.kind == FRAME_SOURCE &&
	       out->source_count < FETCH_SOURCES_MAX) {
		struct fetch_source *s = &sources[out->source_count++];

		take_texts(&w, source_texts, array_size(source_texts), s);
		if (!s->url.size)
			return -1;
		s->headers = take_list(arena, &w, FRAME_HEADER,
				       &s->header_count);
	}
	return at_end(&w) ? 0 : -1;
}

/* What a header can hold, as far as it can be sent back. */
static bool known_is_sound(const struct fetch_known *known)
{
	const struct str *texts[] = { &known->etag, &known->modified };

	for (size_t i = 0; i < array_size(texts); i++)
		for (size_t j = 0; j < texts[i]->size; j++)
			if (texts[i]->data[j] < ' ' || texts[i]->data[j] > '~')
				return false;
	return true;
}

static bool known_is_empty(const struct fetch_known *known)
{
	return !known->etag.size && !known->modified.size;
}

static bool part_is_sound(const struct fetch_part *part, size_t limit,
			  const struct fetch_known *asked)
{
	switch (part->state) {
	case FETCH_NEW:
		return part->bytes.size && part->bytes.size <= limit &&
		       known_is_sound(&part->known);
	case FETCH_UNCHANGED:
		if (known_is_empty(asked))
			return false;
		break;
	case FETCH_NONE:
		break;
	}
	return !part->bytes.size && known_is_empty(&part->known);
}

/* It is what showing it makes of it. */
static bool is_shown(struct arena *arena, struct str text)
{
	size_t mark = arena_mark(arena);
	bool same = str_is(text, str_show(arena, text, SIZE_MAX));

	arena_reset(arena, mark);
	return same;
}

static bool result_is_sound(struct arena *arena, const struct fetch_result *r,
			    const struct fetch_request *request,
			    const struct fetch_source *source)
{
	if (!is_shown(arena, r->url) || !is_shown(arena, r->error) ||
	    r->tries > request->retries + 1 ||
	    !part_is_sound(&r->document, request->size_limit,
			   &source->document) ||
	    !part_is_sound(&r->signature, FETCH_SIGNATURE_MAX,
			   &source->signature))
		return false;
	if (r->failed)
		return r->error.size && r->document.state == FETCH_NONE &&
		       r->signature.state == FETCH_NONE;
	return !r->error.size && r->document.state != FETCH_NONE;
}

static bool take_result(struct wire *w, struct fetch_result *r)
{
	struct result_head head;

	if (!take(w, FRAME_RESULT, &head, sizeof(head)) || head.failed > 1 ||
	    head.document > FETCH_UNCHANGED ||
	    head.signature > FETCH_UNCHANGED)
		return false;
	r->failed = head.failed;
	r->status = head.status;
	r->tries = head.tries;
	r->document.state = head.document;
	r->signature.state = head.signature;
	take_texts(w, result_texts, array_size(result_texts), r);
	return true;
}

int fetch_answer_read(struct arena *arena, struct str text,
		      const struct fetch_request *request,
		      struct fetch_answer *out)
{
	struct fetch_answer answer = { .count = request->source_count };
	struct wire w = { .rest = text };
	uint32_t confined;

	next(&w);
	if (!take(&w, FRAME_LIMITS, &confined, sizeof(confined)) ||
	    confined > 1)
		return -1;
	answer.confined = confined;
	answer.results = arena_new_array(arena, struct fetch_result,
					 answer.count);
	for (size_t i = 0; i < answer.count; i++)
		if (!take_result(&w, &answer.results[i]) ||
		    !result_is_sound(arena, &answer.results[i], request,
				     &request->sources[i]))
			return -1;
	if (!at_end(&w))
		return -1;
	*out = answer;
	return 0;
}
