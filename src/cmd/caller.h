/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is behind this run: the SSH connection that it came over.  The
 * environment does not tell, for sudo(8) hides it: the processes above this
 * one do, up to an SSH server, and the sockets that this has open.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/ip.h"

struct arena;
struct connection;
struct session;

struct caller {
	bool ssh;
	struct ip local, remote;
	uint16_t local_port, remote_port;
	uint32_t bound;		/* the link it is bound to, 0: any */
};

/* What is looked at: the host's, or a test's. */
struct caller_view {
	const char *proc;	/* "/proc" */
	pid_t pid;		/* the process whose ancestors are looked at */
	/* SSH_CONNECTION, sshd(8), for where processes tell nothing: those of
	   others may not be read, or lead to a terminal multiplexer; or NULL */
	const char *environment;
	/* that are established in this network namespace */
	const struct connection *connections;
	size_t count;
};

/* What tells nothing is no SSH. */
void caller_look(struct arena *arena, const struct caller_view *view,
		 struct caller *out);
/* The one of this run, in the network namespace it works on. */
void caller_find(struct arena *arena, struct caller *out);

/*
 * Let the planner know the way this run came: run.options.path, if it came
 * over SSH.  Wants the kernel.
 */
void caller_path(struct session *s);
