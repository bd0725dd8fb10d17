/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, in words that say what helps. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/libc.h"
#include "fetch/get.h"

#define WORDS_MAX 400	/* bytes of what a library or a server says */

void words_set(struct transfer *t, const char *format, ...)
{
	struct sbuf out;
	va_list args;

	sbuf_init(&out, t->job->arena);
	va_start(args, format);
	sbuf_vprintf(&out, format, args);
	va_end(args);
	t->error = (struct str){ out.data, out.size };
}

static const char *host_of(const struct transfer *t)
{
	return url_host(t->job->arena, t->url);
}

static const char *shown(const struct transfer *t)
{
	return url_show(t->job->arena, t->url);
}

/* The same where a proxy may have to do with it. */
static const char *way_to(const struct transfer *t)
{
	const struct fetch_request *r = t->job->request;
	bool proxied = url_is(t->url, "https") ? r->https_proxy.size :
		r->http_proxy.size && !url_is_loopback(t->url);

	return arena_printf(t->job->arena, "%s%s", host_of(t),
			    proxied ? " or its proxy" : "");
}

/*
 * What libcurl said.  It names hosts without users or queries, but a proxy
 * that it cannot use with all that belongs to it.
 */
static const char *said(const struct transfer *t)
{
	const char *words = *t->why && !strcasestr(t->why, "proxy") ?
		t->why : curl_easy_strerror(t->code);

	return str_show(t->job->arena, str_of(words), WORDS_MAX);
}

/*
 * OpenSSL's X509_V_ERR_*, openssl-verification-options(1); another library's
 * numbers are not these, and then its own words stand.
 */
static const struct {
	long number;
	const char *words;
} certificate_words[] = {
	{ 9, "is not valid yet: is the clock of this machine right?" },
	{ 10, "has expired: it has to be renewed there, unless the clock of "
	      "this machine is wrong" },
	{ 18, "is signed by itself alone: name it as the CA, if it is the "
	      "right one" },
	{ 19, "is of an authority that this machine does not trust: name its "
	      "CA, if it is the right one" },
	{ 20, "is of an authority that this machine does not know: name its "
	      "CA, or the server has to send the certificates in between" },
	{ 21, "is of an authority that this machine does not know: name its "
	      "CA, or the server has to send the certificates in between" },
	{ 23, "was revoked" },
};

static void for_certificate(struct transfer *t)
{
	long result = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_SSL_VERIFYRESULT, &result);
	for (size_t i = 0; i < array_size(certificate_words); i++)
		if (result == certificate_words[i].number) {
			words_set(t, "the certificate of %s %s", host_of(t),
				  certificate_words[i].words);
			return;
		}
	if (strstr(t->why, "subject name") || strstr(t->why, "host name"))
		words_set(t, "the certificate of %s is for another name: use "
			  "a name that is in it", host_of(t));
	else
		words_set(t, "the certificate of %s cannot be trusted: %s",
			  host_of(t), said(t));
}

static void for_connection(struct transfer *t)
{
	const char *words;
	long number = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_OS_ERRNO, &number);
	words = number ? errno_words((int)number) : NULL;
	if (strcasestr(t->why, "unsupported proxy"))
		words_set(t, "the proxy that is set cannot be used: it has to "
			  "be of http, https or socks5");
	else if (number == ECONNREFUSED)
		words_set(t, "%s refused the connection: is the server "
			  "running?", way_to(t));
	else
		words_set(t, "%s cannot be reached: %s", way_to(t),
			  words ? words : said(t));
}

static void for_time(struct transfer *t)
{
	curl_off_t got = 0, resolved = 0, connected = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_NAMELOOKUP_TIME_T,
			  &resolved);
	curl_easy_getinfo(t->job->handle, CURLINFO_SIZE_DOWNLOAD_T, &got);
	curl_easy_getinfo(t->job->handle, CURLINFO_PRETRANSFER_TIME_T,
			  &connected);
	if (!resolved)
		words_set(t, "the name of %s was not resolved in time: does "
			  "this machine reach its resolver?", host_of(t));
	else if (!connected)
		words_set(t, "%s did not answer in time: is it up, and does "
			  "a firewall let this through?", way_to(t));
	else
		words_set(t, "%s was too slow: %lld bytes came in the time "
			  "there was", host_of(t), (long long)got);
}

static void for_break(struct transfer *t)
{
	curl_off_t want = 0, got = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
			  &want);
	curl_easy_getinfo(t->job->handle, CURLINFO_SIZE_DOWNLOAD_T, &got);
	if (want > 0)
		words_set(t, "%s is truncated: %lld of %lld bytes came",
			  shown(t), (long long)got, (long long)want);
	else
		words_set(t, "%s is truncated: the connection ended before "
			  "it did", shown(t));
}

static void for_reply(struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->job->handle, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status / 100 > 2)
		words_set(t, "the proxy does not let through to %s: it "
			  "answered %ld", host_of(t), status);
	else
		words_set(t, "%s broke off: %s", host_of(t), said(t));
}

/* Other codes: in libcurl's words. */
void words_for_code(struct transfer *t)
{
	int code = (int)t->code;

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		for_certificate(t);
		return;
	case CURLE_COULDNT_CONNECT:
		for_connection(t);
		return;
	case CURLE_OPERATION_TIMEDOUT:
		for_time(t);
		return;
	case CURLE_PARTIAL_FILE:
		for_break(t);
		return;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		for_reply(t);
		return;
	case CURLE_COULDNT_RESOLVE_HOST:
		words_set(t, "the name of %s does not resolve: is it right, "
			  "and does this machine reach its resolver?",
			  host_of(t));
		return;
	case CURLE_COULDNT_RESOLVE_PROXY:
		words_set(t, "the name of the proxy does not resolve");
		return;
	case CURLE_GOT_NOTHING:
		words_set(t, "%s closed the connection without an answer",
			  host_of(t));
		return;
	case CURLE_FILESIZE_EXCEEDED:
		words_set(t, "%s is larger than the limit of %zu bytes for a "
			  "%s", shown(t), t->limit, t->what);
		return;
	case CURLE_BAD_CONTENT_ENCODING:
		words_set(t, "%s is compressed, and broken or in a way that "
			  "is not known here", shown(t));
		return;
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		words_set(t, "the public key of %s is not the pinned one: "
			  "pin its new one, if it was changed on purpose",
			  host_of(t));
		return;
	case CURLE_SSL_CERTPROBLEM:
		words_set(t, "the client certificate or its key for %s "
			  "cannot be used: both have to be PEM, the key "
			  "unencrypted and the certificate's own",
			  host_of(t));
		return;
	case CURLE_SSL_CACERT_BADFILE:
		words_set(t, "the CA certificates to trust %s by cannot be "
			  "used: they have to be PEM", host_of(t));
		return;
	case CURLE_NOT_BUILT_IN:
		words_set(t, "this libcurl (%s) cannot do what is asked for",
			  curl_version());
		return;
	case CURLE_SSL_CONNECT_ERROR:
		words_set(t, "%s and this machine do not come to terms on "
			  "TLS (1.2 or later): %s", host_of(t), said(t));
		return;
	default:
		words_set(t, "%s: %s", host_of(t), said(t));
	}
}

void words_for_status(struct transfer *t)
{
	struct arena *arena = t->job->arena;
	const char *url = url_show(arena, t->url);

	if (t->status == 200)
		words_set(t, "%s is empty", url);
	else if (t->status == 401)
		words_set(t, "401: %s wants a token or password that it was "
			  "not given", url);
	else if (t->status == 403)
		words_set(t, "403: %s may not be read with the credentials "
			  "it was given, or with none", url);
	else if (t->status == 404 || t->status == 410)
		words_set(t, "%ld: no such document at %s", t->status, url);
	else if (t->status == 407)
		words_set(t, "407: the proxy wants a user and a password");
	else if (t->status == 429)
		words_set(t, "429: %s was asked too often",
			  url_host(arena, t->url));
	else if (t->status >= 500)
		words_set(t, "%ld: %s is out of order at the moment",
			  t->status, url);
	else
		words_set(t, "%ld: %s gives no document", t->status, url);
}
