/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nftc_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/time.h"

#define PROGRAM "meshapply-nftc"
/* Descriptors the child is given are first moved out of their own way. */
#define SAFE_FD 16
#define STOP_PATIENCE 10000	/* milliseconds */

/*
 * A border of an interval takes up to 18 times its text, fd00::1, so this is
 * more than any text needs.
 */
#define ROOM_FACTOR 40
#define ROOM_LEAST ((size_t)16 << 20)
#define ROOM_MOST ((size_t)512 << 20)

/* What the child printed before it died, on one line. */
static void last_words(const struct nftc *c, char *out, size_t size)
{
	ssize_t got = pread(c->errors, out, size - 1, 0);

	out[got > 0 ? got : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* The stream has ended before the answer: say why. */
static int died(struct nftc *c, struct err *e)
{
	char words[256];
	int status = 0;

	if (waitpid(c->pid, &status, 0) == c->pid)
		c->pid = 0;
	last_words(c, words, sizeof(words));
	if (WIFSIGNALED(status))
		return err_set(e, ERR_FAILED, "%s died of signal %d%s%s",
			       c->path, WTERMSIG(status), *words ? ": " : "",
			       words);
	return err_set(e, ERR_FAILED, "%s ended without an answer%s%s",
		       c->path, *words ? ": " : "", words);
}

static int fail(struct nftc *c, struct err *e)
{
	return e->kind == ERR_UNAVAILABLE ? died(c, e) : -1;
}

int nftc_send(struct nftc *c, enum nftc_kind kind, struct str payload,
	      struct err *e)
{
	if (nftc_put(c->fd, kind, payload, -1, c->deadline, e) < 0)
		return fail(c, e);
	return 0;
}

/* It will be an exit status: one of ours, and never that of success. */
static enum err_kind kind_of(uint32_t kind)
{
	switch ((enum err_kind)kind) {
	case ERR_FAILED:
	case ERR_ROLLED_BACK:
	case ERR_INCOMPLETE:
	case ERR_REFUSED:
	case ERR_USAGE:
	case ERR_DATA:
	case ERR_NO_INPUT:
	case ERR_UNAVAILABLE:
	case ERR_BUSY:
	case ERR_TRUST:
	case ERR_PERMISSION:
	case ERR_CONFIG:
		return (enum err_kind)kind;
	}
	return ERR_FAILED;
}

static int failure_of(const struct nftc *c, struct str payload, struct err *e)
{
	struct nftc_failure failure;

	if (payload.size != sizeof(failure))
		return err_set(e, ERR_FAILED, "%s: malformed answer", c->path);
	memcpy(&failure, payload.data, sizeof(failure));
	failure.text[sizeof(failure.text) - 1] = '\0';
	err_set(e, kind_of(failure.kind), "%s", failure.text[0] ?
		failure.text : "meshapply-nftc failed without a word");
	e->number = failure.number;
	return -1;
}

static int payload_of(struct nftc *c, struct arena *arena,
		      const struct nftc_frame *frame, struct str *payload,
		      struct err *e)
{
	char *buffer = c->small;

	if (frame->size > NFTC_SMALL) {
		if (!arena)
			return err_set(e, ERR_FAILED, "%s: malformed answer",
				       c->path);
		buffer = arena_alloc(arena, (size_t)frame->size + 1);
	}
	if (nftc_get_payload(c->fd, buffer, frame->size, c->deadline, e) < 0)
		return fail(c, e);
	*payload = (struct str){ buffer, frame->size };
	return 0;
}

int nftc_answer(struct nftc *c, struct arena *arena, enum nftc_kind wanted,
		struct str *payload, struct err *e)
{
	struct nftc_frame frame = { 0 };

	if (nftc_get_head(c->fd, &frame, NULL, c->deadline, e) < 0)
		return fail(c, e);
	if (payload_of(c, arena, &frame, payload, e) < 0)
		return -1;
	if (frame.kind == wanted)
		return 0;
	if (frame.kind == NFTC_REFUSED)
		return 1;
	if (frame.kind == NFTC_FAILED)
		return failure_of(c, *payload, e);
	return err_set(e, ERR_FAILED, "%s: frame %u is out of place", c->path,
		       frame.kind);
}

/*
 * Libnftables asks for the buffers it needs, but the kernel grants them to
 * the privileged in the first user namespace only.
 */
static void make_room(int socket, size_t large)
{
	int size = (int)large;

	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)) < 0)
		(void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
	if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) < 0)
		(void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
}

static int take_socket(struct nftc *c, struct err *e)
{
	int socket cleanup_fd = -1;
	struct nftc_frame frame = { 0 };
	struct str payload = { NULL, 0 };

	if (nftc_get_head(c->fd, &frame, &socket, c->deadline, e) < 0)
		return fail(c, e);
	if (payload_of(c, NULL, &frame, &payload, e) < 0)
		return -1;
	if (frame.kind == NFTC_FAILED)
		return failure_of(c, payload, e);
	if (frame.kind != NFTC_SOCKET || socket < 0)
		return err_set(e, ERR_FAILED, "%s: frame %u is out of place",
			       c->path, frame.kind);
	make_room(socket, c->large);
	return nftc_send(c, NFTC_GO, STR(""), e);
}

int nftc_send_job(struct nftc *c, enum nftc_kind job, const char *table,
		  struct str text, struct err *e)
{
	c->large = ROOM_LEAST;
	if (text.size > ROOM_LEAST / ROOM_FACTOR)
		c->large = text.size * ROOM_FACTOR;
	if (text.size > ROOM_MOST / ROOM_FACTOR)
		c->large = ROOM_MOST;
	if (nftc_send(c, NFTC_TABLE, str_of(table), e) < 0 ||
	    (text.data && nftc_send(c, NFTC_TEXT, text, e) < 0) ||
	    nftc_send(c, job, STR(""), e) < 0)
		return -1;
	return take_socket(c, e);
}

/* The files the child is to have, above the places they will be moved to. */
struct given {
	int stream, errors, lock;
};

static int move_up(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, SAFE_FD);
}

static void given_close(struct given *g)
{
	fd_closep(&g->stream);
	fd_closep(&g->errors);
	fd_closep(&g->lock);
}

static void set_actions(posix_spawn_file_actions_t *actions,
			const struct given *g)
{
	int last = NFTC_FD;

	posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(actions, g->errors, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(actions, g->errors, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(actions, g->stream, NFTC_FD);
	if (g->lock >= 0)
		posix_spawn_file_actions_adddup2(actions, g->lock, ++last);
	spawn_close_from(actions, last + 1);
}

/*
 * A signal from the terminal reaches the child as well: it waits, as the run
 * may be in the middle of its writes.  When the run dies, so does the child.
 */
static void set_signals(posix_spawnattr_t *attributes)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGPIPE);
	posix_spawnattr_setsigmask(attributes, &blocked);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
}

static int spawn(struct nftc *c, const struct given *g, struct err *e)
{
	char name[] = PROGRAM, parent[24];
	char *const argv[] = { name, parent, NULL };
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number;

	snprintf(parent, sizeof(parent), "%ld", (long)getpid());
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	set_actions(&actions, g);
	set_signals(&attributes);
	number = posix_spawn(&c->pid, c->path, &actions, &attributes, argv,
			     environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (!number)
		return 0;
	c->pid = 0;
	errno = number;
	err_sys(e, "%s", c->path);
	e->kind = ERR_FAILED;
	return -1;
}

static int hear_version(struct nftc *c, struct err *e)
{
	struct str version = { NULL, 0 };
	int state = nftc_answer(c, NULL, NFTC_HELLO, &version, e);

	if (state < 0)
		return -1;
	if (state || !str_is(version, MESHAPPLY_VERSION))
		return err_set(e, ERR_FAILED, "%s is of version %.*s, this is "
			       MESHAPPLY_VERSION, c->path, (int)version.size,
			       version.data);
	return 0;
}

static int open_child(struct nftc *c, int lock, struct err *e)
{
	struct given g cleanup_(given_close) = { -1, -1, -1 };
	int pair[2];

	c->errors = memfd_create("nftc-errors", MFD_CLOEXEC);
	if (c->errors < 0)
		return err_sys(e, "memfd_create");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	c->fd = pair[0];
	g.stream = move_up(pair[1]);
	g.errors = move_up(c->errors);
	g.lock = move_up(lock);
	close(pair[1]);
	if (g.stream < 0 || g.errors < 0 || (lock >= 0 && g.lock < 0))
		return err_sys(e, "descriptors for meshapply-nftc");
	return spawn(c, &g, e);
}

int nftc_start(struct nftc *c, const char *helper_folder, int lock,
	       struct err *e)
{
	int length;

	*c = (struct nftc){
		.fd = -1,
		.errors = -1,
		.deadline = time_now_ms() + NFTC_PATIENCE,
	};
	length = snprintf(c->path, sizeof(c->path), "%s/" PROGRAM,
			  helper_folder);
	if (length >= (int)sizeof(c->path))
		return err_set(e, ERR_FAILED, "the path of " PROGRAM
			       " is too long");
	if (open_child(c, lock, e) == 0 && hear_version(c, e) == 0)
		return 0;
	nftc_stop(c);
	return -1;
}

/* Its end of the stream is closed: it has nothing more to do. */
static void wait_for(struct nftc *c)
{
	struct pollfd poll_fd = {
		.fd = process_open(c->pid), .events = POLLIN,
	};
	int ready;

	do {
		ready = poll(&poll_fd, 1, STOP_PATIENCE);
	} while (ready < 0 && errno == EINTR);
	fd_closep(&poll_fd.fd);
	if (ready <= 0)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void nftc_stop(struct nftc *c)
{
	fd_closep(&c->fd);
	fd_closep(&c->errors);
	if (c->pid > 0)
		wait_for(c);
	c->pid = 0;
}
