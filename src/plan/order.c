/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan as a list: adding to it, its order, its worst class. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/internal.h"

#define PHASES (PHASE_RESTORE_SYSCTL + 1)

struct step *plan_add(struct planner *p, enum step_kind kind,
		      enum phase phase)
{
	struct plan *plan = p->plan;
	struct step *s;

	arena_room(p->arena, &plan->steps, plan->count, &plan->capacity,
		   sizeof(*plan->steps));
	s = &plan->steps[plan->count++];
	*s = (struct step){ .kind = kind, .phase = phase };
	return s;
}

void step_class(struct step *s, enum disruption class, const char *why)
{
	if (class < s->disruption || (class == s->disruption && s->why))
		return;
	s->disruption = class;
	s->why = why;
}

void plan_note(struct planner *p, const char *format, ...)
{
	struct plan *plan = p->plan;
	struct sbuf b;
	va_list args;

	sbuf_init(&b, p->arena);
	va_start(args, format);
	sbuf_vprintf(&b, format, args);
	va_end(args);
	arena_room(p->arena, &plan->notes, plan->note_count,
		   &plan->note_capacity, sizeof(*plan->notes));
	plan->notes[plan->note_count++] = b.data;
}

bool plan_options_force(const struct plan_options *options, const char *guard)
{
	for (size_t i = 0; i < options->force_count; i++)
		if (!strcmp(options->force[i], guard))
			return true;
	return false;
}

bool plan_forced(const struct planner *p, const char *guard)
{
	return p->options->restore || plan_options_force(p->options, guard);
}

struct named {
	struct step *step;
	size_t place;
};

static int named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->step->id, y->step->id);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Of several steps on one object the second is "ID#2", and so on. */
static void number_ids(struct arena *arena, struct plan *plan)
{
	struct named *all = arena_new_array(arena, struct named, plan->count);
	const char *id = "";
	size_t number = 0;

	for (size_t i = 0; i < plan->count; i++)
		all[i] = (struct named){ &plan->steps[i], i };
	items_sort(all, plan->count, sizeof(*all), named_compare);
	for (size_t i = 0; i < plan->count; i++) {
		struct step *step = all[i].step;

		if (strcmp(id, step->id)) {
			id = step->id;
			number = 1;
			continue;
		}
		step->id = arena_printf(arena, "%s#%zu", id, ++number);
	}
}

void plan_order(struct arena *arena, struct plan *plan)
{
	size_t next[PHASES + 1] = { 0 };
	struct step *sorted;

	if (!plan->count)
		return;
	sorted = arena_new_array(arena, struct step, plan->count);
	for (size_t i = 0; i < plan->count; i++)
		next[plan->steps[i].phase + 1]++;
	for (size_t i = 1; i <= PHASES; i++)
		next[i] += next[i - 1];
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];

		sorted[next[s->phase]++] = *s;
		if (s->disruption > plan->disruption)
			plan->disruption = s->disruption;
	}
	plan->steps = sorted;
	plan->capacity = plan->count;
	number_ids(arena, plan);
}
