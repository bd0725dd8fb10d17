/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The template language: any text, as template and as its own partial, with
 * values that are always the same.  Twice the same comes out.
 */
#include <stdint.h>

#include "fixed_point.h"
#include "render/template.h"
#include "render/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MOST 4096	/* small ones find as much, and more of them fit */

static const struct value *values(struct arena *arena,
				  const struct source *document)
{
	struct value *root = value_object(arena), *list = value_list(arena);
	struct place where = { document, 1 };

	for (int i = 0; i < 3; i++) {
		struct value *item = value_object(arena);

		value_set(arena, item, "x", value_number(arena, 7));
		value_set(arena, item, "l", value_list(arena));
		value_add(arena, list, item);
	}
	value_set(arena, root, "l", list);
	value_set(arena, root, "o", list->list.items[0]);
	value_set(arena, root, "t", value_bool(arena, true));
	value_set(arena, root, "f", value_bool(arena, false));
	value_set(arena, root, "e", value_string(arena, ""));
	value_set(arena, root, "n",
		  value_text_at(arena, STR("a\n#b"), where));
	return root;
}

static void render(struct arena *arena, const struct source *template,
		   const struct value *root, enum carry carry,
		   struct sbuf *out)
{
	struct template_text texts[] = { { "p", template } };
	struct template_set *set;
	struct diags diags;
	struct str made;

	diags_init(&diags, arena);
	sbuf_init(out, arena);
	set = template_parse(arena, texts, 1, &diags);
	if (!set != !!diags.errors)
		abort();
	if (set && !template_render(arena, set, "p", root, carry, &made,
				    &diags))
		sbuf_str(out, made);
	else if (!diags.errors)
		abort();
	diags_sort(&diags);
	diags_format(&diags, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source document = { .name = "d", .text = STR("ab\ncd") };
	struct source template = { .name = "p" };
	struct arena *arena = fresh_arena();
	const struct value *root = values(arena, &document);
	enum carry carry = (enum carry)(size % (CARRY_TEXT + 1));
	struct sbuf first, second;

	if (size > SIZE_MOST)
		return 0;
	template.text = (struct str){ (const char *)data, size };
	render(arena, &template, root, carry, &first);
	render(arena, &template, root, carry, &second);
	if (first.size != second.size ||
	    memcmp(first.data, second.data, first.size) != 0)
		abort();
	return 0;
}
