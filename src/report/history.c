/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/history.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "report/report.h"

enum column {
	COLUMN_NUMBER, COLUMN_TIME, COLUMN_SERIAL, COLUMN_DISRUPTION,
	COLUMN_STATE, COLUMN_SOURCE, COLUMNS,
};

struct row {
	const char *cells[COLUMNS];
};

static const struct row heading = { {
	"NUMBER", "TIME", "SERIAL", "DISRUPTION", "STATE", "SOURCE",
} };

static const char *number_text(struct arena *arena, uint64_t number)
{
	return arena_printf(arena, "%llu", (unsigned long long)number);
}

static const char *time_text(struct arena *arena, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	if (!localtime_r(&time, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return "-";
	return arena_strdup(arena, text);
}

static const char *state_text(struct arena *arena, const struct generation *g)
{
	const char *state = generation_state_name(g->state);

	if (!g->back_to)
		return state;
	return arena_printf(arena, "%s, back to %llu", state,
			    (unsigned long long)g->back_to);
}

static struct row row_of(struct arena *arena, const struct generation *g)
{
	const char *source = g->source ?
		str_show(arena, str_of(g->source), SIZE_MAX) : "-";

	return (struct row){ {
		number_text(arena, g->number), time_text(arena, g->time),
		g->has_serial ? number_text(arena, g->serial) : "-",
		disruption_name(g->disruption), state_text(arena, g),
		g->node ? arena_printf(arena, "%s, as %s", source,
				       str_show(arena, str_of(g->node),
						SIZE_MAX)) : source,
	} };
}

static void widen(size_t widths[static COLUMNS], const struct row *row)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t width = strlen(row->cells[i]);

		if (width > widths[i])
			widths[i] = width;
	}
}

/* The last column is as long as it is; numbers stand to the right. */
static void row_text(struct sbuf *out, const struct row *row,
		     const size_t widths[static COLUMNS])
{
	for (size_t i = 0; i < COLUMNS - 1; i++) {
		int width = (int)widths[i];

		if (i == COLUMN_NUMBER || i == COLUMN_SERIAL)
			sbuf_printf(out, "  %*s", width, row->cells[i]);
		else
			sbuf_printf(out, "  %-*s", width, row->cells[i]);
	}
	sbuf_printf(out, "  %s\n", row->cells[COLUMN_SOURCE]);
}

void history_text(struct sbuf *out, const char *mesh,
		  const struct generations *generations)
{
	struct arena *arena = out->arena;
	struct row *rows = arena_new_array(arena, struct row,
					   generations->count);
	size_t widths[COLUMNS] = { 0 };

	sbuf_printf(out, "%s\n", mesh);
	if (!generations->count) {
		sbuf_puts(out, "  no state is kept that was applied\n");
		return;
	}
	widen(widths, &heading);
	for (size_t i = 0; i < generations->count; i++) {
		rows[i] = row_of(arena, generations->items[i]);
		widen(widths, &rows[i]);
	}
	row_text(out, &heading, widths);
	for (size_t i = generations->count; i; i--)
		row_text(out, &rows[i - 1], widths);
}

static json_t *number_json(bool there, uint64_t number)
{
	return there ? json_integer((json_int_t)number) : json_null();
}

static json_t *generation_json(struct arena *arena,
			       const struct generation *g)
{
	json_t *object = json_object();

	json_object_set_new(object, "number", number_json(true, g->number));
	json_object_set_new(object, "time", json_integer(g->time));
	json_object_set_new(object, "serial",
			    number_json(g->has_serial, g->serial));
	json_object_set_new(object, "source", text_json(arena, g->source));
	json_object_set_new(object, "node", text_json(arena, g->node));
	json_object_set_new(object, "disruption",
			    text_json(arena, disruption_name(g->disruption)));
	json_object_set_new(object, "state", text_json(arena,
			    generation_state_name(g->state)));
	json_object_set_new(object, "back_to",
			    number_json(g->back_to, g->back_to));
	return object;
}

json_t *history_json(struct arena *arena, const char *mesh,
		     const struct generations *generations)
{
	json_t *object = json_object(), *list = json_array();

	for (size_t i = generations->count; i; i--)
		json_array_append_new(list, generation_json(arena,
						generations->items[i - 1]));
	json_object_set_new(object, "mesh", text_json(arena, mesh));
	json_object_set_new(object, "generations", list);
	return object;
}
