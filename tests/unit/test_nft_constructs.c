/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every construct of nft's language, loaded twice, compared, and changed. */
#include <string.h>
#include <sys/socket.h>

#include "kern/nft_wire.h"
#include "support/nft_live.h"

#define CONSTRUCTS "tests/netns/constructs.nft"
#define TABLE "meshapply_constructs"

static void make_traffic(void)
{
	static const uint16_t ports[] = {
		21, 22, 53, 80, 443, 4000, 5000, 7777, 9001, 9002, 9999,
	};

	for (size_t i = 0; i < array_size(ports); i++) {
		live_send_packet(SOCK_STREAM, ports[i], "127.0.0.1");
		live_send_packet(SOCK_DGRAM, ports[i], "127.0.0.1");
	}
}

START_TEST(every_construct_is_stable)
{
	struct str text = live_read_text(CONSTRUCTS), before;
	struct firewall want = live_compile(TABLE, text), have;

	live_load(TABLE, text);
	before = live_dump(TABLE);
	have = live_observe(TABLE);
	live_assert_same(&want, &have);
	for (int i = 0; i < 100 && str_equal(before, live_dump(TABLE)); i++)
		make_traffic();
	ck_assert_msg(!str_equal(before, live_dump(TABLE)),
		      "no packet counted");
	have = live_observe(TABLE);
	live_assert_same(&want, &have);
	want = live_compile(TABLE, text);
	live_assert_same(&want, &have);
	ck_assert_uint_gt(want.element_count, 60);
	/* another handle, another name of each anonymous set and chain */
	live_load(TABLE, text);
	have = live_observe(TABLE);
	live_assert_same(&want, &have);
}
END_TEST

START_TEST(a_listing_compiles_to_the_same)
{
	struct str text = live_read_text(CONSTRUCTS);
	struct firewall want, have;

	live_load(TABLE, text);
	make_traffic();
	have = live_observe(TABLE);
	ck_assert_msg(nftc_list(live.arena, live.helper, -1, TABLE, &text,
				&live.e) == 0, "%s", live.e.text);
	want = live_compile(TABLE, text);
	live_assert_same(&want, &have);
}
END_TEST

/* TEXT with the last digit of the line at OFFSET changed; false: none. */
static bool change_digit(struct str text, size_t offset, size_t size,
			 char **out)
{
	for (size_t i = offset + size; i > offset; i--) {
		char c = text.data[i - 1];

		if (c < '0' || c > '9')
			continue;
		*out = arena_strndup(live.arena, text.data, text.size);
		(*out)[i - 1] = c == '9' ? '8' : (char)(c + 1);
		return true;
	}
	return false;
}

/* A line that the compiler may not look at, or in which digits are names. */
static bool is_plain_rule(struct str line)
{
	return line.size > 2 && line.data[0] == '\t' && line.data[1] == '\t' &&
	       !memmem(line.data, line.size, "comment", 7);
}

START_TEST(every_change_is_seen)
{
	struct str text = live_read_text(CONSTRUCTS), rest = text, line;
	struct firewall want = live_compile(TABLE, text);
	size_t changed = 0, lines = 0, which = 0;

	while (str_next(&rest, '\n', &line)) {
		size_t offset = (size_t)(line.data - text.data);
		size_t mark = arena_mark(live.arena);
		struct firewall other;
		struct diags diags;
		char *mutant;

		if (!is_plain_rule(line) || which++ % 4 != (size_t)_i)
			continue;
		lines++;
		if (change_digit(text, offset, line.size, &mutant) &&
		    live_try_compile(TABLE, (struct str){ mutant, text.size },
				&other, &diags) == 0) {
			changed++;
			ck_assert_msg(firewall_compare(&want, &other) !=
				      FIREWALL_SAME, "not seen: %.*s",
				      (int)line.size, line.data);
		}
		arena_reset(live.arena, mark);
	}
	ck_assert_msg(changed * 3 > lines, "%zu of %zu", changed, lines);
}
END_TEST

/* In the chains: what a set leaves out may well be its default. */
START_TEST(every_rule_left_out_is_seen)
{
	struct str text = live_read_text(CONSTRUCTS), rest, line;
	struct firewall want = live_compile(TABLE, text);
	size_t seen = 0, which = 0;

	rest.data = memmem(text.data, text.size, "chain raw_pre", 13);
	ck_assert_ptr_nonnull(rest.data);
	rest.size = text.size - (size_t)(rest.data - text.data);
	while (str_next(&rest, '\n', &line)) {
		size_t offset = (size_t)(line.data - text.data);
		size_t mark = arena_mark(live.arena);
		struct firewall other;
		struct diags diags;
		char *mutant;

		if (!is_plain_rule(line) || which++ % 4 != (size_t)_i)
			continue;
		mutant = arena_strndup(live.arena, text.data, text.size);
		memset(mutant + offset, ' ', line.size);
		if (live_try_compile(TABLE, (struct str){ mutant, text.size },
				&other, &diags) == 0) {
			seen++;
			ck_assert_msg(firewall_compare(&want, &other) !=
				      FIREWALL_SAME, "not seen: %.*s",
				      (int)line.size, line.data);
		}
		arena_reset(live.arena, mark);
	}
	ck_assert_uint_gt(seen, 20);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, every_construct_is_stable);
	tcase_add_test(t, a_listing_compiles_to_the_same);
	tcase_add_loop_test(t, every_change_is_seen, 0, 4);
	tcase_add_loop_test(t, every_rule_left_out_is_seen, 0, 4);
}

int main(void)
{
	return live_main("nft: constructs", add);
}
