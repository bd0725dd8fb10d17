/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files beneath a folder.  Everything is opened beneath an open folder, one
 * component at a time, and no link is followed, so that rubbish laid in a
 * state folder by its owner cannot lead a run by root elsewhere.  Only regular
 * files are read or replaced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

void fd_closep(int *fd);
#define cleanup_fd cleanup_(fd_closep)
/* Hand on a descriptor that the scope's end would close. */
int fd_take(int *fd);

/*
 * Open ROOT PATH (ROOT may be "" or a folder put before it) as a folder.
 * With create, missing components are made with MODE and, by root, given the
 * owner of the folder they are made in.  The components of PATH, not those of
 * ROOT, may not be links (ERR_CONFIG); ".." among them is refused.  A folder
 * that is not there is ERR_NO_INPUT.  Returns a descriptor or -1.
 */
int folder_open(const char *root, const char *path, bool create, mode_t mode,
		struct err *e) must_check_;

/*
 * Read a file whole, at most LIMIT bytes (more is ERR_DATA), terminated by a
 * NUL that is not counted.  NAME is a bare name in FOLDER (else ERR_DATA).  A
 * missing file is ERR_NO_INPUT, one that is not regular ERR_CONFIG.
 */
int file_read(int folder, const char *name, size_t limit, struct arena *arena,
	      struct str *out, struct err *e) must_check_;
/*
 * Any path a user names, links followed, pipes read to their end; "-" and
 * /dev/stdin are standard input.
 */
int file_read_path(const char *path, size_t limit, struct arena *arena,
		   struct str *out, struct err *e) must_check_;
/*
 * As file_read, for a secret: owned by us or root, no bit for group or others
 * (but that root's group may read where nobody may write), else ERR_CONFIG with
 * the chmod that mends it.
 */
int file_read_secret(int folder, const char *name, size_t limit,
		     struct arena *secrets, struct str *out, struct err *e)
	must_check_;
/*
 * The same by a path that a user names, links followed.  A pipe (of a shell's
 * <(…), or standard input as "-") is taken as it is.
 */
int file_read_secret_path(const char *path, size_t limit,
			  struct arena *secrets, struct str *out,
			  struct err *e) must_check_;

/*
 * As file_read, for what is to be relied on: owned by us or root, and nobody
 * else may write it, else ERR_CONFIG with the command that mends it.
 */
int file_read_trusted(int folder, const char *name, size_t limit,
		      struct arena *arena, struct str *out, struct err *e)
	must_check_;
/* The same by a path of the configuration, links followed. */
int file_read_trusted_path(const char *path, size_t limit, struct arena *arena,
			   struct str *out, struct err *e) must_check_;
/* An open folder that nobody else may put anything into, or ERR_CONFIG. */
int folder_check_trusted(int folder, const char *name, struct err *e)
	must_check_;

/*
 * Two steps, so that everything that can fail on disk fails before the
 * kernel is written to: stage() writes and fsyncs a temporary file beside
 * NAME, by root with the owner of the folder, commit() renames it into place
 * and fsyncs the folder, abandon() unlinks it.  NAME is a bare name of at most
 * 63 bytes; what has it now is a regular file or nothing, else ERR_CONFIG.
 */
struct staged_file {
	int folder;		/* borrowed */
	char name[64];
	char temporary[80];	/* "" once committed or abandoned */
};

int file_stage(struct staged_file *staged, int folder, const char *name,
	       struct str content, mode_t mode, struct err *e) must_check_;
int file_commit(struct staged_file *staged, struct err *e) must_check_;
/* The same into another FOLDER, of the same file system. */
int file_commit_to(struct staged_file *staged, int folder, struct err *e)
	must_check_;
void file_abandon(struct staged_file *staged);
/* stage and commit in one */
int file_write(int folder, const char *name, struct str content, mode_t mode,
	       struct err *e) must_check_;
/* The same where a user says; the name is as long at most. */
int file_write_path(const char *path, struct str content, mode_t mode,
		    struct err *e) must_check_;
/* Unlink; a missing file is fine. */
int file_remove(int folder, const char *name, struct err *e) must_check_;
