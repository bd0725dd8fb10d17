/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of template files: the three and their partials.  Each is looked
 * for by its name, and the first found is taken:
 *
 *   DIR			--templates DIR
 *   ROOT/etc/meshapply/templates
 *   ROOT/usr/share/meshapply/templates
 *   the ones built into the program
 *
 * The partial NAME of {{>NAME}} is the file partials/NAME.mustache there.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"

struct arena;
struct err;
struct template_set;
struct value;

/* The three, in the order of the texts. */
enum template_file {
	TEMPLATE_WIREGUARD,	/* wireguard.conf */
	TEMPLATE_NETWORK,	/* network.batch */
	TEMPLATE_FIREWALL,	/* firewall.nft */
	TEMPLATE_FILES,
};

extern const char *const template_file_names[TEMPLATE_FILES];

struct templates {
	const struct template_set *set;
	/*
	 * The texts the set was made of: the three, then all partials by
	 * name.  A source's name is its path, or <built-in>/….
	 */
	const struct source *sources;
	size_t source_count;
};

/*
 * ROOT is "" or a folder put before our own; DIR is NULL or a folder, which
 * must be there.  A file that is there and cannot be read is an error in E; a
 * text that is no template is one in DIAGS, and E says so too (ERR_CONFIG).
 * Files of names that nothing asks for are warnings in DIAGS.
 */
int templates_load(struct arena *arena, const char *root, const char *dir,
		   struct templates *out, struct diags *diags,
		   struct err *e) must_check_;

/*
 * Render the three, each as a source of the file's name.  One that comes out
 * empty is a text that is not there: its text.data is NULL.  All that is wrong
 * is added to DIAGS: 0 if nothing is, else -1 and OUT is left alone.
 */
int templates_render(struct arena *arena, const struct templates *templates,
		     const struct value *values,
		     struct source out[static TEMPLATE_FILES],
		     struct diags *diags) must_check_;
