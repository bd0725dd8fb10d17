/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of network.batch, private to its reader and writer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "state/state.h"
#include "state/text.h"

#define STATEMENT_WORDS_MAX 64

/* One line, or several joined by a backslash before the newline. */
struct statement {
	const struct source *source;
	struct diags *diags;
	struct str words[STATEMENT_WORDS_MAX];
	size_t count, next;
	bool failed;		/* an error was added */
};

/* A word and its number; a table of them ends with name NULL. */
struct word_number {
	const char *name;
	uint32_t number;
};

extern const struct word_number table_words[], scope_words[];
extern const struct word_number route_type_words[], rule_action_words[];
/* The name of NUMBER, or NULL. */
const char *word_of(const struct word_number *words, uint32_t number);
bool number_of(const struct word_number *words, struct str name,
	       uint32_t *out);

/*
 * Options of a statement: a word, maybe another one for the same, and a bit
 * that tells it was seen.  The ends of the tables have name NULL.
 */
struct option {
	const char *name;
	unsigned int id;
};

/* The next word as an option, each once; -1 at the end or on an error. */
int statement_option(struct statement *s, const struct option *options,
		     uint32_t *seen);
/* The word after an option; empty, with an error added, if there is none. */
struct str statement_value(struct statement *s, const char *after);
struct diag *statement_error(struct statement *s, struct str word,
			     const char *format, ...) printf_(3, 4);

/* Values of options; what is wrong is an error. */
uint32_t statement_number(struct statement *s, const char *after,
			  uint32_t min, uint32_t max);
struct ip statement_ip(struct statement *s, const char *after);
/* A prefix without host bits. */
struct prefix statement_prefix(struct statement *s, struct str word);
void statement_link(struct statement *s, const char *after,
		    char out[static IFNAMSIZ]);
/* A number, a known name, or "auto", which sets *AUTOMATIC to BIT. */
uint32_t statement_table(struct statement *s, const char *after,
			 unsigned int *automatic, unsigned int bit);
/* 77 or its name, and nothing else. */
void statement_protocol(struct statement *s, const char *after);
/* Hexadecimal after 0x: ip reads it as such with and without. */
uint8_t statement_tos(struct statement *s, const char *after);

/* The scope ip gives a route of this kind where none is said. */
uint8_t route_default_scope(const struct route *route);

/* The words after "route replace" and "rule add". */
void route_read(struct statement *s, struct route *out);
void rule_read(struct statement *s, uint8_t family, struct rule *out);
