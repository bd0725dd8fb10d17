/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of links in firewall.nft, for which the compiler makes stubs. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/firewall.h"
#include "state/firewall_lex.h"
#include "state/value.h"

/* Definitions that use definitions are followed so far. */
#define NESTING_MAX 8

/* Words of the text; views, maybe repeated. */
struct word_list {
	struct str *items;
	size_t count, capacity;
};

struct collector {
	struct arena *arena;
	struct str text;
	struct word_list names;		/* of links */
	struct word_list variables;	/* that stand where a link does */
};

static int word_compare(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void add(struct collector *c, struct word_list *list, struct str word)
{
	arena_room(c->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	list->items[list->count++] = word;
}

static void sort_once(struct word_list *list)
{
	size_t kept = 0;

	items_sort(list->items, list->count, sizeof(*list->items),
		   word_compare);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || !str_equal(list->items[kept - 1], list->items[i]))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static void add_name(struct collector *c, const struct lex_token *token)
{
	struct str name = token->text;

	if (token->kind == LEX_STRING)
		name = (struct str){ name.data + 1, name.size - 2 };
	if (link_name_valid(name) && !memchr(name.data, '*', name.size) &&
	    !str_is(name, "lo"))
		add(c, &c->names, name);
}

/* One value or, in braces, several; TOKEN is the first and then the next
   after it. */
static void take_value(struct collector *c, struct lex *lex,
		       struct lex_token *token)
{
	bool braces = lex_is(token, "{");

	if (braces)
		*token = lex_next(lex);
	while (token->kind != LEX_END && !lex_is(token, "}")) {
		if (lex_is(token, "$")) {
			*token = lex_next(lex);
			if (token->kind == LEX_WORD)
				add(c, &c->variables, token->text);
		} else if (token->kind == LEX_WORD ||
			   token->kind == LEX_STRING) {
			add_name(c, token);
		}
		*token = lex_next(lex);
		if (!braces)
			return;
	}
}

static bool is_operator(const struct lex_token *token)
{
	return lex_is(token, "=") || lex_is(token, "!") ||
	       lex_is(token, "eq") || lex_is(token, "ne");
}

static bool is_link_word(const struct lex_token *token)
{
	return lex_is(token, "iifname") || lex_is(token, "oifname") ||
	       lex_is(token, "device") || lex_is(token, "devices");
}

static bool is_variable(const struct collector *c, struct str name)
{
	return c->variables.count &&
	       bsearch(&name, c->variables.items, c->variables.count,
		       sizeof(name), word_compare);
}

/* What stands where a link's name does; definitions of known variables. */
static void pass(struct collector *c)
{
	struct lex lex = { c->text, 0 };
	struct lex_token token = lex_next(&lex);

	while (token.kind != LEX_END) {
		bool wanted = is_link_word(&token);

		if (lex_is(&token, "define")) {
			token = lex_next(&lex);
			wanted = is_variable(c, token.text);
		}
		token = lex_next(&lex);
		if (!wanted)
			continue;
		while (is_operator(&token))
			token = lex_next(&lex);
		take_value(c, &lex, &token);
	}
	sort_once(&c->names);
	sort_once(&c->variables);
}

size_t firewall_link_names(struct arena *arena, struct str text,
			   const char *const **names)
{
	struct collector c = { .arena = arena, .text = text };
	const char **out;
	size_t known;

	for (int i = 0; i < NESTING_MAX; i++) {
		known = c.variables.count;
		pass(&c);
		if (known == c.variables.count)
			break;
	}
	out = arena_new_array(arena, const char *, c.names.count);
	for (size_t i = 0; i < c.names.count; i++)
		out[i] = arena_strndup(arena, c.names.items[i].data,
				       c.names.items[i].size);
	*names = out;
	return c.names.count;
}
