/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front of every run: a source to the state that is wanted. */
#include "cmd/want.h"

#include <string.h>

#include "base/arena.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/key_ring.h"
#include "cmd/output.h"
#include "cmd/rendered.h"
#include "quick/quick.h"

int want_broken(struct session *s, enum err_kind kind, struct err *e)
{
	if (!s->broken || kind == ERR_DATA)
		s->broken = kind;
	return err_set(e, s->broken, "%zu error%s; nothing was changed",
		       s->diags.errors, s->diags.errors == 1 ? "" : "s");
}

int want_broken_text(struct session *s, const struct want *w, struct err *e)
{
	return want_broken(s, w->document ? ERR_CONFIG : ERR_DATA, e);
}

struct want_mark want_mark(const struct session *s)
{
	return (struct want_mark){ arena_mark(s->arena), s->diags.count,
				   s->diags.errors, s->note_count };
}

void want_give_back(struct session *s, const struct want *w,
		    const struct want_mark *mark)
{
	if (s->diags.count != mark->diags || s->diags.errors != mark->errors ||
	    s->note_count != mark->notes)
		return;
	s->want = (struct state){ 0 };
	s->run.mesh = w->document->mesh.name;
	arena_reset(s->arena, mark->arena);
}

void want_settle(const struct session *s, struct want *w)
{
	const struct options *o = s->options;

	w->key = o->key ? o->key : w->config.key;
	w->node = o->node ? o->node : w->config.node;
	w->node_by = o->node ? "--node" : w->config.text.name;
}

/* As the reader of wg-quick files names them. */
static bool is_preshared(const char *name)
{
	return str_ends(str_of(name), ".psk");
}

void want_warn_exposed(struct session *s, const struct want *w)
{
	bool private = false;

	for (size_t i = 0; !w->document && i < w->held_count; i++)
		private |= !is_preshared(w->held[i].name);
	if (w->in.exposed && w->held_count)
		output_note(s, "warning: others can read %s, which holds a "
			    "%s key: chmod go= %s", w->in.text.name, private ?
			    "private" : "preshared", w->in.text.name);
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
	if (quick_translate(s->arena, s->secrets, &in->text, &options, quick,
			    &s->diags))
		return want_broken(s, ERR_DATA, e);
	w->texts = &quick->texts;
	w->held = quick->keys;
	w->held_count = quick->key_count;
	want_warn_exposed(s, w);
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
		return err_set(e, w->config.source ? ERR_CONFIG : ERR_USAGE,
			       "%s: this version does not fetch yet: give a "
			       "mesh document, a wg-quick file or a folder",
			       w->in.url);
	}
	return -1;
}

/* A name that may have a config: no path, and no file by its ending. */
static bool is_bare(const char *source)
{
	struct str name = str_of(source);

	return mesh_name_valid(name) && !str_ends(name, ".conf") &&
		!str_ends(name, ".json");
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

/* A bare name was looked for in two places. */
static int not_found(struct session *s, const char *source,
		     const struct want *w, struct err *e)
{
	if (w->config.source && e->kind == ERR_USAGE)
		e->kind = ERR_CONFIG;	/* nobody on the command line said it */
	if (w->config.source)
		return err_wrap(e, "%s", w->config.text.name);
	if (e->kind == ERR_NO_INPUT && is_bare(source))
		err_set(e, ERR_NO_INPUT, "no %s%s/%s.conf names a source; %s",
			s->options->root, CONFIG_FOLDER, source,
			arena_strdup(s->arena, e->text));
	return suggest_verb(s, source, e);
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

/* What SOURCE is, and its bytes. */
static int find(struct session *s, const char *source, struct want *w,
		struct err *e)
{
	w->mesh = s->options->mesh;
	if (find_config(s, &source, w, e))
		return -1;
	want_settle(s, w);
	w->source = source;
	if (source_open("", source, s->arena, s->secrets, &w->in, e))
		return not_found(s, source, w, e);
	return 0;
}

int want_open(struct session *s, const char *source, struct want **out,
	      struct err *e)
{
	struct want *w = arena_new_object(s->arena, struct want);

	if (find(s, source, w, e) || take(s, w->source, w, e))
		return -1;
	*out = w;
	return 0;
}

int want_state(struct session *s, const struct want *w, struct err *e)
{
	const char *mesh = w->document ? w->document->mesh.name : w->mesh;

	if (texts_read(s->arena, w->texts, mesh, NULL, &s->want, &s->diags))
		return want_broken_text(s, w, e);
	s->run.mesh = s->want.mesh;
	return 0;
}

static int read_keys(struct session *s, const struct want *w,
		     struct key_ring *ring, struct err *e)
{
	const char *how = w->in.kind == SOURCE_QUICK ? "PrivateKey = …" :
		"#@ private-key-file NAME";

	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];

		if (ring_device(s, ring, d, how, e))
			return -1;
		if (w->document && document_check_key(w, d->private_key, e))
			return -1;
	}
	state_check_keys(&s->want, &s->diags);
	return s->diags.errors ? want_broken(s, ERR_DATA, e) : 0;
}

/* In a document a preshared key is named by a link. */
static struct place place_of_key(const struct want *w, const struct peer *p)
{
	const struct mesh *mesh = w->document ? &w->document->mesh : NULL;

	for (size_t i = 0; mesh && i < mesh->link_count; i++) {
		const struct mesh_link *link = &mesh->links[i];

		if (link->preshared_key_file && !strcmp(p->preshared_key_file,
						link->preshared_key_file))
			return link->preshared_where;
	}
	return p->where;
}

int want_keys(struct session *s, const struct want *w, struct diags *lost,
	      struct err *e)
{
	cleanup_ring struct key_ring ring = {
		.given = w->key,
		.given_key = w->document ? w->document->private_key : NULL,
		.held = w->held,
		.held_count = w->held_count,
	};
	int result;

	ring_open(s, &ring);
	result = read_keys(s, w, &ring, e);
	for (size_t i = 0; i < ring.lost_count; i++)
		diag_error(lost, place_of_key(w, ring.lost[i].peer), "%s",
			   ring.lost[i].why);
	return result;
}

/* A rehearsal goes without: a pipeline has none. */
static int keys_or_none(struct session *s, const struct want *w, struct err *e)
{
	struct diags lost;

	diags_init(&lost, s->arena);
	if (!want_keys(s, w, &lost, e))
		return 0;
	if (e->kind != ERR_NO_INPUT && e->kind != ERR_PERMISSION)
		return -1;
	output_note(s, "rehearsed without keys: %s", e->text);
	return 0;
}

static int keys_here(struct session *s, const struct want *w, struct err *e)
{
	size_t errors = s->diags.errors;

	if (s->options->rehearse)
		return keys_or_none(s, w, e);
	if (!want_keys(s, w, &s->diags, e))
		return 0;
	/* With a place it is told there. */
	return s->diags.errors != errors ? want_broken(s, e->kind, e) : -1;
}

/* What will be told of it once it is applied. */
static void tell_about(struct session *s, const struct want *w)
{
	const struct mesh *mesh = w->document ? &w->document->mesh : NULL;
	struct generation *about = &s->run.about;

	about->source = w->source;
	s->given = w->texts;
	if (!mesh)
		return;
	about->node = w->document->self->name;
	about->serial = mesh->serial;
	about->has_serial = mesh->serial_where.source;
}

static int read_all(struct session *s, struct want *w, struct err *e)
{
	if (take(s, w->source, w, e))
		return -1;
	if (w->document && document_here(s, w, e))
		return -1;
	if (want_state(s, w, e) || keys_here(s, w, e))
		return -1;
	if (w->document)
		rendered_keep(s, w);
	return 0;
}

int want_read(struct session *s, const char *source, struct err *e)
{
	struct want *w = arena_new_object(s->arena, struct want);

	if (find(s, source, w, e))
		return -1;
	if (!(w->in.kind == SOURCE_DOCUMENT && rendered_take(s, w)) &&
	    read_all(s, w, e))
		return -1;
	/* A text that may have keys in it is kept nowhere. */
	if (w->in.kind != SOURCE_QUICK && !w->in.text.secret &&
	    !w->held_count) {
		trace_is_public(w->in.text.text);
		trace_is_public(w->in.wireguard.text);
	}
	s->confirm_by = w->config.confirm_by;
	tell_about(s, w);
	return 0;
}
