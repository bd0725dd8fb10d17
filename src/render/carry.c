/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "render/carry.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

/*
 * A value is one word everywhere.  Besides letters and digits it may hold:
 *
 * firewall.nft: what prefixes, ranges, numbers and the names of links and
 * meshes are made of.  All that can end a string, an element or a statement,
 * or begin a comment, a set, a variable or a block is kept out.  A '-' or '/'
 * at the start could make a range or a prefix of what stands before it.
 *
 * network.batch: ip -batch cuts its lines at blanks and knows quotes, '#' and
 * a backslash at the end of a line (iproute2, lib/utils.c, makeargs); all
 * else is the word's own.  A '-' at the start would be an option.
 *
 * wireguard.conf: its line ends the value, '#' begins a comment, and a comma
 * or a blank parts the items of a list (wg-quick(8): Address).
 */
static const struct format {
	const char *file;
	const char *first, *others;
} formats[] = {
	[CARRY_FIREWALL] = { "firewall.nft", "_:.+=", "_:./-+=" },
	[CARRY_NETWORK] = { "network.batch", "!$%&()*+,./:;<=>?@[]^_{|}~",
			    "!$%&()*+,./:;<=>?@[]^_{|}~-" },
	[CARRY_WIREGUARD] = { "wireguard.conf",
			      "!\"$%&'()*+./:;<=>?@[\\]^_`{|}~-",
			      "!\"$%&'()*+./:;<=>?@[\\]^_`{|}~-" },
	[CARRY_TEXT] = { NULL, NULL, NULL },
};

enum carry carry_of(const char *file_name)
{
	for (size_t i = 0; i < CARRY_TEXT; i++)
		if (!strcmp(file_name, formats[i].file))
			return (enum carry)i;
	return CARRY_FIREWALL;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static const char *why(struct arena *arena, const struct format *format,
		       char character)
{
	unsigned char c = (unsigned char)character;

	if (c == '\n')
		return "holds a newline";
	if (c == ' ' || c == '\t')
		return "holds a blank";
	if (c < ' ' || c == 0x7f)
		return "holds a control character";
	if (c > 0x7f)
		return "holds a character that is not ASCII";
	return arena_printf(arena, is_one_of(character, format->others) ?
			    "starts with '%c'" : "holds '%c'", c);
}

const char *carry_refuses(struct arena *arena, enum carry carry,
			  struct str text)
{
	const struct format *format = &formats[carry];

	if (carry == CARRY_TEXT)
		return NULL;
	if (!text.size)
		return "is empty";
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (!char_is_alphanumeric(c) &&
		    !is_one_of(c, i ? format->others : format->first))
			return why(arena, format, c);
	}
	return NULL;
}
