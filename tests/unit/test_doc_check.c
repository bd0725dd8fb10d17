/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks across objects: what they must let pass, what they must bear, and
 * two meshes on one host.  The messages are in tests/golden/document/fail/.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/str.h"
#include "doc/doc.h"
#include "doc/view.h"
#include "support/check.h"
#include "support/mesh.h"

static struct arena *arena;

static void start(void)
{
	arena = arena_new((uint64_t)4 << 30);
}

static void end(void)
{
	arena_free(arena);
	arena = NULL;
}

#define HEAD "{'meshapply': 1, 'mesh': 'm', 'overlay': ['10.0.0.0/24'], "
#define A(more) "'a': {'public_key': '@1', 'addresses': ['10.0.0.1']" more "}"
#define B(more) "'b': {'public_key': '@2', 'addresses': ['10.0.0.2']" more "}"
#define C(more) "'c': {'public_key': '@3', 'addresses': ['10.0.0.3']" more "}"
#define AT(n) ", 'endpoint': '192.0.2." #n "'"
#define REACHED ", 'endpoint': '192.0.2.1:#'"
#define OFF ", 'disabled': true"
#define LAN(prefix) ", 'subnets': ['" prefix "']"
#define CUSTOM(links) "'topology': 'custom', 'links': [" links "], "
#define HUBS(hubs) "'topology': 'hub-spoke', 'hubs': [" hubs "], "

/* Each is near to something that is wrong. */
static const char *const harmless[] = {
	/* prefixes side by side, and the same numbers of IPv6 */
	HEAD "'nodes': {" A(AT(1) ", 'subnets': ['172.16.0.0/25', "
	"'172.16.0.128/25', 'ac10::/25']") "," B("") "}}",
	/* a way to everything covers all the rest */
	HEAD "'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(LAN("172.16.0.0/24")) "}}",
	/* a disabled node has no routes, and meets nobody */
	HEAD "'nodes': {" A(AT(1)) "," B(OFF LAN("192.0.2.0/24"))
	"}}",
	HEAD "'nodes': {" A(LAN("192.0.2.0/24")) ","
	B(OFF AT(1)) "}}",
	HEAD "'nodes': {" A("") "," B(OFF) "}}",
	/* the first and last address of a /31 are hosts', as in IPv6 */
	"{'meshapply': 1, 'mesh': 'm', 'overlay': ['10.0.0.2/31', "
	"'fd00::/126'], 'nodes': {"
	"'a': {'public_key': '@1', 'addresses': ['10.0.0.2', "
	"'fd00::'] " AT(1) "}, 'b': {'public_key': '@2', "
	"'addresses': ['10.0.0.3', 'fd00::3']}}}",
	/* an endpoint by name cannot be looked up */
	HEAD "'nodes': {" A(", 'endpoint': 'a.example.net'"
	LAN("192.0.2.0/24")) "," B("") "}}",
	/* small, but without IPv6 */
	HEAD "'mtu': 576, 'nodes': {" A(AT(1)) "," B("") "}}",
	HEAD "'mtu': 576, 'nodes': {" A(AT(1)) ","
	B(", 'mtu': 1280" LAN("fd01::/64")) "}}",
	/* reached over one link only */
	HEAD "'links': [{'between': ['b', 'a'], 'endpoints': {'a': "
	"'192.0.2.1'}}], 'nodes': {" A("") "," B("") "}}",
	HEAD CUSTOM("{'between': ['label:x', 'label:y'], 'endpoints': "
	"{'a': '192.0.2.1', 'b': '192.0.2.2'}}") "'nodes': {"
	A(", 'labels': ['x']") "," B(", 'labels': ['x']") ","
	C(", 'labels': ['y']") "}}",
	/* one that is in the LAN of the only one who looks for it */
	HEAD CUSTOM("{'between': ['a', 'b'], 'endpoints': {'b': "
	"'192.168.1.7'}}") "'nodes': {" A(LAN("192.168.1.0/24")) ","
	B("") "}}",
	HEAD CUSTOM("{'between': ['label:x', 'b'], 'endpoints': {'b': "
	"'192.168.1.7'}}") "'nodes': {" A(", 'labels': ['x']"
	LAN("192.168.1.0/24")) "," B("") "}}",
	/* marks of the kernel's tables, without a way to everything */
	HEAD "'nodes': {" A(AT(1) ", 'fwmark': 254") "," B("") "}}",
	HEAD "'nodes': {" A(AT(1) ", 'fwmark': 254" LAN("0.0.0.0/0")) ","
	B(", 'fwmark': 252") "}}",
	HEAD "'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(", 'fwmark': 254, 'table': 100") "}}",
	HEAD "'nodes': {" A(AT(1) LAN("::/0")) "," B(", 'fwmark': 254")
	"}}",
	HEAD CUSTOM("{'between': ['a', 'b']}, {'between': ['b', 'c']}")
	"'nodes': {" A(AT(1) LAN("0.0.0.0/0")) "," B(AT(2)) ","
	C(", 'fwmark': 254") "}}",
	/* small, and the only one with IPv6 is not behind it */
	HEAD HUBS("'a'") "'nodes': {" A(AT(1) ", 'mtu': 576") ","
	B(OFF LAN("fd01::/64")) "," C("") "}}",
	/* one address, two ports; one endpoint in two networks */
	HEAD "'nodes': {" A(", 'endpoint': '192.0.2.1:1'") ","
	B(", 'endpoint': '192.0.2.1:2'") "}}",
	HEAD "'links': [{'between': ['a', 'b'], 'endpoints': {'b': "
	"'192.168.1.7'}}, {'between': ['a', 'c'], 'endpoints': {'c': "
	"'192.168.1.7'}}], 'nodes': {" A(AT(1)) "," B(AT(2)) ","
	C(AT(3)) "}}",
	/* nobody without an endpoint is linked with another */
	HEAD CUSTOM("{'between': ['a', 'b']}, {'between': ['a', 'c']}")
	"'nodes': {" A(AT(1)) "," B("") "," C("") "}}",
	/* labels of one node, of nodes that meet once only */
	HEAD CUSTOM("{'between': ['label:x', 'label:x']}") "'nodes': {"
	A(", 'labels': ['x']") "}}",
	HEAD CUSTOM("{'between': ['label:x', 'label:y']}, {'between': "
	"['label:x', 'label:x']}") "'nodes': {"
	A(AT(1) ", 'labels': ['x']") "," B(", 'labels': ['x']") ","
	C(", 'labels': ['y']" AT(3)) "}}",
	HEAD CUSTOM("{'between': ['label:x', 'a']}") "'nodes': {"
	A(AT(1) ", 'labels': ['x']") "," B(", 'labels': ['x']") "}}",
	/* one node in two labels is no pair */
	HEAD CUSTOM("{'between': ['label:x', 'label:x']}, {'between': "
	"['label:y', 'label:y']}") "'nodes': {"
	A(AT(1) ", 'labels': ['x', 'y']") ","
	B(", 'labels': ['x']") "," C(", 'labels': ['y']") "}}",
	/* a link stays while a node is disabled */
	HEAD HUBS("'a'") "'links': [{'between': ['b', 'a']}], "
	"'nodes': {" A(AT(1)) "," B(OFF) "}}",
	/* two hubs, a link between them, and each an exit */
	HEAD HUBS("'a', 'b'") "'links': [{'between': ['a', 'b']}], "
	"'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(LAN("0.0.0.0/0")) "," C(", 'hub': 'a'") "}}",
	/* two exits by one way */
	HEAD HUBS("'a', 'b'") "'nodes': {" A(AT(1)) ","
	B(LAN("0.0.0.0/0")) "," C(LAN("0.0.0.0/0") ", 'hub': 'b'"
	AT(3)) "}}",
	/* two exits and nobody else; two that nobody has both of */
	HEAD "'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(LAN("0.0.0.0/0")) "," C(OFF) "}}",
	HEAD "'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(LAN("0.0.0.0/0") OFF) "," C("") "}}",
	HEAD "'nodes': {" A(AT(1) LAN("0.0.0.0/0")) ","
	B(AT(2) LAN("::/0")) "," C("") "}}",
	HEAD CUSTOM("{'between': ['a', 'b']}, {'between': ['b', 'c']}")
	"'nodes': {" A(AT(1) LAN("0.0.0.0/0")) "," B(AT(2)) ","
	C("") "}}",
};

START_TEST(let_pass)
{
	start();
	for (size_t i = 0; i < array_size(harmless); i++)
		ck_assert_msg(!*mesh_complain(arena, harmless[i]),
			      "%zu: %s%s", i, harmless[i],
			      mesh_complain(arena, harmless[i]));
	end();
}
END_TEST

/* TEXT, with NUMBER for each #. */
static void add_numbered(struct sbuf *out, const char *text, size_t number)
{
	for (; *text; text++)
		if (*text == '#')
			sbuf_printf(out, "%zu", number);
		else
			sbuf_putc(out, *text);
}

/* COUNT nodes with the labels all, and odd or even; every one with MORE, where
   # is its number. */
static const char *many(size_t count, const char *top, const char *more)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_printf(&out, "{'meshapply': 1, 'mesh': 'm', 'overlay': "
		    "['10.0.0.0/8'], %s 'nodes': {", top);
	for (size_t i = 0; i < count; i++) {
		sbuf_printf(&out, "%s'n%zu': {'public_key': '@%zu', "
			    "'addresses': ['10.%zu.%zu.7'], 'labels': "
			    "['all', '%s'] ", i ? "," : "", i, i + 1,
			    i >> 8, i & 255, i % 2 ? "odd" : "even");
		add_numbered(&out, more, i + 1);
		sbuf_puts(&out, "}");
	}
	sbuf_puts(&out, "}}");
	return out.data;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Each node that meets nobody is told of once, not each pair. */
START_TEST(many_that_never_meet)
{
	start();
	ck_assert_uint_eq(count_lines(mesh_complain(arena,
		many(300, "", ""))), 299);
	ck_assert_uint_eq(count_lines(mesh_complain(arena,
		many(300, CUSTOM("{'between': ['label:all', 'label:all']}"),
		     ""))), 299);
	/* odd ones with the first even one, and the reverse */
	ck_assert_uint_eq(count_lines(mesh_complain(arena,
		many(300, CUSTOM("{'between': ['label:odd', 'label:even']}"),
		     ""))), 299);
	ck_assert_uint_eq(count_lines(mesh_complain(arena,
		many(300, HUBS("'n7'"), ""))), 299);
	end();
}
END_TEST

/* Links of large labels, also those that are given again and again. */
START_TEST(large_labels)
{
	static const char twice[] =
		"{'between': ['label:all', 'label:all']}";
	struct sbuf top;

	start();
	ck_assert_str_eq(mesh_complain(arena, many(2000, CUSTOM(
		"{'between': ['label:odd', 'label:odd']},"
		"{'between': ['label:even', 'label:odd']},"
		"{'between': ['label:even', 'label:even']}"), REACHED)), "");
	sbuf_init(&top, arena);
	sbuf_puts(&top, "'topology': 'custom', 'links': [");
	for (int i = 0; i < 500; i++)
		sbuf_printf(&top, "%s%s", i ? "," : "", twice);
	sbuf_puts(&top, "],");
	/* once for each link, not for each pair */
	ck_assert_uint_eq(count_lines(mesh_complain(arena, many(2000, top.data,
							      REACHED))), 499);
	end();
}
END_TEST

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All meet, each pair by what a link says; but for those of no link. */
static const char *met_by_link(size_t count, size_t reached)
{
	struct sbuf top;

	sbuf_init(&top, arena);
	sbuf_puts(&top, "'links': [{'between': ['label:all', 'label:all'], "
		  "'endpoints': {");
	for (size_t i = 0; i < reached; i++)
		sbuf_printf(&top, "%s'n%zu': '192.0.2.1:%zu'", i ? "," : "", i,
			    i + 1);
	sbuf_puts(&top, "}}],");
	return mesh_complain(arena, many(count, top.data, ""));
}

START_TEST(meeting_by_links)
{
	double before = seconds();

	start();
	ck_assert_str_eq(met_by_link(12000, 12000), "");
	ck_assert_str_eq(met_by_link(12000, 11999), "");
	ck_assert_uint_eq(count_lines(met_by_link(5, 3)), 1);
	ck_assert_ptr_nonnull(strstr(met_by_link(5, 3),
				     ": n3 and n4 can never meet: "));
	ck_assert_uint_eq(count_lines(met_by_link(3000, 2500)), 499);
	/* Pair by pair it was minutes. */
	ck_assert_double_lt(seconds() - before, 12);
	end();
}
END_TEST

/* Thousands of exits that all are linked, and take no other's way. */
START_TEST(many_exits)
{
	static const char links[] =
		CUSTOM("{'between': ['label:all', 'label:all']}");
	double before = seconds();

	start();
	ck_assert_str_eq(mesh_complain(arena, many(12000, links,
		REACHED LAN("0.0.0.0/0"))), "");
	/* Link by link it was a list of all for each. */
	ck_assert_double_lt(seconds() - before, 3);
	end();
}
END_TEST

/* Hints end when they would take long; errors do not. */
START_TEST(many_wrong_names)
{
	struct sbuf top;
	const char *said;

	start();
	sbuf_init(&top, arena);
	sbuf_puts(&top, "'links': [");
	for (int i = 0; i < 900; i++)
		sbuf_printf(&top, "%s{'between': ['m%d', 'n1']}",
			    i ? ",\n" : "", i);
	sbuf_puts(&top, "],");
	said = mesh_complain(arena, many(3000, top.data, REACHED));
	ck_assert_uint_eq(count_lines(said), 900);
	ck_assert_ptr_nonnull(strstr(said, "| did you mean 'n0'?"));
	ck_assert_ptr_nonnull(strstr(said, "no node 'm899'\n"));
	end();
}
END_TEST

static struct view view_in(const char *text, const char *node)
{
	const struct mesh *mesh = mesh_of(arena, text);
	struct view view;

	view_make(arena, mesh, mesh_node(mesh, node), &view);
	return view;
}

/* What stands at a place, up to the next comma or bracket. */
static void add_text_at(struct sbuf *out, struct place where)
{
	const char *text = where.source->text.data + where.offset;

	sbuf_printf(out, " <%.*s>", (int)strcspn(text, ",:]}\n"), text);
}

/* What two meshes say of each other, where "a" of both is this host: each
   message, what stands at both places, and the hint. */
static const char *pair(const char *one, const char *other)
{
	struct view a = view_in(one, "a"), b = view_in(other, "a");
	struct diags diags;
	struct sbuf out;
	int result;

	diags_init(&diags, arena);
	result = view_check_pair(&a, &b, &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	diags_sort(&diags);
	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	for (size_t i = 0; i < diags.count; i++) {
		const struct diag *d = &diags.items[i];

		ck_assert_ptr_eq(d->where.source, a.mesh->source);
		ck_assert_ptr_eq(d->other.source, b.mesh->source);
		sbuf_puts(&out, d->message);
		add_text_at(&out, d->where);
		add_text_at(&out, d->other);
		sbuf_printf(&out, "%s%s\n", d->hint ? " | " : "",
			    d->hint ? d->hint : "");
	}
	return out.data;
}

#define ONE(top, a, b) \
	"{'meshapply': 1, 'mesh': 'one'," top \
	"'overlay': ['10.1.0.0/24'],\n'nodes': {" \
	"'a': {'public_key': '@1', 'addresses': ['10.1.0.1']" a "},\n" \
	"'b': {'public_key': '@2', 'addresses': ['10.1.0.2']," \
	"'endpoint': '192.0.2.1'" b "}}}"
#define TWO(top, a, b) \
	"{'meshapply': 1, 'mesh': 'two'," top \
	"'overlay': ['10.2.0.0/24'],\n'nodes': {" \
	"'a': {'public_key': '@3', 'addresses': ['10.2.0.1']" a "},\n" \
	"'b': {'public_key': '@4', 'addresses': ['10.2.0.2']," \
	"'endpoint': '192.0.2.2'" b "}}}"
#define SAYS "the meshes one and two, both on this host, have "

START_TEST(two_meshes)
{
	start();
	ck_assert_str_eq(pair(ONE("", "", ""), TWO("", "", "")), "");
	/* our own LAN may be in both; marks and tables of others may be */
	ck_assert_str_eq(pair(
		ONE("", ", 'listen_port': 1" LAN("172.16.0.0/24"),
		    ", 'listen_port': 2, 'fwmark': 5, 'table': 6"),
		TWO("", ", 'listen_port': 2" LAN("172.16.0.0/24"),
		    ", 'listen_port': 1, 'fwmark': 5, 'table': 6")), "");
	ck_assert_str_eq(pair(ONE("", LAN("0.0.0.0/0"), ""),
			      TWO("", "", LAN("0.0.0.0/0"))), "");
	/* a gateway: it offers one mesh the other, and what is behind that */
	ck_assert_str_eq(pair(ONE("", ", 'subnets': ['10.2.0.0/24', "
				  "'172.16.5.0/24']", ""),
			      TWO("", LAN("10.1.0.0/24"),
				  LAN("172.16.5.0/24"))), "");
	ck_assert_str_eq(pair(ONE("", "", LAN("0.0.0.0/0")),
			      TWO("", "", LAN("::/0"))), "");
	end();
}
END_TEST

START_TEST(two_meshes_clash)
{
	start();
	ck_assert_str_eq(pair(ONE("'interface': 'wg9',", "", ""),
			      TWO("'interface': 'wg9',", "", "")),
		SAYS "the interface wg9 <\"wg9\"> <\"wg9\">\n");
	ck_assert_str_eq(pair(ONE("", "", ""),
			      TWO("'interface': 'wg-one',", "", "")),
		SAYS "the interface wg-one <\"one\"> <\"wg-one\"> | it is "
		"made of the mesh's name: write \"interface\" in one of them\n");
	ck_assert_str_eq(pair(ONE("", ", 'listen_port': 4000", ""),
			      TWO("'defaults': {'listen_port':4000},", "",
				  "")),
		SAYS "the listen port 4000 <4000> <4000>\n");
	ck_assert_str_eq(pair(ONE("", ", 'endpoint': '192.0.2.9'", ""),
			      TWO("", ", 'listen_port': 51820", "")),
		SAYS "the listen port 51820 <\"192.0.2.9\"> <51820>\n");
	ck_assert_str_eq(pair(ONE("", ", 'fwmark': 77", ""),
			      TWO("", ", 'fwmark': '0x4d'", "")),
		SAYS "the mark 77 <77> <\"0x4d\">\n");
	ck_assert_str_eq(pair(ONE("", ", 'table': 78", ""),
			      TWO("", ", 'table': 78", "")),
		SAYS "the routing table 78 <78> <78>\n");
	ck_assert_str_eq(pair(ONE("", ", 'fwmark': '0x4f'", LAN("0.0.0.0/0")),
			      TWO("", ", 'table': 79", "")),
		SAYS "the routing table 79 <\"0x4f\"> <79>\n");
	end();
}
END_TEST

START_TEST(two_meshes_overlap)
{
	start();
	ck_assert_str_eq(pair(ONE("", "", LAN("172.16.0.0/16")),
			      TWO("", "", LAN("172.16.5.0/24"))),
		SAYS "prefixes that overlap: 172.16.0.0/16 and 172.16.5.0/24 "
		"<\"172.16.0.0/16\"> <\"172.16.5.0/24\">\n");
	ck_assert_str_eq(pair(ONE("", "", LAN("10.2.0.128/25")),
			      TWO("", "", "")),
		SAYS "prefixes that overlap: 10.2.0.128/25 and 10.2.0.0/24 "
		"<\"10.2.0.128/25\"> <\"10.2.0.0/24\">\n");
	ck_assert_str_eq(pair(ONE("", "", LAN("0.0.0.0/0")),
			      TWO("", "", ", 'subnets': ['172.16.0.0/12',"
				  " '0.0.0.0/0']")),
		SAYS "a way to all of IPv4 <\"0.0.0.0/0\"> <\"0.0.0.0/0\"> | "
		"a host has one way to everything: give one of the meshes "
		"prefixes instead\n");
	ck_assert_str_eq(pair(
		ONE("", LAN("fd01::/64"), LAN("::/0")),
		TWO("", LAN("fd02::/64"), LAN("::/0"))),
		SAYS "a way to all of IPv6 <\"> <\"> | a host has one way to "
		"everything: give one of the meshes prefixes instead\n");
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(let_pass), CHECK_CASE(many_that_never_meet),
		CHECK_CASE(large_labels), CHECK_CASE(meeting_by_links),
		CHECK_CASE(many_exits), CHECK_CASE(many_wrong_names),
		CHECK_CASE(two_meshes), CHECK_CASE(two_meshes_clash),
		CHECK_CASE(two_meshes_overlap),
	};

	return check_run("doc_check", cases, array_size(cases));
}
