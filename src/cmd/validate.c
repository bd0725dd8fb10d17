/* SPDX-License-Identifier: GPL-2.0-or-later */
/* validate: everything that can be found without this host's kernel state. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "doc/doc.h"
#include "kern/nft.h"
#include "plan/plan.h"
#include "state/firewall.h"

/* What was found out about the sources so far. */
struct validation {
	struct session *s;
	const char *meshes[SOURCES_MAX];	/* of those that are valid */
	size_t mesh_count;
	const struct view *views[SOURCES_MAX];	/* ours, of documents */
	size_t view_count;
	/* Errors without a place within a source */
	const struct err *whole[SOURCES_MAX];
	size_t whole_count;
	bool uncompiled;	/* it was told that no firewall was compiled */
};

/* In the place where keys are by default there may be none yet, elsewhere. */
static bool may_be_absent(const struct want *w, const struct err *why)
{
	return !w->key && (why->kind == ERR_NO_INPUT ||
			   why->kind == ERR_PERMISSION);
}

static int check_keys(struct session *s, const struct want *w, struct err *e)
{
	struct err why = { 0 };
	struct diags lost;

	diags_init(&lost, s->arena);
	if (!want_keys(s, w, &lost, &why))
		return 0;
	/* One that was given is there: what is missing is preshared. */
	if (may_be_absent(w, &why) || (lost.errors &&
				       why.kind == ERR_NO_INPUT)) {
		output_note(s, "keys were not checked: %s", why.text);
		return 0;
	}
	*e = why;
	if (!lost.errors)
		return -1;
	for (size_t i = 0; i < lost.count; i++)
		diag_error(&s->diags, lost.items[i].where, "%s",
			   lost.items[i].message);
	return want_broken(s, why.kind, e);
}

static int check_firewall(struct validation *v, const struct want *w,
			  struct err *e)
{
	static const struct state nothing;
	struct session *s = v->s;
	size_t errors = s->diags.errors;
	struct err why = { 0 };

	/* A mark for $fwmark, as on a host where nothing is taken. */
	if (settle_numbers(s->arena, &s->want, &nothing, NULL, e))
		return -1;
	if (!s->want.firewall || v->uncompiled ||
	    !nftc_compile(s->arena, helper_folder(s->arena), -1,
			  s->want.firewall, &s->diags, &why))
		return 0;
	if (s->diags.errors != errors)
		return want_broken_text(s, w, e);
	if (why.kind == ERR_DATA) {
		*e = why;
		return -1;
	}
	output_note(s, "firewall.nft was not compiled: %s", why.text);
	v->uncompiled = true;
	return 0;
}

static int check_node(struct validation *v, struct want *w,
		      const struct node *node, struct err *e)
{
	struct session *s = v->s;
	struct want_mark mark = want_mark(s);
	struct err why = { 0 };

	if (document_render(s, w, node, &why) || want_state(s, w, &why) ||
	    check_firewall(v, w, &why)) {
		/* Its errors are collected: on to the next. */
		if (s->diags.errors != mark.errors)
			return 0;
		*e = why;
		return err_wrap(e, "%s", node->name);
	}
	want_give_back(s, w, &mark);
	return 0;
}

static int check_nodes(struct validation *v, struct want *w, struct err *e)
{
	const struct mesh *mesh = &w->document->mesh;

	for (size_t i = 0; i < mesh->node_count; i++)
		if (check_node(v, w, &mesh->nodes[i], e))
			return -1;
	v->s->run.mesh = mesh->name;
	return 0;
}

/* As it is on this host, or on the node of --node. */
static int check_self(struct validation *v, struct want *w, struct err *e)
{
	struct document *d = w->document;
	struct session *s = v->s;
	struct err why = { 0 };

	if (document_find_self(s, w, &why)) {
		if (may_be_absent(w, &why)) {
			output_note(s, "no node's view was checked, which "
				    "--all-nodes does: %s", why.text);
			return 0;
		}
		*e = why;
		return -1;
	}
	if (document_render(s, w, d->self, e) || want_state(s, w, e))
		return -1;
	v->views[v->view_count++] = d->view;
	/* The node of --node may be another host, with keys of its own. */
	if (!d->by_name) {
		others_check(s, d->view);
		if (check_keys(s, w, e))
			return -1;
	}
	return check_firewall(v, w, e);
}

static int check_document(struct validation *v, struct want *w, struct err *e)
{
	struct session *s = v->s;
	size_t errors = s->diags.errors;
	int tested = mesh_test(s->arena, &w->document->mesh, &s->diags);

	if (s->options->all_nodes ? check_nodes(v, w, e) :
			check_self(v, w, e))
		return -1;
	if (tested)
		return want_broken(s, ERR_DATA, e);
	return s->diags.errors != errors ?
		want_broken(s, s->broken ? s->broken : ERR_DATA, e) : 0;
}

static int check_source(struct validation *v, const char *source,
			struct err *e)
{
	struct session *s = v->s;
	struct want *w;

	if (want_open(s, source, &w, e))
		return -1;
	if (w->document) {
		if (check_document(v, w, e))
			return -1;
	} else if (want_state(s, w, e) || check_keys(s, w, e) ||
		   check_firewall(v, w, e)) {
		return -1;
	}
	v->meshes[v->mesh_count++] = arena_strdup(s->arena, s->run.mesh);
	return 0;
}

/* All that were given would be meshes of one host. */
static int check_pairs(struct validation *v, struct err *e)
{
	struct diags *diags = &v->s->diags;
	int result = 0;

	for (size_t i = 0; i < v->view_count; i++)
		for (size_t j = 0; j < i; j++)
			if (view_check_pair(v->views[j], v->views[i], diags))
				result = -1;
	return result ? want_broken(v->s, ERR_DATA, e) : 0;
}

static bool for_machines(const struct options *o)
{
	return o->findings != FINDINGS_TEXT || o->json || o->jsonl;
}

/* What is wrong with a source as a whole is told at its start. */
static void tell_whole(struct validation *v, int i, const struct err *why)
{
	struct session *s = v->s;
	const struct options *o = s->options;
	struct source *source = arena_new_object(s->arena, struct source);

	v->whole[v->whole_count++] = arena_copy(s->arena, why, sizeof(*why));
	source->name = o->argument_count ? o->arguments[i] : o->mesh;
	if (for_machines(o))
		diag_error(&s->diags, (struct place){ source, 0 }, "%s",
			   why->text)->hidden = true;
}

/* After what has a place was sorted, and equal ones were merged. */
static void count_errors(const struct validation *v, struct err *e)
{
	bool text = !for_machines(v->s->options);
	size_t errors = v->s->diags.errors + (text ? v->whole_count : 0);

	for (size_t i = 0; text && errors > 1 && i < v->whole_count; i++)
		output_error(v->s, v->whole[i]);
	if (!v->whole_count || errors > 1)
		err_set(e, e->kind, "%zu error%s; nothing was changed", errors,
			errors == 1 ? "" : "s");
}

static int validate(struct validation *v, struct err *e)
{
	const struct options *o = v->s->options;
	struct session *s = v->s;
	struct err why = { 0 };
	int result = 0;

	/* Without one it is that of --mesh. */
	for (int i = 0; i < o->argument_count || !i; i++) {
		size_t errors = s->diags.errors;

		if (!check_source(v, o->arguments[i], &why))
			continue;
		if (s->diags.errors == errors || why.kind != s->broken)
			tell_whole(v, i, &why);
		if (!result)
			*e = why;
		result = -1;
	}
	if (check_pairs(v, &why)) {
		if (!result)
			*e = why;
		result = -1;
	}
	return result;
}

static void tell_valid(const struct validation *v)
{
	const struct options *o = v->s->options;

	if (o->quiet || o->json || o->jsonl)
		return;
	/* The last one is the end of the run. */
	for (size_t i = 0; i + 1 < v->mesh_count; i++)
		printf("%s: valid\n", v->meshes[i]);
}

int cmd_validate(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct validation v = { .s = &s };
	struct err e = { 0 };
	int result;

	session_open(&s, o);
	result = validate(&v, &e);
	output_diags(&s, NULL);
	if (result)
		count_errors(&v, &e);
	if (o->findings != FINDINGS_TEXT)
		return output_findings(&s, result ? &e : NULL);
	if (result)
		return output_end(&s, "invalid", NULL, &e, (int)e.kind);
	s.run.mesh = v.meshes[v.mesh_count - 1];
	tell_valid(&v);
	return output_end(&s, "valid", NULL, NULL, 0);
}
