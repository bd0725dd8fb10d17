/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: from the kernel's marks, beside what is kept of the last apply. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/meshes.h"
#include "cmd/output.h"
#include "kern/kernel.h"
#include "plan/plan.h"
#include "report/report.h"

/* What is kept names keys by file: their values are taken as they are. */
static void lend_keys(struct session *s, const struct state *have)
{
	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];
		const struct device *live = state_device(have, d->name);

		if (!live)
			continue;
		d->private_key = live->private_key;
		d->public_key = live->public_key;
		for (size_t j = 0; j < d->peer_count; j++) {
			const struct peer *p =
				device_peer(live, &d->peers[j].public_key);

			if (d->peers[j].preshared_key_file && p)
				d->peers[j].preshared_key = p->preshared_key;
		}
	}
}

/* What would have to be done to be as applied again; NULL if unknown. */
static const struct plan *drift(struct session *s, const struct state *have)
{
	struct plan *plan = arena_new_object(s->arena, struct plan);
	struct err ignored = { 0 };

	if (!s->run.last)
		return NULL;
	s->want = *s->run.last;
	s->want.devices = arena_copy(s->arena, s->want.devices,
				     s->want.device_count *
				     sizeof(*s->want.devices));
	lend_keys(s, have);
	if (settle_numbers(s->arena, &s->want, have, s->run.last, &ignored) ||
	    plan_diff(s->arena, &s->want, have, s->run.last, &s->run.options,
		      plan, &ignored))
		return NULL;
	return plan;
}

static int observe(struct session *s, const char *mesh, struct err *e)
{
	const char *name = s->run.last && s->run.last->device_count ?
		s->run.last->devices[0].name : NULL;
	const char **sysctls = NULL;
	size_t count = s->run.last ? s->run.last->sysctl_count : 0;

	sysctls = arena_new_array(s->arena, const char *, count);
	for (size_t i = 0; i < count; i++)
		sysctls[i] = s->run.last->sysctls[i].key;
	s->run.scope = (struct scope){ .mesh = mesh, .sysctls = sysctls,
				       .sysctl_count = count };
	if (s->run.kernel->observe(s->run.kernel, s->arena, s->secrets,
				   &s->run.scope, &s->run.have, e))
		return -1;
	state_claim(&s->run.have, mesh, s->run.last, &name, name ? 1 : 0,
		    store_others(s->run.store));
	return 0;
}

static const struct device *own_device(const struct state *have)
{
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned)
			return &have->devices[i];
	return NULL;
}

static int status_mesh(struct session *s, const char *mesh,
		       struct status *out, struct err *e)
{
	if (session_store(s, mesh, false, e) || session_last(s, e) ||
	    session_kernel(s, e) || observe(s, mesh, e))
		return -1;
	*out = (struct status){
		.have = own_device(&s->run.have),
		.drift = drift(s, &s->run.have),
		.mesh = mesh,
		.now = s->run.options.now,
	};
	if (out->have && s->run.last)
		out->last = state_device(s->run.last, out->have->name);
	return 0;
}

static void print_text(struct session *s, const struct status *status)
{
	static bool again;
	struct sbuf out;

	if (s->options->quiet)
		return;
	sbuf_init(&out, s->arena);
	status_text(&out, status, session_colored(s, STDOUT_FILENO));
	if (again)
		putchar('\n');
	again = true;
	fwrite(out.data, 1, out.size, stdout);
}

/* OBJECT is a line of a stream, or waits in LIST for its end. */
static void print_object(const struct options *o, json_t *list,
			 json_t *object)
{
	if (!o->jsonl) {
		json_array_append_new(list, object);
		return;
	}
	stream_start();
	json_object_set_new(object, "type", json_string("mesh"));
	print_json(object, 0);
}

static int print_failure(struct session *s, const char *mesh, json_t *list,
			 const struct err *e)
{
	output_error(s, e);
	if (s->options->json || s->options->jsonl)
		print_object(s->options, list,
			     json_pack("{s:s, s:o}", "mesh", mesh, "error",
				       error_json(s->arena, e)));
	return (int)e->kind;
}

/*
 * Each mesh has memory of its own.  What nothing is left of is passed over,
 * unless it was NAMED; *SHOWN counts the others.
 */
static int status_one(const struct options *o, const char *mesh, bool named,
		      json_t *list, size_t *shown)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct status status;
	struct err e = { 0 };

	session_open(&s, o);
	++*shown;
	if (status_mesh(&s, mesh, &status, &e))
		return print_failure(&s, mesh, list, &e);
	if (!named && !status.have && !s.run.last) {
		--*shown;
		return 0;
	}
	if (o->json || o->jsonl) {
		json_t *object = status_json(s.arena, &status);

		json_object_set_new(object, "notes", notes_json(&s));
		print_object(o, list, object);
	} else {
		print_text(&s, &status);
	}
	return o->detailed_exitcode && status.drift && status.drift->count ?
		EXIT_CHANGES : 0;
}

/* A failure tells more than that something has drifted. */
static int worse(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	return high == EXIT_CHANGES && low ? low : high;
}

static int find_names(struct session *s, struct mesh_names *names, bool named,
		      struct err *e)
{
	const char *mesh;

	if (named && mesh_named(s, &mesh, e))
		return -1;
	if (session_enter(s, false, e))
		return -1;
	if (!named)
		return mesh_names_here(s, names, e);
	if (!mesh_is_here(s, mesh, e))
		return -1;
	mesh_names_add(s, names, mesh);
	return 0;
}

/* Of a stream it is the last line, where not even the meshes are known. */
static void print_end(struct session *s, json_t *list, const struct err *e,
		      int status)
{
	print_result(s->options,
		     json_pack("{s:s, s:i, s:s, s:i, s:o, s:O}", "meshapply",
			       MESHAPPLY_VERSION, "format", REPORT_FORMAT,
			       "verb", "status", "exit", status, "error",
			       error_json(s->arena, e), "meshes", list));
}

int cmd_status(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	bool named = o->argument_count || o->mesh;
	json_t *list = json_array();
	struct mesh_names names = { 0 };
	struct err e = { 0 };
	size_t shown = 0;
	int worst = 0;

	session_open(&s, o);
	if (find_names(&s, &names, named, &e)) {
		output_error(&s, &e);
		worst = (int)e.kind;
	}
	for (size_t i = 0; i < names.count; i++)
		worst = worse(worst, status_one(o, names.items[i], named, list,
						&shown));
	if (o->json || (o->jsonl && e.kind))
		print_end(&s, list, e.kind ? &e : NULL, worst);
	else if (!shown && !o->jsonl && !o->quiet && !worst)
		puts("no mesh of meshapply is on this host");
	json_decref(list);
	return worst;
}
