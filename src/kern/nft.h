/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables without its language: dumps of one table, their canonical form,
 * element deltas; and meshapply-nftc, the child that knows the language.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "state/firewall.h"

struct arena;
struct diags;
struct err;
struct mnl_socket;
struct step;

/*
 * The netlink messages of everything in one table, concatenated in this
 * order: GETGEN's answer, table, chains, rules, sets, elements of each set,
 * objects, flowtables.  *FOUND is false where there is no such table.
 * Repeated while the generation moves, a bounded number of times (ERR_BUSY).
 */
int nft_dump(struct mnl_socket *socket, struct arena *arena,
	     const char *table, struct str *messages, bool *found,
	     struct err *e) must_check_;

/* The ruleset's generation now. */
int nft_generation(struct mnl_socket *socket, struct arena *arena,
		   uint32_t *generation, struct err *e) must_check_;

/*
 * Pure: from such messages, of any origin, to canonical objects, which may
 * point into them.  OUT's text and place are empty.  An anonymous set or chain
 * is named "#set0", "#chain0" by the rank of its first reference; the rank of
 * a FIREWALL_OBJECT is its type, which is part of what names it.
 */
int nft_canonicalise(struct arena *arena, struct str messages,
		     const char *table, struct firewall *out, struct err *e)
	must_check_;

/*
 * Pure: what F's text compiles to, told from LIVE, which is what the text OLD
 * compiled to, if that can be done for certain: where the texts differ in
 * nothing but addresses and prefixes of named sets that have nothing else.
 * false: it is to be compiled, F is as it was.  F will point into LIVE.
 */
bool nft_patch(struct arena *arena, struct str old,
	       const struct firewall *live, struct firewall *f) must_check_;

/*
 * One batch of element deletions and additions that turns HAVE's elements
 * into WANT's (firewall_compare gave FIREWALL_ELEMENTS), under HAVE's
 * generation: pure, the messages to send in one go, with SEQ for the first.
 */
int nft_encode_elements(struct arena *arena, const struct firewall *want,
			const struct firewall *have, uint32_t sequence,
			struct str *messages, struct err *e) must_check_;
/* Delete a table of FAMILY (NFPROTO_*) and NAME, in one batch. */
int nft_encode_delete(struct arena *arena, uint8_t family, const char *name,
		      uint32_t generation, uint32_t sequence,
		      struct str *messages, struct err *e) must_check_;
/* Send a batch, read every ack; ERESTART is ERR_BUSY. */
int nft_send(struct mnl_socket *socket, struct str messages, struct err *e)
	must_check_;

/*
 * meshapply-nftc, in HELPER_FOLDER.  One child for one job; it dies with its
 * parent and holds the LOCK descriptor (or -1).  Protocol on its socket pair:
 * kern/nftc_protocol.h.  A child that is missing, of another version, dead or
 * without an answer for two minutes is ERR_FAILED.
 */
struct nftc;

/*
 * Compile in a throw-away namespace: F->text to F's objects.  What the text
 * gets wrong goes to DIAGS, at F->where's source if that is the text's end
 * (lines may stand before it), with ERR_DATA.  Where no namespace is to be
 * had, the text is checked in place, and if that finds nothing it is
 * ERR_PERMISSION: unchecked.
 */
int nftc_compile(struct arena *arena, const char *helper_folder, int lock,
		 struct firewall *f, struct diags *diags, struct err *e)
	must_check_;
/*
 * Load in the live namespace.  prepare() starts the child and hands it the
 * text, which it holds and does not check: it was compiled; an empty one, of a
 * table that is not kept, is ERR_FAILED.  commit() makes it
 * load "table T; delete table T; TEXT" if the ruleset's generation is still
 * GENERATION (0: any; else ERR_BUSY), and reports; it allocates nothing.
 * close() ends the child and waits; NULL is fine.
 */
int nftc_prepare(struct arena *arena, const char *helper_folder, int lock,
		 const char *table, struct str text, struct nftc **out,
		 struct err *e) must_check_;
int nftc_commit(struct nftc *c, uint32_t generation, struct err *e)
	must_check_;
void nftc_close(struct nftc *c);
/* The listing of one live table, as nft(8) prints it. */
int nftc_list(struct arena *arena, const char *helper_folder, int lock,
	      const char *table, struct str *text, struct err *e) must_check_;
