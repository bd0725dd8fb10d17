/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/fetch.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "input/child.h"
#include "input/fetch_wire.h"

/* The child keeps the budget itself; this is for one that does not. */
#define GRACE_SECONDS 5
#define REQUEST_ARENA ((uint64_t)1 << 30)

struct fetch_request fetch_defaults(void)
{
	return (struct fetch_request){
		.size_limit = 16u << 20,
		.connect_seconds = 10,
		.try_seconds = 30,
		.retries = 3,
		.budget_seconds = 60,
	};
}

/* The first of NAMES that the environment has, and be it empty. */
static struct str environment(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = getenv(names[i]);

		if (value)
			return str_of(value);
	}
	return (struct str){ 0 };
}

void fetch_proxies(struct fetch_request *request)
{
	/* HTTP_PROXY is what a CGI's client sets: curl does not read it. */
	static const char *const http[] = {
		"http_proxy", "all_proxy", "ALL_PROXY",
	};
	static const char *const https[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	};
	static const char *const none[] = { "no_proxy", "NO_PROXY" };

	request->http_proxy = environment(http, array_size(http));
	request->https_proxy = environment(https, array_size(https));
	request->no_proxy = environment(none, array_size(none));
}

/* Printable, on one line; a blank only where SPACES are. */
static bool is_line(struct str text, bool spaces)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < ' ' || c == 0x7f || (c == ' ' && !spaces))
			return false;
	}
	return text.size <= FETCH_TEXT_MAX;
}

/* NAME: VALUE, the name as in RFC 9110 section 5.1. */
static bool is_header(struct str text)
{
	size_t i = 0;

	while (i < text.size && (char_is_alphanumeric(text.data[i]) ||
				 text.data[i] == '-' || text.data[i] == '_'))
		i++;
	return i && i < text.size && text.data[i] == ':' &&
	       is_line(text, true);
}

static int known_check(const struct fetch_known *known, struct err *e)
{
	if (is_line(known->etag, true) && is_line(known->modified, true))
		return 0;
	return err_set(e, ERR_CONFIG, "what is kept of a document's ETag or "
		       "Last-Modified is none");
}

/* No message has a value: they are secrets. */
static int source_check(const struct fetch_source *s, struct err *e)
{
	if (!s->url.size || !is_line(s->url, false))
		return err_set(e, ERR_CONFIG, "a URL is empty, has a blank or "
			       "a control character, or is longer than %d "
			       "bytes", FETCH_TEXT_MAX);
	if (!is_line(s->token, false))
		return err_set(e, ERR_CONFIG, "the bearer token has a blank "
			       "or a line break in it, or is longer than %d "
			       "bytes", FETCH_TEXT_MAX);
	for (size_t i = 0; i < s->header_count; i++)
		if (!is_header(s->headers[i]))
			return err_set(e, ERR_CONFIG, "header %zu is not one "
				       "line of the form \"Name: value\"",
				       i + 1);
	if (!s->certificate.size != !s->key.size)
		return err_set(e, ERR_CONFIG, "a client certificate needs its "
			       "key, and the key its certificate");
	if (s->certificate.size > FETCH_PEM_MAX || s->key.size > FETCH_PEM_MAX)
		return err_set(e, ERR_CONFIG, "a client certificate or its "
			       "key is larger than %u bytes", FETCH_PEM_MAX);
	return known_check(&s->document, e) || known_check(&s->signature, e) ?
		-1 : 0;
}

static int limit_check(const char *what, uint32_t value, uint32_t most,
		       struct err *e)
{
	if (value && value <= most)
		return 0;
	return err_set(e, ERR_CONFIG, "%s is 1 to %u, not %u", what, most,
		       value);
}

static int limits_check(const struct fetch_request *r, struct err *e)
{
	if (limit_check("the number of URLs", (uint32_t)r->source_count,
			FETCH_SOURCES_MAX, e) ||
	    limit_check("the limit of a document's bytes", r->size_limit,
			FETCH_SIZE_MAX, e) ||
	    limit_check("the seconds to connect", r->connect_seconds,
			FETCH_SECONDS_MAX, e) ||
	    limit_check("the seconds of a try", r->try_seconds,
			FETCH_SECONDS_MAX, e) ||
	    limit_check("the seconds of all tries", r->budget_seconds,
			FETCH_SECONDS_MAX, e))
		return -1;
	if (r->retries > FETCH_RETRIES_MAX)
		return err_set(e, ERR_CONFIG, "at most %d tries are repeated",
			       FETCH_RETRIES_MAX);
	return 0;
}

static int request_check(const struct fetch_request *r, struct err *e)
{
	if (limits_check(r, e))
		return -1;
	if (r->ca.size > FETCH_PEM_MAX)
		return err_set(e, ERR_CONFIG, "the CA certificates are larger "
			       "than %u bytes", FETCH_PEM_MAX);
	if (r->pinned.size && (!str_starts(r->pinned, "sha256//") ||
			       !is_line(r->pinned, false)))
		return err_set(e, ERR_CONFIG, "the pinned public key is not "
			       "of the form sha256//BASE64");
	if (!is_line(r->http_proxy, false) || !is_line(r->https_proxy, false) ||
	    !is_line(r->no_proxy, true))
		return err_set(e, ERR_CONFIG, "a proxy has a blank or a "
			       "control character in it, or is longer than "
			       "%d bytes", FETCH_TEXT_MAX);
	for (size_t i = 0; i < r->redirect_host_count; i++)
		if (!r->redirect_hosts[i].size ||
		    !is_line(r->redirect_hosts[i], false))
			return err_set(e, ERR_CONFIG, "redirect host %zu is "
				       "no host name", i + 1);
	for (size_t i = 0; i < r->source_count; i++)
		if (source_check(&r->sources[i], e))
			return -1;
	return 0;
}

/* Put the question, which holds secrets, from memory of its own. */
static int ask(const char *program, const struct fetch_request *request,
	       struct sbuf *answer, struct err *e)
{
	struct arena *arena cleanup_(arena_freep) =
		arena_new_secret(REQUEST_ARENA);
	struct child_task task = {
		.program = program, .task = "get",
		.what = "fetching the document",
		.milliseconds = ((int64_t)request->budget_seconds +
				 GRACE_SECONDS) * 1000,
		.answer_limit = request->source_count *
			((size_t)request->size_limit + FETCH_BESIDES_MAX),
	};
	struct sbuf question;

	sbuf_init(&question, arena);
	fetch_request_write(&question, request);
	task.question = (struct str){ question.data, question.size };
	return child_ask(&task, answer, e);
}

int fetch_get(struct arena *arena, struct arena *secrets, const char *program,
	      const struct fetch_request *request,
	      struct fetch_answer *answer, struct err *e)
{
	struct sbuf bytes;

	if (request_check(request, e))
		return -1;
	sbuf_init(&bytes, secrets);
	if (ask(program, request, &bytes, e))
		return -1;
	if (fetch_answer_read(arena, (struct str){ bytes.data, bytes.size },
			      request, answer))
		return err_set(e, ERR_UNAVAILABLE, "%s: malformed answer",
			       program);
	return 0;
}
