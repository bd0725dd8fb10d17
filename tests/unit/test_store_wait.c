/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a run's folders while it waits for the lock. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "support/scratch.h"

static struct scratch scratch;
static struct arena *arena;
static struct err e;

static void setup(void)
{
	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 26);
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	arena_free(arena);
	scratch_close(&scratch);
}

static struct store *open_mesh(const char *mesh)
{
	struct store *s;

	ck_assert_msg(!store_open(arena, scratch.path, mesh, true, &s, &e),
		      "%s", e.text);
	return s;
}

static void lock(struct store *s)
{
	ck_assert_msg(!store_lock(s, 0, &e), "%s", e.text);
}

static void keep(const struct store *s, int folder, const char *name)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	header_write(&text, name, &s->here);
	ck_assert_msg(!file_write(folder, name, (struct str){ text.data,
				  text.size }, 0600, &e), "%s: %s", name,
		      e.text);
}

static bool is_there(const char *name)
{
	struct stat st;

	return !fstatat(scratch.folder, name, &st, 0);
}

#define STATE "var/lib/meshapply/office"

/* The lock stays where it is, all else goes: remove, where some other file
   lies beside the lock. */
START_TEST(removed_while_it_waited)
{
	struct store *before = open_mesh("office"), *waits, *removes;

	lock(before);
	keep(before, before->run, "theirs");
	keep(before, before->state, STORE_FILES);
	store_close(before);
	waits = open_mesh("office");
	removes = open_mesh("office");
	lock(removes);
	ck_assert_int_eq(store_lock(waits, 0, &e), -1);
	ck_assert_int_eq(file_remove(removes->state, STORE_FILES, &e), 0);
	ck_assert_int_eq(unlinkat(scratch.folder, STATE "/applied",
				  AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(scratch.folder, STATE, AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(scratch.folder, "var/lib/meshapply",
				  AT_REMOVEDIR), 0);
	store_close(removes);
	lock(waits);
	keep(waits, waits->base, STORE_SYSCTLS);
	keep(waits, waits->state, STORE_FILES);
	keep(waits, waits->applied, "wireguard.conf");
	store_close(waits);
	ck_assert(is_there("var/lib/meshapply/" STORE_SYSCTLS));
	ck_assert(is_there(STATE "/" STORE_FILES));
	ck_assert(is_there(STATE "/applied/wireguard.conf"));
}
END_TEST

/* The lock went too. */
START_TEST(forgotten_while_it_waited)
{
	struct store *waits = open_mesh("office");
	struct store *removes = open_mesh("office");

	lock(removes);
	keep(removes, removes->state, STORE_FILES);
	ck_assert_msg(!store_forget(removes, &e), "%s", e.text);
	store_close(removes);
	ck_assert(!is_there(STATE));
	lock(waits);
	keep(waits, waits->state, STORE_FILES);
	keep(waits, waits->applied, "wireguard.conf");
	store_close(waits);
	ck_assert(is_there(STATE "/" STORE_FILES));
	ck_assert(is_there(STATE "/applied/wireguard.conf"));
}
END_TEST

/* A mesh comes or goes meanwhile. */
START_TEST(another_mesh_while_it_waited)
{
	struct store *home = open_mesh("home"), *waits = open_mesh("office");

	keep(home, home->state, STORE_FILES);
	lock(waits);
	ck_assert(store_others(waits));
	store_close(waits);
	waits = open_mesh("office");
	ck_assert_int_eq(file_remove(home->state, STORE_FILES, &e), 0);
	lock(waits);
	ck_assert(!store_others(waits));
	store_close(waits);
	store_close(home);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store: waiting");
	TCase *tc = tcase_create("store");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, removed_while_it_waited);
	tcase_add_test(tc, forgotten_while_it_waited);
	tcase_add_test(tc, another_mesh_while_it_waited);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
