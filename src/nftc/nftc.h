/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meshapply-nftc: nftables' own compiler, apart from the program that has
 * the keys.  One process does one job (kern/nftc_protocol.h) and ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "kern/nftc_protocol.h"

struct arena;
struct err;
struct nft_ctx;

/* What the run asked for. */
struct job {
	enum nftc_kind kind;	/* COMPILE, PREPARE, LIST */
	const char *table;
	struct str text;
	const char **links;	/* names for stubs */
	size_t link_count, link_capacity;
};

/* job.c: the jobs themselves; the answer is sent. */
int job_run(struct arena *arena, const struct job *job, struct err *e)
	must_check_;

/* library.c: libnftables, its input and what it prints. */
struct library {
	struct nft_ctx *context;
	int socket;		/* libnftables' own; borrowed */
};

int library_open(struct library *library, struct err *e) must_check_;
/*
 * Run TEXT, which stands in a memory file so that libnftables tells places in
 * it.  0: taken; 1: refused, *OUTPUT is what was printed.
 */
int library_run(struct library *library, struct arena *arena, struct str text,
		bool check, struct str *output, struct err *e) must_check_;
/* The table as nft prints it, without what moves; as library_run. */
int library_list(struct library *library, struct arena *arena,
		 const char *table, struct str *output, struct err *e)
	must_check_;

/*
 * namespace.c: a fresh network namespace, inside a user namespace where the
 * privilege for one is missing.
 */
int namespace_enter(struct err *e) must_check_;
/* Of all capabilities keep CAP_NET_ADMIN, if there, and gain none. */
void privileges_drop(void);
/* Die with the parent, whose process id this is. */
int parent_follow(long parent);
