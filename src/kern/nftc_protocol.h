/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a run and its child meshapply-nftc, on a stream socket: frames of
 * { u32 kind, u32 size, payload }, host endian, since both are of one build.
 *
 * The child's first frame is HELLO with its version.  The run sends TABLE,
 * TEXT and LINKs as far as the job needs them, then the job.  The child hands
 * over the socket of libnftables (SOCKET, with a descriptor) and waits for
 * GO, so that the run, which may have the privilege in the first user
 * namespace, gives it large buffers.  Then:
 *
 *   COMPILE   DUMP (messages of nft_dump), or REFUSED; without a namespace
 *             REFUSED, or FAILED if nothing was found wrong
 *   PREPARE   READY; then COMMIT (u32 generation, 0: any) is answered by
 *             DONE or REFUSED
 *   LIST      LISTING
 *
 * FAILED (struct nftc_failure) may stand for any answer.  REFUSED is what the
 * compiler prints, cut to NFTC_SMALL but for COMPILE.  The child ends when
 * the stream does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct err;

enum nftc_kind {
	NFTC_HELLO = 1,
	NFTC_TABLE,
	NFTC_TEXT,
	NFTC_LINK,
	NFTC_COMPILE,
	NFTC_PREPARE,
	NFTC_LIST,
	NFTC_SOCKET,
	NFTC_GO,
	NFTC_DUMP,
	NFTC_LISTING,
	NFTC_READY,
	NFTC_COMMIT,
	NFTC_DONE,
	NFTC_REFUSED,
	NFTC_FAILED,
};

/*
 * What the child puts before TEXT, in as many lines either way: when it
 * loads, the table's name twice, all of it being one transaction.
 */
#define NFTC_LOAD_HEAD "table inet %s\ndelete table inet %s\n"
#define NFTC_COMPILE_HEAD "\n\n"
#define NFTC_HEAD_LINES 2

#define NFTC_FRAME_MAX (1u << 30)
#define NFTC_SMALL 4096u	/* what a frame but DUMP, LISTING, TEXT holds */
/* The child's end of the stream, and the lock's descriptor behind it. */
#define NFTC_FD 3

struct nftc_failure {
	uint32_t kind;		/* enum err_kind */
	int32_t number;		/* errno or 0 */
	char text[1024];
};

struct nftc_frame {
	uint32_t kind;
	uint32_t size;
};

/* DEADLINE is CLOCK_MONOTONIC milliseconds, or NFTC_FOREVER. */
#define NFTC_FOREVER INT64_MAX
/* FD_TO_PASS -1: none. */
int nftc_put(int fd, enum nftc_kind kind, struct str payload, int fd_to_pass,
	     int64_t deadline, struct err *e) must_check_;
/*
 * Read a frame's head, then its payload into BUFFER, which holds
 * frame->size.  A passed descriptor lands in *PASSED (else -1), which is the
 * caller's to close; NULL: none is taken.  The end of the stream is
 * ERR_UNAVAILABLE.
 */
int nftc_get_head(int fd, struct nftc_frame *frame, int *passed,
		  int64_t deadline, struct err *e) must_check_;
int nftc_get_payload(int fd, void *buffer, size_t size, int64_t deadline,
		     struct err *e) must_check_;
