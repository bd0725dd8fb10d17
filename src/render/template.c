/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of templates: each parsed, and each partial found. */
#include "render/template.h"

#include "base/arena.h"
#include "render/template_private.h"

#define SHOWN 60	/* bytes of a name or a value in a message */

struct place template_place(const struct template *t, struct str view)
{
	return (struct place){
		t->source, (size_t)(view.data - t->source->text.data)
	};
}

const char *template_show(struct diags *diags, struct str text)
{
	return str_show(diags->arena, text, SHOWN);
}

size_t template_find(const struct template_set *set, struct str name)
{
	size_t i = 0;

	while (i < set->count && !str_is(name, set->items[i].name))
		i++;
	return i;
}

static void missing(const struct template_set *set, const struct template *t,
		    struct str name, struct diags *diags)
{
	const char **names = arena_new_array(diags->arena, const char *,
					     set->count);
	struct diag *diag;

	for (size_t i = 0; i < set->count; i++)
		names[i] = set->items[i].name;
	diag = diag_error(diags, template_place(t, name),
			  "no partial is called \"%s\"",
			  template_show(diags, name));
	diag_hint_nearest(diags, diag, name, names, set->count);
}

/* The partials that T names. */
static void link_partials(const struct template_set *set, struct template *t,
			  struct diags *diags)
{
	for (size_t i = 0; i < t->count; i++) {
		struct node *node = &t->nodes[i];

		if (node->kind != NODE_PARTIAL)
			continue;
		node->partial = template_find(set, node->text);
		if (node->partial == set->count)
			missing(set, t, node->text, diags);
	}
}

struct template_set *template_parse(struct arena *arena,
				    const struct template_text *texts,
				    size_t count, struct diags *diags)
{
	struct template_set *set = arena_new_object(arena, struct template_set);
	size_t errors = diags->errors;

	set->items = arena_new_array(arena, struct template, count);
	set->count = count;
	for (size_t i = 0; i < count; i++) {
		struct template *t = &set->items[i];

		t->name = texts[i].name;
		t->source = texts[i].source;
		template_parse_one(arena, t, diags);
		t->first_id = set->node_count;
		set->node_count += t->count;
	}
	for (size_t i = 0; i < count; i++)
		link_partials(set, &set->items[i], diags);
	return diags->errors == errors ? set : NULL;
}

bool template_uses(const struct template_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < set->items[i].count; j++) {
			const struct node *node = &set->items[i].nodes[j];

			if (node->kind == NODE_PARTIAL &&
			    str_is(node->text, name))
				return true;
		}
	return false;
}
