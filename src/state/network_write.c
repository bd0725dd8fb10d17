/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and rules in ip's words, always in the same order. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "state/network.h"
#include "state/text.h"

#define IPV6_METRIC 1024

static void write_ip(struct sbuf *out, const char *word, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (ip->family)
		sbuf_printf(out, " %s %s", word, ip_format(ip, text));
}

/* A default route of IPv6 is written in full: its family is seen by it. */
static void write_destination(struct sbuf *out, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (!prefix->length && prefix->ip.family == AF_INET)
		sbuf_puts(out, "default");
	else
		sbuf_puts(out, prefix_format(prefix, text));
}

static void write_table(struct sbuf *out, uint32_t table, bool automatic)
{
	const char *name = word_of(table_words, table);

	if (automatic)
		sbuf_puts(out, "table auto");
	else if (name)
		sbuf_printf(out, "table %s", name);
	else
		sbuf_printf(out, "table %u", (unsigned int)table);
}

static void write_scope(struct sbuf *out, const struct route *route)
{
	const char *name = word_of(scope_words, route->scope);

	if (route->scope == route_default_scope(route))
		return;
	if (name)
		sbuf_printf(out, " scope %s", name);
	else
		sbuf_printf(out, " scope %u", (unsigned int)route->scope);
}

static void write_metrics(struct sbuf *out, const struct route *route)
{
	uint32_t usual = route->prefix.ip.family == AF_INET6 ? IPV6_METRIC : 0;

	if (route->metric != usual)
		sbuf_printf(out, " metric %u", (unsigned int)route->metric);
	write_ip(out, "src", &route->source);
	if (route->mtu)
		sbuf_printf(out, " mtu %s%u", route->mtu_locked ? "lock " : "",
			    (unsigned int)route->mtu);
	if (route->advmss)
		sbuf_printf(out, " advmss %u", (unsigned int)route->advmss);
	if (route->onlink)
		sbuf_puts(out, " onlink");
}

void route_write(struct sbuf *out, const struct route *route)
{
	const char *type = word_of(route_type_words, route->type);
	bool automatic = route->automatic & ROUTE_TABLE;

	if (!type)
		sbuf_printf(out, "type %u ", (unsigned int)route->type);
	else if (route->type != RTN_UNICAST)
		sbuf_printf(out, "%s ", type);
	write_destination(out, &route->prefix);
	if (route->tos)
		sbuf_printf(out, " tos 0x%02x", (unsigned int)route->tos);
	write_ip(out, "via", &route->via);
	if (route->device[0])
		sbuf_printf(out, " dev %s", route->device);
	if (automatic || route->table != RT_TABLE_MAIN) {
		sbuf_putc(out, ' ');
		write_table(out, route->table, automatic);
	}
	sbuf_printf(out, " proto %u", (unsigned int)route->protocol);
	write_scope(out, route);
	write_metrics(out, route);
}

static void write_prefix(struct sbuf *out, const char *word,
			 const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix->length)
		sbuf_printf(out, "%s %s ", word, prefix_format(prefix, text));
}

static void write_mark(struct sbuf *out, const struct rule *rule)
{
	if (rule->automatic & RULE_FWMARK)
		sbuf_puts(out, "fwmark auto ");
	else if (rule->fwmask == UINT32_MAX)
		sbuf_printf(out, "fwmark 0x%x ", (unsigned int)rule->fwmark);
	else if (rule->fwmask)
		sbuf_printf(out, "fwmark 0x%x/0x%x ",
			    (unsigned int)rule->fwmark,
			    (unsigned int)rule->fwmask);
}

static void write_range(struct sbuf *out, const char *word, uint32_t first,
			uint32_t last)
{
	sbuf_printf(out, "%s %u", word, (unsigned int)first);
	if (last != first)
		sbuf_printf(out, "-%u", (unsigned int)last);
	sbuf_putc(out, ' ');
}

static void write_selectors(struct sbuf *out, const struct rule *rule)
{
	if (rule->invert)
		sbuf_puts(out, "not ");
	write_prefix(out, "from", &rule->from);
	write_prefix(out, "to", &rule->to);
	if (rule->tos)
		sbuf_printf(out, "tos 0x%02x ", (unsigned int)rule->tos);
	write_mark(out, rule);
	if (rule->iif[0])
		sbuf_printf(out, "iif %s ", rule->iif);
	if (rule->oif[0])
		sbuf_printf(out, "oif %s ", rule->oif);
	if (rule->ip_protocol)
		sbuf_printf(out, "ipproto %u ",
			    (unsigned int)rule->ip_protocol);
	if (rule->source_port[0])
		write_range(out, "sport", rule->source_port[0],
			    rule->source_port[1]);
	if (rule->destination_port[0])
		write_range(out, "dport", rule->destination_port[0],
			    rule->destination_port[1]);
	/* ip takes a range of users only with both ends. */
	if (rule->uid_range[0] || rule->uid_range[1] != UINT32_MAX)
		sbuf_printf(out, "uidrange %u-%u ",
			    (unsigned int)rule->uid_range[0],
			    (unsigned int)rule->uid_range[1]);
}

static void write_action(struct sbuf *out, const struct rule *rule)
{
	const char *type = word_of(rule_action_words, rule->action);

	if (rule->action != FR_ACT_TO_TBL) {
		if (type)
			sbuf_puts(out, type);
		else
			sbuf_printf(out, "type %u",
				    (unsigned int)rule->action);
		return;
	}
	write_table(out, rule->table, rule->automatic & RULE_TABLE);
	if (rule->suppress_prefixlength >= 0)
		sbuf_printf(out, " suppress_prefixlength %d",
			    (int)rule->suppress_prefixlength);
}

void rule_write(struct sbuf *out, const struct rule *rule)
{
	write_selectors(out, rule);
	write_action(out, rule);
	if (rule->automatic & RULE_PRIORITY)
		sbuf_puts(out, " priority auto");
	else
		sbuf_printf(out, " priority %u", (unsigned int)rule->priority);
	sbuf_printf(out, " protocol %u", (unsigned int)rule->protocol);
}
