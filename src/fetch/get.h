/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetching: one thread a source, one handle of libcurl a thread. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "input/fetch.h"

struct arena;

#define REDIRECTS_MAX 5

void url_freep(CURLU **url);
void text_freep(char **text);
#define cleanup_text cleanup_(text_freep)

/* A source being asked; its strings are on its arena. */
struct job {
	const struct fetch_request *request;
	const struct fetch_source *source;
	struct arena *arena;
	int64_t deadline;	/* of all tries, monotonic milliseconds */
	CURL *handle;
	CURLU *origin;		/* of the source's URL, without the user */
	char *user, *password;	/* decoded; NULL: none */
	struct fetch_result result;
};

/* One of the two that a source has, and what was answered last. */
struct transfer {
	struct job *job;
	const char *what;	/* "document" or "signature" */
	const struct fetch_known *known;
	size_t limit;		/* bytes */
	CURLU *start;		/* what each try begins with; borrowed */
	CURLU *url;		/* being asked; changes with redirects */
	int64_t deadline;	/* of this try */
	struct sbuf body;
	struct fetch_known got;
	size_t ignored;		/* bytes of a body that is no document */
	bool too_large;
	CURLcode code;
	long status;		/* of HTTP, or 0 */
	uint32_t wait;		/* seconds, of Retry-After, or 0 */
	char why[CURL_ERROR_SIZE];
	struct str error;	/* what to tell */
};

/* Done by a thread: the result is in JOB, the result's texts on its arena. */
void source_get(struct job *job);

enum outcome {
	GOT_NEW,
	GOT_UNCHANGED,
	GOT_NONE,	/* there is none, 404 */
	GOT_AGAIN,	/* failed, and may succeed later */
	GOT_FAILED,
};

/* One try, redirects followed; T has the answer, and T->url, or the error. */
enum outcome transfer_try(struct transfer *t);

/*
 * URLs.  What is returned is on ARENA; shown ones have neither user nor
 * password, and "?..." for a query.
 */
const char *url_show(struct arena *arena, CURLU *url);
/* "HOST", or "HOST port PORT" where it is not the usual one. */
const char *url_host(struct arena *arena, CURLU *url);
char *url_part(CURLU *url, CURLUPart part, unsigned int flags);
bool url_is(CURLU *url, const char *scheme);
/* The host is this machine, without asking a resolver. */
bool url_is_loopback(CURLU *url);
/* Scheme, host and port are the same. */
bool url_same_origin(CURLU *a, CURLU *b);
/* A copy with .minisig behind the path; NULL: there is no memory. */
CURLU *url_of_signature(struct arena *arena, CURLU *url);

/*
 * What failed, in a user's words, as t->error: for what libcurl said, and for
 * a status of HTTP.
 */
void words_for_code(struct transfer *t);
void words_for_status(struct transfer *t);
void words_set(struct transfer *t, const char *format, ...) printf_(2, 3);
