/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as wg(8) and wg-quick(8) write them, for the readers of
 * wireguard.conf and of wg-quick files alike.
 *
 * VALUE is always a view into SOURCE's text.  A reader returns 0, or -1 with
 * an error added to DIAGS whose caret stands at the value (of a list: at each
 * wrong item), and leaves OUT alone.  As wg does, blanks inside a value and
 * the case of words do not count.  What looks like key material is neither
 * repeated in a message nor shown with its line.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ip.h"
#include "base/key.h"
#include "state/prefix_list.h"
#include "state/state.h"

struct arena;

/* Is TEXT this word?  ASCII case and blanks in TEXT do not count. */
bool value_word_is(struct str text, const char *word);

/* VALUE without blanks, in BUFFER; one that is longer comes back empty. */
struct str value_squeeze(struct str value, char *buffer, size_t size);

/* Refuse a text that is empty, larger than TEXT_LIMIT or holds a NUL. */
int value_check_text(const struct source *source, struct diags *diags)
	must_check_;

/* The words for enum endpoint_policy, by its numbers. */
extern const char *const endpoint_policy_words[ENDPOINT_POLICIES];

/* 0 to 65535, decimal. */
int value_port(const struct source *source, struct str value,
	       struct diags *diags, uint16_t *out) must_check_;
/* "off" (0) or 0 to 65535 seconds. */
int value_keepalive(const struct source *source, struct str value,
		    struct diags *diags, uint16_t *out) must_check_;
/*
 * "off" (0), decimal or 0x….  Where AUTOMATIC is not NULL the word "auto" is
 * taken too: *AUTOMATIC tells, *OUT is 0 then.
 */
int value_fwmark(const struct source *source, struct str value,
		 struct diags *diags, uint32_t *out, bool *automatic)
	must_check_;
/* 68 to 65535; "auto" as above. */
int value_mtu(const struct source *source, struct str value,
	      struct diags *diags, uint32_t *out, bool *automatic) must_check_;
/* 44 characters of base64; NAME is the word before "=", for the message. */
int value_key(const struct source *source, struct str value, const char *name,
	      struct diags *diags, struct key *out) must_check_;

/*
 * ADDRESS:PORT, [ADDRESS]:PORT, or NAME:PORT with a port of 1 to 65535.  A
 * name (also [fe80::1%eth0]) is yet to be resolved: HOST is set (on ARENA)
 * and ENDPOINT.ip.family is 0; else HOST is NULL.  PORT is set in both cases.
 */
struct value_endpoint {
	struct endpoint endpoint;
	const char *host;
	uint16_t port;
};

int value_endpoint(struct arena *arena, const struct source *source,
		   struct str value, struct diags *diags,
		   struct value_endpoint *out) must_check_;

/* Why a text is no endpoint; the one %s in MESSAGE stands for the text. */
struct value_refusal {
	const char *message;
	const char *hint;	/* or NULL */
};

/*
 * The same of a TEXT that lies anywhere and has no blanks.  Where PORT is
 * OPTIONAL it is 0 if it was left out.  0, or -1 and WHY.
 */
int value_endpoint_parse(struct arena *arena, struct str text,
			 bool port_optional, struct value_endpoint *out,
			 struct value_refusal *why) must_check_;

/* AllowedIPs: comma separated, as wg(8); an empty value is no item.  All good
   items are appended even where others are wrong, and as they are given:
   unmasked, unsorted, maybe repeated. */
int value_allowed_ips(struct arena *arena, const struct source *source,
		      struct str value, struct diags *diags,
		      struct prefix_list *list) must_check_;
/* Address: separated by commas and blanks, as wg-quick(8). */
int value_addresses(struct arena *arena, const struct source *source,
		    struct str value, struct diags *diags,
		    struct prefix_list *list) must_check_;

/*
 * Names.  A mesh's name is 1 to MESH_NAME_MAX, a device's 1 to IFNAMSIZ - 1,
 * of a-z A-Z 0-9 _ = + . - (those wg-quick takes), not starting with "-".  A
 * mesh's does not start with "." either and is not "sysctls"; a device's is
 * not ".", "..", "all", "default" or "lo".
 */
bool mesh_name_valid(struct str name);
bool device_name_valid(struct str name);
/* Any link of the host as a text can carry it: printable ASCII but blanks,
   quotes and / : # \ , at most IFNAMSIZ - 1. */
bool link_name_valid(struct str name);
/* A bare file name: no "/", not "." or "..", not starting with "-", at most
   255 bytes of printable ASCII without blanks. */
bool file_name_valid(struct str name);

/*
 * An error at VALUE.  Its line is hidden where it may hold key material; the
 * returned diag may be completed as diag_error's.
 */
struct diag *value_error(const struct source *source, struct str value,
			 struct diags *diags, const char *format, ...)
	printf_(4, 5);
/* VALUE in quotes, made safe and short, for a message; "this" where it may
   be key material.  On the arena of DIAGS. */
const char *value_show(struct diags *diags, struct str value);
/* An error for a word that is not one of WORDS, with the nearest as a hint:
   "unknown WHAT 'word'". */
struct diag *value_unknown(const struct source *source, struct str word,
			   struct diags *diags, const char *what,
			   const char *const *words, size_t count);
