/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables on the kernel that is there: each test in a network namespace of
 * its own, with meshapply-nftc from the folder above the test program's.
 * What fails here fails the running test.
 */
#pragma once

#include <check.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/talk.h"

struct live {
	char helper[512];
	struct arena *arena;
	struct talk talk;
	struct err e;
};

extern struct live live;

#define SETS "meshapply_sets"

struct str live_read_text(const char *path);
struct str live_dump(const char *table);
struct firewall live_observe(const char *table);
int live_try_compile(const char *table, struct str text,
		     struct firewall *out, struct diags *diags);
struct firewall live_compile(const char *table, struct str text);
void live_load(const char *table, struct str text);
uint32_t live_generation(void);
/* One packet over lo, on a connection (SOCK_STREAM) or not. */
void live_send_packet(int type, uint16_t port, const char *address);
void live_assert_same(const struct firewall *a, const struct firewall *b);
/* The table SETS: three sets with these elements, in nft's words. */
struct str live_sets_text(const char *counted, const char *ranges,
			  const char *pairs);
struct str live_with_ranges(const char *ranges);
int live_send_delta(const struct firewall *want, const struct firewall *have);
/* Send what makes the live table that of TEXT, and compare. */
void live_apply_delta(struct str text);
/* As user 4242 with CAP_NET_ADMIN alone, kept across exec: a service. */
int live_become_service(void);

/* Run the tests that ADD adds; 0 with a word where they cannot be run. */
int live_main(const char *name, void (*add)(TCase *tests));
