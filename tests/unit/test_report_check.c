/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitoring system is told, and what doctor tells. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/check.h"
#include "report/doctor.h"
#include "report/report.h"
#include "support/check.h"

#define NOW INT64_C(1800000000)

static struct arena *arena;
static struct check check;
static struct peer peers[3];
static struct device device;
static struct plan drift;
static bool silent[3];
static struct status status;

static void setup(void)
{
	arena = arena_new((size_t)1 << 24);
	memset(peers, 0, sizeof(peers));
	memset(silent, 0, sizeof(silent));
	for (size_t i = 0; i < array_size(peers); i++) {
		peers[i].public_key.bytes[0] = (uint8_t)(i + 1);
		peers[i].received = 100;
		peers[i].sent = 7;
	}
	peers[1].last_handshake = NOW - 34;
	peers[2].last_handshake = NOW - 90;
	device = (struct device){ .name = "wg0", .up = true, .peers = peers,
				  .peer_count = 3 };
	drift = (struct plan){ 0 };
	status = (struct status){ .have = &device, .drift = &drift,
				  .mesh = "office", .now = NOW,
				  .silent = silent };
	check_init(&check, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const char *line(void)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	check_line(&check, &out);
	return out.data;
}

static void expect(enum check_state state, const char *words)
{
	const char *text = line();

	ck_assert_int_eq(check.state, state);
	ck_assert_msg(strstr(text, words) != NULL, "%s", text);
	/* One line, one bar. */
	ck_assert_ptr_eq(strchr(text, '|'), strrchr(text, '|'));
	ck_assert_uint_eq(strcspn(text, "\n") + 1, strlen(text));
}

START_TEST(fine)
{
	check_mesh(&check, &status);
	ck_assert_str_eq(line(), "MESHAPPLY OK - office: 3 peers, 0 silent, "
			 "as applied | 'office_peers'=3;;;0 "
			 "'office_silent'=0;0;2;0;3 'office_handshake'=34s;;;0 "
			 "'office_received'=300c 'office_sent'=21c "
			 "'office_drift'=0;0;;0\n");
	ck_assert_int_eq(check.state, CHECK_OK);
}
END_TEST

START_TEST(some_silent)
{
	static const struct peer named = { .name = "a|b",
					   .public_key.bytes = { 1 } };
	struct device last = { .peers = (struct peer[]){ named },
			       .peer_count = 1 };

	silent[0] = true;
	status.silent_count = 1;
	status.last = &last;
	check_mesh(&check, &status);
	expect(CHECK_WARNING, "3 peers, 1 silent (a/b), as applied");
}
END_TEST

START_TEST(all_silent)
{
	memset(silent, true, sizeof(silent));
	status.silent_count = 3;
	check_mesh(&check, &status);
	expect(CHECK_CRITICAL, "CRITICAL - office: 3 peers, 3 silent (");
}
END_TEST

START_TEST(nobody)
{
	device.peer_count = 0;
	check_mesh(&check, &status);
	expect(CHECK_OK, "'office_silent'=0;0;0;0;0 'office_handshake'=U");
}
END_TEST

START_TEST(drifted)
{
	drift.count = 2;
	check_mesh(&check, &status);
	expect(CHECK_WARNING, "drifted by 2 steps");
}
END_TEST

START_TEST(not_kept)
{
	status.drift = NULL;
	check_mesh(&check, &status);
	expect(CHECK_OK, "what was applied is not kept");
	ck_assert(strstr(line(), "'office_drift'=U") != NULL);
}
END_TEST

START_TEST(down_and_gone)
{
	device.up = false;
	check_mesh(&check, &status);
	expect(CHECK_CRITICAL, "wg0 is down");
	check_init(&check, arena);
	status.have = NULL;
	check_mesh(&check, &status);
	expect(CHECK_CRITICAL, "its device is gone");
	ck_assert_ptr_null(strchr(line(), '|'));
}
END_TEST

START_TEST(interrupted)
{
	status.interrupted = true;
	check_mesh(&check, &status);
	expect(CHECK_WARNING, "a run was interrupted");
}
END_TEST

/* The worst of all; what is not known hides less than what is critical. */
START_TEST(several)
{
	struct err e = { .text = "no right | to look" };

	check_mesh(&check, &status);
	status.mesh = "a=b";
	check_mesh(&check, &status);
	expect(CHECK_OK, "; a=b: 3 peers");
	ck_assert(strstr(line(), "'a_b_peers'=3") != NULL);
	check_failed(&check, "lab", &e);
	expect(CHECK_UNKNOWN, "lab: no right / to look");
	device.up = false;
	check_mesh(&check, &status);
	expect(CHECK_CRITICAL, "CRITICAL");
	check_failed(&check, NULL, &e);
	expect(CHECK_CRITICAL, "CRITICAL");
}
END_TEST

START_TEST(findings)
{
	struct finding items[] = {
		{ .level = FINDING_ERROR, .id = "x", .mesh = "office",
		  .what = "what\n", .why = "why", .file = "/etc/f",
		  .content = "[A]\n\nb=c\n", .commands = { "one", "two" } },
		{ .level = FINDING_WARNING, .id = "y", .what = "w",
		  .why = "v", .commands = { "three" } },
	};
	const struct doctor_findings f = { items, 2, 2 };
	json_t *list = doctor_json(arena, &f);
	struct sbuf out;

	sbuf_init(&out, arena);
	doctor_text(&out, &f, false);
	ck_assert_str_eq(out.data, "error: office: what\\x0a\n  why\n"
			 "  write /etc/f:\n      [A]\n\n      b=c\n"
			 "  run:\n      one\n      two\n\n"
			 "warning: w\n  v\n  run:\n      three\n\n"
			 "1 error, 1 warning\n");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert(json_is_null(json_object_get(json_array_get(list, 1),
					       "mesh")));
	ck_assert_uint_eq(json_array_size(json_object_get(
		json_array_get(list, 0), "commands")), 2);
	json_decref(list);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(fine), CHECK_CASE(some_silent),
		CHECK_CASE(all_silent), CHECK_CASE(nobody),
		CHECK_CASE(drifted), CHECK_CASE(not_kept),
		CHECK_CASE(down_and_gone), CHECK_CASE(interrupted),
		CHECK_CASE(several), CHECK_CASE(findings),
	};

	return check_run_within("report: check", cases, array_size(cases),
				setup, teardown);
}
