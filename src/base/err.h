/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors on the way up.
 *
 * A function that can fail returns int, 0 or -1, and takes a caller-owned
 * struct err as its last parameter.  On success it does not touch the error;
 * on failure it fills it, leaves its outputs alone, and prints nothing.
 * Failing is one line: return err_sys(e, "open %s", path);
 */
#pragma once

#include "base/attr.h"

/* The kind of an error is the exit status it leads to, meshapply(8). */
enum err_kind {
	ERR_FAILED = 1,
	ERR_ROLLED_BACK = 4,
	ERR_INCOMPLETE = 5,
	ERR_REFUSED = 7,
	ERR_USAGE = 64,
	ERR_DATA = 65,
	ERR_NO_INPUT = 66,
	ERR_UNAVAILABLE = 69,
	ERR_BUSY = 75,
	ERR_TRUST = 76,
	ERR_PERMISSION = 77,
	ERR_CONFIG = 78,
};

struct err {
	enum err_kind kind;
	int number;	/* errno, or 0 */
	char guard[24];	/* what --force=GUARD overrules, or "" */
	char text[1024];
};

/* Fill *e and return -1.  No newline at the end of the text. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	printf_(3, 4);

/*
 * As err_set, from errno: the text ends with ": " and the words for errno.
 * EPERM and EACCES give ERR_PERMISSION, ENOENT ERR_NO_INPUT, all others
 * ERR_FAILED.
 */
int err_sys(struct err *e, const char *format, ...) printf_(2, 3);

/* Refused by a guard, which --force=GUARD overrules; returns -1. */
int err_refuse(struct err *e, const char *guard, const char *format, ...)
	printf_(3, 4);

/* Put "context: " before the text, keep the kind; returns -1. */
int err_wrap(struct err *e, const char *format, ...) printf_(2, 3);
