/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to the kernel by netlink, netlink(7): every request is
 * acknowledged, what the kernel says about a refusal (extended acks) is part
 * of the error's text, and a dump that something changed under is repeated.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct err;

/*
 * Room for one answer.  The kernel makes parts of a dump as large as the
 * reader's buffer, up to 32 KiB; a part of a full interface may be larger.
 */
#define TALK_BUFFER ((size_t)64 << 10)
/* Requests sent at once: as many as whose acknowledgements fit the default
   receive buffer, should it not be possible to have a larger one. */
#define TALK_BATCH ((size_t)128)
#define TALK_ATTEMPTS 10
#define TALK_SLOTS 4

struct talk {
	struct mnl_socket *socket;
	int protocol;
	uint32_t port, sequence;
	void *buffer;
};

/* Takes the answers to one request. */
struct talk_reader {
	/* before each attempt: forget what came; or NULL */
	void (*start)(void *data);
	int (*each)(const struct nlmsghdr *answer, void *data,
		    struct err *e);
	void *data;
	void *buffer;	/* TALK_BUFFER bytes where they land; NULL: talk's */
	/* as many buffers, one behind the other, at most TALK_SLOTS: what is
	   there is received at once; 0: one */
	unsigned int slots;
	/*
	 * Answers of another family are passed over, 0: none is; of rtnetlink,
	 * whose messages all begin with it.  A dump of IPv6 is one of IPv4 on a
	 * kernel without IPv6 (ipv6.disable=1).
	 */
	uint8_t family;
};

/*
 * PROTOCOL is NETLINK_ROUTE, NETLINK_GENERIC, …; the buffer is on ARENA, and
 * that of an earlier use, where TALK is zeroed before its first, is kept.
 */
int talk_open(struct talk *talk, struct arena *arena, int protocol,
	      struct err *e) must_check_;
/* The same for questions alone whose readers have their buffers: without what
   only writing, and the words of a refusal, have a use for. */
int talk_open_bare(struct talk *talk, int protocol, struct err *e) must_check_;
void talk_close(struct talk *talk);

/*
 * Send REQUEST with flags NLM_F_REQUEST | NLM_F_ACK and wait for the ack;
 * READER, which may be NULL, gets what comes before it.  The error's text is
 * the kernel's words alone: whoever asked puts the object before it
 * (err_wrap).  Its number is the kernel's errno.
 */
int talk_request(struct talk *talk, struct nlmsghdr *request,
		 const struct talk_reader *reader, struct err *e) must_check_;
/* The same for a dump, repeated when interrupted, in the end ERR_BUSY. */
int talk_dump(struct talk *talk, struct nlmsghdr *request,
	      const struct talk_reader *reader, struct err *e) must_check_;
/* Fill *E from M, an answer that says NUMBER: errno's words, then the extended
   ack's.  What is missing is no missing input (ERR_FAILED).  Returns -1. */
int talk_refusal(const struct nlmsghdr *m, int number, struct err *e);

/*
 * Send COUNT (at most TALK_BATCH) requests at once.  The kernel takes each,
 * whatever became of those before it.  On failure *FAILED is the first that
 * was refused; *SENT tells whether the kernel got them.
 */
int talk_batch(struct talk *talk, struct nlmsghdr *const *requests,
	       size_t count, bool *sent, size_t *failed, struct err *e)
	must_check_;
