/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind store.h share. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply/record.h"
#include "apply/store.h"
#include "base/file.h"

/* The registry of sysctls is beside the meshes' folders. */
#define STORE_SYSCTLS "sysctls"
#define SYSCTLS_LIMIT ((size_t)16 << 20)
#define STORE_LOCK "lock"
#define STORE_SEAL "seal"	/* apply/seal.h */
#define STORE_FILES "files"
#define STORE_RENDERED "rendered"
#define STORE_TRUST "trust"
#define FILES_LIMIT ((size_t)1 << 20)
#define STORE_CANON "firewall.canon"
#define STORE_GENERATIONS "generations"
/* How the last pending change ended, apply/pending.h. */
#define STORE_SETTLED "settled"
#define STORE_GUARD "guard"
#define STORE_KEPT 4	/* files of applied/ */

#define STAGED_MAX 10

/* What one file is to become; at most one for each name and folder. */
struct staged {
	struct staged_file file;
	struct str content;
};

/* The three texts and the canonical firewall; data NULL: no file. */
struct contents {
	struct str of[STORE_KEPT];
};

struct sysctl_entry {
	const char *key;
	const char *before;	/* the host's own value */
	const char *ours;	/* what it was given */
	const char *root;	/* the wanted key that made it change */
	const char *mesh;
	uint64_t netns;
};

enum made {
	MADE_RUN_BASE = 1u << 0,	/* /run/meshapply */
	MADE_RUN = 1u << 1,
	MADE_BASE = 1u << 2,
	MADE_STATE = 1u << 3,
	MADE_APPLIED = 1u << 4,
	MADE_GENERATIONS = 1u << 5,
};

struct store {
	struct arena *arena;
	const char *mesh;
	const char *root;
	bool create;
	unsigned int made;	/* enum made: not there before this run */
	bool others;	/* other meshes have something applied here */
	struct identity here;
	/* folders, -1 where they are missing */
	int run;	/* /run/meshapply/MESH */
	int base;	/* /var/lib/meshapply */
	int state;	/* /var/lib/meshapply/MESH */
	int applied;	/* its applied/ */
	int generations;	/* its generations/; -1: not opened yet, too */
	int lock;
	struct staged staged[STAGED_MAX];
	size_t staged_count;
	struct contents *contents;	/* of applied/, once staged */
	/* what was read of it under the lock, and the list that names it; NULL:
	   not read, or something is wrong with it, or it was changed since */
	const struct contents *kept;
	struct str kept_list;
	const struct state *like;	/* that is written as kept, or NULL */
	/* generations that go when one that is staged is committed */
	const uint64_t *pruned;
	size_t pruned_count;
	/* the registry as read */
	struct str sysctls_text;
	struct sysctl_entry *sysctls;
	size_t sysctl_count;
	struct str sysctls_ours;	/* our lines of what is staged */
	int sysctls_lock;		/* -1: not held */
};

/*
 * Open PATH beneath ROOT as *OUT, which is closed before: -1, and no error,
 * where it is missing, unless it is to be made.
 */
int store_folder(struct store *s, const char *root, const char *path,
		 bool create, enum made made, int *out, struct err *e)
	must_check_;
/*
 * Read NAME in FOLDER (-1: none); *FOUND is false, and that is no error,
 * where it is missing.
 */
int store_read(int folder, const char *name, size_t limit,
	       struct arena *arena, struct str *out, bool *found,
	       struct err *e) must_check_;
/*
 * Stage NAME unless it holds CONTENT already; what was staged under the name
 * before is abandoned.  CONTENT must live until the commit.
 */
int store_stage(struct store *s, struct arena *arena, int folder,
		const char *name, struct str content, mode_t mode,
		struct err *e) must_check_;
/* Rename all that is staged, or drop it. */
int store_staged_commit(struct store *s, uint64_t *writes, struct err *e)
	must_check_;
void store_staged_abandon(struct store *s);
/* ERR_CONFIG if OF is of this boot, yet of another network namespace. */
int store_check_namespace(const struct store *s, const struct identity *of,
			  const char *what, struct err *e) must_check_;
bool store_same_boot(const struct store *s, const struct identity *of);
/* Of this boot and network namespace? */
bool store_is_here(const struct store *s, const struct identity *of);
/* Of another boot, or a namespace that is gone: what it says of the kernel is
   true of nothing any more. */
bool store_is_past(const struct store *s, const struct identity *of);
/* Read FOLDER, -1 where it is missing, from its first entry on; or NULL. */
DIR *folder_list(int folder);
/* Unlink temporary files that a killed run left; in one folder. */
void store_sweep(struct store *s);
void folder_sweep(int folder);

/*
 * flock NAME in FOLDER, a file that is made where it is missing, with the
 * owner of the folder, and that nobody else can open.  WHAT it locks is for
 * messages.  ERR_BUSY, with the holder's pid, after WAIT seconds; with the
 * number ESTALE when it was removed while it was waited for.
 */
int lock_take(struct arena *arena, int folder, const char *name,
	      const char *what, unsigned int wait, struct err *e) must_check_;
/* The same at once, and only if it is there; or -1. */
int lock_try(int folder, const char *name);

/*
 * What is in applied/ as it stands, nothing where it is torn; as a state; and
 * put back, or taken away where KEPT is nothing.
 */
int store_kept(struct store *s, struct arena *arena, struct contents *kept,
	       struct err *e) must_check_;
int store_kept_state(struct store *s, struct arena *arena,
		     const struct contents *kept, struct state *out,
		     struct err *e) must_check_;
int store_kept_put(struct store *s, struct arena *arena,
		   const struct contents *kept, uint64_t *writes,
		   struct err *e) must_check_;

bool store_look_for_others(struct store *s);

/* ERR_CONFIG with WHAT and the line, guard "journal"; returns -1. */
int journal_error(const struct records *r, const char *what, struct err *e);
/* Names in /run of a journal, or its mark, that could not be read. */
#define JOURNAL_BAD "journal.bad"
#define VERIFIED_BAD "journal.verified.bad"
/* Unlink a mark that is left of a journal: without it it says nothing. */
void journal_sweep(const struct store *s);

/*
 * What is yet to be done on disk, for the mark of a journal; and do it, of a
 * mark of THIS_BOOT the registry of sysctls too.
 */
void store_pending_write(const struct store *s, struct sbuf *out);
int store_pending_finish(struct store *s, struct str pending, bool this_boot,
			 struct err *e) must_check_;

/* The readers without their files, for the fuzzer: what is good is kept. */
void journal_text(struct sbuf *out, const struct identity *here,
		  const struct journal *journal);
/* The same without its header, for journal_lines(). */
void journal_body(struct sbuf *out, const struct journal *journal);
bool journal_header(struct records *r, struct identity *of);
bool journal_lines(struct records *r, const char *mesh, struct journal *out);
bool sample_lines(struct records *r, struct sample *out);
void sysctls_parse(struct store *s, struct arena *arena, struct str text);

/* The lines of this mesh as they were read. */
void sysctls_ours_write(const struct store *s, struct sbuf *out);
/* The folder to s->generations, which stays -1 if it is not there. */
int generations_open(struct store *s, bool create, struct err *e) must_check_;
/* Those that one too many has made go; all of them, with the mesh. */
void generations_prune(struct store *s);
int generations_forget(struct store *s, struct err *e) must_check_;

/* What pending_set_aside() has kept of MESH. */
int pending_forget_aside(const char *root, const char *mesh, struct err *e)
	must_check_;

void sysctls_unlock(struct store *s);
void sysctls_sweep(struct store *s);
void sysctls_pending_write(const struct store *s, struct sbuf *out);
/* Strike the mesh out of the registry. */
int sysctls_forget(struct store *s, struct err *e) must_check_;
