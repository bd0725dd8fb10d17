/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libnftables prints, read: "/dev/stdin:LINE:COLUMN-COLUMN: Error: …",
 * with the line and a mark beneath it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct diags;
struct firewall;

struct nftc_complaint {
	bool warning;
	bool placed;
	size_t line, column;	/* from 1, the head's lines counted */
	struct str text;
};

/* Take the next complaint off OUTPUT; false: there is none. */
bool nftc_next_complaint(struct str *output, struct nftc_complaint *out);
/*
 * True where the first error is not about the text but about the machine: no
 * memory, no privilege, no buffer.
 */
bool nftc_is_environment(struct str output, struct str *text);
/* All of them into DIAGS, at their places in the text the user wrote. */
void nftc_diagnose(struct arena *arena, struct str output,
		   const struct firewall *f, struct diags *diags);
