/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was rendered, kept.  As a file: one that is taken is written again the
 * same.  As what is to be kept: it is found again, and is not with any byte of
 * the file changed, or cut off.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apply/rendered.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rendered_input inputs[] = {
	{ "document", { "{}\n", 3 } },
	{ "config", { "", 0 } },
};

static struct rendered made_from(void)
{
	return (struct rendered){
		.program = "1", .mesh = "office",
		.inputs = inputs, .input_count = array_size(inputs),
	};
}

static struct str write_out(struct arena *arena, const struct rendered *r)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	rendered_write(&out, r);
	return (struct str){ out.data, out.size };
}

static void as_file(struct arena *arena, struct str file)
{
	struct rendered r = made_from();

	if (rendered_match(arena, file, &r) &&
	    !str_equal(write_out(arena, &r), file))
		abort();
}

/* The next of the parts of DATA, which a zero byte ends. */
static struct str part(struct str *data)
{
	struct str out = *data;
	const char *end = data->size ? memchr(data->data, 0, data->size) :
				       NULL;

	if (!end) {
		*data = (struct str){ 0 };
		return out;
	}
	out.size = (size_t)(end - data->data);
	data->data += out.size + 1;
	data->size -= out.size + 1;
	return out;
}

static bool same(const struct rendered *a, const struct rendered *b)
{
	for (size_t i = 0; i < RENDERED_TEXTS; i++)
		if (!a->texts[i].data != !b->texts[i].data ||
		    !str_equal(a->texts[i], b->texts[i]))
			return false;
	return !strcmp(a->node, b->node) && a->serial == b->serial &&
	       a->has_serial == b->has_serial && a->expires == b->expires &&
	       !memcmp(&a->public_key, &b->public_key, sizeof(struct key));
}

static void as_content(struct arena *arena, struct str data, uint8_t how)
{
	struct rendered r = made_from(), again = made_from();
	struct str name = part(&data), file;
	uint64_t at = 0;

	if (data.size)
		memcpy(&at, data.data, data.size < 8 ? data.size : 8);
	/* As it is written: no empty string, which would be none. */
	r.node = name.size ? arena_strndup(arena, name.data, name.size) : "n";
	r.serial = at;
	r.has_serial = how & 1;
	r.expires = how & 2 ? at : 0;
	if (data.size)
		memcpy(r.public_key.bytes, data.data,
		       data.size < KEY_SIZE ? data.size : KEY_SIZE);
	for (size_t i = 0; i < RENDERED_TEXTS; i++)
		if (how & (4u << i))
			r.texts[i] = part(&data);
	file = write_out(arena, &r);
	if (!rendered_match(arena, file, &again) || !same(&r, &again))
		abort();
	at %= file.size;
	again = made_from();
	if (rendered_match(arena, (struct str){ file.data, (size_t)at },
			   &again))
		abort();
	/* Never none: a bit is set. */
	((char *)(uintptr_t)file.data)[at] ^= (char)(how | 1);
	if (rendered_match(arena, file, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct str text;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	if (!size)
		return 0;
	mark = arena_mark(arena);
	text = (struct str){ arena_copy(arena, data + 1, size - 1), size - 1 };
	if (data[0] == 'f')
		as_file(arena, text);
	else
		as_content(arena, text, data[0]);
	arena_reset(arena, mark);
	return 0;
}
