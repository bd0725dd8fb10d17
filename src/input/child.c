/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/time.h"
#include "base/trace.h"

/* The child has one descriptor, its standard input and output. */
static int child_start(const struct child_task *task, int end, pid_t *pid,
		       struct err *e)
{
	char *const argv[] = { (char[]){ "meshapply-fetch" },
			       (char *)(uintptr_t)task->task, NULL };
	char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" },
				      (char[]){ "LC_ALL=C" }, NULL };
	posix_spawn_file_actions_t actions;
	int error;

	/* What comes over the network may be another thing the next time. */
	trace_spoil();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, end, 0);
	posix_spawn_file_actions_adddup2(&actions, end, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY,
					 0);
	/* Also what whoever started us had open. */
	spawn_close_from(&actions, 3);
	error = posix_spawn(pid, task->program, &actions, NULL, argv,
			    environment);
	posix_spawn_file_actions_destroy(&actions);
	if (!error)
		return 0;
	errno = error;
	err_sys(e, "start %s", task->program);
	e->kind = ERR_UNAVAILABLE;
	return -1;
}

/* What the socket takes now; the rest stays in QUESTION. */
static void put_some(struct pollfd *p, struct str *question)
{
	if (p->revents & POLLOUT && question->size) {
		ssize_t n = send(p->fd, question->data, question->size,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			question->data += n;
			question->size -= (size_t)n;
		}
	}
	if (!question->size && p->events & POLLOUT) {
		shutdown(p->fd, SHUT_WR);
		p->events = POLLIN;
	}
}

/* What is there now; *END: no more will come. */
static int get_some(const struct child_task *task, int fd,
		    struct sbuf *answer, bool *end, struct err *e)
{
	char buffer[16384];
	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	*end = n <= 0;
	if (*end)
		return 0;
	if ((size_t)n > task->answer_limit ||
	    answer->size > task->answer_limit - (size_t)n)
		return err_set(e, ERR_UNAVAILABLE, "%s: the answer has no end",
			       task->what);
	sbuf_add(answer, buffer, (size_t)n);
	/* It may hold what is secret. */
	explicit_bzero(buffer, (size_t)n);
	return 0;
}

/* Write the question and read the answer, neither waiting for the other. */
static int child_talk(const struct child_task *task, int fd,
		      struct sbuf *answer, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	int64_t end = time_now_ms() + task->milliseconds;
	struct str question = task->question;
	bool over = false;

	while (!over) {
		int64_t left = end - time_now_ms();
		int ready = 0;

		if (left > 0)
			ready = poll(&p, 1, left > INT32_MAX ? INT32_MAX :
				     (int)left);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return err_set(e, ERR_UNAVAILABLE,
				       "%s took too long", task->what);
		put_some(&p, &question);
		if (p.revents & (POLLIN | POLLHUP | POLLERR) &&
		    get_some(task, fd, answer, &over, e))
			return -1;
	}
	return 0;
}

int child_ask(const struct child_task *task, struct sbuf *answer,
	      struct err *e)
{
	cleanup_fd int ours = -1;
	int ends[2], result, status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_sys(e, "socketpair");
	ours = ends[0];
	result = child_start(task, ends[1], &pid, e);
	close(ends[1]);
	if (result)
		return -1;
	result = child_talk(task, ours, answer, e);
	if (result)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result)
		return -1;
	/* A child that failed must not pass for one that found nothing. */
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_UNAVAILABLE, "%s failed, %s %d",
			       task->program,
			       WIFEXITED(status) ? "exit status" : "signal",
			       WIFEXITED(status) ? WEXITSTATUS(status) :
			       WTERMSIG(status));
	return 0;
}
