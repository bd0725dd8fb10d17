/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/gate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apply/plan_file.h"
#include "apply/walk.h"
#include "base/arena.h"

#define STEPS_SHOWN 5

/* The same bytes once more: what they did the last time, they do again. */
static int refuse_rolled_back(struct run *run, struct err *e)
{
	size_t mark = arena_mark(run->arena);
	const struct generation *newest;
	char when[32] = "";
	struct tm tm;
	time_t time;

	if (run_forced(run, "rolled-back"))
		return 0;
	if (generation_newest(run->store, run->arena, &newest, e))
		return -1;
	if (!newest || newest->state != GENERATION_ROLLED_BACK ||
	    memcmp(newest->digest, run->about.digest,
		   sizeof(newest->digest))) {
		/* It holds all texts. */
		arena_reset(run->arena, mark);
		return 0;
	}
	time = (time_t)newest->time;
	if (localtime_r(&time, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	return err_refuse(e, "rolled-back", "the source is what was applied "
			  "at %s as generation %llu, and that was rolled back",
			  when, (unsigned long long)newest->number);
}

static int refuse_identity(struct run *run, struct err *e)
{
	size_t mark = arena_mark(run->arena);
	const struct generation *applied;
	struct plan_identity is = { .node = run->about.node }, was = { 0 };
	int result;

	if (generation_applied(run->store, run->arena, &applied, e))
		return -1;
	if (applied)
		was = (struct plan_identity){ applied->public_key,
					      applied->node };
	result = plan_identity(run->arena, run->want, &run->have, run->last,
			       &is, &was, &run->options, e);
	arena_reset(run->arena, mark);
	return result;
}

static int refuse_plan(struct run *run, struct err *e)
{
	if (!run->gates->plan || run_forced(run, "plan"))
		return 0;
	return plan_file_check(run->gates->plan, run->arena, run->secrets,
			       &run->about, run->want, &run->plan, e);
}

static int refuse_disruption(struct run *run, struct err *e)
{
	enum disruption most = run->gates->most;
	size_t count = 0;
	struct sbuf out;

	if (run->plan.disruption <= most || run_forced(run, "disruption"))
		return 0;
	sbuf_init(&out, run->arena);
	for (size_t i = 0; i < run->plan.count; i++) {
		const struct step *s = &run->plan.steps[i];

		if (s->disruption <= most || count++ >= STEPS_SHOWN)
			continue;
		sbuf_printf(&out, "%s%s (%s)", count > 1 ? ", " : "", s->id,
			    disruption_name(s->disruption));
	}
	if (count > STEPS_SHOWN)
		sbuf_printf(&out, " and %zu more", count - STEPS_SHOWN);
	return err_refuse(e, "disruption", "%zu step%s of a worse class than "
			  "%s: %s", count, count == 1 ? " is" : "s are",
			  disruption_name(most), out.data);
}

int run_gates(struct run *run, struct err *e)
{
	if (!run->gates)
		return 0;
	if (run->plan.count && (refuse_rolled_back(run, e) ||
				refuse_identity(run, e)))
		return -1;
	return refuse_plan(run, e) || refuse_disruption(run, e) ? -1 : 0;
}
