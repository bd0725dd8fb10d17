/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/signals.h"

#include <time.h>

static bool pipe_pending(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGPIPE) == 1;
}

void signals_block(struct signals *s)
{
	sigset_t set;

	s->pipe_pending = pipe_pending();
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, &s->before);
}

void signals_unblock(struct signals *s)
{
	const struct timespec now = { 0 };
	sigset_t set;

	/* A child that went away in the middle was an error then. */
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (!s->pipe_pending && pipe_pending())
		(void)sigtimedwait(&set, NULL, &now);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}
