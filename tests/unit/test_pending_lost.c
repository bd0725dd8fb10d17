/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits to be confirmed where the host, its namespace or its disk is not
 * what it was, and what lies among the records and is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/pending_private.h"
#include "support/check.h"
#include "support/disk.h"
#include "support/netns.h"
#include "support/pending.h"

static void setup(void)
{
	host_open();
	pending_refuse(false);
}

/* The record speaks of the network namespace NETNS. */
static void move_to(uint64_t netns)
{
	struct str text = pending_text();
	char *at = pending_find(text.data, text.size, " netns=") + strlen(" netns=");
	struct sbuf out;

	sbuf_init(&out, host.secrets);
	sbuf_add(&out, text.data, (size_t)(at - text.data));
	sbuf_printf(&out, "%llu", (unsigned long long)netns);
	at += strspn(at, "0123456789");
	sbuf_add(&out, at, (size_t)(text.data + text.size - at));
	pending_put((struct str){ out.data, out.size });
}

START_TEST(another_namespace_is_left_alone)
{
	uint64_t living = netns_living();
	struct state *now;
	struct run run;

	if (!living)
		return;
	pending_settle(&wanted_first);
	now = host_snapshot();
	move_to(living);
	ck_assert(!pending_look()->here);
	ck_assert(pending_look()->same_boot);
	host_start(&run);
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_CONFIG);
	ck_assert_int_eq(pending_confirm(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_CONFIG);
	host_finish();
	ck_assert_msg(!host_differs(now), "%s", host_differs(now));
	ck_assert(pending_is_there());
}
END_TEST

/* As another boot: a container was started anew. */
START_TEST(a_namespace_that_is_gone)
{
	struct state *before;

	host_settle(&wanted_first);
	before = host_snapshot();
	pending_settle(&wanted_second);
	host_boot();
	move_to(NETNS_NONE);
	(void)!unlinkat(host.scratch.folder, "var/lib/meshapply/sysctls", 0);
	ck_assert(!pending_look()->here);
	ck_assert(!pending_look()->same_boot);
	ck_assert(pending_overdue(pending_look()));
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
}
END_TEST

/* The kernel forgets all, and what is kept of this boot is of another. */
static void boot_anew(void)
{
	struct str text = pending_text();
	char *copy = arena_strndup(host.secrets, text.data, text.size);
	char *boot = pending_find(copy, text.size, " boot=");

	host_boot();
	boot += strlen(" boot=");
	*boot = *boot == '0' ? '1' : '0';
	pending_put((struct str){ copy, text.size });
	(void)!unlinkat(host.scratch.folder, "var/lib/meshapply/sysctls", 0);
}

START_TEST(a_reboot_leads_back_as_well)
{
	struct state *before;
	const char *kept;
	struct run run;

	host_settle(&wanted_first);
	before = host_snapshot();
	kept = pending_kept();
	pending_settle(&wanted_second);
	boot_anew();
	ck_assert(!pending_look()->same_boot);
	ck_assert(pending_overdue(pending_look()));
	host_start(&run);
	ck_assert_int_eq(pending_confirm(&run, "too late", &host.e), -1);
	host_finish();
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_str_eq(pending_kept(), kept);
	ck_assert_int_eq(pending_how().how, SETTLED_ROLLED_BACK);
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
	host_converged(&wanted_first, "after a reboot");
}
END_TEST

START_TEST(a_reboot_leads_back_to_nothing)
{
	struct state *before;
	const char *kept;

	before = host_snapshot();
	kept = pending_kept();
	pending_settle(&wanted_first);
	boot_anew();
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_str_eq(pending_kept(), kept);
	ck_assert(!pending_is_there());
}
END_TEST

/* The record is the state: a disk that takes nothing does not keep it from the
   kernel, and is waited for. */
START_TEST(a_reboot_with_a_disk_that_is_full)
{
	static const int errors[] = { ENOSPC, EROFS };
	struct state *before;
	const char *kept;
	struct run run;

	host_settle(&wanted_first);
	before = host_snapshot();
	kept = pending_kept();
	pending_settle(&wanted_second);
	boot_anew();
	for (size_t i = 0; i < array_size(errors); i++) {
		const struct disk_fault fault = {
			.times = SIZE_MAX, .error = errors[i], .kept = true,
		};

		host_start(&run);
		disk_start(&fault);
		ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e),
				 -1);
		ck_assert_uint_gt(disk_stop(), 0);
		ck_assert_msg(host.e.kind == ERR_INCOMPLETE, "%s",
			      host.e.text);
		host_finish();
		ck_assert_msg(!host_differs(before), "%s",
			      host_differs(before));
		ck_assert(pending_is_there());
		ck_assert(host_tidy());
	}
	pending_undo();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert_str_eq(pending_kept(), kept);
	ck_assert_int_eq(pending_newest(), GENERATION_ROLLED_BACK);
	ck_assert_int_eq(pending_how().how, SETTLED_ROLLED_BACK);
	host_converged(&wanted_first, "after a full disk");
}
END_TEST

/* Of this boot as well. */
START_TEST(a_disk_that_is_full)
{
	const struct disk_fault fault = {
		.times = SIZE_MAX, .error = ENOSPC, .kept = true,
	};
	struct state *before;
	const char *kept;
	struct run run;

	host_settle(&wanted_first);
	before = host_snapshot();
	kept = pending_kept();
	pending_settle(&wanted_second);
	host_start(&run);
	disk_start(&fault);
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	disk_stop();
	ck_assert_int_eq(host.e.kind, ERR_INCOMPLETE);
	ck_assert_ptr_nonnull(strstr(host.e.text, "as it was before"));
	host_finish();
	ck_assert_msg(!host_differs(before), "%s", host_differs(before));
	ck_assert(pending_is_there());
	pending_undo();
	ck_assert_str_eq(pending_kept(), kept);
}
END_TEST

#define KEY_WORD (strlen(" private-key=") + KEY_TEXT_MAX - 1)

/* What the record does not hold is not made up. */
START_TEST(a_reboot_without_the_key)
{
	struct state *booted;
	struct str text;
	char *copy, *at;
	struct run run;

	host_settle(&wanted_first);
	pending_settle(&wanted_second);
	boot_anew();
	text = pending_text();
	copy = arena_strndup(host.secrets, text.data, text.size);
	at = pending_find(copy, text.size, " private-key=");
	memmove(at, at + KEY_WORD, (size_t)(copy + text.size - at) - KEY_WORD);
	pending_put((struct str){ copy, text.size - KEY_WORD });
	booted = host_snapshot();
	host_start(&run);
	ck_assert_int_eq(pending_roll_back(&run, "tested", &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_CONFIG);
	host_finish();
	ck_assert_msg(!host_differs(booted), "%s", host_differs(booted));
	ck_assert(pending_is_there());
}
END_TEST

#define ASIDE "var/lib/meshapply/.pending.bad/"

static bool is_aside(const char *name)
{
	return !faccessat(host.scratch.folder,
			  arena_printf(host.arena, ASIDE "%s", name), F_OK,
			  AT_SYMLINK_NOFOLLOW);
}

START_TEST(rubbish_is_put_aside)
{
	struct run run;
	struct stat st;

	pending_settle(&wanted_first);
	pending_put(STR("rubbish\n"));
	host_start(&run);
	ck_assert_msg(!pending_set_aside(&run, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert(!pending_is_there());
	ck_assert(is_aside("office"));
	ck_assert_int_eq(fstatat(host.scratch.folder, ASIDE, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(pending_newest(), GENERATION_APPLIED);
	/* It may hold keys: it goes with the mesh. */
	host_start(&run);
	ck_assert_int_eq(store_forget(host.store, &host.e), 0);
	ck_assert(!is_aside("office"));
	host_finish();
}
END_TEST

START_TEST(strays_are_put_aside)
{
	static const char *const strays[] = { "a b", "-x", "a\nb", "~" };
	const char **names;
	struct run run;
	size_t count;
	int folder;

	pending_settle(&wanted_first);
	folder = openat(host.scratch.folder, "var/lib/meshapply/.pending",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < array_size(strays); i++)
		close(openat(folder, strays[i], O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(mkdirat(folder, "c d", 0700), 0);
	close(openat(folder, ".hidden", O_CREAT | O_WRONLY, 0600));
	host_start(&run);
	ck_assert_msg(!pending_sweep(host.scratch.path, host.arena, &names,
				     &count, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert_uint_eq(count, array_size(strays) + 1);
	for (size_t i = 0; i < array_size(strays); i++) {
		ck_assert(is_aside(strays[i]));
		ck_assert(faccessat(folder, strays[i], F_OK, 0));
	}
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_null(strchr(names[i], '\n'));
	ck_assert(is_aside("c d"));
	ck_assert(!is_aside(".hidden"));
	ck_assert(pending_is_there());
	close(folder);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(another_namespace_is_left_alone),
		CHECK_CASE(a_namespace_that_is_gone),
		CHECK_CASE(rubbish_is_put_aside),
		CHECK_CASE(strays_are_put_aside),
		CHECK_CASE(a_reboot_leads_back_as_well),
		CHECK_CASE(a_reboot_leads_back_to_nothing),
		CHECK_CASE(a_reboot_without_the_key),
		CHECK_CASE(a_reboot_with_a_disk_that_is_full),
		CHECK_CASE(a_disk_that_is_full),
	};

	return check_run_within("pending lost", cases, array_size(cases),
				setup, host_close);
}
