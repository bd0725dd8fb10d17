/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Over thousands of random pairs of what is and what is wanted: a plan leads
 * to where a second plan is empty; in the middle nothing but removals is
 * left; from any point on the way, half a step included, an undo leads back
 * to what was; and nothing foreign is touched.  FAULT_SEED=N takes one round,
 * FAULT_ROUNDS=N another number of them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"

#define MESH "office"
#define ROUNDS 3000u

struct round {
	uint64_t seed;
	struct arena *arena;
	struct random random;
	struct bench bench;
	struct build first, second;
	struct state before;
	struct plan plan;
};

static size_t planned, refused, undone;

static void broken(const struct round *t, const char *what, const char *text)
{
	ck_abort_msg("seed %llu: %s: %s", (unsigned long long)t->seed, what,
		     text);
}

/* Everything of others, in an order of its own. */
static char *foreign(const struct round *t)
{
	const struct model *m = t->bench.model;
	struct sbuf out;
	size_t routes = 0, rules = 0;

	sbuf_init(&out, t->arena);
	for (size_t i = 0; i < m->route_count; i++) {
		char text[PREFIX_TEXT_MAX];

		if (m->routes[i].protocol == OUR_PROTOCOL)
			continue;
		routes++;
		if (m->routes[i].protocol == 4)
			sbuf_printf(&out, "%s %u %s\n", prefix_format(
				&m->routes[i].prefix, text),
				m->routes[i].protocol, m->routes[i].device);
	}
	for (size_t i = 0; i < m->rule_count; i++)
		rules += m->rules[i].protocol != OUR_PROTOCOL;
	sbuf_printf(&out, "%zu routes, %zu rules", routes, rules);
	return out.data;
}

/* Lines in any order. */
static bool same_lines(const char *a, const char *b)
{
	struct str rest = str_of(a), line;
	size_t lines = 0;

	if (strlen(a) != strlen(b))
		return false;
	while (str_next(&rest, '\n', &line)) {
		if (!memmem(b, strlen(b), line.data, line.size))
			return false;
		lines++;
	}
	return lines > 0;
}

static bool start(struct round *t)
{
	struct plan plan;
	struct err e;

	bench_init(&t->bench, t->arena, MESH);
	random_host(&t->random, t->bench.model);
	build_init(&t->first, t->arena, MESH);
	random_want(&t->random, &t->first);
	if (bench_converge(&t->bench, &t->first.s, NULL, &plan, &e)) {
		if (e.kind != ERR_REFUSED)
			broken(t, "the first apply", e.text);
		refused++;
		return false;
	}
	if (random_chance(&t->random, 60))
		random_drift(&t->random, t->bench.model);
	build_init(&t->second, t->arena, MESH);
	random_want(&t->random, &t->second);
	return true;
}

/* As before a run: settled, observed, with what the undo of a table needs. */
static bool make_plan(struct round *t)
{
	const struct state *last = random_chance(&t->random, 80) ?
		&t->first.s : NULL;
	struct model *m = t->bench.model;
	struct diags diags;
	struct err e;

	diags_init(&diags, t->arena);
	if (bench_settle(&t->bench, &t->second.s, last, &diags, &e))
		broken(t, "settle", e.text);
	bench_observe(&t->bench, &t->second.s, NULL, last, &t->before);
	if (t->before.firewall)
		t->before.firewall->text = m->firewall->text;
	if (plan_diff(t->arena, &t->second.s, &t->before, last,
		      &t->bench.options, &t->plan, &e)) {
		if (e.kind != ERR_REFUSED)
			broken(t, "plan", e.text);
		refused++;
		return false;
	}
	planned++;
	return true;
}

static void check_undo(struct round *t, size_t at, bool half)
{
	struct model *m = t->bench.model;
	const char *wrong;
	struct err e;
	size_t done;

	m->fault = (struct model_fault){ .at = m->sent + at, .times = 1,
					 .half = half };
	m->batch = 1 + random_below(&t->random, 4);
	if (!bench_take(&t->bench, &t->plan, 0, SIZE_MAX, &done, &e))
		broken(t, "no refusal at", t->plan.steps[at].id);
	m->fault.times = 0;
	wrong = bench_undo(&t->bench, &t->before, &t->second.s, &t->first.s);
	if (wrong)
		broken(t, arena_printf(t->arena, "step %zu %s of %zu%s", at,
				     t->plan.steps[at].id, t->plan.count,
				     half ? ", half" : ""), wrong);
	undone++;
}

static void expect_removals_only(struct round *t, const struct state *last)
{
	struct state have;
	struct plan rest;
	struct err e;

	bench_observe(&t->bench, &t->second.s, NULL, last, &have);
	if (plan_diff(t->arena, &t->second.s, &have, &t->second.s,
		      &t->bench.options, &rest, &e))
		broken(t, "the plan in the middle", e.text);
	for (size_t i = 0; i < rest.count; i++)
		if (!phase_removes(rest.steps[i].phase))
			broken(t, "left in the middle", rest.steps[i].id);
}

/* The undo has moved the ruleset's generation. */
static void plan_anew(struct round *t)
{
	struct err e;

	t->bench.model->batch = 0;
	bench_observe(&t->bench, &t->second.s, NULL, &t->first.s, &t->before);
	if (plan_diff(t->arena, &t->second.s, &t->before, &t->first.s,
		      &t->bench.options, &t->plan, &e))
		broken(t, "the plan after the undo", e.text);
}

static void check_forward(struct round *t)
{
	const struct plan *plan = &t->plan;
	struct state have;
	struct plan again;
	struct err e;
	size_t middle = 0, done;

	while (middle < plan->count && !phase_removes(
			plan->steps[middle].phase))
		middle++;
	if (bench_take(&t->bench, plan, 0, middle, &done, &e))
		broken(t, "refused", e.text);
	expect_removals_only(t, &t->first.s);
	if (bench_take(&t->bench, plan, middle, SIZE_MAX, &done, &e))
		broken(t, "a removal refused", e.text);
	bench_observe(&t->bench, &t->second.s, NULL, &t->second.s, &have);
	if (plan_diff(t->arena, &t->second.s, &have, &t->second.s,
		      &t->bench.options, &again, &e))
		broken(t, "the second plan", e.text);
	if (again.count)
		broken(t, "not empty", again.steps[0].id);
}

static void one_round(uint64_t seed)
{
	struct arena *arena = arena_new((size_t)256 << 20);
	struct round t = { .seed = seed, .arena = arena,
			   .random.state = seed * 0x9e3779b97f4a7c15ull + 1 };
	char *others;

	if (start(&t) && make_plan(&t)) {
		others = foreign(&t);
		if (t.plan.count) {
			check_undo(&t, random_below(&t.random,
				(uint32_t)t.plan.count),
				random_chance(&t.random, 50));
			if (!same_lines(others, foreign(&t)))
				broken(&t, "others, after the undo", others);
		}
		plan_anew(&t);
		check_forward(&t);
		if (!same_lines(others, foreign(&t)))
			broken(&t, others, foreign(&t));
	}
	arena_free(arena);
}

START_TEST(pairs)
{
	const char *only = getenv("FAULT_SEED");
	const char *rounds = getenv("FAULT_ROUNDS");
	uint64_t end = rounds ? strtoull(rounds, NULL, 10) : ROUNDS;

	if (only) {
		one_round(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= end; seed++)
		one_round(seed);
	printf("%zu planned, %zu refused, %zu undone\n", planned, refused,
	       undone);
	ck_assert_uint_gt(planned, end / 2);
	/* Of a few rounds there need not be one. */
	if (end >= 50)
		ck_assert_uint_gt(refused, end / 50);
	ck_assert_uint_gt(undone, end / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault: plan");
	TCase *tcase = tcase_create("random");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, pairs);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
