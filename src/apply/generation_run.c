/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generation that a run makes. */
#include <string.h>

#include "apply/pending.h"
#include "apply/store_private.h"
#include "apply/walk.h"
#include "base/arena.h"

static bool text_equal(struct str a, struct str b)
{
	return !a.data == !b.data && str_equal(a, b);
}

/* Nothing but what others have changed is mended. */
static bool is_same(const struct generation *a, const struct generation *b)
{
	for (size_t i = 0; i < GENERATION_TEXTS; i++)
		if (!text_equal(a->texts[i], b->texts[i]))
			return false;
	return key_equal(&a->public_key, &b->public_key);
}

int run_stage_generation(struct run *run, struct err *e)
{
	struct generation *g = &run->about;
	const struct state *want = run->want;
	const struct generation *standing;
	size_t mark;

	g->number = 0;
	store_staged_texts(run->store, g->texts);
	if (!run->plan.count || !want->device_count)
		return 0;
	g->time = run->options.now;
	g->public_key = want->devices[0].public_key;
	g->disruption = run->plan.disruption;
	g->state = run->confirm ? GENERATION_PENDING : GENERATION_APPLIED;
	mark = arena_mark(run->arena);
	if (generation_standing(run->store, run->arena, &standing, e))
		return -1;
	/* What is to be confirmed may be rolled back: that is remembered. */
	if (!run->confirm && standing && is_same(g, standing))
		return 0;
	arena_reset(run->arena, mark);
	if (generation_next(run->store, run->arena, &g->number, e))
		return -1;
	return generation_stage(run->store, run->arena, g, e);
}
