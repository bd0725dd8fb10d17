/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One source: its document, its signature, and the tries they take. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/time.h"
#include "fetch/get.h"

#define WAIT_FIRST 500		/* milliseconds, doubled with each try */
#define WAIT_MOST 30000

static const struct fetch_known nothing_known;

/* Anything from 0 to MOST: those who failed at once do not return at once. */
static int64_t jitter(int64_t most)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		return most;
	return (int64_t)((uint64_t)number % ((uint64_t)most + 1));
}

/* Wait before another try; false: it would be past the time there is. */
static bool wait_after(struct transfer *t, uint32_t try)
{
	int64_t most = WAIT_MOST, wait;

	if (try < 7 && WAIT_FIRST << (try - 1) < WAIT_MOST)
		most = WAIT_FIRST << (try - 1);
	wait = (int64_t)t->wait * 1000 + jitter(most);
	if (time_now_ms() + wait >= t->job->deadline) {
		if (t->wait)
			words_set(t, "%s; it asks to be tried again in %u "
				  "seconds", t->error.data, t->wait);
		return false;
	}
	nanosleep(&(struct timespec){ .tv_sec = wait / 1000,
				      .tv_nsec = wait % 1000 * 1000000 },
		  NULL);
	return true;
}

static enum outcome try_often(struct transfer *t)
{
	struct job *job = t->job;

	for (uint32_t try = 1;; try++) {
		enum outcome outcome = transfer_try(t);

		if (job->result.tries < try)
			job->result.tries = try;
		if (outcome != GOT_AGAIN)
			return outcome;
		if (try <= job->request->retries && wait_after(t, try))
			continue;
		if (try > 1)
			words_set(t, "%s (tried %u times)", t->error.data,
				  try);
		return GOT_FAILED;
	}
}

/* 0, or -1 with the error in T. */
static int part_get(struct transfer *t, struct fetch_part *part)
{
	switch (try_often(t)) {
	case GOT_NEW:
		part->state = FETCH_NEW;
		part->bytes = (struct str){ t->body.data, t->body.size };
		part->known = t->got;
		return 0;
	case GOT_UNCHANGED:
		part->state = FETCH_UNCHANGED;
		return 0;
	case GOT_NONE:
		/* A document may be unsigned, but it must be there. */
		return t->limit == FETCH_SIGNATURE_MAX ? 0 : -1;
	case GOT_AGAIN:
	case GOT_FAILED:
		break;
	}
	return -1;
}

static int file_fails(struct transfer *t, const char *path, int number)
{
	const char *words = errno_words(number);

	words_set(t, "%s: %s%s", str_show(t->job->arena, str_of(path), 300),
		  words ? words : "", number == EACCES ?
		  " (it is read without any right)" : "");
	return -1;
}

/* What is no regular file is not opened: it might be waited for. */
static int file_get(struct transfer *t, struct fetch_part *part)
{
	struct arena *arena = t->job->arena;
	char *path cleanup_text = url_part(t->start, CURLUPART_PATH,
					   CURLU_URLDECODE);
	struct stat st;
	struct err e;

	if (!path || stat(path, &st)) {
		if (errno == ENOENT && t->limit == FETCH_SIGNATURE_MAX)
			return 0;
		return file_fails(t, path ? path : "?", errno);
	}
	if (!S_ISREG(st.st_mode)) {
		words_set(t, "%s is no regular file",
			  str_show(arena, str_of(path), 300));
		return -1;
	}
	if (file_read_path(path, t->limit, arena, &part->bytes, &e)) {
		words_set(t, "%s", str_show(arena, str_of(e.text), 600));
		return -1;
	}
	if (!part->bytes.size) {
		words_set(t, "%s is empty",
			  str_show(arena, str_of(path), 300));
		return -1;
	}
	part->state = FETCH_NEW;
	return 0;
}

/* The user and the password out of the URL, so that no text has them. */
static int take_user(struct job *job)
{
	char *user cleanup_text = url_part(job->origin, CURLUPART_USER,
					   CURLU_URLDECODE);
	char *password cleanup_text = url_part(job->origin,
					       CURLUPART_PASSWORD,
					       CURLU_URLDECODE);

	if (user)
		job->user = arena_strdup(job->arena, user);
	if (password)
		job->password = arena_strdup(job->arena, password);
	return curl_url_set(job->origin, CURLUPART_USER, NULL, 0) ||
	       curl_url_set(job->origin, CURLUPART_PASSWORD, NULL, 0) ||
	       curl_url_set(job->origin, CURLUPART_FRAGMENT, NULL, 0) ?
	       -1 : 0;
}

static bool has_credentials(const struct job *job)
{
	return job->user || job->source->token.size ||
	       job->source->header_count;
}

/* May this be asked at all?  0, or -1 with the error in T. */
static int source_check(struct job *job, struct transfer *t)
{
	if (curl_url_set(job->origin, CURLUPART_URL, job->source->url.data,
			 CURLU_NON_SUPPORT_SCHEME) || take_user(job)) {
		words_set(t, "the source is no URL");
		return -1;
	}
	job->result.url = str_of(url_show(job->arena, job->origin));
	if (url_is(job->origin, "https") || url_is(job->origin, "file"))
		return 0;
	if (!url_is(job->origin, "http")) {
		words_set(t, "%s: neither https, http nor file",
			  job->result.url.data);
		return -1;
	}
	if (url_is_loopback(job->origin))
		return 0;
	if (!job->request->allow_http)
		words_set(t, "%s is not encrypted: use https, or allow http",
			  job->result.url.data);
	else if (has_credentials(job))
		words_set(t, "%s is not encrypted: no token, header or "
			  "password is sent there", job->result.url.data);
	else
		return 0;
	return -1;
}

static int get_both(struct job *job, struct transfer *t)
{
	int (*get)(struct transfer *, struct fetch_part *) = part_get;
	CURLU *signature cleanup_(url_freep) = NULL;

	if (source_check(job, t))
		return -1;
	if (url_is(job->origin, "file"))
		get = file_get;
	t->start = job->origin;
	t->known = &job->source->document;
	if (get(t, &job->result.document)) {
		job->result.status = (uint32_t)t->status;
		return -1;
	}
	job->result.status = (uint32_t)t->status;
	if (t->url)
		job->result.url = str_of(url_show(job->arena, t->url));
	signature = url_of_signature(job->arena, job->origin);
	if (!signature)
		abort();
	sbuf_init(&t->body, job->arena);
	t->what = "signature";
	t->limit = FETCH_SIGNATURE_MAX;
	t->start = signature;
	t->known = &job->source->signature;
	return get(t, &job->result.signature);
}

void source_get(struct job *job)
{
	struct transfer t = {
		.job = job, .what = "document",
		.limit = job->request->size_limit, .known = &nothing_known,
	};

	sbuf_init(&t.body, job->arena);
	job->origin = curl_url();
	job->handle = curl_easy_init();
	if (!job->origin || !job->handle)
		abort();
	if (get_both(job, &t)) {
		job->result.failed = true;
		job->result.error = t.error;
		job->result.document = (struct fetch_part){ 0 };
		job->result.signature = (struct fetch_part){ 0 };
	}
	curl_url_cleanup(t.url);
	curl_url_cleanup(job->origin);
	curl_easy_cleanup(job->handle);
}
