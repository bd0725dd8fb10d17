/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was applied last, read with what is wanted at hand. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "state/firewall.h"
#include "state/text.h"
#include "support/check.h"
#include "support/scratch.h"

#define KEPT "var/lib/meshapply/office/"

static const char conf[] =
	"#@ mesh office\n#@ interface wg0\n"
	"[Interface]\nAddress = 10.0.0.1/24\nListenPort = 51820\n"
	"MTU = 1420\nTable = off\n\n"
	"[Peer]\nPublicKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n"
	"AllowedIPs = 10.0.0.2/32\nEndpoint = 192.0.2.1:51820\n";
static const char nft[] = "table inet meshapply_office {\n}\n";

static struct scratch scratch;
static struct arena *arena;
static struct store *store;
static struct state *want;
static const char *note;

static struct state *want_of(const char *firewall)
{
	struct state *s = arena_new_object(arena, struct state);
	struct texts texts = {
		.wireguard = { .name = "wireguard.conf",
			       .text = str_of(conf) },
	};
	struct diags diags;

	if (firewall)
		texts.firewall = (struct source){ .name = "firewall.nft",
						  .text = str_of(firewall) };
	diags_init(&diags, arena);
	ck_assert_int_eq(texts_read(arena, &texts, "office", "wg0", s,
				    &diags), 0);
	return s;
}

static uint64_t apply_record(const struct state *s)
{
	uint64_t writes = 0;
	struct err e;

	ck_assert_int_eq(store_stage_applied(store, arena, s, &e), 0);
	ck_assert_int_eq(store_commit(store, &writes, &e), 0);
	return writes;
}

static const struct state *last_like(const struct state *s)
{
	const struct state *last;
	struct err e;

	ck_assert_int_eq(store_last_like(store, arena, s, &last, &note, &e),
			 0);
	return last;
}

static void setup(void)
{
	struct err e;

	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 30);
	ck_assert_int_eq(store_open(arena, scratch.path, "office", true,
				    &store, &e), 0);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	want = want_of(nft);
	apply_record(want);
}

static void teardown(void)
{
	store_close(store);
	arena_free(arena);
	scratch_close(&scratch);
}

static void command(const char *format, const char *name)
{
	char path[256], line[512];

	snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
	snprintf(line, sizeof(line), format, path);
	ck_assert_int_eq(system(line), 0);
}

/* Nothing is parsed again, and no key is in it: none is kept. */
START_TEST(what_is_wanted_is_what_was_applied)
{
	const struct state *last = last_like(want);

	ck_assert_ptr_null(note);
	ck_assert_ptr_eq(last->devices[0].peers, want->devices[0].peers);
	ck_assert(key_is_zero(&last->devices[0].public_key));
	ck_assert_uint_eq(apply_record(want), 0);
}
END_TEST

START_TEST(what_is_wanted_is_something_else)
{
	struct state *other = want_of(NULL);
	const struct state *last = last_like(other);

	ck_assert_ptr_null(note);
	ck_assert_ptr_ne(last->devices[0].peers, other->devices[0].peers);
	ck_assert_ptr_nonnull(last->firewall);
	ck_assert_uint_gt(apply_record(other), 0);
	ck_assert_ptr_null(last_like(other)->firewall);
	ck_assert_ptr_null(note);
}
END_TEST

START_TEST(an_edited_text)
{
	command("echo >> %s", KEPT "applied/wireguard.conf");
	ck_assert_ptr_null(last_like(want));
	ck_assert_ptr_nonnull(note);
	ck_assert_uint_gt(apply_record(want), 0);
	ck_assert_ptr_nonnull(last_like(want));
	ck_assert_ptr_null(note);
}
END_TEST

/* A run was killed before it came to the list: the next one mends it. */
START_TEST(a_list_that_does_not_fit)
{
	command("sed -i 's/digest=..../digest=0000/' %s", KEPT "files");
	ck_assert_ptr_nonnull(last_like(want));
	ck_assert_uint_eq(apply_record(want), 1);
	ck_assert_ptr_nonnull(last_like(NULL));
	ck_assert_ptr_null(note);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(what_is_wanted_is_what_was_applied),
		CHECK_CASE(what_is_wanted_is_something_else),
		CHECK_CASE(an_edited_text),
		CHECK_CASE(a_list_that_does_not_fit),
	};

	return check_run_within("store_like", cases, array_size(cases), setup,
				teardown);
}
