/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a wg-quick file says, between reading it (read.c, value.c) and
 * writing it as the three texts (write.c).  Views point into the source.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ip.h"
#include "base/key.h"
#include "quick/quick.h"
#include "state/value.h"

/* The keys that wg(8) and wg-quick(8) know. */
enum quick_word {
	QUICK_PRIVATE_KEY,
	QUICK_LISTEN_PORT,
	QUICK_FWMARK,
	QUICK_ADDRESS,
	QUICK_MTU,
	QUICK_TABLE,
	QUICK_DNS,
	QUICK_SAVE_CONFIG,
	QUICK_PRE_UP,
	QUICK_POST_UP,
	QUICK_PRE_DOWN,
	QUICK_POST_DOWN,
	QUICK_INTERFACE_WORDS,		/* from here on those of [Peer] */
	QUICK_PUBLIC_KEY = QUICK_INTERFACE_WORDS,
	QUICK_PRESHARED_KEY,
	QUICK_ALLOWED_IPS,
	QUICK_ENDPOINT,
	QUICK_KEEPALIVE,
	QUICK_WORDS,
};

#define QUICK_PEER_WORDS (QUICK_WORDS - QUICK_INTERFACE_WORDS)

/* A directive that is honoured: "#@ KEY VALUE". */
struct quick_directive {
	struct str key, value;
};

/* The line that says what may be said once; key.data NULL: none does. */
struct quick_said {
	struct str key, value;
};

struct quick_peer {
	struct str header;
	struct quick_said said[QUICK_PEER_WORDS];
	struct key public_key;
	const struct key *preshared_key;	/* secret arena; NULL: none */
	/* directives, data NULL: none */
	struct str name, endpoint_policy, preshared_key_file;
	struct value_endpoint endpoint;
	struct place endpoint_where;	/* source NULL: no endpoint */
	uint16_t keepalive;
	size_t allowed_first, allowed_count;	/* in file->allowed */
};

enum quick_table {
	QUICK_TABLE_AUTO,
	QUICK_TABLE_OFF,
	QUICK_TABLE_NUMBER,
};

struct quick_file {
	struct arena *arena, *secrets;
	const struct source *source;
	const struct quick_options *options;
	struct diags *diags;

	struct str header;		/* of the first [Interface] */
	struct quick_said said[QUICK_INTERFACE_WORDS];
	const struct key *private_key;	/* secret arena; NULL: not here */
	struct str private_key_file;	/* directive, data NULL: none */
	struct quick_directive *sysctls;
	size_t sysctl_count, sysctl_capacity;
	struct prefix_list addresses;
	uint16_t listen_port;		/* 0: left to the kernel */
	uint32_t fwmark;		/* 0: none */
	uint32_t mtu;			/* 0: automatic */
	enum quick_table table;
	uint32_t table_number;

	struct quick_peer *peers;
	size_t peer_count, peer_capacity;
	struct prefix_list allowed;	/* of all peers, as they come */
};

/* Fill FILE from its source; what is wrong goes to its diags. */
void quick_read(struct quick_file *file);

/* The key as the manual pages write it. */
const char *quick_word_name(enum quick_word word);
/*
 * Take the value of a key into FILE, of a key of [Peer] into its last peer.
 * KEY and VALUE are views, VALUE trimmed.
 */
void quick_take(struct quick_file *file, enum quick_word word, struct str key,
		struct str value);
/* The same for "#@ KEY VALUE" that stands in SECTION. */
enum quick_section {
	QUICK_NOWHERE,		/* before the first */
	QUICK_UNKNOWN,
	QUICK_INTERFACE,
	QUICK_PEER,
};

void quick_take_directive(struct quick_file *file, enum quick_section section,
			  const struct quick_directive *directive);

/* What a command of a hook does by hand: the way to have it here. */
const char *quick_hook_hint(struct str command);
/* The words of other dialects: what to write instead, or NULL. */
const char *quick_foreign_key(struct str key);
const char *quick_foreign_section(struct str name);

/* The routes that wg-quick would make. */
struct quick_routes {
	uint32_t table;			/* of routes[] */
	const struct placed_prefix *routes;	/* sorted, each once */
	size_t count;
	/* Families whose whole is sent into the tunnel by policy routing. */
	bool full4, full6;
	struct place full4_where, full6_where;
};

void quick_route(const struct quick_file *file, struct quick_routes *out);

/*
 * The names under which keys of the file are held.  That of a preshared key
 * is made of its peer's public key, so that it stays when peers move.
 */
const char *quick_private_key_name(const struct quick_file *file);
const char *quick_preshared_key_name(const struct quick_file *file,
				     const struct quick_peer *peer);
/* Hold the keys apart in OUT; a name that a directive uses too is an error. */
void quick_hold_keys(struct quick_file *file, struct quick *out);

/* Write what was read as the three texts. */
void quick_write(const struct quick_file *file, struct quick *out);
