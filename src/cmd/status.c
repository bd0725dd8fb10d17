/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: from the kernel's marks, beside what is kept of the last apply. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "apply/guard.h"
#include "apply/pass.h"
#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/meshes.h"
#include "cmd/output.h"
#include "kern/kernel.h"
#include "plan/plan.h"
#include "report/check.h"
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

/* As it was applied last; and what is pending is as it is to be. */
static void want_as_applied(struct session *s, const struct state *have,
			    const struct pending *p)
{
	s->want = *s->run.last;
	if (!p || !p->here)
		return;
	if (p->forget)
		s->want = (struct state){ 0 };
	else if (p->pass && pass_is_all(&s->run, s->want.firewall,
					have->firewall, p->pass))
		s->want.firewall = have->firewall;
	strcpy(s->want.mesh, s->run.mesh);
}

/* What would have to be done to be as applied again; NULL if unknown. */
static const struct plan *drift(struct session *s, const struct state *have,
				const struct pending *p)
{
	struct plan *plan = arena_new_object(s->arena, struct plan);
	struct err ignored = { 0 };

	if (!s->run.last)
		return NULL;
	want_as_applied(s, have, p);
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

/* Of another user, or rubbish, it is for those who change something. */
static void look_pending(struct session *s, struct status *out)
{
	struct err ignored;

	if (pending_read(s->run.store, s->arena, s->secrets, &out->pending,
			 &ignored))
		out->pending = NULL;
	if (!out->pending)
		return;
	out->pending_left = (int64_t)(out->pending->deadline - pending_now());
	out->pending_guarded = guard_holds(s->run.store, s->arena,
					   out->pending->token);
}

/* As the core has it, by what was sent when the last run looked. */
static void look_silent(struct session *s, struct status *out)
{
	const struct device *d = out->have;
	bool *silent = arena_new_array(s->arena, bool, d ? d->peer_count : 0);
	struct plan_options options = s->run.options;
	struct sample sample = { 0 };

	sample_read(s->run.store, s->arena, &sample);
	options.sample = &sample;
	for (size_t i = 0; d && i < d->peer_count; i++) {
		const struct peer *peer = &d->peers[i];
		const struct peer *last = out->last ?
			device_peer(out->last, &peer->public_key) : NULL;

		silent[i] = peer_is_silent(&options, last ? last : peer, peer);
		out->silent_count += silent[i];
	}
	out->silent = silent;
}

static int status_mesh(struct session *s, const char *mesh,
		       struct status *out, struct err *e)
{
	if (session_store(s, mesh, false, e) || session_last(s, e) ||
	    session_kernel(s, e) || observe(s, mesh, e))
		return -1;
	*out = (struct status){
		.have = own_device(&s->run.have),
		.mesh = mesh,
		.now = s->run.options.now,
	};
	look_pending(s, out);
	out->drift = drift(s, &s->run.have, out->pending);
	if (out->have && s->run.last)
		out->last = state_device(s->run.last, out->have->name);
	out->interrupted = journal_look(s->run.store) == JOURNAL_OPEN;
	look_silent(s, out);
	return 0;
}

/* What is told of all meshes together. */
struct telling {
	json_t *list;
	struct check check;
	size_t shown;
};

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

static int print_failure(struct session *s, const char *mesh,
			 struct telling *t, const struct err *e)
{
	if (s->options->check)
		check_failed(&t->check, mesh, e);
	else
		output_error(s, e);
	if (s->options->json || s->options->jsonl)
		print_mesh(s->options, t->list,
			   json_pack("{s:s, s:o}", "mesh", mesh, "error",
				     error_json(s->arena, e)));
	return (int)e->kind;
}

/*
 * Each mesh has memory of its own.  What nothing is left of is passed over,
 * unless it was NAMED; t->shown counts the others.
 */
static int status_one(const struct options *o, const char *mesh, bool named,
		      struct telling *t)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct status status;
	struct err e = { 0 };

	session_open(&s, o);
	t->shown++;
	if (status_mesh(&s, mesh, &status, &e))
		return print_failure(&s, mesh, t, &e);
	if (!named && !status.have && !s.run.last && !status.pending) {
		t->shown--;
		return 0;
	}
	if (o->json || o->jsonl) {
		json_t *object = status_json(s.arena, &status);

		json_object_set_new(object, "notes", notes_json(&s));
		print_mesh(o, t->list, object);
	} else if (o->check) {
		check_mesh(&t->check, &status);
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
	json_t *object = result_json(s, e, status);

	json_object_set(object, "meshes", list);
	print_result(s->options, object);
}

/* One line, and its verdict as the exit status. */
static int print_check(struct session *s, struct telling *t,
		       const struct err *e)
{
	const struct err none = { .text = "no mesh of meshapply is on this "
					  "host" };
	struct sbuf out;

	if (e->kind)
		check_failed(&t->check, NULL, e);
	else if (!t->shown)
		check_failed(&t->check, NULL, &none);
	sbuf_init(&out, s->arena);
	check_line(&t->check, &out);
	fwrite(out.data, 1, out.size, stdout);
	return (int)t->check.state;
}

static int print_all(struct session *s, struct telling *t,
		     const struct err *e, int worst)
{
	const struct options *o = s->options;

	if (o->check)
		return print_check(s, t, e);
	if (o->json || (o->jsonl && e->kind))
		print_end(s, t->list, e->kind ? e : NULL, worst);
	else if (!t->shown && !o->jsonl && !o->quiet && !worst)
		puts("no mesh of meshapply is on this host");
	return worst;
}

int cmd_status(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	bool named = o->argument_count || o->mesh;
	struct telling t = { .list = json_array() };
	struct mesh_names names = { 0 };
	struct err e = { 0 };
	int worst = 0;

	session_open(&s, o);
	check_init(&t.check, s.arena);
	if (find_names(&s, &names, named, &e)) {
		if (!o->check)
			output_error(&s, &e);
		worst = (int)e.kind;
	}
	for (size_t i = 0; i < names.count; i++)
		worst = worse(worst, status_one(o, names.items[i], named, &t));
	worst = print_all(&s, &t, &e, worst);
	json_decref(t.list);
	return worst;
}
