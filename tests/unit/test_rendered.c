/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a document was rendered to is taken again only while every byte that
 * it was made from is the same; and then it is what rendering would give.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/rendered.h"
#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "state/text.h"
#include "support/check.h"
#include "support/scratch.h"

#define KEPT "var/lib/meshapply/office/rendered"
#define NOW 1700000000

/* The program's own table of verbs is beside main(). */
const struct verb verbs[] = { { .name = "none" } };
const size_t verb_count = array_size(verbs);

static struct scratch root;
static char document[32768], ir_key[KEY_TEXT_MAX], tr_key[KEY_TEXT_MAX];
static size_t document_size;
static struct options options;
static int64_t now;

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", root.path, name);
	return path;
}

static void put(const char *name, const char *text)
{
	scratch_put(&root, name, text, strlen(text), 0600);
}

static void make_folder(const char *name)
{
	ck_assert_int_eq(mkdirat(root.folder, name, 0700), 0);
}

/* A node with a key of its own, its public one to TEXT. */
static void make_key(const char *file, char text[static KEY_TEXT_MAX])
{
	char private_text[KEY_TEXT_MAX];
	struct key key, public_key;

	key_generate(&key);
	key_public(&key, &public_key);
	key_format(&public_key, text);
	put(file, key_format(&key, private_text));
}

static void put_document(const char *more)
{
	int n = snprintf(document, sizeof(document),
		"{ \"meshapply\": 1, \"mesh\": \"office\", \"serial\": 7, %s"
		"\"overlay\": [\"10.250.0.0/24\"], \"nodes\": {"
		"\"ir\": { \"public_key\": \"%s\", \"addresses\": "
		"[\"10.250.0.1\"], \"subnets\": [\"192.168.10.0/24\"] },"
		"\"tr\": { \"public_key\": \"%s\", \"addresses\": "
		"[\"10.250.0.2\"], \"endpoint\": \"198.51.100.20:51820\" } } }"
		"\n", more, ir_key, tr_key);

	document_size = (size_t)n;
	scratch_put(&root, "office.json", document, document_size, 0600);
}

static void setup(void)
{
	static const char *const folders[] = {
		"etc", "etc/meshapply", "etc/meshapply/keys",
		"etc/meshapply/templates", "etc/meshapply/templates/partials",
		"var", "var/lib", "var/lib/meshapply",
		"var/lib/meshapply/office",
	};

	scratch_open(&root);
	for (size_t i = 0; i < array_size(folders); i++)
		make_folder(folders[i]);
	make_key("etc/meshapply/keys/office.key", ir_key);
	make_key("etc/meshapply/keys/other.key", tr_key);
	put_document("");
	options = (struct options){ .root = root.path };
	now = NOW;
}

static void teardown(void)
{
	scratch_close(&root);
}

struct seen {
	bool taken;	/* from what is kept */
	bool kept;	/* to be kept */
	char node[16];
	uint64_t serial;
	uint8_t digest[GENERATION_DIGEST];
	uint32_t mtu;
};

/* One reading, as a run that applies does it; what it keeps is written. */
static int run(struct seen *out, enum err_kind *kind)
{
	char source[512];
	struct session s;
	struct err e = { 0 };
	int result;

	*out = (struct seen){ 0 };
	snprintf(source, sizeof(source), "%s/office.json", root.path);
	session_open(&s, &options);
	s.run.options.now = now;
	result = want_read(&s, source, &e);
	*kind = e.kind;
	if (!result) {
		out->kept = s.run.rendered;
		out->taken = s.unchanged;
		ck_assert(!out->taken || !out->kept);
		snprintf(out->node, sizeof(out->node), "%s",
			 s.run.about.node);
		out->serial = s.run.about.serial;
		generation_digest(s.given, out->digest);
		out->mtu = s.want.devices[0].mtu;
		ck_assert_str_eq(s.run.mesh, "office");
		ck_assert_ptr_nonnull(s.want.devices[0].private_key);
	}
	if (out->kept) {
		struct sbuf file;

		sbuf_init(&file, s.arena);
		rendered_write(&file, s.run.rendered);
		unlinkat(root.folder, KEPT, 0);
		scratch_put(&root, KEPT, file.data, file.size, 0600);
	}
	session_close(&s);
	return result;
}

static struct seen must(bool taken)
{
	enum err_kind kind;
	struct seen seen;

	ck_assert_int_eq(run(&seen, &kind), 0);
	ck_assert(seen.taken == taken);
	return seen;
}

static void must_fail(enum err_kind wanted)
{
	enum err_kind kind;
	struct seen seen;

	ck_assert_int_eq(run(&seen, &kind), -1);
	ck_assert_int_eq(kind, wanted);
}

static void must_be_equal(const struct seen *a, const struct seen *b)
{
	ck_assert_str_eq(a->node, b->node);
	ck_assert_uint_eq(a->serial, b->serial);
	ck_assert_uint_eq(a->mtu, b->mtu);
	ck_assert_mem_eq(a->digest, b->digest, sizeof(a->digest));
}

/* Kept by one run, taken by the next, with the same outcome. */
static void must_settle(void)
{
	struct seen first = must(false), second = must(true);

	ck_assert(first.kept);
	must_be_equal(&first, &second);
}

START_TEST(the_same_bytes_are_taken)
{
	must_settle();
	ck_assert_uint_eq(must(true).serial, 7);
}
END_TEST

/* Wherever a byte is another one, the document is read again. */
START_TEST(another_byte_of_the_document)
{
	char *at = strstr(document, "198.51.100.20");
	struct seen before, after;

	must_settle();
	before = must(true);
	at[1] = '8';
	scratch_put(&root, "office.json", document, document_size, 0600);
	after = must(false);
	ck_assert(memcmp(before.digest, after.digest,
			 sizeof(after.digest)));
	must(true);
	/* One that means nothing, at the end. */
	document[document_size - 1] = ' ';
	scratch_put(&root, "office.json", document, document_size, 0600);
	must(false);
	scratch_put(&root, "office.json", document, document_size - 1, 0600);
	must(false);
	must(true);
	/* One that is wrong. */
	document[document_size - 2] = ']';
	scratch_put(&root, "office.json", document, document_size, 0600);
	must_fail(ERR_DATA);
}
END_TEST

START_TEST(another_byte_of_the_config)
{
	must_settle();
	put("etc/meshapply/office.conf", "node = ir\n");
	must_settle();
	put("etc/meshapply/office.conf", "node = ir \n");
	must_settle();
	unlinkat(root.folder, "etc/meshapply/office.conf", 0);
	must_settle();
	put("etc/meshapply/office.conf", "nod = ir\n");
	must_fail(ERR_CONFIG);
}
END_TEST

START_TEST(another_byte_of_a_template)
{
	static const char name[] = "etc/meshapply/templates/network.batch";
	static const char partial[] =
		"etc/meshapply/templates/partials/network-local.mustache";

	must_settle();
	put(name, "# mine\n{{>network-local}}");
	must_settle();
	put(name, "# mime\n{{>network-local}}");
	must_settle();
	put(partial, "# a\n");
	must_settle();
	put(partial, "# b\n");
	must_settle();
	put(name, "# mime\n{{>network-local}");
	must_fail(ERR_CONFIG);
	unlinkat(root.folder, partial, 0);
	unlinkat(root.folder, name, 0);
	must_settle();
}
END_TEST

START_TEST(another_node)
{
	must_settle();
	options.node = "ir";
	must_settle();
	/* Its key is that of ir. */
	options.node = "tr";
	must_fail(ERR_CONFIG);
	options.node = NULL;
	must_settle();
	options.key = path_of("etc/meshapply/keys/other.key");
	ck_assert_str_eq(must(false).node, "tr");
	must(true);
	options.key = NULL;
	must_settle();
}
END_TEST

START_TEST(another_key_in_its_file)
{
	char text[KEY_TEXT_MAX];

	must_settle();
	make_key("etc/meshapply/keys/office.key", text);
	must_fail(ERR_CONFIG);
	unlinkat(root.folder, "etc/meshapply/keys/office.key", 0);
	must_fail(ERR_NO_INPUT);
}
END_TEST

START_TEST(an_expired_document)
{
	put_document("\"expires\": \"2023-11-14T22:13:21Z\", ");
	must_settle();
	/* Now it is 22:13:20: a run one second later. */
	put_document("\"expires\": \"2023-11-14T22:13:20Z\", ");
	must_fail(ERR_TRUST);
}
END_TEST

/* The same, while what is kept of it is there. */
START_TEST(one_that_expires)
{
	put_document("\"expires\": \"2023-11-14T22:13:21Z\", ");
	must_settle();
	now++;
	must_fail(ERR_TRUST);
}
END_TEST

/* LAST in place of the last byte of WHAT, in the file that is kept. */
static void edit_kept(struct arena *arena, const char *what, char last)
{
	size_t size = strlen(what);
	struct str file;
	struct err e;
	char *at;

	ck_assert_int_eq(file_read_path(path_of(KEPT), 1 << 20, arena, &file,
					&e), 0);
	at = memmem(file.data, file.size, what, size);
	ck_assert_ptr_nonnull(at);
	at[size - 1] = last;
	scratch_put(&root, KEPT, file.data, file.size, 0600);
}

/* What the document said of itself is as good as the texts, or none is. */
START_TEST(an_edited_outcome)
{
	struct arena *arena = arena_new(1 << 26);

	put_document("\"expires\": \"2023-11-14T22:13:21Z\", ");
	must_settle();
	edit_kept(arena, " serial=7", '8');
	ck_assert_uint_eq(must(false).serial, 7);
	edit_kept(arena, " expires=1700000001", '9');
	must(false);
	edit_kept(arena, " node=ir", 'x');
	ck_assert_str_eq(must(false).node, "ir");
	must(true);
	arena_free(arena);
}
END_TEST

/* --key is a pipe, which gives once what FILE holds; it is to be closed. */
static int pipe_key(const char *file, char *path, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct str key;
	struct err e;
	int ends[2];

	ck_assert_int_eq(file_read_path(path_of(file), 100, arena, &key, &e),
			 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], key.data, key.size), key.size);
	close(ends[1]);
	arena_free(arena);
	snprintf(path, size, "/proc/self/fd/%d", ends[0]);
	options.key = path;
	return ends[0];
}

/* One that does not fit is there for the long way as well. */
START_TEST(a_key_from_a_pipe)
{
	char path[64];
	int fd;

	must_settle();
	fd = pipe_key("etc/meshapply/keys/other.key", path, sizeof(path));
	ck_assert_str_eq(must(false).node, "tr");
	close(fd);
	fd = pipe_key("etc/meshapply/keys/office.key", path, sizeof(path));
	ck_assert_str_eq(must(false).node, "ir");
	close(fd);
	options.key = NULL;
	must(true);
}
END_TEST

/* Other meshes are to be compared with in each run. */
START_TEST(another_mesh_on_the_host)
{
	must_settle();
	put("etc/meshapply/home.conf", "source = /nonexistent/home.json\n");
	ck_assert(!must(false).kept);
	ck_assert(!must(false).kept);
	unlinkat(root.folder, "etc/meshapply/home.conf", 0);
	must(true);
}
END_TEST

START_TEST(a_key_in_the_document)
{
	char text[KEY_TEXT_MAX], more[256];
	struct key key;

	key_generate_preshared(&key);
	snprintf(more, sizeof(more), "\"secrets\": \"inline\", \"links\": "
		 "[ { \"between\": [\"ir\", \"tr\"], \"preshared_key\": "
		 "\"%s\" } ], ", key_format(&key, text));
	put_document(more);
	ck_assert(!must(false).kept);
	ck_assert_int_ne(faccessat(root.folder, KEPT, F_OK, 0), 0);
}
END_TEST

START_TEST(a_plan_keeps_nothing)
{
	options.dry_run = true;
	ck_assert(!must(false).kept);
	ck_assert_int_ne(faccessat(root.folder, KEPT, F_OK, 0), 0);
}
END_TEST

START_TEST(what_others_may_have_written)
{
	must_settle();
	ck_assert_int_eq(fchmodat(root.folder, KEPT, 0644, 0), 0);
	must(false);
	if (scratch_skips_without_root("a file of another user"))
		return;
	must(true);
	ck_assert_int_eq(fchownat(root.folder, KEPT, 12345, 12345, 0), 0);
	must(false);
}
END_TEST

/* Each byte of the file counts: it is taken as it was written or not. */
START_TEST(an_edited_or_torn_file)
{
	struct arena *arena = arena_new(1 << 26);
	struct seen whole, seen;
	struct str file;
	struct err e;

	must_settle();
	whole = must(true);
	ck_assert_int_eq(file_read_path(path_of(KEPT), 1 << 20, arena, &file,
					&e), 0);
	for (size_t i = 0; i < file.size; i += 97) {
		char *copy = arena_copy(arena, file.data, file.size);

		copy[i] ^= 1;
		scratch_put(&root, KEPT, copy, file.size, 0600);
		seen = must(false);
		must_be_equal(&whole, &seen);
		scratch_put(&root, KEPT, file.data, i, 0600);
		seen = must(false);
		must_be_equal(&whole, &seen);
	}
	must(true);
	arena_free(arena);
}
END_TEST

START_TEST(no_private_key_is_kept)
{
	struct arena *arena = arena_new(1 << 26);
	struct str file, key;
	struct err e;

	must_settle();
	ck_assert_int_eq(file_read_path(path_of(KEPT), 1 << 20, arena, &file,
					&e), 0);
	ck_assert_int_eq(file_read_path(
		path_of("etc/meshapply/keys/office.key"), 100, arena, &key,
		&e), 0);
	ck_assert_ptr_null(memmem(file.data, file.size, key.data, 40));
	arena_free(arena);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(the_same_bytes_are_taken),
		CHECK_CASE(another_byte_of_the_document),
		CHECK_CASE(another_byte_of_the_config),
		CHECK_CASE(another_byte_of_a_template),
		CHECK_CASE(another_node),
		CHECK_CASE(another_key_in_its_file),
		CHECK_CASE(an_expired_document),
		CHECK_CASE(one_that_expires),
		CHECK_CASE(an_edited_outcome),
		CHECK_CASE(a_key_from_a_pipe),
		CHECK_CASE(another_mesh_on_the_host),
		CHECK_CASE(a_key_in_the_document),
		CHECK_CASE(a_plan_keeps_nothing),
		CHECK_CASE(what_others_may_have_written),
		CHECK_CASE(an_edited_or_torn_file),
		CHECK_CASE(no_private_key_is_kept),
	};

	return check_run_within("rendered", cases, array_size(cases), setup,
				teardown);
}
