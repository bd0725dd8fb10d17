/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents and their signatures from where they are published.  The asking
 * is done by a child, meshapply-fetch, which holds no right and sees no key of
 * the mesh; what it brings is believed by nobody until it is checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

#define FETCH_SOURCES_MAX 16
#define FETCH_TEXT_MAX 8192		/* bytes of a URL, a header, a token */
#define FETCH_PEM_MAX (4u << 20)	/* bytes of certificates, of a key */
#define FETCH_SIZE_MAX (64u << 20)	/* that a size limit can be */
#define FETCH_SIGNATURE_MAX (64u << 10)
#define FETCH_SECONDS_MAX 3600		/* that a budget can be */
#define FETCH_RETRIES_MAX 100

/* As a server named them when it gave what is had already; empty: none. */
struct fetch_known {
	struct str etag, modified;
};

/*
 * A place of the document; its signature is at the same URL with .minisig
 * behind the path.  What is empty is not used.
 */
struct fetch_source {
	struct str url;		/* https, http or file */
	struct fetch_known document, signature;
	/* Sent to the host of URL alone, and never unencrypted: */
	struct str token;		/* Authorization: Bearer … */
	const struct str *headers;	/* each "Name: value" */
	size_t header_count;
	struct str certificate, key;	/* of this client, PEM */
};

struct fetch_request {
	const struct fetch_source *sources;
	size_t source_count;
	bool allow_http;	/* also to what is not this machine */
	struct str ca;		/* PEM; empty: the ones of this machine */
	struct str pinned;	/* sha256//…, several with ";" between them */
	/* What curl takes; http:// to this machine itself uses none. */
	struct str http_proxy, https_proxy, no_proxy;
	/* Where a redirect may lead, besides the host it comes from. */
	const struct str *redirect_hosts;
	size_t redirect_host_count;
	uint32_t size_limit;		/* bytes of a document, decompressed */
	uint32_t connect_seconds;	/* to be connected, TLS included */
	uint32_t try_seconds;		/* one try in all */
	uint32_t retries;		/* tries after the first */
	uint32_t budget_seconds;	/* all tries, and the waits between */
};

/* 16 MiB, 10 s, 30 s, 3 retries, 60 s; nothing else is set. */
struct fetch_request fetch_defaults(void);

/*
 * The proxies that this program's environment names, by the names and the
 * order of precedence that curl(1) has for them.  Borrowed from there.
 */
void fetch_proxies(struct fetch_request *request);

enum fetch_state {
	FETCH_NONE,		/* there is none, or none was had */
	FETCH_NEW,		/* its bytes are here, a NUL behind them */
	FETCH_UNCHANGED,	/* the server says: still the one known */
};

struct fetch_part {
	enum fetch_state state;
	struct str bytes;		/* FETCH_NEW: never empty */
	struct fetch_known known;	/* FETCH_NEW: to be sent next time */
};

/*
 * What one source had to say.  A failure has neither part; else the document
 * is new or unchanged, and a signature may be new where it is unchanged: it
 * was signed anew.
 */
struct fetch_result {
	bool failed;
	uint32_t status;	/* of HTTP, the last; 0: there was none */
	uint32_t tries;
	struct str url;		/* where it came from in the end, to be shown */
	struct str error;	/* failed: what, and what helps; one line */
	struct fetch_part document, signature;
};

struct fetch_answer {
	struct fetch_result *results;	/* one a source, in their order */
	size_t count;
	bool confined;		/* the child could not open files (Landlock) */
};

/*
 * Ask all sources, at the same time.  PROGRAM is the child's path.  That one
 * of them fails is no error: its result says why.  All shown texts are without
 * the user, the password and the query of URLs.  Results are on ARENA,
 * what they show and hold on SECRETS, for a document may hold keys: there must
 * be room for twice the size limit of each source.
 *
 * ERR_CONFIG: what is asked for makes no sense (a line break in a token, a
 * certificate without its key, a limit that is none); ERR_UNAVAILABLE: the
 * child cannot be started, does not answer within the budget and 5 s, or
 * answers what it must not.
 */
int fetch_get(struct arena *arena, struct arena *secrets, const char *program,
	      const struct fetch_request *request,
	      struct fetch_answer *answer, struct err *e) must_check_;
