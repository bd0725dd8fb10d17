/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/time.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/key_ring.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "doc/doc.h"

_Static_assert(SOURCE_DOCUMENT_LIMIT == DOCUMENT_LIMIT,
	       "a document is read as far as it is decoded");

#define NODES_NAMED 5	/* in an error that tells which there are */
/* Address space for what templates see; many times what a text takes. */
#define VALUES_SIZE ((uint64_t)4 << 30)

/* What the run was told the mesh is, by --mesh or the name of a config. */
static void check_mesh(struct session *s, const struct want *w)
{
	const struct mesh *mesh = &w->document->mesh;
	struct diag *diag;

	if (!w->mesh || !strcmp(w->mesh, mesh->name))
		return;
	diag = diag_error(&s->diags, mesh->name_where, "the mesh is %s here, "
			  "and %s is wanted", mesh->name, w->mesh);
	if (!w->config.source)
		return;
	diag->other = w->config.source_where;
	diag->other_message = "because this document is its source";
}

static int read_config(struct session *s, struct want *w, struct err *e)
{
	struct err failed = { 0 };

	if (w->config.text.name)
		return 0;
	if (config_read(s->options->root, w->document->mesh.name, s->arena,
			&w->config, &s->diags, &failed) &&
	    failed.kind != ERR_NO_INPUT) {
		*e = failed;
		return -1;
	}
	want_settle(s, w);
	return 0;
}

static bool has_expired(const struct session *s, const struct mesh *mesh)
{
	if (mesh->expires)
		trace_until(mesh->expires);
	return mesh->expires && mesh->expires <= s->run.options.now;
}

static const char *expired_words(struct session *s, const struct mesh *mesh)
{
	char text[TIME_TEXT_MAX];

	return arena_printf(s->arena, "the document has expired on %s",
			    time_format(mesh->expires, text));
}

/* By name, as the arrays of qsort() may be copied, and keys are not. */
static int name_compare(const void *a, const void *b)
{
	const struct mesh_link *const *x = a, *const *y = b;

	return strcmp((*x)->preshared_key_file, (*y)->preshared_key_file);
}

/* The keys that stand in the document. */
static void hold_keys(struct session *s, struct want *w)
{
	const struct mesh *mesh = &w->document->mesh;
	const struct mesh_link **links;
	struct named_key *held;
	size_t count = 0;

	links = arena_new_array(s->arena, const struct mesh_link *,
				mesh->link_count);
	for (size_t i = 0; i < mesh->link_count; i++)
		if (mesh->links[i].preshared_key)
			links[count++] = &mesh->links[i];
	if (!count)
		return;
	qsort(links, count, sizeof(const struct mesh_link *), name_compare);
	held = arena_new_array(s->secrets, struct named_key, count);
	for (size_t i = 0; i < count; i++) {
		held[i].name = links[i]->preshared_key_file;
		held[i].key = *links[i]->preshared_key;
	}
	w->held = held;
	w->held_count = count;
	want_warn_exposed(s, w);
}

static int load_templates(struct session *s, struct want *w, struct err *e)
{
	const char *folder = s->options->templates;

	return templates_load(s->arena, s->options->root, folder ? folder :
			      w->config.templates, &w->document->templates,
			      &s->diags, e);
}

int document_open(struct session *s, struct want *w, struct err *e)
{
	struct document *d = arena_new_object(s->arena, struct document);

	w->document = d;
	if (mesh_read(s->arena, s->secrets, &w->in.text, &d->mesh, &s->diags))
		return want_broken(s, ERR_DATA, e);
	graph_make(s->arena, &d->mesh, &d->graph);
	s->run.mesh = d->mesh.name;
	check_mesh(s, w);
	if (has_expired(s, &d->mesh))
		diag_warning(&s->diags, d->mesh.expires_where, "%s",
			     expired_words(s, &d->mesh));
	if (read_config(s, w, e) || load_templates(s, w, e))
		return -1;
	hold_keys(s, w);
	return s->diags.errors ? want_broken(s, ERR_DATA, e) : 0;
}

/* "ir, tr, uae", or the first of them. */
static const char *node_names(struct session *s, const struct mesh *mesh)
{
	struct sbuf out;

	sbuf_init(&out, s->arena);
	for (size_t i = 0; i < mesh->node_count && i < NODES_NAMED; i++)
		sbuf_printf(&out, "%s%s", i ? ", " : "", mesh->nodes[i].name);
	if (mesh->node_count > NODES_NAMED)
		sbuf_printf(&out, " and %zu more",
			    mesh->node_count - NODES_NAMED);
	return out.data ? out.data : "none";
}

static int no_such_node(struct session *s, const struct want *w,
			struct err *e)
{
	const struct mesh *mesh = &w->document->mesh;
	const char **names = arena_new_array(s->arena, const char *,
					     mesh->node_count);
	const char *nearest;

	for (size_t i = 0; i < mesh->node_count; i++)
		names[i] = mesh->nodes[i].name;
	nearest = str_nearest(str_of(w->node), names, mesh->node_count);
	return err_set(e, w->node == s->options->node ? ERR_USAGE : ERR_CONFIG,
		       "%s: no node of %s is called \"%s\"%s%s; there is %s",
		       w->node_by, w->in.text.name, w->node,
		       nearest ? "; did you mean " : "",
		       nearest ? nearest : "", node_names(s, mesh));
}

/* A file with the wrong one of a pair of keys is soon made. */
static int refuse_public(const struct want *w, const struct key *key,
			 struct err *e)
{
	const struct node *node = mesh_node_of_key(&w->document->mesh, key);

	return !node ? 0 : err_set(e, ERR_CONFIG, "what is given as the "
				   "private key is the public key of %s: put "
				   "the private one, of which meshapply key "
				   "pub makes it, there", node->name);
}

/* Our private key; it is read once. */
static const struct key *read_key(struct session *s, struct want *w,
				  struct err *e)
{
	struct document *d = w->document;
	cleanup_ring struct key_ring ring = { .given = w->key };
	const struct key *key;

	ring_open(s, &ring);
	key = ring_private(s, &ring, arena_printf(s->arena, "%s.key",
						  d->mesh.name), e);
	if (!key || refuse_public(w, key, e))
		return NULL;
	d->private_key = ring.given_key;
	return key;
}

/* The default place is empty: how to fill it. */
static int no_key(struct session *s, const struct want *w, struct err *e)
{
	const char *why = arena_strdup(s->arena, e->text);

	if (e->kind != ERR_NO_INPUT)
		return -1;
	if (w->key)
		return err_wrap(e, "a node finds itself by its key, or by "
				"--node NAME");
	return err_set(e, ERR_NO_INPUT, "a node finds itself by its key, or "
		       "by --node NAME: %s; meshapply key gen makes one, for "
		       "%s" KEY_FOLDER "/%s.key, mode 0600", why,
		       s->options->root, w->document->mesh.name);
}

static int find_by_key(struct session *s, struct want *w, struct err *e)
{
	struct document *d = w->document;
	const struct key *key = read_key(s, w, e);
	char text[KEY_TEXT_MAX];
	struct key public_key;

	if (!key)
		return no_key(s, w, e);
	key_public(key, &public_key);
	d->self = mesh_node_of_key(&d->mesh, &public_key);
	if (d->self)
		return 0;
	return err_set(e, ERR_CONFIG, "this host's public key is %s, and none "
		       "of the %zu nodes of %s has it (%s): write it into the "
		       "document, or give the key of a node by --key FILE",
		       key_format(&public_key, text), d->mesh.node_count,
		       w->in.text.name, node_names(s, &d->mesh));
}

int document_find_self(struct session *s, struct want *w, struct err *e)
{
	struct document *d = w->document;
	const struct key *key;

	if (!w->node)
		return find_by_key(s, w, e);
	d->by_name = true;
	d->self = mesh_node(&d->mesh, w->node);
	if (!d->self)
		return no_such_node(s, w, e);
	/* A key that is given beside the node has to be that node's. */
	if (!s->options->key || w->key != s->options->key)
		return 0;
	key = read_key(s, w, e);
	return !key || document_check_key(w, key, e) ? -1 : 0;
}

int document_check_key(const struct want *w, const struct key *private_key,
		       struct err *e)
{
	const struct document *d = w->document;
	const struct node *other;
	char text[KEY_TEXT_MAX];
	struct key public_key;

	key_public(private_key, &public_key);
	other = mesh_node_of_key(&d->mesh, &public_key);
	if (other == d->self)
		return 0;
	if (refuse_public(w, private_key, e))
		return -1;
	if (other)
		return err_set(e, ERR_CONFIG, "the node is to be %s, and the "
			       "private key is that of %s", d->self->name,
			       other->name);
	return err_set(e, ERR_CONFIG, "the node is to be %s, and the private "
		       "key is that of no node of %s: its public key is %s",
		       d->self->name, w->in.text.name,
		       key_format(&public_key, text));
}

static bool is_blank(struct str text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!strchr(" \t\r\n", text.data[i]))
			return false;
	return true;
}

struct source document_text(struct session *s, const struct want *w,
			    const char *node, struct source text)
{
	/* What came out empty is a text that the node does not have. */
	if (!text.text.data || is_blank(text.text))
		return (struct source){ 0 };
	text.name = arena_printf(s->arena, "%s (rendered from %s for %s)",
				 text.name, w->in.text.name, node);
	text.rendered_from = &w->in.text;
	return text;
}

/*
 * A template is this host's business; a text of the document that no line of
 * a file can carry is the document's.  Anything but a text has a hint how a
 * template writes it.
 */
static enum err_kind fault_kind(const struct session *s, const struct want *w)
{
	for (size_t i = 0; i < s->diags.count; i++) {
		const struct diag *d = &s->diags.items[i];

		if (d->severity == SEVERITY_ERROR && !d->hint &&
		    d->other.source == &w->in.text)
			return ERR_DATA;
	}
	return ERR_CONFIG;
}

int document_render(struct session *s, struct want *w,
		    const struct node *node, struct err *e)
{
	struct document *d = w->document;
	struct source out[TEMPLATE_FILES];
	struct view *view = arena_new_object(s->arena, struct view);
	struct texts *texts = arena_new_object(s->arena, struct texts);
	const char *name = node->name;
	/* As large as all that is wanted, and of no use once written down. */
	struct arena *values = arena_new(VALUES_SIZE);
	int result;

	view_of(s->arena, &d->graph, node, view);
	result = templates_render(s->arena, &d->templates,
				  view_values(values, view), out, &s->diags);
	arena_free(values);
	if (result)
		return want_broken(s, fault_kind(s, w), e);
	texts->wireguard = document_text(s, w, name, out[TEMPLATE_WIREGUARD]);
	texts->network = document_text(s, w, name, out[TEMPLATE_NETWORK]);
	texts->firewall = document_text(s, w, name, out[TEMPLATE_FIREWALL]);
	w->texts = texts;
	if (node == d->self)
		d->view = view;
	return 0;
}

static int refuse_expired(struct session *s, const struct want *w,
			  struct err *e)
{
	const struct mesh *mesh = &w->document->mesh;

	if (!has_expired(s, mesh) || options_force(s->options, "expired"))
		return 0;
	err_set(e, ERR_TRUST, "%s: %s", w->in.text.name,
		expired_words(s, mesh));
	snprintf(e->guard, sizeof(e->guard), "expired");
	return -1;
}

int document_here(struct session *s, struct want *w, struct err *e)
{
	struct document *d = w->document;

	if (refuse_expired(s, w, e) || document_find_self(s, w, e))
		return -1;
	if (s->options->verbose)
		output_note(s, "this host is the node %s", d->self->name);
	if (document_render(s, w, d->self, e))
		return -1;
	others_check(s, d->view);
	return s->diags.errors ? want_broken(s, ERR_DATA, e) : 0;
}
