/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mesh that is guarded, until nothing of it waits to be confirmed. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "apply/guard.h"
#include "apply/probe.h"
#include "apply/store.h"
#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"

#define RETRY_SECONDS 5		/* after a way back that failed */
#define IDLE_SECONDS 60
#define PROBE_MS 1000
#define LOCK_SECONDS 600	/* a run may be at work on many peers */

/* One mesh that is guarded. */
struct watch {
	struct session *s;
	struct options options;	/* of what it does itself */
	const char *mesh;
	char token[PENDING_TOKEN_MAX];	/* that it said to guard */
	int held;		/* what says so */
	bool over;		/* the run that made the change has ended */
	bool probed;		/* PROBE is there to be looked at */
	struct probe probe;
	int changes, clock;	/* inotify on the folder, the deadline */
};

static void say(const struct watch *w, int level, const char *format, ...)
	printf_(3, 4);

static void say(const struct watch *w, int level, const char *format, ...)
{
	const char *text;
	struct sbuf out;
	va_list args;

	sbuf_init(&out, w->s->arena);
	va_start(args, format);
	sbuf_vprintf(&out, format, args);
	va_end(args);
	text = str_show(w->s->arena, (struct str){ out.data, out.size },
			SIZE_MAX);
	fprintf(stderr, "meshapply: %s: %s\n", w->mesh, text);
	/* Nobody reads what the child of a run says. */
	if (w->s->options->argument_count)
		syslog(level, "%s: %s", w->mesh, text);
}

static int watch_folder(const struct options *o)
{
	cleanup_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_fd int folder = -1;
	struct err ignored;
	char path[32];

	folder = pending_folder(o->root, &ignored);
	if (fd < 0 || folder < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (inotify_add_watch(fd, path, IN_MOVED_TO | IN_CREATE | IN_DELETE |
			      IN_MOVED_FROM | IN_DELETE_SELF | IN_ONLYDIR) < 0)
		return -1;
	return fd_take(&fd);
}

static void drain(int fd)
{
	char buffer[4096];

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		;
}

/* At the deadline, asleep or not; one that is past does it at once, 0 never. */
static void set_clock(int clock, uint64_t deadline)
{
	struct itimerspec at = { .it_value.tv_sec = (time_t)deadline };

	(void)timerfd_settime(clock, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Something happens, or TIMEOUT milliseconds pass (-1: never). */
static void wait_for(const struct watch *w, int timeout)
{
	struct pollfd fds[] = {
		{ .fd = w->changes, .events = POLLIN },
		{ .fd = w->clock, .events = POLLIN },
	};

	/* Without inotify it is looked at now and then. */
	if (w->changes < 0 && (timeout < 0 || timeout > PROBE_MS))
		timeout = PROBE_MS;
	(void)poll(fds, array_size(fds), timeout);
	drain(w->changes);
	drain(w->clock);
}

enum settle { SETTLE_UNDO, SETTLE_KEEP, SETTLE_ASIDE };

/* In a process of its own: memory that was used is gone with it. */
static int settle_locked(struct session *s, const struct watch *w,
			 enum settle what, bool *did, struct err *e)
{
	const struct pending *p;

	s->settles = true;
	s->sets_aside = true;
	*did = false;
	if (session_store(s, w->mesh, true, e) || session_last(s, e) ||
	    pending_read(s->run.store, s->arena, s->secrets, &p, e))
		return -1;
	/* Somebody was faster, or has moved the deadline. */
	if (!p || what == SETTLE_ASIDE ||
	    (what == SETTLE_UNDO && !pending_overdue(p)) ||
	    (what == SETTLE_KEEP && (s->recovered ||
				     strcmp(p->token, w->token))))
		return 0;
	*did = true;
	if (what == SETTLE_KEEP)
		return confirm_keep(s, p, p->by ? p->by : "by hand", e);
	*did = !pending_roll_back(&s->run, "it was not confirmed in time", e);
	return *did ? 0 : confirm_unread(s, e);
}

static int settle_child(const struct watch *w, enum settle what)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	bool did;

	session_open(&s, &w->options);
	s.writes = true;
	if (!settle_locked(&s, w, what, &did, &e)) {
		if (did)
			say(w, LOG_NOTICE, what == SETTLE_KEEP ? "confirmed" :
			    "it was not confirmed in time: rolled back, "
			    "verified");
		return 0;
	}
	say(w, LOG_ERR, "%s", e.text);
	return (int)e.kind;
}

static int settle(const struct watch *w, enum settle what)
{
	pid_t pid = fork(), got;
	int status;

	if (pid < 0)
		return -1;
	if (!pid)
		_exit(settle_child(w, what));
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 :
		-1;
}

/* The record, by a look without a lock; -1: there is none to be read now. */
static int look(struct watch *w, const struct pending **out, struct err *e)
{
	struct session *s = w->s;

	if (store_open(s->arena, s->options->root, w->mesh, false,
		       &s->run.store, e))
		return -1;
	return pending_read(s->run.store, s->arena, s->secrets, out, e);
}

/*
 * A run's own guard takes the probe from its command line: the record may have
 * been written by the service's user, and this may be root, which runs nothing
 * that another one names.
 */
static void probe_take(struct watch *w, const struct pending *p)
{
	const struct options *o = w->s->options;
	const char *text = o->argument_count ? o->confirm_by : p->by;
	struct err e = { 0 };

	if (w->probed)
		probe_close(&w->probe);
	w->probed = false;
	if (!text)
		return;
	if (probe_parse(text, &w->probe, &e) ||
	    (p->baseline && probe_read(p->baseline, &w->probe, &e)))
		say(w, LOG_ERR, "%s", e.text);
	else if (!o->argument_count && !geteuid() &&
		 w->probe.kind == PROBE_COMMAND)
		say(w, LOG_ERR, "the record's command is not run as root");
	else
		w->probed = w->probe.kind != PROBE_TOKEN;
}

/* The mesh is locked as long as the run is at work. */
static bool is_over(struct watch *w)
{
	struct err ignored;

	if (!w->over && !store_lock(w->s->run.store, 0, &ignored)) {
		store_unlock(w->s->run.store);
		w->over = true;
	}
	return w->over;
}

/* Is the host still reached? */
static void probe(struct watch *w)
{
	const struct probe_eyes eyes = {
		.kernel = w->s->run.kernel, .arena = w->s->arena,
		.secrets = w->s->secrets, .busy = !is_over(w),
		.helper_folder = helper_folder(w->s->arena),
	};

	switch (probe_look(&w->probe, &eyes)) {
	case PROBE_NOT_YET:
		return;
	case PROBE_GOOD:
		(void)settle(w, SETTLE_KEEP);
		return;
	case PROBE_NEVER:
		say(w, LOG_WARNING, "what was to confirm it cannot come any "
		    "more");
		probe_close(&w->probe);
		w->probed = false;
		return;
	}
}

static void arm(struct watch *w, const struct pending *p)
{
	struct err e = { 0 };
	int held;

	if (w->held >= 0 && !strcmp(w->token, p->token))
		return;
	/* Who cannot reach the kernel undoes nothing. */
	if (!w->s->run.kernel)
		return;
	held = guard_arm(w->s->run.store, w->s->arena, p->token, &e);
	if (held < 0) {
		say(w, LOG_ERR, "%s", e.text);
		return;
	}
	fd_closep(&w->held);
	w->held = held;
	w->over = false;
	strcpy(w->token, p->token);
	probe_take(w, p);
	say(w, LOG_INFO, "armed: undone in %u s unless it is confirmed",
	    (unsigned int)(p->deadline > pending_now() ?
			   p->deadline - pending_now() : 0));
}

/*
 * A run that joins what is pending brings a guard of its own, with a probe of
 * its own: this one minds the deadline alone then.
 */
static bool is_mine(const struct watch *w, const struct pending *p)
{
	return !w->s->options->argument_count || !*w->token ||
	       !strcmp(w->token, p->token);
}

/* Look at the record once; false when there is nothing to guard any more. */
static bool guard_once(struct watch *w, int *timeout)
{
	const struct pending *p = NULL;
	struct err e = { 0 };
	bool mine;

	*timeout = -1;
	if (look(w, &p, &e)) {
		say(w, LOG_ERR, "%s", e.text);
		*timeout = !strcmp(e.guard, "pending") &&
			   !settle(w, SETTLE_ASIDE) ? 0 : IDLE_SECONDS * 1000;
		return true;
	}
	if (!p) {
		guard_leave(w->s->run.store);
		return false;
	}
	/* Of another namespace: there is a guard there. */
	if (!confirm_is_ours(w->s, p))
		return true;
	set_clock(w->clock, p->deadline);
	mine = is_mine(w, p);
	if (p->same_boot && mine)
		arm(w, p);
	if (!pending_overdue(p)) {
		if (w->probed && mine)
			probe(w);
		*timeout = w->probed && mine ? PROBE_MS : -1;
		return true;
	}
	*timeout = settle(w, SETTLE_UNDO) ? RETRY_SECONDS * 1000 : 0;
	/* One that is past would end the wait for the next try at once. */
	set_clock(w->clock, 0);
	return true;
}

int guard_mesh(struct session *s, const char *mesh)
{
	struct watch w = { .s = s, .options = *s->options, .mesh = mesh,
			   .held = -1, .changes = -1 };
	struct err e = { 0 };
	bool more = true;

	w.options.wait = LOCK_SECONDS;
	w.changes = watch_folder(s->options);
	if (session_kernel(s, &e))
		say(&w, LOG_ERR, "%s", e.text);
	w.clock = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	while (more) {
		size_t mark = arena_mark(s->arena);
		size_t secrets = arena_mark(s->secrets);
		int timeout;

		more = guard_once(&w, &timeout);
		if (s->run.store)
			store_close(s->run.store);
		s->run.store = NULL;
		arena_reset(s->arena, mark);
		arena_reset(s->secrets, secrets);
		if (more && timeout)
			wait_for(&w, timeout);
	}
	if (w.probed)
		probe_close(&w.probe);
	fd_closep(&w.held);
	fd_closep(&w.changes);
	fd_closep(&w.clock);
	return 0;
}
