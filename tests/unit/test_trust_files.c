/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trusted keys in files, and what is kept of documents. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "apply/store_trust.h"
#include "base/arena.h"
#include "base/err.h"
#include "input/trusted.h"
#include "support/check.h"
#include "support/golden.h"
#include "support/scratch.h"

#define DIGEST "000102030405060708090a0b0c0d0e0f" \
	       "101112131415161718191a1b1c1d1e1f"
#define FOLDER "etc/meshapply/trusted.d/"

static struct scratch scratch;
static struct arena *arena;
static struct minisign_key *keys;
static struct str pub_a, pub_b;
static size_t count;
static struct err e;

static void setup(void)
{
	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 26);
	memset(&e, 0, sizeof(e));
	pub_a = golden_read(arena, golden_path(arena, "tests/golden/trust",
					       "a.pub"));
	pub_b = golden_read(arena, golden_path(arena, "tests/golden/trust",
					       "b.pub"));
	ck_assert(pub_a.data && pub_b.data);
}

static void teardown(void)
{
	arena_free(arena);
	scratch_close(&scratch);
}

static void refused(int result, enum err_kind kind, const char *words)
{
	ck_assert_msg(result < 0, "taken: %s", words);
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.text, words) != NULL, "%s, not: %s", e.text,
		      words);
}

static void lay(void)
{
	ck_assert(!mkdirat(scratch.folder, "etc", 0755));
	ck_assert(!mkdirat(scratch.folder, "etc/meshapply", 0755));
	ck_assert(!mkdirat(scratch.folder, FOLDER, 0755));
	scratch_put(&scratch, FOLDER "b.pub", pub_b.data, pub_b.size, 0644);
	scratch_put(&scratch, FOLDER "a.pub", pub_a.data, pub_a.size, 0444);
}

static int read_folder(void)
{
	return trusted_folder(scratch.path, arena, &keys, &count, &e);
}

START_TEST(folder)
{
	struct minisign_key a;

	ck_assert(!read_folder());
	ck_assert_uint_eq(count, 0);
	lay();
	scratch_put(&scratch, FOLDER "README", "x", 1, 0644);
	scratch_put(&scratch, FOLDER ".a.pub", "x", 1, 0644);
	ck_assert(!minisign_key_read(pub_a, "a", &a, &e));
	ck_assert_msg(!read_folder(), "%s", e.text);
	ck_assert_uint_eq(count, 2);
	ck_assert_mem_eq(&keys[0], &a, sizeof(a));
}
END_TEST

START_TEST(folder_refused)
{
	lay();
	scratch_put(&scratch, FOLDER "c.pub", "rubbish\n", 8, 0644);
	refused(read_folder(), ERR_CONFIG, "trusted.d: c.pub: line 1");
	ck_assert(!unlinkat(scratch.folder, FOLDER "c.pub", 0));
	ck_assert(!fchmodat(scratch.folder, FOLDER "b.pub", 0664, 0));
	refused(read_folder(), ERR_CONFIG, "others can write to b.pub");
	ck_assert(!fchmodat(scratch.folder, FOLDER "b.pub", 0646, 0));
	refused(read_folder(), ERR_CONFIG, "chmod go-w ");
	ck_assert(!fchmodat(scratch.folder, FOLDER "b.pub", 0644, 0));
	ck_assert(!fchmodat(scratch.folder, FOLDER, 0775, 0));
	refused(read_folder(), ERR_CONFIG, "others can write to "
		TRUSTED_FOLDER);
	ck_assert(!fchmodat(scratch.folder, FOLDER, 0755, 0));
	ck_assert(!read_folder());
	ck_assert(!symlinkat("a.pub", scratch.folder, FOLDER "l.pub"));
	refused(read_folder(), ERR_CONFIG, "symbolic link");
	ck_assert(!unlinkat(scratch.folder, FOLDER "l.pub", 0));
	if (scratch_skips_without_root("a key of another user's"))
		return;
	ck_assert(!fchownat(scratch.folder, FOLDER "b.pub", 1, 1, 0));
	refused(read_folder(), ERR_CONFIG, "belongs to uid 1");
	ck_assert(!fchownat(scratch.folder, FOLDER "b.pub", 0, 0, 0));
	ck_assert(!fchownat(scratch.folder, FOLDER, 1, 1, 0));
	refused(read_folder(), ERR_CONFIG, "belongs to uid 1");
}
END_TEST

static int read_named(const char *a, const char *b)
{
	const char *const named[] = { a, b };

	return trusted_named(scratch.path, named, 2, arena, &keys, &e);
}

START_TEST(by_name)
{
	const char *path = arena_printf(arena, "%s/elsewhere", scratch.path);
	struct minisign_key a;

	lay();
	scratch_put(&scratch, "elsewhere", pub_a.data, pub_a.size, 0644);
	ck_assert(!minisign_key_read(pub_a, "a", &a, &e));
	ck_assert_msg(!read_named("b", path), "%s", e.text);
	ck_assert_mem_eq(&keys[1], &a, sizeof(a));
	ck_assert(!read_named("a.pub", "b.pub"));
	ck_assert_mem_eq(&keys[0], &a, sizeof(a));
	refused(read_named("a", "c"), ERR_NO_INPUT, "trusted key");
	refused(read_named("a", ".."), ERR_NO_INPUT, "...pub");
	refused(read_named(path, "/nowhere/at-all"), ERR_NO_INPUT,
		"/nowhere/at-all");
	refused(read_named(path, "/dev/null"), ERR_CONFIG, "no regular file");
	ck_assert(!fchmodat(scratch.folder, "elsewhere", 0666, 0));
	refused(read_named(path, "a"), ERR_CONFIG, "others can write to");
}
END_TEST

static struct store *open_store(void)
{
	struct store *s;

	ck_assert_msg(!store_open(arena, scratch.path, "office", true, &s,
				  &e), "%s", e.text);
	ck_assert_msg(!store_lock(s, 0, &e), "%s", e.text);
	return s;
}

static struct trust_record some_record(size_t named_count)
{
	struct trust_record record = { .serial = 7, .expires = 4102444800 };
	struct minisign_key *named = arena_new_array(arena,
						     struct minisign_key, 2);

	for (size_t i = 0; i < TRUST_DIGEST_SIZE; i++)
		record.digest[i] = (uint8_t)i;
	if (!named_count)
		return record;
	ck_assert(!minisign_key_read(pub_a, "a", &named[0], &e));
	ck_assert(!minisign_key_read(pub_b, "b", &named[1], &e));
	record.keys = (struct trust_keys){ named, named_count, 1 };
	record.anchors[0] = 255;
	return record;
}

static void keep(const struct trust_record *record, uint64_t want)
{
	struct store *s = open_store();
	uint64_t writes = 0;

	ck_assert_msg(!store_stage_trust(s, arena, record, &e), "%s", e.text);
	ck_assert_msg(!store_commit(s, &writes, &e), "%s", e.text);
	ck_assert_uint_eq(writes, want);
	store_close(s);
}

static const struct trust_record *kept(void)
{
	const struct trust_record *record;
	struct store *s = open_store();

	ck_assert_msg(!store_trust(s, arena, &record, &e), "%s", e.text);
	store_close(s);
	return record;
}

#define KEPT "var/lib/meshapply/office/trust"

START_TEST(records)
{
	struct trust_record none = some_record(0), two = some_record(2);
	const struct trust_record *got;
	struct stat st;
	char boot[4096];
	int fd;
	ssize_t n;

	ck_assert_ptr_null(kept());
	keep(&none, 1);
	got = kept();
	ck_assert_mem_eq(got, &none, sizeof(none));
	keep(&two, 1);
	got = kept();
	ck_assert_uint_eq(got->keys.count, 2);
	ck_assert_mem_eq(got->keys.items, two.keys.items,
			 2 * sizeof(*two.keys.items));
	ck_assert_mem_eq(got->anchors, two.anchors, sizeof(two.anchors));
	ck_assert_uint_eq(got->keys.threshold, 1);
	ck_assert(!fstatat(scratch.folder, KEPT, &st, 0));
	ck_assert_int_eq(st.st_mode & 07777, 0644);
	/* The same is not written again, in another boot neither. */
	keep(&two, 0);
	fd = openat(scratch.folder, KEPT, O_RDONLY);
	n = read(fd, boot, sizeof(boot));
	close(fd);
	ck_assert_int_gt(n, 40);
	memcpy(strstr(boot, "boot=") + 5, "xxxxxxxx", 8);
	scratch_put(&scratch, KEPT, boot, (size_t)n, 0644);
	keep(&two, 0);
	ck_assert_uint_eq(kept()->serial, 7);
	keep(&none, 1);
	ck_assert_uint_eq(kept()->keys.count, 0);
}
END_TEST

START_TEST(records_forgotten)
{
	struct trust_record none = some_record(0);
	struct store *s;

	keep(&none, 1);
	s = open_store();
	ck_assert_msg(!store_forget(s, &e), "%s", e.text);
	store_close(s);
	ck_assert(faccessat(scratch.folder, KEPT, F_OK, 0) < 0);
	ck_assert(faccessat(scratch.folder, "var/lib/meshapply/office", F_OK,
			    0) < 0);
}
END_TEST

/* What TEXT, without its header, is read as. */
static bool reads(const char *text)
{
	struct records r = { .arena = arena, .secrets = arena,
			     .rest = str_of(text) };
	struct trust_record record;

	return trust_lines(&r, &record);
}

START_TEST(records_refused)
{
	const char *ok = "accepted serial=7 digest=" DIGEST "\n";
	const char *named = arena_printf(arena, "%snamed threshold=1 "
					 "anchors=" DIGEST "\n", ok);
	const char *key = arena_printf(arena, "key public-key=%.56s\n",
				       strchr(pub_a.data, '\n') + 1);
	const char *good[] = { ok, arena_printf(arena, "%s%s", named, key) };
	const char *bad[] = {
		"", "accepted\n", "accepted digest=" DIGEST "\n",
		"accepted serial=7\n", "accepted serial=7 digest=00\n",
		"accepted serial=7 digest=" DIGEST,
		"accepted serial=7 digest=0A" DIGEST "\n",
		"accepted serial=7 digest=0001020304050607"
		"08090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
		"accepted serial=9007199254740992 digest=" DIGEST "\n",
		"accepted serial=7 expires=9223372036854775808 "
		"digest=" DIGEST "\n",
		"named threshold=1 anchors=" DIGEST "\n",
		named, arena_printf(arena, "%s%s", ok, key),
		arena_printf(arena, "%s%s", ok, ok),
		arena_printf(arena, "%s%s%s", named, key, key),
		arena_printf(arena, "%skey public-key=x\n", named),
		arena_printf(arena, "%skey\n", named),
		arena_printf(arena, "%snamed threshold=2 anchors=" DIGEST
			     "\n%s", ok, key),
		arena_printf(arena, "%snamed anchors=" DIGEST "\n%s", ok,
			     key),
		arena_printf(arena, "%snamed threshold=1\n%s", ok, key),
		arena_printf(arena, "%s%saccepted\n", named, key),
	};
	const struct trust_record *record;
	struct trust_record some = some_record(0);
	struct store *s;

	for (size_t i = 0; i < array_size(good); i++)
		ck_assert_msg(reads(good[i]), "%s", good[i]);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(!reads(bad[i]), "%s", bad[i]);
	keep(&some, 1);
	scratch_put(&scratch, KEPT, "rubbish\n", 8, 0644);
	s = open_store();
	refused(store_trust(s, arena, &record, &e), ERR_CONFIG,
		"/trust, line 1: this is not as it was written");
	store_close(s);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(folder),
		CHECK_CASE(folder_refused),
		CHECK_CASE(by_name),
		CHECK_CASE(records),
		CHECK_CASE(records_forgotten),
		CHECK_CASE(records_refused),
	};

	return check_run_within("trust_files", cases, array_size(cases),
				setup, teardown);
}
