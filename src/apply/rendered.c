/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was rendered, as lines and raw bytes, and back. */
#include "apply/rendered.h"

#include <sodium.h>
#include <string.h>

#include "apply/record.h"
#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "state/text.h"

/* A document, templates and a config, three texts. */
#define RENDERED_LIMIT ((RENDERED_TEXTS + 1) * (size_t)TEXT_LIMIT)
#define DIGEST_SIZE 16
#define DIGEST_TEXT (2 * DIGEST_SIZE + 1)

static const char *const names[RENDERED_TEXTS] = {
	TEXT_WIREGUARD, TEXT_NETWORK, TEXT_FIREWALL,
};

struct head {
	const char *program, *mesh, *named;
	uint64_t inputs;
};

static const struct field head_fields[] = {
	{ "program", FIELD_STRING, offsetof(struct head, program) },
	{ "mesh", FIELD_STRING, offsetof(struct head, mesh) },
	{ "named", FIELD_STRING, offsetof(struct head, named) },
	{ "inputs", FIELD_U64, offsetof(struct head, inputs) },
};

/* Before raw bytes. */
struct part {
	const char *name;
	uint64_t size;
};

static const struct field part_fields[] = {
	{ "name", FIELD_STRING, offsetof(struct part, name) },
	{ "size", FIELD_U64, offsetof(struct part, size) },
};

struct outcome {
	const char *node, *digest;
	struct key public_key;
	bool has_serial;
	uint64_t serial, expires;
};

static const struct field made_fields[] = {
	{ "node", FIELD_STRING, offsetof(struct outcome, node) },
	{ "public-key", FIELD_KEY, offsetof(struct outcome, public_key) },
	{ "has-serial", FIELD_BOOL, offsetof(struct outcome, has_serial) },
	{ "serial", FIELD_U64, offsetof(struct outcome, serial) },
	{ "expires", FIELD_U64, offsetof(struct outcome, expires) },
	{ "digest", FIELD_STRING, offsetof(struct outcome, digest) },
};

/* The inputs are compared; what was made is taken, if nobody edited it. */
static void digest(const struct rendered *r, char out[static DIGEST_TEXT])
{
	const uint64_t numbers[] = { r->has_serial, r->serial, r->expires };
	unsigned char hash[DIGEST_SIZE];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const unsigned char *)r->node,
				  strlen(r->node) + 1);
	crypto_generichash_update(&state, r->public_key.bytes, KEY_SIZE);
	crypto_generichash_update(&state, (const unsigned char *)numbers,
				  sizeof(numbers));
	for (size_t i = 0; i < RENDERED_TEXTS; i++) {
		uint64_t size = r->texts[i].data ? r->texts[i].size + 1 : 0;

		crypto_generichash_update(&state, (unsigned char *)&size,
					  sizeof(size));
		crypto_generichash_update(&state, (const unsigned char *)
					  r->texts[i].data, r->texts[i].size);
	}
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(out, DIGEST_TEXT, hash, sizeof(hash));
}

struct str rendered_read(const char *root, const char *mesh,
			 struct arena *arena)
{
	struct str file = { 0 };
	struct err ignored;
	cleanup_fd int folder = folder_open(
		arena_printf(arena, "%s/var/lib", root),
		arena_printf(arena, "meshapply/%s", mesh), false, 0, &ignored);

	if (folder < 0)
		return file;
	trace_by_times(true);
	/* Not that it were a secret: no other user can have made it. */
	if (file_read_secret(folder, STORE_RENDERED, RENDERED_LIMIT, arena,
			     &file, &ignored) < 0)
		file = (struct str){ 0 };
	trace_by_times(false);
	return file;
}

static void put_part(struct sbuf *out, const char *kind, const char *name,
		     struct str text)
{
	struct part part = { name, text.size };

	record_write(out, kind, part_fields, array_size(part_fields), &part);
	sbuf_str(out, text);
	sbuf_putc(out, '\n');
}

void rendered_write(struct sbuf *out, const struct rendered *r)
{
	struct head head = { r->program, r->mesh, r->named, r->input_count };
	char text[DIGEST_TEXT];
	struct outcome made = {
		.node = r->node, .digest = text, .public_key = r->public_key,
		.has_serial = r->has_serial, .serial = r->serial,
		.expires = r->expires,
	};

	digest(r, text);
	record_write(out, "rendered", head_fields, array_size(head_fields),
		     &head);
	for (size_t i = 0; i < r->input_count; i++)
		put_part(out, "input", r->inputs[i].name, r->inputs[i].text);
	record_write(out, "made", made_fields, array_size(made_fields), &made);
	for (size_t i = 0; i < RENDERED_TEXTS; i++)
		if (r->texts[i].data)
			put_part(out, "text", names[i], r->texts[i]);
	sbuf_puts(out, "end\n");
}

static bool string_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool match_head(struct records *lines, const struct rendered *r)
{
	struct record record;
	struct head head = { 0 };

	return record_next(lines, &record) &&
	       str_is(record.kind, "rendered") &&
	       record_read(lines, &record, head_fields,
			   array_size(head_fields), &head) &&
	       string_equal(head.program, r->program) &&
	       string_equal(head.mesh, r->mesh) &&
	       string_equal(head.named, r->named) &&
	       head.inputs == r->input_count;
}

static bool take_part(struct records *lines, const struct record *record,
		      const char **name, struct str *text)
{
	struct part part = { 0 };

	if (!record_read(lines, record, part_fields, array_size(part_fields),
			 &part) || !part.name || part.size > TEXT_LIMIT ||
	    !record_raw(lines, (size_t)part.size, text))
		return false;
	*name = part.name;
	return true;
}

static bool match_inputs(struct records *lines, const struct rendered *r)
{
	for (size_t i = 0; i < r->input_count; i++) {
		const struct rendered_input *input = &r->inputs[i];
		struct record record;
		const char *name;
		struct str text;

		if (!record_next(lines, &record) ||
		    !str_is(record.kind, "input") ||
		    !take_part(lines, &record, &name, &text) ||
		    strcmp(name, input->name) != 0 ||
		    !str_equal(text, input->text))
			return false;
	}
	return true;
}

static bool take_made(struct records *lines, struct rendered *r,
		      const char **sum)
{
	struct record record;
	struct outcome made = { 0 };

	if (!record_next(lines, &record) || !str_is(record.kind, "made") ||
	    !record_read(lines, &record, made_fields, array_size(made_fields),
			 &made) || !made.node || !made.digest)
		return false;
	r->node = made.node;
	r->public_key = made.public_key;
	r->has_serial = made.has_serial;
	r->serial = made.serial;
	r->expires = made.expires;
	*sum = made.digest;
	return true;
}

/* In their order, each at most once, up to the end. */
static bool take_texts(struct records *lines, struct rendered *r)
{
	struct record record;
	size_t next = 0;

	while (record_next(lines, &record)) {
		const char *name;
		struct str text;

		if (str_is(record.kind, "end") && !record.words.size)
			return !lines->rest.size;
		if (!str_is(record.kind, "text") ||
		    !take_part(lines, &record, &name, &text))
			return false;
		while (next < RENDERED_TEXTS && strcmp(names[next], name) != 0)
			next++;
		if (next == RENDERED_TEXTS)
			return false;
		r->texts[next++] = text;
	}
	return false;
}

bool rendered_match(struct arena *arena, struct str file, struct rendered *r)
{
	struct records lines = { .arena = arena, .secrets = arena,
				 .rest = file };
	struct rendered found = *r;
	char text[DIGEST_TEXT];
	const char *sum;

	memset(found.texts, 0, sizeof(found.texts));
	if (!match_head(&lines, r) || !match_inputs(&lines, r) ||
	    !take_made(&lines, &found, &sum) || !take_texts(&lines, &found))
		return false;
	digest(&found, text);
	if (strcmp(text, sum) != 0)
		return false;
	*r = found;
	return true;
}
