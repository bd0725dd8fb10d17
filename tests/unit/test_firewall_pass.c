/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection let through: where its rules go, by the text alone. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/firewall_pass.h"
#include "support/check.h"

#define IN \
	" ip saddr 10.0.0.2 ip daddr 10.0.0.1 tcp sport 50022 tcp dport 22 " \
	"accept;"
#define OUT \
	" ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp sport 22 tcp dport 50022 " \
	"accept;"
#define BASE(hook) "type filter hook " hook " priority 0;"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((size_t)1 << 24);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct firewall_pass pass_of(const char *local, const char *remote)
{
	struct firewall_pass pass = { .local_port = 22,
				      .remote_port = 50022 };

	ck_assert(!ip_parse(str_of(local), &pass.local));
	ck_assert(!ip_parse(str_of(remote), &pass.remote));
	return pass;
}

static void gives(const char *text, const char *want)
{
	struct firewall_pass pass = pass_of("10.0.0.1", "10.0.0.2");
	struct str got = firewall_pass_add(arena, str_of(text), &pass);

	ck_assert_msg(str_is(got, want), "%.*s", (int)got.size, got.data);
}

START_TEST(base_chains)
{
	gives("table inet t {\n\tchain a {\n\t\t" BASE("input") "\n\t\tdrop\n"
	      "\t}\n}\n",
	      "table inet t {\n\tchain a {" IN OUT "\n\t\t" BASE("input")
	      "\n\t\tdrop\n\t}\n}\n");
	/* Each of them, whatever stands around. */
	gives("# chain x {\ntable inet t { set chain2 { type ipv4_addr; }\n"
	      "chain a { " BASE("input") " }\nchain b { drop; }\nchain c {"
	      "# } \n" BASE("output") " policy drop; ip saddr { 1.2.3.4, "
	      "5.6.7.8 } accept }\n}\n",
	      "# chain x {\ntable inet t { set chain2 { type ipv4_addr; }\n"
	      "chain a {" IN OUT " " BASE("input") " }\nchain b { drop; }\n"
	      "chain c {" IN OUT "# } \n" BASE("output") " policy drop; ip "
	      "saddr { 1.2.3.4, 5.6.7.8 } accept }\n}\n");
	/* Rules may stand before what makes it a base chain. */
	gives("table inet t { chain a { drop; " BASE("input") " } }",
	      "table inet t { chain a {" IN OUT " drop; " BASE("input")
	      " } }");
}
END_TEST

START_TEST(others)
{
	static const char *const texts[] = {
		"", "table inet t { }", "define chain = 1\ntable inet t { }\n",
		"table inet t { chain a { drop; } }",
		"table inet t { chain a { type nat hook prerouting priority "
		"0; } }",
		"table inet t { chain a { type route hook output priority 0; "
		"} }",
		"table inet t { chain a { jump { type filter hook input; } } }",
		"table inet t { chain a { log prefix \"type filter hook "
		"input\"; } }",
		"table inet t { chain a { ct state new; meta mark hook; } }",
		"table inet t { map m { type mark : verdict; } }",
		"chain a { " BASE("input") " }",
		"table inet t { chain", "table inet t { chain a",
		"table inet t { chain a {", "table inet t { chain a { type",
	};

	for (size_t i = 0; i < array_size(texts); i++)
		gives(texts[i], texts[i]);
}
END_TEST

START_TEST(ipv6)
{
	struct firewall_pass pass = pass_of("2001:db8::1", "2001:db8::2");
	struct str got = firewall_pass_add(arena, STR("table inet t { chain "
		"a { " BASE("input") " } }"), &pass);

	ck_assert_msg(str_is(got, "table inet t { chain a { ip6 saddr "
		"2001:db8::2 ip6 daddr 2001:db8::1 tcp sport 50022 tcp dport "
		"22 accept; ip6 saddr 2001:db8::1 ip6 daddr 2001:db8::2 tcp "
		"sport 22 tcp dport 50022 accept; " BASE("input") " } }"),
		"%.*s", (int)got.size, got.data);
}
END_TEST

START_TEST(what_is_seen)
{
	static const struct {
		const char *text;
		bool own, filters;
	} of[] = {
		{ "table inet t { }", false, false },
		{ "table inet t { chain a { drop; } }", false, false },
		{ "table inet t { chain a { " BASE("forward") " policy drop; "
		  "} }", false, false },
		{ "table inet t { chain a { " BASE("prerouting") " policy "
		  "accept; } }", true, false },
		{ "table inet t { chain a { " BASE("output") " policy drop; } "
		  "}", true, true },
		{ "table inet t { chain a { " BASE("input") " } }", true,
		  true },
		{ "table inet t { chain a { " BASE("forward") " }\nchain b { "
		  "type nat hook postrouting priority 0; } }", true, false },
	};

	for (size_t i = 0; i < array_size(of); i++) {
		struct firewall_sees sees = firewall_sees(str_of(of[i].text));

		ck_assert_msg(sees.own == of[i].own &&
			      sees.filters == of[i].filters, "%s", of[i].text);
	}
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(base_chains), CHECK_CASE(others),
		CHECK_CASE(ipv6), CHECK_CASE(what_is_seen),
	};

	return check_run_within("firewall_pass", cases, array_size(cases),
				setup, teardown);
}
