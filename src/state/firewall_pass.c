/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/firewall_pass.h"

#include <sys/socket.h>

#include "base/arena.h"
#include "state/firewall_lex.h"

/* A chain of the table, as its block tells. */
struct chain {
	size_t open;		/* behind its brace */
	bool filter;		/* type filter: a base chain */
	struct str hook;	/* of size 0: no base chain */
	bool drops;		/* policy drop */
};

struct reader {
	struct lex lex;
	struct lex_token token;
	size_t depth;
};

static void advance(struct reader *r)
{
	if (lex_is(&r->token, "{"))
		r->depth++;
	else if (lex_is(&r->token, "}") && r->depth)
		r->depth--;
	r->token = lex_next(&r->lex);
}

/* The word behind the current one. */
static struct lex_token value(struct reader *r)
{
	advance(r);
	return r->token;
}

/* A statement of the block that tells of the chain itself. */
static void read_word(struct reader *r, struct chain *chain)
{
	struct lex_token word = r->token, v;

	if (lex_is(&word, "type")) {
		v = value(r);
		chain->filter = lex_is(&v, "filter");
	} else if (lex_is(&word, "policy")) {
		v = value(r);
		chain->drops = lex_is(&v, "drop");
	}
}

/* "type TYPE hook HOOK …": its words stand at the start of a statement. */
static void read_block(struct reader *r, struct chain *chain)
{
	size_t depth = r->depth;
	bool begins = true;
	bool head = false;	/* in the statement that begins with type */

	while (r->token.kind != LEX_END && r->depth >= depth) {
		if (r->depth == depth && lex_is(&r->token, "}"))
			return;
		if (r->token.kind == LEX_SEPARATOR) {
			begins = true;
			head = false;
			advance(r);
			continue;
		}
		if (begins && r->depth == depth) {
			head = lex_is(&r->token, "type");
			read_word(r, chain);
		} else if (head && lex_is(&r->token, "hook")) {
			chain->hook = value(r).text;
		}
		begins = false;
		advance(r);
	}
}

/* The next block "chain NAME { … }" of the table; false: there is none. */
static bool next_chain(struct reader *r, struct chain *chain)
{
	while (r->token.kind != LEX_END) {
		if (r->depth != 1 || !lex_is(&r->token, "chain")) {
			advance(r);
			continue;
		}
		advance(r);	/* its name */
		advance(r);
		if (!lex_is(&r->token, "{"))
			continue;
		*chain = (struct chain){ .open = r->lex.at };
		advance(r);
		read_block(r, chain);
		return true;
	}
	return false;
}

static struct reader reader_of(struct str text)
{
	struct reader r = { .lex = { text, 0 } };

	r.token = lex_next(&r.lex);
	return r;
}

static void rule(struct sbuf *out, const struct ip *from, uint16_t from_port,
		 const struct ip *to, uint16_t to_port)
{
	const char *family = from->family == AF_INET6 ? "ip6" : "ip";
	char source[IP_TEXT_MAX], destination[IP_TEXT_MAX];

	sbuf_printf(out, " %s saddr %s %s daddr %s tcp sport %u tcp dport %u "
		    "accept;", family, ip_format(from, source), family,
		    ip_format(to, destination), from_port, to_port);
}

struct str firewall_pass_add(struct arena *arena, struct str text,
			     const struct firewall_pass *pass)
{
	struct reader r = reader_of(text);
	struct chain chain;
	struct sbuf out;
	size_t done = 0;

	sbuf_init(&out, arena);
	while (next_chain(&r, &chain)) {
		if (!chain.filter || !chain.hook.size)
			continue;
		sbuf_add(&out, text.data + done, chain.open - done);
		done = chain.open;
		rule(&out, &pass->remote, pass->remote_port, &pass->local,
		     pass->local_port);
		rule(&out, &pass->local, pass->local_port, &pass->remote,
		     pass->remote_port);
	}
	if (!done)
		return text;
	sbuf_add(&out, text.data + done, text.size - done);
	return (struct str){ out.data, out.size };
}

struct firewall_sees firewall_sees(struct str text)
{
	struct reader r = reader_of(text);
	struct firewall_sees sees = { 0 };
	struct chain chain;

	while (next_chain(&r, &chain)) {
		if (!chain.hook.size || str_is(chain.hook, "forward"))
			continue;
		sees.own = true;
		sees.filters |= chain.drops || str_is(chain.hook, "input");
	}
	return sees;
}
