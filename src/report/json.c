/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "report/report.h"

static const char *action_name(char sign)
{
	return sign == '+' ? "add" : sign == '-' ? "remove" : "change";
}

static bool is_utf8(struct str text)
{
	while (text.size) {
		uint32_t ignored;
		size_t size = str_utf8(text, &ignored);

		if (!size)
			return false;
		text.data += size;
		text.size -= size;
	}
	return true;
}

json_t *text_json(struct arena *arena, const char *text)
{
	if (!text)
		return json_null();
	return json_string(is_utf8(str_of(text)) ? text :
			   str_show(arena, str_of(text), SIZE_MAX));
}

static void set_text(struct arena *arena, json_t *object, const char *name,
		     const char *text)
{
	json_object_set_new(object, name, text_json(arena, text));
}

static json_t *changes_json(struct arena *arena, const struct words *w)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < w->change_count; i++) {
		const struct words_change *c = &w->changes[i];
		json_t *change = json_object();

		set_text(arena, change, "name", c->name);
		set_text(arena, change, "from", c->from);
		set_text(arena, change, "to", c->to);
		json_array_append_new(changes, change);
	}
	return changes;
}

json_t *step_json(struct arena *arena, const struct step *step)
{
	json_t *object = json_object();
	struct words w;

	words_of_step(arena, step, &w);
	set_text(arena, object, "id", step->id);
	set_text(arena, object, "action", action_name(w.sign));
	set_text(arena, object, "kind", w.kind);
	set_text(arena, object, "object", w.object);
	json_object_set_new(object, "changes", changes_json(arena, &w));
	set_text(arena, object, "disruption", disruption_name(step->disruption));
	set_text(arena, object, "why", step->why);
	json_object_set_new(object, "drift", json_boolean(step->drift));
	json_object_set_new(object, "helper", json_boolean(step->helper));
	return object;
}

json_t *plan_summary_json(struct arena *arena, const struct plan *plan)
{
	struct plan_counts counts = plan_count(plan);
	json_t *object = json_object(), *notes = json_array();

	for (size_t i = 0; i < plan->note_count; i++)
		json_array_append_new(notes, text_json(arena, plan->notes[i]));
	json_object_set_new(object, "add",
			    json_integer((json_int_t)counts.add));
	json_object_set_new(object, "change",
			    json_integer((json_int_t)counts.change));
	json_object_set_new(object, "remove",
			    json_integer((json_int_t)counts.remove));
	json_object_set_new(object, "drift",
			    json_integer((json_int_t)counts.drift));
	set_text(arena, object, "disruption",
		 disruption_name(plan->disruption));
	json_object_set_new(object, "notes", notes);
	return object;
}

json_t *plan_json(struct arena *arena, const struct plan *plan)
{
	json_t *object = plan_summary_json(arena, plan), *steps = json_array();

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(steps, step_json(arena,
						       &plan->steps[i]));
	json_object_set_new(object, "steps", steps);
	return object;
}

static json_t *position_json(struct arena *arena, struct place where,
			     const struct position *at)
{
	json_t *object;

	if (!where.source)
		return json_null();
	object = json_object();
	set_text(arena, object, "file", place_origin(where).source->name);
	json_object_set_new(object, "line", json_integer((json_int_t)at->line));
	json_object_set_new(object, "column",
			    json_integer((json_int_t)at->column));
	return object;
}

json_t *diags_json(const struct diags *diags)
{
	struct arena *arena = diags->arena;
	json_t *list = json_array();

	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		json_t *object = json_object();

		set_text(arena, object, "severity",
			 d->severity == SEVERITY_ERROR ? "error" : "warning");
		set_text(arena, object, "message", d->message);
		json_object_set_new(object, "place",
				    position_json(arena, d->where, &d->at));
		json_object_set_new(object, "other",
				    position_json(arena, d->other,
						  &d->other_at));
		set_text(arena, object, "hint", d->hint);
		json_array_append_new(list, object);
	}
	return list;
}
