/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: what confirms a pending change by itself, since it shows that the
 * host is still reached, apply --confirm-by.
 *
 *   handshake[:PEER]	a peer makes a new handshake, or answers a packet; by
 *			default one of those that were heard before
 *   tcp:HOST:PORT	a TCP connection can be made
 *   ssh		the SSH connection of the run still carries something
 *   command:PATH	a program ends with status 0
 *   token		nothing: it takes whoever has the token
 *
 * Only what is seen after the run has ended counts.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/key.h"
#include "kern/connection.h"

struct arena;
struct err;
struct kernel;
struct run;

#define PROBE_PEERS 8	/* heard last, that are waited for */

enum probe_kind {
	PROBE_TOKEN,
	PROBE_HANDSHAKE,
	PROBE_TCP,
	PROBE_SSH,
	PROBE_COMMAND,
};

struct probe_peer {
	struct key public_key;
	int64_t handshake;	/* as seen first */
};

/* Holds no pointer: it outlives every arena. */
struct probe {
	enum probe_kind kind;
	char peer[256];		/* handshake: as given, "": any */
	char host[256], port[8];	/* tcp */
	char path[1024];	/* command */
	/* the baseline */
	char device[IFNAMSIZ];	/* handshake; and its peers, 0: any */
	struct probe_peer peers[PROBE_PEERS];
	size_t peer_count;
	struct connection connection;	/* ssh */
	/* while it is looked at */
	unsigned int looks;
	int64_t newest;		/* of any peer's handshakes, as seen first */
	pid_t child;		/* 0: none */
	int64_t child_end;	/* CLOCK_MONOTONIC, milliseconds */
};

/* TEXT as above; anything else is ERR_USAGE. */
int probe_parse(const char *text, struct probe *out, struct err *e)
	must_check_;
/*
 * What is waited for, found in RUN, of which the plan is made and nothing is
 * written: ERR_USAGE if there is no such peer, or it did not come over SSH.
 */
int probe_baseline(const struct run *run, struct probe *probe, struct err *e)
	must_check_;
/* The baseline as one printable word, NULL: it has none; and read again, into
   a probe that was parsed, by whoever waits (ERR_DATA). */
const char *probe_write(struct arena *arena, const struct probe *probe);
int probe_read(const char *word, struct probe *probe, struct err *e)
	must_check_;

/* What a look is taken with. */
struct probe_eyes {
	struct kernel *kernel;
	struct arena *arena, *secrets;
	const char *helper_folder;	/* where meshapply-fetch is */
	bool busy;	/* the run is still at work */
};

enum probe_end {
	PROBE_NOT_YET,
	PROBE_GOOD,
	PROBE_NEVER,	/* it cannot come any more; by hand it can */
};

/* About once a second; what takes longer goes on until the next look. */
enum probe_end probe_look(struct probe *probe, const struct probe_eyes *eyes);
/* No look will come: end what goes on. */
void probe_close(struct probe *probe);
