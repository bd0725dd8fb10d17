/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A template's text to its nodes, in one pass; no byte is looked at more than
 * a few times, whatever the text.
 */
#include <string.h>
#include <sys/types.h>

#include "base/arena.h"
#include "render/template_private.h"

#define DELIMITER_MAX 16
#define BOM "\xef\xbb\xbf"

struct parser {
	struct arena *arena;
	struct template *t;
	struct diags *diags;
	struct str rest;		/* not parsed yet */
	const char *line;		/* where the line of rest begins */
	const char *tag_end;		/* of the last tag, NULL before */
	struct str open, close;		/* the delimiters */
	size_t sections[TEMPLATE_NESTING];	/* open ones, by node */
	size_t depth;
};

/* One tag, taken apart. */
struct tag {
	struct str whole;	/* with its delimiters */
	char sigil;		/* one of #^/>!={& or 0 */
	struct str inner;	/* trimmed, without sigils */
	bool line_start;	/* nothing of its line stands before it */
	bool alone;		/* nothing but blanks stands beside it */
	struct str indent;	/* the blanks before it, if alone */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct str trim(struct str text)
{
	while (text.size && is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

static const char *end_of(struct str text)
{
	return text.data + text.size;
}

/* Cut REST off before AT. */
static void skip_to(struct str *rest, const char *at)
{
	rest->size -= (size_t)(at - rest->data);
	rest->data = at;
}

static const char *find(struct str text, struct str what)
{
	return text.size ? memmem(text.data, text.size, what.data, what.size) :
		NULL;
}

static const char *show(struct parser *p, struct str text)
{
	return template_show(p->diags, text);
}

static struct place place_at(struct parser *p, struct str view)
{
	return template_place(p->t, view);
}

static struct node *push(struct parser *p, enum node_kind kind,
			 struct str text, bool line_start)
{
	struct template *t = p->t;
	struct node *node;

	arena_room(p->arena, &t->nodes, t->count, &t->capacity,
		   sizeof(*t->nodes));
	node = &t->nodes[t->count++];
	*node = (struct node){ .kind = kind, .text = text,
			       .line_start = line_start };
	return node;
}

/* The text from the rest's start up to END. */
static void push_text(struct parser *p, const char *end)
{
	struct str text = { p->rest.data, (size_t)(end - p->rest.data) };
	const char *newline;

	if (!text.size)
		return;
	push(p, NODE_TEXT, text, text.data == p->line);
	newline = memrchr(text.data, '\n', text.size);
	if (newline)
		p->line = newline + 1;
}

/* Is it a tag that takes its line along if nothing else is there? */
static bool may_be_alone(char sigil)
{
	return sigil && strchr("#^/>!=", sigil);
}

/* How much of REST a line's end takes, blanks before it too; -1: none. */
static ssize_t line_end(struct str rest)
{
	size_t i = 0;

	while (i < rest.size && is_blank(rest.data[i]))
		i++;
	if (i == rest.size)
		return (ssize_t)i;
	if (rest.data[i] == '\r' && i + 1 < rest.size)
		i++;
	return rest.data[i] == '\n' ? (ssize_t)i + 1 : -1;
}

/*
 * Where the line of the tag at AT begins.  A line that another tag ended on
 * is not looked through again.
 */
static void look_before(struct parser *p, const char *at, struct tag *tag)
{
	struct str before = { p->rest.data, (size_t)(at - p->rest.data) };
	const char *newline = before.size ?
		memrchr(before.data, '\n', before.size) : NULL;
	const char *line = newline ? newline + 1 : p->line;

	tag->line_start = at == line;
	tag->indent = (struct str){ line, (size_t)(at - line) };
	tag->alone = (!p->tag_end || line >= p->tag_end) &&
		     !trim(tag->indent).size;
}

/* Nothing that follows can be told from what the tag was to hold. */
static int unclosed(struct parser *p, const char *at, char sigil)
{
	diag_error(p->diags, place_at(p, (struct str){ at, 0 }),
		   "the %s is not closed: no \"%s%s\" follows%s",
		   sigil == '!' ? "comment" : "tag", sigil == '{' ? "}" :
		   sigil == '=' ? "=" : "", show(p, p->close),
		   sigil == '!' ? "" : " on its line");
	p->depth = 0;
	return -1;
}

/* Cut INNER off where the tag's closing delimiter begins. */
static bool find_close(const struct parser *p, char sigil, struct str *inner)
{
	const char *end = find(*inner, p->close);

	if (!end)
		return false;
	/* {{{x}}}: the first of the three braces is the tag's own. */
	if (sigil == '{' && p->close.data[0] == '}' &&
	    end_of(*inner) - end > (ptrdiff_t)p->close.size &&
	    end[p->close.size] == '}')
		end++;
	inner->size = (size_t)(end - inner->data);
	return sigil == '!' || !memchr(inner->data, '\n', inner->size);
}

/* The tag at AT, where an opening delimiter stands. */
static int read_tag(struct parser *p, const char *at, struct tag *tag)
{
	struct str inner = p->rest;
	char last = 0;

	*tag = (struct tag){ 0 };
	look_before(p, at, tag);
	skip_to(&inner, at + p->open.size);
	if (inner.size && inner.data[0] && strchr("#^/>!={&", inner.data[0])) {
		tag->sigil = inner.data[0];
		skip_to(&inner, inner.data + 1);
	}
	if (!find_close(p, tag->sigil, &inner))
		return unclosed(p, at, tag->sigil);
	tag->whole = (struct str){
		at, (size_t)(end_of(inner) - at) + p->close.size
	};
	if (tag->sigil == '{' || tag->sigil == '=')
		last = tag->sigil == '{' ? '}' : '=';
	if (last && (!inner.size || inner.data[inner.size - 1] != last))
		return unclosed(p, at, tag->sigil);
	inner.size -= last != 0;
	tag->inner = trim(inner);
	return 0;
}

static bool is_name_byte(char c)
{
	return char_is_alphanumeric(c) || c == '_' || c == '-';
}

/* Words of letters, digits, '_' and '-', a dot between them. */
static bool is_name(struct str name)
{
	bool dot = true;

	for (size_t i = 0; i < name.size; i++) {
		bool was_dot = dot;

		dot = name.data[i] == '.';
		if (dot ? was_dot : !is_name_byte(name.data[i]))
			return false;
	}
	return !dot;
}

static bool check_name(struct parser *p, const struct tag *tag)
{
	if (tag->sigil != '>' && str_is(tag->inner, "."))
		return true;
	if (is_name(tag->inner))
		return true;
	if (tag->inner.size)
		diag_error(p->diags, place_at(p, tag->inner), "\"%s\" is not "
			   "a name", show(p, tag->inner))->hint =
			"a name is of letters, digits, '_' and '-', with a dot "
			"between an object and its member";
	else
		diag_error(p->diags, place_at(p, tag->whole),
			   "the tag has no name");
	return false;
}

static void open_section(struct parser *p, const struct tag *tag)
{
	enum node_kind kind = tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED;
	size_t index = p->t->count;

	push(p, kind, tag->inner, tag->line_start && !tag->alone);
	/* One too deep is an error already: where it ends is no matter. */
	if (p->depth < TEMPLATE_NESTING)
		p->sections[p->depth] = index;
	else if (p->depth == TEMPLATE_NESTING)
		diag_error(p->diags, place_at(p, tag->whole), "more than %u "
			   "sections stand in one another", TEMPLATE_NESTING);
	p->depth++;
}

static void close_section(struct parser *p, const struct tag *tag)
{
	struct node *node;
	struct diag *diag;

	if (p->depth > TEMPLATE_NESTING) {
		p->depth--;
		return;
	}
	if (!p->depth) {
		diag_error(p->diags, place_at(p, tag->whole), "{{/%s}} closes "
			   "no section: none is open", show(p, tag->inner));
		return;
	}
	node = &p->t->nodes[p->sections[--p->depth]];
	node->end = p->t->count;
	if (str_equal(node->text, tag->inner))
		return;
	diag = diag_error(p->diags, place_at(p, tag->whole), "{{/%s}} stands "
			  "where section \"%s\" is to be closed",
			  show(p, tag->inner), show(p, node->text));
	diag->other = place_at(p, node->text);
	diag->other_message = "the section begins here";
}

static void set_delimiters(struct parser *p, const struct tag *tag)
{
	struct str rest = tag->inner, open = rest, close;

	open.size = 0;
	while (open.size < rest.size && !is_blank(rest.data[open.size]))
		open.size++;
	skip_to(&rest, end_of(open));
	close = trim(rest);
	if (!open.size || !close.size || open.size > DELIMITER_MAX ||
	    close.size > DELIMITER_MAX || memchr(open.data, '=', open.size) ||
	    memchr(close.data, '=', close.size) ||
	    memchr(close.data, ' ', close.size) ||
	    memchr(close.data, '\t', close.size)) {
		diag_error(p->diags, place_at(p, tag->whole), "these are no "
			   "delimiters")->hint =
			"two, with a blank between them, neither with '=', "
			"each of at most 16 bytes: {{=<% %>=}}";
		return;
	}
	p->open = open;
	p->close = close;
}

static void take_partial(struct parser *p, const struct tag *tag)
{
	struct node *node = push(p, NODE_PARTIAL, tag->inner,
				 tag->line_start && !tag->alone);

	if (tag->alone)
		node->indent = tag->indent;
}

static void take_tag(struct parser *p, const struct tag *tag)
{
	struct str nothing = { tag->whole.data, 0 };

	switch (tag->sigil) {
	case '#':
	case '^':
		if (check_name(p, tag))
			open_section(p, tag);
		return;
	case '>':
		if (check_name(p, tag))
			take_partial(p, tag);
		return;
	case '/':
	case '!':
	case '=':
		break;
	default:
		if (check_name(p, tag))
			push(p, NODE_VALUE, tag->inner, tag->line_start);
		return;
	}
	/* These make no node: what follows them is not the line's first. */
	if (tag->line_start && !tag->alone)
		push(p, NODE_TEXT, nothing, true);
	if (tag->sigil == '=')
		set_delimiters(p, tag);
	if (tag->sigil == '/' && check_name(p, tag))
		close_section(p, tag);
}

/* The next tag and the text before it; false at the end. */
static bool next(struct parser *p)
{
	const char *at = find(p->rest, p->open);
	ssize_t rest_of_line = -1;
	struct tag tag;

	if (!at) {
		push_text(p, end_of(p->rest));
		return false;
	}
	if (read_tag(p, at, &tag) < 0)
		return false;
	if (tag.alone && may_be_alone(tag.sigil))
		rest_of_line = line_end((struct str){ end_of(tag.whole),
			(size_t)(end_of(p->rest) - end_of(tag.whole)) });
	tag.alone = rest_of_line >= 0;
	push_text(p, tag.alone ? tag.indent.data : at);
	take_tag(p, &tag);
	p->tag_end = end_of(tag.whole);
	skip_to(&p->rest, p->tag_end + (tag.alone ? rest_of_line : 0));
	if (tag.alone)
		p->line = p->rest.data;
	return true;
}

static void report_open_sections(struct parser *p)
{
	struct str end = { end_of(p->t->source->text), 0 };

	while (p->depth > 0) {
		struct node *node;
		struct diag *diag;

		if (--p->depth >= TEMPLATE_NESTING)
			continue;
		node = &p->t->nodes[p->sections[p->depth]];
		node->end = p->t->count;
		diag = diag_error(p->diags, place_at(p, node->text),
				  "section \"%s\" is not closed",
				  show(p, node->text));
		diag->other = place_at(p, end);
		diag->other_message = "the template ends here";
	}
}

void template_parse_one(struct arena *arena, struct template *t,
			struct diags *diags)
{
	struct str text = t->source->text;
	struct parser p = {
		.arena = arena, .t = t, .diags = diags,
		.open = STR("{{"), .close = STR("}}"),
	};

	if (text.size > TEMPLATE_LIMIT) {
		diag_error(diags, (struct place){ t->source, 0 }, "the "
			   "template is larger than %u bytes", TEMPLATE_LIMIT);
		return;
	}
	if (str_starts(text, BOM))
		skip_to(&text, text.data + sizeof(BOM) - 1);
	p.rest = text;
	p.line = text.data;
	while (next(&p))
		;
	report_open_sections(&p);
}
