/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three texts between the halves, read and written.  Their grammar is
 * meshapply-files(5).  A writer's output reads back to the same state.
 */
#pragma once

#include <stdbool.h>

#include "base/diag.h"

struct arena;
struct state;

#define TEXT_WIREGUARD "wireguard.conf"
#define TEXT_NETWORK "network.batch"
#define TEXT_FIREWALL "firewall.nft"
#define TEXT_LIMIT (64u << 20)	/* bytes of each */
#define TEXT_PEERS_MAX 65536
#define TEXT_PREFIXES_MAX 4194304

/* A text that is not there has text.data NULL. */
struct texts {
	struct source wireguard;
	struct source network;
	struct source firewall;
};

/*
 * Read the texts into OUT, normalised.  MESH and INTERFACE override what the
 * directives say; where neither names the mesh or the device, that is an
 * error.  All that is wrong is added to DIAGS, with both places of what
 * clashes (a peer given twice, a prefix under two peers, …); 0 if nothing is,
 * else -1.  Keys are not read here: files are named (…_key_file).  The
 * firewall is framed (firewall_check_frame), not compiled.
 */
int texts_read(struct arena *arena, const struct texts *texts,
	       const char *mesh, const char *interface, struct state *out,
	       struct diags *diags) must_check_;

/* Checks that need the keys: the own key among the peers. */
void state_check_keys(const struct state *want, struct diags *diags);

/*
 * Write a state as texts, in its own order; no secret is written.  Device
 * and peers as declared: what is automatic is written as "auto".
 */
void texts_write(struct arena *arena, const struct state *state,
		 struct texts *out);

/* One object in ip's words, for texts, plans and messages. */
struct route;
struct rule;
struct sbuf;
void route_write(struct sbuf *out, const struct route *route);
void rule_write(struct sbuf *out, const struct rule *rule);

/* The allow-list of "#@ sysctl": keys a mesh may ask for. */
bool sysctl_allowed(struct str key);

/*
 * Lines of an INI-like text, for wireguard.conf and for wg-quick files alike.
 * A '#' starts a comment, "#@ KEY VALUE" is a directive, CR and a byte order
 * mark at the start are skipped.  Linear in the text's size.
 */
enum ini_kind {
	INI_SECTION,	/* key: its name without the brackets */
	INI_PAIR,	/* key, value: trimmed, comment cut off */
	INI_DIRECTIVE,	/* key, value of "#@ KEY VALUE" */
	INI_BAD,	/* key: the line, trimmed; not of these kinds */
	INI_END,
};

struct ini {
	const struct source *source;
	size_t next;		/* offset of the next line */
};

struct ini_line {
	enum ini_kind kind;
	struct str key, value;	/* views into the source's text */
	bool blank_before;	/* a blank line stands before this one */
};

void ini_start(struct ini *ini, const struct source *source);
enum ini_kind ini_next(struct ini *ini, struct ini_line *line);
/* The place of a view into the source's text. */
struct place place_of(const struct source *source, struct str view);
