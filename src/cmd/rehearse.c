/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/rehearse.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/rehearse.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

#define SECRETS_SIZE ((size_t)1 << 30)

/* What the child tells; places are the same in both. */
struct answer {
	struct rehearsal done;
	struct err failed;	/* kind 0: nothing did */
};

/* The parent's secrets are not this child's: it has an arena of its own. */
static void act(struct session *s, int to)
{
	struct answer answer = { 0 };
	struct run run = s->run;

	/* One that outlives its run would be nobody's. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run.secrets = arena_new_secret(SECRETS_SIZE);
	run.helper_folder = helper_folder(s->arena);
	if (!rehearse(&run, &answer.done, &answer.failed))
		answer.failed.kind = 0;
	_exit(write(to, &answer, sizeof(answer)) != sizeof(answer));
}

static int hear(int from, pid_t pid, struct answer *answer, struct err *e)
{
	ssize_t got;

	do
		got = read(from, answer, sizeof(*answer));
	while (got < 0 && errno == EINTR);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof(*answer))
		return 0;
	return err_set(e, ERR_FAILED, "the rehearsal ended without an answer");
}

static int run_child(struct session *s, struct answer *answer, struct err *e)
{
	cleanup_fd int from = -1, to = -1;
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		return err_sys(e, "pipe");
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "start a rehearsal");
	if (!pid)
		act(s, to);
	fd_closep(&to);
	return hear(from, pid, answer, e);
}

static void tell(struct session *s, const struct rehearsal *done)
{
	if (done->stand_in)
		output_note(s, "this kernel has no WireGuard: links of another "
			    "kind stood in for it, peers were not rehearsed");
	else if (done->peers < done->peers_wanted)
		output_note(s, "rehearsed with %zu of %zu peers", done->peers,
			    done->peers_wanted);
	if (done->routes_left)
		output_note(s, "not rehearsed: %zu route%s by links of this "
			    "host", done->routes_left,
			    done->routes_left == 1 ? "" : "s");
	if (done->sysctls_left)
		output_note(s, "not rehearsed: %zu sysctl%s of this host",
			    done->sysctls_left,
			    done->sysctls_left == 1 ? "" : "s");
	if (done->vrf_left)
		output_note(s, "not rehearsed: the VRF");
}

int rehearse_plan(struct session *s, struct err *e)
{
	struct answer answer = { 0 };
	const struct rehearsal *done = &answer.done;

	if (run_child(s, &answer, e))
		return -1;
	tell(s, done);
	if (!answer.failed.kind) {
		output_note(s, "rehearsed: %zu of %zu steps taken in a network "
			    "namespace of its own", done->taken, done->steps);
		return 0;
	}
	*e = answer.failed;
	if (done->where.source)
		diag_error(&s->diags, done->where, "%s", e->text);
	return err_wrap(e, *done->step ? "this plan would fail" :
			"it cannot be rehearsed");
}
