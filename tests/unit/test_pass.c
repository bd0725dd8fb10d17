/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's connection in the live table, and not in what is kept. */
#include <stdio.h>
#include <string.h>

#include "apply/pass.h"
#include "base/diag.h"
#include "base/file.h"
#include "state/firewall.h"
#include "state/firewall_pass.h"
#include "support/build.h"
#include "support/check.h"
#include "support/host.h"

#define TABLE(elements, policy) \
	"table inet meshapply_office {\n\tchain a {\n\t\ttype filter hook " \
	"input priority 0; policy " policy ";\n\t}\n" elements "}\n"
#define PASS "tcp sport 50022"

static const struct wanted closed = {
	.name = "closed", .key = 1,
	.wireguard = "#@ mesh office\n#@ interface wg0\n[Interface]\n"
		"Address = 10.0.0.1/24\nMTU = 1420\nTable = off\n",
	.firewall = TABLE("", "drop"),
};
static const struct wanted open_table = {
	.name = "open", .key = 1,
	.wireguard = "#@ mesh office\n#@ interface wg0\n[Interface]\n"
		"Address = 10.0.0.1/24\nMTU = 1420\nTable = off\n",
	.firewall = TABLE("", "accept"),
};
static const struct wanted no_chain = {
	.name = "no chain", .key = 1,
	.wireguard = "#@ mesh office\n#@ interface wg0\n[Interface]\n"
		"Address = 10.0.0.1/24\nMTU = 1420\nTable = off\n",
	.firewall = "table inet meshapply_office {\n}\n",
};

static struct plan_path path;
static struct diags diags;

static void setup(void)
{
	host_open();
	diags_init(&diags, host.arena);
	path = (struct plan_path){
		.local = build_prefix("10.0.0.1").ip, .local_port = 22,
		.remote = build_prefix("10.0.0.2").ip, .remote_port = 50022,
	};
}

static void teardown(void)
{
	host_close();
}

/* The live table is what TEXT makes, let through or not. */
static bool live_is(const char *text, bool passes)
{
	const struct firewall_pass pass = {
		.local = path.local, .remote = path.remote,
		.local_port = path.local_port,
		.remote_port = path.remote_port,
	};
	struct firewall f = { .table = "meshapply_office",
			      .text = str_of(text) };

	if (passes)
		f.text = firewall_pass_add(host.arena, f.text, &pass);
	model_compile(host.arena, &f);
	return host.model->firewall &&
	       firewall_compare(&f, host.model->firewall) == FIREWALL_SAME;
}

static void prepare(struct run *run, const struct wanted *wanted)
{
	struct state *want = host_want(wanted);

	host_start(run);
	run->options.path = &path;
	ck_assert(!converge_plan(run, want, &diags, &host.e));
	ck_assert_msg(!pass_add(run, want, &diags, &host.e), "%s",
		      host.e.text);
}

static void take(struct run *run)
{
	struct apply_result result;

	ck_assert_msg(!apply_plan(run, &result, &host.e), "%s", host.e.text);
	host_finish();
}

static const char *kept(void)
{
	cleanup_fd int folder = folder_open(host.scratch.path,
		"/var/lib/meshapply/office/applied", false, 0, &host.e);
	struct str text = { 0 };

	ck_assert_int_ge(folder, 0);
	ck_assert(!file_read(folder, "firewall.nft", 1 << 16, host.arena,
			     &text, &host.e));
	return text.data;
}

static int take_away(void)
{
	struct run run;
	int status;

	host_start(&run);
	status = pass_remove(&run, &host.e);
	host_finish();
	return status;
}

START_TEST(let_through)
{
	struct run run;
	uint64_t writes;

	host_settle(&open_table);
	prepare(&run, &closed);
	ck_assert_ptr_nonnull(run.clean);
	ck_assert_uint_eq(run.plan.count, 1);
	take(&run);
	ck_assert(live_is(closed.firewall, true));
	ck_assert_str_eq(kept(), closed.firewall);
	ck_assert_msg(!take_away(), "%s", host.e.text);
	ck_assert(live_is(closed.firewall, false));
	/* Nothing is left to do, then or later. */
	writes = host.model->kernel.writes;
	ck_assert(!take_away());
	ck_assert_uint_eq(host.model->kernel.writes, writes);
	host_converged(&closed, "then");
}
END_TEST

START_TEST(a_first_one)
{
	struct run run;

	prepare(&run, &closed);
	take(&run);
	ck_assert(live_is(closed.firewall, true));
	ck_assert(!take_away());
	host_converged(&closed, "then");
}
END_TEST

/* Of two in a row the later one's stands. */
START_TEST(once_more)
{
	struct run run;

	prepare(&run, &closed);
	take(&run);
	path.remote_port = 50023;
	prepare(&run, &closed);
	ck_assert_ptr_nonnull(run.clean);
	take(&run);
	ck_assert(live_is(closed.firewall, true));
	ck_assert_str_eq(kept(), closed.firewall);
	ck_assert(!take_away());
	ck_assert(live_is(closed.firewall, false));
}
END_TEST

START_TEST(none)
{
	struct run run;

	/* No chain that could drop it. */
	prepare(&run, &no_chain);
	ck_assert_ptr_null(run.clean);
	take(&run);
	/* The table stays as it is. */
	prepare(&run, &no_chain);
	ck_assert_ptr_null(run.clean);
	ck_assert_uint_eq(run.plan.count, 0);
	take(&run);
	ck_assert(!take_away());
	host_converged(&no_chain, "then");
}
END_TEST

START_TEST(without_a_path)
{
	struct state *want = host_want(&closed);
	struct run run;

	host_start(&run);
	ck_assert(!converge_plan(&run, want, &diags, &host.e));
	ck_assert(!pass_add(&run, want, &diags, &host.e));
	ck_assert_ptr_null(run.clean);
	take(&run);
	ck_assert(live_is(closed.firewall, false));
}
END_TEST

START_TEST(unchecked)
{
	struct run run;

	host.model->no_namespaces = true;
	prepare(&run, &closed);
	ck_assert_ptr_null(run.clean);
	host_finish();
}
END_TEST

/* What could not be loaded stays pending. */
START_TEST(refused)
{
	struct run run;

	prepare(&run, &closed);
	take(&run);
	host.model->fault = (struct model_fault){
		.at = host.model->sent, .times = 1,
	};
	ck_assert(take_away());
	ck_assert_ptr_nonnull(strstr(host.e.text, "pass"));
	ck_assert(live_is(closed.firewall, true));
	ck_assert(!take_away());
	ck_assert(live_is(closed.firewall, false));
}
END_TEST

static const struct plan_path *other_path(void)
{
	static struct plan_path other;

	other = path;
	other.remote_port++;
	return &other;
}

/* While it is pending it is nobody's change: of this table and pass alone. */
START_TEST(no_drift)
{
	const char *word = pass_write(host.arena, &path);
	const char *other = pass_write(host.arena, other_path());
	struct plan_path again;
	struct state *want;
	struct run run;
	bool over;

	ck_assert(!pass_read(word, &again));
	ck_assert_str_eq(pass_write(host.arena, &again), word);
	ck_assert(pass_read("10.0.0.2,50022,10.0.0.1", &again));
	prepare(&run, &closed);
	take(&run);
	for (int i = 0; i < 3; i++) {
		want = host_want(i < 2 ? &closed : &open_table);
		host_start(&run);
		ck_assert(!converge_plan(&run, want, &diags, &host.e));
		ck_assert_uint_eq(run.plan.count, 1);
		ck_assert_msg(!pass_over(&run, want, i ? other : word, &over,
					 &host.e), "%s", host.e.text);
		ck_assert_int_eq(over, !i);
		ck_assert_uint_eq(run.plan.count, over ? 0 : 1);
		host_finish();
	}
	/* Of another table with that pass as well. */
	want = host_want(&open_table);
	host_start(&run);
	ck_assert(!converge_plan(&run, want, &diags, &host.e));
	ck_assert(!pass_over(&run, want, word, &over, &host.e) && !over);
	host_finish();
}
END_TEST

START_TEST(gone)
{
	struct run run;

	prepare(&run, &closed);
	take(&run);
	host.model->firewall = NULL;
	ck_assert(!take_away());
	ck_assert_ptr_null(host.model->firewall);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(let_through), CHECK_CASE(a_first_one),
		CHECK_CASE(once_more), CHECK_CASE(none),
		CHECK_CASE(without_a_path), CHECK_CASE(unchecked),
		CHECK_CASE(refused), CHECK_CASE(no_drift),
		CHECK_CASE(gone),
	};

	return check_run_within("pass", cases, array_size(cases), setup,
				teardown);
}
