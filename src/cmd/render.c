/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render: a source to the three texts, printed or written into a folder. */
#include <stdio.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/folder.h"
#include "cmd/key_ring.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "doc/doc.h"
#include "render/value.h"

struct rendering {
	struct session *s;
	struct want *want;
	struct folder_set *folders;	/* NULL: print */
};

static void print_text(const char *node, const char *name,
		       const struct source *text)
{
	if (!text->text.data)
		return;
	printf("# %s%s%s\n", node ? node : "", node ? "/" : "", name);
	fwrite(text->text.data, 1, text->text.size, stdout);
	if (text->text.size && text->text.data[text->text.size - 1] != '\n')
		putchar('\n');
}

/* NODE is NULL where the texts are those of one node alone. */
static int put(struct rendering *r, const char *node, struct err *e)
{
	const struct texts *texts = r->want->texts;

	if (r->folders)
		return folder_set_stage(r->folders, node, texts, e);
	print_text(node, TEXT_WIREGUARD, &texts->wireguard);
	print_text(node, TEXT_NETWORK, &texts->network);
	print_text(node, TEXT_FIREWALL, &texts->firewall);
	return 0;
}

/* One of the members of an object, indented as it would be printed whole. */
static void print_member(const char *name, struct str json, bool first)
{
	struct str line;

	printf("%s\n  \"%s\": ", first ? "{" : ",", name);
	for (bool begins = true; str_next(&json, '\n', &line); begins = false)
		printf("%s%.*s", begins ? "" : "\n  ", (int)line.size,
		       line.data);
}

/* NAME as for put(): of all nodes it is one object. */
static void print_values(struct rendering *r, const struct node *node,
			 const char *name)
{
	const struct document *d = r->want->document;
	const struct mesh *mesh = &d->mesh;
	struct arena *arena = r->s->arena;
	struct sbuf out;
	struct view view;

	view_of(arena, &d->graph, node, &view);
	sbuf_init(&out, arena);
	value_json(&out, view_values(arena, &view));
	if (!name) {
		fwrite(out.data, 1, out.size, stdout);
		return;
	}
	/* Names of nodes have nothing in them that is escaped. */
	print_member(name, (struct str){ out.data, out.size - 1 },
		     node == mesh->nodes);
	if (node == mesh->nodes + mesh->node_count - 1)
		puts("\n}");
}

static int render_node(struct rendering *r, const struct node *node,
		       const char *name, struct err *e)
{
	struct session *s = r->s;

	if (s->options->values) {
		print_values(r, node, name);
		return 0;
	}
	/* Read back, so that what is written is what apply takes. */
	if (document_render(s, r->want, node, e) ||
	    want_state(s, r->want, e))
		return -1;
	return put(r, name, e);
}

/* Every error of every node in one run. */
static int render_all(struct rendering *r, struct err *e)
{
	const struct mesh *mesh = &r->want->document->mesh;
	struct session *s = r->s;
	int result = 0;

	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];
		struct want_mark mark = want_mark(s);

		if (render_node(r, node, node->name, e)) {
			if (!s->broken || e->kind != s->broken)
				return -1;
			result = -1;
		}
		if (!result)
			want_give_back(s, r->want, &mark);
	}
	s->run.mesh = mesh->name;
	return result ? want_broken(s, s->broken, e) : 0;
}

static size_t folder_count(const struct rendering *r)
{
	return r->s->options->all_nodes && r->want->document ?
		r->want->document->mesh.node_count : 1;
}

static int render(struct rendering *r, struct err *e)
{
	struct session *s = r->s;
	struct want *w;

	if (want_open(s, s->options->arguments[0], &w, e))
		return -1;
	r->want = w;
	if (s->options->output)
		r->folders = folder_set_new(s->arena, s->options->output,
					    folder_count(r));
	if (!w->document)
		return want_state(s, w, e) || put(r, NULL, e) ? -1 : 0;
	if (s->options->all_nodes)
		return render_all(r, e);
	if (document_find_self(s, w, e))
		return -1;
	return render_node(r, w->document->self, NULL, e);
}

static void tell_key(struct rendering *r, const char *name)
{
	const struct want *w = r->want;

	if (name && named_key_find(w->held, w->held_count, name))
		output_note(r->s, "the key %s stands in %s and in no text: "
			    "put it into " KEY_FOLDER "/%s of the node", name,
			    w->in.text.name, name);
}

/* Keys that stand in the source stand in no text: their names are told. */
static void tell_keys(struct rendering *r)
{
	const struct state *want = &r->s->want;

	if (r->s->options->all_nodes) {
		for (size_t i = 0; i < r->want->held_count; i++)
			tell_key(r, r->want->held[i].name);
		return;
	}
	for (size_t i = 0; i < want->device_count; i++) {
		const struct device *d = &want->devices[i];

		tell_key(r, d->private_key_file);
		for (size_t j = 0; j < d->peer_count; j++)
			tell_key(r, d->peers[j].preshared_key_file);
	}
}

static int put_folders(struct rendering *r, struct err *e)
{
	const struct options *o = r->s->options;
	size_t changed;

	if (folder_set_commit(r->folders, &changed, e))
		return -1;
	if (o->quiet)
		return 0;
	if (changed)
		printf("%s: %zu file%s written in %s\n", r->s->run.mesh,
		       changed, changed == 1 ? "" : "s", o->output);
	else
		printf("%s: nothing to do, %s is as rendered\n",
		       r->s->run.mesh, o->output);
	return 0;
}

int cmd_render(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct rendering r = { .s = &s };
	struct err e = { 0 };
	int result;

	session_open(&s, o);
	result = render(&r, &e);
	output_diags(&s, result ? &e : NULL);
	if (!result && r.folders)
		result = put_folders(&r, &e);
	if (result && r.folders)
		folder_set_abandon(r.folders);
	if (result) {
		output_error(&s, &e);
		return (int)e.kind;
	}
	tell_keys(&r);
	return 0;
}
