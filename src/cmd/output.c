/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/output.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/want.h"
#include "report/findings.h"
#include "report/report.h"

void output_note(struct session *s, const char *format, ...)
{
	const char *shown;
	struct sbuf text;
	va_list args;

	sbuf_init(&text, s->arena);
	va_start(args, format);
	sbuf_vprintf(&text, format, args);
	va_end(args);
	/* It may name what others have named. */
	shown = str_show(s->arena, (struct str){ text.data, text.size },
			 SIZE_MAX);
	arena_room(s->arena, &s->notes, s->note_count, &s->note_capacity,
		   sizeof(*s->notes));
	s->notes[s->note_count++] = shown;
	if (!s->options->quiet)
		fprintf(stderr, "meshapply: %s\n", shown);
}

bool session_colored(const struct session *s, int fd)
{
	const char *no = getenv("NO_COLOR");

	switch (s->options->color) {
	case COLOR_ALWAYS:
		return true;
	case COLOR_NEVER:
		return false;
	case COLOR_AUTO:
		return isatty(fd) && !(no && *no);
	}
	return false;
}

void output_diags(struct session *s, struct err *e)
{
	struct diags shown;
	struct sbuf out;

	diags_sort(&s->diags);
	if (e && s->broken && e->kind == s->broken)
		want_broken(s, s->broken, e);
	if (s->options->findings != FINDINGS_TEXT)
		return;
	shown = s->diags;
	if (s->options->quiet) {
		shown.items = arena_new_array(s->arena, struct diag,
					      shown.count);
		shown.count = 0;
	}
	for (size_t i = 0; s->options->quiet && i < s->diags.count; i++)
		if (s->diags.items[i].severity == SEVERITY_ERROR)
			shown.items[shown.count++] = s->diags.items[i];
	sbuf_init(&out, s->arena);
	diags_format(&shown, &out);
	fwrite(out.data, 1, out.size, stderr);
}

void print_json(json_t *object, size_t indent)
{
	json_dumpf(object, stdout, JSON_INDENT(indent) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}

void stream_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	print_json(json_pack("{s:s, s:s, s:i}", "type", "version",
			     "meshapply", MESHAPPLY_VERSION, "format",
			     REPORT_FORMAT), 0);
}

void print_mesh(const struct options *o, json_t *list, json_t *mesh)
{
	if (!o->jsonl) {
		json_array_append_new(list, mesh);
		return;
	}
	stream_start();
	json_object_set_new(mesh, "type", json_string("mesh"));
	print_json(mesh, 0);
}

void print_result(const struct options *o, json_t *object)
{
	if (o->jsonl) {
		stream_start();
		json_object_set_new(object, "type", json_string("result"));
	}
	print_json(object, o->jsonl ? 0 : 2);
}

void output_plan(struct session *s)
{
	const struct plan *plan = &s->run.plan;
	struct sbuf out;

	if (s->options->jsonl) {
		stream_start();
		for (size_t i = 0; i < plan->count; i++) {
			json_t *step = step_json(s->arena, &plan->steps[i]);

			json_object_set_new(step, "type",
					    json_string("step"));
			print_json(step, 0);
		}
		return;
	}
	if (s->options->json || s->options->quiet)
		return;
	sbuf_init(&out, s->arena);
	plan_text(&out, plan, session_colored(s, STDOUT_FILENO),
		  s->options->verbose);
	fwrite(out.data, 1, out.size, stdout);
	fflush(stdout);
}

/* An error may name a file whose name is not fit to be shown. */
static const char *error_text(struct arena *arena, const struct err *e)
{
	return str_show(arena, str_of(e->text), SIZE_MAX);
}

json_t *error_json(struct arena *arena, const struct err *e)
{
	json_t *object;

	if (!e)
		return json_null();
	object = json_object();
	json_object_set_new(object, "message",
			    json_string(error_text(arena, e)));
	json_object_set_new(object, "guard", *e->guard ?
			    json_string(e->guard) : json_null());
	return object;
}

json_t *notes_json(const struct session *s)
{
	json_t *notes = json_array();

	for (size_t i = 0; i < s->note_count; i++)
		json_array_append_new(notes, json_string(s->notes[i]));
	return notes;
}

json_t *result_json(struct session *s, const struct err *e, int status)
{
	return json_pack("{s:s, s:i, s:s, s:i, s:o}", "meshapply",
			 MESHAPPLY_VERSION, "format", REPORT_FORMAT, "verb",
			 s->options->verb, "exit", status, "error",
			 error_json(s->arena, e));
}

static json_t *end_json(struct session *s, const char *result,
			const struct apply_result *applied,
			const struct err *e, int status)
{
	json_t *object = json_object();

	json_object_set_new(object, "meshapply",
			    json_string(MESHAPPLY_VERSION));
	json_object_set_new(object, "format", json_integer(REPORT_FORMAT));
	json_object_set_new(object, "verb", json_string(s->options->verb));
	json_object_set_new(object, "mesh", s->run.mesh ?
			    json_string(s->run.mesh) : json_null());
	json_object_set_new(object, "result", json_string(result));
	json_object_set_new(object, "exit", json_integer(status));
	json_object_set_new(object, "writes", json_integer(applied ?
			    (json_int_t)applied->writes : 0));
	json_object_set_new(object, "error", error_json(s->arena, e));
	json_object_set_new(object, "diagnostics", diags_json(&s->diags));
	json_object_set_new(object, "notes", notes_json(s));
	if (applied && applied->pending.seconds)
		json_object_set_new(object, "pending", json_pack(
			"{s:s, s:I, s:i, s:o}", "token",
			applied->pending.token, "until",
			(json_int_t)applied->pending.until, "seconds",
			(int)applied->pending.seconds, "confirm_by",
			text_json(s->arena, applied->pending.by)));
	if (applied && applied->differs.count)
		json_object_set_new(object, "differs",
				    plan_json(s->arena, &applied->differs));
	return object;
}

static void print_differs(struct session *s,
			  const struct apply_result *applied)
{
	struct sbuf out;

	if (!applied || !applied->differs.count)
		return;
	sbuf_init(&out, s->arena);
	sbuf_puts(&out, "To be as before, this is missing:\n");
	plan_text(&out, &applied->differs, false, false);
	fwrite(out.data, 1, out.size, stderr);
}

void output_error(struct session *s, const struct err *e)
{
	fprintf(stderr, "meshapply: %s\n", error_text(s->arena, e));
	if (*e->guard)
		fprintf(stderr, "meshapply: refused; nothing was changed. "
			"--force=%s overrules this.\n", e->guard);
	else if (e->kind == ERR_PERMISSION && s->writes && geteuid())
		fputs("meshapply: nothing was changed; this is for root\n",
		      stderr);
	else if (e->kind == ERR_FAILED && s->writes)
		fputs("meshapply: nothing was changed\n", stderr);
	else if (e->kind == ERR_BUSY && e->number == EXIT_PENDING)
		fputs("meshapply: nothing was changed\n", stderr);
	else if (e->kind == ERR_BUSY && !s->options->wait)
		fputs("meshapply: nothing was changed; --wait SECONDS waits.\n",
		      stderr);
}

int output_end(struct session *s, const char *result,
	       const struct apply_result *applied, const struct err *e,
	       int status)
{
	json_t *object;

	if (e)
		output_error(s, e);
	print_differs(s, applied);
	if (s->options->jsonl) {
		stream_start();
		object = end_json(s, result, applied, e, status);
		json_object_set_new(object, "type", json_string("result"));
		json_object_set_new(object, "plan", plan_summary_json(
			s->arena, &s->run.plan));
		print_json(object, 0);
	} else if (s->options->json) {
		object = end_json(s, result, applied, e, status);
		json_object_set_new(object, "plan",
				    plan_json(s->arena, &s->run.plan));
		print_json(object, 2);
	} else if (!e && !s->options->quiet) {
		printf("%s: %s\n", s->run.mesh ? s->run.mesh : "meshapply",
		       result);
	}
	return status;
}

void output_usage(const struct options *o)
{
	json_t *object, *message;

	if (!o->json && !o->jsonl)
		return;
	message = json_string(usage_said());
	if (!message)	/* no UTF-8 */
		message = json_string("the command line is not understood");
	object = json_pack("{s:s, s:i, s:s?, s:s, s:i, s:{s:o, s:n}}",
			   "meshapply", MESHAPPLY_VERSION, "format",
			   REPORT_FORMAT, "verb", o->verb, "result", "failed",
			   "exit", ERR_USAGE, "error", "message", message,
			   "guard");
	print_result(o, object);
}

int output_findings(struct session *s, const struct err *e)
{
	struct sbuf out;

	if (s->options->findings == FINDINGS_SARIF) {
		print_json(findings_sarif(s->arena, &s->diags), 2);
	} else {
		sbuf_init(&out, s->arena);
		findings_github(&out, &s->diags);
		fwrite(out.data, 1, out.size, stdout);
	}
	if (e)
		output_error(s, e);
	return e ? (int)e->kind : 0;
}

int output_close(const struct verb *verb, const struct options *o, int status)
{
	bool writes = verb && verb->accepts & TAKES_CHANGE && !o->dry_run;

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fputs("meshapply: write to standard output failed\n", stderr);
	return status || writes ? status : ERR_FAILED;
}
