/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words with numbers, as ip(8) knows them, and values of options. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "state/network.h"
#include "state/value.h"

const struct word_number table_words[] = {
	{ "main", RT_TABLE_MAIN },
	{ "default", RT_TABLE_DEFAULT },
	{ "local", RT_TABLE_LOCAL },
	{ NULL, 0 },
};

const struct word_number scope_words[] = {
	{ "global", RT_SCOPE_UNIVERSE },
	{ "site", RT_SCOPE_SITE },
	{ "link", RT_SCOPE_LINK },
	{ "host", RT_SCOPE_HOST },
	{ NULL, 0 },
};

const struct word_number route_type_words[] = {
	{ "unicast", RTN_UNICAST },
	{ "blackhole", RTN_BLACKHOLE },
	{ "unreachable", RTN_UNREACHABLE },
	{ "prohibit", RTN_PROHIBIT },
	{ "throw", RTN_THROW },
	{ NULL, 0 },
};

const struct word_number rule_action_words[] = {
	{ "blackhole", FR_ACT_BLACKHOLE },
	{ "unreachable", FR_ACT_UNREACHABLE },
	{ "prohibit", FR_ACT_PROHIBIT },
	{ NULL, 0 },
};

const char *word_of(const struct word_number *words, uint32_t number)
{
	for (; words->name; words++)
		if (words->number == number)
			return words->name;
	return NULL;
}

bool number_of(const struct word_number *words, struct str name,
	       uint32_t *out)
{
	for (; words->name; words++) {
		if (!str_is(name, words->name))
			continue;
		*out = words->number;
		return true;
	}
	return false;
}

struct diag *statement_error(struct statement *s, struct str word,
			     const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	s->failed = true;
	return value_error(s->source, word, s->diags, "%s", message);
}

int statement_option(struct statement *s, const struct option *options,
		     uint32_t *seen)
{
	const char *names[STATEMENT_WORDS_MAX];
	struct str word;
	size_t count = 0;

	if (s->failed || s->next == s->count)
		return -1;
	word = s->words[s->next++];
	for (; options[count].name; count++) {
		unsigned int id = options[count].id;

		names[count] = options[count].name;
		if (!str_is(word, names[count]))
			continue;
		if (*seen & 1u << id) {
			statement_error(s, word, "'%s' is given twice",
					names[count]);
			return -1;
		}
		*seen |= 1u << id;
		return (int)id;
	}
	s->failed = true;
	value_unknown(s->source, word, s->diags, "word", names, count);
	return -1;
}

struct str statement_value(struct statement *s, const char *after)
{
	struct str last = s->words[s->count - 1];

	if (s->next < s->count)
		return s->words[s->next++];
	statement_error(s, last, "nothing follows '%s'", after);
	return (struct str){ last.data, 0 };
}

uint32_t statement_number(struct statement *s, const char *after,
			  uint32_t min, uint32_t max)
{
	struct str word = statement_value(s, after);
	uint64_t number = min;

	if (!s->failed &&
	    (str_uint(word, max, &number) < 0 || number < min))
		statement_error(s, word, "%s is %s, not a number from %u to "
				"%u", after, value_show(s->diags, word),
				(unsigned int)min, (unsigned int)max);
	return (uint32_t)number;
}

struct ip statement_ip(struct statement *s, const char *after)
{
	struct str word = statement_value(s, after);
	struct ip ip = { 0 };

	if (!s->failed && ip_parse(word, &ip) < 0)
		statement_error(s, word, "%s is not an IP address",
				value_show(s->diags, word));
	return ip;
}

struct prefix statement_prefix(struct statement *s, struct str word)
{
	struct prefix prefix = { 0 }, masked;
	char text[PREFIX_TEXT_MAX];

	if (s->failed)
		return prefix;
	if (prefix_parse(word, &prefix) < 0) {
		statement_error(s, word, "%s is not a prefix",
				value_show(s->diags, word));
		return prefix;
	}
	masked = prefix_mask(prefix);
	if (prefix_has_host_bits(&prefix))
		statement_error(s, word, "%s has bits beyond its length",
				value_show(s->diags, word))->hint =
			arena_printf(s->diags->arena, "the prefix is %s",
				     prefix_format(&masked, text));
	return masked;
}

void statement_link(struct statement *s, const char *after,
		    char out[static IFNAMSIZ])
{
	struct str word = statement_value(s, after);

	if (s->failed)
		return;
	if (!link_name_valid(word)) {
		statement_error(s, word, "%s cannot be a link's name",
				value_show(s->diags, word));
		return;
	}
	memcpy(out, word.data, word.size);
	out[word.size] = '\0';
}

uint32_t statement_table(struct statement *s, const char *after,
			 unsigned int *automatic, unsigned int bit)
{
	struct str word = statement_value(s, after);
	uint64_t number = 0;
	uint32_t known;

	if (s->failed)
		return 0;
	if (str_is(word, "auto")) {
		*automatic |= bit;
		return 0;
	}
	if (number_of(table_words, word, &known))
		return known;
	if (str_uint(word, UINT32_MAX, &number) < 0 || !number)
		statement_error(s, word, "%s is no table: a number from 1, "
				"'main', 'default', 'local' or 'auto'",
				value_show(s->diags, word));
	return (uint32_t)number;
}

void statement_protocol(struct statement *s, const char *after)
{
	struct str word = statement_value(s, after);

	if (s->failed || str_is(word, "77") || str_is(word, "meshapply"))
		return;
	statement_error(s, word, "the protocol is %s: what a mesh sets up "
			"has 77, by which it is known as its own",
			value_show(s->diags, word));
}

uint8_t statement_tos(struct statement *s, const char *after)
{
	struct str word = statement_value(s, after);
	uint64_t tos = 0;

	if (s->failed)
		return 0;
	/* The two lowest bits are for congestion, RFC 3168. */
	if (!str_starts(word, "0x") ||
	    str_uint_or_hex(word, UINT8_MAX, &tos) < 0 || !tos || tos & 3)
		statement_error(s, word, "%s is %s, not a number from 0x04 "
				"to 0xfc with its two lowest bits clear",
				after, value_show(s->diags, word));
	return (uint8_t)tos;
}
