/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What noting and comparing share. */
#pragma once

#include "base/trace.h"

/* What a look at a name gave: what FLAGS leave out is zero. */
struct trace_seen {
	int32_t number;		/* errno, 0: there is something */
	uint32_t mode, uid, gid;
	uint64_t device, inode, size;
	int64_t modified[2], changed[2];	/* seconds, nanoseconds */
};

struct trace_secret {
	struct trace_seen seen;
	uint8_t digest[TRACE_DIGEST];
};

/* ST NULL: nothing, by errno NUMBER. */
void trace_seen_of(const struct stat *st, int number, unsigned int flags,
		   struct trace_seen *out);
