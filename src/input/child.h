/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question to a child that talks with the network for us: what it is asked
 * is its standard input, what it answers its standard output.  It has nothing
 * else of ours: no other descriptor, nothing of the environment.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct err;

struct child_task {
	const char *program;	/* its path */
	const char *task;	/* its one argument */
	const char *what;	/* what is being done, for messages */
	struct str question;
	int64_t milliseconds;	/* it is ended when these are over */
	size_t answer_limit;	/* bytes */
};

/*
 * Start it, put the question, and append to ANSWER all that it writes until
 * it ends, which it does with status 0.  Anything else is ERR_UNAVAILABLE, and
 * the child is gone either way.
 */
int child_ask(const struct child_task *task, struct sbuf *answer,
	      struct err *e) must_check_;
