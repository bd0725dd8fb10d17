/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard: waits beside what is to be confirmed, and undoes it at the deadline.
 * With a mesh it guards that one, as a run started it; without, all that there
 * are, a child for each, so that what goes wrong with one is not another's.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"

/* The children of the guard of all. */
struct ward {
	char mesh[MESH_NAME_MAX + 1];
	pid_t pid;
};

#define WARDS_MAX 256

struct wards {
	struct ward items[WARDS_MAX];
	size_t count;
};

static void reap(struct wards *wards)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < wards->count; i++)
			if (wards->items[i].pid == pid)
				wards->items[i--] =
					wards->items[--wards->count];
}

static bool is_guarded(const struct wards *wards, const char *mesh)
{
	for (size_t i = 0; i < wards->count; i++)
		if (!strcmp(wards->items[i].mesh, mesh))
			return true;
	return false;
}

static void guard_child(const struct options *o, const char *mesh)
{
	struct session s;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	session_open(&s, o);
	_exit(guard_mesh(&s, mesh));
}

static void guard_new(const struct options *o, struct wards *wards,
		      const char *const *names, size_t count)
{
	for (size_t i = 0; i < count && wards->count < WARDS_MAX; i++) {
		struct ward *ward = &wards->items[wards->count];

		if (is_guarded(wards, names[i]))
			continue;
		ward->pid = fork();
		if (!ward->pid)
			guard_child(o, names[i]);
		if (ward->pid < 0)
			return;
		strcpy(ward->mesh, names[i]);
		wards->count++;
	}
}

/*
 * What is no record wakes systemd again and again: it is told and put aside.
 * Where that cannot be, this process stays, so that it is not started anew.
 */
static bool strays_left(struct session *s, bool *told)
{
	struct err e = { 0 };
	const char **names;
	size_t count;
	bool left = pending_sweep(s->options->root, s->arena, &names, &count,
				  &e);

	for (size_t i = 0; i < count; i++)
		output_note(s, "%s/var/lib/meshapply/.pending/%s is of no mesh:"
			    " it is kept in .pending.bad beside that folder",
			    s->options->root, names[i]);
	if (left && !*told)
		output_error(s, &e);
	*told |= left;
	return left;
}

static int guard_all(struct session *s)
{
	static struct wards wards;
	const struct timespec pause = { .tv_sec = 1 };
	struct err e = { 0 };
	const char **names;
	bool told = false;
	sigset_t child;
	size_t count;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	for (;;) {
		size_t mark = arena_mark(s->arena);

		reap(&wards);
		if (pending_names(s->options->root, s->arena, &names, &count,
				  &e)) {
			output_error(s, &e);
			return (int)e.kind;
		}
		if (!count && !wards.count && !strays_left(s, &told))
			return 0;
		guard_new(s->options, &wards, names, count);
		arena_reset(s->arena, mark);
		/* A child that ended, or a second to look for new ones. */
		(void)sigtimedwait(&child, NULL, &pause);
	}
}

int cmd_guard(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	const char *mesh;

	session_open(&s, o);
	if (session_enter(&s, false, &e)) {
		output_error(&s, &e);
		return (int)e.kind;
	}
	if (!o->argument_count)
		return guard_all(&s);
	if (mesh_of_argument(&s, o->arguments[0], &mesh, &e)) {
		output_error(&s, &e);
		return (int)e.kind;
	}
	openlog("meshapply", LOG_PID, LOG_DAEMON);
	return guard_mesh(&s, mesh);
}
