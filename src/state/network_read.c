/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.batch: lines as "ip -batch" takes them. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/network.h"
#include "state/reader.h"

struct network_reader {
	struct arena *arena;
	struct state *state;
	size_t route_capacity, rule_capacity;
	struct statement statement;
	size_t next;		/* offset in the text */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Quotes and backslashes mean something to ip: no word has a use for them. */
static bool is_word(char c)
{
	return c > ' ' && c <= '~' && !strchr("\"'\\#", c);
}

/* Bytes of a backslash and the newline it hides, or 0. */
static size_t continuation(struct str text, size_t at)
{
	size_t size = 1;

	if (text.data[at] != '\\')
		return 0;
	if (at + size < text.size && text.data[at + size] == '\r')
		size++;
	if (at + size < text.size && text.data[at + size] == '\n')
		return size + 1;
	return 0;
}

static size_t line_end(struct str text, size_t at)
{
	const char *newline = memchr(text.data + at, '\n', text.size - at);

	return newline ? (size_t)(newline - text.data) : text.size;
}

static void take_comment(struct network_reader *r, size_t at, size_t end)
{
	struct statement *s = &r->statement;
	struct str text = s->source->text, line;

	if (s->count || end - at < 2 || text.data[at + 1] != '@')
		return;
	line = str_trim((struct str){ text.data + at + 2, end - at - 2 });
	statement_error(s, line, "%s: lines of this file have no directives",
			value_show(s->diags, line));
}

static void take_word(struct network_reader *r, size_t start, size_t end)
{
	struct statement *s = &r->statement;
	struct str word = { s->source->text.data + start, end - start };

	if (s->failed)
		return;
	if (s->count == STATEMENT_WORDS_MAX)
		statement_error(s, word, "this line has more than %d words",
				STATEMENT_WORDS_MAX);
	else
		s->words[s->count++] = word;
}

/* The next line's words into the statement; false at the end of the text. */
static bool next_statement(struct network_reader *r)
{
	struct statement *s = &r->statement;
	struct str text = s->source->text;
	size_t at = r->next, start;

	s->count = 0;
	s->next = 0;
	s->failed = false;
	if (at == text.size)
		return false;
	while (at < text.size && text.data[at] != '\n') {
		size_t skip = is_blank(text.data[at]) ? 1 :
			      continuation(text, at);

		at += skip;
		if (skip)
			continue;
		start = at;
		if (text.data[at] == '#') {
			at = line_end(text, at);
			take_comment(r, start, at);
			continue;
		}
		while (at < text.size && is_word(text.data[at]))
			at++;
		if (at > start) {
			take_word(r, start, at);
			continue;
		}
		statement_error(s, (struct str){ text.data + at, 1 },
				"a byte that no word can have");
		at = line_end(text, at);
	}
	r->next = at < text.size ? at + 1 : at;
	return true;
}

static bool is_full(struct network_reader *r)
{
	struct statement *s = &r->statement;

	if (r->state->route_count + r->state->rule_count < TEXT_PREFIXES_MAX)
		return false;
	statement_error(s, s->words[0], "this is more than %u routes and "
			"rules", TEXT_PREFIXES_MAX);
	return true;
}

static void take_route(struct network_reader *r)
{
	struct state *state = r->state;
	struct statement *s = &r->statement;
	struct route route;

	route_read(s, &route);
	if (s->failed)
		return;
	arena_room(r->arena, &state->routes, state->route_count,
		   &r->route_capacity, sizeof(*state->routes));
	state->routes[state->route_count++] = route;
}

static void take_rule(struct network_reader *r, uint8_t family)
{
	struct state *state = r->state;
	struct statement *s = &r->statement;
	struct rule rule;

	rule_read(s, family, &rule);
	if (s->failed)
		return;
	arena_room(r->arena, &state->rules, state->rule_count,
		   &r->rule_capacity, sizeof(*state->rules));
	state->rules[state->rule_count++] = rule;
}

static const char hint_lines[] =
	"lines are 'route replace', 'rule add' and '-6 rule add'";

static void take_statement(struct network_reader *r)
{
	static const char *const objects[] = { "route", "rule" };
	struct statement *s = &r->statement;
	bool six = str_is(s->words[0], "-6");
	struct str object, verb;
	bool route;

	s->next = six;
	object = statement_value(s, "-6");
	if (s->failed)
		return;
	route = str_is(object, "route");
	if (str_is(object, "-4")) {
		statement_error(s, object, "-4 is not written")->hint =
			"a route's family is that of its prefix, and a rule "
			"without -6 is for IPv4";
		return;
	}
	if (!route && !str_is(object, "rule")) {
		s->failed = true;
		value_unknown(s->source, object, s->diags, "object", objects,
			      array_size(objects));
		return;
	}
	if (six && route) {
		statement_error(s, object, "-6 is for rules alone")->hint =
			"a route's family is that of its prefix; the default "
			"route of IPv6 is ::/0";
		return;
	}
	verb = statement_value(s, route ? "route" : "rule");
	if (s->failed)
		return;
	if (!str_is(verb, "add") && !(route && str_is(verb, "replace"))) {
		statement_error(s, verb, "%s is nothing that is done with a "
				"%s here", value_show(s->diags, verb),
				route ? "route" : "rule")->hint = hint_lines;
		return;
	}
	if (route)
		take_route(r);
	else
		take_rule(r, six ? AF_INET6 : AF_INET);
}

void network_read(struct arena *arena, const struct source *source,
		  struct diags *diags, struct state *state)
{
	struct network_reader r = {
		.arena = arena, .state = state,
		.statement = { .source = source, .diags = diags },
	};

	while (next_statement(&r)) {
		if (r.statement.failed || !r.statement.count)
			continue;
		if (is_full(&r))
			return;
		take_statement(&r);
	}
}
