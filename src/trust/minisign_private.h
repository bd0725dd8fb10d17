/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files that read and write minisign's formats. */
#pragma once

#include "base/err.h"
#include "trust/minisign.h"

#define MINISIGN_UNTRUSTED "untrusted comment: "
#define MINISIGN_TRUSTED "trusted comment: "
/* Bytes of a line: what minisign 0.11 has room for. */
#define MINISIGN_UNTRUSTED_MAX 1024
#define MINISIGN_TRUSTED_MAX 8192

/* Lines of the file NAME, whose errors are of KIND. */
struct minisign_lines {
	struct str rest;
	const char *name;
	enum err_kind kind;
	size_t number;		/* of the line last read, from 1 */
};

/*
 * The next line without its end.  WHAT is wanted, in words for where it is not
 * there.
 */
int minisign_line(struct minisign_lines *lines, const char *what,
		  struct str *out, struct err *e) must_check_;
/* The same for a comment, what follows PREFIX; of at most LIMIT bytes. */
int minisign_comment(struct minisign_lines *lines, const char *prefix,
		     size_t limit, struct str *out, struct err *e) must_check_;
/* The same for SIZE bytes in base64. */
int minisign_base64(struct minisign_lines *lines, const char *what,
		    void *out, size_t size, struct err *e) must_check_;
/* Nothing may follow. */
int minisign_end(const struct minisign_lines *lines, struct err *e)
	must_check_;
/* TEXT may stand in a comment: no control character but the tabulator. */
bool minisign_comment_valid(struct str text);
/* libsodium is ready, or the program ends. */
void minisign_ready(void);
