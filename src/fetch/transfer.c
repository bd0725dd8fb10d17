/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One try of one transfer, with the redirects on its way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/time.h"
#include "fetch/get.h"

/* Of what is no document: enough to keep the connection for the next one. */
#define REFUSAL_MAX (64u << 10)
#define HTTP_OK 200
#define HTTP_NOT_MODIFIED 304
#define HTTP_NOT_FOUND 404
#define HTTP_TOO_MANY 429

static void headers_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static size_t take_body(char *data, size_t one, size_t count, void *argument)
{
	struct transfer *t = argument;
	size_t size = one * count;
	long status = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_RESPONSE_CODE, &status);
	if (status != HTTP_OK) {
		t->ignored += size;
		return t->ignored > REFUSAL_MAX ? 0 : size;
	}
	if (size > t->limit - t->body.size) {
		t->too_large = true;
		return 0;
	}
	sbuf_add(&t->body, data, size);
	return size;
}

static void add_header(struct curl_slist **list, struct arena *arena,
		       const char *name, struct str value)
{
	struct curl_slist *longer;

	if (!value.size)
		return;
	longer = curl_slist_append(*list, arena_printf(arena, "%s%s", name,
						       value.data));
	if (!longer)
		abort();
	*list = longer;
}

/* What must not go to another host, nor unencrypted. */
static bool set_credentials(struct transfer *t, struct curl_slist **headers)
{
	struct job *job = t->job;
	const struct fetch_source *s = job->source;
	CURL *h = job->handle;
	struct curl_blob certificate = {
		(void *)(uintptr_t)s->certificate.data, s->certificate.size,
		CURL_BLOB_NOCOPY,
	};
	struct curl_blob key = {
		(void *)(uintptr_t)s->key.data, s->key.size, CURL_BLOB_NOCOPY,
	};
	bool good = true;

	if (!url_same_origin(t->url, job->origin))
		return true;
	add_header(headers, job->arena, "Authorization: Bearer ", s->token);
	for (size_t i = 0; i < s->header_count; i++)
		add_header(headers, job->arena, "", s->headers[i]);
	if (job->user)
		good = !curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) &&
		       !curl_easy_setopt(h, CURLOPT_USERNAME, job->user) &&
		       !curl_easy_setopt(h, CURLOPT_PASSWORD,
					 job->password ? job->password : "");
	if (!s->certificate.size)
		return good;
	/* A password is set, so that OpenSSL asks nobody for one. */
	return good && !curl_easy_setopt(h, CURLOPT_SSLCERTTYPE, "PEM") &&
	       !curl_easy_setopt(h, CURLOPT_SSLCERT_BLOB, &certificate) &&
	       !curl_easy_setopt(h, CURLOPT_SSLKEYTYPE, "PEM") &&
	       !curl_easy_setopt(h, CURLOPT_SSLKEY_BLOB, &key) &&
	       !curl_easy_setopt(h, CURLOPT_KEYPASSWD, "");
}

static bool set_trust(const struct transfer *t)
{
	const struct fetch_request *r = t->job->request;
	CURL *h = t->job->handle;
	struct curl_blob ca = {
		(void *)(uintptr_t)r->ca.data, r->ca.size, CURL_BLOB_NOCOPY,
	};

	if (curl_easy_setopt(h, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) ||
	    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L))
		return false;
	/* This machine's folder of CAs has no more than its bundle. */
	if ((r->ca.size || curl_version_info(CURLVERSION_NOW)->cainfo) &&
	    curl_easy_setopt(h, CURLOPT_CAPATH, NULL))
		return false;
	if (r->ca.size && (curl_easy_setopt(h, CURLOPT_CAINFO, NULL) ||
			   curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &ca)))
		return false;
	return !r->pinned.size ||
	       !curl_easy_setopt(h, CURLOPT_PINNEDPUBLICKEY, r->pinned.data);
}

/* What is unencrypted stays on this machine: no proxy for it. */
static bool set_proxy(const struct transfer *t)
{
	const struct fetch_request *r = t->job->request;
	struct str proxy = url_is(t->url, "https") ? r->https_proxy :
		url_is_loopback(t->url) ? STR("") : r->http_proxy;
	CURL *h = t->job->handle;

	/* Said in any case: libcurl would ask the environment. */
	return !curl_easy_setopt(h, CURLOPT_PROXY,
				 proxy.size ? proxy.data : "") &&
	       !curl_easy_setopt(h, CURLOPT_NOPROXY,
				 r->no_proxy.size ? r->no_proxy.data : "");
}

static bool set_limits(const struct transfer *t, int64_t left)
{
	CURL *h = t->job->handle;

	return !curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
				 (long)t->job->request->connect_seconds *
				 1000) &&
	       !curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)left) &&
	       !curl_easy_setopt(h, CURLOPT_MAXFILESIZE_LARGE,
				 (curl_off_t)t->limit);
}

static bool set_options(struct transfer *t, int64_t left,
			struct curl_slist **headers)
{
	CURL *h = t->job->handle;

	curl_easy_reset(h);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Not to wait for a resolver that does not answer. */
	curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(h, CURLOPT_CURLU, t->url) ||
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") ||
	    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) ||
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->why) ||
	    curl_easy_setopt(h, CURLOPT_USERAGENT,
			     "meshapply/" MESHAPPLY_VERSION) ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, t) ||
	    /* whatever libcurl can decompress */
	    curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "") ||
	    !set_limits(t, left) || !set_trust(t) || !set_proxy(t) ||
	    !set_credentials(t, headers))
		return false;
	add_header(headers, t->job->arena, "If-None-Match: ", t->known->etag);
	add_header(headers, t->job->arena, "If-Modified-Since: ",
		   t->known->modified);
	return !curl_easy_setopt(h, CURLOPT_HTTPHEADER, *headers);
}

/* T has what came of it. */
static void perform(struct transfer *t)
{
	struct curl_slist *headers cleanup_(headers_freep) = NULL;
	int64_t left = t->deadline - time_now_ms();
	CURL *h = t->job->handle;
	curl_off_t wait = 0;

	t->body.size = 0;
	t->ignored = 0;
	t->too_large = false;
	t->status = 0;
	t->wait = 0;
	*t->why = '\0';
	t->code = CURLE_OPERATION_TIMEDOUT;
	if (left <= 0)
		return;
	t->code = CURLE_NOT_BUILT_IN;
	if (set_options(t, left, &headers))
		t->code = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &t->status);
	curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &wait);
	t->wait = wait < 0 ? 0 : wait > UINT32_MAX ? UINT32_MAX :
		(uint32_t)wait;
	/* The handle stays, what these point to does not. */
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, NULL);
	/* What was not to be read any further has its answer all the same. */
	if ((t->code == CURLE_WRITE_ERROR ||
	     t->code == CURLE_FILESIZE_EXCEEDED) && t->status &&
	    t->status != HTTP_OK)
		t->code = CURLE_OK;
	if (t->too_large)
		t->code = CURLE_FILESIZE_EXCEEDED;
}

static bool may_lead_to(const struct transfer *t, CURLU *to)
{
	const struct fetch_request *r = t->job->request;
	char *host cleanup_text = url_part(to, CURLUPART_HOST, 0);
	char *ours cleanup_text = url_part(t->job->origin, CURLUPART_HOST, 0);

	if (!host || !ours)
		return false;
	if (str_is_nocase(str_of(host), ours))
		return true;
	for (size_t i = 0; i < r->redirect_host_count; i++)
		if (str_is_nocase(r->redirect_hosts[i], host))
			return true;
	return false;
}

/* Where the answer leads, if one may go there; else NULL, and T says why. */
static CURLU *redirect_target(struct transfer *t)
{
	struct arena *arena = t->job->arena;
	CURLU *to cleanup_(url_freep) = curl_url();
	CURLU *target = to;
	char *text = NULL;

	curl_easy_getinfo(t->job->handle, CURLINFO_REDIRECT_URL, &text);
	if (!text || !to || curl_url_set(to, CURLUPART_URL, text, 0) ||
	    curl_url_set(to, CURLUPART_USER, NULL, 0) ||
	    curl_url_set(to, CURLUPART_PASSWORD, NULL, 0) ||
	    curl_url_set(to, CURLUPART_FRAGMENT, NULL, 0)) {
		words_set(t, "%s redirects (%ld) to what is no URL",
			  url_show(arena, t->url), t->status);
		return NULL;
	}
	if (!url_is(to, "https")) {
		words_set(t, "%s redirects to %s: only https is followed",
			  url_show(arena, t->url), url_show(arena, to));
		return NULL;
	}
	if (!may_lead_to(t, to)) {
		words_set(t, "%s redirects to %s, which is another host: "
			  "allow it as a redirect host if this is meant",
			  url_show(arena, t->url), url_show(arena, to));
		return NULL;
	}
	to = NULL;
	return target;
}

static struct str header_of(struct transfer *t, const char *name)
{
	struct curl_header *header = NULL;
	struct str value;

	if (curl_easy_header(t->job->handle, name, 0, CURLH_HEADER, -1,
			     &header))
		return (struct str){ 0 };
	value = str_of(header->value);
	/* One that cannot be sent back is of no use. */
	if (value.size > FETCH_TEXT_MAX)
		return (struct str){ 0 };
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] < ' ' || value.data[i] > '~')
			return (struct str){ 0 };
	return (struct str){
		arena_strndup(t->job->arena, value.data, value.size),
		value.size,
	};
}

/*
 * A connection that breaks while TLS is agreed on may hold the next time; a
 * peer that speaks no TLS, or another one, is going to stay so.
 */
static bool tls_broke(const struct transfer *t)
{
	return t->code == CURLE_SSL_CONNECT_ERROR &&
	       (!strstr(t->why, "error:") || strstr(t->why, "unexpected eof"));
}

/* Can what failed go well in a moment? */
static bool passes(const struct transfer *t)
{
	static const CURLcode passing[] = {
		CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
		CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT,
		CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
		CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM,
	};

	for (size_t i = 0; i < array_size(passing); i++)
		if (t->code == passing[i])
			return true;
	return tls_broke(t);
}

/* An answer that is no redirect. */
static enum outcome judge(struct transfer *t)
{
	if (t->code) {
		words_for_code(t);
		return passes(t) ? GOT_AGAIN : GOT_FAILED;
	}
	if (t->status == HTTP_NOT_MODIFIED &&
	    (t->known->etag.size || t->known->modified.size))
		return GOT_UNCHANGED;
	if (t->status == HTTP_OK && t->body.size)
		return GOT_NEW;
	words_for_status(t);
	if (t->status == HTTP_NOT_FOUND)
		return GOT_NONE;
	return t->status == HTTP_TOO_MANY || t->status >= 500 ? GOT_AGAIN :
		GOT_FAILED;
}

static bool is_redirect(const struct transfer *t)
{
	return !t->code && (t->status == 301 || t->status == 302 ||
			    t->status == 303 || t->status == 307 ||
			    t->status == 308);
}

static bool was_seen(char *const *seen, size_t count, const char *url)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(seen[i], url))
			return true;
	return false;
}

static enum outcome follow(struct transfer *t)
{
	char *seen[REDIRECTS_MAX + 1];

	for (size_t hop = 0;; hop++) {
		char *url cleanup_text = url_part(t->url, CURLUPART_URL, 0);
		CURLU *to;

		if (!url)
			abort();
		if (was_seen(seen, hop, url)) {
			words_set(t, "the redirects of %s lead in a circle",
				  url_show(t->job->arena, t->start));
			return GOT_FAILED;
		}
		if (hop > REDIRECTS_MAX) {
			words_set(t, "%s redirects more than %d times",
				  url_show(t->job->arena, t->start),
				  REDIRECTS_MAX);
			return GOT_FAILED;
		}
		seen[hop] = arena_strdup(t->job->arena, url);
		perform(t);
		if (!is_redirect(t))
			return judge(t);
		to = redirect_target(t);
		if (!to)
			return GOT_FAILED;
		curl_url_cleanup(t->url);
		t->url = to;
	}
}

enum outcome transfer_try(struct transfer *t)
{
	enum outcome outcome;

	curl_url_cleanup(t->url);
	t->url = curl_url_dup(t->start);
	if (!t->url)
		abort();
	t->deadline = time_now_ms() +
		(int64_t)t->job->request->try_seconds * 1000;
	if (t->deadline > t->job->deadline)
		t->deadline = t->job->deadline;
	outcome = follow(t);
	t->got = (struct fetch_known){ 0 };
	if (outcome == GOT_NEW)
		t->got = (struct fetch_known){
			.etag = header_of(t, "ETag"),
			.modified = header_of(t, "Last-Modified"),
		};
	return outcome;
}
