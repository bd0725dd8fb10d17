/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sign and verify share: a document as its bytes, and how they end. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "doc/mesh.h"

struct err;
struct minisign_key;
struct session;

#define SIGNATURE_ENDING ".minisig"

struct signed_document {
	struct source source;	/* all its bytes, as they are signed */
	struct mesh mesh;	/* once it was decoded */
};

/* Only its bytes. */
int signed_read(struct session *s, const char *path,
		struct signed_document *out, struct err *e) must_check_;
/* Decode and check it; what is wrong is in s->diags. */
int signed_decode(struct session *s, struct signed_document *document,
		  struct err *e) must_check_;

/* What is told at the end. */
struct signed_end {
	const char *result;	/* one word */
	uint64_t serial;
	int64_t expires;	/* 0: never */
	const uint8_t (*ids)[8];	/* of the keys that signed */
	size_t id_count;
};

/* Print it, or E; returns the status of the run. */
int signed_end(struct session *s, const struct signed_end *end,
	       const struct err *e);

/*
 * password.c: the password of the key NAME on s->secrets: of the file that
 * --password-file names, else asked for at the terminal.
 */
int password_read(struct session *s, const char *name, struct str *out,
		  struct err *e) must_check_;
