/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "render/value.h"

#include <string.h>

#include "base/arena.h"

static struct value *make(struct arena *arena, enum value_kind kind)
{
	struct value *value = arena_new_object(arena, struct value);

	value->kind = kind;
	return value;
}

struct value *value_object(struct arena *arena)
{
	return make(arena, VALUE_OBJECT);
}

struct value *value_list(struct arena *arena)
{
	return make(arena, VALUE_LIST);
}

struct value *value_text(struct arena *arena, struct str text)
{
	struct value *value = make(arena, VALUE_TEXT);

	value->text = text;
	return value;
}

struct value *value_string(struct arena *arena, const char *string)
{
	return value_text(arena, str_of(string));
}

struct value *value_number(struct arena *arena, uint64_t number)
{
	return value_string(arena, arena_printf(arena, "%ju",
						(uintmax_t)number));
}

struct value *value_bool(struct arena *arena, bool truth)
{
	return make(arena, truth ? VALUE_TRUE : VALUE_FALSE);
}

struct value *value_at(struct value *value, struct place where)
{
	value->where = where;
	return value;
}

struct value *value_text_at(struct arena *arena, struct str text,
			    struct place where)
{
	return value_at(value_text(arena, text), where);
}

void value_set(struct arena *arena, struct value *object, const char *name,
	       struct value *value)
{
	struct value_object *o = &object->object;

	arena_room(arena, &o->items, o->count, &o->capacity,
		   sizeof(*o->items));
	o->items[o->count++] =
		(struct value_member){ name, strlen(name), value };
}

void value_add(struct arena *arena, struct value *list, struct value *item)
{
	struct value_list *l = &list->list;

	arena_room(arena, &l->items, l->count, &l->capacity,
		   sizeof(struct value *));
	l->items[l->count++] = item;
}

const struct value *value_get(const struct value *object, struct str name)
{
	if (object->kind != VALUE_OBJECT)
		return NULL;
	for (size_t i = 0; i < object->object.count; i++) {
		const struct value_member *m = &object->object.items[i];

		if (m->name_size == name.size &&
		    !memcmp(m->name, name.data, name.size))
			return m->value;
	}
	return NULL;
}

const char *value_kind_words(const struct value *value)
{
	switch (value->kind) {
	case VALUE_FALSE:
		return "false";
	case VALUE_TRUE:
		return "true";
	case VALUE_TEXT:
		return "a text";
	case VALUE_LIST:
		return "a list";
	case VALUE_OBJECT:
		return "an object";
	}
	return "";
}

/* One character of SIZE bytes, 0 where there is none. */
static void json_character(struct sbuf *out, struct str text, size_t size,
			   uint32_t character)
{
	size_t before = out->size;

	if (!size) {
		sbuf_puts(out, "\xef\xbf\xbd");
		return;
	}
	if (character == '"' || character == '\\') {
		sbuf_printf(out, "\\%c", (char)character);
		return;
	}
	if (character == '\n') {
		sbuf_puts(out, "\\n");
		return;
	}
	/* What is not shown as it is, a terminal must not see either. */
	text.size = size;
	sbuf_show(out, text, size);
	if (out->size - before == size)
		return;
	out->size = before;
	sbuf_printf(out, "\\u%04x", (unsigned int)character);
}

static void json_text(struct sbuf *out, struct str text)
{
	sbuf_putc(out, '"');
	while (text.size) {
		uint32_t character = 0;
		size_t size = str_utf8(text, &character);

		json_character(out, text, size, character);
		if (!size)
			size = 1;
		text.data += size;
		text.size -= size;
	}
	sbuf_putc(out, '"');
}

static void json_indent(struct sbuf *out, size_t depth)
{
	sbuf_putc(out, '\n');
	for (size_t i = 0; i < depth; i++)
		sbuf_puts(out, "  ");
}

static void json_value(struct sbuf *out, const struct value *value,
		       size_t depth);

static void json_list(struct sbuf *out, const struct value_list *list,
		      size_t depth)
{
	sbuf_putc(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			sbuf_putc(out, ',');
		json_indent(out, depth + 1);
		json_value(out, list->items[i], depth + 1);
	}
	if (list->count)
		json_indent(out, depth);
	sbuf_putc(out, ']');
}

static void json_object(struct sbuf *out, const struct value_object *object,
			size_t depth)
{
	sbuf_putc(out, '{');
	for (size_t i = 0; i < object->count; i++) {
		const struct value_member *m = &object->items[i];

		if (i)
			sbuf_putc(out, ',');
		json_indent(out, depth + 1);
		json_text(out, (struct str){ m->name, m->name_size });
		sbuf_puts(out, ": ");
		json_value(out, m->value, depth + 1);
	}
	if (object->count)
		json_indent(out, depth);
	sbuf_putc(out, '}');
}

static void json_value(struct sbuf *out, const struct value *value,
		       size_t depth)
{
	switch (value->kind) {
	case VALUE_FALSE:
		sbuf_puts(out, "false");
		break;
	case VALUE_TRUE:
		sbuf_puts(out, "true");
		break;
	case VALUE_TEXT:
		json_text(out, value->text);
		break;
	case VALUE_LIST:
		json_list(out, &value->list, depth);
		break;
	case VALUE_OBJECT:
		json_object(out, &value->object, depth);
		break;
	}
}

void value_json(struct sbuf *out, const struct value *value)
{
	json_value(out, value, 0);
	sbuf_putc(out, '\n');
}
