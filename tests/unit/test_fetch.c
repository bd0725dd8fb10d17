/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What passes between the main program and meshapply-fetch. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "input/fetch_wire.h"
#include "support/check.h"

#define ETAG STR("\"5f-1\"")
#define DATE STR("Fri, 20 Nov 2026 20:00:00 GMT")

static struct arena *arena;
static struct fetch_source sources[2];
static struct str headers[2], hosts[2];
static struct fetch_request request;
static struct fetch_result results[2];
static struct fetch_answer answer, got;
static struct err e;

/* An answer to both sources: one has changed, one has not. */
static void good_answer(void)
{
	results[0] = (struct fetch_result){
		.status = 200, .tries = 2, .url = STR("https://one.test/a"),
		.document = { .state = FETCH_NEW, .bytes = STR("{}\n"),
			      .known = { .etag = ETAG, .modified = DATE } },
		.signature = { .state = FETCH_NEW, .bytes = STR("sig\n"),
			       .known = { .etag = ETAG } },
	};
	results[1] = (struct fetch_result){
		.status = 304, .tries = 1, .url = STR("https://two.test/a"),
		.document = { .state = FETCH_UNCHANGED },
	};
	answer = (struct fetch_answer){ results, 2, true };
}

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	e = (struct err){ 0 };
	headers[0] = STR("X-One: 1");
	headers[1] = STR("X-Two: 2");
	hosts[0] = STR("cdn.test");
	hosts[1] = STR("192.0.2.1");
	sources[0] = (struct fetch_source){ .url = STR("https://one.test/a") };
	sources[1] = (struct fetch_source){
		.url = STR("https://two.test/a?b"),
		.document = { .etag = ETAG, .modified = DATE },
		.signature = { .etag = STR("\"s\""), .modified = DATE },
		.token = STR("token"), .headers = headers, .header_count = 2,
		.certificate = STR("PEM\n"), .key = STR("KEY\n"),
	};
	request = fetch_defaults();
	request.sources = sources;
	request.source_count = 2;
	good_answer();
}

static void teardown(void)
{
	arena_freep(&arena);
}

static struct str written(void)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	fetch_answer_write(&out, &answer);
	return (struct str){ out.data, out.size };
}

static bool taken(struct str text)
{
	got = (struct fetch_answer){ 0 };
	return !fetch_answer_read(arena, text, &request, &got);
}

static struct str request_written(const struct fetch_request *r)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	fetch_request_write(&out, r);
	return (struct str){ out.data, out.size };
}

START_TEST(requests_arrive_whole)
{
	struct fetch_request other;
	const struct fetch_source *s;
	struct str text;

	request.allow_http = true;
	request.ca = STR("CA\n");
	request.pinned = STR("sha256//x");
	request.http_proxy = STR("http://p1");
	request.https_proxy = STR("http://p2");
	request.no_proxy = STR("localhost");
	request.redirect_hosts = hosts;
	request.redirect_host_count = 2;
	text = request_written(&request);
	ck_assert(!fetch_request_read(arena, text, &other));
	ck_assert(str_equal(text, request_written(&other)));
	ck_assert(other.allow_http);
	ck_assert_uint_eq(other.size_limit, 16 << 20);
	ck_assert_uint_eq(other.budget_seconds, 60);
	ck_assert_uint_eq(other.source_count, 2);
	ck_assert_uint_eq(other.redirect_host_count, 2);
	s = &other.sources[1];
	ck_assert(str_is(s->url, "https://two.test/a?b"));
	ck_assert(str_is(s->key, "KEY\n"));
	ck_assert(str_is(s->headers[1], "X-Two: 2"));
	ck_assert_uint_eq(s->header_count, 2);
	/* Each text is a string as well. */
	ck_assert_str_eq(s->token.data, "token");
	ck_assert_uint_eq(other.sources[0].token.size, 0);
}
END_TEST

START_TEST(requests_cut_off)
{
	struct str text = request_written(&request);
	struct fetch_request other;
	char *longer = arena_strndup(arena, text.data, text.size);

	for (size_t n = 0; n < text.size; n++)
		ck_assert(fetch_request_read(arena, (struct str){
				text.data, n }, &other) < 0);
	ck_assert(fetch_request_read(arena, (struct str){
			longer, text.size + 1 }, &other) < 0);
}
END_TEST

START_TEST(answers_arrive_whole)
{
	struct str text = written();

	ck_assert(taken(text));
	ck_assert(got.confined);
	ck_assert_uint_eq(got.count, 2);
	ck_assert(!got.results[0].failed);
	ck_assert_uint_eq(got.results[0].tries, 2);
	ck_assert(str_is(got.results[0].document.bytes, "{}\n"));
	ck_assert_str_eq(got.results[0].document.bytes.data, "{}\n");
	ck_assert(str_equal(got.results[0].document.known.modified, DATE));
	ck_assert(str_is(got.results[0].signature.bytes, "sig\n"));
	ck_assert_uint_eq(got.results[1].status, 304);
	ck_assert_int_eq(got.results[1].document.state, FETCH_UNCHANGED);
	ck_assert_int_eq(got.results[1].signature.state, FETCH_NONE);
	answer = got;
	ck_assert(str_equal(written(), text));
}
END_TEST

START_TEST(answers_cut_off)
{
	struct str text = written();
	char *longer = arena_alloc(arena, text.size + 20);

	for (size_t n = 0; n < text.size; n++)
		ck_assert(!taken((struct str){ text.data, n }));
	memcpy(longer, text.data, text.size);
	for (size_t n = 1; n <= 20; n++)
		ck_assert(!taken((struct str){ longer, text.size + n }));
	memset(longer + text.size, 0xff, 20);
	for (size_t n = 1; n <= 20; n++)
		ck_assert(!taken((struct str){ longer, text.size + n }));
	ck_assert_ptr_null(got.results);
}
END_TEST

/* No byte of a head, and no NUL behind a text, can be another one. */
START_TEST(answers_damaged)
{
	struct str text = written();
	char *bytes = arena_strndup(arena, text.data, text.size);
	uint32_t head[2];

	for (size_t at = 0; at < text.size;
	     at += sizeof(head) + head[1] + 1) {
		memcpy(head, bytes + at, sizeof(head));
		for (size_t i = 0; i < sizeof(head); i++) {
			bytes[at + i] ^= 0x40;
			ck_assert(!taken((struct str){ bytes, text.size }));
			bytes[at + i] ^= 0x40;
		}
		bytes[at + sizeof(head) + head[1]] = 'x';
		ck_assert(!taken((struct str){ bytes, text.size }));
		bytes[at + sizeof(head) + head[1]] = '\0';
	}
	ck_assert(taken((struct str){ bytes, text.size }));
}
END_TEST

static void refused(const char *what)
{
	ck_assert_msg(!taken(written()), "%s", what);
	good_answer();
	ck_assert(taken(written()));
}

START_TEST(answers_that_contradict_themselves)
{
	results[0].failed = true;
	refused("a failure with a document");
	results[0].failed = true;
	results[0].document = (struct fetch_part){ 0 };
	results[0].error = STR("why");
	refused("a failure with a signature");
	results[0] = (struct fetch_result){ .failed = true };
	refused("a failure without a word");
	results[0].error = STR("why");
	refused("an error, and no failure");
	results[0].document = (struct fetch_part){ 0 };
	refused("neither a failure nor a document");
	results[0].document.bytes = (struct str){ 0 };
	refused("a new document without a byte");
	results[1].document.bytes = STR("{}");
	refused("an unchanged one with bytes");
	results[1].document.known.etag = ETAG;
	refused("an unchanged one with another name");
	results[1].signature.bytes = STR("sig");
	refused("no signature, with bytes");
	results[0].document = (struct fetch_part){ .state = FETCH_UNCHANGED };
	refused("an unchanged one that was not known");
	results[0].signature = (struct fetch_part){ .state = FETCH_UNCHANGED };
	refused("an unchanged signature that was not known");
	results[0].tries = 5;
	refused("more tries than were allowed");
	results[0].document.state = 3;
	refused("a state that is none");
	results[0].signature.state = 7;
	refused("a signature's state that is none");
	answer.count = 1;
	refused("a result too few");
	request.source_count = 1;
	ck_assert(!taken(written()));
	request.source_count = 2;
}
END_TEST

START_TEST(answers_with_texts_that_cannot_be_shown)
{
	static const struct str texts[] = {
		STR("a\nb"), STR("a\033[2Jb"), STR("a\0b"), STR("\xff"),
		STR("a\xe2\x80\xae" "b"),
	};

	for (size_t i = 0; i < array_size(texts); i++) {
		results[0].url = texts[i];
		refused("a URL");
		results[0] = (struct fetch_result){
			.failed = true, .error = texts[i],
		};
		refused("an error");
		results[0].document.known.etag = texts[i];
		refused("an ETag");
		results[0].signature.known.modified = texts[i];
		refused("a date");
	}
}
END_TEST

START_TEST(answers_that_are_too_large)
{
	char *many = arena_alloc(arena, FETCH_SIZE_MAX + 1);

	memset(many, 'x', FETCH_SIZE_MAX);
	request.size_limit = 1000;
	results[0].document.bytes = (struct str){ many, 1000 };
	ck_assert(taken(written()));
	results[0].document.bytes.size++;
	refused("a document beyond its limit");
	results[0].document.bytes = (struct str){ many, FETCH_SIZE_MAX + 1 };
	refused("a document beyond any limit");
	results[0].signature.bytes = (struct str){ many, FETCH_SIGNATURE_MAX };
	ck_assert(taken(written()));
	results[0].signature.bytes.size++;
	refused("a signature");
	results[0].url = (struct str){ many, FETCH_TEXT_MAX + 1 };
	refused("a URL");
	results[0].document.known.etag = (struct str){ many,
						       FETCH_TEXT_MAX + 1 };
	refused("an ETag");
}
END_TEST

static void set(const char *name, const char *value)
{
	static const char *const names[] = {
		"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
		"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
	};

	for (size_t i = 0; i < array_size(names); i++)
		unsetenv(names[i]);
	if (name)
		setenv(name, value, 1);
	fetch_proxies(&request);
}

START_TEST(proxies_of_the_environment)
{
	set(NULL, NULL);
	ck_assert(!request.http_proxy.size && !request.https_proxy.size &&
		  !request.no_proxy.size);
	set("http_proxy", "a");
	ck_assert(str_is(request.http_proxy, "a") &&
		  !request.https_proxy.size);
	set("HTTP_PROXY", "a");
	ck_assert(!request.http_proxy.size);
	set("HTTPS_PROXY", "a");
	ck_assert(str_is(request.https_proxy, "a") &&
		  !request.http_proxy.size);
	set("ALL_PROXY", "a");
	ck_assert(str_is(request.https_proxy, "a") &&
		  str_is(request.http_proxy, "a"));
	/* One that is there and empty means none. */
	setenv("https_proxy", "", 1);
	fetch_proxies(&request);
	ck_assert(!request.https_proxy.size && request.http_proxy.size);
	set("NO_PROXY", "*");
	ck_assert(str_is(request.no_proxy, "*"));
	set(NULL, NULL);
}
END_TEST

/* Nothing is started for a request that makes no sense. */
static void senseless(const char *words)
{
	e = (struct err){ 0 };
	ck_assert(fetch_get(arena, arena, "/nonexistent/helper", &request,
			    &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_msg(strstr(e.text, words), "%s", e.text);
	ck_assert_ptr_null(strstr(e.text, "token\n"));
	teardown();
	setup();
}

START_TEST(requests_that_make_no_sense)
{
	request.size_limit = 0;
	senseless("limit of a document's bytes");
	request.size_limit = FETCH_SIZE_MAX + 1;
	senseless("limit of a document's bytes");
	request.connect_seconds = 0;
	senseless("seconds to connect");
	request.try_seconds = FETCH_SECONDS_MAX + 1;
	senseless("seconds of a try");
	request.budget_seconds = 0;
	senseless("seconds of all tries");
	request.retries = FETCH_RETRIES_MAX + 1;
	senseless("repeated");
	request.source_count = 0;
	senseless("number of URLs");
	sources[0].url = STR("");
	senseless("a URL is empty");
	sources[0].url = STR("https://one.test/\r\nX: y");
	senseless("a URL is empty, has");
	sources[1].token = STR("token\n");
	senseless("the bearer token");
	headers[1] = STR("X-One: 1\r\nX-Two: 2");
	senseless("header 2 is not one line");
	headers[0] = STR(": 1");
	senseless("header 1 is not one line");
	sources[1].key = STR("");
	senseless("client certificate needs its key");
	sources[0].document.etag = STR("a\nb");
	senseless("ETag");
	request.pinned = STR("md5//x");
	senseless("pinned");
	request.https_proxy = STR("http://a\tb");
	senseless("proxy");
	hosts[0] = STR("");
	request.redirect_hosts = hosts;
	request.redirect_host_count = 1;
	senseless("redirect host 1");
	ck_assert(fetch_get(arena, arena, "/nonexistent/helper", &request,
			    &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_UNAVAILABLE);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(requests_arrive_whole),
		CHECK_CASE(requests_cut_off),
		CHECK_CASE(answers_arrive_whole),
		CHECK_CASE(answers_cut_off),
		CHECK_CASE(answers_damaged),
		CHECK_CASE(answers_that_contradict_themselves),
		CHECK_CASE(answers_with_texts_that_cannot_be_shown),
		CHECK_CASE(answers_that_are_too_large),
		CHECK_CASE(proxies_of_the_environment),
		CHECK_CASE(requests_that_make_no_sense),
	};

	return check_run_within("fetch", cases, array_size(cases), setup,
				teardown);
}
