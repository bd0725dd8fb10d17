/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of the stream between a run and meshapply-nftc.  The first byte
 * says which end reads, and what it waits for; the rest is the stream, which
 * then ends.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "kern/nftc_child.h"
#include "kern/nftc_report.h"
#include "state/firewall.h"

/* The child's side is in a program of its own. */
#define main child_main
#include "nftc/main.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int child_main(int argc, char **argv);

#define STREAM_MOST 65536u

int job_run(struct arena *arena, const struct job *job, struct err *e)
{
	(void)arena;
	(void)job;
	return err_set(e, ERR_FAILED, "not run here");
}

int parent_follow(long parent)
{
	return parent ? -1 : 0;
}

/* What a kind of an error leads to is an exit status, and none is success. */
static void judge(const struct err *e)
{
	if (!e->text[0] || e->kind <= 0 || e->kind > ERR_CONFIG)
		abort();
}

/* What a compiler says, of a text whose first line is not the user's. */
static void read_report(struct arena *arena, struct str output)
{
	static const struct source source = {
		.name = "firewall.nft",
		.text = { "table inet meshapply_office {\n}\n", 32 },
	};
	struct firewall f = {
		.text = { "define fwmark = 1\n"
			  "table inet meshapply_office {\n}\n", 50 },
		.where = { &source, 0 },
	};
	struct diags diags;
	struct sbuf shown;
	struct str text;

	(void)nftc_is_environment(output, &text);
	diags_init(&diags, arena);
	nftc_diagnose(arena, output, &f, &diags);
	for (size_t i = 0; i < diags.count; i++)
		if (diags.items[i].where.offset > source.text.size)
			abort();
	diags_sort(&diags);
	sbuf_init(&shown, arena);
	diags_format(&diags, &shown);
}

static void read_answers(struct arena *arena, int fd, uint8_t what)
{
	static const enum nftc_kind kinds[] = {
		NFTC_HELLO, NFTC_DUMP, NFTC_LISTING, NFTC_READY, NFTC_DONE,
	};
	struct nftc c = { .fd = fd, .errors = -1, .path = "nftc" };
	struct str payload = { 0 };
	struct err e = { 0 };
	int state;

	c.deadline = NFTC_FOREVER;
	if (what & 2 && nftc_send_job(&c, NFTC_COMPILE, "meshapply_office",
				      STR("table"), &e) < 0) {
		judge(&e);
		return;
	}
	/* One that is small, one that may be large. */
	state = nftc_answer(&c, what & 4 ? arena : NULL,
			    kinds[(what >> 3) % array_size(kinds)], &payload,
			    &e);
	if (state < 0)
		judge(&e);
	if (state == 1)
		read_report(arena, (struct str){
				arena_copy(arena, payload.data, payload.size),
				payload.size });
}

static void read_jobs(struct arena *arena, int fd)
{
	struct job job = { 0 };
	struct err e = { 0 };

	if (dup2(fd, NFTC_FD) < 0)
		abort();
	if (read_job(arena, &job, &e) < 0)
		judge(&e);
	else if (!job.table || strlen(job.table) > NFTC_FRAME_MAX ||
		 job.kind < NFTC_COMPILE || job.kind > NFTC_LIST)
		abort();
}

/* The child's descriptor is none of ours. */
static struct arena *prepare(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd < NFTC_FD);
	return arena_new((uint64_t)8 << 30);
}

/* Room for what is announced is made at once: it is kept small here. */
static void *with_less(struct arena *arena, const uint8_t *data, size_t size)
{
	char *stream = arena_copy(arena, data, size), *at = stream;
	struct nftc_frame frame;

	while (size >= sizeof(frame)) {
		memcpy(&frame, at, sizeof(frame));
		if (frame.size <= NFTC_FRAME_MAX)
			frame.size &= STREAM_MOST - 1;
		memcpy(at, &frame, sizeof(frame));
		at += sizeof(frame);
		size -= sizeof(frame);
		if (frame.size > size)
			break;
		at += frame.size;
		size -= frame.size;
	}
	return stream;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	size_t mark;
	int ends[2];

	if (!arena)
		arena = prepare();
	/* More would not fit the stream before it is read. */
	if (!size || size > STREAM_MOST ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return 0;
	mark = arena_mark(arena);
	if (write(ends[0], with_less(arena, data + 1, size - 1),
		  size - 1) < 0 ||
	    shutdown(ends[0], SHUT_WR) < 0)
		abort();
	if (data[0] & 1)
		read_jobs(arena, ends[1]);
	else
		read_answers(arena, ends[1], data[0]);
	close(ends[0]);
	close(ends[1]);
	arena_reset(arena, mark);
	return 0;
}
