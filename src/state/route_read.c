/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A route in the words of ip-route(8). */
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "state/network.h"
#include "state/value.h"

#define IPV6_METRIC 1024	/* IP6_RT_PRIO_USER, which 0 stands for */

enum route_word {
	ROUTE_WORD_VIA,
	ROUTE_WORD_DEV,
	ROUTE_WORD_TABLE,
	ROUTE_WORD_PROTOCOL,
	ROUTE_WORD_SCOPE,
	ROUTE_WORD_METRIC,
	ROUTE_WORD_SOURCE,
	ROUTE_WORD_MTU,
	ROUTE_WORD_ADVMSS,
	ROUTE_WORD_ONLINK,
	ROUTE_WORD_TOS,
};

static const struct option options[] = {
	{ "via", ROUTE_WORD_VIA },
	{ "dev", ROUTE_WORD_DEV },
	{ "table", ROUTE_WORD_TABLE },
	{ "proto", ROUTE_WORD_PROTOCOL },
	{ "protocol", ROUTE_WORD_PROTOCOL },
	{ "scope", ROUTE_WORD_SCOPE },
	{ "metric", ROUTE_WORD_METRIC },
	{ "priority", ROUTE_WORD_METRIC },
	{ "preference", ROUTE_WORD_METRIC },
	{ "src", ROUTE_WORD_SOURCE },
	{ "mtu", ROUTE_WORD_MTU },
	{ "advmss", ROUTE_WORD_ADVMSS },
	{ "onlink", ROUTE_WORD_ONLINK },
	{ "tos", ROUTE_WORD_TOS },
	{ "dsfield", ROUTE_WORD_TOS },
	{ NULL, 0 },
};

static bool saw(uint32_t seen, enum route_word word)
{
	return seen & 1u << word;
}

/* As ip does it, iproute_modify() of iproute2: only IPv4 has scopes. */
uint8_t route_default_scope(const struct route *route)
{
	if (route->prefix.ip.family == AF_INET &&
	    route->type == RTN_UNICAST && !route->via.family)
		return RT_SCOPE_LINK;
	return RT_SCOPE_UNIVERSE;
}

/* The kernel cuts larger values down, fib_metrics.c: these it keeps. */
static void read_mtu(struct statement *s, struct route *out)
{
	if (s->next < s->count && str_is(s->words[s->next], "lock")) {
		out->mtu_locked = true;
		s->next++;
	}
	out->mtu = statement_number(s, "mtu", 68, UINT16_MAX - 15);
}

static void read_option(struct statement *s, enum route_word word,
			struct route *out)
{
	uint32_t scope = 0;

	switch (word) {
	case ROUTE_WORD_VIA:
		out->via = statement_ip(s, "via");
		return;
	case ROUTE_WORD_DEV:
		statement_link(s, "dev", out->device);
		return;
	case ROUTE_WORD_TABLE:
		out->table = statement_table(s, "table", &out->automatic,
					     ROUTE_TABLE);
		return;
	case ROUTE_WORD_PROTOCOL:
		statement_protocol(s, "proto");
		return;
	case ROUTE_WORD_SCOPE:
		if (s->next < s->count &&
		    number_of(scope_words, s->words[s->next], &scope))
			s->next++;
		else
			scope = statement_number(s, "scope", 0, 254);
		out->scope = (uint8_t)scope;
		return;
	case ROUTE_WORD_METRIC:
		out->metric = statement_number(s, "metric", 0, UINT32_MAX);
		return;
	case ROUTE_WORD_SOURCE:
		out->source = statement_ip(s, "src");
		return;
	case ROUTE_WORD_MTU:
		read_mtu(s, out);
		return;
	case ROUTE_WORD_ADVMSS:
		out->advmss = statement_number(s, "advmss", 1,
					       UINT16_MAX - 40);
		return;
	case ROUTE_WORD_ONLINK:
		out->onlink = true;
		return;
	case ROUTE_WORD_TOS:
		out->tos = statement_tos(s, "tos");
		return;
	}
}

/* FIRST is the word of the destination. */
static void check_families(struct statement *s, struct str first,
			   struct route *r, uint32_t seen)
{
	uint8_t family = r->prefix.ip.family;

	if (!family)
		family = r->via.family ? r->via.family : r->source.family;
	if (!family)
		family = AF_INET;
	r->prefix.ip.family = family;
	if ((r->via.family && r->via.family != family) ||
	    (r->source.family && r->source.family != family)) {
		statement_error(s, first, "the addresses of this route are of "
				"two families");
		return;
	}
	if (family != AF_INET6)
		return;
	if (saw(seen, ROUTE_WORD_TOS))
		statement_error(s, first, "IPv6 routes have no tos");
	else if (saw(seen, ROUTE_WORD_SCOPE) && r->scope)
		statement_error(s, first, "IPv6 routes have no scope but "
				"global");
}

/* What has to be there, and what cannot. */
static void check_way(struct statement *s, struct str first,
		      const struct route *r)
{
	if (r->type != RTN_UNICAST) {
		if (r->via.family || r->device[0] || r->onlink)
			statement_error(s, first, "a %s route has no via, dev "
					"or onlink",
					word_of(route_type_words, r->type));
	} else if (!r->device[0]) {
		statement_error(s, first, "this route has no dev");
	} else if (r->onlink && !r->via.family) {
		statement_error(s, first, "onlink is for a route with via");
	}
}

void route_read(struct statement *s, struct route *out)
{
	struct route r = { .type = RTN_UNICAST, .protocol = OUR_PROTOCOL,
			   .table = RT_TABLE_MAIN };
	struct str first = statement_value(s, "route");
	uint32_t seen = 0, type = RTN_UNICAST;
	int word;

	if (number_of(route_type_words, first, &type))
		first = statement_value(s, word_of(route_type_words, type));
	r.type = (uint8_t)type;
	if (!str_is(first, "default"))
		r.prefix = statement_prefix(s, first);
	while ((word = statement_option(s, options, &seen)) >= 0)
		read_option(s, (enum route_word)word, &r);
	if (s->failed)
		return;
	check_families(s, first, &r, seen);
	if (!s->failed)
		check_way(s, first, &r);
	if (!saw(seen, ROUTE_WORD_SCOPE))
		r.scope = route_default_scope(&r);
	if (r.prefix.ip.family == AF_INET6 && !r.metric)
		r.metric = IPV6_METRIC;
	r.where = place_of(s->source, first);
	*out = r;
}
