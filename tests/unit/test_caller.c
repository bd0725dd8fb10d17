/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is behind a run: made-up processes, and what they have open. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "cmd/caller.h"
#include "kern/connection.h"
#include "support/check.h"
#include "support/scratch.h"

static struct arena *arena;
static struct scratch scratch;

static struct ip ip_of(const char *text)
{
	struct ip ip = { 0 };

	ck_assert_int_eq(ip_parse(str_of(text), &ip), 0);
	return ip;
}

static struct connection connections[3];

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	scratch_open(&scratch);
	connections[0] = (struct connection){
		.local = ip_of("10.0.0.1"), .local_port = 22,
		.remote = ip_of("10.0.0.2"), .remote_port = 50022,
		.inode = 100,
	};
	connections[1] = (struct connection){
		.local = ip_of("127.0.0.1"), .local_port = 40000,
		.remote = ip_of("127.0.0.1"), .remote_port = 80,
		.inode = 200,
	};
	connections[2] = (struct connection){
		.local = ip_of("fe80::1"), .local_port = 22,
		.remote = ip_of("fe80::2"), .remote_port = 50023,
		.inode = 300, .bound = 7,
	};
}

static void teardown(void)
{
	scratch_close(&scratch);
	arena_free(arena);
}

/* A process whose line in stat is "PID (NAME) STATE PARENT …". */
static void process(int pid, const char *name, int parent)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "%d", pid);
	ck_assert_int_eq(mkdirat(scratch.folder, path, 0700), 0);
	snprintf(path, sizeof(path), "%d/fd", pid);
	ck_assert_int_eq(mkdirat(scratch.folder, path, 0700), 0);
	snprintf(path, sizeof(path), "%d/stat", pid);
	snprintf(line, sizeof(line), "%d (%s) S %d 7 7 0 -1 4194560\n", pid,
		 name, parent);
	scratch_put(&scratch, path, line, strlen(line), 0600);
}

static void has_open(int pid, int fd, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/fd/%d", pid, fd);
	ck_assert_int_eq(symlinkat(what, scratch.folder, path), 0);
}

static struct caller look(int pid, const char *environment)
{
	const struct caller_view view = {
		.proc = scratch.path, .pid = pid, .environment = environment,
		.connections = connections,
		.count = array_size(connections),
	};
	struct caller caller;

	caller_look(arena, &view, &caller);
	return caller;
}

static void is(const struct caller *c, size_t i)
{
	ck_assert(c->ssh);
	ck_assert(!ip_compare(&c->local, &connections[i].local));
	ck_assert(!ip_compare(&c->remote, &connections[i].remote));
	ck_assert_uint_eq(c->local_port, connections[i].local_port);
	ck_assert_uint_eq(c->remote_port, connections[i].remote_port);
	ck_assert_uint_eq(c->bound, connections[i].bound);
}

/* systemd, sshd, sshd of the session, bash, sudo. */
static void session(const char *server)
{
	process(1, "systemd", 0);
	process(10, server, 1);
	has_open(10, 3, "socket:[99]");
	process(11, server, 10);
	has_open(11, 0, "/dev/null");
	has_open(11, 4, "socket:[100]");
	process(12, "bash", 11);
	process(13, "sudo", 12);
}

START_TEST(below_sudo)
{
	struct caller c;

	session("sshd");
	c = look(13, NULL);
	is(&c, 0);
	c = look(11, NULL);
	is(&c, 0);
	ck_assert(!look(10, NULL).ssh);
	ck_assert(!look(1, NULL).ssh);
}
END_TEST

START_TEST(newer_server)
{
	struct caller c;

	session("sshd-session");
	c = look(13, NULL);
	is(&c, 0);
}
END_TEST

START_TEST(another_server)
{
	struct caller c;

	session("dropbear");
	c = look(13, NULL);
	is(&c, 0);
}
END_TEST

/* A name may hold what the line is parted by. */
START_TEST(odd_names)
{
	struct caller c;

	session("sshd");
	process(20, "a) S 1 (b", 13);
	process(21, "sshd) S 1 1", 20);
	process(22, "", 21);
	c = look(22, NULL);
	is(&c, 0);
}
END_TEST

/* What the server forwards was opened later. */
START_TEST(forwards)
{
	struct caller c;

	session("sshd");
	has_open(11, 12, "socket:[200]");
	has_open(11, 10, "socket:[300]");
	c = look(13, NULL);
	is(&c, 0);
}
END_TEST

START_TEST(others_sockets)
{
	process(1, "init", 0);
	process(2, "nginx", 1);
	has_open(2, 3, "socket:[100]");
	process(3, "sh", 2);
	ck_assert(!look(3, NULL).ssh);
	process(4, "sshd", 3);
	has_open(4, 3, "socket:[4711]");
	has_open(4, 4, "socket:[100");
	has_open(4, 5, "pipe:[100]");
	has_open(4, 6, "socket:[]");
	has_open(4, 7, "socket:[0]");
	ck_assert(!look(4, NULL).ssh);
}
END_TEST

START_TEST(environment)
{
	struct caller c;

	process(1, "init", 0);
	process(2, "tmux", 1);
	c = look(2, "10.0.0.2 50022 10.0.0.1 22");
	is(&c, 0);
	c = look(2, "fe80::2%eth0 50023 fe80::1%eth0 22");
	is(&c, 2);
	/* There is no such connection (any more). */
	ck_assert(!look(2, "10.0.0.2 50021 10.0.0.1 22").ssh);
	ck_assert(!look(2, "10.0.0.1 22 10.0.0.2 50022").ssh);
	ck_assert(!look(2, "").ssh);
	ck_assert(!look(2, "10.0.0.2 50022 10.0.0.1").ssh);
	ck_assert(!look(2, "10.0.0.2 99999 10.0.0.1 22").ssh);
	ck_assert(!look(2, "rubbish").ssh);
}
END_TEST

/* The processes are believed first. */
START_TEST(processes_first)
{
	struct caller c;

	session("sshd");
	c = look(13, "fe80::2 50023 fe80::1 22");
	is(&c, 0);
}
END_TEST

START_TEST(rubbish)
{
	static const char *const lines[] = {
		"", "5", "5 (", "5 (sshd", "5 )sshd( S 1", "5 (sshd) S",
		"5 (sshd) S x", "5 (sshd) S -1", "5 (sshd) S 99999999999",
	};
	char path[32];

	/* Not there; a circle. */
	ck_assert(!look(77, NULL).ssh);
	process(8, "sh", 9);
	process(9, "sshd", 8);
	ck_assert(!look(8, NULL).ssh);
	process(5, "sh", 1);
	for (size_t i = 0; i < array_size(lines); i++) {
		snprintf(path, sizeof(path), "5/stat");
		scratch_put(&scratch, path, lines[i], strlen(lines[i]), 0600);
		ck_assert_msg(!look(5, NULL).ssh, "%s", lines[i]);
	}
}
END_TEST

/* Of the host itself: whatever it is, it does not fail. */
START_TEST(of_this_host)
{
	struct caller c;

	caller_find(arena, &c);
	ck_assert(c.ssh || (!c.local_port && !c.remote_port));
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(below_sudo), CHECK_CASE(newer_server),
		CHECK_CASE(another_server), CHECK_CASE(odd_names),
		CHECK_CASE(forwards), CHECK_CASE(others_sockets),
		CHECK_CASE(environment), CHECK_CASE(processes_first),
		CHECK_CASE(rubbish), CHECK_CASE(of_this_host),
	};

	return check_run_within("caller", cases, array_size(cases), setup,
				teardown);
}
