/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits to be confirmed: its record, how it is settled, on this boot and
 * after it, and the file by which a guard tells of itself.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/guard.h"
#include "apply/pending_private.h"
#include "base/file.h"
#include "state/firewall.h"
#include "support/pending.h"

#define RECORD "var/lib/meshapply/.pending/office"

static void setup(void)
{
	host_open();
	pending_refuse(false);
	pending_asked = 0;
}

static void teardown(void)
{
	host_close();
}

static bool parse(struct str text, struct pending_record *out)
{
	struct records r = { .arena = host.arena, .secrets = host.secrets,
			     .rest = text };
	struct identity of = { 0 };

	memset(out, 0, sizeof(*out));
	return pending_head(&r, &of, &out->head) &&
	       pending_rest(&r, "office", out);
}

START_TEST(tokens_are_told_by_their_looks)
{
	static const char *const good[] = { "k3vq-7xwp", "aaaa-2222" };
	static const char *const bad[] = {
		"", "k3vq7xwp", "k3vq-7xw", "k3vq-7xwpp", "k3v-q7xwp",
		"K3vq-7xwp", "k0vq-7xwp", "k1vq-7xwp", "k3vq-7xw ",
		"k3vq-7x-p", "-3vq-7xwp",
	};

	for (size_t i = 0; i < array_size(good); i++)
		ck_assert_msg(pending_is_token(good[i]), "%s", good[i]);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(!pending_is_token(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_record_comes_back_as_it_was)
{
	static const struct identity here = { .boot = "boot", .netns = 1 };
	struct pending_record record;
	struct sbuf once, twice;

	host_settle(&wanted_first);
	pending_settle(&wanted_second);
	ck_assert(parse(pending_text(), &record));
	record.head.by = "handshake:a b%\xff";
	record.head.baseline = "x=1";
	record.head.netns = "blue";
	record.head.elsewhere = true;
	sbuf_init(&once, host.secrets);
	pending_write(&once, &here, &record);
	ck_assert(parse((struct str){ once.data, once.size }, &record));
	ck_assert_str_eq(record.head.by, "handshake:a b%\xff");
	ck_assert_str_eq(record.head.baseline, "x=1");
	ck_assert_str_eq(record.head.netns, "blue");
	ck_assert(record.head.elsewhere);
	ck_assert_uint_eq(record.head.seconds, 600);
	ck_assert_uint_eq(record.journal.before.devices[0].peer_count, 3);
	ck_assert_ptr_nonnull(record.kept.of[0].data);
	ck_assert_ptr_nonnull(strstr(record.sysctls.data, "ip_forward"));
	sbuf_init(&twice, host.secrets);
	pending_write(&twice, &here, &record);
	ck_assert_str_eq(once.data, twice.data);
}
END_TEST

START_TEST(nobody_else_reads_it)
{
	struct stat st;

	pending_settle(&wanted_first);
	ck_assert_int_eq(fstatat(host.scratch.folder, RECORD, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(fstatat(host.scratch.folder,
				 "var/lib/meshapply/.pending", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(what_is_cut_off_is_rubbish)
{
	struct pending_record record;
	struct str text;

	host_settle(&wanted_first);
	pending_settle(&wanted_second);
	text = pending_text();
	ck_assert(parse(text, &record));
	for (size_t size = 0; size < text.size; size++) {
		size_t mark = arena_mark(host.arena);

		ck_assert_msg(!parse((struct str){ text.data, size }, &record),
			      "%zu of %zu bytes", size, text.size);
		arena_reset(host.arena, mark);
	}
}
END_TEST

START_TEST(rubbish_is_no_record)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "meshapply 1 pending", "meshapply 1 pendinG" },
		{ "head deadline=", "heaD deadline=" },
		{ " deadline=", " Deadline=" },
		{ " until=", " untiL=" },
		{ " seconds=600", " seconds=0x0" },
		{ " token=", " tokeN=" },
		{ "kept wireguard=", "kept wireguard=9" },
		{ "kept wireguard=", "kept wireguar==" },
		{ "\nend\n", "\nEnd\n" },
	};
	struct pending_record record;
	struct str good;

	host_settle(&wanted_first);
	pending_settle(&wanted_second);
	good = pending_text();
	for (size_t i = 0; i < array_size(changes); i++) {
		char *copy = arena_strndup(host.secrets, good.data, good.size);

		memcpy(pending_find(copy, good.size, changes[i].from),
		       changes[i].to, strlen(changes[i].to));
		ck_assert_msg(!parse((struct str){ copy, good.size }, &record),
			      "%s", changes[i].to);
	}
}
END_TEST

/* It is neither passed over nor taken for none. */
START_TEST(rubbish_is_told_and_given_up)
{
	const struct pending *p;
	struct run run;

	pending_settle(&wanted_first);
	pending_put(STR("rubbish\n"));
	host_start(&run);
	ck_assert_int_eq(pending_read(host.store, host.arena, host.secrets,
				      &p, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	ck_assert_str_eq(host.e.guard, "pending");
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	ck_assert_int_eq(pending_confirm(&run, "tested", &host.e), -1);
	ck_assert(pending_is_there());
	ck_assert_int_eq(pending_give_up(&run, &host.e), 0);
	ck_assert(!pending_is_there());
	host_finish();
}
END_TEST

START_TEST(nothing_is_done_without_a_guard)
{
	struct apply_result result;
	struct state *before;
	const char *kept;
	struct run run;
	size_t sent;

	host_settle(&wanted_first);
	before = host_snapshot();
	kept = pending_kept();
	sent = host.model->sent;
	pending_refuse(true);
	pending_start(&run, &wanted_second);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	ck_assert_str_eq(host.e.guard, "guard");
	host_finish();
	ck_assert_uint_eq(host.model->sent, sent);
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_str_eq(pending_kept(), kept);
	ck_assert(!pending_is_there());
	ck_assert(host_tidy());
	ck_assert_uint_eq(pending_asked, 1);
}
END_TEST

/* A record that was there is put back, byte for byte. */
START_TEST(a_deadline_that_is_not_guarded_is_not_moved)
{
	struct apply_result result;
	struct run run;
	struct str was;

	pending_settle(&wanted_first);
	was = pending_text();
	pending_refuse(true);
	pending_start(&run, &wanted_first);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	host_finish();
	ck_assert(str_equal(pending_text(), was));
}
END_TEST

START_TEST(a_deadline_is_moved_without_a_step)
{
	struct confirm confirm = pending_confirmable;
	struct apply_result result;
	const char *token;
	struct run run;

	pending_settle(&wanted_first);
	token = pending_look()->token;
	confirm.seconds = 1200;
	host_start(&run);
	run.confirm = &confirm;
	host_plan(&run, &wanted_first);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), 0);
	ck_assert_int_eq(result.end, APPLY_NOTHING);
	ck_assert_uint_eq(result.pending.seconds, 1200);
	host_finish();
	ck_assert_uint_eq(pending_look()->seconds, 1200);
	ck_assert_str_ne(pending_look()->token, token);
	ck_assert_uint_ge(pending_look()->deadline, pending_now() + 1100);
	ck_assert(!pending_overdue(pending_look()));
}
END_TEST

START_TEST(nothing_waits_where_nothing_changes)
{
	struct apply_result result;
	struct run run;

	host_settle(&wanted_first);
	pending_start(&run, &wanted_first);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), 0);
	ck_assert_uint_eq(result.pending.seconds, 0);
	host_finish();
	ck_assert(!pending_is_there());
	ck_assert_uint_eq(pending_asked, 0);
	host_start(&run);
	ck_assert_int_eq(pending_confirm(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_NO_INPUT);
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_NO_INPUT);
	host_finish();
}
END_TEST

START_TEST(how_it_ended_is_told)
{
	const char *token;

	ck_assert_int_eq(pending_how().how, SETTLED_UNKNOWN);
	pending_settle(&wanted_first);
	ck_assert_int_eq(pending_how().how, SETTLED_UNKNOWN);
	token = pending_look()->token;
	pending_undo();
	ck_assert_int_eq(pending_how().how, SETTLED_ROLLED_BACK);
	ck_assert_str_eq(pending_how().token, token);
	ck_assert_str_eq(pending_how().why, "tested");
	ck_assert_int_gt(pending_how().time, 1000000000);
	pending_settle(&wanted_first);
	token = pending_look()->token;
	pending_keep();
	ck_assert_int_eq(pending_how().how, SETTLED_CONFIRMED);
	ck_assert_str_eq(pending_how().token, token);
}
END_TEST

START_TEST(generations_follow)
{
	host_settle(&wanted_first);
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
	pending_settle(&wanted_second);
	ck_assert_int_eq(pending_newest(), GENERATION_PENDING);
	ck_assert_uint_eq(pending_look()->generation_before, 1);
	pending_settle(&wanted_elsewhere);
	ck_assert_uint_eq(pending_look()->generation_before, 1);
	pending_undo();
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
	pending_settle(&wanted_second);
	pending_keep();
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
}
END_TEST

START_TEST(names_are_those_of_meshes)
{
	const char **names;
	size_t count;

	ck_assert_int_eq(pending_names(host.scratch.path, host.arena, &names,
				       &count, &host.e), 0);
	ck_assert_uint_eq(count, 0);
	pending_settle(&wanted_first);
	ck_assert_int_eq(symlinkat("/", host.scratch.folder,
				   "var/lib/meshapply/.pending/.office.1"), 0);
	ck_assert_int_eq(pending_names(host.scratch.path, host.arena, &names,
				       &count, &host.e), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(names[0], "office");
}
END_TEST

static bool holds(const char *token)
{
	return guard_holds(host.store, host.arena, token);
}

START_TEST(a_guard_tells_of_itself_while_it_lives)
{
	struct run run;
	int held;

	host_start(&run);
	ck_assert(!holds("aaaa-aaaa"));
	ck_assert(!guard_wait(host.store, host.arena, "aaaa-aaaa", 0));
	held = guard_arm(host.store, host.arena, "aaaa-aaaa", &host.e);
	ck_assert_msg(held >= 0, "%s", host.e.text);
	ck_assert(holds("aaaa-aaaa"));
	ck_assert(guard_wait(host.store, host.arena, "aaaa-aaaa", 0));
	ck_assert(!holds("bbbb-bbbb"));
	close(held);
	ck_assert(!holds("aaaa-aaaa"));
	held = guard_arm(host.store, host.arena, "bbbb-bbbb", &host.e);
	ck_assert(holds("bbbb-bbbb"));
	guard_leave(host.store);
	ck_assert(!holds("bbbb-bbbb"));
	close(held);
	host_finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pending");
	TCase *c = tcase_create("pending");
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, tokens_are_told_by_their_looks);
	tcase_add_test(c, a_record_comes_back_as_it_was);
	tcase_add_test(c, nobody_else_reads_it);
	tcase_add_test(c, what_is_cut_off_is_rubbish);
	tcase_add_test(c, rubbish_is_no_record);
	tcase_add_test(c, rubbish_is_told_and_given_up);
	tcase_add_test(c, nothing_is_done_without_a_guard);
	tcase_add_test(c, a_deadline_that_is_not_guarded_is_not_moved);
	tcase_add_test(c, a_deadline_is_moved_without_a_step);
	tcase_add_test(c, nothing_waits_where_nothing_changes);
	tcase_add_test(c, how_it_ended_is_told);
	tcase_add_test(c, generations_follow);
	tcase_add_test(c, names_are_those_of_meshes);
	tcase_add_test(c, a_guard_tells_of_itself_while_it_lives);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
