/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the readers of the three texts, private to state/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "state/state.h"
#include "state/text.h"
#include "state/value.h"

struct arena;

/* What wireguard.conf says, with the places that later checks speak of. */
struct wireguard_text {
	struct str mesh, interface;	/* of directives; data NULL: none */
	struct device device;		/* its name not yet given */
	struct place mtu;		/* source NULL: not said */
	struct sysctl *sysctls;
	size_t sysctl_count;
};

/*
 * All that is wrong goes to DIAGS; OUT holds what could be read, its peers
 * as they stand and each with its prefixes in order.
 */
void wireguard_read(struct arena *arena, const struct source *source,
		    struct diags *diags, struct wireguard_text *out);

enum wireguard_section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

enum wireguard_directive {
	DIRECTIVE_MESH,
	DIRECTIVE_INTERFACE,
	DIRECTIVE_PRIVATE_KEY_FILE,
	DIRECTIVE_VRF,
	DIRECTIVE_SYSCTL,
	DIRECTIVE_NAME,
	DIRECTIVE_ENDPOINT,
	DIRECTIVE_PRESHARED_KEY_FILE,
	DIRECTIVE_COUNT,
};

/* The section that is being read. */
struct wireguard_reader {
	struct arena *arena;
	const struct source *source;
	struct diags *diags;
	struct wireguard_text *out;
	enum wireguard_section section;
	struct str header;
	struct str seen[16];		/* keys of this section, by word */
	struct str seen_directives[DIRECTIVE_COUNT];
	struct str interface_header;	/* data NULL: none yet */
	struct peer *peers;
	size_t peer_count, peer_capacity;
	struct prefix_list allowed;	/* of the current peer */
	struct prefix_list addresses;
	size_t prefix_count;		/* of all peers */
	struct ini_line *pending;	/* directives whose section is open */
	size_t pending_count, pending_capacity;
	size_t sysctl_capacity;
	bool key_valid;			/* of the current peer */
	bool full;			/* a limit was met: no more is kept */
};

/* Take one directive for the current section. */
void wireguard_take_directive(struct wireguard_reader *r,
			      const struct ini_line *line);

/* "NAME is given twice" at VIEW, with the first place; true if it is so. */
bool wireguard_is_repeated(struct wireguard_reader *r, struct str *seen,
			   struct str view, const char *name);

/* network.batch: routes and rules appended to STATE. */
void network_read(struct arena *arena, const struct source *source,
		  struct diags *diags, struct state *state);

/*
 * What is wrong with a state by itself: a peer, a prefix, an address, a
 * route, a rule, a sysctl given twice; an MTU (at place MTU) too small for
 * IPv6.  STATE is normalised.
 */
void check_state(struct arena *arena, const struct state *state,
		 struct place mtu, struct diags *diags);
