/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converging and applying where nothing fails; recovery of what is kept. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "apply/store_private.h"
#include "base/diag.h"
#include "state/firewall.h"
#include "support/build.h"
#include "support/host.h"
#include "support/netns.h"

static struct diags diags;

static void setup(void)
{
	host_open();
	diags_init(&diags, host.arena);
}

static void teardown(void)
{
	host_close();
}

static const char *in_scratch(const char *name)
{
	return arena_printf(host.arena, "%s/%s", host.scratch.path, name);
}

static int command(const char *format, const char *path)
{
	char line[512];

	snprintf(line, sizeof(line), format, in_scratch(path));
	return system(line);
}

/* The time of change of every file, and what there is. */
static char *disk(void)
{
	char line[512], *text = arena_alloc(host.arena, 1 << 16);
	FILE *out;

	snprintf(line, sizeof(line), "cd %s && find . -name sample -o "
		 "-printf '%%p %%i %%T@ %%C@ %%s\\n' | sort",
		 host.scratch.path);
	out = popen(line, "r");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_lt(fread(text, 1, 1 << 16, out), 1 << 16);
	ck_assert_int_eq(pclose(out), 0);
	return text;
}

static struct apply_result apply(struct run *run)
{
	struct apply_result result;

	ck_assert_msg(!apply_plan(run, &result, &host.e), "%s",
		      host.e.text);
	return result;
}

START_TEST(a_second_run_writes_nothing)
{
	struct apply_result result;
	uint64_t writes;
	char *before;
	struct run run;

	host_settle(&wanted_first);
	before = disk();
	writes = host.model->kernel.writes;
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(run.plan.count, 0);
	result = apply(&run);
	ck_assert_int_eq(result.end, APPLY_NOTHING);
	ck_assert_uint_eq(result.writes, 0);
	host_finish();
	ck_assert_uint_eq(host.model->kernel.writes, writes);
	ck_assert_str_eq(disk(), before);
}
END_TEST

/* The first peer of a text keeps its endpoint. */
static const char *with_static_peer(const char *text)
{
	const char *peer = strstr(text, "[Peer]");

	ck_assert_ptr_nonnull(peer);
	return arena_printf(host.arena, "%.*s#@ endpoint static\n%s",
			    (int)(peer - text), text, peer);
}

static int (*model_send)(struct kernel *k, const struct plan *plan,
			 size_t first, size_t *next, struct err *e);

/* With each step comes a packet of B's, from where its NAT sends it. */
static int send_under_traffic(struct kernel *k, const struct plan *plan,
			      size_t first, size_t *next, struct err *e)
{
	int result = model_send(k, plan, first, next, e);
	struct key key;
	struct peer *peer;

	ck_assert_int_eq(key_parse(STR(PEER("B")), &key), 0);
	peer = model_peer(host.model, "wg0", &key);
	if (peer) {
		peer->endpoint = build_endpoint("203.0.113.9:40001");
		peer->last_handshake = time(NULL);
	}
	return result;
}

/* A peer that is heard between the last step and the look at it. */
START_TEST(static_and_heard_from_elsewhere)
{
	struct wanted fixed = wanted_second;
	struct apply_result result;
	struct run run;

	fixed.wireguard = with_static_peer(wanted_second.wireguard);
	host_settle(&wanted_first);
	model_send = host.model->kernel.send;
	host.model->kernel.send = send_under_traffic;
	host_start(&run);
	host_plan(&run, &fixed);
	result = apply(&run);
	ck_assert_int_eq(result.end, APPLY_DONE);
	host_finish();
	host.model->kernel.send = model_send;
	host_start(&run);
	host_plan(&run, &fixed);
	ck_assert_uint_eq(run.plan.count, 1);
	ck_assert_uint_eq(run.plan.steps[0].fields, PEER_ENDPOINT);
	host_finish();
}
END_TEST

START_TEST(what_is_told_of_a_run)
{
	struct apply_result result;
	struct run run;

	host_start(&run);
	host_plan(&run, &wanted_first);
	result = apply(&run);
	ck_assert_int_eq(result.end, APPLY_DONE);
	ck_assert_uint_eq(result.steps_done, run.plan.count);
	/* The steps, and six files and the registry. */
	ck_assert_uint_eq(result.writes, run.plan.count + 7);
	host_finish();
	ck_assert_int_eq(command("test ! -e %s", "run/meshapply/office/"
				 "journal"), 0);
}
END_TEST

START_TEST(a_record_that_was_lost_is_made_again)
{
	struct apply_result result;
	struct run run;

	host_settle(&wanted_first);
	ck_assert_int_eq(command("rm -r %s", "var/lib/meshapply/office"), 0);
	host_start(&run);
	ck_assert_ptr_null(run.last);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(run.plan.count, 0);
	result = apply(&run);
	ck_assert_int_eq(result.end, APPLY_NOTHING);
	ck_assert_uint_eq(result.writes, 5);
	host_finish();
	host_start(&run);
	ck_assert_ptr_nonnull(run.last);
	host_finish();
}
END_TEST

START_TEST(removed_whole)
{
	struct state *before = host_snapshot();
	struct run run;

	host_settle(&wanted_first);
	ck_assert_ptr_nonnull(host_differs(before));
	/* One that was on before the mesh came. */
	ck_assert_str_eq(model_sysctl_value(host.model,
			"net.ipv4.conf.eth0.forwarding"), "1");
	host_settle(&wanted_second);
	ck_assert_str_eq(model_sysctl_value(host.model,
			"net.ipv4.ip_forward"), "0");
	ck_assert_str_eq(model_sysctl_value(host.model,
			"net.ipv4.conf.eth0.forwarding"), "1");
	host_start(&run);
	host_plan(&run, &wanted_nothing);
	apply(&run);
	ck_assert_msg(!store_forget(host.store, &host.e), "%s",
		      host.e.text);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_int_eq(command("test -z \"$(find %s -type f)\"", "."), 0);
	/* Again, where nothing is. */
	host_settle(&wanted_nothing);
}
END_TEST

static size_t compiled;
static int (*model_compile_call)(struct kernel *k, struct arena *arena,
				 struct firewall *f, struct diags *d,
				 struct err *e);

static int count_compile(struct kernel *k, struct arena *arena,
			 struct firewall *f, struct diags *d, struct err *e)
{
	compiled++;
	return model_compile_call(k, arena, f, d, e);
}

static void watch_compiler(void)
{
	model_compile_call = host.model->kernel.compile;
	host.model->kernel.compile = count_compile;
	compiled = 0;
}

START_TEST(the_compiler_is_asked_once)
{
	struct run run;

	watch_compiler();
	host_settle(&wanted_first);
	ck_assert_uint_eq(compiled, 1);
	host_converged(&wanted_first, "again");
	ck_assert_uint_eq(compiled, 1);
	/* Edited by hand: it is asked, and the table is swapped. */
	host.model->firewall->text = STR("table inet meshapply_office {}\n");
	model_compile(host.kernel, host.model->firewall);
	host_start(&run);
	host_plan(&run, &wanted_first);
	ck_assert_uint_eq(compiled, 2);
	ck_assert_uint_eq(run.plan.count, 1);
	ck_assert(run.plan.steps[0].drift);
	host_finish();
}
END_TEST

START_TEST(without_a_namespace)
{
	host.model->no_namespaces = true;
	host_settle(&wanted_first);
	host_converged(&wanted_first, "unchecked");
	host_settle(&wanted_second);
	host_converged(&wanted_second, "unchecked, changed");
}
END_TEST

START_TEST(a_table_that_cannot_be_given_back)
{
	static const char *const force[] = { "firewall" };
	struct apply_result result;
	struct state *before;
	uint64_t writes;
	struct run run;

	host_settle(&wanted_first);
	/* Edited by hand, and its listing makes another table. */
	host.model->firewall->text = STR("table inet meshapply_office {}\n");
	model_compile(host.kernel, host.model->firewall);
	host.model->firewall->text = STR("a listing that lies\n");
	before = host_snapshot();
	writes = host.model->kernel.writes;
	host_start(&run);
	host_plan(&run, &wanted_second);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	ck_assert_str_eq(host.e.guard, "firewall");
	ck_assert_uint_eq(host.model->kernel.writes, writes);
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	run.options.force = force;
	run.options.force_count = 1;
	apply(&run);
	host_finish();
	host_converged(&wanted_second, "forced");
}
END_TEST

/* Edited by hand, but the listing tells all. */
START_TEST(a_table_that_can_be_listed)
{
	struct apply_result result;
	struct state *before;
	struct run run;

	host_settle(&wanted_first);
	host.model->firewall->text = STR("table inet meshapply_office {}\n");
	model_compile(host.kernel, host.model->firewall);
	before = host_snapshot();
	host_start(&run);
	host_plan(&run, &wanted_second);
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 5, .times = 1,
	};
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_ROLLED_BACK);
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
}
END_TEST

START_TEST(a_sysctl_that_is_not_there)
{
	struct run run;

	model_sysctl(host.model, "net.ipv4.conf.all.src_valid_mark", NULL);
	host_start(&run);
	ck_assert_int_eq(converge_plan(&run, host_want(&wanted_first),
				       &diags, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_DATA);
	ck_assert_uint_eq(diags.errors, 1);
	ck_assert_ptr_nonnull(strstr(diags.items[0].message,
				     "src_valid_mark"));
	ck_assert_ptr_nonnull(diags.items[0].where.source);
	host_finish();
}
END_TEST

/* Killed between the mark and the last rename. */
START_TEST(renames_that_were_killed)
{
	struct journal journal = { 0 };
	struct state *want;
	struct run run;
	bool did;

	host_settle(&wanted_first);
	host_start(&run);
	want = host_want(&wanted_second);
	ck_assert_int_eq(store_stage_applied(host.store, host.arena, want,
					     &host.e), 0);
	ck_assert_int_eq(journal_write(host.store, host.secrets, &journal,
				       &host.e), 0);
	ck_assert_int_eq(journal_mark_verified(host.store, &host.e), 0);
	/* One of them was renamed already. */
	ck_assert_int_eq(file_commit(&host.store->staged[0].file, &host.e),
			 0);
	host_die();
	host_start(&run);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_VERIFIED);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
		      host.e.text);
	ck_assert(!did);
	host_finish();
	host_start(&run);
	ck_assert_uint_eq(run.last->devices[0].listen_port, 51821);
	host_finish();
}
END_TEST

static int (*plain_send)(struct kernel *k, const struct plan *plan,
			 size_t first, size_t *next, struct err *e);

/* A folder is in the way of a file, but not before it was staged. */
static int send_and_block(struct kernel *k, const struct plan *plan,
			  size_t first, size_t *next, struct err *e)
{
	if (!first)
		ck_assert_int_eq(command("rm -f %1$s && mkdir %1$s",
			"var/lib/meshapply/office/applied/network.batch"), 0);
	return plain_send(k, plan, first, next, e);
}

/* The kernel is as desired: that a rename fails does not undo it. */
START_TEST(renames_that_failed)
{
	struct apply_result result;
	struct run run;
	bool did;

	host_settle(&wanted_first);
	plain_send = host.model->kernel.send;
	host.model->kernel.send = send_and_block;
	host_start(&run);
	host_plan(&run, &wanted_second);
	result = apply(&run);
	host.model->kernel.send = plain_send;
	ck_assert_int_eq(result.end, APPLY_DONE);
	ck_assert_int_eq(result.unkept.kind, ERR_FAILED);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_VERIFIED);
	host_finish();
	ck_assert_int_eq(command("rmdir %s",
		"var/lib/meshapply/office/applied/network.batch"), 0);
	host_start(&run);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
		      host.e.text);
	ck_assert(!did);
	host_finish();
	ck_assert(host_tidy());
	host_start(&run);
	ck_assert_ptr_nonnull(run.last);
	ck_assert_uint_eq(run.last->devices[0].listen_port, 51821);
	host_finish();
	host_converged(&wanted_second, "after the renames");
}
END_TEST

START_TEST(a_mark_full_of_rubbish)
{
	static const char *const lines[] = {
		"rename folder=applied name=../x temporary=.x",
		"rename folder=applied name=files temporary=../../x",
		"rename folder=/etc name=passwd temporary=.passwd.0123456789ab",
		"rename folder=applied name=files temporary=.other.0123456789ab",
		"rename folder=applied", "rubbish", "rename",
		"sysctl key=net.ipv4.ip_forward before=0 ours=1 "
		"root=net.ipv4.ip_forward mesh=office netns=1",
		"sysctls x", "sysctls\nsysctl key=net.ipv4.ip_forward before=0 "
		"ours=1 root=net.ipv4.ip_forward mesh=other netns=1",
		"sysctls\nrubbish",
	};
	static const char *const force[] = { "journal" };
	struct journal journal = { 0 };
	struct run run;
	bool did;

	for (size_t i = 0; i < array_size(lines); i++) {
		host_start(&run);
		ck_assert_int_eq(journal_write(host.store, host.secrets,
					       &journal, &host.e), 0);
		ck_assert_int_eq(journal_mark_verified(host.store, &host.e),
				 0);
		ck_assert_int_eq(command(arena_printf(host.arena,
			"echo '%s' >>%%s", lines[i]),
			"run/meshapply/office/journal.verified"), 0);
		ck_assert_msg(apply_recover(&run, &did, &host.e) == -1, "%s",
			      lines[i]);
		ck_assert_int_eq(host.e.kind, ERR_CONFIG);
		ck_assert_str_eq(host.e.guard, "journal");
		ck_assert_int_eq(journal_look(host.store), JOURNAL_VERIFIED);
		/* It is of no use, and can be given up. */
		run.options.force = force;
		run.options.force_count = 1;
		ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
			      host.e.text);
		ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
		host_finish();
	}
}
END_TEST

START_TEST(a_journal_of_elsewhere)
{
	uint64_t living = netns_living();
	struct journal journal = { 0 };
	struct run run;
	bool did;

	host_start(&run);
	ck_assert_int_eq(journal_write(host.store, host.secrets, &journal,
				       &host.e), 0);
	ck_assert_int_eq(command(arena_printf(host.arena, "sed -i 's/netns="
					      "[0-9]*/netns=%llu/' %%s",
					      (unsigned long long)living),
				 "run/meshapply/office/journal"), 0);
	if (living) {
		ck_assert_int_eq(apply_recover(&run, &did, &host.e), -1);
		ck_assert_int_eq(host.e.kind, ERR_CONFIG);
	}
	ck_assert_int_eq(command("sed -i 's/boot=./boot=x/' %s",
				 "run/meshapply/office/journal"), 0);
	ck_assert_int_eq(apply_recover(&run, &did, &host.e), 0);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_NONE);
	host_finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply");
	TCase *tc = tcase_create("apply");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_second_run_writes_nothing);
	tcase_add_test(tc, static_and_heard_from_elsewhere);
	tcase_add_test(tc, what_is_told_of_a_run);
	tcase_add_test(tc, a_record_that_was_lost_is_made_again);
	tcase_add_test(tc, removed_whole);
	tcase_add_test(tc, the_compiler_is_asked_once);
	tcase_add_test(tc, without_a_namespace);
	tcase_add_test(tc, a_table_that_cannot_be_given_back);
	tcase_add_test(tc, a_table_that_can_be_listed);
	tcase_add_test(tc, a_sysctl_that_is_not_there);
	tcase_add_test(tc, renames_that_were_killed);
	tcase_add_test(tc, renames_that_failed);
	tcase_add_test(tc, a_mark_full_of_rubbish);
	tcase_add_test(tc, a_journal_of_elsewhere);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
