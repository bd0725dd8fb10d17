/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a document is believed, and what becomes of the keys. */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"
#include "doc/doc.h"
#include "support/check.h"
#include "support/golden.h"
#include "trust/comment.h"
#include "trust/trust.h"

#define NOW 1800000000		/* in January of 2027 */
#define GOOD "mesh=office serial=7 expires=2100-01-01T00:00:00Z"
#define DOCUMENT STR("{ \"mesh\": \"office\" }")

enum { A, B, C, KEYS };

static struct arena *arena;
static struct minisign_secret secrets[KEYS];
static struct minisign_key keys[KEYS];
static struct trust_proof proof;
static struct err e;

static void setup(void)
{
	static const char *const names[] = { "a.key", "b.key", "c.key" };

	arena = arena_new((size_t)1 << 28);
	memset(&e, 0, sizeof(e));
	for (size_t i = 0; i < KEYS; i++) {
		struct minisign_sealed sealed;
		struct str text = golden_read(arena, golden_path(
			arena, "tests/golden/trust", names[i]));

		ck_assert(!minisign_secret_read(text, names[i], &sealed, &e));
		ck_assert(!minisign_secret_open(&sealed, STR(""), names[i],
						&secrets[i], &e));
		minisign_secret_public(&secrets[i], &keys[i]);
	}
}

static void teardown(void)
{
	arena_freep(&arena);
}

static void refused(int result, enum err_kind kind, const char *words)
{
	ck_assert_msg(result < 0, "taken: %s", words);
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.text, words) != NULL, "%s, not: %s", e.text,
		      words);
}

/* BEFORE and a signature of DOCUMENT by the key I. */
static struct str add(struct str before, int i, const char *comment)
{
	struct sbuf out;
	struct str one;

	ck_assert_msg(!minisign_sign(arena, &secrets[i], DOCUMENT,
				     str_of(comment), &one, &e), "%s", e.text);
	sbuf_init(&out, arena);
	sbuf_str(&out, before);
	sbuf_str(&out, one);
	return (struct str){ out.data, out.size };
}

static struct str by(int i, const char *comment)
{
	return add(STR(""), i, comment);
}

static struct trust_keys first(size_t count, uint32_t threshold)
{
	return (struct trust_keys){ keys, count, threshold };
}

static int check_as(struct str signatures, struct trust_keys own,
		    const char *mesh, const struct trust_record *last)
{
	struct trust_request request = {
		.document = DOCUMENT, .signatures = signatures, .name = "s",
		.mesh = mesh, .own = own, .last = last, .now = NOW,
	};

	e = (struct err){ 0 };
	return trust_check(arena, &request, &proof, &e);
}

static int check(struct str signatures, size_t count, uint32_t threshold)
{
	return check_as(signatures, first(count, threshold), "office", NULL);
}

START_TEST(comments)
{
	static const struct {
		const char *text, *mesh;
		uint64_t serial;
		bool expires;
	} good[] = {
		{ GOOD, "office", 7, true },
		{ "serial=7\tmesh=office", "office", 7, false },
		{ "", "", 0, false },
		{ "  timestamp:1795205172\tfile:office.json\thashed ", "", 0,
		  false },
		{ "a=1 a=1 Mesh=x serial mesh mesh=o=f = =x", "o=f", 0,
		  false },
		{ "serial=9007199254740991", "", 9007199254740991, false },
	};
	struct trust_comment comment;

	for (size_t i = 0; i < array_size(good); i++) {
		ck_assert_msg(!trust_comment_read(str_of(good[i].text),
						  &comment, &e), "%s",
			      e.text);
		ck_assert(str_is(comment.mesh, good[i].mesh));
		ck_assert_uint_eq(comment.serial, good[i].serial);
		ck_assert(good[i].expires == (comment.expires != 0));
	}
	ck_assert(!trust_comment_read(STR(GOOD), &comment, &e));
	ck_assert_str_eq(trust_comment_write(arena, &comment), GOOD);
	ck_assert_str_eq(trust_comment_write(arena, &(struct trust_comment){
			 STR("x"), 0, 0 }), "mesh=x");
}
END_TEST

START_TEST(comments_refused)
{
	static const struct { const char *text, *words; } cases[] = {
		{ "mesh=a serial=1 mesh=a", "says mesh twice" },
		{ "serial=1 serial=1", "says serial twice" },
		{ "expires=2100-01-01T00:00:00Z expires=2100-01-01T00:00:00Z",
		  "says expires twice" },
		{ "mesh=", "mesh=, with no value" },
		{ "serial=", "serial=, with no value" },
		{ "serial=0", "serial=, with no value" },
		{ "serial=-1", "serial=, with no value" },
		{ "serial=7x", "serial=, with no value" },
		{ "serial=9007199254740992", "serial=, with no value" },
		{ "serial=18446744073709551617", "serial=, with no value" },
		{ "expires=never", "expires=, with no value" },
		{ "expires=2100-01-01", "expires=, with no value" },
		{ "expires=2100-02-30T00:00:00Z", "expires=, with no value" },
	};
	struct trust_comment comment;

	for (size_t i = 0; i < array_size(cases); i++)
		refused(trust_comment_read(str_of(cases[i].text), &comment,
					   &e), ERR_TRUST, cases[i].words);
}
END_TEST

START_TEST(times)
{
	char text[TIME_TEXT_MAX];
	int64_t time;

	ck_assert(!time_parse(STR("2026-12-31T23:59:59Z"), &time));
	ck_assert_int_eq(time, 1798761599);
	ck_assert_str_eq(time_format(time, text), "2026-12-31T23:59:59Z");
	ck_assert(!time_parse(STR("2027-01-01T03:29:59.5+03:30"), &time));
	ck_assert_int_eq(time, 1798761599);
	ck_assert_str_eq(time_format(INT64_MAX, text),
			 "@9223372036854775807");
	ck_assert(time_parse(STR("1999-01-01T00:00:00Z"), &time) < 0);
	ck_assert(time_parse(STR(""), &time) < 0);
}
END_TEST

START_TEST(believed)
{
	ck_assert_msg(!check(by(A, GOOD), 1, 1), "%s", e.text);
	ck_assert_str_eq(proof.mesh, "office");
	ck_assert_uint_eq(proof.serial, 7);
	ck_assert_uint_eq(proof.signer_count, 1);
	ck_assert_mem_eq(&proof.signers[0], &keys[A], sizeof(keys[A]));
	/* whoever else has signed it */
	ck_assert(!check(add(by(C, "rubbish"), A, GOOD), 2, 1));
	ck_assert_uint_eq(proof.signer_count, 1);
	ck_assert(!check(add(by(C, GOOD), A, GOOD), 3, 2));
	ck_assert_uint_eq(proof.signer_count, 2);
	ck_assert_mem_eq(&proof.signers[0], &keys[C], sizeof(keys[C]));
	/* the earliest end counts; any mesh, where none is wanted */
	ck_assert(!check_as(add(by(A, "mesh=x serial=1"), B, "mesh=x serial=1 "
				"expires=2099-01-01T00:00:00Z"), first(2, 2),
			    NULL, NULL));
	ck_assert_str_eq(proof.mesh, "x");
	ck_assert_int_eq(proof.expires, 4070908800);
}
END_TEST

/* A signature by A of something else. */
static struct str of_another(void)
{
	struct str one;

	ck_assert(!minisign_sign(arena, &secrets[A], STR("{}"), STR(GOOD),
				 &one, &e));
	return one;
}

START_TEST(not_believed)
{
	struct minisign_key two[] = { keys[A], keys[A] };
	struct trust_keys same = { two, 2, 2 };

	refused(check(STR(""), 1, 1), ERR_TRUST, "no signature of it, in s");
	refused(check(STR("x"), 1, 1), ERR_TRUST, "line 1 does not begin");
	refused(check(by(C, GOOD), 2, 1), ERR_TRUST, "not trusted here");
	refused(check(of_another(), 1, 1), ERR_TRUST,
		"not one of this document");
	/* though another one would do */
	refused(check(add(of_another(), B, GOOD), 2, 1), ERR_TRUST,
		"not one of this document");
	refused(check(by(A, GOOD), 3, 2), ERR_TRUST,
		"1 of 3 trusted keys signed it, 2 have to");
	refused(check(add(by(A, GOOD), C, GOOD), 2, 2), ERR_TRUST,
		"1 of 2 trusted keys");
	refused(check(add(by(A, GOOD), A, "mesh=office serial=7"), 3, 2),
		ERR_TRUST, "two signatures of the key");
	refused(check(by(A, "serial=7"), 1, 1), ERR_TRUST, "not say mesh=");
	refused(check(by(A, "mesh=office"), 1, 1), ERR_TRUST,
		"not say serial=");
	refused(check(by(A, "mesh=office serial=7 serial=7"), 1, 1), ERR_TRUST,
		"serial twice");
	refused(check(by(A, "mesh=branch serial=7"), 1, 1), ERR_TRUST,
		"signed for the mesh branch, and this is office");
	refused(check_as(add(by(A, "mesh=x serial=7"), B, "mesh=y serial=7"),
			 first(2, 2), NULL, NULL), ERR_TRUST, "two meshes");
	refused(check(add(by(A, GOOD), B, "mesh=office serial=8"), 2, 2),
		ERR_TRUST, "the serials 7 and 8");
	refused(check(by(A, "mesh=office serial=7 "
			    "expires=2027-01-15T08:00:00Z"), 1, 1), ERR_TRUST,
		"has expired on 2027-01-15T08:00:00Z");
	ck_assert(!check(by(A, "mesh=office serial=7 "
			       "expires=2027-01-15T08:00:01Z"), 1, 1));
	refused(check_as(by(A, GOOD), first(0, 1), "office", NULL), ERR_CONFIG,
		"no key is trusted");
	refused(check(by(A, GOOD), 1, 2), ERR_CONFIG, "2 of 1 trusted keys");
	refused(check(by(A, GOOD), 1, 0), ERR_CONFIG, "0 of 1 trusted keys");
	refused(check_as(by(A, GOOD), same, "office", NULL), ERR_CONFIG,
		"is there twice");
	two[1].id[0] ^= 1;
	refused(check_as(by(A, GOOD), same, "office", NULL), ERR_CONFIG,
		"one key with two ids");
	two[1] = keys[B];
	memcpy(two[1].id, keys[A].id, sizeof(keys[A].id));
	refused(check_as(by(A, GOOD), same, "office", NULL), ERR_CONFIG,
		"is there twice");
}
END_TEST

static int says(const char *mesh, uint64_t serial, int64_t expires)
{
	struct trust_proof copy = proof;
	int result = trust_check_document(&copy, mesh, serial, expires, NOW,
					  &e);

	if (!result)
		proof = copy;
	return result;
}

START_TEST(documents)
{
	ck_assert(!check(by(A, GOOD), 1, 1));
	refused(says("branch", 7, 0), ERR_TRUST, "is of the mesh branch");
	refused(says("office", 0, 0), ERR_TRUST, "has no serial");
	refused(says("office", 8, 0), ERR_TRUST,
		"serial is 8, and it was signed for 7");
	refused(says("office", 7, NOW), ERR_TRUST, "has expired");
	ck_assert(!says("office", 7, 0));
	ck_assert_int_eq(proof.expires, 4102444800);
	ck_assert(!says("office", 7, NOW + 1));
	ck_assert_int_eq(proof.expires, NOW + 1);
	ck_assert(!says("office", 7, NOW + 2));
	ck_assert_int_eq(proof.expires, NOW + 1);
}
END_TEST

START_TEST(replays)
{
	struct trust_record last;
	struct trust_keys own = first(1, 1);

	ck_assert(!check(by(A, GOOD), 1, 1));
	trust_accept(&own, NULL, &proof, NULL, &last);
	ck_assert_uint_eq(last.serial, 7);
	ck_assert_uint_eq(last.keys.count, 0);
	ck_assert(!trust_check_last(&proof, NULL, &e));
	ck_assert(!trust_check_last(&proof, &last, &e));
	last.serial = 6;
	ck_assert(!trust_check_last(&proof, &last, &e));
	last.serial = 8;
	refused(trust_check_last(&proof, &last, &e), ERR_TRUST,
		"serial is 7, and 8 was accepted before");
	last.serial = 7;
	last.digest[31] ^= 1;
	refused(trust_check_last(&proof, &last, &e), ERR_TRUST,
		"equivocation");
	/* What was forgotten on the way lets nothing pass by itself. */
	refused(check_as(STR(""), own, "office", &last), ERR_TRUST,
		"no signature of it");
}
END_TEST

/* A trusts; its document names B and C, both of whom have to sign. */
START_TEST(rollover)
{
	struct trust_keys own = first(1, 1), named = { keys + 1, 2, 2 }, now;
	struct trust_keys other = first(2, 1), back = { keys + 1, 1, 1 };
	struct trust_record last, next;
	struct str both = add(by(B, "mesh=office serial=8"), C,
			      "mesh=office serial=8");

	ck_assert(!check_as(by(A, GOOD), own, "office", NULL));
	trust_accept(&own, NULL, &proof, &named, &last);
	now = trust_keys_now(&own, &last);
	ck_assert(now.items == named.items && now.threshold == 2);
	/* It need not be signed anew, by keys that it has named itself. */
	ck_assert_msg(!check_as(by(A, GOOD), own, "office", &last), "%s",
		      e.text);
	ck_assert_uint_eq(proof.signer_count, 0);
	ck_assert_uint_eq(proof.serial, 7);
	ck_assert(!check_as(STR(""), own, "office", &last));
	ck_assert(!trust_check_last(&proof, &last, &e));
	/* That does not hold where the mesh is not known, */
	refused(check_as(STR(""), own, NULL, &last), ERR_TRUST,
		"no signature");
	/* nor for another document: */
	last.digest[0] ^= 1;
	refused(check_as(by(A, "mesh=office serial=8"), own, "office", &last),
		ERR_TRUST, "not trusted here");
	refused(check_as(by(B, "mesh=office serial=8"), own, "office", &last),
		ERR_TRUST, "1 of 2");
	ck_assert(!check_as(both, own, "office", &last));
	/* The next one names none: they stay. */
	trust_accept(&own, &last, &proof, NULL, &next);
	ck_assert_uint_eq(next.serial, 8);
	ck_assert(trust_keys_now(&own, &next).items == named.items);
	/* Or others. */
	trust_accept(&own, &last, &proof, &back, &next);
	ck_assert(trust_keys_now(&own, &next).items == back.items);
	/* Who changes the host's own keys takes all of that back, */
	ck_assert(trust_keys_now(&other, &last).items == other.items);
	trust_accept(&other, &last, &proof, NULL, &next);
	ck_assert_uint_eq(next.keys.count, 0);
	/* their threshold too; not their order. */
	other = first(1, 1);
	ck_assert(trust_keys_now(&other, &last).items == named.items);
	own = first(2, 2);
	trust_accept(&own, NULL, &proof, &named, &last);
	other = first(2, 1);
	ck_assert(trust_keys_now(&other, &last).items == other.items);
	other = (struct trust_keys){ (struct minisign_key[]){ keys[B],
				     keys[A] }, 2, 2 };
	ck_assert(trust_keys_now(&other, &last).items == named.items);
}
END_TEST

/* As a document names them. */
START_TEST(named_by_a_document)
{
	struct source source = { .name = "trust.json" };
	struct arena *hidden = arena_new_secret((size_t)1 << 28);
	struct diags diags;
	struct mesh mesh;

	source.text = golden_read(arena, golden_path(
		arena, "tests/golden/document/valid", "trust.json"));
	diags_init(&diags, arena);
	ck_assert(source.text.data);
	ck_assert(!mesh_read(arena, hidden, &source, &mesh, &diags));
	ck_assert_uint_eq(mesh.trust.count, 2);
	ck_assert_uint_eq(mesh.trust.threshold, 2);
	ck_assert_mem_eq(mesh.trust.items, keys, 2 * sizeof(*keys));
	ck_assert(!trust_keys_check(&mesh.trust, &e));
	ck_assert_ptr_eq(mesh.trust_where.source, &source);
	arena_free(hidden);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(comments),
		CHECK_CASE(comments_refused),
		CHECK_CASE(times),
		CHECK_CASE(believed),
		CHECK_CASE(not_believed),
		CHECK_CASE(documents),
		CHECK_CASE(replays),
		CHECK_CASE(rollover),
		CHECK_CASE(named_by_a_document),
	};

	return check_run_within("trust", cases, array_size(cases), setup,
				teardown);
}
