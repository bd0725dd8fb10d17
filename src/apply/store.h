/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mesh keeps on disk, all of which can be lost (meshapply(8), FILES):
 *
 *   /run/meshapply/MESH/    lock, journal, journal.verified, sample
 *   /var/lib/meshapply/MESH/  applied/, files, rendered
 *   /var/lib/meshapply/sysctls   values before, for all meshes of the host
 *
 * Every record carries the boot id and the network namespace it speaks of; a
 * record of the same mesh in another namespace is ERR_CONFIG.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "state/state.h"

struct arena;
struct err;
struct plan;
struct rendered;
struct sample;
struct firewall;

struct store;

/*
 * ROOT is put before /run and /var/lib ("" for none).  Folders are made where
 * they are missing if CREATE; without it a missing one is no error and reads
 * give nothing.  Nothing beneath is followed (base/file.h).
 */
int store_open(struct arena *arena, const char *root, const char *mesh,
	       bool create, struct store **out, struct err *e) must_check_;
void store_close(struct store *s);

/* Is something kept of another mesh that was applied in this boot and network
   namespace?  Of a store that was opened to CREATE: once it is locked. */
bool store_others(const struct store *s);

/* flock on the mesh's lock; ERR_BUSY, with the holder's pid, at once or after
   WAIT seconds.  The descriptor is for children to hold. */
int store_lock(struct store *s, unsigned int wait, struct err *e) must_check_;
int store_lock_descriptor(const struct store *s);
void store_unlock(struct store *s);

/* What was applied last; *OUT NULL where nothing is kept (or not readable as
   ours: a warning's text in *NOTE).  Its firewall carries text and, if kept,
   the canonical form of the live table after that apply. */
int store_last(struct store *s, struct arena *arena, const struct state **out,
	       const char **note, struct err *e) must_check_;
/* The same; WANT, not settled yet, is what it is likely to be, for speed
   alone. */
int store_last_like(struct store *s, struct arena *arena,
		    const struct state *want, const struct state **out,
		    const char **note, struct err *e) must_check_;

/*
 * Keep WANT as applied, LIVE's firewall as its canonical form: staged (all
 * that can fail), then committed (renames).  Files that would not change are
 * not written; *WRITES counts those that were.
 */
int store_stage_applied(struct store *s, struct arena *arena,
			const struct state *want, struct err *e) must_check_;
int store_stage_canon(struct store *s, struct arena *arena,
		      const struct firewall *live, struct err *e) must_check_;
/* What the source was rendered to, with the same commit. */
int store_stage_rendered(struct store *s, struct arena *arena,
			 const struct rendered *rendered, struct err *e)
	must_check_;
/* The three texts of what store_stage_applied() has staged. */
void store_staged_texts(const struct store *s, struct str out[static 3]);
int store_commit(struct store *s, uint64_t *writes, struct err *e)
	must_check_;
/* Unlink what is staged still; or leave it to journal_finish() of a later
   run, after a commit that failed under a mark. */
void store_abandon(struct store *s);
void store_leave(struct store *s);
/* remove: forget the mesh, its folders too where they are empty then. */
int store_forget(struct store *s, struct err *e) must_check_;
/* Was that done, by whomever? */
bool store_is_forgotten(const struct store *s);

/*
 * The journal: one file of lines (apply/record.h), mode 0600, there in whole
 * or not at all.  It holds the state before, exact, with keys, foreign objects
 * that are taken over, and the firewall as text and canonical objects; and
 * what the plan adds, so that a later run knows it as ours.
 */
struct journal {
	struct state before;
	/* of sysctls every value that a key is given: undone while one of them
	   is there; those of links that go are in BEFORE alone */
	struct state added;
	/* the plan changes the table of BEFORE, and no text brings it back */
	bool firewall_lost;
};

enum journal_mark { JOURNAL_NONE, JOURNAL_OPEN, JOURNAL_VERIFIED };

int journal_write(struct store *s, struct arena *secrets,
		  const struct journal *journal, struct err *e) must_check_;
/* All is as desired: what is staged will be renamed, if need be later. */
int journal_mark_verified(struct store *s, struct err *e) must_check_;
int journal_close(struct store *s, struct err *e) must_check_;
/* One that cannot be read is kept as journal.bad, and is none any more. */
int journal_set_aside(struct store *s, struct err *e) must_check_;
enum journal_mark journal_look(struct store *s);
/* ERR_CONFIG: of another namespace; or rubbish, with the guard "journal".  Of
   another boot it speaks of nothing that is left: *SAME_BOOT is false. */
int journal_read(struct store *s, struct arena *arena, struct arena *secrets,
		 struct journal *out, bool *same_boot, struct err *e)
	must_check_;
/* What a journal marked verified was killed before, on disk; then close.
   ERR_CONFIG as above. */
int journal_finish(struct store *s, struct err *e) must_check_;

/* The sample of byte counters; missing or torn is an empty one. */
void sample_read(struct store *s, struct arena *arena, struct sample *out);
int sample_write(struct store *s, struct arena *arena,
		 const struct state *have, struct err *e) must_check_;

/*
 * The host's registry of sysctls: the value before, who needs it, the boot.
 * sysctls_restore() gives, for the sysctls no mesh needs any more once MESH
 * needs only those of WANT, what they are to be set back to, provided that
 * the value is still ours and the boot the same.
 */
int sysctls_read(struct store *s, struct arena *arena, struct err *e)
	must_check_;
int sysctls_restore(struct store *s, struct arena *arena,
		    const struct state *want, const struct state *have,
		    struct state *out, struct err *e) must_check_;
/* The keys that MESH has in the registry: to be observed. */
size_t sysctls_keys(const struct store *s, struct arena *arena,
		    const char *const **out);
/*
 * Does another mesh need NOW as it is: the key itself, or one of CHANGED that
 * gives it this value along with its own on the links of HAVE?
 */
bool sysctls_needed(const struct store *s, struct arena *arena,
		    const struct sysctl *now, const struct state *changed,
		    const struct state *have);
/*
 * Keep in the registry what the host HAD before it is given what WANT needs.
 * ERR_BUSY when another mesh changed it since sysctls_read().
 */
int sysctls_stage(struct store *s, struct arena *arena,
		  const struct state *want, const struct state *had,
		  struct err *e) must_check_;
