/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run's side of meshapply-nftc: one child, its frames, its end. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/str.h"
#include "kern/nftc_protocol.h"

/* For the whole of a job; emulated machines are a hundred times slower. */
#define NFTC_PATIENCE 120000	/* milliseconds */

struct nftc {
	int fd;
	int errors;		/* memory file: the child's standard error */
	pid_t pid;		/* 0: ended */
	int64_t deadline;
	char path[512];
	size_t large;		/* bytes libnftables' socket must take */
	char small[NFTC_SMALL + 1];
};

/* Start the child and hear its version. */
int nftc_start(struct nftc *c, const char *helper_folder, int lock,
	       struct err *e) must_check_;
/* Close the stream and wait for the child's end; kill it if need be. */
void nftc_stop(struct nftc *c);

int nftc_send(struct nftc *c, enum nftc_kind kind, struct str payload,
	      struct err *e) must_check_;
/* TABLE, TEXT (if any) and the job; then its socket is given buffers. */
int nftc_send_job(struct nftc *c, enum nftc_kind job, const char *table,
		  struct str text, struct err *e) must_check_;
/*
 * Wait for WANTED or REFUSED: 0 or 1.  FAILED becomes the error.  What is
 * larger than NFTC_SMALL lands on ARENA; without one (NULL) it is an error.
 */
int nftc_answer(struct nftc *c, struct arena *arena, enum nftc_kind wanted,
		struct str *payload, struct err *e) must_check_;
