/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front of every run: a source to the state that is wanted. */
#include "cmd/want.h"

#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/key_ring.h"
#include "cmd/output.h"
#include "quick/quick.h"

int want_broken(struct session *s, struct err *e)
{
	return err_set(e, ERR_DATA, "%zu error%s; nothing was changed",
		       s->diags.errors, s->diags.errors == 1 ? "" : "s");
}

void want_settle(const struct session *s, struct want *w)
{
	const struct options *o = s->options;

	w->key = o->key ? o->key : w->config.key;
	w->node = o->node ? o->node : w->config.node;
	w->node_by = o->node ? "--node" : w->config.text.name;
}

void want_warn_exposed(struct session *s, const struct want *w)
{
	if (w->in.exposed)
		output_note(s, "warning: others can read %s, which holds a "
			    "%s: chmod go= %s", w->in.text.name, w->document ?
			    "preshared key" : "private key", w->in.text.name);
}

static int translate(struct session *s, struct want *w, struct err *e)
{
	struct quick *quick = arena_new_object(s->arena, struct quick);
	const struct input_source *in = &w->in;
	struct quick_options options = {
		.name = *in->device ? in->device : w->mesh,
		.mesh = w->mesh,
		.ignore_hooks = s->options->ignore_hooks,
		.ignore_dns = s->options->ignore_dns,
	};

	if (!options.name)
		return err_set(e, ERR_USAGE, "%s has no name of the form "
			       "NAME.conf: give --mesh NAME", in->text.name);
	if (device_name_check(str_of(options.name), e))
		return -1;
	want_warn_exposed(s, w);
	if (quick_translate(s->arena, s->secrets, &in->text, &options, quick,
			    &s->diags))
		return want_broken(s, e);
	w->texts = &quick->texts;
	w->held = quick->keys;
	w->held_count = quick->key_count;
	return 0;
}

/* What only a document can be asked for. */
static int not_a_document(const struct session *s, const char *source,
			  struct err *e)
{
	const struct options *o = s->options;
	const char *option = o->node ? "--node" : o->all_nodes ?
		"--all-nodes" : o->templates ? "--templates" : o->values ?
		"--values" : NULL;

	if (!option)
		return 0;
	return err_set(e, ERR_USAGE, "%s is no mesh document, and %s asks "
		       "something of one", source, option);
}

static const struct texts *folder_texts(struct session *s,
					const struct input_source *in)
{
	struct texts *texts = arena_new_object(s->arena, struct texts);

	texts->wireguard = in->wireguard;
	texts->network = in->network;
	texts->firewall = in->firewall;
	return texts;
}

static int take(struct session *s, const char *source, struct want *w,
		struct err *e)
{
	switch (w->in.kind) {
	case SOURCE_QUICK:
		return not_a_document(s, source, e) || translate(s, w, e) ?
			-1 : 0;
	case SOURCE_FOLDER:
		if (not_a_document(s, source, e))
			return -1;
		w->texts = folder_texts(s, &w->in);
		return 0;
	case SOURCE_DOCUMENT:
		return document_open(s, w, e);
	case SOURCE_URL:
		return err_set(e, ERR_USAGE, "%s: this version does not fetch "
			       "yet: give a mesh document, a wg-quick file or "
			       "a folder", w->in.url);
	}
	return -1;
}

/* "meshapply stauts": a verb that is none is taken for a source. */
static int suggest_verb(struct session *s, const char *source, struct err *e)
{
	/* Who is not root may not see what is in /etc/wireguard. */
	bool hidden = e->kind == ERR_NO_INPUT || e->kind == ERR_PERMISSION;
	const char *verb = s->options->implied && hidden &&
		!strchr(source, '/') ? verb_nearest(source) : NULL;

	if (!verb)
		return -1;
	return err_set(e, e->kind, "%s; did you mean the verb %s?",
		       arena_strdup(s->arena, e->text), verb);
}

/* A name that may have a config: no path, and no file by its ending. */
static bool is_bare(const char *source)
{
	const char *dot = strrchr(source, '.');

	return mesh_name_valid(str_of(source)) &&
		!(dot && (!strcmp(dot, ".conf") || !strcmp(dot, ".json")));
}

/*
 * What SOURCE stands for: NAME for the source of NAME's config, where there
 * is one; nothing for that of --mesh.
 */
static int find_config(struct session *s, const char **source,
		       struct want *w, struct err *e)
{
	const char *name = *source ? *source : s->options->mesh;
	struct err failed = { 0 };

	if (*source && !is_bare(name))
		return 0;
	if (!mesh_name_valid(str_of(name)))
		return err_set(e, ERR_USAGE, "--mesh: \"%s\" is no name of a "
			       "mesh", name);
	if (config_read(s->options->root, name, s->arena, &w->config,
			&s->diags, &failed)) {
		if (*source && failed.kind == ERR_NO_INPUT)
			return 0;
		*e = failed;
		return -1;
	}
	if (!w->config.source)
		return err_set(e, ERR_CONFIG, "%s names no source: write "
			       "source = PATH", w->config.text.name);
	*source = w->config.source;
	if (!w->mesh)
		w->mesh = name;
	return 0;
}

int want_open(struct session *s, const char *source, struct want **out,
	      struct err *e)
{
	struct want *w = arena_new_object(s->arena, struct want);

	w->mesh = s->options->mesh;
	if (find_config(s, &source, w, e))
		return -1;
	want_settle(s, w);
	if (source_open("", source, s->arena, s->secrets, &w->in, e))
		return suggest_verb(s, source, e);
	if (take(s, source, w, e))
		return -1;
	*out = w;
	return 0;
}

int want_state(struct session *s, const struct want *w, struct err *e)
{
	const char *mesh = w->document ? document_mesh(w->document) : w->mesh;

	if (texts_read(s->arena, w->texts, mesh, NULL, &s->want, &s->diags))
		return want_broken(s, e);
	s->run.mesh = s->want.mesh;
	return 0;
}

static int read_keys(struct session *s, const struct want *w,
		     struct key_ring *ring, struct err *e)
{
	const char *how = w->in.kind == SOURCE_QUICK ? "PrivateKey = …" :
		"#@ private-key-file NAME";

	for (size_t i = 0; i < s->want.device_count; i++) {
		if (ring_device(s, ring, &s->want.devices[i], how, e))
			return -1;
		if (w->document && document_check_key(w,
					&s->want.devices[i].public_key, e))
			return -1;
	}
	state_check_keys(&s->want, &s->diags);
	return s->diags.errors ? want_broken(s, e) : 0;
}

int want_keys(struct session *s, const struct want *w, struct err *e)
{
	cleanup_ring struct key_ring ring = {
		.given = w->key,
		.given_key = w->document ? document_given_key(w->document) :
			NULL,
		.held = w->held,
		.held_count = w->held_count,
	};

	ring_open(s, &ring);
	return read_keys(s, w, &ring, e);
}

int want_read(struct session *s, const char *source, struct err *e)
{
	struct want *w;

	if (want_open(s, source, &w, e))
		return -1;
	if (w->document && document_here(s, w, e))
		return -1;
	if (want_state(s, w, e) || want_keys(s, w, e))
		return -1;
	return want_names(s, e);
}
