/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/pass.h"

#include <string.h>

#include "apply/probe.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "state/firewall.h"
#include "state/firewall_pass.h"

static bool writes_table(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_FIREWALL_LOAD ||
		    plan->steps[i].kind == STEP_FIREWALL_ELEMENTS)
			return true;
	return false;
}

/* As the probe ssh tells its connection. */
const char *pass_write(struct arena *arena, const struct plan_path *path)
{
	struct probe probe = {
		.kind = PROBE_SSH,
		.connection = {
			.local = path->local, .remote = path->remote,
			.local_port = path->local_port,
			.remote_port = path->remote_port,
		},
	};

	return probe_write(arena, &probe);
}

int pass_read(const char *word, struct plan_path *out)
{
	struct probe probe = { .kind = PROBE_SSH };
	const struct connection *c = &probe.connection;
	struct err ignored;

	if (probe_read(word, &probe, &ignored))
		return -1;
	*out = (struct plan_path){
		.local = c->local, .remote = c->remote,
		.local_port = c->local_port, .remote_port = c->remote_port,
	};
	return 0;
}

/* TEXT of CLEAN with the pass, compiled; NULL: there is no place for it. */
static int compile(struct run *run, const struct firewall *clean,
		   const struct plan_path *path, struct firewall **out,
		   struct diags *diags, struct err *e)
{
	const struct firewall_pass pass = {
		.local = path->local, .remote = path->remote,
		.local_port = path->local_port,
		.remote_port = path->remote_port,
	};
	struct firewall *f = arena_new_object(run->arena, struct firewall);

	*out = NULL;
	*f = (struct firewall){
		.table = clean->table, .where = clean->where,
		.text = firewall_pass_add(run->arena, clean->text, &pass),
	};
	if (f->text.size == clean->text.size)
		return 0;
	if (run->kernel->compile(run->kernel, run->arena, f, diags, e))
		return err_wrap(e, "letting the SSH connection of this run "
				"through");
	*out = f;
	return 0;
}

int pass_add(struct run *run, struct state *want, struct diags *diags,
	     struct err *e)
{
	struct firewall *clean = want->firewall, *f;

	/* Unchecked, it goes as it was written. */
	if (!run->options.path || !clean || !clean->compiled ||
	    !writes_table(&run->plan))
		return 0;
	if (compile(run, clean, run->options.path, &f, diags, e))
		return -1;
	if (!f)
		return 0;
	run->clean = clean;
	want->firewall = f;
	return converge_again(run, e);
}

bool pass_is_all(struct run *run, const struct firewall *clean,
		 const struct firewall *live, const char *word)
{
	struct firewall *f = NULL;
	struct plan_path path;
	struct diags diags;
	struct err ignored;

	diags_init(&diags, run->arena);
	return clean && live && clean->text.size && !pass_read(word, &path) &&
	       !compile(run, clean, &path, &f, &diags, &ignored) && f &&
	       firewall_compare(f, live) == FIREWALL_SAME;
}

int pass_over(struct run *run, struct state *want, const char *word,
	      bool *over, struct err *e)
{
	*over = writes_table(&run->plan) &&
		pass_is_all(run, want->firewall, run->have.firewall, word);
	if (!*over)
		return 0;
	want->firewall = run->have.firewall;
	return converge_again(run, e);
}

/* The mesh's own table, and nothing else of the kernel. */
static int observe_table(struct run *run, struct state *have, struct err *e)
{
	const struct scope all = run->scope;
	int status;

	run->scope = (struct scope){ .mesh = run->mesh };
	status = run_observe(run, have, e);
	run->scope = all;
	return status;
}

/*
 * What is kept of a table tells it apart, but holds no elements to be sent:
 * these come from its text.
 */
static int compile_kept(struct run *run, const struct firewall *kept,
			struct firewall **out, struct err *e)
{
	struct firewall *f = arena_copy(run->arena, kept, sizeof(*kept));
	struct source *source = arena_new_object(run->arena, struct source);
	struct diags diags;

	diags_init(&diags, run->arena);
	*source = (struct source){ .name = "firewall.nft", .text = f->text };
	f->where = (struct place){ .source = source };
	f->compiled = false;
	if (run->kernel->compile(run->kernel, run->arena, f, &diags, e))
		return -1;
	*out = f;
	return 0;
}

/* Nothing but the table is planned, or there is no step. */
static int plan_table(struct run *run, const struct firewall *kept,
		      struct firewall *live, struct plan *out, struct err *e)
{
	const struct plan_options options = { .now = run->options.now };
	struct state *want = arena_new_object(run->arena, struct state);
	struct state *have = arena_new_object(run->arena, struct state);

	*out = (struct plan){ 0 };
	if (firewall_compare(kept, live) == FIREWALL_SAME)
		return 0;
	have->firewall = live;
	if (compile_kept(run, kept, &want->firewall, e))
		return -1;
	return plan_diff(run->arena, want, have, NULL, &options, out, e);
}

static int load(struct run *run, const struct firewall *kept,
		struct state *have, struct plan *plan, struct err *e)
{
	size_t done = 0;

	if (run_take(run, plan, &done, e) || observe_table(run, have, e))
		return -1;
	if (have->firewall &&
	    firewall_compare(kept, have->firewall) == FIREWALL_SAME)
		return 0;
	return err_set(e, ERR_FAILED, "read back, it is another one");
}

int pass_remove(struct run *run, struct err *e)
{
	const struct state *last;
	const char *note = NULL;
	struct state have;
	struct plan plan;

	if (store_last(run->store, run->arena, &last, &note, e))
		return -1;
	/* What was not compiled got no pass. */
	if (!last || !last->firewall || !last->firewall->compiled)
		return 0;
	if (observe_table(run, &have, e))
		return -1;
	/* Somebody took it away: no pass is left in it. */
	if (!have.firewall)
		return 0;
	if (plan_table(run, last->firewall, have.firewall, &plan, e) ||
	    (plan.count && load(run, last->firewall, &have, &plan, e)))
		return err_wrap(e, "load the firewall without the SSH "
				"connection's pass");
	return 0;
}
