/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of firewall.nft: defines and one table, nothing else. */
#include <string.h>

#include "base/arena.h"
#include "state/firewall.h"
#include "state/firewall_lex.h"
#include "state/text.h"
#include "state/value.h"

#define DEPTH_MAX 32

struct frame {
	const struct source *source;
	struct diags *diags;
	const char *table;
	struct lex lex;
	struct lex_token token;		/* the current one */
	size_t depth;			/* of braces */
	struct place first_table;	/* source NULL: none yet */
	bool broken;			/* nothing more can be said */
};

static void advance(struct frame *f)
{
	f->token = lex_next(&f->lex);
}

static struct diag *frame_error(struct frame *f, struct str at,
				const char *message)
{
	return value_error(f->source, at, f->diags, "%s", message);
}

/* The text as a whole: control bytes, and bytes that are no UTF-8. */
static bool check_bytes(struct frame *f)
{
	struct str rest = f->source->text;
	uint32_t character;

	while (rest.size) {
		size_t size;

		/* Nearly all of it is this. */
		if (rest.data[0] >= ' ' && rest.data[0] < 0x7f) {
			rest.data++;
			rest.size--;
			continue;
		}
		size = str_utf8(rest, &character);
		if (!size) {
			frame_error(f, rest, "this byte is not UTF-8")
				->hidden = true;
			return false;
		}
		if (character == '\r') {
			frame_error(f, rest, "a carriage return")->hint =
				"nft wants lines that end in a newline alone";
			return false;
		}
		if ((character < ' ' && character != '\t' &&
		     character != '\n') || character == 0x7f) {
			frame_error(f, rest, "a control character");
			return false;
		}
		rest.data += size;
		rest.size -= size;
	}
	return true;
}

static const char hint_names[] =
	"'iifname' and 'oifname' compare the name, which stays when a link is "
	"made anew";

/*
 * fib FLAG [. FLAG]… RESULT: its iif is no index of the file's, and its oif
 * neither unless it is compared with a link.
 */
static void read_fib(struct frame *f)
{
	struct lex_token result;

	do {
		advance(f);
		if (f->token.kind != LEX_WORD)
			return;
		advance(f);
	} while (lex_is(&f->token, "."));
	result = f->token;
	if (result.kind != LEX_WORD)
		return;
	advance(f);
	if (!lex_is(&result, "oif"))
		return;
	while (lex_is(&f->token, "eq") || lex_is(&f->token, "ne") ||
	       lex_is(&f->token, "=") || lex_is(&f->token, "!"))
		advance(f);
	if (!lex_is(&f->token, "0") && !lex_is(&f->token, "missing") &&
	    !lex_is(&f->token, "exists"))
		frame_error(f, result.text, "this compares links by index")
			->hint = "'fib … oifname' gives the name";
}

/* Step over the current token, wherever it stands. */
static void take(struct frame *f)
{
	struct lex_token t = f->token;

	if (t.kind == LEX_NUMBER || t.kind == LEX_SEPARATOR ||
	    t.text.data[0] == '.' || t.text.data[0] == ',') {
		advance(f);
		return;
	}
	if (lex_is(&t, "fib")) {
		read_fib(f);
		return;
	}
	if (t.kind == LEX_UNTERMINATED) {
		frame_error(f, t.text, "this string does not end on its line");
	} else if (lex_is(&t, "include")) {
		frame_error(f, t.text, "include is not taken")->hint =
			"everything stands in this one file";
	} else if (lex_is(&t, "iif") || lex_is(&t, "oif")) {
		frame_error(f, t.text, lex_is(&t, "iif") ?
			    "iif compares links by index" :
			    "oif compares links by index")->hint = hint_names;
	} else if (t.kind == LEX_MARK && t.text.data[0] & 0x80) {
		frame_error(f, t.text, "a character that is not ASCII, outside "
			    "of strings and comments");
		f->broken = true;
	} else if (lex_is(&t, "{")) {
		if (++f->depth > DEPTH_MAX) {
			frame_error(f, t.text, "the braces are nested too "
				    "deep");
			f->broken = true;
		}
	} else if (lex_is(&t, "}") && f->depth) {
		f->depth--;
	}
	advance(f);
}

/* To the end of the statement that began outside of braces. */
static void take_statement(struct frame *f)
{
	while (f->token.kind != LEX_END && !f->broken) {
		if (!f->depth && (f->token.kind == LEX_SEPARATOR ||
				  lex_is(&f->token, "}")))
			return;
		take(f);
	}
}

/* The brace at OPEN is still open where the text ends. */
static void check_closed(struct frame *f, struct str open)
{
	if (f->token.kind == LEX_END && f->depth && !f->broken) {
		frame_error(f, open, "this is not closed: a '}' is missing");
		f->broken = true;
	}
}

static void read_define(struct frame *f)
{
	struct lex_token define = f->token;

	advance(f);
	if (f->token.kind != LEX_WORD) {
		frame_error(f, define.text, "a definition is written "
			    "'define NAME = VALUE'");
	} else {
		take(f);
		if (!lex_is(&f->token, "="))
			frame_error(f, define.text, "a definition is written "
				    "'define NAME = VALUE'");
	}
	take_statement(f);
	check_closed(f, define.text);
}

/* "flags …;" of the table itself. */
static void check_flags(struct frame *f)
{
	advance(f);
	while (f->token.kind == LEX_WORD || lex_is(&f->token, ",")) {
		if (lex_is(&f->token, "owner"))
			frame_error(f, f->token.text, "a table with an owner "
				    "goes away with the program that loads "
				    "it");
		advance(f);
	}
}

static void read_body(struct frame *f, struct str open)
{
	bool begins = true;	/* a statement */

	take(f);
	while (f->depth && f->token.kind != LEX_END && !f->broken) {
		bool separates = f->token.kind == LEX_SEPARATOR;

		if (begins && f->depth == 1 && lex_is(&f->token, "flags")) {
			check_flags(f);
			begins = false;
			continue;
		}
		take(f);
		begins = separates;
	}
	check_closed(f, open);
}

/* "inet NAME {" of the one table. */
static bool read_table_head(struct frame *f, struct str table)
{
	struct diag *diag;

	advance(f);
	if (!lex_is(&f->token, "inet")) {
		frame_error(f, table, "the table is not of the family inet");
		return false;
	}
	advance(f);
	if (f->token.kind != LEX_WORD || !str_is(f->token.text, f->table)) {
		diag = frame_error(f, f->token.kind == LEX_END ? table :
				   f->token.text, "this is not the table of "
				   "the mesh");
		diag->hint = arena_printf(f->diags->arena,
					  "its name is %s", f->table);
		return false;
	}
	if (f->first_table.source) {
		diag = frame_error(f, table, "a second table");
		diag->other = f->first_table;
		diag->other_message = "the first is here";
		return false;
	}
	f->first_table = place_of(f->source, table);
	advance(f);
	if (lex_is(&f->token, "{"))
		return true;
	frame_error(f, table, "no '{' follows the table's name");
	return false;
}

static void read_table(struct frame *f)
{
	struct lex_token table = f->token;

	if (!read_table_head(f, table.text)) {
		take_statement(f);
		check_closed(f, table.text);
		return;
	}
	read_body(f, table.text);
	if (f->token.kind == LEX_SEPARATOR || f->token.kind == LEX_END ||
	    lex_is(&f->token, "}") || f->broken)
		return;
	frame_error(f, f->token.text, "this stands behind the table on the "
		    "same line");
	take_statement(f);
	check_closed(f, table.text);
}

static void read_other(struct frame *f)
{
	struct lex_token t = f->token;

	if (lex_is(&t, "}")) {
		frame_error(f, t.text, "a '}' that closes nothing");
		advance(f);
		return;
	}
	if (!lex_is(&t, "include") && t.kind != LEX_UNTERMINATED)
		value_error(f->source, t.text, f->diags, "%s may not stand "
			    "here", value_show(f->diags, t.text))->hint =
			"outside of its one table this file has comments and "
			"definitions only";
	take_statement(f);
	check_closed(f, t.text);
}

void firewall_check_frame(const struct source *text, const char *table,
			  struct diags *diags)
{
	struct frame f = { .source = text, .diags = diags, .table = table,
			   .lex = { text->text, 0 } };
	size_t errors = diags->errors;

	if (!check_bytes(&f))
		return;
	advance(&f);
	while (f.token.kind != LEX_END && !f.broken) {
		if (f.token.kind == LEX_SEPARATOR)
			advance(&f);
		else if (lex_is(&f.token, "define"))
			read_define(&f);
		else if (lex_is(&f.token, "table"))
			read_table(&f);
		else
			read_other(&f);
	}
	if (!f.first_table.source && diags->errors == errors)
		diag_error(diags, (struct place){ text, 0 },
			   "there is no 'table inet %s { … }'", table);
}
