/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What refuses a plan: a limit, a saved plan, what was rolled back. */
#include <check.h>
#include <string.h>

#include "apply/plan_file.h"
#include "support/check.h"
#include "support/numbered.h"

static struct gates gates;
static const char *node;	/* that a document says we are */

static int gate(const struct wanted *wanted, const char *force)
{
	static const char *forced[1];
	struct run run;
	int status;

	numbered_start(&run, wanted);
	forced[0] = force;
	run.options.force = forced;
	run.options.force_count = force ? 1 : 0;
	run.gates = &gates;
	run.about.node = node;
	status = run_gates(&run, &host.e);
	host_finish();
	return status;
}

static void refused(const struct wanted *wanted, const char *guard,
		    const char *word)
{
	memset(&host.e, 0, sizeof(host.e));
	ck_assert_int_eq(gate(wanted, NULL), -1);
	ck_assert_int_eq(host.e.kind, ERR_REFUSED);
	ck_assert_str_eq(host.e.guard, guard);
	ck_assert_msg(strstr(host.e.text, word) != NULL, "%s", host.e.text);
	ck_assert_msg(!gate(wanted, guard), "%s", host.e.text);
}

START_TEST(what_was_rolled_back_is_refused)
{
	const struct wanted first = numbered_wanted(1);
	const struct wanted second = numbered_wanted(2);

	gates = (struct gates){ .most = DISRUPTION_ACCESS };
	numbered_settle(1);
	numbered_settle(2);
	ck_assert_int_eq(gate(&first, NULL), 0);
	numbered_mark(2, GENERATION_ROLLED_BACK);
	/* Nothing to do: nothing to be refused. */
	ck_assert_int_eq(gate(&second, NULL), 0);
	model_link_find(host.model, "wg0")->device.listen_port = 9;
	refused(&second, "rolled-back", "generation 2");
	ck_assert_int_eq(gate(&first, NULL), 0);
	/* Something else has come since. */
	numbered_settle(3);
	ck_assert_int_eq(gate(&second, NULL), 0);
}
END_TEST

START_TEST(a_worse_class_is_refused)
{
	const struct wanted first = numbered_wanted(1);
	const struct wanted second = numbered_wanted(2);

	numbered_settle(1);
	gates = (struct gates){ .most = DISRUPTION_REKEY };
	ck_assert_int_eq(gate(&first, NULL), 0);
	refused(&second, "disruption", "1 step is of a worse class than rekey"
		": device/wg0 (loss)");
	gates.most = DISRUPTION_LOSS;
	ck_assert_int_eq(gate(&second, NULL), 0);
}
END_TEST

static void save(const struct wanted *wanted, struct plan_file *out)
{
	struct run run;
	struct sbuf text;

	numbered_start(&run, wanted);
	plan_file_make(host.arena, host.secrets, "/a b.json", 5, &run.about,
		       run.want, &run.plan, out);
	host_finish();
	sbuf_init(&text, host.arena);
	plan_file_text(&text, out);
	ck_assert_msg(!plan_file_parse(host.arena, "x", (struct str){
		text.data, text.size }, out, &host.e), "%s", host.e.text);
	ck_assert_str_eq(out->source, "/a b.json");
	ck_assert_int_eq(out->time, 5);
}

START_TEST(a_saved_plan_is_done_or_nothing)
{
	const struct wanted first = numbered_wanted(1);
	const struct wanted second = numbered_wanted(2);
	const struct wanted third = numbered_wanted(3);
	struct model_link *link;
	struct plan_file file;

	numbered_settle(1);
	save(&second, &file);
	gates = (struct gates){ .most = DISRUPTION_ACCESS, .plan = &file };
	ck_assert_msg(!gate(&second, NULL), "%s", host.e.text);
	refused(&third, "plan", "the source or its keys");
	refused(&first, "plan", "the source or its keys");
	/* The kernel has changed: another value is found, a step less, one
	   more. */
	link = model_link_find(host.model, "wg0");
	link->device.listen_port = 7;
	refused(&second, "plan", "step 1, device/wg0, is not the one");
	link->device.listen_port = 1002;
	refused(&second, "plan", "was device/wg0 when the plan was saved, and "
		"is none now");
	link->device.listen_port = 1001;
	ck_assert_msg(!gate(&second, NULL), "%s", host.e.text);
	link->peers[0].keepalive = 9;
	refused(&second, "plan", "step 2 was none when the plan was saved");
	/* A peer's endpoint is where it is heard from. */
	link->peers[0].keepalive = 0;
	ck_assert_int_eq(endpoint_parse(STR("192.0.2.99:7"),
					&link->peers[0].endpoint), 0);
	ck_assert_msg(!gate(&second, NULL), "%s", host.e.text);
}
END_TEST

/* The same texts, plan and all, with another key. */
START_TEST(a_saved_plan_knows_its_keys)
{
	const struct wanted second = numbered_wanted(2);
	struct plan_file file;
	struct run run;
	struct state want;

	numbered_start(&run, &second);
	plan_file_make(host.arena, host.secrets, NULL, 5, &run.about,
		       run.want, &run.plan, &file);
	want = *run.want;
	want.devices[0].peers[0].preshared_key = NULL;
	ck_assert_int_eq(plan_file_check(&file, host.arena, host.secrets,
					 &run.about, &want, &run.plan,
					 &host.e), -1);
	want.devices[0].peers[0].preshared_key = host_key(99);
	ck_assert_int_eq(plan_file_check(&file, host.arena, host.secrets,
					 &run.about, &want, &run.plan,
					 &host.e), 0);
	want.devices[0].private_key = host_key(2);
	ck_assert_int_eq(plan_file_check(&file, host.arena, host.secrets,
					 &run.about, &want, &run.plan,
					 &host.e), -1);
	strcpy(want.mesh, "home");
	ck_assert_int_eq(plan_file_check(&file, host.arena, host.secrets,
					 &run.about, &want, &run.plan,
					 &host.e), -1);
	ck_assert_str_eq(host.e.guard, "plan");
	host_finish();
}
END_TEST

START_TEST(who_this_node_is)
{
	struct wanted other = numbered_wanted(1);

	gates = (struct gates){ .most = DISRUPTION_ACCESS };
	numbered_settle(1);
	other.key = 3;
	refused(&other, "identity", "public key would change");
	/* Back by hand: that is mended. */
	other.key = 1;
	model_link_find(host.model, "wg0")->device.public_key.bytes[0] ^= 1;
	ck_assert_msg(!gate(&other, NULL), "%s", host.e.text);
	model_link_find(host.model, "wg0")->device.public_key.bytes[0] ^= 1;
	other.wireguard = "#@ mesh office\n#@ interface wg0\n"
		"[Interface]\nAddress = 10.0.0.9/24\nTable = off\n";
	refused(&other, "identity", "10.0.0.1/24 to 10.0.0.9/24");
	other.wireguard = "#@ mesh office\n#@ interface wg1\n[Interface]\n"
		"Address = 10.0.0.9/24, 10.0.0.1/16\nTable = off\n";
	other.network = "route replace 10.3.0.0/16 dev wg1 proto 77\n";
	ck_assert_msg(!gate(&other, NULL), "%s", host.e.text);
}
END_TEST

START_TEST(which_node_this_was)
{
	const struct wanted first = numbered_wanted(1);
	const struct wanted second = numbered_wanted(2);
	struct apply_result result;
	struct run run;

	gates = (struct gates){ .most = DISRUPTION_ACCESS };
	numbered_start(&run, &first);
	run.about.node = "tr";
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	host_finish();
	/* A source that is no document has none. */
	ck_assert_msg(!gate(&second, NULL), "%s", host.e.text);
	node = "tr";
	ck_assert_msg(!gate(&second, NULL), "%s", host.e.text);
	node = "ir";
	refused(&second, "identity", "was the node tr");
	node = NULL;
}
END_TEST

START_TEST(each_kind_of_step_is_saved)
{
	struct plan_file file;

	for (size_t i = 0; i < HOST_CHANGES; i++) {
		const struct host_change *change = &host_changes[i];
		struct run run;

		if (!change->to->wireguard)
			continue;
		host_settle(change->from);
		host_start(&run);
		host_plan(&run, change->to);
		plan_file_make(host.arena, host.secrets, NULL, 5, &run.about,
			       run.want, &run.plan, &file);
		ck_assert_msg(!plan_file_check(&file, host.arena,
					       host.secrets, &run.about,
					       run.want, &run.plan, &host.e),
			      "%s", host.e.text);
		ck_assert_uint_eq(file.steps, run.plan.count);
		host_finish();
		host_close();
		host_open();
	}
}
END_TEST

START_TEST(an_edited_plan_is_none)
{
	static const char *const edits[][2] = {
		{ "meshapply 1 plan", "meshapply 1 plane" },
		{ "about ", "abuot " },
		{ "mesh=office ", "" },
		{ " steps=1", " steps=2" },
		{ " steps=1", "" },
		{ "\nstep ", "\nother " },
		{ "\nstep id=device/wg0 ", "\nstep " },
		{ " before=", " before=00" },
		{ " after=", " aftar=" },
		{ "end\n", "end" },
		{ "end\n", "end\n\n" },
		{ "end\n", "" },
	};
	const struct wanted second = numbered_wanted(2);
	struct plan_file file, back;
	struct sbuf text;

	numbered_settle(1);
	save(&second, &file);
	sbuf_init(&text, host.arena);
	plan_file_text(&text, &file);
	for (size_t i = 0; i < array_size(edits); i++) {
		const char *at = strstr(text.data, edits[i][0]);
		const char *edited;

		ck_assert_msg(at != NULL, "%s", edits[i][0]);
		edited = arena_printf(host.arena, "%.*s%s%s",
				      (int)(at - text.data), text.data,
				      edits[i][1], at + strlen(edits[i][0]));
		memset(&host.e, 0, sizeof(host.e));
		ck_assert_msg(plan_file_parse(host.arena, "x",
					      str_of(edited), &back,
					      &host.e) == -1, "%s", edited);
		ck_assert_int_eq(host.e.kind, ERR_DATA);
	}
	for (size_t i = 0; i < text.size; i++)
		ck_assert_int_eq(plan_file_parse(host.arena, "x", (struct str){
			text.data, i }, &back, &host.e), -1);
}
END_TEST

/* The same plan saved twice has not a digest in common, nor a key in it. */
START_TEST(a_saved_plan_tells_nothing)
{
	const struct wanted second = numbered_wanted(2);
	struct plan_file a, b;
	char key[KEY_TEXT_MAX];
	struct sbuf text;

	save(&second, &a);
	save(&second, &b);
	ck_assert(!str_equal(a.lines, b.lines));
	ck_assert_mem_ne(a.inputs, b.inputs, sizeof(a.inputs));
	sbuf_init(&text, host.arena);
	plan_file_text(&text, &a);
	ck_assert_ptr_null(strstr(text.data, key_format(host_key(1), key)));
	ck_assert_ptr_null(strstr(text.data, key_format(host_key(99), key)));
	ck_assert_ptr_null(strstr(text.data, "51820"));
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(what_was_rolled_back_is_refused),
		CHECK_CASE(a_worse_class_is_refused),
		CHECK_CASE(a_saved_plan_is_done_or_nothing),
		CHECK_CASE(a_saved_plan_knows_its_keys),
		CHECK_CASE(who_this_node_is),
		CHECK_CASE(which_node_this_was),
		CHECK_CASE(each_kind_of_step_is_saved),
		CHECK_CASE(an_edited_plan_is_none),
		CHECK_CASE(a_saved_plan_tells_nothing),
	};

	return check_run_within("gate", cases, array_size(cases), host_open,
				host_close);
}
