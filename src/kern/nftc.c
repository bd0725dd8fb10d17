/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/time.h"
#include "kern/nft.h"
#include "kern/nftc_child.h"
#include "kern/nftc_report.h"

static bool is_about(struct str text, int number)
{
	const char *words = strerror(number);

	return memmem(text.data, text.size, words, strlen(words));
}

/* What libnftables printed of a refusal, for an error of ours. */
static int refusal(struct str output, const char *what, struct err *e)
{
	struct nftc_complaint c;
	struct str text;

	if (nftc_is_environment(output, &text))
		return err_set(e, is_about(text, EPERM) ? ERR_PERMISSION :
			       is_about(text, ERESTART) ? ERR_BUSY :
							  ERR_FAILED,
			       "%s: %.*s", what, (int)text.size, text.data);
	if (!nftc_next_complaint(&output, &c))
		return err_set(e, ERR_FAILED, "%s: refused without a word",
			       what);
	if (c.placed && c.line > NFTC_HEAD_LINES)
		return err_set(e, ERR_FAILED, "%s: line %zu, column %zu: %.*s",
			       what, c.line - NFTC_HEAD_LINES, c.column,
			       (int)c.text.size, c.text.data);
	return err_set(e, ERR_FAILED, "%s: %.*s", what, (int)c.text.size,
		       c.text.data);
}

static int send_links(struct nftc *c, struct arena *arena, struct str text,
		      struct err *e)
{
	const char *const *names;
	size_t count = firewall_link_names(arena, text, &names);

	for (size_t i = 0; i < count; i++)
		if (nftc_send(c, NFTC_LINK, str_of(names[i]), e) < 0)
			return -1;
	return 0;
}

/* Keep what F is, take what it was compiled to. */
static int take_dump(struct arena *arena, struct str messages,
		     struct firewall *f, struct err *e)
{
	struct firewall made;

	/* It will be viewed; a small one stands in the child's struct. */
	if (messages.size <= NFTC_SMALL)
		messages.data = arena_copy(arena, messages.data,
					   messages.size);
	if (nft_canonicalise(arena, messages, f->table, &made, e) < 0)
		return -1;
	made.table = f->table;
	made.text = f->text;
	made.where = f->where;
	made.generation = 0;	/* of a namespace that is gone */
	*f = made;
	return 0;
}

static int compile(struct nftc *c, struct arena *arena, struct firewall *f,
		   struct diags *diags, struct err *e)
{
	struct str payload, text;
	int state;

	if (send_links(c, arena, f->text, e) < 0 ||
	    nftc_send_job(c, NFTC_COMPILE, f->table, f->text, e) < 0)
		return -1;
	state = nftc_answer(c, arena, NFTC_DUMP, &payload, e);
	if (state < 0)
		return -1;
	if (!state)
		return take_dump(arena, payload, f, e);
	if (nftc_is_environment(payload, &text))
		return refusal(payload, "compiling the firewall", e);
	nftc_diagnose(arena, payload, f, diags);
	return err_set(e, ERR_DATA, "the firewall does not compile");
}

int nftc_compile(struct arena *arena, const char *helper_folder, int lock,
		 struct firewall *f, struct diags *diags, struct err *e)
{
	struct nftc c;
	int result;

	if (nftc_start(&c, helper_folder, lock, e) < 0)
		return -1;
	result = compile(&c, arena, f, diags, e);
	nftc_stop(&c);
	return result;
}

static int prepare(struct nftc *c, const char *table, struct str text,
		   struct err *e)
{
	struct str payload;
	int state;

	if (nftc_send_job(c, NFTC_PREPARE, table, text, e) < 0)
		return -1;
	state = nftc_answer(c, NULL, NFTC_READY, &payload, e);
	return state > 0 ? refusal(payload, "preparing the firewall", e) :
			   state;
}

int nftc_prepare(struct arena *arena, const char *helper_folder, int lock,
		 const char *table, struct str text, struct nftc **out,
		 struct err *e)
{
	struct nftc *c = arena_new_object(arena, struct nftc);

	/* It would take the table away. */
	if (!text.size)
		return err_set(e, ERR_FAILED, "there is no text of it to be "
			       "loaded");
	if (nftc_start(c, helper_folder, lock, e) < 0)
		return -1;
	if (prepare(c, table, text, e) < 0) {
		nftc_stop(c);
		return -1;
	}
	*out = c;
	return 0;
}

int nftc_commit(struct nftc *c, uint32_t generation, struct err *e)
{
	struct str payload = { (const char *)&generation, sizeof(generation) };
	int state;

	c->deadline = time_now_ms() + NFTC_PATIENCE;
	if (nftc_send(c, NFTC_COMMIT, payload, e) < 0)
		return -1;
	state = nftc_answer(c, NULL, NFTC_DONE, &payload, e);
	if (state <= 0)
		return state;
	return refusal(payload, "loading the firewall", e);
}

void nftc_close(struct nftc *c)
{
	if (c)
		nftc_stop(c);
}

static int list(struct nftc *c, struct arena *arena, const char *table,
		struct str *text, struct err *e)
{
	struct str payload;
	int state;

	if (nftc_send_job(c, NFTC_LIST, table, (struct str){ NULL, 0 },
			  e) < 0)
		return -1;
	state = nftc_answer(c, arena, NFTC_LISTING, &payload, e);
	if (state < 0)
		return -1;
	if (state)
		return refusal(payload, "listing the firewall", e);
	*text = (struct str){ arena_strndup(arena, payload.data,
					    payload.size), payload.size };
	return 0;
}

int nftc_list(struct arena *arena, const char *helper_folder, int lock,
	      const char *table, struct str *text, struct err *e)
{
	struct nftc c;
	int result;

	if (nftc_start(&c, helper_folder, lock, e) < 0)
		return -1;
	result = list(&c, arena, table, text, e);
	nftc_stop(&c);
	return result;
}
