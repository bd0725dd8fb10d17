/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked of the kernel and what it said, as items of the trace
 * (base/trace.h), noted where every request is sent (kern/talk.c); and the
 * same asked again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "kern/talk.h"

struct blanked;
struct nlmsghdr;
struct trace_item;

/*
 * For talk.c: one exchange.  What is heard is blanked in place, once its
 * reader has had it (kern/volatile.h); _again() forgets what an interrupted
 * dump said.  NUMBER is errno of a refusal, or 0; -1 spoils the trace.
 */
void transcript_ask(const struct talk *talk, const struct nlmsghdr *request,
		    bool dump);
void transcript_again(void);
void transcript_hear(struct nlmsghdr *answer);
void transcript_end(int number);

#define REPLAY_BUFFER (TALK_SLOTS * TALK_BUFFER)

/*
 * Through all items of one trace; its talks zeroed before the first.  The
 * sockets are new ones: the kernel divides an answer by what was read before.
 */
struct replay {
	void *buffer;		/* of secrets, REPLAY_BUFFER bytes */
	struct blanked *blanked;	/* of secrets, too */
	struct talk route, generic, nft;
};

/*
 * Ask ITEM's question: is it answered as it was?  Nothing but questions is
 * sent, whatever stands in ITEM.
 */
bool transcript_holds(const struct trace_item *item, struct replay *replay);
void replay_close(struct replay *replay);
