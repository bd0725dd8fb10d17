/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/doctor.h"

#include "base/arena.h"
#include "report/report.h"

static const char *level_name(enum finding_level level)
{
	return level == FINDING_ERROR ? "error" : "warning";
}

/* What was read may hold anything. */
static void show(struct sbuf *out, const char *text)
{
	sbuf_show(out, str_of(text), SIZE_MAX);
}

static void content_text(struct sbuf *out, const char *content)
{
	struct str rest = str_of(content), line;

	while (str_next(&rest, '\n', &line)) {
		sbuf_puts(out, line.size ? "      " : "");
		sbuf_show(out, line, SIZE_MAX);
		sbuf_putc(out, '\n');
	}
}

static void finding_text(struct sbuf *out, const struct finding *f,
			 bool color)
{
	const char *start = f->level == FINDING_ERROR ? "\033[31m" :
		"\033[33m";

	sbuf_printf(out, "%s%s%s: ", color ? start : "", level_name(f->level),
		    color ? "\033[0m" : "");
	if (f->mesh)
		sbuf_printf(out, "%s: ", f->mesh);
	show(out, f->what);
	sbuf_puts(out, "\n  ");
	show(out, f->why);
	sbuf_putc(out, '\n');
	if (f->file) {
		sbuf_puts(out, "  write ");
		show(out, f->file);
		sbuf_puts(out, ":\n");
		content_text(out, f->content);
	}
	if (f->commands[0])
		sbuf_puts(out, "  run:\n");
	for (size_t i = 0; i < FINDING_COMMANDS && f->commands[i]; i++) {
		sbuf_puts(out, "      ");
		show(out, f->commands[i]);
		sbuf_putc(out, '\n');
	}
	sbuf_putc(out, '\n');
}

void doctor_text(struct sbuf *out, const struct doctor_findings *f,
		 bool color)
{
	size_t errors = 0;

	for (size_t i = 0; i < f->count; i++) {
		finding_text(out, &f->items[i], color);
		errors += f->items[i].level == FINDING_ERROR;
	}
	if (!f->count)
		sbuf_puts(out, "nothing found that will fight over a mesh\n");
	else
		sbuf_printf(out, "%zu error%s, %zu warning%s\n", errors,
			    errors == 1 ? "" : "s", f->count - errors,
			    f->count - errors == 1 ? "" : "s");
}

static json_t *finding_json(struct arena *arena, const struct finding *f)
{
	json_t *object = json_object(), *commands = json_array();

	for (size_t i = 0; i < FINDING_COMMANDS && f->commands[i]; i++)
		json_array_append_new(commands,
				      text_json(arena, f->commands[i]));
	json_object_set_new(object, "severity",
			    json_string(level_name(f->level)));
	json_object_set_new(object, "id", json_string(f->id));
	json_object_set_new(object, "mesh", text_json(arena, f->mesh));
	json_object_set_new(object, "message", text_json(arena, f->what));
	json_object_set_new(object, "why", text_json(arena, f->why));
	json_object_set_new(object, "file", text_json(arena, f->file));
	json_object_set_new(object, "content", text_json(arena, f->content));
	json_object_set_new(object, "commands", commands);
	return object;
}

json_t *doctor_json(struct arena *arena, const struct doctor_findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(list,
				      finding_json(arena, &f->items[i]));
	return list;
}
