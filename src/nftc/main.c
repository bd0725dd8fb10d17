/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "nftc/nftc.h"

/* Address space, not memory: a text, and the dump of what it makes. */
#define ARENA_SIZE ((uint64_t)4 << 30)

/* 1: the job is whole; 0: more is to come. */
static int take(struct arena *arena, const struct nftc_frame *frame,
		char *payload, struct job *job, struct err *e)
{
	switch ((enum nftc_kind)frame->kind) {
	case NFTC_TABLE:
		job->table = payload;
		return 0;
	case NFTC_TEXT:
		job->text = (struct str){ payload, frame->size };
		return 0;
	case NFTC_LINK:
		arena_room(arena, &job->links, job->link_count,
			   &job->link_capacity, sizeof(*job->links));
		job->links[job->link_count++] = payload;
		return 0;
	case NFTC_COMPILE:
	case NFTC_PREPARE:
	case NFTC_LIST:
		job->kind = frame->kind;
		if (!job->table)
			return err_set(e, ERR_FAILED, "a job with no table");
		return 1;
	case NFTC_HELLO:
	case NFTC_SOCKET:
	case NFTC_GO:
	case NFTC_DUMP:
	case NFTC_LISTING:
	case NFTC_READY:
	case NFTC_COMMIT:
	case NFTC_DONE:
	case NFTC_REFUSED:
	case NFTC_FAILED:
		break;
	}
	return err_set(e, ERR_FAILED, "frame %u is out of place", frame->kind);
}

static int read_job(struct arena *arena, struct job *job, struct err *e)
{
	for (;;) {
		struct nftc_frame frame;
		char *payload;
		int state;

		if (nftc_get_head(NFTC_FD, &frame, NULL, NFTC_FOREVER, e) < 0)
			return -1;
		payload = arena_alloc(arena, (size_t)frame.size + 1);
		if (nftc_get_payload(NFTC_FD, payload, frame.size,
				     NFTC_FOREVER, e) < 0)
			return -1;
		state = take(arena, &frame, payload, job, e);
		if (state)
			return state < 0 ? -1 : 0;
	}
}

static void report(const struct err *e)
{
	struct nftc_failure failure;
	struct err ignored;

	memset(&failure, 0, sizeof(failure));
	failure.kind = e->kind;
	failure.number = e->number;
	snprintf(failure.text, sizeof(failure.text), "%s", e->text);
	if (nftc_put(NFTC_FD, NFTC_FAILED,
		     (struct str){ (const char *)&failure, sizeof(failure) },
		     -1, NFTC_FOREVER, &ignored) < 0)
		return;
}

/* The run closes its end when it is done; the sockets stay open till then. */
static void wait_for_end(void)
{
	struct nftc_frame frame;
	struct err ignored;

	while (nftc_get_head(NFTC_FD, &frame, NULL, NFTC_FOREVER,
			     &ignored) == 0 && !frame.size)
		;
}

/* libnftables frees little, and a leak ends with the process: _exit(). */
int main(int argc, char **argv)
{
	struct arena *arena = arena_new(ARENA_SIZE);
	struct job job = { 0 };
	struct err e;

	if (argc != 2 || parent_follow(atol(argv[1])) < 0 ||
	    nftc_put(NFTC_FD, NFTC_HELLO, STR(MESHAPPLY_VERSION), -1,
		     NFTC_FOREVER, &e) < 0) {
		fputs("meshapply-nftc is started by meshapply, "
		      "not by hand\n", stderr);
		_exit(64);
	}
	if (read_job(arena, &job, &e) < 0 || job_run(arena, &job, &e) < 0)
		report(&e);
	wait_for_end();
	_exit(0);
}
