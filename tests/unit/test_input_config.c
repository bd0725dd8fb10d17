/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/meshapply/MESH.conf. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "input/config.h"

#include "../support/check.h"
#include "../support/scratch.h"

static struct arena *arena;
static struct scratch scratch;
static struct diags diags;
static struct config config;
static struct err e;

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	diags_init(&diags, arena);
	scratch_open(&scratch);
	config = (struct config){ 0 };
	e = (struct err){ 0 };
	ck_assert(!mkdirat(scratch.folder, "etc", 0755));
	ck_assert(!mkdirat(scratch.folder, "etc/meshapply", 0755));
}

static void teardown(void)
{
	scratch_close(&scratch);
	arena_freep(&arena);
}

static void put_bytes(const char *content, size_t size)
{
	scratch_put(&scratch, "etc/meshapply/office.conf", content, size,
		    0644);
}

static bool reads(const char *content)
{
	put_bytes(content, strlen(content));
	diags_init(&diags, arena);
	e = (struct err){ 0 };
	return !config_read(scratch.path, "office", arena, &config, &diags,
			    &e);
}

/* All that is said of CONTENT, without the folder's name. */
static const char *refuses(const char *content)
{
	struct sbuf out, shown;
	const char *at;
	size_t size = strlen(scratch.path);

	ck_assert_msg(!reads(content), "%s", content);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	diags_sort(&diags);
	sbuf_init(&out, arena);
	diags_format(&diags, &out);
	sbuf_init(&shown, arena);
	for (at = out.data; *at;) {
		if (!strncmp(at, scratch.path, size)) {
			at += size;
			continue;
		}
		sbuf_putc(&shown, *at++);
	}
	return shown.data;
}

START_TEST(all_keys)
{
	setup();
	ck_assert(reads("# of this host\n"
			"source = office.json\r\n"
			"\n"
			"  key=keys/mine.key  \n"
			"\tnode = ir\n"
			"templates = /srv/templates # not a comment\n"
			"netns = inside\nsocket_netns = outside\n"
			"confirm_by = tcp:192.0.2.1:22\n"));
	ck_assert_str_eq(config.source, arena_printf(arena,
			 "%s/etc/meshapply/office.json", scratch.path));
	ck_assert_str_eq(config.key, arena_printf(arena,
			 "%s/etc/meshapply/keys/mine.key", scratch.path));
	ck_assert_str_eq(config.node, "ir");
	ck_assert_str_eq(config.templates, "/srv/templates # not a comment");
	ck_assert_str_eq(config.netns, "inside");
	ck_assert_str_eq(config.socket_netns, "outside");
	ck_assert_str_eq(config.confirm_by, "tcp:192.0.2.1:22");
	ck_assert_str_eq(config.text.name, arena_printf(arena,
			 "%s/etc/meshapply/office.conf", scratch.path));
	ck_assert_ptr_eq(config.source_where.source, &config.text);
	ck_assert_uint_eq(config.source_where.offset, 24);
	teardown();
}
END_TEST

START_TEST(nothing_said)
{
	setup();
	for (int i = 0; i < 4; i++) {
		static const char *const texts[] = {
			"", "\n\n", "# nothing", "\xef\xbb\xbf\n"
		};

		config = (struct config){ .source = "x", .node = "x" };
		ck_assert(reads(texts[i]));
		ck_assert_ptr_null(config.source);
		ck_assert_ptr_null(config.key);
		ck_assert_ptr_null(config.node);
		ck_assert_ptr_null(config.templates);
		ck_assert_ptr_null(config.netns);
		ck_assert_ptr_null(config.socket_netns);
	}
	teardown();
}
END_TEST

START_TEST(source_as_url)
{
	setup();
	ck_assert(reads("\xef\xbb\xbfsource = https://panel.example/o.json"));
	ck_assert_str_eq(config.source, "https://panel.example/o.json");
	ck_assert(reads("source = /a=b"));
	ck_assert_str_eq(config.source, "/a=b");
	teardown();
}
END_TEST

#define CONF "/etc/meshapply/office.conf"

START_TEST(refusals)
{
	setup();
	ck_assert_str_eq(refuses("sorce = a\n"),
			 CONF ":1:1: error: unknown key \"sorce\"\n"
			 "    1 | sorce = a\n"
			 "      | ^\n"
			 "        hint: source is meant?\n");
	ck_assert_str_eq(refuses("colour = a\n"),
			 CONF ":1:1: error: unknown key \"colour\"\n"
			 "    1 | colour = a\n"
			 "      | ^\n"
			 "        hint: the keys are source, key, node, "
			 "templates, netns, socket_netns and confirm_by\n");
	ck_assert_str_eq(refuses("node = a\n  node = a\n"),
			 CONF ":2:3: error: node is said twice\n"
			 "    2 |   node = a\n"
			 "      |   ^\n"
			 CONF ":1:8: note: it is said here already\n"
			 "    1 | node = a\n"
			 "      |        ^\n");
	ck_assert_str_eq(refuses("key =\n"),
			 CONF ":1:1: error: key has no value\n"
			 "    1 | key =\n"
			 "      | ^\n");
	ck_assert_str_eq(refuses("= a"),
			 CONF ":1:1: error: a line is KEY = VALUE, or a "
			 "comment after #\n"
			 "    1 | = a\n"
			 "      | ^\n");
	ck_assert_str_eq(refuses("\n [office]\n"),
			 CONF ":2:2: error: a line is KEY = VALUE, or a "
			 "comment after #\n"
			 "    2 |  [office]\n"
			 "      |  ^\n");
	ck_assert_str_eq(refuses("node = a\x1b[1m\n"),
			 CONF ":1:8: error: node holds a control character\n"
			 "    1 | node = a\\x1b[1m\n"
			 "      |        ^\n");
	ck_assert_str_eq(refuses("source = \"office.json\"\n"),
			 CONF ":1:10: error: source stands in quotes\n"
			 "    1 | source = \"office.json\"\n"
			 "      |          ^\n"
			 "        hint: a value is all that stands behind the "
			 "sign: write it without them\n");
	refuses("node = 'ir'\n");
	ck_assert(reads("node = i\"r\n") && reads("node = \"\n"));
	/* All of them in one run. */
	refuses("a = 1\nb = 2\nkey\n");
	ck_assert_uint_eq(diags.errors, 3);
	teardown();
}
END_TEST

START_TEST(nul_bytes)
{
	setup();
	put_bytes("node = a\0b\n", 11);
	ck_assert(config_read(scratch.path, "office", arena, &config, &diags,
			      &e));
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_uint_eq(diags.errors, 1);
	ck_assert_str_eq(diags.items[0].message,
			 "node holds a control character");
	teardown();
}
END_TEST

START_TEST(not_there)
{
	setup();
	ck_assert(config_read(scratch.path, "office", arena, &config, &diags,
			      &e));
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert(config_read("/nosuch", "office", arena, &config, &diags,
			      &e));
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_uint_eq(diags.errors, 0);
	teardown();
}
END_TEST

START_TEST(not_a_file)
{
	setup();
	ck_assert(!symlinkat("/etc/passwd", scratch.folder,
			     "etc/meshapply/office.conf"));
	ck_assert(config_read(scratch.path, "office", arena, &config, &diags,
			      &e));
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	teardown();
}
END_TEST

START_TEST(too_large)
{
	char *text;

	setup();
	text = arena_alloc(arena, CONFIG_LIMIT + 1);
	memset(text, '\n', CONFIG_LIMIT + 1);
	put_bytes(text, CONFIG_LIMIT);
	ck_assert(!config_read(scratch.path, "office", arena, &config, &diags,
			       &e));
	put_bytes(text, CONFIG_LIMIT + 1);
	ck_assert(config_read(scratch.path, "office", arena, &config, &diags,
			      &e));
	ck_assert_int_eq(e.kind, ERR_DATA);
	teardown();
}
END_TEST

START_TEST(names)
{
	const char **list;
	size_t count = 9;

	setup();
	ck_assert(!config_names(scratch.path, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 0);
	scratch_put(&scratch, "etc/meshapply/lab.conf", "", 0, 0644);
	scratch_put(&scratch, "etc/meshapply/a.b.conf", "", 0, 0644);
	scratch_put(&scratch, "etc/meshapply/lab.json", "", 0, 0644);
	scratch_put(&scratch, "etc/meshapply/.conf", "", 0, 0644);
	scratch_put(&scratch, "etc/meshapply/.x.conf", "", 0, 0644);
	scratch_put(&scratch, "etc/meshapply/conf", "", 0, 0644);
	ck_assert(!config_names(scratch.path, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0], "a.b");
	ck_assert_str_eq(list[1], "lab");
	ck_assert(!config_names("/nosuch", arena, &list, &count, &e));
	ck_assert_uint_eq(count, 0);
	teardown();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(all_keys),
		CHECK_CASE(nothing_said),
		CHECK_CASE(source_as_url),
		CHECK_CASE(refusals),
		CHECK_CASE(nul_bytes),
		CHECK_CASE(not_there),
		CHECK_CASE(not_a_file),
		CHECK_CASE(too_large),
		CHECK_CASE(names),
	};

	return check_run("config", cases, sizeof(cases) / sizeof(*cases));
}
