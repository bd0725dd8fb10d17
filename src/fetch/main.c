/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meshapply-fetch: what has to talk to the network and must therefore hold
 * nothing worth taking.
 *
 * meshapply-fetch resolve
 *	Reads host names, one a line, and writes for the name of line N (from
 *	0) a line "N ADDRESS SCOPE" for each of its addresses, of every
 *	family, or "N ! WHY".  All names are asked for at once; what is not
 *	answered after RESOLVE_SECONDS is left out.
 *
 * meshapply-fetch get
 *	Reads a request for documents and writes what was fetched, in the
 *	frames of input/fetch_wire.h.
 *
 * meshapply-fetch connect HOST PORT
 *	Ends with status 0 if a TCP connection can be made.
 *
 * meshapply-fetch touch DEVICE ADDRESS...
 *	Sends packets to each of them by that link; ends with status 0 if one
 *	of them answers.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "fetch/fetch.h"
#include "fetch/sandbox.h"
#include "input/resolve.h"

#define THREADS_MAX 20
#define STACK_SIZE ((size_t)1 << 20)

static void print_addresses(size_t index, const struct addrinfo *list)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t n = 0; list && n < RESOLVE_ADDRESSES_MAX;
	     list = list->ai_next, n++) {
		if (list->ai_family == AF_INET) {
			const struct sockaddr_in *in =
				(const void *)list->ai_addr;

			inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
			printf("%zu %s 0\n", index, text);
		} else if (list->ai_family == AF_INET6) {
			const struct sockaddr_in6 *in6 =
				(const void *)list->ai_addr;

			inet_ntop(AF_INET6, &in6->sin6_addr, text,
				  sizeof(text));
			printf("%zu %s %u\n", index, text,
			       in6->sin6_scope_id);
		}
	}
}

/* Asked by several threads at once; under the lock but for names and count. */
struct questions {
	const char **names;
	struct addrinfo **answers;
	int *errors;
	bool *answered;
	size_t count, next, open;
	pthread_mutex_t lock;
	pthread_cond_t all_answered;
};

static void *ask(void *argument)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct questions *q = argument;

	pthread_mutex_lock(&q->lock);
	while (q->next < q->count) {
		size_t i = q->next++;
		struct addrinfo *answer = NULL;
		int error;

		pthread_mutex_unlock(&q->lock);
		error = getaddrinfo(q->names[i], NULL, &hints, &answer);
		pthread_mutex_lock(&q->lock);
		q->answers[i] = answer;
		q->errors[i] = error;
		q->answered[i] = true;
		if (!--q->open)
			pthread_cond_signal(&q->all_answered);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* How many threads there are; a resolver needs some stack. */
static size_t start_threads(struct questions *q)
{
	pthread_attr_t attributes;
	size_t started = 0;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	while (started < THREADS_MAX && started < q->count &&
	       !pthread_create(&thread, &attributes, ask, q))
		started++;
	pthread_attr_destroy(&attributes);
	return started;
}

static void print_answer(const struct questions *q, size_t i)
{
	if (!q->answered[i])
		printf("%zu ! no answer in %d seconds\n", i,
		       RESOLVE_SECONDS);
	else if (q->errors[i])
		printf("%zu ! %s\n", i, gai_strerror(q->errors[i]));
	else
		print_addresses(i, q->answers[i]);
}

static void read_names(struct arena *arena, struct questions *q)
{
	char line[512];

	while (q->count < RESOLVE_NAMES_MAX &&
	       fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		q->names[q->count++] = arena_strdup(arena, line);
	}
	q->open = q->count;
}

static int resolve(void)
{
	struct arena *arena = arena_new((size_t)1 << 30);
	struct questions q = {
		.names = arena_new_array(arena, const char *,
					 RESOLVE_NAMES_MAX),
		.answers = arena_new_array(arena, struct addrinfo *,
					   RESOLVE_NAMES_MAX),
		.errors = arena_new_array(arena, int, RESOLVE_NAMES_MAX),
		.answered = arena_new_array(arena, bool, RESOLVE_NAMES_MAX),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.all_answered = PTHREAD_COND_INITIALIZER,
	};
	struct timespec end;

	read_names(arena, &q);
	if (q.count && !start_threads(&q)) {
		fputs("meshapply-fetch: no thread can be started\n", stderr);
		return 1;
	}
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += RESOLVE_SECONDS;
	pthread_mutex_lock(&q.lock);
	while (q.open && !pthread_cond_timedwait(&q.all_answered, &q.lock,
						 &end))
		;
	for (size_t i = 0; i < q.count; i++)
		print_answer(&q, i);
	/* Names not answered still have their threads: no clean-up. */
	fflush(stdout);
	_exit(ferror(stdout) ? 1 : 0);
}

static int usage(void)
{
	fputs("Usage: meshapply-fetch resolve\n"
	      "       meshapply-fetch get\n"
	      "       meshapply-fetch connect HOST PORT\n"
	      "       meshapply-fetch touch DEVICE ADDRESS...\n"
	      "Started by meshapply: reads host names, writes their "
	      "addresses; fetches\ndocuments; tries a TCP connection; sends "
	      "packets.\n", stderr);
	return 64;
}

int main(int argc, char **argv)
{
	const char *task = argc > 1 ? argv[1] : "";
	bool resolves = argc == 2 && !strcmp(task, "resolve");
	bool gets = argc == 2 && !strcmp(task, "get");
	bool connects = argc == 4 && !strcmp(task, "connect");

	if (!resolves && !gets && !connects &&
	    (argc < 4 || strcmp(task, "touch") != 0))
		return usage();
	if (sandbox_drop_rights())
		return 1;
	if (resolves)
		return resolve();
	if (gets)
		return fetch_documents();
	return connects ? fetch_connect(argv[2], argv[3]) :
		fetch_touch(argv[2], argv + 3, argc - 3);
}
