/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request from standard input, the answer to standard output. */
#include "fetch/get.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/time.h"
#include "fetch/fetch.h"
#include "fetch/sandbox.h"
#include "input/fetch_wire.h"

#define REQUEST_MAX ((size_t)256 << 20)
#define STACK_SIZE ((size_t)1 << 20)
/* Beyond the budget: an answer that says so is better than none. */
#define LATE_SECONDS 1
#define ALARM_SECONDS 4
/* Threads' stacks, TLS and what decompresses, whatever is fetched. */
#define MEMORY_BASE ((uint64_t)512 << 20)

/* Where the threads meet; under the lock. */
struct gathering {
	pthread_mutex_t lock;
	pthread_cond_t one_done;
	size_t open;
};

struct worker {
	struct job job;
	struct gathering *gathering;
	bool done;
};

static int complain(const char *what)
{
	fprintf(stderr, "meshapply-fetch: %s\n", what);
	return 1;
}

static int read_request(struct arena *secrets, struct fetch_request *request)
{
	struct sbuf text;
	char buffer[16384];
	ssize_t n;

	sbuf_init(&text, secrets);
	while ((n = read(STDIN_FILENO, buffer, sizeof(buffer)))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || text.size + (size_t)n > REQUEST_MAX)
			return -1;
		sbuf_add(&text, buffer, (size_t)n);
	}
	explicit_bzero(buffer, sizeof(buffer));
	return fetch_request_read(secrets,
				  (struct str){ text.data, text.size },
				  request);
}

static void add_path(struct arena *arena, const char **paths, size_t *count,
		     CURLU *url)
{
	char *path cleanup_text = url ? url_part(url, CURLUPART_PATH,
						 CURLU_URLDECODE) : NULL;

	if (path)
		paths[(*count)++] = arena_strdup(arena, path);
}

/* The CA's of this machine, and sources that are files. */
static bool confine(struct arena *arena, const struct fetch_request *request)
{
	const curl_version_info_data *about =
		curl_version_info(CURLVERSION_NOW);
	const char *paths[2 + 2 * FETCH_SOURCES_MAX];
	size_t count = 0;

	if (!request->ca.size && about->cainfo)
		paths[count++] = about->cainfo;
	else if (!request->ca.size && about->capath)
		paths[count++] = about->capath;
	for (size_t i = 0; i < request->source_count; i++) {
		CURLU *url cleanup_(url_freep) = curl_url();
		CURLU *signature cleanup_(url_freep) = NULL;

		if (!url || curl_url_set(url, CURLUPART_URL,
					 request->sources[i].url.data, 0) ||
		    !url_is(url, "file"))
			continue;
		signature = url_of_signature(arena, url);
		add_path(arena, paths, &count, url);
		add_path(arena, paths, &count, signature);
	}
	return sandbox_confine_files(paths, count);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	source_get(&w->job);
	pthread_mutex_lock(&w->gathering->lock);
	w->done = true;
	w->gathering->open--;
	pthread_cond_signal(&w->gathering->one_done);
	pthread_mutex_unlock(&w->gathering->lock);
	return NULL;
}

static bool start(struct worker *w)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = !pthread_create(&thread, &attributes, work, w);
	pthread_attr_destroy(&attributes);
	return started;
}

static void wait_for_all(struct gathering *g, uint32_t seconds)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += seconds + LATE_SECONDS;
	pthread_mutex_lock(&g->lock);
	while (g->open && !pthread_cond_timedwait(&g->one_done, &g->lock,
						  &end))
		;
	/* It stays locked: what is not done has nothing to say any more. */
}

static void collect(const struct worker *workers, const char *why,
		    struct fetch_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (workers[i].done) {
			answer->results[i] = workers[i].job.result;
			continue;
		}
		answer->results[i] = (struct fetch_result){
			.failed = true, .error = str_of(why),
		};
	}
}

static int write_answer(struct arena *arena, const struct fetch_answer *answer)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	fetch_answer_write(&out, answer);
	for (size_t at = 0; at < out.size;) {
		ssize_t n = write(STDOUT_FILENO, out.data + at, out.size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return complain("the answer cannot be written");
		at += (size_t)n;
	}
	return 0;
}

static int get_all(struct arena *arena, const struct fetch_request *request,
		   bool confined)
{
	struct gathering gathering = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.one_done = PTHREAD_COND_INITIALIZER,
		.open = request->source_count,
	};
	struct fetch_answer answer = {
		.results = arena_new_array(arena, struct fetch_result,
					   request->source_count),
		.count = request->source_count, .confined = confined,
	};
	struct worker *workers = arena_new_array(arena, struct worker,
						 request->source_count);
	int64_t end = time_now_ms() + (int64_t)request->budget_seconds * 1000;

	for (size_t i = 0; i < request->source_count; i++) {
		workers[i] = (struct worker){
			.job = {
				.request = request, .deadline = end,
				.source = &request->sources[i],
				.arena = arena_new_secret(
					(uint64_t)request->size_limit * 4 +
					((uint64_t)64 << 20)),
			},
			.gathering = &gathering,
		};
		if (!start(&workers[i]))
			return complain("no thread can be started");
	}
	wait_for_all(&gathering, request->budget_seconds);
	collect(workers, "no answer in the time there was: does this "
		"machine reach its resolver?", &answer);
	return write_answer(arena, &answer);
}

int fetch_documents(void)
{
	struct arena *secrets = arena_new_secret((uint64_t)4 * REQUEST_MAX);
	struct fetch_request request;
	struct arena *arena;
	uint64_t documents;
	bool confined;
	int status;

	/* Whoever asked has no use for an answer that comes after its end. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (read_request(secrets, &request))
		return complain("malformed request");
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return complain("libcurl cannot be used");
	alarm(request.budget_seconds + ALARM_SECONDS);
	documents = (uint64_t)request.source_count * request.size_limit;
	arena = arena_new_secret(4 * documents + ((uint64_t)64 << 20));
	confined = confine(arena, &request);
	sandbox_confine_rest(MEMORY_BASE + 6 * documents);
	status = get_all(arena, &request, confined);
	/*
	 * A thread that waits for a resolver may still be there, with all that
	 * it knows: the end of the process is what wipes its memory.
	 */
	_exit(status);
}
