/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which a document says things is none of what it says: with
 * keys, nodes and those lists whose order means nothing shuffled, each node
 * is given the same texts, byte for byte.
 */
#include <jansson.h>
#include <stdio.h>

#include "support/check.h"
#include "support/random.h"
#include "support/rendered.h"

#define ARENA ((size_t)1 << 30)
#define ROUNDS 8

static const char *const names[] = {
	"custom-links", "dual-stack", "exit", "fifty-nodes", "hub-spoke",
	"minimal", "office", "two-hubs",
};

/* The order of a node's addresses decides the source address. */
static const char *const ordered[] = { "addresses" };

static struct arena *arena, *secrets;
static struct templates templates;
static struct random dice;

static void shuffle(const void **items, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below(&dice, (uint32_t)i);
		const void *item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}

static void write_shuffled(struct sbuf *out, const char *name, json_t *value);

static void write_object(struct sbuf *out, json_t *object)
{
	size_t count = json_object_size(object), i = 0;
	const void **keys = arena_new_array(arena, const void *, count);
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
		keys[i++] = key;
	shuffle(keys, count);
	sbuf_puts(out, "{");
	for (i = 0; i < count; i++) {
		sbuf_printf(out, "%s\n\"%s\": ", i ? "," : "",
			    (const char *)keys[i]);
		write_shuffled(out, keys[i], json_object_get(object, keys[i]));
	}
	sbuf_puts(out, "}");
}

static void write_array(struct sbuf *out, const char *name, json_t *array)
{
	size_t count = json_array_size(array);
	size_t *order = arena_new_array(arena, size_t, count);
	const void **items = arena_new_array(arena, const void *, count);

	for (size_t i = 0; i < count; i++) {
		order[i] = i;
		items[i] = &order[i];
	}
	for (size_t i = 0; i < array_size(ordered); i++)
		if (name && !strcmp(name, ordered[i]))
			name = NULL;
	if (name)
		shuffle(items, count);
	sbuf_puts(out, "[");
	for (size_t i = 0; i < count; i++) {
		sbuf_puts(out, i ? ", " : "");
		write_shuffled(out, NULL, json_array_get(array,
				*(const size_t *)items[i]));
	}
	sbuf_puts(out, "]");
}

static void write_shuffled(struct sbuf *out, const char *name, json_t *value)
{
	char *text;

	if (json_is_object(value)) {
		write_object(out, value);
	} else if (json_is_array(value)) {
		write_array(out, name, value);
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY);
		sbuf_puts(out, text);
		free(text);
	}
}

static void read_mesh(struct str text, struct mesh *out)
{
	struct source *source = arena_new_object(arena, struct source);
	struct diags diags;
	struct sbuf said;

	diags_init(&diags, arena);
	sbuf_init(&said, arena);
	sbuf_puts(&said, "");
	source->name = "shuffled.json";
	source->text = text;
	if (mesh_read(arena, secrets, source, out, &diags) < 0)
		diags_format(&diags, &said);
	ck_assert_msg(!diags.errors, "%s", said.data);
}

static void render(const struct mesh *mesh, size_t node, struct texts *out)
{
	struct diags diags;
	struct view view;

	diags_init(&diags, arena);
	view_make(arena, mesh, &mesh->nodes[node], &view);
	ck_assert_int_eq(rendered_texts(arena, &templates, &view, out, &diags),
			 0);
}

static void compare(const struct mesh *mesh, const struct texts *texts,
		    const struct mesh *other)
{
	ck_assert_uint_eq(mesh->node_count, other->node_count);
	for (size_t i = 0; i < mesh->node_count; i++) {
		struct texts made;

		render(other, i, &made);
		ck_assert_str_eq(mesh->nodes[i].name, other->nodes[i].name);
		ck_assert(str_equal(texts[i].wireguard.text,
				    made.wireguard.text));
		ck_assert(str_equal(texts[i].network.text,
				    made.network.text));
		ck_assert(str_equal(texts[i].firewall.text,
				    made.firewall.text));
	}
}

static void check_example(const char *name)
{
	const char *root = getenv("MESHAPPLY_SOURCE");
	const char *path = arena_printf(arena, "%s/examples/%s.json",
					root ? root : ".", name);
	json_t *document = json_load_file(path, 0, NULL);
	struct mesh mesh, other;
	struct texts *texts;
	struct sbuf text;

	ck_assert_msg(document != NULL, "%s", path);
	sbuf_init(&text, arena);
	write_shuffled(&text, NULL, document);
	read_mesh((struct str){ text.data, text.size }, &mesh);
	texts = arena_new_array(arena, struct texts, mesh.node_count);
	for (size_t i = 0; i < mesh.node_count; i++)
		render(&mesh, i, &texts[i]);
	for (int round = 0; round < ROUNDS; round++) {
		size_t mark = arena_mark(arena);

		sbuf_init(&text, arena);
		write_shuffled(&text, NULL, document);
		read_mesh((struct str){ text.data, text.size }, &other);
		compare(&mesh, texts, &other);
		arena_reset(arena, mark);
	}
	json_decref(document);
}

START_TEST(order_says_nothing)
{
	arena = arena_new(ARENA);
	secrets = arena_new_secret(1 << 20);
	ck_assert_int_eq(rendered_templates(arena, &templates), 0);
	dice.state = 20;
	for (size_t i = 0; i < array_size(names); i++) {
		size_t mark = arena_mark(arena);

		check_example(names[i]);
		arena_reset(arena, mark);
	}
	arena_freep(&arena);
	arena_freep(&secrets);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(order_says_nothing),
	};

	return check_run("doc_reorder", cases, array_size(cases));
}
