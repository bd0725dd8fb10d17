/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disowning a mesh, and the way back from every step of it. */
#include <check.h>

#include "support/check.h"
#include "support/host.h"

/* Every way of refusing, also of half a step. */
static const struct state nothing = { .mesh = "office" };

static void start(struct run *run, struct state *want, struct diags *diags)
{
	*want = nothing;
	diags_init(diags, host.arena);
	host_start(run);
	run->options.disown = true;
	ck_assert_msg(!converge_plan(run, want, diags, &host.e), "%s",
		      host.e.text);
}

static void disown(const struct wanted *wanted)
{
	struct apply_result result;
	struct state *before, want;
	struct diags diags;
	size_t count;
	struct run run;

	host_settle(wanted);
	before = host_snapshot();
	start(&run, &want, &diags);
	count = run.plan.count;
	ck_assert_uint_gt(count, 0);
	host_finish();
	for (size_t i = 0; i < count; i++) {
		start(&run, &want, &diags);
		host.model->fault = (struct model_fault){
			.at = host.model->sent + i, .times = 1,
			.half = i & 1,
		};
		ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
		host_finish();
		ck_assert_msg(!host_differs(before), "step %zu: %s", i,
			      host_differs(before));
		ck_assert(host_tidy());
	}
	start(&run, &want, &diags);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s",
		      host.e.text);
	ck_assert(!store_forget(host.store, &host.e));
	host_finish();
	start(&run, &want, &diags);
	ck_assert_uint_eq(run.plan.count, 0);
	ck_assert(!run.last);
	host_finish();
}

START_TEST(first)
{
	disown(&wanted_first);
}
END_TEST

START_TEST(second)
{
	disown(&wanted_second);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(first), CHECK_CASE(second),
	};

	return check_run_within("apply: disowning", cases, array_size(cases),
				host_open, host_close);
}
