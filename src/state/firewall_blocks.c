/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/firewall_blocks.h"

#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/firewall_lex.h"

struct reader {
	struct arena *arena;
	struct lex lex;
	struct lex_token token;
	size_t depth;		/* of braces, the current token not counted */
	struct firewall_block *blocks;
	size_t count, capacity;
};

static void advance(struct reader *r)
{
	if (lex_is(&r->token, "{"))
		r->depth++;
	else if (lex_is(&r->token, "}") && r->depth)
		r->depth--;
	r->token = lex_next(&r->lex);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool is_of_address(char c)
{
	return char_is_digit(c) || c == '.' || c == '/' || c == ':' ||
	       (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Most of a large text is this, and its tokens are of no interest. */
static bool skip_plain(struct lex *lex)
{
	for (size_t at = lex->at; at < lex->text.size; at++) {
		char c = lex->text.data[at];

		if (c == '}') {
			lex->at = at;
			return true;
		}
		if (!is_of_address(c) && c != ',' && !is_blank(c))
			return false;
	}
	return false;
}

/* The current token is the brace that opens it. */
static void read_elements(struct reader *r, struct firewall_block *block)
{
	size_t start = r->lex.at, depth = r->depth;

	block->plain = skip_plain(&r->lex);
	advance(r);
	while (r->token.kind != LEX_END &&
	       (r->depth > depth + 1 || !lex_is(&r->token, "}")))
		advance(r);
	block->text.data = r->lex.text.data + start;
	block->text.size = r->lex.at - start - r->token.text.size;
}

/* "set NAME {": the current token is the brace. */
static void read_set(struct reader *r, struct str name)
{
	struct firewall_block block = { .name = name };
	bool begins = true, found = false;
	size_t depth = r->depth;

	advance(r);
	while (r->token.kind != LEX_END && r->depth > depth &&
	       (r->depth > depth + 1 || !lex_is(&r->token, "}"))) {
		bool elements = begins && lex_is(&r->token, "elements");

		begins = r->token.kind == LEX_SEPARATOR;
		block.merges |= lex_is(&r->token, "auto-merge");
		advance(r);
		if (!elements || !lex_is(&r->token, "="))
			continue;
		advance(r);
		if (!lex_is(&r->token, "{"))
			continue;
		/* Of a second one, which adds to the first, enough is said. */
		block.merges |= found;
		read_elements(r, &block);
		found = true;
	}
	if (!found)
		return;
	arena_room(r->arena, &r->blocks, r->count, &r->capacity,
		   sizeof(*r->blocks));
	r->blocks[r->count++] = block;
}

size_t firewall_blocks(struct arena *arena, struct str text,
		       struct firewall_block **out)
{
	struct reader r = { .arena = arena, .lex = { text, 0 } };

	r.token = lex_next(&r.lex);
	while (r.token.kind != LEX_END) {
		bool set = r.depth == 1 && (lex_is(&r.token, "set") ||
					    lex_is(&r.token, "map"));
		struct str name;

		advance(&r);
		if (!set || r.token.kind != LEX_WORD)
			continue;
		name = r.token.text;
		advance(&r);
		if (lex_is(&r.token, "{"))
			read_set(&r, name);
	}
	*out = r.blocks;
	return r.count;
}

/* What stands before the next block, or at the end. */
static struct str around(struct str text, const struct firewall_block *blocks,
			 size_t count, size_t i)
{
	const char *start = i ? blocks[i - 1].text.data +
				blocks[i - 1].text.size : text.data;
	const char *end = i < count ? blocks[i].text.data :
				      text.data + text.size;

	return (struct str){ start, (size_t)(end - start) };
}

bool firewall_same_around(struct str a, const struct firewall_block *a_blocks,
			  size_t a_count, struct str b,
			  const struct firewall_block *b_blocks,
			  size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i <= a_count; i++)
		if (!str_equal(around(a, a_blocks, a_count, i),
			       around(b, b_blocks, b_count, i)))
			return false;
	return true;
}

/*
 * Blanks off both ends: false where there is more than the one newline that
 * nft's grammar has at either (set_list_member_expr of its parser).
 */
static bool trim(struct str *item)
{
	size_t before = 0, after = 0;

	while (item->size && is_blank(item->data[0])) {
		before += item->data[0] == '\n';
		item->data++;
		item->size--;
	}
	while (item->size && is_blank(item->data[item->size - 1]))
		after += item->data[--item->size] == '\n';
	return before <= 1 && after <= 1;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* An IPv4 address within an IPv6 one is left to nft. */
static bool read_prefix(struct str item, uint8_t family, struct prefix *out)
{
	return !prefix_parse(item, out) && out->ip.family == family &&
	       !prefix_has_host_bits(out) &&
	       !(family == AF_INET6 && memchr(item.data, '.', item.size));
}

bool firewall_block_prefixes(struct arena *arena,
			     const struct firewall_block *block,
			     uint8_t family, struct prefix **out,
			     size_t *count)
{
	struct str rest = block->text, item;
	const char *end = rest.data + rest.size;
	size_t n = 0, capacity = 0;

	*out = NULL;
	*count = 0;
	if (!block->plain)
		return false;
	while (str_next(&rest, ',', &item)) {
		if (!trim(&item))
			return false;
		/* A comma may stand behind the last, and one alone. */
		if (!item.size && n && item.data == end)
			break;
		arena_room(arena, out, n, &capacity, sizeof(**out));
		if (!read_prefix(item, family, &(*out)[n++]))
			return false;
	}
	items_sort(*out, n, sizeof(**out), compare_prefixes);
	*count = n;
	return n;
}
