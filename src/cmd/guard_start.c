/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a run is to be confirmed, and the guard that it is given. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/guard.h"
#include "apply/pass.h"
#include "apply/probe.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"
#include "kern/netns.h"

#define SYSTEMD "/run/systemd/system"

/* A service may not see process 1; this any process is told (Linux 5.14). */
bool confirm_inner(void)
{
	return netns_cookie() > NETNS_COOKIE_FIRST;
}

/*
 * Only there does the shipped guard see what this run sees, and get where this
 * run gets: its user may not enter the namespace of a socket.
 */
static bool is_systemd_s(const struct session *s)
{
	const struct options *o = s->options;

	return !access(SYSTEMD, F_OK) && !*o->root && !o->netns &&
	       !s->run.confirm->elsewhere && !s->run.options.outside;
}

static void no_output(void)
{
	int fd = open("/dev/null", O_RDWR | O_NOCTTY);

	for (int i = 0; i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In a child: what comes of it does not end with the session of this run. */
static void become_guard(char *const *arguments)
{
	sigset_t none;

	if (setsid() < 0 || fork())
		_exit(0);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/"))
		_exit(1);
	no_output();
	/* A lock or a pipe of whoever called this run ends with that. */
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	execv("/proc/self/exe", arguments);
	_exit(127);
}

/*
 * The probe is on the guard's own command line: the record's may have been
 * written by the service's user, and this may be root.
 */
static int start_child(const struct session *s, struct err *e)
{
	const struct options *o = s->options;
	char *arguments[8], **next = arguments, root[PATH_MAX];
	pid_t pid;

	*next++ = arena_strdup(s->arena, "meshapply");
	*next++ = arena_strdup(s->arena, "guard");
	/* It is in another working folder. */
	if (*o->root && !realpath(o->root, root))
		return err_sys(e, "find %s", o->root);
	if (*o->root)
		*next++ = arena_printf(s->arena, "--root=%s", root);
	if (o->netns)
		*next++ = arena_printf(s->arena, "--netns=%s", o->netns);
	if (s->run.confirm->by)
		*next++ = arena_printf(s->arena, "--confirm-by=%s",
				       s->run.confirm->by);
	*next++ = arena_strdup(s->arena, "--");
	*next++ = arena_strdup(s->arena, s->run.mesh);
	*next = NULL;
	pid = fork();
	if (pid < 0)
		return err_sys(e, "start a guard");
	if (!pid)
		become_guard(arguments);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Have a guard take over what is pending; struct confirm. */
static int arm(const struct confirm *confirm, struct run *run,
	       const struct pending *pending, struct err *e)
{
	const struct session *s = confirm->data;
	bool child = !is_systemd_s(s) || run_forced(run, "guard");

	if (child && start_child(s, e))
		return -1;
	if (guard_wait(run->store, run->arena, pending->token, GUARD_SECONDS))
		return 0;
	if (child)
		return err_set(e, ERR_REFUSED, "the guard that would undo this "
			       "did not start");
	return err_refuse(e, "guard", "no guard that would undo this is there: "
			  "systemctl enable --now meshapply-guard.path starts "
			  "it; or a process of this session will do");
}

/*
 * The connection that this run came over stays, whatever the new table says
 * of it, until it is confirmed: by another one, or else where it goes on.
 */
static int let_through(struct session *s, struct confirm *confirm,
		       struct err *e)
{
	const char *by = confirm->by;

	if (!plan_cuts(&s->run.plan) || (by && !strcmp(by, "ssh")))
		return 0;
	if (pass_add(&s->run, &s->want, &s->diags, e))
		return -1;
	if (!s->run.clean)
		return 0;
	confirm->pass = pass_write(s->arena, s->run.options.path);
	output_note(s, "until then the firewall lets this SSH connection "
		    "through: confirm from a new one");
	return 0;
}

static int confirm_in(struct session *s, unsigned int seconds, const char *by,
		      bool wait, struct err *e)
{
	struct confirm *confirm = arena_new_object(s->arena, struct confirm);
	struct probe *probe = arena_new_object(s->arena, struct probe);

	if (by && (probe_parse(by, probe, e) ||
		   probe_baseline(&s->run, probe, e)))
		return -1;

	*confirm = (struct confirm){
		.seconds = seconds, .by = by, .wait = wait,
		.baseline = by ? probe_write(s->arena, probe) : NULL,
		.netns = s->options->netns,
		.elsewhere = netns_is_elsewhere(), .inner = confirm_inner(),
		.forget = s->forget,
		.arm = arm, .data = s,
	};
	s->run.confirm = confirm;
	if (s->run.plan.count && !is_systemd_s(s))
		output_note(s, "the guard of this change is a process of its "
			    "own: it does not outlive a reboot, nor the end "
			    "of a service or container that this runs in");
	return let_through(s, confirm, e);
}

unsigned int confirm_seconds(const char *by)
{
	return by && str_starts(str_of(by), "handshake") ? HANDSHAKE_SECONDS :
		CONFIRM_SECONDS;
}

/* Has any peer answered on a device of ours? */
static bool has_answered(const struct state *have)
{
	for (size_t i = 0; i < have->device_count; i++)
		for (size_t j = 0; have->devices[i].owned &&
		     j < have->devices[i].peer_count; j++)
			if (have->devices[i].peers[j].last_handshake)
				return true;
	return false;
}

/* Nobody is there to confirm what the timer does: it is seen to work. */
static int confirm_timer(struct session *s, struct err *e)
{
	const char *by = s->confirm_by ? s->confirm_by : "handshake";
	unsigned int seconds = confirm_seconds(by);

	if (s->run.plan.disruption != DISRUPTION_ACCESS ||
	    (!s->confirm_by && !has_answered(&s->run.have)))
		return 0;
	output_note(s, "this may cut off whoever manages this host: it is "
		    "undone in %u s unless it is confirmed by %s", seconds,
		    by);
	if (!confirm_in(s, seconds, by, true, e))
		return 0;
	if (s->confirm_by && e->kind == ERR_USAGE)
		e->kind = ERR_CONFIG;
	return err_wrap(e, "confirm_by of %s", s->run.mesh);
}

static int confirm_ssh(struct session *s, struct err *e)
{
	if (!plan_cuts(&s->run.plan))
		return 0;
	output_note(s, "this run came over SSH through what it changes: it is "
		    "undone in %d s unless it is confirmed (--confirm=0 goes "
		    "without)", CONFIRM_SECONDS);
	return confirm_in(s, CONFIRM_SECONDS, NULL, false, e);
}

int confirm_prepare(struct session *s, struct err *e)
{
	const struct options *o = s->options;

	if (o->confirm)
		return confirm_in(s, o->confirm, o->confirm_by,
				  o->wait_confirmed, e);
	if (o->confirm_given || !s->run.plan.count)
		return 0;
	if (s->run.options.path)
		return confirm_ssh(s, e);
	/* Of what was removed nothing can be seen to work. */
	return getenv("INVOCATION_ID") && !s->forget ? confirm_timer(s, e) : 0;
}
