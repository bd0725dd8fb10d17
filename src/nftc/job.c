/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "base/arena.h"
#include "base/err.h"
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

static void talk_closep(struct talk *talk)
{
	talk_close(talk);
}

static int dump(struct arena *arena, const char *table, struct str *messages,
		struct err *e)
{
	struct talk talk cleanup_(talk_closep) = { 0 };
	bool found;

	if (talk_open(&talk, arena, NETLINK_NETFILTER, e) < 0 ||
	    nft_dump(talk.socket, arena, table, messages, &found, e) < 0)
		return -1;
	if (!found)
		return err_set(e, ERR_DATA, "the text makes no table inet %s",
			       table);
	return 0;
}

static int compile(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output;
	int refused;

	if (namespace_enter(e) < 0)
		return -1;
	privileges_drop();
	stubs_make(arena, job->links, job->link_count);
	if (library_open(&library, e) < 0 ||
	    hand_over_socket(&library, e) < 0)
		return -1;
	refused = library_run(&library, arena, job->text, false, &output, e);
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
	struct talk talk cleanup_(talk_closep) = { 0 };
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

static int commit(struct arena *arena, struct library *library,
		  struct str text, struct err *e)
{
	struct str output;
	uint32_t generation = 0;
	int refused;

	if (expect(NFTC_COMMIT, &generation, sizeof(generation), e) < 0 ||
	    check_generation(arena, generation, e) < 0)
		return -1;
	refused = library_run(library, arena, text, false, &output, e);
	if (refused < 0)
		return -1;
	if (refused)
		return answer_refused(output, e);
	return answer(NFTC_DONE, STR(""), e);
}

static int load(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output, text;
	struct sbuf b;
	int refused;

	sbuf_init(&b, arena);
	sbuf_printf(&b, NFTC_LOAD_HEAD, job->table, job->table);
	sbuf_str(&b, job->text);
	text = (struct str){ b.data, b.size };
	privileges_drop();
	if (library_open(&library, e) < 0 ||
	    hand_over_socket(&library, e) < 0)
		return -1;
	refused = library_run(&library, arena, text, true, &output, e);
	if (refused < 0)
		return -1;
	if (refused)
		return answer_refused(output, e);
	if (answer(NFTC_READY, STR(""), e) < 0)
		return -1;
	return commit(arena, &library, text, e);
}

static int list(struct arena *arena, const struct job *job, struct err *e)
{
	struct library library;
	struct str output;
	int refused;

	privileges_drop();
	if (library_open(&library, e) < 0 ||
	    hand_over_socket(&library, e) < 0)
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
