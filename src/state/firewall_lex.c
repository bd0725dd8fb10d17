/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/firewall_lex.h"

#include <string.h>

/* {string} of nft's scanner.l; a dot alone is a mark. */
static bool begins_word(struct str text)
{
	if (char_is_letter(text.data[0]) || text.data[0] == '_')
		return true;
	return text.data[0] == '.' && text.size > 1 &&
	       (char_is_alphanumeric(text.data[1]) ||
		strchr("/-_.", text.data[1]));
}

static bool goes_on(char c)
{
	return char_is_alphanumeric(c) || (c && strchr("/-_.", c));
}

/* Blanks, hidden newlines, comments; TEXT begins at the first byte left. */
static void skip(struct lex *lex)
{
	struct str text = lex->text;

	while (lex->at < text.size) {
		char c = text.data[lex->at];
		const char *newline;

		if (c == ' ' || c == '\t') {
			lex->at++;
		} else if (c == '\\' && lex->at + 1 < text.size &&
			   text.data[lex->at + 1] == '\n') {
			lex->at += 2;
		} else if (c == '#') {
			newline = memchr(text.data + lex->at, '\n',
					 text.size - lex->at);
			lex->at = newline ? (size_t)(newline - text.data)
					  : text.size;
		} else {
			return;
		}
	}
}

static struct lex_token string(struct str rest)
{
	size_t size = 1;

	while (size < rest.size && rest.data[size] != '"' &&
	       rest.data[size] != '\n')
		size++;
	if (size == rest.size || rest.data[size] == '\n')
		return (struct lex_token){ LEX_UNTERMINATED,
					   { rest.data, size } };
	return (struct lex_token){ LEX_STRING, { rest.data, size + 1 } };
}

struct lex_token lex_next(struct lex *lex)
{
	struct lex_token token = { .kind = LEX_MARK };
	struct str rest;
	size_t size = 1;

	skip(lex);
	rest = lex->text;
	rest.data += lex->at;
	rest.size -= lex->at;
	if (!rest.size)
		return (struct lex_token){ LEX_END, rest };
	if (rest.data[0] == '\n' || rest.data[0] == ';') {
		token.kind = LEX_SEPARATOR;
	} else if (rest.data[0] == '"') {
		token = string(rest);
		size = token.text.size;
	} else if (char_is_digit(rest.data[0])) {
		token.kind = LEX_NUMBER;
		while (size < rest.size && char_is_digit(rest.data[size]))
			size++;
	} else if (begins_word(rest)) {
		token.kind = LEX_WORD;
		while (size < rest.size && goes_on(rest.data[size]))
			size++;
	}
	token.text = (struct str){ rest.data, size };
	lex->at += size;
	return token;
}

bool lex_is(const struct lex_token *token, const char *word)
{
	return (token->kind == LEX_WORD || token->kind == LEX_MARK ||
		token->kind == LEX_NUMBER) && str_is(token->text, word);
}
