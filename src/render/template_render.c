/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes and values to a text. */
#include <string.h>

#include "base/arena.h"
#include "render/template_private.h"
#include "render/value.h"

/* What names are looked up in, from the innermost. */
struct context {
	const struct value *value;
	const struct context *outer;
};

/* Blanks at the start of each line of a partial, the outermost first. */
struct indent {
	struct str blanks;
	const struct indent *outer;
};

/* Where in a template, and with what. */
struct at {
	const struct template *t;
	const struct context *context;
	const struct indent *indent;	/* NULL: none */
	unsigned int depth;		/* of partials */
};

struct render {
	struct arena *arena;
	const struct template_set *set;
	const char *name;
	enum carry carry;
	struct diags *diags;
	struct sbuf out;
	bool *reported;		/* by a node's number in the set */
	size_t steps;
	bool failed, stopped;
};

static const char *show(struct render *r, struct str text)
{
	return template_show(r->diags, text);
}

/* True once for each node: the same again would tell nothing new. */
static bool report(struct render *r, const struct at *at,
		   const struct node *node)
{
	size_t id = at->t->first_id + (size_t)(node - at->t->nodes);
	bool before = r->reported[id];

	r->reported[id] = true;
	r->failed = true;
	return !before;
}

/* No more of it: what else is wrong would be drowned. */
static void stop(struct render *r, const struct at *at,
		 const struct node *node, const char *why)
{
	if (!r->stopped)
		diag_error(r->diags, template_place(at->t, node->text), "%s",
			   why);
	r->failed = true;
	r->stopped = true;
}

static bool step(struct render *r, const struct at *at,
		 const struct node *node)
{
	if (r->stopped)
		return false;
	if (r->steps++ < TEMPLATE_STEPS_LIMIT)
		return true;
	stop(r, at, node, arena_printf(r->diags->arena, "rendering %s takes "
				       "more than %u steps", r->name,
				       TEMPLATE_STEPS_LIMIT));
	return false;
}

static void put(struct render *r, const struct at *at,
		const struct node *node, struct str text)
{
	if (text.size > TEMPLATE_OUTPUT_LIMIT - r->out.size)
		stop(r, at, node, arena_printf(r->diags->arena, "%s becomes "
					       "larger than %u bytes", r->name,
					       TEMPLATE_OUTPUT_LIMIT));
	else
		sbuf_str(&r->out, text);
}

static void put_indent(struct render *r, const struct at *at,
		       const struct node *node, const struct indent *indent)
{
	if (!indent)
		return;
	put_indent(r, at, node, indent->outer);
	put(r, at, node, indent->blanks);
}

/* A line with nothing in it stays so. */
static bool is_empty_line(struct str text)
{
	return str_starts(text, "\n") || str_starts(text, "\r\n");
}

static void put_text(struct render *r, const struct at *at,
		     const struct node *node)
{
	struct str rest = node->text;

	if (!at->indent) {
		put(r, at, node, rest);
		return;
	}
	if (node->line_start && !is_empty_line(rest))
		put_indent(r, at, node, at->indent);
	while (rest.size && !r->stopped) {
		const char *newline = memchr(rest.data, '\n', rest.size);
		struct str line = rest;

		if (newline)
			line.size = (size_t)(newline - rest.data) + 1;
		put(r, at, node, line);
		rest.data += line.size;
		rest.size -= line.size;
		if (rest.size && !is_empty_line(rest))
			put_indent(r, at, node, at->indent);
	}
}

static void add_names(struct sbuf *names, const struct value *value)
{
	if (value->kind != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < value->object.count; i++)
		sbuf_add(names, &value->object.items[i].name,
			 sizeof(const char *));
}

/* PART is not among the members of OWNER, or, if NULL, of all contexts. */
static void undefined(struct render *r, const struct at *at,
		      const struct node *node, struct str part,
		      const struct value *owner)
{
	struct sbuf names;
	struct diag *diag;
	struct str before;

	if (!report(r, at, node))
		return;
	sbuf_init(&names, r->diags->arena);
	if (owner)
		add_names(&names, owner);
	for (const struct context *c = at->context; c && !owner; c = c->outer)
		add_names(&names, c->value);
	before = (struct str){ node->text.data,
			       (size_t)(part.data - node->text.data) };
	if (before.size)
		before.size--;
	if (!owner)
		diag = diag_error(r->diags, template_place(at->t, part),
				  "\"%s\" is not defined", show(r, part));
	else
		diag = diag_error(r->diags, template_place(at->t, part),
				  "\"%s\" is %s and has no member \"%s\"",
				  show(r, before), value_kind_words(owner),
				  show(r, part));
	diag_hint_nearest(r->diags, diag, part,
			  (const char *const *)(void *)names.data,
			  names.size / sizeof(const char *));
}

/* The value that the tag names, or NULL and an error. */
static const struct value *lookup(struct render *r, const struct at *at,
				  const struct node *node)
{
	const struct value *value = NULL, *owner = NULL;
	struct str rest = node->text, part;

	if (str_is(rest, "."))
		return at->context->value;
	str_next(&rest, '.', &part);
	for (const struct context *c = at->context; c && !value; c = c->outer)
		value = value_get(c->value, part);
	while (value && str_next(&rest, '.', &part)) {
		owner = value;
		value = value_get(owner, part);
	}
	if (!value)
		undefined(r, at, node, part, owner);
	return value;
}

static const char *way_to_write(enum value_kind kind)
{
	switch (kind) {
	case VALUE_FALSE:
	case VALUE_TRUE:
		return "a section asks for it: {{#name}}…{{/name}}";
	case VALUE_LIST:
		return "a section goes through it: {{#name}}{{.}}{{/name}}";
	case VALUE_OBJECT:
		return "one of its members can be: {{name.member}}";
	case VALUE_TEXT:
		break;
	}
	return NULL;
}

static void render_value(struct render *r, const struct at *at,
			 const struct node *node)
{
	const struct value *value = lookup(r, at, node);
	struct diag *diag;
	const char *why;

	if (!value)
		return;
	why = value->kind == VALUE_TEXT ?
		carry_refuses(r->diags->arena, r->carry, value->text) : NULL;
	if (value->kind == VALUE_TEXT && !why) {
		put(r, at, node, value->text);
		return;
	}
	if (!report(r, at, node))
		return;
	if (why)
		diag = diag_error(r->diags, template_place(at->t, node->text),
				  "%s cannot carry \"%s\" of {{%s}}: it %s",
				  r->name, show(r, value->text),
				  show(r, node->text), why);
	else
		diag = diag_error(r->diags, template_place(at->t, node->text),
				  "\"%s\" is %s, which cannot be written",
				  show(r, node->text),
				  value_kind_words(value));
	diag->hint = way_to_write(value->kind);
	diag->other = value->where;
	diag->other_message = "the value comes from here";
}

static void render_nodes(struct render *r, const struct at *at, size_t first,
			 size_t end);

/* The nodes of a section, with VALUE as the innermost context. */
static void render_with(struct render *r, const struct at *at,
			const struct node *node, const struct value *value)
{
	struct context context = { value, at->context };
	struct at inner = *at;

	inner.context = &context;
	if (step(r, at, node))
		render_nodes(r, &inner,
			     (size_t)(node - at->t->nodes) + 1, node->end);
}

static void render_section(struct render *r, const struct at *at,
			   const struct node *node)
{
	const struct value *value = lookup(r, at, node);

	if (!value)
		return;
	switch (value->kind) {
	case VALUE_FALSE:
		return;
	case VALUE_TRUE:
		render_nodes(r, at, (size_t)(node - at->t->nodes) + 1,
			     node->end);
		return;
	case VALUE_TEXT:
		if (value->text.size)
			render_with(r, at, node, value);
		return;
	case VALUE_LIST:
		for (size_t i = 0; i < value->list.count && !r->stopped; i++)
			render_with(r, at, node, value->list.items[i]);
		return;
	case VALUE_OBJECT:
		render_with(r, at, node, value);
		return;
	}
}

static bool is_nothing(const struct value *value)
{
	switch (value->kind) {
	case VALUE_FALSE:
		return true;
	case VALUE_TEXT:
		return !value->text.size;
	case VALUE_LIST:
		return !value->list.count;
	case VALUE_TRUE:
	case VALUE_OBJECT:
		break;
	}
	return false;
}

static void render_inverted(struct render *r, const struct at *at,
			    const struct node *node)
{
	const struct value *value = lookup(r, at, node);

	if (value && is_nothing(value))
		render_nodes(r, at, (size_t)(node - at->t->nodes) + 1,
			     node->end);
}

static void render_partial(struct render *r, const struct at *at,
			   const struct node *node)
{
	const struct template *t = &r->set->items[node->partial];
	struct indent indent = { node->indent, at->indent };
	struct at inner = { t, at->context, NULL, at->depth + 1 };

	if (inner.depth > TEMPLATE_PARTIALS_DEPTH) {
		stop(r, at, node, arena_printf(r->diags->arena, "partials "
			"stand in one another more than %u deep: \"%s\" may "
			"include itself", TEMPLATE_PARTIALS_DEPTH, t->name));
		return;
	}
	/* Only one that has its line to itself is indented. */
	if (node->indent.data)
		inner.indent = node->indent.size ? &indent : at->indent;
	render_nodes(r, &inner, 0, t->count);
}

static void render_nodes(struct render *r, const struct at *at, size_t first,
			 size_t end)
{
	size_t i = first;

	while (i < end) {
		const struct node *node = &at->t->nodes[i++];

		if (!step(r, at, node))
			return;
		if (node->line_start && node->kind != NODE_TEXT)
			put_indent(r, at, node, at->indent);
		switch (node->kind) {
		case NODE_TEXT:
			put_text(r, at, node);
			break;
		case NODE_VALUE:
			render_value(r, at, node);
			break;
		case NODE_SECTION:
			render_section(r, at, node);
			i = node->end;
			break;
		case NODE_INVERTED:
			render_inverted(r, at, node);
			i = node->end;
			break;
		case NODE_PARTIAL:
			render_partial(r, at, node);
			break;
		}
	}
}

int template_render(struct arena *arena, const struct template_set *set,
		    const char *name, const struct value *values,
		    enum carry carry, struct str *out, struct diags *diags)
{
	size_t index = template_find(set, str_of(name));
	struct context root = { values, NULL };
	struct at at = { &set->items[index], &root, NULL, 0 };
	struct render r = {
		.arena = arena, .set = set, .name = name, .carry = carry,
		.diags = diags,
	};

	sbuf_init(&r.out, arena);
	r.reported = arena_new_array(arena, bool, set->node_count);
	render_nodes(&r, &at, 0, at.t->count);
	if (r.failed)
		return -1;
	*out = sbuf_end(&r.out);
	return 0;
}
