/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generations: their file, which are kept, what the guards make of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/generation_private.h"
#include "apply/store_private.h"
#include "state/text.h"
#include "support/check.h"
#include "support/numbered.h"
#include "support/pending.h"

#define FOLDER "var/lib/meshapply/office/generations"

static const struct identity here = { .boot = "boot", .netns = 7 };

static const char *path_of(const char *name)
{
	return arena_printf(host.arena, "%s/" FOLDER "/%s",
			    host.scratch.path, name);
}

static struct str text_of(const struct generation *g)
{
	struct sbuf out;

	sbuf_init(&out, host.arena);
	generation_write(&out, &here, g);
	return (struct str){ out.data, out.size };
}

static bool parse(struct str text, struct generation *out)
{
	struct records r = { .arena = host.arena, .secrets = host.arena,
			     .rest = text };
	struct identity of = { 0 };

	return generation_parse(&r, &of, out);
}

static struct generation sample(void)
{
	struct generation g = {
		.number = 12, .time = 1700000000, .source = "of fice.json",
		.node = "tr", .has_serial = true, .serial = 7,
		.disruption = DISRUPTION_MESH,
		.state = GENERATION_ROLLED_BACK, .back_to = 3,
		.texts = { STR("[Interface]\n"), { 0 }, STR("") },
	};

	memset(g.digest, 0xab, sizeof(g.digest));
	memset(g.public_key.bytes, 5, KEY_SIZE);
	return g;
}

START_TEST(a_file_is_read_as_it_was_written)
{
	struct generation g = sample(), back;
	struct str text = text_of(&g);

	ck_assert(parse(text, &back));
	ck_assert_uint_eq(back.number, 12);
	ck_assert_int_eq(back.time, 1700000000);
	ck_assert_str_eq(back.source, "of fice.json");
	ck_assert_str_eq(back.node, "tr");
	ck_assert(back.has_serial);
	ck_assert_uint_eq(back.serial, 7);
	ck_assert_int_eq(back.disruption, DISRUPTION_MESH);
	ck_assert_int_eq(back.state, GENERATION_ROLLED_BACK);
	ck_assert_uint_eq(back.back_to, 3);
	ck_assert(key_equal(&back.public_key, &g.public_key));
	ck_assert_mem_eq(back.digest, g.digest, sizeof(g.digest));
	ck_assert(str_is(back.texts[0], "[Interface]\n"));
	/* Not there, and there and empty, are two things. */
	ck_assert_ptr_null(back.texts[1].data);
	ck_assert_ptr_nonnull(back.texts[2].data);
	ck_assert_uint_eq(back.texts[2].size, 0);
	ck_assert(str_equal(text_of(&back), text));
}
END_TEST

START_TEST(a_torn_file_is_none)
{
	struct generation g = sample(), back;
	struct str text = text_of(&g);

	for (size_t i = 0; i < text.size; i++)
		ck_assert_msg(!parse((struct str){ text.data, i }, &back),
			      "cut at %zu", i);
	ck_assert(!parse((struct str){ arena_printf(host.arena, "%.*s\n",
		(int)text.size, text.data), text.size + 1 }, &back));
}
END_TEST

/* The line with FROM replaced by TO is refused. */
static void refuses(const char *from, const char *to)
{
	struct generation g = sample(), back;
	struct str text = text_of(&g);
	const char *at = memmem(text.data, text.size, from, strlen(from));
	struct sbuf out;

	ck_assert_msg(at != NULL, "there is no %s", from);
	sbuf_init(&out, host.arena);
	sbuf_add(&out, text.data, (size_t)(at - text.data));
	sbuf_puts(&out, to);
	at += strlen(from);
	sbuf_add(&out, at, text.size - (size_t)(at - text.data));
	ck_assert_msg(!parse((struct str){ out.data, out.size }, &back),
		      "%s as %s", from, to);
}

START_TEST(an_edited_file_is_none)
{
	refuses("number=12", "number=0");
	refuses("number=12 ", "");
	refuses("number=12", "number=1000000000000000");
	refuses("time=1700000000", "time=9223372036854775808");
	refuses("serial=7", "serial=9223372036854775808");
	refuses("has-serial=1 ", "");
	refuses("digest=ab", "digest=AB");
	refuses("digest=ab", "digest=");
	refuses("digest=abab", "digest=zzab");
	refuses("disruption=mesh", "disruption=none-such");
	refuses(" disruption=mesh", "");
	refuses("state=rolled%20back", "state=gone");
	refuses(" state=rolled%20back", "");
	refuses("back-to=3", "back-to=1000000000000000");
	refuses("name=wireguard.conf", "name=wireguard.txt");
	refuses("name=wireguard.conf size", "size");
	refuses("name=firewall.nft", "name=wireguard.conf");
	refuses("size=12", "size=11");
	refuses("size=12", "size=13");
	refuses("size=12", "size=99999999999");
	refuses("\nabout ", "\nabuot ");
	refuses("\ntext ", "\nother ");
	refuses("\nend", "\nend now");
	refuses("meshapply 1 generation", "meshapply 1 generations");
	refuses("meshapply 1 generation", "meshapply 2 generation");
	refuses(" netns=7", "");
}
END_TEST

START_TEST(digests)
{
	struct texts a = { .wireguard.text = STR("ab"),
			   .network.text = STR("c") };
	struct texts b = { .wireguard.text = STR("a"),
			   .network.text = STR("bc") };
	struct texts c = { .wireguard.text = STR("ab"),
			   .network.text = STR("c"),
			   .firewall.text = STR("") };
	uint8_t x[GENERATION_DIGEST], y[GENERATION_DIGEST];

	generation_digest(&a, x);
	generation_digest(&a, y);
	ck_assert_mem_eq(x, y, sizeof(x));
	generation_digest(&b, y);
	ck_assert_mem_ne(x, y, sizeof(x));
	generation_digest(&c, y);
	ck_assert_mem_ne(x, y, sizeof(x));
}
END_TEST

/* "1 2 4r", those that are there: r is rolled back, p is pending. */
static const char *there(void)
{
	struct generations all;
	struct run run;
	struct sbuf out;

	host_start(&run);
	sbuf_init(&out, host.arena);
	sbuf_puts(&out, "");
	ck_assert_int_eq(generation_list(run.store, host.arena, &all,
					 &host.e), 0);
	for (size_t i = 0; i < all.count; i++)
		sbuf_printf(&out, "%s%llu%s", i ? " " : "",
			    (unsigned long long)all.items[i]->number,
			    all.items[i]->state == GENERATION_APPLIED ? "" :
			    all.items[i]->state == GENERATION_PENDING ? "p" :
			    "r");
	host_finish();
	return out.data ? out.data : "";
}

START_TEST(each_change_makes_one)
{
	const struct wanted none = { .name = "none" };
	struct apply_result result;
	struct run run;

	ck_assert_str_eq(there(), "");
	ck_assert_uint_eq(numbered_settle(1), 1);
	ck_assert_uint_eq(numbered_settle(2), 2);
	/* Without a step there is none. */
	ck_assert_uint_eq(numbered_settle(2), 0);
	/* Nor where only somebody else's change is mended. */
	model_link_find(host.model, "wg0")->device.listen_port = 9;
	ck_assert_uint_eq(numbered_settle(2), 0);
	ck_assert_str_eq(there(), "1 2");
	ck_assert_uint_eq(numbered_settle(1), 3);
	ck_assert_str_eq(there(), "1 2 3");
	/* Removed, nothing is left of them. */
	host_start(&run);
	host_plan(&run, &none);
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), 0);
	ck_assert_msg(!store_forget(run.store, &host.e), "%s", host.e.text);
	host_finish();
	ck_assert_int_eq(access(path_of("."), F_OK), -1);
}
END_TEST

START_TEST(ten_are_kept)
{
	for (unsigned int i = 1; i <= 12; i++)
		ck_assert_uint_eq(numbered_settle(i), i);
	ck_assert_str_eq(there(), "3 4 5 6 7 8 9 10 11 12");
	/* What can be gone back to stays, however many fail after it. */
	for (uint64_t i = 4; i <= 12; i++)
		numbered_mark(i, GENERATION_ROLLED_BACK);
	ck_assert_uint_eq(numbered_settle(13), 13);
	numbered_mark(13, GENERATION_PENDING);
	ck_assert_str_eq(there(), "4r 5r 6r 7r 8r 9r 10r 11r 12r 13p");
}
END_TEST

/* The one that was applied for good stays among those to be confirmed. */
START_TEST(the_last_good_one_is_kept)
{
	ck_assert_uint_eq(numbered_settle(1), 1);
	for (unsigned int i = 2; i <= 14; i++) {
		const struct wanted wanted = numbered_wanted(i);
		struct apply_result result;
		struct run run;

		numbered_start(&run, &wanted);
		run.confirm = &pending_confirmable;
		ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s",
			      host.e.text);
		host_finish();
	}
	ck_assert_str_eq(there(), "1 6p 7p 8p 9p 10p 11p 12p 13p 14p");
}
END_TEST

START_TEST(a_failed_run_makes_none)
{
	const struct wanted wanted = numbered_wanted(2);
	struct apply_result result;
	struct run run;

	numbered_settle(1);
	numbered_start(&run, &wanted);
	host.model->fault = (struct model_fault){ .at = host.model->sent,
						  .times = 1 };
	ck_assert_int_eq(apply_plan(&run, &result, &host.e), -1);
	host_finish();
	ck_assert_str_eq(there(), "1");
	ck_assert(host_tidy());
	ck_assert_uint_eq(numbered_settle(2), 2);
}
END_TEST

START_TEST(what_cannot_be_read_is_left_out)
{
	const struct generation *g;
	struct generations all;
	struct run run;
	FILE *file;

	for (unsigned int i = 1; i <= 3; i++)
		numbered_settle(i);
	file = fopen(path_of("3"), "a");
	fputs("more\n", file);
	fclose(file);
	/* Another's number, and names that are no numbers. */
	ck_assert_int_eq(rename(path_of("1"), path_of("7")), 0);
	ck_assert_int_eq(mkdir(path_of("8"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("08"), 0755), 0);
	ck_assert_int_eq(symlink("2", path_of("9")), 0);
	host_start(&run);
	ck_assert_int_eq(generation_list(run.store, host.arena, &all,
					 &host.e), 0);
	ck_assert_uint_eq(all.count, 1);
	ck_assert_uint_eq(all.unread, 4);
	ck_assert_int_eq(generation_newest(run.store, host.arena, &g,
					   &host.e), 0);
	ck_assert_uint_eq(g->number, 2);
	ck_assert_int_eq(generation_read(run.store, host.arena, 3, &g,
					 &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_DATA);
	ck_assert_int_eq(generation_read(run.store, host.arena, 5, &g,
					 &host.e), -1);
	ck_assert_int_eq(host.e.kind, ERR_NO_INPUT);
	ck_assert_int_eq(generation_read(run.store, host.arena, 9, &g,
					 &host.e), -1);
	ck_assert_int_eq(generation_mark(run.store, 5, GENERATION_APPLIED,
					 &host.e), -1);
	host_finish();
	ck_assert_uint_eq(numbered_settle(4), 10);
}
END_TEST

/* No key, private or preshared, in any form that bytes or base64 have. */
START_TEST(no_secret_is_kept)
{
	const struct key *keys[] = { host_key(1), host_key(99) };
	struct err e = { 0 };

	numbered_settle(1);
	for (size_t i = 0; i < array_size(keys); i++) {
		char text[KEY_TEXT_MAX];
		struct str file;

		ck_assert_int_eq(file_read_path(path_of("1"), 1 << 20,
						host.arena, &file, &e), 0);
		ck_assert_ptr_null(memmem(file.data, file.size,
					  key_format(keys[i], text), 40));
		ck_assert_ptr_null(memmem(file.data, file.size,
					  keys[i]->bytes, KEY_SIZE));
	}
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(a_file_is_read_as_it_was_written),
		CHECK_CASE(a_torn_file_is_none),
		CHECK_CASE(an_edited_file_is_none),
		CHECK_CASE(digests),
		CHECK_CASE(each_change_makes_one),
		CHECK_CASE(ten_are_kept),
		CHECK_CASE(the_last_good_one_is_kept),
		CHECK_CASE(a_failed_run_makes_none),
		CHECK_CASE(what_cannot_be_read_is_left_out),
		CHECK_CASE(no_secret_is_kept),
	};

	return check_run_within("generation", cases, array_size(cases),
				host_open, host_close);
}
