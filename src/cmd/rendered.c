/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/rendered.h"

#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "apply/rendered.h"
#include "base/arena.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/output.h"
#include "cmd/want.h"

/* The linker's digest of all that it put into a program. */
struct build {
	const unsigned char *id;
	size_t size;
};

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static void find_note(const char *at, size_t left, struct build *out)
{
	ElfW(Nhdr) note;

	while (left >= sizeof(note)) {
		size_t name, size;

		memcpy(&note, at, sizeof(note));
		name = sizeof(note) + padded(note.n_namesz);
		size = name + padded(note.n_descsz);
		if (size > left)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(at + sizeof(note), "GNU", 4))
			*out = (struct build){
				(const unsigned char *)at + name,
				note.n_descsz };
		at += size;
		left -= size;
	}
}

/* The program itself is the first of what is loaded. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE)
			find_note((const char *)(uintptr_t)
				  (info->dlpi_addr + p->p_vaddr), p->p_memsz,
				  data);
	}
	return 1;
}

const char *program_id(struct arena *arena)
{
	struct build build = { 0 };
	struct sbuf out;

	dl_iterate_phdr(look_at_program, &build);
	if (!build.size)
		return NULL;
	sbuf_init(&out, arena);
	sbuf_puts(&out, MESHAPPLY_VERSION " ");
	for (size_t i = 0; i < build.size; i++)
		sbuf_printf(&out, "%02x", build.id[i]);
	return out.data;
}

/*
 * The name of the mesh, if it stands near the top as people write it.  It
 * only says where to look: what is there names the mesh itself.
 */
static const char *guess_mesh(struct arena *arena, struct str text)
{
	static const char key[] = "\"mesh\"", blanks[] = " \t\r\n";
	size_t near = text.size < 4096 ? text.size : 4096, size = 0;
	const char *end = text.data + near;
	const char *at = memmem(text.data, near, key, sizeof(key) - 1);

	if (!at)
		return NULL;
	at += sizeof(key) - 1;
	while (at < end && (strchr(blanks, *at) || *at == ':'))
		at++;
	if (at == end || *at++ != '"')
		return NULL;
	while (at + size < end && at[size] != '"')
		size++;
	if (!mesh_name_valid((struct str){ at, size }))
		return NULL;
	return arena_strndup(arena, at, size);
}

/* Other meshes are compared with: what came of that is not kept. */
static bool is_alone(struct session *s, const char *mesh)
{
	struct err ignored;
	const char **names;
	size_t count;

	if (config_names(s->options->root, s->arena, &names, &count, &ignored))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], mesh) != 0 &&
		    mesh_name_valid(str_of(names[i])))
			return false;
	return true;
}

static void add(struct rendered_input *inputs, size_t *count,
		const char *name, struct str text)
{
	inputs[(*count)++] = (struct rendered_input){ name, text };
}

/* All that the texts depend on; the document's own name is not in them. */
static bool made_from(struct session *s, const struct want *w,
		      const struct templates *templates, const char *mesh,
		      struct rendered *out)
{
	struct rendered_input *inputs = arena_new_array(
		s->arena, struct rendered_input, templates->source_count + 2);
	size_t count = 0;

	*out = (struct rendered){
		.program = program_id(s->arena), .mesh = mesh,
		.named = w->node, .inputs = inputs,
	};
	add(inputs, &count, "document", w->in.text.text);
	if (w->config.text.name)
		add(inputs, &count, "config", w->config.text.text);
	for (size_t i = 0; i < templates->source_count; i++)
		add(inputs, &count, templates->sources[i].name,
		    templates->sources[i].text);
	out->input_count = count;
	return out->program && is_alone(s, mesh);
}

static int read_config(struct session *s, const char *mesh, struct want *w)
{
	struct err failed = { 0 };

	if (!w->config.text.name &&
	    config_read(s->options->root, mesh, s->arena, &w->config,
			&s->diags, &failed) && failed.kind != ERR_NO_INPUT)
		return -1;
	want_settle(s, w);
	return 0;
}

/* As document_open() goes about it, without the document. */
static bool find(struct session *s, struct want *w, struct rendered *out)
{
	const char *mesh = guess_mesh(s->arena, w->in.text.text);
	struct templates templates;
	struct err ignored;
	struct str file;

	if (!mesh || (w->mesh && strcmp(w->mesh, mesh) != 0))
		return false;
	file = rendered_read(s->options->root, mesh, s->arena);
	if (!file.data || read_config(s, mesh, w) ||
	    templates_load(s->arena, s->options->root, s->options->templates ?
			   s->options->templates : w->config.templates,
			   &templates, &s->diags, &ignored) ||
	    !made_from(s, w, &templates, mesh, out) ||
	    !rendered_match(s->arena, file, out))
		return false;
	w->mesh = mesh;
	if (out->expires)
		trace_until((int64_t)out->expires);
	return !out->expires || (int64_t)out->expires > s->run.options.now;
}

/* A key from a pipe is gone once it was read: the long way may need it yet. */
static bool is_read_again(const char *key)
{
	struct stat st;

	return !key || (strcmp(key, "-") != 0 &&
			strcmp(key, "/dev/stdin") != 0 && !stat(key, &st) &&
			S_ISREG(st.st_mode));
}

/*
 * Whoever is not named finds itself by its key, which has to be the one that
 * the texts name as well; either way it is the node's own.
 */
static bool is_self(struct session *s, const struct want *w,
		    const struct rendered *r)
{
	const struct device *d = s->want.devices;
	const char *file = arena_printf(s->arena, "%s.key", r->mesh);

	if (s->want.device_count != 1 ||
	    !key_equal(&d->public_key, &r->public_key))
		return false;
	return w->node || w->key ||
	       (d->private_key_file && !strcmp(d->private_key_file, file));
}

static const struct texts *texts_of(struct session *s, const struct want *w,
				    const struct rendered *r)
{
	struct texts *texts = arena_new_object(s->arena, struct texts);
	struct source *const sources[RENDERED_TEXTS] = {
		&texts->wireguard, &texts->network, &texts->firewall,
	};

	for (size_t i = 0; i < RENDERED_TEXTS; i++)
		if (r->texts[i].data)
			*sources[i] = document_text(s, w, r->node, (struct
				source){ .name = template_file_names[i],
					 .text = r->texts[i] });
	return texts;
}

static bool take(struct session *s, struct want *w)
{
	struct rendered r;
	struct err ignored = { 0 };

	if (!find(s, w, &r) || !is_read_again(w->key))
		return false;
	w->texts = texts_of(s, w, &r);
	if (want_state(s, w, &ignored) ||
	    want_keys(s, w, &s->diags, &ignored) || !is_self(s, w, &r))
		return false;
	s->run.about = (struct generation){
		.node = r.node, .serial = r.serial,
		.has_serial = r.has_serial,
	};
	return true;
}

bool rendered_take(struct session *s, struct want *w)
{
	struct want_mark mark = want_mark(s);
	struct want kept = *w;

	if (take(s, &kept) && s->diags.count == mark.diags &&
	    s->note_count == mark.notes) {
		if (s->options->verbose)
			output_note(s, "this host is the node %s",
				    s->run.about.node);
		s->unchanged = true;
		*w = kept;
		return true;
	}
	s->diags.count = mark.diags;
	s->diags.errors = mark.errors;
	s->broken = 0;
	s->want = (struct state){ 0 };
	s->run.mesh = NULL;
	return false;
}

void rendered_keep(struct session *s, const struct want *w)
{
	const struct document *d = w->document;
	const struct texts *texts = w->texts;
	struct rendered *r = arena_new_object(s->arena, struct rendered);

	/* A plan keeps nothing; what was said would have to be said again. */
	if (s->options->dry_run || w->in.text.secret || w->held_count ||
	    s->diags.count ||
	    !made_from(s, w, &d->templates, d->mesh.name, r))
		return;
	r->node = d->self->name;
	r->public_key = d->self->public_key;
	r->has_serial = d->mesh.serial_where.source;
	r->serial = d->mesh.serial;
	r->expires = d->mesh.expires > 0 ? (uint64_t)d->mesh.expires : 0;
	r->texts[TEMPLATE_WIREGUARD] = texts->wireguard.text;
	r->texts[TEMPLATE_NETWORK] = texts->network.text;
	r->texts[TEMPLATE_FIREWALL] = texts->firewall.text;
	s->run.rendered = r;
}
