/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/mesh.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "support/texts.h"

static void add_key(struct sbuf *out, unsigned long number)
{
	char text[KEY_TEXT_MAX];
	struct key key = { { 1 } };

	for (size_t i = 1; i < sizeof(number); i++)
		key.bytes[i] = (uint8_t)(number >> (8 * (i - 1)));
	sbuf_puts(out, key_format(&key, text));
}

struct source *mesh_source(struct arena *arena, const char *text)
{
	struct source *source = arena_new_object(arena, struct source);
	struct sbuf out;

	sbuf_init(&out, arena);
	for (; *text; text++) {
		char *end;

		if (*text != '@') {
			sbuf_putc(&out, *text == '\'' ? '"' : *text);
			continue;
		}
		add_key(&out, strtoul(text + 1, &end, 10));
		text = end - 1;
	}
	source->name = "mesh.json";
	source->text = (struct str){ out.data, out.size };
	return source;
}

const struct mesh *mesh_of(struct arena *arena, const char *text)
{
	struct mesh *mesh = arena_new_object(arena, struct mesh);
	struct source *source = mesh_source(arena, text);
	struct diags diags;

	diags_init(&diags, arena);
	ck_assert_msg(!mesh_read(arena, arena, source, mesh, &diags),
		      "%s\n%s", diags_lines(arena, &diags), source->text.data);
	ck_assert_uint_eq(diags.errors, 0);
	return mesh;
}

const char *mesh_complain(struct arena *arena, const char *text)
{
	struct mesh mesh;
	struct diags diags;
	int result;

	diags_init(&diags, arena);
	result = mesh_read(arena, arena, mesh_source(arena, text), &mesh,
			   &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	return diags_lines(arena, &diags);
}

const char *mesh_test_lines(struct arena *arena, const char *text)
{
	const struct mesh *mesh = mesh_of(arena, text);
	struct diags diags;
	int result;

	diags_init(&diags, arena);
	result = mesh_test(arena, mesh, &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	return diags_lines(arena, &diags);
}
