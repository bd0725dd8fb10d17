/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents decoded: every key lands where it belongs, with its place.  What
 * is refused, and with which words, is test_doc_golden's; what is hostile is
 * test_doc_decode_hostile's.
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "support/check.h"
#include "support/texts.h"

#define KEY_A "CMPEjRbqmZnuTZC+Vc0dTNhpzJ5Sw2Y4Z5jRnfSPq2Y="
#define KEY_B "uNzBUMJZ9ZUQ8OOwFwKZ2K1yB4nSiHgfuXRvkRMUvhI="
#define KEY_C "2NQbF3BXGmeXdMPCDRzFWYIDHqjL8n9BdUbiLlOgHU8="
#define KEY_P "Iz7fpYyEhHcS6RFXJTOQfcRnccKvAizqB2a0ItRPMeU="

static struct arena *arena, *secrets;
static struct source source;
static struct mesh mesh;
static struct diags diags;

static void begin(void)
{
	arena = arena_new((size_t)1 << 30);
	secrets = arena_new_secret((size_t)1 << 30);
}

static void end(void)
{
	arena_freep(&arena);
	arena_freep(&secrets);
}

static int decode(const char *text)
{
	source = (struct source){ .name = "m.json", .text = str_of(text) };
	diags_init(&diags, arena);
	return mesh_decode(arena, secrets, &source, &mesh, &diags);
}

static void take(const char *text)
{
	int result = decode(text);

	ck_assert_msg(!result && !diags.count, "%s",
		      diags_lines(arena, &diags));
}

/* The text at PLACE begins so. */
static void at(struct place place, const char *text)
{
	ck_assert_ptr_eq(place.source, &source);
	ck_assert_msg(!strncmp(source.text.data + place.offset, text,
			       strlen(text)), "at %.20s, not %s",
		      source.text.data + place.offset, text);
}

static void is_setting(const struct setting *s, uint32_t value,
		       const char *text)
{
	ck_assert_uint_eq(s->value, value);
	at(s->where, text);
}

static void is_prefixes(const struct prefix_list *list, const char *expected)
{
	char text[PREFIX_TEXT_MAX];
	struct sbuf all;

	sbuf_init(&all, arena);
	sbuf_puts(&all, "");
	for (size_t i = 0; i < list->count; i++)
		sbuf_printf(&all, "%s%s", i ? " " : "",
			    prefix_format(&list->items[i].prefix, text));
	ck_assert_str_eq(all.data, expected);
}

static const char *endpoint_text(const struct node_endpoint *e)
{
	char text[IP_TEXT_MAX];

	return arena_printf(arena, "%s %u",
			    e->host ? e->host : ip_format(&e->ip, text),
			    e->port);
}

static const char all_keys[] =
	"{ \"meshapply\": 1, \"mesh\": \"off\\u0069ce\", \"description\": \"x\",\n"
	"\"serial\": 9007199254740991, \"expires\": \"2026-12-31T00:00:00Z\",\n"
	"\"overlay\": [\"10.9.0.0/16\", \"fd00:9::/64\"],\n"
	"\"topology\": \"hub-spoke\", \"hubs\": [\"tr\", \"ir\"],\n"
	"\"mtu\": 1380, \"interface\": \"wg9\", \"firewall\": false,\n"
	"\"secrets\": \"inline\", \"defaults\": { \"listen_port\": 51900,\n"
	"  \"keepalive\": 20, \"endpoint_policy\": \"static\" },\n"
	"\"links\": [ { \"between\": [\"tr\", \"label:gulf\"],\n"
	"    \"preshared_key\": \"" KEY_P "\", \"keepalive\": 0,\n"
	"    \"endpoints\": { \"tr\": \"[2001:db8::20]:1234\" } },\n"
	"  { \"between\": [\"ir\", \"tr\"], \"preshared_key_file\": \"a.psk\" }\n"
	"],\n"
	"\"nodes\": {\n"
	"  \"uae\": { \"public_key\": \"" KEY_C "\", \"hub\": \"tr\",\n"
	"    \"addresses\": [\"fd00:9::1:1\", \"10.9.1.1\", \"192.0.2.1\"],\n"
	"    \"mtu\": 1300, \"keepalive\": 15, \"fwmark\": \"0xCa6c\",\n"
	"    \"table\": 1000, \"labels\": [\"nat\", \"gulf\"],\n"
	"    \"subnets\": [\"192.168.30.0/24\", \"::/0\"] },\n"
	"  \"ir\": { \"public_key\": \"" KEY_A "\", \"disabled\": true,\n"
	"    \"addresses\": [\"10.9.0.1\"], \"endpoint\": \"198.51.100.10\",\n"
	"    \"fwmark\": 7, \"table\": \"main\" },\n"
	"  \"tr\": { \"public_key\": \"" KEY_B "\", \"listen_port\": 51821,\n"
	"    \"addresses\": [\"10.9.0.2\"], \"endpoint\": \"tr.example:5\" } },\n"
	"\"tests\": [ { \"from\": \"ir\", \"to\": \"10.9.0.2\" },\n"
	"  { \"from\": \"uae\", \"to\": \"tr\", \"expect\": \"unreachable\" } ] }\n";

START_TEST(the_mesh)
{
	begin();
	take(all_keys);
	ck_assert_ptr_eq(mesh.source, &source);
	ck_assert_str_eq(mesh.name, "office");
	at(mesh.name_where, "\"off\\u0069ce\"");
	ck_assert_uint_eq(mesh.serial, 9007199254740991);
	at(mesh.serial_where, "9007");
	ck_assert_int_eq(mesh.expires, 1798675200);
	at(mesh.expires_where, "\"2026");
	is_prefixes(&mesh.overlay, "10.9.0.0/16 fd00:9::/64");
	at(mesh.overlay.items[1].where, "\"fd00:9::/64\"");
	ck_assert_int_eq(mesh.topology, TOPOLOGY_HUB_SPOKE);
	at(mesh.topology_where, "\"hub-spoke\"");
	ck_assert_uint_eq(mesh.hub_count, 2);
	ck_assert_str_eq(mesh.hubs[0].name, "tr");
	at(mesh.hubs[1].where, "\"ir\"]");
	is_setting(&mesh.mtu, 1380, "1380");
	ck_assert_str_eq(mesh.interface, "wg9");
	at(mesh.interface_where, "\"wg9\"");
	is_setting(&mesh.listen_port, 51900, "51900");
	is_setting(&mesh.keepalive, 20, "20,");
	ck_assert_int_eq(mesh.endpoint_policy.value, ENDPOINT_STATIC);
	ck_assert(!mesh.firewall && mesh.inline_secrets);
	end();
}
END_TEST

START_TEST(the_nodes)
{
	const struct node *ir, *tr, *uae;

	begin();
	take(all_keys);
	ck_assert_uint_eq(mesh.node_count, 3);
	ir = &mesh.nodes[0];
	tr = &mesh.nodes[1];
	uae = &mesh.nodes[2];
	ck_assert_str_eq(ir->name, "ir");
	ck_assert_str_eq(tr->name, "tr");
	ck_assert_str_eq(uae->name, "uae");
	at(uae->where, "\"uae\": {");
	at(uae->key_where, "\"" KEY_C);
	/* Each as its overlay is long, and as a whole outside of it. */
	is_prefixes(&uae->addresses, "fd00:9::1:1/64 10.9.1.1/16 192.0.2.1/32");
	at(uae->addresses.items[1].where, "\"10.9.1.1\"");
	is_prefixes(&uae->subnets, "192.168.30.0/24 ::/0");
	at(uae->subnets.items[1].where, "\"::/0\"");
	is_setting(&uae->mtu, 1300, "1300");
	is_setting(&uae->keepalive, 15, "15");
	is_setting(&uae->fwmark, 0xca6c, "\"0xCa6c\"");
	is_setting(&uae->table, 1000, "1000");
	ck_assert_uint_eq(uae->label_count, 2);
	ck_assert_str_eq(uae->labels[1].name, "gulf");
	at(uae->labels[1].where, "\"gulf\"]");
	ck_assert_str_eq(uae->hub.name, "tr");
	at(uae->hub.where, "\"tr\",\n");
	ck_assert(!uae->endpoint.where.source && !uae->disabled);
	ck_assert(!uae->listen_port.where.source);
	ck_assert(ir->disabled && !tr->disabled && !ir->hub.where.source);
	ck_assert_str_eq(endpoint_text(&ir->endpoint), "198.51.100.10 0");
	at(ir->endpoint.where, "\"198");
	is_setting(&ir->fwmark, 7, "7,");
	is_setting(&ir->table, 254, "\"main\"");
	ck_assert_str_eq(endpoint_text(&tr->endpoint), "tr.example 5");
	is_setting(&tr->listen_port, 51821, "51821");
	end();
}
END_TEST

START_TEST(links_and_tests)
{
	const struct mesh_link *link;
	struct key key;

	begin();
	take(all_keys);
	ck_assert_uint_eq(mesh.link_count, 2);
	link = &mesh.links[0];
	at(link->where, "{ \"between\": [\"tr\"");
	ck_assert_str_eq(link->ends[0].name, "tr");
	ck_assert_str_eq(link->ends[1].name, "gulf");
	ck_assert(!link->ends[0].is_label && link->ends[1].is_label);
	at(link->ends[1].where, "\"label:gulf\"");
	ck_assert_int_eq(key_parse(STR(KEY_P), &key), 0);
	ck_assert(key_equal(link->preshared_key, &key));
	at(link->preshared_where, "\"" KEY_P);
	ck_assert_str_eq(link->preshared_key_file, "inline:label:gulf:tr");
	is_setting(&link->keepalive, 0, "0,");
	ck_assert_uint_eq(link->endpoint_count, 1);
	ck_assert_str_eq(link->endpoints[0].node.name, "tr");
	at(link->endpoints[0].node.where, "\"tr\": \"[");
	ck_assert_str_eq(endpoint_text(&link->endpoints[0].endpoint),
			 "2001:db8::20 1234");
	link = &mesh.links[1];
	ck_assert_str_eq(link->preshared_key_file, "a.psk");
	at(link->preshared_where, "\"a.psk\"");
	ck_assert(!link->preshared_key && !link->keepalive.where.source);
	ck_assert_uint_eq(mesh.test_count, 2);
	ck_assert_str_eq(mesh.tests[0].from.name, "ir");
	ck_assert_str_eq(mesh.tests[0].to.name, "10.9.0.2");
	at(mesh.tests[0].to.where, "\"10.9.0.2\" }");
	ck_assert(mesh.tests[0].reachable && !mesh.tests[1].reachable);
	at(mesh.tests[1].where, "{ \"from\": \"uae\"");
	end();
}
END_TEST

#define MINIMAL(mesh_name, more) \
	"{\"meshapply\":1,\"mesh\":\"" mesh_name "\",\"overlay\":" \
	"[\"10.0.0.0/8\"],\"nodes\":{\"a\":{\"public_key\":\"" KEY_A \
	"\",\"addresses\":[\"10.0.0.1\"]}}" more "}"

START_TEST(defaults)
{
	begin();
	take(MINIMAL("m", ""));
	ck_assert_str_eq(mesh.interface, "wg-m");
	ck_assert_int_eq(mesh.topology, TOPOLOGY_FULL_MESH);
	ck_assert_int_eq(mesh.endpoint_policy.value, ENDPOINT_ROAM);
	ck_assert(mesh.firewall && !mesh.inline_secrets);
	ck_assert(!mesh.serial && !mesh.expires);
	ck_assert(!mesh.serial_where.source && !mesh.expires_where.source &&
		  !mesh.topology_where.source && !mesh.interface_where.source &&
		  !mesh.mtu.where.source && !mesh.listen_port.where.source &&
		  !mesh.keepalive.where.source);
	ck_assert(!mesh.hub_count && !mesh.link_count && !mesh.test_count);
	take(MINIMAL("a.mesh+with=long-name", ""));
	ck_assert_str_eq(mesh.interface, "wg-a.mesh+with=");
	ck_assert_uint_eq(strlen(mesh.interface), IFNAMSIZ - 1);
	end();
}
END_TEST

/* A mark at the start and escapes before it do not move a place. */
START_TEST(places)
{
	begin();
	ck_assert_int_eq(decode("\xef\xbb\xbf{\"m\\u0065shapply\": 1,\n"
				"\"desc\\u0072iption\": \"\\ud83d\\ude00\\n\","
				" \"mtu\": 5 }"), -1);
	ck_assert_str_eq(diags_lines(arena, &diags),
			 "m.json:1:1: the document has no 'mesh'\n"
			 "m.json:1:1: the document has no 'nodes'\n"
			 "m.json:1:1: the document has no 'overlay'\n"
			 "m.json:2:46: mtu is 5, less than 68\n");
	end();
}
END_TEST

static const struct {
	const char *text;
	int64_t seconds;	/* of date(1); 0: refused */
} times[] = {
	{ "2000-01-01T00:00:00Z", 946684800 },
	{ "2000-02-29T12:34:56Z", 951827696 },
	{ "2024-02-29T23:59:59Z", 1709251199 },
	{ "2026-12-31T00:00:00Z", 1798675200 },
	{ "2026-12-31T00:00:00.999999Z", 1798675200 },
	{ "2026-12-31T03:30:00+03:30", 1798675200 },
	{ "2026-12-30T19:00:00.5-05:00", 1798675200 },
	{ "2100-03-01T00:00:00Z", 4107542400 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
	{ "2023-02-29T00:00:00Z", 0 }, { "2100-02-29T00:00:00Z", 0 },
	{ "2026-00-01T00:00:00Z", 0 }, { "2026-01-00T00:00:00Z", 0 },
	{ "2026-04-31T00:00:00Z", 0 }, { "2026-01-01T00:60:00Z", 0 },
	{ "2026-01-01T00:00:60Z", 0 }, { "2026-01-01 00:00:00Z", 0 },
	{ "2026-01-01T00:00:00z", 0 }, { "2026-01-01T00:00:00+0330", 0 },
	{ "2026-01-01T00:00:00+03:60", 0 }, { "2026-01-01T00:00:00ZZ", 0 },
	{ "2026-1-01T00:00:00Z", 0 }, { "02026-01-01T00:00:00Z", 0 },
	{ "+026-01-01T00:00:00Z", 0 }, { "", 0 }, { "Z", 0 },
	{ "2026-01-01T00:00:00,5Z", 0 }, { "2026-01-01T00:00:00.5", 0 },
};

START_TEST(expiry)
{
	begin();
	for (size_t i = 0; i < array_size(times); i++) {
		int result = decode(arena_printf(
			arena, MINIMAL("m", ",\"expires\":\"%s\""),
			times[i].text));

		ck_assert_msg(result == (times[i].seconds ? 0 : -1), "%s",
			      times[i].text);
		if (!result)
			ck_assert_msg(mesh.expires == times[i].seconds, "%s",
				      times[i].text);
	}
	end();
}
END_TEST

static const struct {
	const char *text, *meant;	/* NULL: refused */
} endpoints[] = {
	{ "198.51.100.1", "198.51.100.1 0" },
	{ "198.51.100.1:1", "198.51.100.1 1" },
	{ "198.51.100.1:65535", "198.51.100.1 65535" },
	{ "[2001:db8::1]", "2001:db8::1 0" },
	{ "[2001:db8::1]:7", "2001:db8::1 7" },
	{ "vpn.example.com", "vpn.example.com 0" },
	{ "vpn_1.example:51820", "vpn_1.example 51820" },
	{ "localhost", "localhost 0" }, { "a", "a 0" },
	{ "2001:db8::1", NULL }, { "[2001:db8::1", NULL }, { "[]", NULL },
	{ "2001:db8::1]", NULL }, { "[]:1", NULL }, { "[::ffff]x", NULL },
	{ "[]]", NULL }, { ":1", NULL }, { ":", NULL }, { "a:", NULL },
	{ "a:01", NULL }, { "a:+1", NULL }, { "a.", NULL }, { ".a", NULL },
	{ "a..b", NULL }, { "1.2.3", NULL }, { "127.1", NULL },
	{ "0x7f000001", NULL }, { "a b", NULL }, { " a", NULL },
	{ "[198.51.100.1]:1", NULL }, { "fe80::1%eth0", NULL },
	{ "[fe80::1%eth0]", NULL }, { "224.0.0.1", NULL }, { "0.0.0.0", NULL },
	{ "[ff05::1]", NULL }, { "[::]:1", NULL }, { "a/b", NULL },
};

START_TEST(endpoint_forms)
{
	begin();
	for (size_t i = 0; i < array_size(endpoints); i++) {
		const char *text = endpoints[i].text;
		int result = decode(arena_printf(
			arena, MINIMAL("m", ",\"links\":[{\"between\":[\"a\","
				       "\"b\"],\"endpoints\":{\"a\":\"%s\"}}]"),
			text));

		ck_assert_msg(result == (endpoints[i].meant ? 0 : -1), "%s",
			      text);
		if (!result)
			ck_assert_str_eq(endpoint_text(
				&mesh.links[0].endpoints[0].endpoint),
				endpoints[i].meant);
	}
	end();
}
END_TEST

static const char *inline_name(const char *ends)
{
	take(arena_printf(arena, MINIMAL("m", ",\"secrets\":\"inline\",\"links"
			  "\":[{\"preshared_key\":\"" KEY_P "\",\"between\":"
			  "[%s]}]"), ends));
	return mesh.links[0].preshared_key_file;
}

START_TEST(inline_names)
{
	begin();
	ck_assert_str_eq(inline_name("\"a\", \"b\""), "inline:a:b");
	ck_assert_str_eq(inline_name("\"b\", \"a\""), "inline:a:b");
	ck_assert_str_eq(inline_name("\"label:a\", \"a\""),
			 "inline:a:label:a");
	ck_assert_str_eq(inline_name("\"a\", \"label:a\""),
			 "inline:a:label:a");
	ck_assert(file_name_valid(str_of(mesh.links[0].preshared_key_file)));
	end();
}
END_TEST

START_TEST(lookups)
{
	struct key key;

	begin();
	take(all_keys);
	ck_assert_ptr_eq(mesh_node(&mesh, "ir"), &mesh.nodes[0]);
	ck_assert_ptr_eq(mesh_node(&mesh, "uae"), &mesh.nodes[2]);
	ck_assert_ptr_null(mesh_node(&mesh, "i"));
	ck_assert_ptr_null(mesh_node(&mesh, "uae2"));
	ck_assert_int_eq(key_parse(STR(KEY_B), &key), 0);
	ck_assert_ptr_eq(mesh_node_of_key(&mesh, &key), &mesh.nodes[1]);
	ck_assert_int_eq(key_parse(STR(KEY_P), &key), 0);
	ck_assert_ptr_null(mesh_node_of_key(&mesh, &key));
	end();
}
END_TEST

/*
 * An error that no other check goes by does not keep them from being made;
 * after one that they do go by only those of keys and prefixes are.
 */
START_TEST(checks_go_on)
{
	static const struct { const char *more; size_t errors; } cases[] = {
		/* that, the key, and that they never meet */
		{ ",\"mtu\":1", 3 }, { ",\"colour\":1", 3 },
		{ ",\"private_key\":1", 3 }, { ",\"listen_prot\":1", 3 },
		{ ",\"labels\":[1]", 2 }, { ",\"lables\":[]", 2 },
		{ ",\"endpont\":1", 2 },
	};
	static const char format[] =
		"{\"meshapply\":1,\"mesh\":\"m\",\"overlay\":[\"10.0.0.0/8\"],"
		"\"nodes\":{\"a\":{\"public_key\":\"" KEY_A "\",\"addresses\":"
		"[\"10.0.0.1\"]%s},"
		"\"b\":{\"public_key\":\"" KEY_A "\",\"addresses\":"
		"[\"10.0.0.2\"]}}}";

	begin();
	for (size_t i = 0; i < array_size(cases); i++) {
		source = (struct source){ .name = "m.json" };
		source.text = str_of(arena_printf(arena, format,
							cases[i].more));
		diags_init(&diags, arena);
		ck_assert_int_eq(mesh_read(arena, secrets, &source, &mesh,
					   &diags), -1);
		diags_sort(&diags);
		ck_assert_msg(diags.count == cases[i].errors, "%s",
			      diags_lines(arena, &diags));
	}
	end();
}
END_TEST

/* COUNT tests of one node. */
static const char *with_tests(size_t count)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_puts(&text, "{\"meshapply\":1,\"mesh\":\"m\",\"overlay\":"
		  "[\"10.0.0.0/8\"],\"nodes\":{\"a\":{\"public_key\":\""
		  KEY_A "\",\"addresses\":[\"10.0.0.1\"]}},\n\"tests\":[");
	for (size_t i = 0; i < count; i++)
		sbuf_printf(&text, "%s{\"from\":\"a\",\"to\":\"a\"}",
			    i ? "," : "");
	sbuf_puts(&text, "]}");
	return text.data;
}

START_TEST(at_most_so_many_tests)
{
	begin();
	take(with_tests(10000));
	ck_assert_uint_eq(mesh.test_count, 10000);
	ck_assert_int_eq(decode(with_tests(10001)), -1);
	ck_assert_str_eq(diags_lines(arena, &diags), "m.json:2:9: tests has "
			 "10001 items, at most 10000 are taken\n");
	end();
}
END_TEST

/* A source with keys, wherever they stand, or one that says so. */
START_TEST(secret_sources)
{
	static const struct { const char *text; bool secret; } cases[] = {
		{ "{\"secrets\": \"files\"}", false },
		{ "{\"public_key\": 1}", false },
		{ "{\"links\": [{\"preshared_key_file\": \"x\"}]}", false },
		{ "{\"secrets\": \"inline\"}", true },
		{ "{\"links\": [{\"preshared_key\": \"x\"}]}", true },
		{ "{\"nodes\": {\"a\": {\"private_key\": 1}}}", true },
		{ "[{\"preshared\\u005fkey\": 1}]", true },
	};

	begin();
	for (size_t i = 0; i < array_size(cases); i++) {
		ck_assert_int_eq(decode(cases[i].text), -1);
		ck_assert_msg(source.secret == cases[i].secret, "%s",
			      cases[i].text);
	}
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(the_mesh),
		CHECK_CASE(the_nodes),
		CHECK_CASE(links_and_tests),
		CHECK_CASE(defaults),
		CHECK_CASE(places),
		CHECK_CASE(expiry),
		CHECK_CASE(endpoint_forms),
		CHECK_CASE(inline_names),
		CHECK_CASE(lookups),
		CHECK_CASE(checks_go_on),
		CHECK_CASE(at_most_so_many_tests),
		CHECK_CASE(secret_sources),
	};

	return check_run("document decoding", cases, array_size(cases));
}
