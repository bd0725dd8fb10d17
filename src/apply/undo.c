/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back to the state before.  Each pass begins by observing: the step that
 * failed may be half done, and the kernel changes more than it is told.
 */
#include "apply/walk.h"
#include "base/arena.h"

#define PASSES 3

/*
 * What one step cannot do must not keep the ones after it from being done:
 * each for itself, as far as it goes.
 */
static void take_each(struct run *run, const struct plan *plan,
		      struct err *why)
{
	size_t done = 0;

	for (size_t i = 0; i < plan->count; i++) {
		struct plan one = { .steps = &plan->steps[i], .count = 1 };
		size_t mark = arena_mark(run->secrets);

		if (run_take(run, &one, &done, why))
			done = 0;	/* the next look tells */
		arena_reset(run->secrets, mark);
	}
}

static int incomplete(const struct look *look, struct plan *differs,
		      const struct err *why, struct err *e)
{
	*differs = look->plan;
	if (why->kind)
		return err_set(e, ERR_INCOMPLETE, "%zu steps back are left: "
			       "%s", look->plan.count, why->text);
	return err_set(e, ERR_INCOMPLETE, "%zu steps back are left, the first "
		       "is %s", look->plan.count, look->plan.steps[0].id);
}

int run_undo(struct run *run, const struct journal *journal,
	     struct plan *differs, struct err *e)
{
	size_t mark = arena_mark(run->arena);
	size_t secrets = arena_mark(run->secrets);
	struct err why = { 0 };
	struct look look;
	size_t done = 0;

	for (int pass = 0; pass <= PASSES + 1; pass++) {
		/* Each takes what the one before it took. */
		arena_reset(run->arena, mark);
		arena_reset(run->secrets, secrets);
		if (look_back(run, journal, &look, &why)) {
			if (pass > PASSES)
				return err_set(e, ERR_INCOMPLETE, "what is "
					       "there cannot be read: %s",
					       why.text);
			continue;
		}
		if (!look.plan.count)
			return 0;
		if (pass > PASSES)
			break;
		if (pass == PASSES)
			take_each(run, &look.plan, &why);
		else if (run_take(run, &look.plan, &done, &why))
			done = 0;	/* the next look tells */
	}
	return incomplete(&look, differs, &why, e);
}
