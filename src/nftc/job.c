/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/fresh.h"
#include "kern/nft.h"
#include "kern/talk.h"
#include "nftc/nftc.h"

static int answer(enum nftc_kind kind, struct str payload, struct err *e)
{
	return nftc_put(NFTC_FD, kind, payload, -1, NFTC_FOREVER, e);
}

/* The next frame must be of KIND; its payload is SIZE bytes. */
static int expect(enum nftc_kind kind, void *payload, size_t size,
		  struct err *e)
{
	struct nftc_frame frame;

	if (nftc_get_head(NFTC_FD, &frame, NULL, NFTC_FOREVER, e) < 0)
		return -1;
	if (frame.kind != kind || frame.size != size)
		return err_set(e, ERR_FAILED, "frame %u is out of place",
			       frame.kind);
	return nftc_get_payload(NFTC_FD, payload, size, NFTC_FOREVER, e);
}

/* Have the run give libnftables' socket the buffers it cannot give itself. */
static int hand_over_socket(const struct library *library, struct err *e)
{
	if (nftc_put(NFTC_FD, NFTC_SOCKET, STR(""), library->socket,
		     NFTC_FOREVER, e) < 0)
		return -1;
	return expect(NFTC_GO, NULL, 0, e);
}

static int dump(struct arena *arena, const char *table, struct str *messages,
		struct err *e)
{
	struct talk talk cleanup_(talk_close) = { 0 };
	bool found;

	if (talk_open(&talk, arena, NETLINK_NETFILTER, e) < 0 ||
	    nft_dump(talk.socket, arena, table, messages, &found, e) < 0)
		return -1;
	if (!found)
		return err_set(e, ERR_DATA, "the text makes no table inet %s",
			       table);
	return 0;
}

static int run(struct library *library, struct arena *arena, const char *head,
	       struct str text, bool check, struct str *output, struct err *e)
{
	struct sbuf b;

	sbuf_init(&b, arena);
	sbuf_puts(&b, head);
	sbuf_str(&b, text);
	return library_run(library, arena, (struct str){ b.data, b.size },
			   check, output, e);
}

static const char *load_head(struct arena *arena, const struct job *job)
{
	return arena_printf(arena, NFTC_LOAD_HEAD, job->table, job->table);
}

static int open_library(struct library *library, struct err *e)
{
	if (library_open(library, e) < 0)
		return -1;
	return hand_over_socket(library, e);
}

/*
 * Where no namespace is to be had, what libnftables and the kernel's check
 * find is told at least.  If they find nothing, E says what it said.
 */
static int check_in_place(struct arena *arena, const struct job *job,
			  struct err *e)
{
	struct library library;
	struct str output;
	struct err why;

	privileges_drop();
	if (open_library(&library, &why) < 0 ||
	    run(&library, arena, load_head(arena, job), job->text, true,
		&output, &why) <= 0)
		return -1;
	return answer(NFTC_REFUSED, output, e);
}

static int compile(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output;
	int refused;

	if (namespace_enter(e) < 0)
		return check_in_place(arena, job, e);
	privileges_drop();
	(void)fresh_links(arena, job->links, job->link_count);
	if (open_library(&library, e) < 0)
		return -1;
	refused = run(&library, arena, NFTC_COMPILE_HEAD, job->text, false,
		      &output, e);
	if (refused < 0)
		return -1;
	if (refused)
		return answer(NFTC_REFUSED, output, e);
	if (dump(arena, job->table, &output, e) < 0)
		return -1;
	return answer(NFTC_DUMP, output, e);
}

static int answer_refused(struct str output, struct err *e)
{
	if (output.size > NFTC_SMALL)
		output.size = NFTC_SMALL;
	return answer(NFTC_REFUSED, output, e);
}

/* Somebody else may have written since the run looked. */
static int check_generation(struct arena *arena, uint32_t wanted,
			    struct err *e)
{
	struct talk talk cleanup_(talk_close) = { 0 };
	uint32_t now;

	if (!wanted)
		return 0;
	if (talk_open(&talk, arena, NETLINK_NETFILTER, e) < 0 ||
	    nft_generation(talk.socket, arena, &now, e) < 0)
		return -1;
	if (now != wanted)
		return err_set(e, ERR_BUSY, "nftables: somebody else changed "
			       "the ruleset meanwhile");
	return 0;
}

/*
 * The text is not checked once more here: it was compiled, and the end of a
 * check takes each element out again, which for 10 000 concatenated ranges
 * keeps a 6.1 kernel, and whoever waits for its ruleset, busy for long.
 */
static int load(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output;
	uint32_t generation = 0;
	int refused;

	privileges_drop();
	if (open_library(&library, e) < 0 ||
	    answer(NFTC_READY, STR(""), e) < 0 ||
	    expect(NFTC_COMMIT, &generation, sizeof(generation), e) < 0 ||
	    check_generation(arena, generation, e) < 0)
		return -1;
	refused = run(&library, arena, load_head(arena, job), job->text,
		      false, &output, e);
	if (refused < 0)
		return -1;
	return refused ? answer_refused(output, e) :
			 answer(NFTC_DONE, STR(""), e);
}

static int list(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output;
	int refused;

	privileges_drop();
	if (open_library(&library, e) < 0)
		return -1;
	refused = library_list(&library, arena, job->table, &output, e);
	if (refused < 0)
		return -1;
	return refused ? answer_refused(output, e) :
			 answer(NFTC_LISTING, output, e);
}

int job_run(struct arena *arena, const struct job *job, struct err *e)
{
	if (job->kind == NFTC_COMPILE)
		return compile(arena, job, e);
	if (job->kind == NFTC_PREPARE)
		return load(arena, job, e);
	return list(arena, job, e);
}
