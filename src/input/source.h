/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SOURCE on the command line: what it is, and its bytes. */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

struct arena;
struct err;

#define SOURCE_LIMIT (64u << 20)	/* bytes of a text */
#define SOURCE_DOCUMENT_LIMIT (16u << 20)

enum source_kind {
	SOURCE_QUICK,		/* a wg-quick file */
	SOURCE_FOLDER,		/* of the three texts */
	SOURCE_DOCUMENT,	/* JSON */
	SOURCE_URL,		/* http:// or https://; nothing is fetched */
};

/*
 * Sources are borrowed by diagnostics and as origins: keep it where it is.  A
 * text that is not there has text.data NULL; none that is there is empty or
 * holds a NUL byte, and each is followed by one.
 */
struct input_source {
	enum source_kind kind;
	/* SOURCE_QUICK: NAME of NAME.conf; "" where there is no name to tell
	   it by: standard input, a pipe */
	char device[IFNAMSIZ];
	/* SOURCE_QUICK, SOURCE_DOCUMENT: anybody may read the file, which may
	   hold keys */
	bool exposed;
	struct source text;	/* SOURCE_QUICK, SOURCE_DOCUMENT */
	struct source wireguard, network, firewall;	/* SOURCE_FOLDER */
	const char *url;	/* SOURCE_URL */
};

/*
 * ARGUMENT is
 *   http://… https://…	a URL
 *   -			standard input, known by its first byte
 *   NAME		ROOT/etc/wireguard/NAME.conf, as wg-quick(8) has it
 *   a folder		one that holds wireguard.conf
 *   PATH/NAME.conf	a wg-quick file; without a slash also NAME.conf
 *   PATH/NAME.json	a document; without a slash also NAME.json
 *   PATH		else: known by its first byte
 * A .conf that begins as a document does, and a .json that begins as a wg-quick
 * file, are ERR_DATA.  ROOT is the one of --root, "" for none.  What may hold a key is read into
 * SECRETS, all else into ARENA.
 *
 * ERR_USAGE: no such kind of source, a name no device can have; ERR_NO_INPUT:
 * nothing there; ERR_DATA: empty, not text, too large.
 */
int source_open(const char *root, const char *argument, struct arena *arena,
		struct arena *secrets, struct input_source *out,
		struct err *e) must_check_;

/* A name a device can have: wg-quick's rule and the kernel's, or ERR_USAGE. */
int device_name_check(struct str name, struct err *e) must_check_;
