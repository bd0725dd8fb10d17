/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line format of what is kept between runs: a kind, then NAME=VALUE words
 * in the order of a table, those that are zero left out.
 *
 *   meshapply 1 journal boot=… netns=4026531840
 *   address prefix=10.0.0.1/24
 *
 * The files may be owned by another user than the one who reads them, so the
 * reader takes exactly what the writer writes and nothing else.  Values are
 * printable; any other byte, a space and "%" are written as %XX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

enum field_kind {
	FIELD_BOOL,
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_I32,
	FIELD_U64,
	FIELD_LINK_NAME,	/* char[IFNAMSIZ] */
	FIELD_ALIAS,		/* char[256] */
	FIELD_STRING,		/* const char *, NULL: none */
	FIELD_IP,		/* struct ip, family 0: none */
	FIELD_PREFIX,		/* struct prefix, family 0: none */
	FIELD_KEY,		/* struct key, zero: none */
	FIELD_SECRET,		/* const struct key *, NULL: none */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;		/* in the object */
};

/* One line from OBJECT. */
void record_write(struct sbuf *out, const char *kind,
		  const struct field *fields, size_t count,
		  const void *object);

/*
 * Lines read one by one.  BAD is set at the first that is not as written, and
 * stays: check it once at the end.  Secrets go to SECRETS.
 */
struct records {
	struct arena *arena, *secrets;
	struct str rest;
	size_t line;		/* of the line last read, from 1 */
	bool bad;
};

struct record {
	struct str kind;
	struct str words;
};

/* false at the end, and once bad. */
bool record_next(struct records *r, struct record *out);
/* OBJECT is zeroed memory of the table's type; sets r->bad, returns !bad. */
bool record_read(struct records *r, const struct record *record,
		 const struct field *fields, size_t count, void *object);
/* SIZE raw bytes and a newline, as written after a line that names SIZE. */
bool record_raw(struct records *r, size_t size, struct str *out);

/* A line that belongs to what we are and where we run. */
struct identity {
	const char *boot;	/* /proc/sys/kernel/random/boot_id */
	uint64_t netns;		/* inode of /proc/self/ns/net */
	uint64_t cookie;	/* netns_cookie(); 0: not known */
};

void header_write(struct sbuf *out, const char *what,
		  const struct identity *of);
bool header_read(struct records *r, const char *what, struct identity *of);
