/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A probe at work: what is seen, look by look. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/probe.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/libc.h"
#include "base/time.h"
#include "kern/kernel.h"

/*
 * What was under way when the run ended is no sign of anything: the first
 * looks only take what there is.
 */
#define FIRST_LOOKS 2
#define TOUCH_LOOKS 5		/* from one packet to the next: each has the
				   time for an answer */
#define CHILD_MS 10000
#define FETCH "meshapply-fetch"

static int child_start(struct probe *p, const char *program,
		       char *const argv[])
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lc[] = "LC_ALL=C";
	char *const environment[] = { path, lc, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null",
						 O_RDWR, 0);
	spawn_close_from(&actions, STDERR_FILENO + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* What we ignore it need not. */
	posix_spawnattr_setsigdefault(&attributes, &all);
	/* A group of its own, to be killed with all that it started. */
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETPGROUP);
	error = posix_spawn(&p->child, program, &actions, &attributes, argv,
			    environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		p->child = 0;
	p->child_end = time_now_ms() + CHILD_MS;
	return error ? -1 : 0;
}

static void child_kill(struct probe *p)
{
	if (!p->child)
		return;
	kill(-p->child, SIGKILL);
	while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR)
		;
	p->child = 0;
}

static enum probe_end child_look(struct probe *p)
{
	int status;
	pid_t got = waitpid(p->child, &status, WNOHANG);

	if (!got) {
		if (time_now_ms() > p->child_end)
			child_kill(p);
		return PROBE_NOT_YET;
	}
	p->child = 0;
	return got > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ?
		PROBE_GOOD : PROBE_NOT_YET;
}

static const char *fetch_path(const struct probe_eyes *eyes)
{
	return arena_printf(eyes->arena, "%s/" FETCH, eyes->helper_folder);
}

/*
 * A new handshake shows both ways: whoever began it, it is complete when
 * something was heard from the other end that only who has heard us can send.
 * That more bytes were received shows one way alone: a peer keeps its session
 * alive, or tries for a new one, by itself.
 */
static bool peer_answers(struct probe_peer *p, const struct peer *now,
			 bool first)
{
	if (first)
		p->handshake = now->last_handshake;
	return now->last_handshake > p->handshake;
}

/* Nobody was ever heard: whoever is heard first will do. */
static bool any_answers(struct probe *p, const struct device *d, bool first)
{
	int64_t newest = 0;

	for (size_t i = 0; i < d->peer_count; i++)
		if (d->peers[i].last_handshake > newest)
			newest = d->peers[i].last_handshake;
	if (first)
		p->newest = newest;
	return newest > p->newest;
}

/*
 * An address that is reached through the peer: the second one of a subnet if
 * the first is our own.  False where none can be told.
 */
static bool touch_address(const struct device *d, const struct peer *peer,
			  char out[static IP_TEXT_MAX])
{
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		struct prefix p = peer->allowed_ips[i];
		unsigned int bits = ip_bits(p.ip.family);
		bool own = false;

		/* No host of the Internet at large. */
		if (p.length < 8)
			continue;
		if (p.length < bits)
			p.ip.bytes[bits / 8 - 1] |= 1;
		for (size_t j = 0; j < d->address_count; j++)
			own |= !ip_compare(&d->addresses[j].ip, &p.ip);
		if (own && p.length + 1u >= bits)
			continue;
		if (own)
			p.ip.bytes[bits / 8 - 1] ^= 3;
		ip_format(&p.ip, out);
		return true;
	}
	return false;
}

/*
 * A session that lives on makes no handshake for two minutes, and there is no
 * asking for one.  But its peer answers packets: an answer that came by the
 * device is from where its allowed IPs say.  Where no packet is answered, they
 * have WireGuard make a handshake once the session is two minutes old.
 */
static void touch(struct probe *p, const struct probe_eyes *eyes,
		  const struct device *d)
{
	char name[] = FETCH, verb[] = "touch";
	char text[PROBE_PEERS][IP_TEXT_MAX];
	char *arguments[PROBE_PEERS + 4] = { name, verb, p->device };
	size_t count = 0;

	for (size_t i = 0; i < d->peer_count && count < PROBE_PEERS; i++) {
		const struct peer *peer = &d->peers[i];
		bool meant = !p->peer_count && peer->endpoint.ip.family;

		for (size_t j = 0; j < p->peer_count; j++)
			meant |= key_equal(&peer->public_key,
					   &p->peers[j].public_key);
		if (meant && touch_address(d, peer, text[count])) {
			arguments[count + 3] = text[count];
			count++;
		}
	}
	child_kill(p);
	/* Without it there may be a handshake all the same. */
	if (count && child_start(p, fetch_path(eyes), arguments))
		return;
}

static enum probe_end look_handshake(struct probe *p,
				     const struct probe_eyes *eyes, bool first)
{
	const char *const devices[] = { p->device };
	const struct scope scope = {
		.mesh = "", .devices = devices, .device_count = 1,
	};
	struct state have = { 0 };
	const struct device *d;
	struct err ignored;
	bool answers = p->child && child_look(p) == PROBE_GOOD;

	if (answers)
		return PROBE_GOOD;
	if (eyes->kernel->observe(eyes->kernel, eyes->arena, eyes->secrets,
				  &scope, &have, &ignored))
		return PROBE_NOT_YET;
	d = state_device(&have, p->device);
	if (!d)
		return PROBE_NOT_YET;
	if (!p->peer_count)
		answers = any_answers(p, d, first);
	for (size_t i = 0; i < p->peer_count; i++) {
		const struct peer *now =
			device_peer(d, &p->peers[i].public_key);

		answers |= now && peer_answers(&p->peers[i], now, first);
	}
	if (!first && !answers && (p->looks++ - FIRST_LOOKS) % TOUCH_LOOKS == 0)
		touch(p, eyes, d);
	return answers ? PROBE_GOOD : PROBE_NOT_YET;
}

/* What was sent from here has come to the other end: it says so. */
static enum probe_end look_ssh(struct probe *p, const struct probe_eyes *eyes,
			       bool first)
{
	struct connection now;
	struct err ignored;
	bool found;

	if (connection_find(eyes->arena, &p->connection, &now, &found,
			    &ignored))
		return PROBE_NOT_YET;
	if (!found || !now.counted)
		return PROBE_NEVER;
	if (first)
		p->connection = now;
	return now.acked > p->connection.acked ? PROBE_GOOD : PROBE_NOT_YET;
}

/* Started at one look, asked for its end at the next ones. */
static enum probe_end look_child(struct probe *p,
				 const struct probe_eyes *eyes, bool first)
{
	char name[] = FETCH, verb[] = "connect";
	char *const connect[] = { name, verb, p->host, p->port, NULL };
	char *const command[] = { p->path, NULL };
	bool tcp = p->kind == PROBE_TCP;
	const char *program = tcp ? fetch_path(eyes) : p->path;

	if (first)
		return PROBE_NOT_YET;
	if (p->child)
		return child_look(p);
	return child_start(p, program, tcp ? connect : command) ?
		PROBE_NEVER : PROBE_NOT_YET;
}

enum probe_end probe_look(struct probe *p, const struct probe_eyes *eyes)
{
	bool first = eyes->busy || p->looks < FIRST_LOOKS;

	if (eyes->busy) {
		/* Another run has moved the deadline. */
		child_kill(p);
		p->looks = 0;
	} else if (first) {
		p->looks++;
	}
	switch (p->kind) {
	case PROBE_TOKEN:
		return PROBE_NEVER;
	case PROBE_HANDSHAKE:
		return look_handshake(p, eyes, first);
	case PROBE_TCP:
	case PROBE_COMMAND:
		return look_child(p, eyes, first);
	case PROBE_SSH:
		return look_ssh(p, eyes, first);
	}
	return PROBE_NEVER;
}

void probe_close(struct probe *p)
{
	child_kill(p);
}
