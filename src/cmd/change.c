/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply and plan: from a source to the kernel. */
#include <string.h>

#include "apply/pass.h"
#include "apply/signals.h"
#include "apply/store.h"
#include "base/arena.h"
#include "base/privilege.h"
#include "base/trace.h"
#include "cmd/caller.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"
#include "cmd/rehearse.h"
#include "cmd/saved.h"
#include "cmd/sealed.h"

static int changed_status(const struct session *s, bool changes)
{
	if (s->run.unresolved && s->options->strict)
		return EXIT_PARTIAL;
	if (changes && s->options->detailed_exitcode)
		return EXIT_CHANGES;
	return 0;
}

/* A name that was mistyped must not become a device. */
static int check_there(const struct session *s, struct err *e)
{
	for (size_t i = 0; i < s->want.device_count; i++) {
		const char *name = s->want.devices[i].name;

		if (!state_link(&s->run.have, name))
			return err_set(e, ERR_NO_INPUT, "there is no device "
				       "%s to adopt: meshapply apply makes one",
				       name);
	}
	return 0;
}

/* "remove wg0" where wg0 is somebody else's: nothing to do, and it is there. */
static void tell_kept(struct session *s)
{
	const struct link *link = state_link(&s->run.have, s->run.mesh);

	if (s->forget && !s->run.plan.count && link)
		output_note(s, "the link %s stays: it is not of the mesh %s; "
			    "meshapply status shows whose it is if it is of "
			    "another", link->name, s->run.mesh);
}

/*
 * To forget the mesh is part of its removal: a signal waits for both.  One that
 * waits to be confirmed is forgotten then.
 */
static int remove_all(struct session *s, struct apply_result *result,
		      struct err *e)
{
	struct err failed = { 0 };
	struct signals signals;
	bool left;
	int status;

	signals_block(&signals);
	status = apply_plan(&s->run, result, e);
	left = !status && !result->pending.seconds &&
		store_forget(s->run.store, &failed);
	signals_unblock(&signals);
	/* The next removal does it. */
	if (left)
		output_note(s, "%s", failed.text);
	return status;
}

/* As far as it goes without the right to read all. */
static int partial_end(struct session *s)
{
	const struct err *e = &s->run.unread;

	for (size_t i = 0; i < s->run.plan.note_count; i++)
		output_note(s, "%s", s->run.plan.notes[i]);
	output_note(s, "the plan is not whole: it takes CAP_NET_ADMIN to read "
		    "the rest");
	/* What a pipeline asked for was done, and went well. */
	if (s->options->rehearse)
		return output_end(s, "rehearsed, planned in part", NULL, NULL,
				  changed_status(s, s->run.plan.count));
	return output_end(s, "planned in part, nothing written", NULL, e,
			  (int)e->kind);
}

/* What was rendered is a template's fault, as validate has it. */
static struct err *blame(const struct session *s, struct err *e)
{
	for (size_t i = 0; e->kind == ERR_DATA && i < s->diags.count; i++) {
		const struct diag *d = &s->diags.items[i];

		if (d->severity == SEVERITY_ERROR && d->where.source &&
		    d->where.source->rendered_from)
			e->kind = ERR_CONFIG;
	}
	return e;
}

/* Nothing is written: what is printed, or saved, is all. */
static int planned(struct session *s, struct err *e)
{
	const struct options *o = s->options;
	size_t count = s->run.plan.count;

	if (o->output && saved_write(s, o->arguments[0], e))
		return output_end(s, "failed", NULL, e, (int)e->kind);
	return output_end(s, count ? "planned, nothing written" :
			  "nothing to do", NULL, NULL,
			  changed_status(s, count));
}

/*
 * That an SSH connection is let through while a change waits is nobody's drift,
 * nor a step of the next run: it ends with the change.
 */
static int look_over_pass(struct session *s, struct err *e)
{
	const struct pending *p = NULL;
	struct err ignored;
	bool over = false;

	if (!s->options->dry_run ||
	    pending_read(s->run.store, s->arena, s->secrets, &p, &ignored) ||
	    !p || !p->here || !p->pass)
		return 0;
	if (pass_over(&s->run, &s->want, p->pass, &over, e))
		return -1;
	if (over)
		output_note(s, "the firewall lets an SSH connection through "
			    "while a change of %s is pending: that is no step",
			    s->run.mesh);
	return 0;
}

/* Asked for where there is something to do, or to be compared with. */
static void tell_digest(struct session *s)
{
	const struct options *o = s->options;

	if (s->given && (s->run.plan.count || o->plan || o->output))
		generation_digest(s->given, s->run.about.digest);
}

int change_run(struct session *s, bool adopt, struct err *e)
{
	struct apply_result result = { 0 };
	const struct options *o = s->options;

	s->gates.most = o->max_disruption ? o->most : DISRUPTION_ACCESS;
	s->run.gates = &s->gates;
	s->run.options.adopt = adopt;
	s->run.partial_is_fine = o->dry_run;
	/* Who asks matters where something is to be done. */
	trace_pause();
	caller_path(s);
	trace_resume();
	if (converge_plan(&s->run, &s->want, &s->diags, e) ||
	    look_over_pass(s, e) || (adopt && check_there(s, e))) {
		output_diags(s, blame(s, e));
		return output_end(s, "failed", NULL, e, (int)e->kind);
	}
	if (o->rehearse && rehearse_plan(s, e)) {
		output_diags(s, NULL);
		return output_end(s, "failed", NULL, e, (int)e->kind);
	}
	output_diags(s, NULL);
	tell_digest(s);
	tell_kept(s);
	output_plan(s);
	if (s->run.options.partial)
		return partial_end(s);
	if (run_gates(&s->run, e))
		return output_end(s, "failed", NULL, e, (int)e->kind);
	if (o->dry_run)
		return planned(s, e);
	if (!s->run.options.disown && confirm_prepare(s, e))
		return output_end(s, "failed", NULL, e, (int)e->kind);
	/* Of removals there may be more, in other namespaces. */
	if (!s->forget && s->home < 0 && !s->run.socket_netns)
		privilege_settle();
	if (s->run.plan.count)
		sealed_stop(s);
	/* Also without a step: what is kept of the source follows it. */
	if (s->forget ? remove_all(s, &result, e) :
			apply_plan(&s->run, &result, e))
		return output_end(s, e->kind == ERR_ROLLED_BACK ?
				  "rolled back" : "failed", &result, e,
				  (int)e->kind);
	if (result.unkept.kind)
		output_note(s, "all is as desired, but not all that is kept "
			    "of it is on disk: %s; the next run goes on with "
			    "that", result.unkept.text);
	if (result.unrendered.kind)
		output_note(s, "what the document was rendered to is not kept, "
			    "the next run makes it again: %s",
			    result.unrendered.text);
	if (result.pending.seconds)
		return confirm_end(s, &result);
	sealed_keep(s, &result);
	return output_end(s, result.end != APPLY_DONE ? "nothing to do" :
			  s->run.options.disown ? "disowned" :
			  s->forget ? "removed" : "applied", &result, NULL,
			  changed_status(s, result.end == APPLY_DONE));
}

int change_prepare(struct session *s, const char *source, struct err *e)
{
	bool writes = !s->options->dry_run;

	if (s->options->plan && saved_read(s, &source, e))
		return -1;
	if (session_enter(s, writes, e) || want_read(s, source, e))
		return -1;
	if (session_store(s, s->want.mesh, writes, e))
		return -1;
	return session_kernel(s, e) || session_last(s, e) ? -1 : 0;
}

/* In the same words as without a seal. */
static int as_sealed(struct session *s)
{
	struct apply_result result = { .end = APPLY_NOTHING };

	if (s->options->jsonl)
		output_plan(s);
	return output_end(s, "nothing to do", s->options->dry_run ? NULL :
			  &result, NULL, changed_status(s, false));
}

static int change(struct options *o, const char *source, bool adopt)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };

	session_open(&s, o);
	if (!adopt && sealed_holds(&s))
		return as_sealed(&s);
	if (!adopt)
		sealed_start(&s);
	if (change_prepare(&s, source, &e)) {
		output_diags(&s, &e);
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	}
	return change_run(&s, adopt, &e);
}

int cmd_apply(struct options *o)
{
	return change(o, o->arguments[0], false);
}

int cmd_plan(struct options *o)
{
	o->dry_run = true;
	return change(o, o->arguments[0], false);
}
