/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a run that few runs come to: joined journals, long refusals, plans
   of another version. */
#include <string.h>
#include <sys/socket.h>

#include "apply/gate.h"
#include "apply/pending_private.h"
#include "apply/plan_file.h"
#include "support/build.h"
#include "support/check.h"
#include "support/numbered.h"

static struct gates gates;

static int gate(const struct wanted *wanted)
{
	static const char *const forced[] = { "identity" };
	struct run run;
	int status;

	memset(&host.e, 0, sizeof(host.e));
	numbered_start(&run, wanted);
	run.options.force = forced;
	run.options.force_count = 1;
	run.gates = &gates;
	status = run_gates(&run, &host.e);
	host_finish();
	return status;
}

/* The first five are named, the rest is counted. */
START_TEST(many_steps_of_a_worse_class)
{
	gates = (struct gates){ .most = DISRUPTION_NONE };
	host_settle(&wanted_first);
	ck_assert_int_eq(gate(&wanted_second), -1);
	ck_assert_str_eq(host.e.guard, "disruption");
	ck_assert_msg(strstr(host.e.text, " more") != NULL, "%s",
		      host.e.text);
	ck_assert_msg(strstr(host.e.text, "steps are of a worse class") !=
		      NULL, "%s", host.e.text);
	gates.most = DISRUPTION_ACCESS;
	ck_assert_msg(!gate(&wanted_second), "%s", host.e.text);
}
END_TEST

static void save(const struct wanted *wanted, struct plan_file *out)
{
	struct run run;

	numbered_start(&run, wanted);
	plan_file_make(host.arena, host.secrets, NULL, 5, &run.about,
		       run.want, &run.plan, out);
	host_finish();
}

START_TEST(plan_of_another_version)
{
	const struct wanted second = numbered_wanted(2);
	struct plan_file file;

	numbered_settle(1);
	save(&second, &file);
	gates = (struct gates){ .most = DISRUPTION_ACCESS, .plan = &file };
	ck_assert_msg(!gate(&second), "%s", host.e.text);
	file.version = "0.0.0";
	ck_assert_int_eq(gate(&second), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	ck_assert_str_eq(host.e.guard, "plan");
	ck_assert_msg(strstr(host.e.text, "of version 0.0.0") != NULL, "%s",
		      host.e.text);
}
END_TEST

/* Does a plan of this step still say what one of WAS said? */
static bool still_says(const struct step *was, const struct step *step)
{
	const struct generation about = { .node = NULL };
	struct state want = { .mesh = "office" };
	struct plan plan = { .steps = (struct step *)(uintptr_t)was,
			     .count = 1 };
	struct plan_file file;
	struct err e;

	plan_file_make(host.arena, host.secrets, NULL, 0, &about, &want,
		       &plan, &file);
	plan.steps = (struct step *)(uintptr_t)step;
	return !plan_file_check(&file, host.arena, host.secrets, &about,
				&want, &plan, &e);
}

/* What a digest is made of: another table, another text is another step. */
START_TEST(saved_steps_say_what_they_are_about)
{
	struct firewall text = { .table = "meshapply_office",
				 .text = STR("table a") };
	struct firewall other = text;
	struct step was = { .kind = STEP_FOREIGN_TABLE_DELETE, .id = "x",
			    .table = "wg-quick-wg0" };
	struct step is = was;

	ck_assert(still_says(&was, &is));
	is.table = "wg-quick-wg1";
	ck_assert(!still_says(&was, &is));
	was = is = (struct step){ .kind = STEP_FIREWALL_LOAD, .id = "x",
				  .firewall = &text };
	ck_assert(still_says(&was, &is));
	other.text = STR("table b");
	is.firewall = &other;
	ck_assert(!still_says(&was, &is));
}
END_TEST

static int (*model_observe)(struct kernel *k, struct arena *arena,
			    struct arena *secrets, const struct scope *scope,
			    struct state *have, struct err *e);
static size_t blind_from;

static int see_no_more(struct kernel *k, struct arena *arena,
		       struct arena *secrets, const struct scope *scope,
		       struct state *have, struct err *e)
{
	if (host.model->sent >= blind_from)
		return err_set(e, ERR_FAILED, "nothing is to be seen");
	return model_observe(k, arena, secrets, scope, have, e);
}

/* Nothing is done unseen: the journal stays, and the next run goes back. */
START_TEST(blind_in_the_middle)
{
	struct apply_result result;
	struct state *was;
	struct run run;
	bool did;

	host_settle(&wanted_first);
	was = host_snapshot();
	host_start(&run);
	host_plan(&run, &wanted_second);
	model_observe = host.model->kernel.observe;
	host.model->kernel.observe = see_no_more;
	blind_from = host.model->sent + 1;
	host.model->fault = (struct model_fault){
		.at = host.model->sent + 3, .times = 1,
	};
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	ck_assert_msg(strstr(host.e.text, "cannot be read: nothing is to be "
			     "seen") != NULL, "%s", host.e.text);
	ck_assert_uint_eq(result.differs.count, 0);
	host.model->kernel.observe = model_observe;
	host_finish();
	host_start(&run);
	ck_assert_int_eq(journal_look(host.store), JOURNAL_OPEN);
	ck_assert_msg(!apply_recover(&run, &did, &host.e), "%s",
		      host.e.text);
	host_finish();
	ck_assert_msg(!host_differs(was), "%s", host_differs(was));
}
END_TEST

/* Somebody has put a file there whose number is the last there is. */
START_TEST(no_generation_after_the_last)
{
	uint64_t next;

	numbered_settle(1);
	scratch_put(&host.scratch, "var/lib/meshapply/office/generations/"
		    "999999999999999", "", 0, 0600);
	ck_assert_msg(!store_open(host.arena, host.scratch.path, "office",
				  false, &host.store, &host.e), "%s",
		      host.e.text);
	ck_assert_int_eq(generation_next(host.store, host.arena, &next,
					 &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_CONFIG);
	ck_assert_msg(strstr(host.e.text, "no number after 999999999999999: "
			     "remove that file") != NULL, "%s", host.e.text);
	store_close(host.store);
	host.store = NULL;
}
END_TEST

static struct build before[2], added[2];
static struct journal journals[2], joined;

static void join(void)
{
	for (size_t i = 0; i < 2; i++) {
		state_normalise(&before[i].s);
		state_normalise(&added[i].s);
		journals[i].before = before[i].s;
		journals[i].added = added[i].s;
	}
	pending_join(host.arena, &journals[0], &journals[1], &joined);
}

static void build_journals(void)
{
	memset(journals, 0, sizeof(journals));
	for (size_t i = 0; i < 2; i++) {
		build_init(&before[i], host.arena, "office");
		build_init(&added[i], host.arena, "office");
	}
}

/* What the second change met and the first neither knew nor made. */
START_TEST(joined_with_what_only_the_second_met)
{
	build_journals();
	build_device(&before[0], "wg0", 1);
	build_device(&added[0], "wg1", 2);
	build_route(&added[0], "10.1.0.0/16", "wg1", 254);
	build_rule(&added[0], AF_INET, 101, 254);
	build_device(&before[1], "wg0", 3);
	build_device(&before[1], "wg1", 4);
	build_device(&before[1], "wg2", 5);
	build_route(&before[1], "10.1.0.0/16", "wg1", 254);
	build_route(&before[1], "10.2.0.0/16", "wg2", 254);
	build_rule(&before[1], AF_INET, 101, 254);
	build_rule(&before[1], AF_INET, 102, 254);
	join();
	ck_assert_uint_eq(joined.before.device_count, 2);
	/* As it was before the first. */
	ck_assert(key_equal(&state_device(&joined.before, "wg0")->public_key,
			    &before[0].s.devices[0].public_key));
	ck_assert_ptr_ne(state_device(&joined.before, "wg2"), NULL);
	ck_assert_uint_eq(joined.before.route_count, 1);
	ck_assert_str_eq(joined.before.routes[0].device, "wg2");
	ck_assert_uint_eq(joined.before.rule_count, 1);
	ck_assert_uint_eq(joined.before.rules[0].priority, 102);
}
END_TEST

/* The first left the table alone and kept no text of it; the second has one. */
START_TEST(joined_with_the_text_of_a_table)
{
	build_journals();
	build_firewall(&before[0], "");
	build_firewall(&before[1], "table inet meshapply_office {\n}\n");
	journals[1].firewall_lost = true;
	join();
	ck_assert_uint_ne(joined.before.firewall->text.size, 0);
	ck_assert(joined.firewall_lost);
	/* One that has it keeps its own. */
	build_journals();
	build_firewall(&before[0], "table inet meshapply_office {\n# 1\n}\n");
	build_firewall(&before[1], "table inet meshapply_office {\n}\n");
	join();
	ck_assert_ptr_ne(memchr(joined.before.firewall->text.data, '#',
				joined.before.firewall->text.size), NULL);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(many_steps_of_a_worse_class),
		CHECK_CASE(plan_of_another_version),
		CHECK_CASE(saved_steps_say_what_they_are_about),
		CHECK_CASE(blind_in_the_middle),
		CHECK_CASE(no_generation_after_the_last),
		CHECK_CASE(joined_with_what_only_the_second_met),
		CHECK_CASE(joined_with_the_text_of_a_table),
	};

	return check_run_within("apply: seldom", cases,
				sizeof(cases) / sizeof(*cases), host_open,
				host_close);
}
