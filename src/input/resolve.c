/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/str.h"

#define ANSWER_LIMIT (16u << 20)
/* The child keeps the limit itself; this is for one that does not. */
#define GRACE_SECONDS 5

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The child has one descriptor, its standard input and output. */
static int child_start(const char *program, int end, pid_t *pid,
		       struct err *e)
{
	char *const argv[] = { (char[]){ "meshapply-fetch" },
			       (char[]){ "resolve" }, NULL };
	char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" },
				      (char[]){ "LC_ALL=C" }, NULL };
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, end, 0);
	posix_spawn_file_actions_adddup2(&actions, end, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY,
					 0);
	/* Also what whoever started us had open. */
	spawn_close_from(&actions, 3);
	error = posix_spawn(pid, program, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (!error)
		return 0;
	errno = error;
	err_sys(e, "start %s", program);
	e->kind = ERR_UNAVAILABLE;
	return -1;
}

/* Write the question and read the answer, neither waiting for the other. */
static int child_talk(int fd, struct str question, struct sbuf *answer,
		      struct err *e)
{
	int64_t end = now_ms() + (RESOLVE_SECONDS + GRACE_SECONDS) * 1000;
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char buffer[4096];

	for (;;) {
		int64_t left = end - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return err_set(e, ERR_UNAVAILABLE,
				       "resolving names took too long");
		if (p.revents & POLLOUT && question.size) {
			n = send(fd, question.data, question.size,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0) {
				question.data += n;
				question.size -= (size_t)n;
			}
		}
		if (!question.size && p.events & POLLOUT) {
			shutdown(fd, SHUT_WR);
			p.events = POLLIN;
		}
		if (!(p.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return 0;
		if (answer->size + (size_t)n > ANSWER_LIMIT)
			return err_set(e, ERR_UNAVAILABLE,
				       "the resolver's answer has no end");
		sbuf_add(answer, buffer, (size_t)n);
	}
}

static void query_add(struct arena *arena, struct resolve_query *q,
		      const struct ip *ip, uint32_t scope)
{
	if (!q->endpoints)
		q->endpoints = arena_new_array(arena, struct endpoint,
					       RESOLVE_ADDRESSES_MAX);
	if (q->endpoint_count == RESOLVE_ADDRESSES_MAX)
		return;
	q->endpoints[q->endpoint_count++] = (struct endpoint){
		.ip = *ip, .port = q->port, .scope = scope,
	};
}

/* "INDEX ADDRESS SCOPE" or "INDEX ! WHY"; anything else is passed over. */
static void answer_line(struct arena *arena, struct str line,
			struct resolve_query *queries, size_t count)
{
	struct str index, address, scope;
	struct resolve_query *q;
	uint64_t number, zone;
	struct ip ip;

	if (!str_next(&line, ' ', &index) || !str_next(&line, ' ', &address))
		return;
	if (!count || str_uint(index, count - 1, &number))
		return;
	q = &queries[number];
	if (str_is(address, "!")) {
		q->why = str_show(arena, line, 100);
		return;
	}
	scope = line;
	if (ip_parse(address, &ip) || str_uint(scope, UINT32_MAX, &zone))
		return;
	query_add(arena, q, &ip, (uint32_t)zone);
}

static void answer_read(struct arena *arena, struct str answer,
			struct resolve_query *queries, size_t count)
{
	struct str line;

	while (str_next(&answer, '\n', &line))
		answer_line(arena, line, queries, count);
	for (size_t i = 0; i < count; i++)
		if (!queries[i].endpoint_count && !queries[i].why)
			queries[i].why = "no answer in time";
}

int resolve_names(struct arena *arena, const char *program,
		  struct resolve_query *queries, size_t count, struct err *e)
{
	struct sbuf question, answer;
	cleanup_fd int ours = -1;
	int ends[2], result, status;
	pid_t pid;

	if (count > RESOLVE_NAMES_MAX)
		return err_set(e, ERR_DATA, "more than %d endpoint names",
			       RESOLVE_NAMES_MAX);
	sbuf_init(&question, arena);
	sbuf_init(&answer, arena);
	for (size_t i = 0; i < count; i++)
		sbuf_printf(&question, "%s\n", queries[i].host);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_sys(e, "socketpair");
	ours = ends[0];
	result = child_start(program, ends[1], &pid, e);
	close(ends[1]);
	if (result)
		return -1;
	result = child_talk(ours, (struct str){ question.data, question.size },
			    &answer, e);
	if (result)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result)
		return -1;
	/* A child that failed must not pass for names that are not there. */
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_UNAVAILABLE, "%s failed, %s %d", program,
			       WIFEXITED(status) ? "exit status" : "signal",
			       WIFEXITED(status) ? WEXITSTATUS(status) :
			       WTERMSIG(status));
	answer_read(arena, (struct str){ answer.data, answer.size }, queries,
		    count);
	return 0;
}
