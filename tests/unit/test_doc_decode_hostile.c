/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents that are broken, huge or meant to harm: an error at a place, no
 * crash, and no key where it does not belong.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/parse.h"
#include "support/check.h"
#include "support/texts.h"

#define KEY_A "CMPEjRbqmZnuTZC+Vc0dTNhpzJ5Sw2Y4Z5jRnfSPq2Y="
#define KEY_P "Iz7fpYyEhHcS6RFXJTOQfcRnccKvAizqB2a0ItRPMeU="

static struct arena *arena, *secrets;
static size_t arena_start, secrets_start;

static void begin(void)
{
	arena = arena_new((size_t)2 << 30);
	secrets = arena_new_secret((size_t)1 << 30);
	arena_start = arena_mark(arena);
	secrets_start = arena_mark(secrets);
}

static void end(void)
{
	arena_freep(&arena);
	arena_freep(&secrets);
}

/* Small documents by the thousand want no fresh arenas each. */
static void again(void)
{
	arena_reset(arena, arena_start);
	arena_reset(secrets, secrets_start);
}

/* 0 or -1; every error is shown as well, as a run would. */
static int read_text(struct str text, struct diags *diags)
{
	static struct source source;
	struct mesh mesh;
	struct sbuf shown;
	int result;

	source = (struct source){ .name = "m.json", .text = text };
	diags_init(diags, arena);
	result = mesh_read(arena, secrets, &source, &mesh, diags);
	ck_assert_int_eq(result, diags->errors ? -1 : 0);
	diags_sort(diags);
	sbuf_init(&shown, arena);
	diags_format(diags, &shown);
	return result;
}

/* A copy without anything behind it, so that reading on is seen. */
static struct str exactly(const char *data, size_t size)
{
	return (struct str){ arena_copy(arena, data, size), size };
}

static const char document[] =
	"{ \"meshapply\": 1, \"mesh\": \"m\\u0065sh\", \"serial\": 7,\n"
	"  \"expires\": \"2026-12-31T00:00:00Z\", \"firewall\": true,\n"
	"  \"overlay\": [\"10.0.0.0/8\", \"fd00::/64\"], \"mtu\": 1400,\n"
	"  \"topology\": \"custom\", \"secrets\": \"inline\",\n"
	"  \"links\": [{ \"between\": [\"a\", \"label:x\"], \"keepalive\": 5,\n"
	"    \"preshared_key\": \"" KEY_P "\",\n"
	"    \"endpoints\": { \"a\": \"[2001:db8::1]:5\" } }],\n"
	"  \"nodes\": {\n"
	"    \"a\": { \"public_key\": \"" KEY_A "\",\n"
	"      \"addresses\": [\"10.0.0.1\", \"fd00::1\"], \"table\": \"main\",\n"
	"      \"endpoint\": \"a.example:51820\", \"fwmark\": \"0x1\" },\n"
	"    \"b\": { \"addresses\": [\"10.0.0.2\"], \"labels\": [\"x\"],\n"
	"      \"public_key\": \"B" KEY_A "\" , \"subnets\": [] } },\n"
	"  \"tests\": [{ \"from\": \"a\", \"to\": \"10.0.0.2\" }] }";

/* DOCUMENT with the second node's key a key: "B…" is one too long. */
static char *whole(void)
{
	char *text = arena_strdup(arena, document);
	char *key = strstr(text, "\"B" KEY_A) + 1;

	memmove(key + 1, key + 2, strlen(key + 2) + 1);
	return text;
}

START_TEST(truncated)
{
	struct diags diags;
	size_t size;

	begin();
	size = strlen(whole());
	ck_assert_msg(!read_text(exactly(whole(), size), &diags), "%s",
		      diags_lines(arena, &diags));
	for (size_t i = 0; i < size; i++) {
		again();
		ck_assert_msg(read_text(exactly(whole(), i), &diags) < 0,
			      "the first %zu bytes are taken", i);
		ck_assert_uint_eq(diags.count, 1);
		ck_assert(diags.items[0].where.source != NULL);
		ck_assert_msg(diags.items[0].where.offset <= i, "%zu", i);
	}
	end();
}
END_TEST

START_TEST(flipped)
{
	struct diags diags;
	size_t size, refused = 0;

	begin();
	size = strlen(whole());
	for (size_t i = 0; i < 8 * size; i++) {
		char *text;

		again();
		text = whole();
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		if (read_text(exactly(text, size), &diags) == 0)
			continue;
		refused++;
		for (size_t n = 0; n < diags.count; n++)
			ck_assert(diags.items[n].where.source != NULL);
	}
	/* What is left over is within names, keys, numbers. */
	ck_assert_uint_gt(refused, 4 * size);
	end();
}
END_TEST

/* Each byte in turn is left out, and each is there twice. */
START_TEST(mangled)
{
	struct diags diags;
	size_t size;

	begin();
	size = strlen(whole());
	for (size_t i = 0; i < size; i++) {
		char *text;

		again();
		text = whole();
		memmove(text + i, text + i + 1, size - i);
		(void)!read_text(exactly(text, size - 1), &diags);
		text = arena_printf(arena, "%.*s%s", (int)i + 1, whole(),
				    whole() + i);
		(void)!read_text(exactly(text, size + 1), &diags);
	}
	end();
}
END_TEST

static void refuse(struct str text, const char *lines)
{
	struct diags diags;

	ck_assert_int_eq(read_text(text, &diags), -1);
	ck_assert_str_eq(diags_lines(arena, &diags), lines);
}

/* COUNT times WHAT between two texts. */
static struct str many(const char *before, const char *what, size_t count,
		       const char *after)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_puts(&text, before);
	for (size_t i = 0; i < count; i++)
		sbuf_puts(&text, what);
	sbuf_puts(&text, after);
	return (struct str){ text.data, text.size };
}

START_TEST(limits)
{
	begin();
	refuse(STR(""), "m.json:1:1: the document is empty\n");
	refuse(STR("\xef\xbb\xbf"), "m.json:1:1: the document is empty\n");
	refuse(STR("\xef\xbb\xbf \n"),
	       "m.json:1:1: the document is empty\n");
	refuse(many("{", " ", DOCUMENT_LIMIT, "}"),
	       "m.json:1:1: the document has more than 16 MiB\n");
	refuse(many("{", " ", DOCUMENT_LIMIT - 2, "}"),
	       "m.json:1:1: the document has no 'mesh'\n"
	       "m.json:1:1: the document has no 'meshapply'\n"
	       "m.json:1:1: the document has no 'nodes'\n"
	       "m.json:1:1: the document has no 'overlay'\n");
	again();
	refuse(many("", "[", 100000, ""),
	       "m.json:1:2049: objects and lists are nested too deep\n");
	refuse(many("", "{\"a\":", 100000, ""),
	       "m.json:1:10241: objects and lists are nested too deep\n");
	refuse(many("[", "0,", DOC_VALUES_MAX, "0]"),
	       "m.json:1:2097151: the document has more than 1048576 values\n");
	again();
	/* The most that jansson is to build, and so the most memory. */
	refuse(many("[", "{},", DOC_VALUES_MAX / 2 - 2, "{}]"),
	       "m.json:1:1: the document is a list, an object is wanted\n");
	again();
	/* So long a run of digits might be a key's. */
	refuse(many("{\"mtu\":\n", "1", 300, "}"),
	       "m.json:1:1: the document has no 'mesh'\n"
	       "m.json:1:1: the document has no 'meshapply'\n"
	       "m.json:1:1: the document has no 'nodes'\n"
	       "m.json:1:1: the document has no 'overlay'\n"
	       "m.json:2:1: mtu is a number of 300 digits, more than 65535 "
	       "[hidden]\n");
	refuse(many("{\"mtu\": ", "1", 400, "}"),
	       "m.json:1:9: this number is too large [hidden]\n");
	end();
}
END_TEST

/* Errors without end: a thousand are kept, all are counted. */
START_TEST(many_errors)
{
	struct diags diags;

	begin();
	ck_assert_int_eq(read_text(many("{\"hubs\": [", "5,", 100000, "5]}"),
				   &diags), -1);
	ck_assert_uint_eq(diags.count, DIAGS_MAX);
	ck_assert_uint_gt(diags.errors, 100000);
	ck_assert_int_eq(read_text(many("{", "\"mtu\":1,", 100000,
					"\"x\":1}"), &diags), -1);
	ck_assert_uint_eq(diags.count, DIAGS_MAX);
	end();
}
END_TEST

#define NODES 10000

/* Node I, which has the name, key and address of its number. */
static void add_node(struct sbuf *text, unsigned int i)
{
	struct key key = { { (uint8_t)i, (uint8_t)(i >> 8), 1 } };
	char key_text[KEY_TEXT_MAX];
	unsigned int high = i >> 8, low = i & 0xff;

	sbuf_printf(text, "%s\"n%u\":{\"public_key\":\"%s\","
		    "\"addresses\":[\"10.1.%u.%u\"],\"endpoint\":"
		    "\"192.0.2.1:%u\",\"labels\":[\"all\",\"l%u\"],"
		    "\"subnets\":[\"10.2.%u.%u/32\"]}", i ? ",\n" : "", i,
		    key_format(&key, key_text), high + 1, low, i + 1, i,
		    high, low);
}

START_TEST(ten_thousand)
{
	struct source source = { .name = "m.json" };
	struct diags diags;
	struct mesh mesh;
	struct sbuf text;

	begin();
	sbuf_init(&text, arena);
	sbuf_puts(&text, "{\"meshapply\":1,\"mesh\":\"m\",\"overlay\":"
		  "[\"10.1.0.0/16\"],\"nodes\":{");
	for (unsigned int i = 0; i < NODES; i++)
		add_node(&text, i);
	sbuf_puts(&text, "}}");
	source.text = (struct str){ text.data, text.size };
	diags_init(&diags, arena);
	ck_assert_msg(!mesh_read(arena, secrets, &source, &mesh, &diags), "%s",
		      diags_lines(arena, &diags));
	ck_assert_uint_eq(mesh.node_count, NODES);
	for (unsigned int i = 0; i < NODES; i++) {
		const char *name = arena_printf(arena, "n%u", i);
		const struct node *node = mesh_node(&mesh, name);

		ck_assert_ptr_nonnull(node);
		ck_assert_uint_eq(node->endpoint.port, i + 1);
		ck_assert_uint_eq(node->addresses.items[0].prefix.length, 16);
	}
	end();
}
END_TEST

/* Arenas poison what they have not given: looked at all the same. */
__attribute__((no_sanitize("address")))
static size_t count_of(const char *from, const char *to, const void *what,
		       size_t size)
{
	const char *wanted = what;
	size_t count = 0;

	for (; from + size <= to; from++) {
		size_t i = 0;

		while (i < size && from[i] == wanted[i])
			i++;
		count += i == size;
	}
	return count;
}

/* An inline key lies among the secrets only, in neither of its two forms. */
START_TEST(keys_stay_secret)
{
	struct source source = { .name = "m.json" };
	const char *first, *last;
	struct diags diags;
	struct mesh mesh;
	struct key key;
	char *text;

	begin();
	first = arena_alloc(arena, 1);
	text = whole();
	source.text = (struct str){ arena_strdup(secrets, text),
				    strlen(text) };
	memset(text, 0, strlen(text));
	diags_init(&diags, arena);
	ck_assert_int_eq(mesh_read(arena, secrets, &source, &mesh, &diags), 0);
	ck_assert_int_eq(key_parse(STR(KEY_P), &key), 0);
	last = arena_alloc(arena, 1);
	ck_assert_uint_eq(count_of(first, last, KEY_P, 12), 0);
	ck_assert_uint_eq(count_of(first, last, key.bytes, KEY_SIZE), 0);
	ck_assert(key_equal(mesh.links[0].preshared_key, &key));
	/* That they are found where they are. */
	first = source.text.data;
	last = arena_alloc(secrets, 1);
	ck_assert_uint_ge(count_of(first, last, KEY_P, 12), 1);
	ck_assert_uint_ge(count_of(first, last, key.bytes, KEY_SIZE), 1);
	end();
}
END_TEST

/* Wherever in a document a key is put, it is not shown. */
START_TEST(keys_are_not_shown)
{
	static const char *const documents[] = {
		"{\"mesh\": \"%s\"}", "{\"%s\": 1}", "{\"nodes\":{\"%s\":1}}",
		"{\"overlay\": [\"%s\"]}", "{\"expires\": \"%s\"}",
		"{\"topology\": \"%s\"}", "{\"hubs\": [\"%s\", 1]}",
		"{\"interface\": \"%s\"}", "{\"secrets\": \"%s\"}",
		"{\"links\": [{\"between\": [\"%s\", \"label:%s\"]}]}",
		"{\"links\": [{\"preshared_key_file\": \"%s\"}]}",
		"{\"links\": [{\"preshared_key\": \"x%s\"}]}",
		"{\"links\": [{\"endpoints\": {\"%s\": \"%s\"}}]}",
		"{\"nodes\": {\"a\": {\"public_key\": \"x%s\"}}}",
		"{\"nodes\": {\"a\": {\"private_key\": \"%s\"}}}",
		"{\"nodes\": {\"a\": {\"addresses\": [\"%s\"]}}}",
		"{\"nodes\": {\"a\": {\"endpoint\": \"%s\"}}}",
		"{\"nodes\": {\"a\": {\"endpoint\": \"%s:5\"}}}",
		"{\"nodes\": {\"a\": {\"subnets\": [\"%s\"]}}}",
		"{\"nodes\": {\"a\": {\"labels\": [\"%s\", \"%s\"]}}}",
		"{\"nodes\": {\"a\": {\"fwmark\": \"%s\"}}}",
		"{\"nodes\": {\"a\": {\"table\": \"%s\"}}}",
		"{\"tests\": [{\"from\": \"%s\", \"to\": \"%s\"}]}",
		"{\"x\": \"%s\" \"%s\"", "{\"x\": %s}", "{\"x\": \"%s",
		"{\"x\": \"%s\\q\"}", "%s", "{} %s", "{\"%s\": 1, \"%s\": 1}",
		"{\"mtu\": 1, \"x\":\n\"%s\"", "{\"mtu\": 1, \"x\": \"%s\"}",
	};
	static const char *const keys[] = {
		KEY_P, "Iz7fpYyEhHcS6RFXJTOQfcRnccKvAizqB2a0ItRPMeU",
		"Iz7f\\/YyEhHc\\/6RFX\\/TOQfcR\\/ccKvAizqB2a0ItRPMeU=",
		"Iz7fpYyEhHcS6RFXJTOQfcRnccKvAizqB2a0ItR",
	};

	begin();
	for (size_t i = 0; i < array_size(documents) * array_size(keys); i++) {
		const char *k = keys[i % array_size(keys)];
		struct diags diags;
		struct sbuf shown;
		const char *text;

		text = arena_printf(arena, documents[i / array_size(keys)], k,
				    k);
		ck_assert_int_eq(read_text(str_of(text), &diags), -1);
		sbuf_init(&shown, arena);
		diags_format(&diags, &shown);
		ck_assert_msg(!strstr(shown.data, "YyEhHc") &&
			      !strstr(shown.data, "KvAizqB2"), "%s\n%s", text,
			      shown.data);
	}
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(truncated),
		CHECK_CASE(flipped),
		CHECK_CASE(mangled),
		CHECK_CASE(limits),
		CHECK_CASE(many_errors),
		CHECK_CASE(ten_thousand),
		CHECK_CASE(keys_stay_secret),
		CHECK_CASE(keys_are_not_shown),
	};

	return check_run("hostile documents", cases, array_size(cases));
}
