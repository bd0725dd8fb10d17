/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/arena.h"
#include "report/report.h"

/* More than this of one value is cut in text; JSON has it whole. */
#define VALUE_MAX 160

static const char *sign_color(char sign)
{
	return sign == '+' ? "\033[32m" : sign == '-' ? "\033[31m" :
		"\033[33m";
}

static void value_text(struct sbuf *out, const char *value)
{
	size_t size = strlen(value), commas = 0, cut = VALUE_MAX;

	if (size > VALUE_MAX)
		while (cut && value[cut] != ',')
			cut--;
	/* What is no list is shown whole. */
	if (size <= VALUE_MAX || !cut) {
		sbuf_puts(out, value);
		return;
	}
	for (size_t i = cut; i < size; i++)
		commas += value[i] == ',';
	sbuf_add(out, value, cut);
	sbuf_printf(out, " and %zu more", commas);
}

static void change_text(struct sbuf *out, const struct words_change *c,
			char sign)
{
	sbuf_puts(out, c->name);
	if (c->from) {
		sbuf_putc(out, ' ');
		value_text(out, c->from);
	}
	if (c->to) {
		/* What is added to an object that stays says so. */
		sbuf_puts(out, c->from ? " -> " : sign == '~' ? " + " : " ");
		value_text(out, c->to);
	} else if (c->from && sign == '~' && strcmp(c->name, "was")) {
		sbuf_puts(out, " -> none");
	}
}

static void step_text(struct sbuf *out, const struct step *step, bool color)
{
	struct words w;

	words_of_step(out->arena, step, &w);
	sbuf_printf(out, "  %s%c%s %s", color ? sign_color(w.sign) : "",
		    w.sign, color ? "\033[0m" : "", w.object);
	for (size_t i = 0; i < w.change_count; i++) {
		sbuf_puts(out, i ? ", " : ": ");
		change_text(out, &w.changes[i], w.sign);
	}
	sbuf_printf(out, " [%s%s", disruption_name(step->disruption),
		    step->why ? ": " : "");
	if (step->why)
		sbuf_show(out, str_of(step->why), strlen(step->why));
	sbuf_putc(out, ']');
	if (step->drift)
		sbuf_puts(out, " (drift)");
	if (step->helper)
		sbuf_puts(out, " (for the time of the change)");
	sbuf_putc(out, '\n');
}

struct plan_counts plan_count(const struct plan *plan)
{
	struct plan_counts counts = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];

		if (s->helper)
			continue;
		counts.add += step_sign(s) == '+';
		counts.change += step_sign(s) == '~';
		counts.remove += step_sign(s) == '-';
		counts.drift += s->drift;
	}
	return counts;
}

void plan_text(struct sbuf *out, const struct plan *plan, bool color,
	       bool verbose)
{
	struct plan_counts counts = plan_count(plan);

	for (size_t i = 0; i < plan->count; i++)
		step_text(out, &plan->steps[i], color);
	if (verbose)
		for (size_t i = 0; i < plan->note_count; i++) {
			sbuf_puts(out, "  = ");
			sbuf_show(out, str_of(plan->notes[i]),
				  strlen(plan->notes[i]));
			sbuf_putc(out, '\n');
		}
	if (!plan->count)
		return;
	sbuf_printf(out, "\nPlan: %zu to add, %zu to change, %zu to remove",
		    counts.add, counts.change, counts.remove);
	if (counts.drift)
		sbuf_printf(out, "; %zu of them mend%s what somebody else "
			    "changed", counts.drift,
			    counts.drift == 1 ? "s" : "");
	sbuf_printf(out, ". Disruption: %s.\n",
		    disruption_name(plan->disruption));
}
