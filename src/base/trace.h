/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run has read, noted where it is read, so that a later run can ask
 * the same again and compare: files, folders, what is not there.  What is
 * asked of the kernel is noted beside it (kern/transcript.h).  There is one
 * trace a process, off until it is started.
 *
 * Whatever cannot be asked again, or is no plain answer, spoils it: then
 * there is none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;

#define TRACE_DIGEST ((size_t)32)	/* bytes of a BLAKE2b-256 */
/* About as much is noted, and no item is larger; with the copies that growing
   leaves, an arena has to hold five times as much. */
#define TRACE_LIMIT ((size_t)64 << 20)

enum trace_kind {
	TRACE_HEAD = 1,	/* apply/seal.c */
	TRACE_PLACE,	/* what has a name, or that nothing has it */
	TRACE_FILE,	/* a file's bytes */
	TRACE_SECRET,	/* their digest, with owner and mode */
	TRACE_HEARD,	/* kern/transcript.c */
	TRACE_END,
};

/* How a name is looked at. */
enum trace_flag {
	TRACE_FOLLOWS = 1u << 0,	/* through links */
	TRACE_IDENTITY = 1u << 1,	/* which object has it */
	TRACE_TIMES = 1u << 2,		/* its size, and when it was changed */
	TRACE_ACCESS = 1u << 3,		/* its mode and owner */
};

/*
 * One question and its answer: as a row of them is written, in the byte order
 * of this host.  NAME is a path, or who the kind says it is; a path is
 * followed by a NUL that is not counted.
 */
struct trace_item {
	enum trace_kind kind;
	unsigned int flags;
	struct str name, bytes;
};

/* 1: *OUT is the next of REST, 0: there are no more, -1: it is cut short. */
int trace_next(struct str *rest, struct trace_item *out) must_check_;
/* Write an item but for its bytes, which follow; ITEM and BYTES is where it
   and they begin. */
void trace_item_begin(struct sbuf *out, enum trace_kind kind,
		      unsigned int flags, struct str name);
void trace_item_end(struct sbuf *out, size_t item, size_t bytes);
/*
 * Is the answer to a question about files the same today?  Reads go to
 * BUFFER, of SIZE bytes, which is of secrets.
 */
bool trace_holds(const struct trace_item *item, void *buffer, size_t size);

/* Note on ARENA from here on; it and SECRETS, for what is at work, must outlive
   the trace. */
void trace_start(struct arena *arena, struct arena *secrets);
struct arena *trace_secrets(void);
/* Note no more.  What was noted, a row of items; data NULL: it is spoiled. */
struct str trace_end(void);
bool trace_is_on(void);
/* What is read until it is resumed decides nothing. */
void trace_pause(void);
void trace_resume(void);
void trace_spoil(void);
/* What was decided holds until that time, of the host's clock. */
void trace_until(int64_t time);
int64_t trace_ends(void);	/* INT64_MAX: for ever */

/*
 * For those who read.  FOLDER is open, or AT_FDCWD for a path; one that was
 * not told of before spoils the trace.
 */
void trace_folder(int folder, const char *root, const char *path);
/* The same, but only to be known: what lies in it tells which one it is. */
void trace_known(int folder, const char *path);
/* The same, where NAME in it, or PATH itself, could not be read. */
void trace_failed(int folder, const char *name, int number);
void trace_folder_failed(const char *root, const char *path, int number);
/* A known one: its entries are read from here on (TRACE_TIMES), its mode
   counts (TRACE_ACCESS). */
void trace_at(int folder, unsigned int flags);
/* NAME is looked at as FLAGS say. */
void trace_place(int folder, const char *name, unsigned int flags);
/*
 * A file was read: ST is what fstat(2) said before, TEXT the whole of it.
 * What landed in the arena of secrets is kept as its digest, unless it is
 * told to hold none before the end.
 */
void trace_read(int folder, const char *name, const struct stat *st,
		struct str text, const struct arena *arena);
void trace_secret(int folder, const char *name, const struct stat *st,
		  struct str text);
void trace_value(const char *path, struct str text);	/* of /proc */
void trace_is_public(struct str text);
/* What is read is told by its times, as nobody but us writes it. */
void trace_by_times(bool on);

/*
 * An item in parts: what is added goes to its bytes, and may be begun anew or
 * taken back.  Nothing happens where the trace is off.
 */
void trace_open(enum trace_kind kind, unsigned int flags, struct str name);
void trace_add(const void *data, size_t size);
void trace_again(void);
void trace_close(void);
