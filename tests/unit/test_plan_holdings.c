/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allowed IPs that change hands: what the plan says of it. */
#include <string.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"

/* Each case is a change of the two peers' allowed IPs, by a longer prefix or a
   shorter one; a third peer may come or the second go. */
static const struct hand {
	const char *from[2], *to[3];
	enum disruption disruption;
	enum step_kind kind;		/* of the step that says so */
	const char *why;
} hands[] = {
	/* out of another's prefix, which stays */
	{ { "10.1.0.0/16", "10.2.0.0/16" },
	  { "10.1.0.0/16", "10.1.5.0/24,10.2.0.0/16", NULL },
	  DISRUPTION_MESH, STEP_PEER_CHANGE, "10.1.5.0/24 moves from peer" },
	{ { "10.1.0.0/16", "10.2.0.0/16" },
	  { "10.1.0.0/16", "10.2.0.0/16", "10.1.5.5/32" },
	  DISRUPTION_MESH, STEP_PEER_ADD, "10.1.5.5/32 moves from peer" },
	/* and back into it */
	{ { "10.1.0.0/16", "10.1.5.0/24,10.2.0.0/16" },
	  { "10.1.0.0/16", "10.2.0.0/16", NULL },
	  DISRUPTION_MESH, STEP_ALLOWED_IPS_REMOVE,
	  "10.1.5.0/24 moves to peer" },
	/* each linked with each, to a hub, and back */
	{ { "10.0.0.2/32", "10.0.0.3/32" }, { "10.0.0.0/24", NULL, NULL },
	  DISRUPTION_MESH, STEP_PEER_REMOVE, "10.0.0.3/32 moves to peer" },
	{ { "10.0.0.0/24", "10.9.0.0/24" },
	  { "10.0.0.2/32", "10.0.0.3/32,10.9.0.0/24", NULL },
	  DISRUPTION_MESH, STEP_PEER_CHANGE, "10.0.0.3/32 moves from peer" },
	/* the closest prefix decides, and it is the peer's own */
	{ { "10.0.0.0/8", "10.1.0.0/16" },
	  { "10.0.0.0/8", "10.1.0.0/16,10.1.5.0/24", NULL },
	  DISRUPTION_NONE, STEP_PEER_CHANGE, NULL },
	{ { "10.0.0.0/8", "10.1.0.0/16,10.1.5.0/24" },
	  { "10.0.0.0/8", "10.1.0.0/16", NULL },
	  DISRUPTION_NONE, STEP_ALLOWED_IPS_REMOVE, NULL },
	/* around another's, which keeps what it has */
	{ { "10.1.5.0/24", "10.2.0.0/16" },
	  { "10.1.5.0/24", "10.1.0.0/16,10.2.0.0/16", NULL },
	  DISRUPTION_NONE, STEP_PEER_CHANGE, NULL },
	/* not of one family */
	{ { "::/0", "10.2.0.0/16" }, { "::/0", "10.1.0.0/16,10.2.0.0/16", NULL },
	  DISRUPTION_NONE, STEP_PEER_CHANGE, NULL },
	/* new keys for one site, a shorter prefix at once */
	{ { "10.1.0.0/16", "10.2.5.0/24" },
	  { "10.1.0.0/16", NULL, "10.2.0.0/16" },
	  DISRUPTION_SESSION, STEP_PEER_REMOVE, "10.2.5.0/24 moves to peer" },
};

/* The worst step of the kind says it, and so does the plan. */
static void plan_says(const struct plan *plan, const struct hand *h)
{
	const struct step *step = NULL;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == h->kind &&
		    (!step || plan->steps[i].disruption > step->disruption))
			step = &plan->steps[i];
	ck_assert_ptr_nonnull(step);
	ck_assert_int_eq(step->disruption, h->disruption);
	ck_assert_int_eq(plan->disruption, h->disruption);
	if (h->why)
		ck_assert_msg(step->why && strstr(step->why, h->why),
			      "%s, not %s", step->why, h->why);
}

static void hand_over(const struct hand *h)
{
	struct build first, want;
	struct device *device;
	struct bench bench;
	struct plan plan;
	struct state have;
	struct diags diags;
	struct err err;
	struct arena *arena = arena_new((size_t)1 << 30);

	bench_init(&bench, arena, MESH);
	build_init(&first, arena, MESH);
	build_init(&want, arena, MESH);
	device = build_device(&first, "wg0", 1);
	for (int i = 0; i < 2; i++)
		build_peer(&first, device, 11 + i, NULL, h->from[i]);
	ck_assert_msg(!bench_converge(&bench, &first.s, NULL, &plan, &err),
		      "%s", err.text);
	device = build_device(&want, "wg0", 1);
	for (int i = 0; i < 3; i++)
		if (h->to[i])
			build_peer(&want, device, 11 + i, NULL, h->to[i]);
	diags_init(&diags, arena);
	ck_assert_msg(!bench_settle(&bench, &want.s, &first.s, &diags, &err),
		      "%s", err.text);
	bench_observe(&bench, &want.s, NULL, &first.s, &have);
	ck_assert_msg(!plan_diff(arena, &want.s, &have, &first.s,
				 &bench.options, &plan, &err), "%s", err.text);
	plan_says(&plan, h);
	/* Once it is taken, there is nothing left. */
	ck_assert_msg(!bench_converge(&bench, &want.s, NULL, &plan, &err),
		      "%s", err.text);
	arena_free(arena);
}

START_TEST(prefixes_within_prefixes)
{
	for (size_t i = 0; i < array_size(hands); i++)
		hand_over(&hands[i]);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(prefixes_within_prefixes),
	};

	return check_run("plan: holdings", cases, array_size(cases));
}
