/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seals: read back as written, refused where they are cut short, edited or of
 * another run; and questions to the real rtnetlink, which anybody may ask,
 * noted and asked again.
 */
#include <check.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/seal.h"
#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/trace.h"
#include "kern/rt_codec.h"
#include "kern/talk.h"
#include "kern/transcript.h"
#include "kern/volatile.h"
#include "support/check.h"
#include "support/scratch.h"

static struct arena *arena, *secrets, *traced;
static struct scratch scratch;
static struct err e;
static const struct str key = { "program\0source", 14 };

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	secrets = arena_new_secret((size_t)1 << 26);
	traced = arena_new((size_t)1 << 28);
	scratch_open(&scratch);
}

static void teardown(void)
{
	(void)trace_end();
	scratch_close(&scratch);
	arena_freep(&traced);
	arena_freep(&secrets);
	arena_freep(&arena);
}

static int ignore(const struct nlmsghdr *answer, void *data, struct err *why)
{
	(void)answer;
	(void)data;
	(void)why;
	return 0;
}

static const struct talk_reader reader = { .each = ignore };

/* The links of this namespace, one of them, and one that is not there. */
static struct str ask(void)
{
	struct talk talk = { 0 };

	trace_start(traced, secrets);
	ck_assert_int_eq(talk_open(&talk, arena, NETLINK_ROUTE, &e), 0);
	ck_assert_int_eq(talk_dump(&talk, rt_encode_get_links(arena), &reader,
				   &e), 0);
	ck_assert_int_eq(talk_request(&talk, rt_encode_get_link(arena, "lo"),
				      &reader, &e), 0);
	ck_assert_int_lt(talk_request(&talk, rt_encode_get_link(arena,
			"not-there"), &reader, &e), 0);
	talk_close(&talk);
	return trace_end();
}

static bool holds(struct str items)
{
	const struct seal seal = { .mesh = "m", .items = items };

	return seal_holds(&seal, secrets);
}

START_TEST(asked_again)
{
	struct str items = ask(), rest = items;
	struct trace_item item;
	size_t count = 0;
	char *changed;

	ck_assert_ptr_nonnull(items.data);
	while (trace_next(&rest, &item) > 0)
		count += item.kind == TRACE_HEARD;
	ck_assert_uint_eq(count, 3);
	ck_assert(holds(items));
	ck_assert(holds(items));
	/* Another answer, of any byte of the last: how it was refused. */
	changed = arena_copy(arena, items.data, items.size);
	changed[item.bytes.data - items.data]++;
	ck_assert(!holds((struct str){ changed, items.size }));
}
END_TEST

START_TEST(another_name)
{
	struct str items = ask();
	char *changed = arena_copy(arena, items.data, items.size);
	char *name = memmem(changed, items.size, "\x07\x00\x03\x00lo", 6);

	ck_assert_ptr_nonnull(name);
	name[4] = 'x';
	ck_assert(!holds((struct str){ changed, items.size }));
}
END_TEST

START_TEST(what_spoils)
{
	struct talk talk = { 0 };

	ck_assert_int_eq(talk_open(&talk, arena, NETLINK_ROUTE, &e), 0);
	trace_start(traced, secrets);
	ck_assert_int_eq(talk_request(&talk, rt_encode_get_link(arena, "lo"),
				      NULL, &e), 0);
	ck_assert_msg(!trace_end().data, "who wants no answer does not ask");
	talk_close(&talk);
}
END_TEST

/* An item that asks for TYPE of PROTOCOL, and was answered by nothing. */
static struct trace_item request(int32_t protocol, uint16_t type,
				 uint8_t command, bool dump)
{
	struct {
		int32_t protocol;
		uint32_t dump;
		struct nlmsghdr head;
		struct genlmsghdr body;
		char rest[28];
	} *name = arena_alloc(arena, sizeof(*name));
	size_t size = sizeof(*name) - offsetof(typeof(*name), head);

	name->protocol = protocol;
	name->dump = dump;
	name->head.nlmsg_len = (uint32_t)size;
	name->head.nlmsg_type = type;
	name->head.nlmsg_flags = NLM_F_REQUEST;
	name->body.cmd = command;
	return (struct trace_item){
		.kind = TRACE_HEARD,
		.name = { (const char *)name, sizeof(*name) },
		.bytes = { arena_alloc(arena, 40), 40 },
	};
}

START_TEST(nothing_but_questions)
{
	const struct {
		int32_t protocol;
		uint16_t type;
		uint8_t command;
		bool dump;
	} writes[] = {
		{ NETLINK_ROUTE, RTM_NEWLINK, 0, false },
		{ NETLINK_ROUTE, RTM_DELLINK, 0, true },
		{ NETLINK_ROUTE, RTM_SETLINK, 0, false },
		{ NETLINK_ROUTE, RTM_DELROUTE, 0, true },
		{ NETLINK_ROUTE, NLMSG_NOOP, 0, false },
		{ NETLINK_NETFILTER, 10 << 8 | 2, 0, false },	/* DELTABLE */
		{ NETLINK_NETFILTER, 1 << 8 | 1, 0, true },	/* conntrack */
		{ NETLINK_NETFILTER, 0x10, 0, false },		/* a batch */
		{ NETLINK_GENERIC, 0x20, WG_CMD_SET_DEVICE, true },
		{ NETLINK_GENERIC, 0x20, WG_CMD_GET_DEVICE, false },
		{ NETLINK_GENERIC, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, false },
		{ NETLINK_AUDIT, 1000, 0, false },
	};

	for (size_t i = 0; i < array_size(writes); i++) {
		const struct trace_item item = request(writes[i].protocol,
			writes[i].type, writes[i].command, writes[i].dump);
		struct replay replay = {
			.buffer = arena_alloc(secrets, REPLAY_BUFFER),
			.blanked = blanked_new(secrets),
		};

		ck_assert_msg(!transcript_holds(&item, &replay), "%zu", i);
		ck_assert_msg(!replay.route.socket && !replay.generic.socket &&
			      !replay.nft.socket, "nothing is sent: %zu", i);
	}
}
END_TEST

START_TEST(short_items)
{
	struct trace_item item = request(NETLINK_ROUTE, RTM_GETLINK, 0, true);
	struct replay replay = {
		.buffer = arena_alloc(secrets, REPLAY_BUFFER),
		.blanked = blanked_new(secrets),
	};
	size_t whole = item.name.size;

	for (item.name.size = 0; item.name.size < whole; item.name.size++)
		ck_assert(!transcript_holds(&item, &replay));
	for (item.bytes.size = 0; item.bytes.size < 40; item.bytes.size++)
		ck_assert(!transcript_holds(&item, &replay));
	replay_close(&replay);
}
END_TEST

/* A store as far as a seal needs one, beneath the scratch folder. */
static struct store *store_of(const char *mesh)
{
	struct store *s = arena_new_object(arena, struct store);
	const char *path = arena_printf(arena, "%s/run/meshapply", scratch.path);

	(void)mkdirat(scratch.folder, "run", 0755);
	(void)mkdirat(scratch.folder, "run/meshapply", 0755);
	s->mesh = mesh;
	s->run = folder_open(path, mesh, true, 0755, &e);
	ck_assert_int_ge(s->run, 0);
	return s;
}

static struct store *sealed(const char *mesh, int64_t until)
{
	const struct seal seal = { mesh, until, ask() };
	struct store *s = store_of(mesh);

	ck_assert_int_eq(seal_write(s, key, &seal, arena, &e), 0);
	return s;
}

static bool found(struct seal *out)
{
	return seal_find(scratch.path, key, false, arena, out);
}

START_TEST(written_and_found)
{
	struct store *s;
	struct seal seal;
	struct stat st;

	ck_assert(!found(&seal));
	close(store_of("other")->run);
	ck_assert(!found(&seal));
	s = sealed("office", 1234);
	ck_assert(found(&seal));
	ck_assert_str_eq(seal.mesh, "office");
	ck_assert_int_eq(seal.until, 1234);
	ck_assert(seal_holds(&seal, secrets));
	ck_assert_int_eq(fstatat(s->run, STORE_SEAL, &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(!seal_find(scratch.path, STR("another key"), false,
			     arena, &seal));
	/* Open to others, through a link, in another mesh's folder. */
	ck_assert_int_eq(fchmodat(s->run, STORE_SEAL, 0644, 0), 0);
	ck_assert(!found(&seal));
	ck_assert_int_eq(fchmodat(s->run, STORE_SEAL, 0600, 0), 0);
	ck_assert(found(&seal));
	ck_assert_int_eq(renameat(s->run, STORE_SEAL, s->run, "x"), 0);
	ck_assert_int_eq(symlinkat("x", s->run, STORE_SEAL), 0);
	ck_assert(!found(&seal));
	ck_assert_int_eq(unlinkat(s->run, STORE_SEAL, 0), 0);
	ck_assert_int_eq(renameat(s->run, "x", scratch.folder,
				  "run/meshapply/other/" STORE_SEAL), 0);
	ck_assert(!found(&seal));
	close(s->run);
}
END_TEST

static struct str file_of(struct store *s)
{
	struct str file;

	ck_assert_int_eq(file_read(s->run, STORE_SEAL, (size_t)64 << 20, arena,
				   &file, &e), 0);
	close(s->run);
	return file;
}

START_TEST(cut_short)
{
	struct str file = file_of(sealed("office", 1));
	char *longer = arena_alloc(arena, file.size + 8);
	struct seal seal;

	ck_assert(seal_take(file, key, &seal));
	for (size_t size = 0; size < file.size; size++)
		ck_assert(!seal_take((struct str){
			arena_copy(arena, file.data, size), size }, key,
			&seal));
	memcpy(longer, file.data, file.size);
	ck_assert(!seal_take((struct str){ longer, file.size + 8 }, key,
			     &seal));
}
END_TEST

START_TEST(edited)
{
	struct str file = file_of(sealed("office", 1));
	const char *const words[] = { "meshapply seal 1", "program", "office" };
	const char *const instead[] = { "meshapply seal 2", "Program",
					"../etc" };
	struct seal seal;

	for (size_t i = 0; i < array_size(words); i++) {
		char *copy = arena_copy(arena, file.data, file.size);
		char *at = memmem(copy, file.size, words[i], strlen(words[i]));

		ck_assert_ptr_nonnull(at);
		memcpy(at, instead[i], strlen(instead[i]));
		ck_assert_msg(!seal_take((struct str){ copy, file.size }, key,
					 &seal), "%s", words[i]);
	}
}
END_TEST

START_TEST(too_large)
{
	const size_t size = (size_t)65 << 20;
	struct store *s = sealed("office", 1);
	struct seal seal = { "office", 1, { arena_alloc(traced, size), size } };

	ck_assert_int_eq(seal_write(s, key, &seal, traced, &e), 0);
	ck_assert_msg(!found(&seal), "nor is the old one left");
	close(s->run);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(asked_again), CHECK_CASE(another_name),
		CHECK_CASE(what_spoils), CHECK_CASE(nothing_but_questions),
		CHECK_CASE(short_items), CHECK_CASE(written_and_found),
		CHECK_CASE(cut_short), CHECK_CASE(edited),
		CHECK_CASE(too_large),
	};

	return check_run_within("seal", cases, array_size(cases), setup,
				teardown);
}
