/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/caller.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "kern/connection.h"

#define ANCESTORS_MAX 64
#define STAT_LIMIT 4096
#define SOCKET_LINK "socket:["

/* One line of /proc/PID/stat, proc_pid_stat(5). */
struct process {
	struct str name;	/* which may hold any byte */
	pid_t parent;
};

static bool process_parse(struct str line, struct process *out)
{
	const char *open = line.size ?
		memchr(line.data, '(', line.size) : NULL;
	const char *close = line.size ?
		memrchr(line.data, ')', line.size) : NULL;
	struct str rest, word;
	uint64_t parent;

	if (!open || !close || close < open)
		return false;
	out->name = (struct str){ open + 1, (size_t)(close - open - 1) };
	rest = (struct str){ close + 1,
			     (size_t)(line.data + line.size - close - 1) };
	rest = str_trim(rest);
	/* Its state, its parent. */
	if (!str_next(&rest, ' ', &word) || !str_next(&rest, ' ', &word) ||
	    str_uint(word, INT32_MAX, &parent))
		return false;
	out->parent = (pid_t)parent;
	return true;
}

static bool process_read(struct arena *arena, const char *proc, pid_t pid,
			 struct process *out)
{
	const char *path = arena_printf(arena, "%s/%ld/stat", proc,
					(long)pid);
	struct err ignored;
	struct str line;

	return !file_read_path(path, STAT_LIMIT, arena, &line, &ignored) &&
	       process_parse(line, out);
}

static bool is_ssh_server(struct str name)
{
	/* OpenSSH 9.8 and later call what serves a session sshd-session. */
	return str_is(name, "sshd") || str_starts(name, "sshd-") ||
	       str_is(name, "dropbear");
}

static const struct connection *connection_of(const struct caller_view *view,
					      struct str link)
{
	uint64_t inode;

	if (!str_starts(link, SOCKET_LINK) || !str_ends(link, "]"))
		return NULL;
	link.data += strlen(SOCKET_LINK);
	link.size -= strlen(SOCKET_LINK) + 1;
	if (str_uint(link, UINT32_MAX, &inode))
		return NULL;
	for (size_t i = 0; inode && i < view->count; i++)
		if (view->connections[i].inode == inode)
			return &view->connections[i];
	return NULL;
}

/*
 * The connection that process PID has open, the one of the lowest descriptor:
 * those that it forwards were opened later.
 */
static const struct connection *
connection_of_process(struct arena *arena, const struct caller_view *view,
		      pid_t pid)
{
	const char *path = arena_printf(arena, "%s/%ld/fd", view->proc,
					(long)pid);
	const struct connection *found = NULL;
	uint64_t number, lowest = UINT64_MAX;
	const struct dirent *entry;
	DIR *folder = opendir(path);

	while (folder && (entry = readdir(folder))) {
		const struct connection *c;
		char link[64];
		ssize_t size;

		if (str_uint(str_of(entry->d_name), INT32_MAX, &number) ||
		    number > lowest)
			continue;
		size = readlinkat(dirfd(folder), entry->d_name, link,
				  sizeof(link));
		if (size < 0)
			continue;
		c = connection_of(view, (struct str){ link, (size_t)size });
		if (c) {
			found = c;
			lowest = number;
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

/* The next SSH server from *PID on, which becomes it; false: there is none. */
static bool next_server(struct arena *arena, const char *proc, pid_t *pid,
			pid_t *parent)
{
	for (int i = 0; i < ANCESTORS_MAX && *pid > 0; i++) {
		struct process process;

		if (!process_read(arena, proc, *pid, &process))
			return false;
		*parent = process.parent;
		if (is_ssh_server(process.name))
			return true;
		*pid = process.parent;
	}
	return false;
}

static const struct connection *
connection_of_ancestors(struct arena *arena, const struct caller_view *view)
{
	pid_t pid = view->pid, parent = 0;

	/* A session has several, and the one that listens is above them. */
	for (int i = 0; i < ANCESTORS_MAX &&
	     next_server(arena, view->proc, &pid, &parent); i++) {
		const struct connection *found =
			connection_of_process(arena, view, pid);

		if (found)
			return found;
		pid = parent;
	}
	return NULL;
}

static bool take_end(struct str *rest, struct ip *ip, uint16_t *port)
{
	struct str word;
	uint64_t number;

	if (!str_next(rest, ' ', &word))
		return false;
	/* Of a link-local one the link's name comes behind it. */
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] == '%')
			word.size = i;
	if (ip_parse(word, ip) || !str_next(rest, ' ', &word) ||
	    str_uint(word, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

/*
 * "REMOTE PORT LOCAL PORT", sshd(8).  What a terminal multiplexer was started
 * with may be long gone, and whoever set it may have made it up: it counts if
 * there is such a connection.
 */
static const struct connection *
connection_of_environment(const struct caller_view *view)
{
	struct str rest = str_of(view->environment);
	struct connection like = { 0 };

	if (!take_end(&rest, &like.remote, &like.remote_port) ||
	    !take_end(&rest, &like.local, &like.local_port))
		return NULL;
	for (size_t i = 0; i < view->count; i++)
		if (connection_equal(&view->connections[i], &like))
			return &view->connections[i];
	return NULL;
}

void caller_look(struct arena *arena, const struct caller_view *view,
		 struct caller *out)
{
	const struct connection *found = connection_of_ancestors(arena, view);

	*out = (struct caller){ 0 };
	if (!found)
		found = connection_of_environment(view);
	if (!found)
		return;
	*out = (struct caller){
		.ssh = true,
		.local = found->local, .remote = found->remote,
		.local_port = found->local_port,
		.remote_port = found->remote_port,
		.bound = found->bound,
	};
}

void caller_find(struct arena *arena, struct caller *out)
{
	struct caller_view view = {
		.proc = "/proc", .pid = getppid(),
		.environment = getenv("SSH_CONNECTION"),
	};
	struct connection *connections;
	pid_t pid = view.pid, parent;
	struct err ignored;

	*out = (struct caller){ 0 };
	/* Most runs are by a timer: they ask for no sockets. */
	if (!view.environment &&
	    !next_server(arena, view.proc, &pid, &parent))
		return;
	if (connection_list(arena, &connections, &view.count, &ignored))
		return;
	view.connections = connections;
	caller_look(arena, &view, out);
}

void caller_path(struct session *s)
{
	struct plan_path *path = arena_new_object(s->arena, struct plan_path);
	struct lookup way = { 0 };
	struct caller caller;
	struct err ignored;

	caller_find(s->arena, &caller);
	if (!caller.ssh)
		return;
	*path = (struct plan_path){
		.local = caller.local, .remote = caller.remote,
		.local_port = caller.local_port,
		.remote_port = caller.remote_port,
	};
	/* Link-local addresses are told apart by it. */
	way.endpoint.ip = caller.remote;
	way.endpoint.scope = ip_is_link_local(&caller.remote) ?
		caller.bound : 0;
	/* Through which link is all that is missed without. */
	if (!s->run.kernel->lookup(s->run.kernel, &way, 1, &ignored) &&
	    way.found)
		memcpy(path->device, way.device, sizeof(path->device));
	s->run.options.path = path;
}
