/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule in the words of ip-rule(8). */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/network.h"
#include "state/value.h"

#define RULE_TOS_MAX 0x1c	/* of IPv4: fib4_rule_configure() */

enum rule_word {
	RULE_WORD_NOT,
	RULE_WORD_FROM,
	RULE_WORD_TO,
	RULE_WORD_TOS,
	RULE_WORD_FWMARK,
	RULE_WORD_IIF,
	RULE_WORD_OIF,
	RULE_WORD_IP_PROTOCOL,
	RULE_WORD_SPORT,
	RULE_WORD_DPORT,
	RULE_WORD_UIDRANGE,
	RULE_WORD_TABLE,
	RULE_WORD_SUPPRESS,
	RULE_WORD_PRIORITY,
	RULE_WORD_PROTOCOL,
	RULE_WORD_TYPE,
	RULE_WORD_BLACKHOLE,
	RULE_WORD_UNREACHABLE,
	RULE_WORD_PROHIBIT,
};

static const struct option options[] = {
	{ "not", RULE_WORD_NOT },
	{ "from", RULE_WORD_FROM },
	{ "to", RULE_WORD_TO },
	{ "tos", RULE_WORD_TOS },
	{ "dsfield", RULE_WORD_TOS },
	{ "fwmark", RULE_WORD_FWMARK },
	{ "iif", RULE_WORD_IIF },
	{ "oif", RULE_WORD_OIF },
	{ "ipproto", RULE_WORD_IP_PROTOCOL },
	{ "sport", RULE_WORD_SPORT },
	{ "dport", RULE_WORD_DPORT },
	{ "uidrange", RULE_WORD_UIDRANGE },
	{ "table", RULE_WORD_TABLE },
	{ "lookup", RULE_WORD_TABLE },
	{ "suppress_prefixlength", RULE_WORD_SUPPRESS },
	{ "priority", RULE_WORD_PRIORITY },
	{ "preference", RULE_WORD_PRIORITY },
	{ "pref", RULE_WORD_PRIORITY },
	{ "order", RULE_WORD_PRIORITY },
	{ "protocol", RULE_WORD_PROTOCOL },
	{ "type", RULE_WORD_TYPE },
	{ "blackhole", RULE_WORD_BLACKHOLE },
	{ "unreachable", RULE_WORD_UNREACHABLE },
	{ "prohibit", RULE_WORD_PROHIBIT },
	{ NULL, 0 },
};

static const struct word_number ip_protocol_words[] = {
	{ "icmp", IPPROTO_ICMP },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "ipv6-icmp", IPPROTO_ICMPV6 },
	{ "sctp", IPPROTO_SCTP },
	{ NULL, 0 },
};

static bool saw(uint32_t seen, enum rule_word word)
{
	return seen & 1u << word;
}

static struct prefix read_prefix(struct statement *s, const char *after,
				 uint8_t family)
{
	struct prefix all = { .ip.family = family }, prefix;
	struct str word = statement_value(s, after);

	if (s->failed || str_is(word, "all") || str_is(word, "default"))
		return all;
	prefix = statement_prefix(s, word);
	if (!s->failed && prefix.ip.family != family)
		statement_error(s, word, "%s is of the other family",
				value_show(s->diags, word))->hint =
			"rules for IPv6, and only they, are written "
			"'-6 rule add'";
	return prefix;
}

/* NUMBER, NUMBER/MASK or auto. */
static void read_fwmark(struct statement *s, struct rule *out)
{
	struct str word = statement_value(s, "fwmark"), rest = word, part;
	uint64_t mark = 0, mask = UINT32_MAX;
	bool good;

	if (s->failed)
		return;
	if (str_is(word, "auto")) {
		out->automatic |= RULE_FWMARK;
		out->fwmask = UINT32_MAX;
		return;
	}
	good = str_next(&rest, '/', &part) &&
	       str_uint_or_hex(part, UINT32_MAX, &mark) == 0;
	if (good && part.size < word.size)
		good = str_uint_or_hex(rest, UINT32_MAX, &mask) == 0 && mask;
	/* The kernel takes a mark of 0 without a mask for no mark at all. */
	if (!good || (!mark && part.size == word.size))
		statement_error(s, word, "fwmark is %s, not NUMBER, "
				"NUMBER/MASK or 'auto'",
				value_show(s->diags, word));
	out->fwmark = (uint32_t)mark;
	out->fwmask = (uint32_t)mask;
}

/* N or N-M, from MIN to MAX. */
static void read_range(struct statement *s, const char *after, uint32_t min,
		       uint32_t max, uint32_t out[static 2])
{
	struct str word = statement_value(s, after), rest = word, part;
	uint64_t first = 0, last;
	bool good;

	if (s->failed)
		return;
	good = str_next(&rest, '-', &part) &&
	       str_uint(part, max, &first) == 0;
	last = first;
	if (good && part.size < word.size)
		good = str_uint(rest, max, &last) == 0;
	if (!good || first < min || last < first) {
		statement_error(s, word, "%s is %s, not N or N-M with numbers "
				"from %u to %u", after,
				value_show(s->diags, word), (unsigned int)min,
				(unsigned int)max);
		return;
	}
	out[0] = (uint32_t)first;
	out[1] = (uint32_t)last;
}

/* fib_rule_port_range_valid() of the kernel takes neither 0 nor 65535. */
static void read_ports(struct statement *s, const char *after,
		       uint16_t out[static 2])
{
	uint32_t range[2] = { 0 };

	read_range(s, after, 1, UINT16_MAX - 1, range);
	out[0] = (uint16_t)range[0];
	out[1] = (uint16_t)range[1];
}

static void read_ip_protocol(struct statement *s, struct rule *out)
{
	uint32_t number = 0;

	if (s->next < s->count &&
	    number_of(ip_protocol_words, s->words[s->next], &number))
		s->next++;
	else
		number = statement_number(s, "ipproto", 1, UINT8_MAX);
	out->ip_protocol = (uint8_t)number;
}

static void read_priority(struct statement *s, struct rule *out)
{
	if (s->next < s->count && str_is(s->words[s->next], "auto")) {
		out->automatic |= RULE_PRIORITY;
		s->next++;
		return;
	}
	out->priority = statement_number(s, "priority", 0, UINT32_MAX);
}

static void read_type(struct statement *s, struct rule *out)
{
	struct str word = statement_value(s, "type");
	uint32_t action = 0;

	if (s->failed)
		return;
	if (!number_of(rule_action_words, word, &action))
		statement_error(s, word, "%s is no type of a rule: "
				"'blackhole', 'unreachable' or 'prohibit'",
				value_show(s->diags, word));
	out->action = (uint8_t)action;
}

static void read_option(struct statement *s, enum rule_word word,
			struct rule *out)
{
	switch (word) {
	case RULE_WORD_NOT:
		out->invert = true;
		return;
	case RULE_WORD_FROM:
		out->from = read_prefix(s, "from", out->family);
		return;
	case RULE_WORD_TO:
		out->to = read_prefix(s, "to", out->family);
		return;
	case RULE_WORD_TOS:
		out->tos = statement_tos(s, "tos");
		return;
	case RULE_WORD_FWMARK:
		read_fwmark(s, out);
		return;
	case RULE_WORD_IIF:
		statement_link(s, "iif", out->iif);
		return;
	case RULE_WORD_OIF:
		statement_link(s, "oif", out->oif);
		return;
	case RULE_WORD_IP_PROTOCOL:
		read_ip_protocol(s, out);
		return;
	case RULE_WORD_SPORT:
		read_ports(s, "sport", out->source_port);
		return;
	case RULE_WORD_DPORT:
		read_ports(s, "dport", out->destination_port);
		return;
	case RULE_WORD_UIDRANGE:
		read_range(s, "uidrange", 0, UINT32_MAX - 1, out->uid_range);
		return;
	case RULE_WORD_TABLE:
		out->table = statement_table(s, "table", &out->automatic,
					     RULE_TABLE);
		return;
	case RULE_WORD_SUPPRESS:
		out->suppress_prefixlength = (int32_t)statement_number(
			s, "suppress_prefixlength", 0,
			ip_bits(out->family));
		return;
	case RULE_WORD_PRIORITY:
		read_priority(s, out);
		return;
	case RULE_WORD_PROTOCOL:
		statement_protocol(s, "protocol");
		return;
	case RULE_WORD_TYPE:
		read_type(s, out);
		return;
	case RULE_WORD_BLACKHOLE:
		out->action = FR_ACT_BLACKHOLE;
		return;
	case RULE_WORD_UNREACHABLE:
		out->action = FR_ACT_UNREACHABLE;
		return;
	case RULE_WORD_PROHIBIT:
		out->action = FR_ACT_PROHIBIT;
		return;
	}
}

/* FIRST is the statement's first word. */
static void check_rule(struct statement *s, struct str first, uint32_t seen,
		       const struct rule *r)
{
	uint32_t types = 1u << RULE_WORD_TYPE | 1u << RULE_WORD_BLACKHOLE |
			 1u << RULE_WORD_UNREACHABLE | 1u << RULE_WORD_PROHIBIT;
	uint32_t type = seen & types;

	if (!saw(seen, RULE_WORD_PRIORITY))
		statement_error(s, first, "this rule has no priority: a "
				"number, or 'auto'");
	else if (type & (type - 1))
		statement_error(s, first, "this rule has two types");
	else if (!type && !saw(seen, RULE_WORD_TABLE))
		statement_error(s, first, "this rule has no table");
	else if (type && (saw(seen, RULE_WORD_TABLE) ||
			  saw(seen, RULE_WORD_SUPPRESS)))
		statement_error(s, first, "this rule has both a table and a "
				"type");
	else if (r->family == AF_INET && r->tos > RULE_TOS_MAX)
		statement_error(s, first, "the tos of a rule for IPv4 is at "
				"most 0x1c");
}

void rule_read(struct statement *s, uint8_t family, struct rule *out)
{
	struct rule r = {
		.family = family, .action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL, .suppress_prefixlength = -1,
		.uid_range = { 0, UINT32_MAX },
		.from.ip.family = family, .to.ip.family = family,
	};
	struct str first = s->words[0];
	uint32_t seen = 0;
	int word;

	while ((word = statement_option(s, options, &seen)) >= 0)
		read_option(s, (enum rule_word)word, &r);
	if (!s->failed)
		check_rule(s, first, seen, &r);
	r.where = place_of(s->source, first);
	*out = r;
}
