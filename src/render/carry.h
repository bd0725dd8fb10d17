/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a value may be made of where it stands in a file of a format, so that
 * no value can end its line, its word or its statement and begin another.
 * Each format has a list of what is let through, not of what is kept out.
 */
#pragma once

#include "base/str.h"

struct arena;

enum carry {
	CARRY_FIREWALL,		/* one word of nft */
	CARRY_NETWORK,		/* one word of ip -batch */
	CARRY_WIREGUARD,	/* one value of wg-quick's format */
	CARRY_TEXT,		/* anything: no format, for tests */
};

/* By a file's name; one that is none of the three carries the least. */
enum carry carry_of(const char *file_name);
/*
 * NULL if TEXT can stand there, else why not, on ARENA, as what follows "it":
 * "holds a blank".
 */
const char *carry_refuses(struct arena *arena, enum carry carry,
			  struct str text);
