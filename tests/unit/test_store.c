/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mesh keeps on disk: folders, lock, the record of what was applied. */
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
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "plan/plan.h"
#include "state/firewall.h"
#include "state/text.h"
#include "support/netns.h"
#include "support/scratch.h"

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define KEY_B "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="

static struct scratch scratch;
static struct arena *arena;
static struct store *store;
static struct err e;

static void setup(void)
{
	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 30);
	memset(&e, 0, sizeof(e));
	store = NULL;
}

static void teardown(void)
{
	store_close(store);
	arena_free(arena);
	scratch_close(&scratch);
}

static void open_store(bool create)
{
	store_close(store);
	ck_assert_msg(!store_open(arena, scratch.path, "office", create,
				  &store, &e), "%s", e.text);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", scratch.path, name);
}

static void command(const char *format, const char *path)
{
	char line[512];

	snprintf(line, sizeof(line), format, path_of(path), path_of(path));
	ck_assert_int_eq(system(line), 0);
}

#define APPLIED "var/lib/meshapply/office/applied/"

static const char conf[] =
	"#@ mesh office\n#@ interface wg0\n"
	"[Interface]\nAddress = 10.0.0.1/24\nListenPort = 51820\n"
	"MTU = 1420\nTable = off\n\n"
	"[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = 10.0.0.2/32\n"
	"Endpoint = 192.0.2.1:51820\n";
static const char batch[] =
	"route replace 10.9.0.0/16 dev wg0 proto 77\n";
static const char nft[] =
	"table inet meshapply_office {\n\tchain forward_mesh {\n"
	"\t\ttype filter hook forward priority filter; policy accept;\n"
	"\t}\n}\n";

static struct state *want_of(const char *wireguard, const char *network,
			     const char *firewall)
{
	struct state *want = arena_new_object(arena, struct state);
	struct texts texts = {
		.wireguard = { .name = "wireguard.conf",
			       .text = str_of(wireguard) },
	};
	struct diags diags;
	struct sbuf out;
	int status;

	if (network)
		texts.network = (struct source){ .name = "network.batch",
						 .text = str_of(network) };
	if (firewall)
		texts.firewall = (struct source){ .name = "firewall.nft",
						  .text = str_of(firewall) };
	diags_init(&diags, arena);
	status = texts_read(arena, &texts, "office", "wg0", want, &diags);
	sbuf_init(&out, arena);
	diags_sort(&diags);
	diags_format(&diags, &out);
	ck_assert_msg(!status, "%s", out.data);
	return want;
}

static uint64_t apply_record(const struct state *want)
{
	uint64_t writes = 0;

	ck_assert_msg(!store_stage_applied(store, arena, want, &e), "%s",
		      e.text);
	if (want->firewall && want->firewall->compiled)
		ck_assert_int_eq(store_stage_canon(store, arena,
						   want->firewall, &e), 0);
	ck_assert_msg(!store_commit(store, &writes, &e), "%s", e.text);
	return writes;
}

static const struct state *last_of(const char **note)
{
	const struct state *last;

	ck_assert_msg(!store_last(store, arena, &last, note, &e), "%s",
		      e.text);
	return last;
}

START_TEST(nothing_is_made_without_create)
{
	const char *note;
	struct stat st;

	open_store(false);
	ck_assert_ptr_null(last_of(&note));
	ck_assert_ptr_null(note);
	ck_assert_int_eq(journal_look(store), JOURNAL_NONE);
	ck_assert_int_ne(stat(path_of("run"), &st), 0);
	ck_assert_int_ne(stat(path_of("var"), &st), 0);
}
END_TEST

static void expect_gone(const char *name)
{
	struct stat st;

	ck_assert_msg(stat(path_of(name), &st), "%s is there", name);
}

/* What a run made and did not use. */
START_TEST(nothing_stays_of_a_run_that_kept_nothing)
{
	for (int locked = 0; locked < 2; locked++) {
		open_store(true);
		ck_assert(!locked || !store_lock(store, 0, &e));
		store_close(store);
		store = NULL;
		expect_gone("run/meshapply");
		expect_gone("var/lib/meshapply");
	}
}
END_TEST

START_TEST(what_was_there_before_stays)
{
	struct stat st;

	command("mkdir -p %s", "var/lib/meshapply/office");
	command("mkdir -p %s", "run/meshapply");
	open_store(true);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	store_close(store);
	store = NULL;
	expect_gone("run/meshapply/office");
	expect_gone("var/lib/meshapply/office/applied");
	ck_assert_int_eq(stat(path_of("run/meshapply"), &st), 0);
	ck_assert_int_eq(stat(path_of("var/lib/meshapply/office"), &st), 0);
}
END_TEST

START_TEST(what_is_kept_stays)
{
	struct stat st;

	open_store(true);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	apply_record(want_of(conf, batch, NULL));
	store_close(store);
	store = NULL;
	ck_assert_int_eq(stat(path_of(APPLIED "wireguard.conf"), &st), 0);
}
END_TEST

START_TEST(names_that_are_none)
{
	static const char *const names[] = { "", ".", "..", ".x", "a/b",
					     "sysctls" };
	char longest[MESH_NAME_MAX + 2];

	for (size_t i = 0; i < array_size(names); i++) {
		ck_assert_int_eq(store_open(arena, scratch.path, names[i],
					    true, &store, &e), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(store_open(arena, scratch.path, longest, true,
				    &store, &e), -1);
}
END_TEST

START_TEST(one_run_at_a_time)
{
	struct store *second;
	struct stat st;
	char pid[32];

	open_store(true);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	/* No other user can hold it. */
	ck_assert_int_eq(fstat(store_lock_descriptor(store), &st), 0);
	ck_assert_int_eq((int)(st.st_mode & 0077), 0);
	ck_assert_int_ge(store_lock_descriptor(store), 0);
	ck_assert_int_eq(store_open(arena, scratch.path, "office", true,
				    &second, &e), 0);
	ck_assert_int_eq(store_lock(second, 0, &e), -1);
	ck_assert_int_eq(e.kind, ERR_BUSY);
	snprintf(pid, sizeof(pid), "process %d,", (int)getpid());
	ck_assert_msg(strstr(e.text, pid) || !strstr(e.text, "process"),
		      "%s", e.text);
	ck_assert_int_eq(store_lock_descriptor(second), -1);
	store_close(store);
	store = NULL;
	ck_assert_int_eq(store_lock(second, 0, &e), 0);
	store_close(second);
}
END_TEST

START_TEST(waiting_for_the_lock)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	open_store(true);
	pid = fork();
	if (!pid) {
		int bad = store_lock(store, 0, &e);

		bad |= write(ready[1], "x", 1) != 1;
		usleep(300000);
		_exit(bad != 0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(store_lock(store, 5, &e), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(a_lock_of_another_kind)
{
	open_store(true);
	command("ln -s /etc/passwd %s", "run/meshapply/office/lock");
	ck_assert_int_eq(store_lock(store, 0, &e), -1);
	command("rm %s; mkfifo %s", "run/meshapply/office/lock");
	ck_assert_int_eq(store_lock(store, 0, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	/* Somebody's file by a second name must not be given away. */
	command("rm %s", "run/meshapply/office/lock");
	command("touch %s", "theirs");
	command("cd $(dirname %s); ln ../../../theirs lock",
		"run/meshapply/office/lock");
	ck_assert_int_eq(store_lock(store, 0, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

START_TEST(links_are_not_followed)
{
	command("mkdir -p %s", "var/lib/meshapply");
	command("ln -s /tmp %s", "var/lib/meshapply/office");
	ck_assert_int_eq(store_open(arena, scratch.path, "office", true,
				    &store, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	store = NULL;
}
END_TEST

START_TEST(a_file_that_is_a_link)
{
	const char *note = NULL;
	const struct state *last;

	open_store(true);
	apply_record(want_of(conf, batch, nft));
	command("rm %s; ln -s /etc/hostname %s", APPLIED "wireguard.conf");
	ck_assert_int_eq(store_last(store, arena, &last, &note, &e), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_int_eq(store_stage_applied(store, arena,
					     want_of(conf, batch, nft), &e),
			 -1);
}
END_TEST

START_TEST(what_was_applied_reads_back)
{
	struct plan_options options = { .restore = true };
	struct state *want = want_of(conf, batch, nft);
	const struct state *last;
	const char *note;
	struct plan plan;

	open_store(true);
	/* Three texts and the list. */
	ck_assert_uint_eq(apply_record(want), 4);
	open_store(false);
	last = last_of(&note);
	ck_assert_msg(last != NULL, "%s", note);
	ck_assert_ptr_null(note);
	ck_assert_ptr_nonnull(last->firewall);
	ck_assert(!last->firewall->compiled);
	ck_assert(str_equal(last->firewall->text, want->firewall->text));
	ck_assert_uint_eq(last->devices[0].listen_port, 51820);
	want->firewall = NULL;
	struct state have = *last;

	have.firewall = NULL;
	have.devices[0].owned = true;
	for (size_t i = 0; i < have.route_count; i++)
		have.routes[i].owned = true;
	ck_assert_int_eq(plan_diff(arena, want, &have, NULL, &options, &plan,
				   &e), 0);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(the_canonical_form_is_kept)
{
	struct state *want = want_of(conf, batch, nft);
	struct firewall_object table = {
		.kind = FIREWALL_TABLE, .name = "meshapply_office",
		.bytes = STR("some bytes"),
	};
	const struct state *last;
	const char *note;

	want->firewall->objects = &table;
	want->firewall->object_count = 1;
	want->firewall->compiled = true;
	open_store(true);
	ck_assert_uint_eq(apply_record(want), 5);
	ck_assert_uint_eq(apply_record(want), 0);
	last = last_of(&note);
	ck_assert_msg(last != NULL, "%s", note);
	ck_assert(last->firewall->compiled);
	ck_assert_int_eq(firewall_compare(last->firewall, want->firewall),
			 FIREWALL_SAME);
	/* The live table is what counts. */
	table.bytes = STR("other bytes");
	ck_assert_int_eq(store_stage_applied(store, arena, want, &e), 0);
	ck_assert_int_eq(store_stage_canon(store, arena, want->firewall, &e),
			 0);
	uint64_t writes = 0;

	ck_assert_int_eq(store_commit(store, &writes, &e), 0);
	ck_assert_uint_eq(writes, 2);
}
END_TEST

START_TEST(equal_files_are_not_written)
{
	struct stat before, after;

	open_store(true);
	ck_assert_uint_gt(apply_record(want_of(conf, batch, nft)), 0);
	ck_assert_int_eq(stat(path_of(APPLIED "wireguard.conf"), &before), 0);
	ck_assert_uint_eq(apply_record(want_of(conf, batch, nft)), 0);
	ck_assert_int_eq(stat(path_of(APPLIED "wireguard.conf"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq((int)(before.st_mode & 0777), 0644);
	/* A firewall less: its file goes, the list changes. */
	ck_assert_uint_eq(apply_record(want_of(conf, batch, NULL)), 2);
	ck_assert_int_ne(stat(path_of(APPLIED "firewall.nft"), &after), 0);
}
END_TEST

START_TEST(what_is_abandoned_leaves_nothing)
{
	const char *note;

	open_store(true);
	ck_assert_int_eq(store_stage_applied(store, arena,
					     want_of(conf, batch, nft), &e),
			 0);
	store_abandon(store);
	ck_assert_ptr_null(last_of(&note));
	command("test -z \"$(ls -A %s)\"", "var/lib/meshapply/office/applied");
}
END_TEST

START_TEST(left_by_a_kill_and_swept)
{
	pid_t pid;

	open_store(true);
	pid = fork();
	if (!pid)
		_exit(store_stage_applied(store, arena,
					  want_of(conf, batch, nft), &e));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	command("test -n \"$(ls -A %s)\"", "var/lib/meshapply/office/applied");
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	command("test -z \"$(ls -A %s)\"", "var/lib/meshapply/office/applied");
}
END_TEST

START_TEST(an_edit_by_hand_is_noticed)
{
	static const char *const edits[] = {
		"echo x >>%s", ": >%s", "rm %s",
	};
	const char *note;

	for (size_t i = 0; i < array_size(edits); i++) {
		open_store(true);
		apply_record(want_of(conf, batch, nft));
		command(edits[i], APPLIED "network.batch");
		ck_assert_ptr_null(last_of(&note));
		ck_assert_ptr_nonnull(note);
	}
	apply_record(want_of(conf, batch, nft));
	command("echo rubbish >%s", "var/lib/meshapply/office/files");
	ck_assert_ptr_null(last_of(&note));
	ck_assert_ptr_nonnull(note);
	command("printf '' >%s", "var/lib/meshapply/office/files");
	ck_assert_ptr_null(last_of(&note));
	ck_assert_ptr_nonnull(note);
}
END_TEST

START_TEST(of_another_namespace)
{
	static const char files[] = "var/lib/meshapply/office/files";
	uint64_t living = netns_living();
	const struct state *last;
	const char *note;

	open_store(true);
	apply_record(want_of(conf, batch, nft));
	command(arena_printf(arena, "sed -i 's/netns=[0-9]*/netns=%llu/' %%s",
			     (unsigned long long)living), files);
	if (living) {
		ck_assert_int_eq(store_last(store, arena, &last, &note, &e),
				 -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(e.text, "run there"));
	}
	/* One that is gone, as of a container, is what another boot is. */
	command("sed -i 's/netns=[0-9]*/netns=1/' %s", files);
	ck_assert_ptr_nonnull(last_of(&note));
	ck_assert_ptr_null(note);
	/* The number of another boot says nothing. */
	command("sed -i 's/boot=[0-9a-f]/boot=x/' %s",
		"var/lib/meshapply/office/files");
	ck_assert_ptr_nonnull(last_of(&note));
}
END_TEST

static bool others(void)
{
	open_store(false);
	return store_others(store);
}

/* Its link may be gone: what is kept of it tells that it was here. */
START_TEST(other_meshes)
{
	static const char files[] = "var/lib/meshapply/home/files";

	open_store(true);
	apply_record(want_of(conf, batch, NULL));
	ck_assert(!others());
	command("cp -r $(dirname %s)/office $(dirname %s)/home",
		"var/lib/meshapply/x");
	ck_assert(others());
	command("sed -i 's/netns=[0-9]*/netns=1/' %s", files);
	ck_assert(!others());
	command("sed -i 's/netns=1/netns=2/; s/boot=./boot=x/' %s", files);
	ck_assert(!others());
	/* What cannot be read may be one. */
	command("echo rubbish >%s", files);
	ck_assert(others());
	command("rm %s", files);
	ck_assert(!others());
	command("rm -r $(dirname %s); touch $(dirname %s)", files);
	ck_assert(!others());
}
END_TEST

START_TEST(forgotten_whole)
{
	struct stat st;

	open_store(true);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	apply_record(want_of(conf, batch, nft));
	ck_assert_msg(!store_forget(store, &e), "%s", e.text);
	ck_assert_int_ne(stat(path_of("var/lib/meshapply/office"), &st), 0);
	ck_assert_int_ne(stat(path_of("run/meshapply/office"), &st), 0);
	ck_assert_int_eq(stat(path_of("var/lib/meshapply"), &st), 0);
	/* Again, where nothing is. */
	ck_assert_msg(!store_forget(store, &e), "%s", e.text);
}
END_TEST

static struct state *counted(uint64_t sent)
{
	struct state *have = want_of(conf, batch, NULL);

	have->devices[0].owned = true;
	have->devices[0].peers[0].sent = sent;
	return have;
}

START_TEST(the_sample)
{
	struct sample sample;
	struct stat one, two;

	open_store(true);
	sample_read(store, arena, &sample);
	ck_assert_uint_eq(sample.count, 0);
	ck_assert_int_eq(sample_write(store, arena, counted(77), &e), 0);
	sample_read(store, arena, &sample);
	ck_assert_uint_eq(sample.count, 1);
	ck_assert_uint_eq(sample.peers[0].sent, 77);
	stat(path_of("run/meshapply/office/sample"), &one);
	ck_assert_int_eq(sample_write(store, arena, counted(77), &e), 0);
	stat(path_of("run/meshapply/office/sample"), &two);
	ck_assert_uint_eq(one.st_ino, two.st_ino);
	ck_assert_int_eq(sample_write(store, arena, counted(78), &e), 0);
	sample_read(store, arena, &sample);
	ck_assert_uint_eq(sample.peers[0].sent, 78);
	/* Torn, of another boot: as if there were none. */
	command("truncate -s -1 %s", "run/meshapply/office/sample");
	sample_read(store, arena, &sample);
	ck_assert_uint_eq(sample.count, 0);
	ck_assert_int_eq(sample_write(store, arena, counted(78), &e), 0);
	command("sed -i 's/boot=[0-9a-f]/boot=x/' %s",
		"run/meshapply/office/sample");
	sample_read(store, arena, &sample);
	ck_assert_uint_eq(sample.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_made_without_create);
	tcase_add_test(tc, nothing_stays_of_a_run_that_kept_nothing);
	tcase_add_test(tc, what_was_there_before_stays);
	tcase_add_test(tc, what_is_kept_stays);
	tcase_add_test(tc, names_that_are_none);
	tcase_add_test(tc, other_meshes);
	tcase_add_test(tc, one_run_at_a_time);
	tcase_add_test(tc, waiting_for_the_lock);
	tcase_add_test(tc, a_lock_of_another_kind);
	tcase_add_test(tc, links_are_not_followed);
	tcase_add_test(tc, a_file_that_is_a_link);
	tcase_add_test(tc, what_was_applied_reads_back);
	tcase_add_test(tc, the_canonical_form_is_kept);
	tcase_add_test(tc, equal_files_are_not_written);
	tcase_add_test(tc, what_is_abandoned_leaves_nothing);
	tcase_add_test(tc, left_by_a_kill_and_swept);
	tcase_add_test(tc, an_edit_by_hand_is_noticed);
	tcase_add_test(tc, of_another_namespace);
	tcase_add_test(tc, forgotten_whole);
	tcase_add_test(tc, the_sample);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
