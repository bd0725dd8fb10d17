/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tokens of an nftables file, as far as its frame needs them.  Where nft's
 * own scanner would see a word of its language, this one sees it too; words
 * that nft would not see (the letters behind a digit) are seen as well, which
 * errs to the safe side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum lex_kind {
	LEX_END,
	LEX_SEPARATOR,	/* a newline or ';' */
	LEX_WORD,
	LEX_NUMBER,	/* digits */
	LEX_STRING,	/* with its quotes */
	LEX_MARK,	/* any other byte */
	LEX_UNTERMINATED,	/* a '"' without its partner on the line */
};

struct lex {
	struct str text;
	size_t at;
};

struct lex_token {
	enum lex_kind kind;
	struct str text;	/* a view */
};

struct lex_token lex_next(struct lex *lex);
bool lex_is(const struct lex_token *token, const char *word);
