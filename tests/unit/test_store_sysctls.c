/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of sysctls: several meshes, boots, values of others. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/store.h"
#include "apply/sysctl_side.h"
#include "base/arena.h"
#include "base/err.h"
#include "support/scratch.h"

#define FORWARD "net.ipv4.ip_forward"
#define REDIRECTS "net.ipv4.conf.all.accept_redirects"
#define ETH0 "net.ipv4.conf.eth0.forwarding"
#define MARK "net.ipv4.conf.all.src_valid_mark"

static struct scratch scratch;
static struct arena *arena;
static struct err e;

static void setup(void)
{
	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 28);
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	arena_free(arena);
	scratch_close(&scratch);
}

/* The host's values, as pairs up to a NULL. */
static struct state *values(const char *const *pairs)
{
	static struct link links[] = { { .name = "eth0" }, { .name = "lo" } };
	struct state *s = arena_new_object(arena, struct state);

	s->sysctls = arena_new_array(arena, struct sysctl, 8);
	for (; *pairs; pairs += 2)
		s->sysctls[s->sysctl_count++] =
			(struct sysctl){ .key = pairs[0], .value = pairs[1] };
	s->links = links;
	s->link_count = 2;
	state_normalise(s);
	return s;
}

#define VALUES(...) values((const char *const[]){ __VA_ARGS__, NULL })

static struct store *open_mesh(const char *mesh)
{
	struct store *s;

	ck_assert_msg(!store_open(arena, scratch.path, mesh, true, &s, &e),
		      "%s", e.text);
	ck_assert_int_eq(sysctls_read(s, arena, &e), 0);
	return s;
}

static uint64_t needs(const char *mesh, const struct state *want,
		      const struct state *have)
{
	struct store *s = open_mesh(mesh);
	uint64_t writes = 0;

	ck_assert_msg(!sysctls_stage(s, arena, want, have, &e), "%s", e.text);
	ck_assert_msg(!store_commit(s, &writes, &e), "%s", e.text);
	store_close(s);
	return writes;
}

/* What MESH would set back if it needed no more than WANT. */
static struct state restored(const char *mesh, const struct state *want,
			     const struct state *have)
{
	struct store *s = open_mesh(mesh);
	struct state out;

	ck_assert_int_eq(sysctls_restore(s, arena, want, have, &out, &e), 0);
	store_close(s);
	return out;
}

static void expect(const struct state *s, size_t at, const char *key,
		   const char *value)
{
	ck_assert_uint_gt(s->sysctl_count, at);
	ck_assert_str_eq(s->sysctls[at].key, key);
	ck_assert_str_eq(s->sysctls[at].value, value);
}

START_TEST(set_back_with_what_came_along)
{
	const struct state *none = VALUES(NULL);
	const struct state *want = VALUES(FORWARD, "1");
	const struct state *now = VALUES(FORWARD, "1", REDIRECTS, "0", ETH0,
					 "1");
	struct state out;

	ck_assert_uint_eq(needs("a", want, VALUES(FORWARD, "0", REDIRECTS,
						  "0", ETH0, "1")), 1);
	ck_assert_uint_eq(needs("a", want, now), 0);
	out = restored("a", want, now);
	ck_assert_uint_eq(out.sysctl_count, 0);
	/* The root first: it rewrites the others. */
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 3);
	expect(&out, 0, FORWARD, "0");
	expect(&out, 1, REDIRECTS, "0");
	expect(&out, 2, ETH0, "1");
	ck_assert_uint_eq(needs("a", none, now), 1);
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

START_TEST(what_the_kernel_puts_back_is_not_kept)
{
	const struct state *none = VALUES(NULL);
	const struct state *now = VALUES(FORWARD, "1", REDIRECTS, "0", ETH0,
					 "1");
	struct state out;

	needs("a", VALUES(FORWARD, "1"),
	      VALUES(FORWARD, "0", REDIRECTS, "1", ETH0, "0"));
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 1);
	expect(&out, 0, FORWARD, "0");
}
END_TEST

START_TEST(the_last_mesh_sets_back)
{
	const struct state *none = VALUES(NULL);
	const struct state *want = VALUES(FORWARD, "1");
	const struct state *now = VALUES(FORWARD, "1", ETH0, "1");
	struct state out;

	needs("a", want, VALUES(FORWARD, "0", ETH0, "1"));
	needs("b", want, now);
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 0);
	needs("a", none, now);
	/* It had met 1, but knows what was before. */
	out = restored("b", none, now);
	expect(&out, 0, FORWARD, "0");
	expect(&out, 1, ETH0, "1");
}
END_TEST

START_TEST(on_before_and_on_after)
{
	struct state out;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "1"));
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 1);
	expect(&out, 0, MARK, "1");
}
END_TEST

/* A link that is made has the default, one that goes takes all with it. */
START_TEST(of_our_own_link)
{
	struct device wg = { .name = "wg.0", .owned = true };
	const char *key = "net.ipv4.conf.wg/0.rp_filter";
	struct state *want = VALUES(key, "2");
	struct state *none = VALUES(NULL);
	struct state *now = VALUES(key, "2");
	struct state out;

	want->devices = now->devices = &wg;
	want->device_count = now->device_count = 1;
	ck_assert_uint_eq(needs("a", want,
				VALUES("net.ipv4.conf.default.rp_filter",
				       "1")), 1);
	ck_assert_uint_eq(needs("a", want, now), 0);
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 0);
	none->devices = &wg;
	none->device_count = 1;
	out = restored("a", none, now);
	ck_assert_uint_eq(out.sysctl_count, 1);
	expect(&out, 0, key, "1");
}
END_TEST

START_TEST(changed_by_others_since)
{
	struct state out;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	out = restored("a", VALUES(NULL), VALUES(MARK, "2"));
	ck_assert_uint_eq(out.sysctl_count, 0);
	/* Gone with its link. */
	out = restored("a", VALUES(NULL), VALUES(NULL));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

static void edit(const char *expression)
{
	char line[256];

	snprintf(line, sizeof(line), "sed -i '%s' "
		 "%s/var/lib/meshapply/sysctls", expression, scratch.path);
	ck_assert_int_eq(system(line), 0);
}

START_TEST(of_another_boot_or_namespace)
{
	struct state out;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	edit("s/netns=[0-9]*/netns=1/g");
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
	/* It stays for those who run there. */
	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	edit("s/ mesh=a netns=1$/ mesh=b netns=1/");
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 1);
	edit("s/boot=./boot=x/");
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

START_TEST(rubbish_is_a_loss)
{
	struct state out;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	edit("s/src_valid_mark/..\\/..\\/kernel/");
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
	ck_assert_uint_eq(needs("a", VALUES(MARK, "1"), VALUES(MARK, "0")),
			  1);
	edit("$ s/before=0//");
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

START_TEST(another_mesh_was_faster)
{
	const struct state *want = VALUES(MARK, "1");
	const struct state *have = VALUES(MARK, "0");
	struct store *a = open_mesh("a");

	needs("b", want, have);
	ck_assert_int_eq(sysctls_stage(a, arena, want, have, &e), -1);
	ck_assert_int_eq(e.kind, ERR_BUSY);
	ck_assert_int_eq(sysctls_read(a, arena, &e), 0);
	ck_assert_int_eq(sysctls_stage(a, arena, want, have, &e), 0);
	store_close(a);
}
END_TEST

static int open_in(const char *name, int flags)
{
	return openat(scratch.folder, name, flags | O_RDONLY | O_CLOEXEC);
}

#define BASE "var/lib/meshapply"
#define LOCK BASE "/.lock"

/* The folder can be opened by anybody: a lock on it is of no account. */
START_TEST(others_lock_the_folder)
{
	int fd;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	fd = open_in(BASE, O_DIRECTORY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_uint_eq(needs("b", VALUES(MARK, "1"), VALUES(MARK, "1")),
			  1);
	close(fd);
}
END_TEST

START_TEST(the_lock)
{
	struct store *a = open_mesh("a");
	uint64_t writes = 0;
	struct stat st;
	int fd;

	ck_assert_int_eq(sysctls_stage(a, arena, VALUES(MARK, "1"),
				       VALUES(MARK, "0"), &e), 0);
	fd = open_in(LOCK, O_NOFOLLOW);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	ck_assert_int_eq(store_commit(a, &writes, &e), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	/* It goes with the registry, */
	ck_assert_msg(!store_forget(a, &e), "%s", e.text);
	store_close(a);
	ck_assert_int_eq(open_in(LOCK, 0), -1);
	/* and where there came to be none. */
	a = open_mesh("a");
	ck_assert_int_eq(sysctls_stage(a, arena, VALUES(MARK, "1"),
				       VALUES(MARK, "0"), &e), 0);
	store_abandon(a);
	ck_assert_int_eq(open_in(LOCK, 0), -1);
	store_close(a);
}
END_TEST

START_TEST(a_lock_that_is_a_link)
{
	struct store *a = open_mesh("a");
	struct stat st;

	ck_assert_int_eq(symlinkat("../../../theirs", scratch.folder, LOCK),
			 0);
	ck_assert_int_eq(sysctls_stage(a, arena, VALUES(MARK, "1"),
				       VALUES(MARK, "0"), &e), -1);
	ck_assert_int_eq(fstatat(scratch.folder, "theirs", &st, 0), -1);
	ck_assert_int_eq(unlinkat(scratch.folder, LOCK, 0), 0);
	ck_assert_int_eq(mkfifoat(scratch.folder, LOCK, 0600), 0);
	ck_assert_int_eq(sysctls_stage(a, arena, VALUES(MARK, "1"),
				       VALUES(MARK, "0"), &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	store_close(a);
}
END_TEST

/* Verified, and killed before its files were renamed. */
static void needs_and_dies(const char *mesh, const struct state *want,
			   const struct state *have)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct arena *secrets = arena_new_secret((size_t)1 << 24);
		struct journal journal = { 0 };
		struct store *s = open_mesh(mesh);

		_exit(sysctls_stage(s, arena, want, have, &e) ||
		      journal_write(s, secrets, &journal, &e) ||
		      journal_mark_verified(s, &e));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void finish(const char *mesh)
{
	struct store *s = open_mesh(mesh);

	ck_assert_int_eq(journal_look(s), JOURNAL_VERIFIED);
	ck_assert_msg(!journal_finish(s, &e), "%s", e.text);
	store_close(s);
}

START_TEST(finished_after_another_mesh)
{
	const struct state *none = VALUES(NULL);
	struct state out;

	needs("c", VALUES(FORWARD, "1"), VALUES(FORWARD, "0"));
	needs_and_dies("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	needs("b", VALUES(REDIRECTS, "0"), VALUES(REDIRECTS, "1"));
	needs("c", none, VALUES(FORWARD, "0"));
	finish("a");
	out = restored("a", none, VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 1);
	expect(&out, 0, MARK, "0");
	out = restored("b", none, VALUES(REDIRECTS, "0"));
	ck_assert_uint_eq(out.sysctl_count, 1);
	expect(&out, 0, REDIRECTS, "1");
	out = restored("c", none, VALUES(FORWARD, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

/* Also that there is nothing any more is to be kept. */
START_TEST(finished_with_nothing_left)
{
	const struct state *none = VALUES(NULL);
	struct state out;

	needs("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	needs_and_dies("a", none, VALUES(MARK, "0"));
	finish("a");
	out = restored("a", none, VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

/* A number of a namespace that was: neither rubbish nor of any use. */
START_TEST(finished_after_a_boot)
{
	struct state out;
	struct store *s;

	needs_and_dies("a", VALUES(MARK, "1"), VALUES(MARK, "0"));
	ck_assert_int_eq(system(arena_printf(arena, "sed -i 's/boot=[0-9a-f]/"
		"boot=x/; s/netns=[0-9]*/netns=1/' %s/run/meshapply/a/"
		"journal.verified", scratch.path)), 0);
	finish("a");
	s = open_mesh("a");
	ck_assert_int_eq(journal_look(s), JOURNAL_NONE);
	store_close(s);
	out = restored("a", VALUES(NULL), VALUES(MARK, "1"));
	ck_assert_uint_eq(out.sysctl_count, 0);
}
END_TEST

START_TEST(keys_that_are_ever_written)
{
	static const char *const known[] = {
		FORWARD, REDIRECTS, ETH0, MARK,
		"net.ipv6.conf.eth0/7.accept_ra",
		"net.ipv4.conf.wg0.promote_secondaries",
	};
	static const char *const unknown[] = {
		"", "kernel.core_pattern", "net.ipv4", "net.ipv4.conf.",
		"net.ipv4.conf.eth0", "net.ipv4.conf.eth0.",
		"net.ipv4.conf..forwarding", "net.ipv4.conf.//.forwarding",
		"net.ipv4.conf./.forwarding", "net.ipv4.conf.a.b.forwarding",
		"net.ipv4.conf.a_name_too_long_.forwarding",
		"net.ipv4.conf.eth0.forwarding.x",
		"net.ipv4.conf.eth0.forwardin", "net.core.bpf_jit_enable",
	};

	for (size_t i = 0; i < array_size(known); i++)
		ck_assert_msg(sysctl_known(str_of(known[i])), "%s",
			      known[i]);
	for (size_t i = 0; i < array_size(unknown); i++)
		ck_assert_msg(!sysctl_known(str_of(unknown[i])), "%s",
			      unknown[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sysctls");
	TCase *tc = tcase_create("sysctls");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, set_back_with_what_came_along);
	tcase_add_test(tc, what_the_kernel_puts_back_is_not_kept);
	tcase_add_test(tc, the_last_mesh_sets_back);
	tcase_add_test(tc, on_before_and_on_after);
	tcase_add_test(tc, of_our_own_link);
	tcase_add_test(tc, changed_by_others_since);
	tcase_add_test(tc, of_another_boot_or_namespace);
	tcase_add_test(tc, rubbish_is_a_loss);
	tcase_add_test(tc, another_mesh_was_faster);
	tcase_add_test(tc, others_lock_the_folder);
	tcase_add_test(tc, the_lock);
	tcase_add_test(tc, a_lock_that_is_a_link);
	tcase_add_test(tc, finished_after_another_mesh);
	tcase_add_test(tc, finished_with_nothing_left);
	tcase_add_test(tc, finished_after_a_boot);
	tcase_add_test(tc, keys_that_are_ever_written);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
