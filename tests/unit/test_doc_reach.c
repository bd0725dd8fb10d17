/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests of a document, hop by hop. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "support/check.h"
#include "support/mesh.h"
#include "support/texts.h"

static struct arena *arena;

static void start(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void end(void)
{
	arena_free(arena);
	arena = NULL;
}

#define OFFICE \
	"{'meshapply': 1, 'mesh': 'office',\n" \
	" 'overlay': ['10.250.0.0/24', 'fd00::/64'], 'nodes': {\n" \
	" 'ir': {'public_key': '@1', 'addresses': ['10.250.0.1', 'fd00::1'],\n"\
	"  'endpoint': '198.51.100.10', 'subnets': ['192.168.10.0/24']},\n" \
	" 'tr': {'public_key': '@2', 'addresses': ['10.250.0.2', 'fd00::2'],\n"\
	"  'endpoint': '198.51.100.20',\n" \
	"  'subnets': ['192.168.20.0/24', 'fd20::/64']},\n" \
	" 'uae': {'public_key': '@3', 'addresses': ['10.250.0.3']},\n" \
	" 'off': {'public_key': '@4', 'addresses': ['10.250.0.4'],\n" \
	"  'subnets': ['192.168.40.0/24'], 'disabled': true}},\n" \
	" 'tests': [\n"

static const char *office(const char *test)
{
	return mesh_test_lines(arena, arena_printf(arena, OFFICE "%s]}",
						   test));
}

#define T(from, to) "{'from': '" from "', 'to': '" to "'}"
#define NOT(from, to) \
	"{'from': '" from "', 'to': '" to "', 'expect': 'unreachable'}"

START_TEST(reachable)
{
	static const char *const tests[] = {
		T("ir", "tr"), T("ir", "ir"), T("uae", "ir"),
		T("ir", "192.168.20.10"), T("192.168.10.1", "192.168.20.10"),
		T("uae", "192.168.20.10"), T("192.168.20.1", "uae"),
		T("10.250.0.3", "10.250.0.1"), T("fd00::1", "fd20::99"),
		T("fd20::99", "ir"), T("ir", "192.168.10.77"),
		T("tr", "fd00::1"), NOT("ir", "off"), NOT("off", "ir"),
		NOT("ir", "192.168.40.1"), NOT("ir", "192.0.2.1"),
		NOT("192.168.40.1", "tr"), NOT("uae", "fd00::1"),
		NOT("fd20::99", "uae"), NOT("ir", "10.250.0.99"),
	};

	start();
	for (size_t i = 0; i < array_size(tests); i++)
		ck_assert_msg(!*office(tests[i]), "%s: %s", tests[i],
			      office(tests[i]));
	end();
}
END_TEST

START_TEST(unreachable)
{
	static const struct { const char *test, *says; } cases[] = {
		{ NOT("ir", "tr"), "ir reaches tr, and is not to" },
		{ NOT("ir", "192.168.20.1"),
		  "ir reaches 192.168.20.1, and is not to" },
		{ T("ir", "off"),
		  "ir does not reach off: ir has no peer for 10.250.0.4" },
		{ T("off", "ir"), "off does not reach ir: off is disabled" },
		{ T("ir", "192.168.40.9"), "ir does not reach 192.168.40.9: "
		  "ir has no route to 192.168.40.9" },
		{ T("fd00::1", "uae"), "fd00::1 does not reach uae: they have "
		  "no address of one family" },
		{ T("uae", "10.250.0.77"), "uae does not reach 10.250.0.77: "
		  "uae has no peer for 10.250.0.77" },
		{ T("off", "192.168.40.9"), "off does not reach 192.168.40.9: "
		  "off does not forward to its subnets" },
		{ T("192.168.40.9", "off"), "192.168.40.9 does not reach off: "
		  "the answer is lost: off does not forward to its subnets" },
		{ T("uae", "fd00::1"), "uae does not reach fd00::1: they have "
		  "no address of one family" },
	};

	start();
	for (size_t i = 0; i < array_size(cases); i++)
		ck_assert_str_eq(office(cases[i].test),
				 arena_printf(arena, "mesh.json:12:1: %s\n",
					      cases[i].says));
	/* An end that is nobody's is an error of its own, expected or not. */
	ck_assert_str_eq(office(NOT("192.0.2.1", "tr")),
		"mesh.json:12:10: no node has 192.0.2.1 | a test begins at a "
		"node, at its address, or in one of its subnets\n");
	/* Each is told of. */
	ck_assert_str_eq(office(NOT("ir", "tr") ",\n" T("ir", "tr") ",\n"
				NOT("tr", "ir")),
		"mesh.json:12:1: ir reaches tr, and is not to\n"
		"mesh.json:14:1: tr reaches ir, and is not to\n");
	end();
}
END_TEST

#define HUBS \
	"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke'," \
	" 'overlay': ['10.0.0.0/24', 'fd00::/64'], 'hubs': ['h1', 'h2']," \
	" 'nodes': {" \
	" 'h1': {'public_key': '@1', 'addresses': ['10.0.0.1', 'fd00::1']," \
	"        'endpoint': '192.0.2.1', 'subnets': ['172.16.1.0/24']}," \
	" 'h2': {'public_key': '@2', 'addresses': ['10.0.0.2', 'fd00::2']," \
	"        'endpoint': '192.0.2.2'}," \
	" 'a': {'public_key': '@3', 'addresses': ['10.0.0.3', 'fd00::3']," \
	"       'hub': 'h1', 'subnets': ['172.16.3.0/24', 'fd03::/64']}," \
	" 'b': {'public_key': '@4', 'addresses': ['10.0.0.4', 'fd00::4']," \
	"       'hub': 'h2', 'subnets': ['172.16.4.0/24', 'fd04::/64']}," \
	" 'x': {'public_key': '@5', 'addresses': ['10.0.0.5', 'fd00::5']," \
	"       'hub': 'h2', 'subnets': ['0.0.0.0/0']}}, 'tests': [\n"

/* Spokes by way of two hubs, and an exit behind another hub. */
START_TEST(through_hubs)
{
	static const char tests[] =
		T("a", "b") "," T("b", "a") "," T("172.16.3.9", "172.16.4.9")
		"," T("fd03::9", "fd04::9") "," T("172.16.1.1", "172.16.4.1")
		"," T("a", "203.0.113.1") "," T("172.16.3.1", "203.0.113.1")
		"," T("h1", "203.0.113.1") "," T("x", "203.0.113.1")
		"," T("203.0.113.1", "a") "," NOT("a", "2001:db8::1")
		"," NOT("a", "10.0.0.77") "]}";

	start();
	ck_assert_str_eq(mesh_test_lines(arena, arena_printf(arena, HUBS "%s",
							     tests)), "");
	ck_assert_str_eq(mesh_test_lines(arena, HUBS T("a", "10.0.0.77") "]}"),
		"mesh.json:2:1: a does not reach 10.0.0.77: x does not pass "
		"on what others send\n");
	end();
}
END_TEST

/* Each hub has a way out of its own, which the other's spokes do not take. */
START_TEST(two_exits)
{
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke',"
		" 'overlay': ['10.0.0.0/24'], 'hubs': ['h1', 'h2'],"
		" 'nodes': {"
		" 'h1': {'public_key': '@1', 'addresses': ['10.0.0.1'],"
		"        'endpoint': '192.0.2.1', 'subnets': ['0.0.0.0/0']},"
		" 'h2': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"        'endpoint': '192.0.2.2', 'subnets': ['0.0.0.0/0']},"
		" 'a': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
		"       'hub': 'h1'},"
		" 'b': {'public_key': '@4', 'addresses': ['10.0.0.4'],"
		"       'hub': 'h2'}}, 'tests': [\n"
		T("a", "203.0.113.1") "," T("b", "203.0.113.1") ","
		T("203.0.113.1", "a") ",\n" T("203.0.113.1", "b") "]}";

	start();
	ck_assert_str_eq(mesh_test_lines(arena, text),
		"mesh.json:3:1: 203.0.113.1 does not reach b: h2 drops it: "
		"203.0.113.1 is not among the allowed IPs it has for h1\n");
	end();
}
END_TEST

/*
 * What a checked mesh never has is made by hand: prefixes of two nodes,
 * nodes without an endpoint, and links that are no full mesh.
 */
static const char *changed_text(const char *text,
				void (*change)(struct mesh *))
{
	struct mesh mesh = *mesh_of(arena, text);
	struct diags diags;

	change(&mesh);
	diags_init(&diags, arena);
	ck_assert_int_eq(mesh_test(arena, &mesh, &diags), -1);
	return diags_lines(arena, &diags);
}

static const char *changed(const char *test, void (*change)(struct mesh *))
{
	return changed_text(arena_printf(arena, OFFICE "%s]}", test), change);
}

static struct node *node_of(struct mesh *mesh, const char *name)
{
	for (size_t i = 0; i < mesh->node_count; i++)
		if (!strcmp(mesh->nodes[i].name, name))
			return &mesh->nodes[i];
	ck_abort_msg("%s", name);
	return NULL;
}

static void no_endpoints(struct mesh *mesh)
{
	for (size_t i = 0; i < mesh->node_count; i++)
		mesh->nodes[i].endpoint.where.source = NULL;
}

/* ir offers the address of tr as well. */
static void stolen_address(struct mesh *mesh)
{
	node_of(mesh, "ir")->subnets.items[0].prefix =
		node_of(mesh, "tr")->addresses.items[0].prefix;
	node_of(mesh, "ir")->subnets.items[0].prefix.length = 32;
}

/* An overlay that nobody's device has, so that there is no route. */
static void lonely_address(struct mesh *mesh)
{
	node_of(mesh, "ir")->addresses.items[0].prefix.length = 32;
	node_of(mesh, "uae")->disabled = true;
}

/* tr keeps what is sent to the subnet of ir. */
static void stolen_subnet(struct mesh *mesh)
{
	node_of(mesh, "tr")->subnets.items[0] =
		node_of(mesh, "ir")->subnets.items[0];
}

/* Each hub believes the subnet of x behind the other one, and a its own
   address behind b. */
static void circle(struct mesh *mesh)
{
	struct prefix_list *subnets = &node_of(mesh, "y")->subnets;

	subnets->items[0] = node_of(mesh, "x")->subnets.items[0];
	subnets->items[1] = node_of(mesh, "a")->addresses.items[0];
	subnets->items[1].prefix.length = 32;
}

#define CIRCLE \
	"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke'," \
	" 'overlay': ['10.0.0.0/24'], 'hubs': ['a', 'b'], 'nodes': {" \
	" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1']," \
	"       'endpoint': '192.0.2.1'}," \
	" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2']," \
	"       'endpoint': '192.0.2.2'}," \
	" 'x': {'public_key': '@3', 'addresses': ['10.0.0.3']," \
	"       'hub': 'a', 'subnets': ['172.16.3.0/24']}," \
	" 'y': {'public_key': '@4', 'addresses': ['10.0.0.4']," \
	"       'hub': 'b', 'subnets': ['172.16.4.0/24', '172.16.5.0/24']}" \
	"}, 'tests': [\n" T("a", "172.16.3.9") "]}"

START_TEST(circles)
{
	start();
	ck_assert_str_eq(changed_text(CIRCLE, circle),
		"mesh.json:2:1: a does not reach 172.16.3.9: it goes round in "
		"circles, also through a\n");
	end();
}
END_TEST

START_TEST(broken_meshes)
{
	start();
	ck_assert_str_eq(changed(T("ir", "tr"), no_endpoints),
		"mesh.json:12:1: ir does not reach tr: ir and tr can never "
		"meet: neither has an endpoint\n");
	ck_assert_str_eq(changed(T("tr", "uae"), stolen_address),
		"mesh.json:12:1: tr does not reach uae: uae drops it: "
		"10.250.0.2 is not among the allowed IPs it has for tr\n");
	ck_assert_str_eq(changed(T("192.168.10.1", "tr"), stolen_subnet),
		"mesh.json:12:1: 192.168.10.1 does not reach tr: the answer "
		"ends at tr\n");
	ck_assert_str_eq(changed(T("ir", "uae"), lonely_address),
		"mesh.json:12:1: ir does not reach uae: ir has no route to "
		"10.250.0.3\n");
	end();
}
END_TEST

/* A chain of links is no way: nobody but a hub passes on. */
START_TEST(custom_chain)
{
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm', 'topology': 'custom',"
		" 'overlay': ['10.0.0.0/24'], 'links': ["
		"  {'between': ['a', 'b']}, {'between': ['b', 'c']}],"
		" 'nodes': {"
		" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1']},"
		" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"       'endpoint': '192.0.2.2'},"
		" 'c': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
		"       'subnets': ['172.16.0.0/16']}}, 'tests': [\n"
		T("a", "b") "," T("b", "172.16.0.1") "," NOT("a", "c") ",\n"
		T("a", "172.16.0.1") ",\n" T("172.16.0.1", "a") "]}";

	start();
	ck_assert_str_eq(mesh_test_lines(arena, text),
		"mesh.json:3:1: a does not reach 172.16.0.1: a has no route "
		"to 172.16.0.1\n"
		"mesh.json:4:1: 172.16.0.1 does not reach a: c has no peer "
		"for 10.0.0.1\n");
	end();
}
END_TEST

#define KEY_P "Iz7fpYyEhHcS6RFXJTOQfcRnccKvAizqB2a0ItRPMeU="

/* Long after the document was read, no line with a key in it is shown. */
START_TEST(keys_are_not_shown)
{
	const struct mesh *mesh;
	struct diags diags;
	struct sbuf shown;

	start();
	mesh = mesh_of(arena,
		"{'meshapply': 1, 'mesh': 'm', 'overlay': ['10.0.0.0/24'],"
		" 'secrets': 'inline', 'links': [{'between': ['a', 'b'],"
		" 'preshared_key': '" KEY_P "'}], 'tests': ["
		NOT("a", "b") "], 'nodes': {"
		" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1']},"
		" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"       'endpoint': '192.0.2.2'}}}");
	diags_init(&diags, arena);
	ck_assert_int_eq(mesh_test(arena, mesh, &diags), -1);
	diags_sort(&diags);
	sbuf_init(&shown, arena);
	diags_format(&diags, &shown);
	ck_assert_str_eq(shown.data, "mesh.json:1:191: error: a reaches b, "
			 "and is not to\n");
	end();
}
END_TEST

/* Tests are run in an order of their own; what they say is sorted. */
START_TEST(many_tests)
{
	start();
	ck_assert_str_eq(office(T("uae", "off") ",\n" T("ir", "off") ",\n"
				T("uae", "off") ",\n" T("ir", "192.0.2.9")),
		"mesh.json:12:1: uae does not reach off: uae has no peer for "
		"10.250.0.4\n"
		"mesh.json:13:1: ir does not reach off: ir has no peer for "
		"10.250.0.4\n"
		"mesh.json:14:1: uae does not reach off: uae has no peer for "
		"10.250.0.4\n"
		"mesh.json:15:1: ir does not reach 192.0.2.9: ir has no route "
		"to 192.0.2.9\n");
	end();
}
END_TEST

/* Names are looked at with the rest of the document. */
START_TEST(unknown_ends)
{
	start();
	ck_assert_str_eq(mesh_complain(arena, OFFICE T("irr", "tr") ",\n"
				       T("ir", "nobody") "]}"),
		"mesh.json:12:10: there is no node 'irr' | did you mean "
		"'ir'?\n"
		"mesh.json:13:22: there is no node 'nobody'\n");
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(reachable), CHECK_CASE(unreachable),
		CHECK_CASE(through_hubs), CHECK_CASE(two_exits),
		CHECK_CASE(broken_meshes), CHECK_CASE(circles),
		CHECK_CASE(custom_chain), CHECK_CASE(unknown_ends),
		CHECK_CASE(keys_are_not_shown), CHECK_CASE(many_tests),
	};

	return check_run("doc_reach", cases, array_size(cases));
}
