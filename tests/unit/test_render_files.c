/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where templates come from: four places, file by file. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "render/builtin.h"
#include "render/template.h"
#include "render/templates.h"
#include "render/value.h"

#include "../support/check.h"
#include "../support/scratch.h"
#include "../support/texts.h"

#define ETC "root/etc/meshapply/templates"
#define SHARE "root/usr/share/meshapply/templates"
#define MINE "mine"

static struct arena *arena;
static struct scratch scratch;
static struct diags diags;
static struct err e;
static struct templates templates;
static const char *root;

static void put(const char *name, const char *content)
{
	scratch_put(&scratch, name, content, strlen(content), 0644);
}

static void make_folder(const char *path)
{
	cleanup_fd int fd = folder_open(scratch.path, path, true, 0755, &e);

	ck_assert_msg(fd >= 0, "%s", e.text);
}

/* All four places, the three templates in the last but one. */
static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	scratch_open(&scratch);
	root = arena_printf(arena, "%s/root", scratch.path);
	make_folder(ETC "/partials");
	make_folder(SHARE "/partials");
	make_folder(MINE "/partials");
	put(SHARE "/wireguard.conf", "share {{>peer}}\n");
	put(SHARE "/network.batch", "share\n");
	put(SHARE "/firewall.nft", "share\n");
	put(SHARE "/partials/peer.mustache", "share");
	diags_init(&diags, arena);
	e = (struct err){ 0 };
}

static void teardown(void)
{
	scratch_close(&scratch);
	arena_freep(&arena);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", scratch.path, name);
}

static int load(const char *dir)
{
	diags_init(&diags, arena);
	templates = (struct templates){ 0 };
	return templates_load(arena, root, dir ? path_of(dir) : NULL,
			      &templates, &diags, &e);
}

/* The three texts, or what is wrong; the scratch folder's name taken out. */
static const char *rendered(const char *dir)
{
	struct source out[TEMPLATE_FILES];
	struct value *values = value_object(arena);
	struct sbuf all;

	value_set(arena, values, "mesh", value_string(arena, "office"));
	value_set(arena, values, "evil", value_string(arena, "a;b#c"));
	if (load(dir) < 0)
		return arena_printf(arena, "%s%d: %s",
				    diags_lines(arena, &diags), e.kind, e.text);
	if (templates_render(arena, &templates, values, out, &diags) < 0)
		return diags_lines(arena, &diags);
	sbuf_init(&all, arena);
	for (size_t i = 0; i < TEMPLATE_FILES; i++) {
		ck_assert_str_eq(out[i].name, template_file_names[i]);
		ck_assert(!out[i].origin);
		ck_assert_int_eq(!out[i].text.data, !out[i].text.size);
		sbuf_printf(&all, "%s: ", out[i].name);
		sbuf_str(&all, out[i].text);
	}
	sbuf_puts(&all, diags_lines(arena, &diags));
	return all.data;
}

/* TEXT without the name of the scratch folder. */
static const char *bare(const char *text)
{
	size_t size = strlen(scratch.path) + 1;
	struct sbuf out;

	sbuf_init(&out, arena);
	while (*text) {
		if (!strncmp(text, scratch.path, size - 1) &&
		    text[size - 1] == '/') {
			text += size;
			continue;
		}
		sbuf_putc(&out, *text++);
	}
	return out.data;
}

static bool is_builtin(const char *file)
{
	struct builtin b;

	for (size_t i = 0; (b = builtin_template(i)).file; i++)
		if (!strcmp(b.file, file))
			return true;
	return false;
}

/* The list in the program is that of the folder. */
static size_t check_folder(const char *folder, const char *prefix)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	ck_assert_msg(dir != NULL, "%s", folder);
	while ((entry = readdir(dir))) {
		const char *file = arena_printf(arena, "%s%s", prefix,
						entry->d_name);

		if (entry->d_name[0] == '.' || !strcmp(file, "partials"))
			continue;
		ck_assert_msg(is_builtin(file), "templates/%s is not in "
			      "src/render/builtin.c", file);
		count++;
	}
	closedir(dir);
	return count;
}

START_TEST(built_in)
{
	const char *source = getenv("MESHAPPLY_SOURCE");
	struct builtin b;
	size_t count = 0;

	while ((b = builtin_template(count)).file) {
		struct str text;

		ck_assert_int_eq(b.text.data[b.text.size], '\0');
		count++;
		if (!source)
			continue;
		ck_assert(!file_read_path(arena_printf(arena,
				"%s/templates/%s", source, b.file),
				TEMPLATE_LIMIT, arena, &text, &e));
		ck_assert(str_equal(text, b.text));
	}
	ck_assert_uint_ge(count, TEMPLATE_FILES);
	if (!source) {
		printf("SKIPPED: MESHAPPLY_SOURCE is not set: built-in "
		       "templates are not compared with templates/\n");
		return;
	}
	ck_assert_uint_eq(count, check_folder(arena_printf(arena,
			"%s/templates", source), "") +
		check_folder(arena_printf(arena, "%s/templates/partials",
					  source), "partials/"));
}
END_TEST

/* Where no folder is: all of them, each part of the set, none too many. */
START_TEST(built_in_loads)
{
	size_t count = 0;

	root = path_of("nothing");
	ck_assert_msg(!load(NULL), "%s", e.text);
	ck_assert_str_eq(diags_lines(arena, &diags), "");
	while (builtin_template(count).file)
		count++;
	ck_assert_uint_eq(templates.source_count, count);
	ck_assert_str_eq(templates.sources[0].name,
			 "<built-in>/wireguard.conf");
	ck_assert_str_eq(templates.sources[1].name,
			 "<built-in>/network.batch");
	ck_assert_str_eq(templates.sources[2].name,
			 "<built-in>/firewall.nft");
	for (size_t i = TEMPLATE_FILES; i < count; i++) {
		const char *name = strrchr(templates.sources[i].name, '/') + 1;

		name = arena_strndup(arena, name,
				     strlen(name) - strlen(".mustache"));
		ck_assert_msg(template_uses(templates.set, name),
			      "nothing uses the partial %s", name);
	}
}
END_TEST

START_TEST(first_found)
{
	ck_assert_str_eq(rendered(NULL), "wireguard.conf: share share\n"
			 "network.batch: share\nfirewall.nft: share\n");
	put(ETC "/partials/peer.mustache", "etc");
	put(ETC "/network.batch", "etc {{mesh}}\n");
	ck_assert_str_eq(rendered(NULL), "wireguard.conf: share etc\n"
			 "network.batch: etc office\nfirewall.nft: share\n");
	ck_assert_str_eq(rendered(MINE), "wireguard.conf: share etc\n"
			 "network.batch: etc office\nfirewall.nft: share\n");
	put(MINE "/partials/peer.mustache", "mine");
	put(MINE "/network.batch", "mine\n");
	put(MINE "/firewall.nft", "");
	ck_assert_str_eq(rendered(MINE), "wireguard.conf: share mine\n"
			 "network.batch: mine\nfirewall.nft: ");
	ck_assert_str_eq(bare(templates.sources[1].name),
			 "mine/network.batch");
	ck_assert_str_eq(bare(templates.sources[0].name),
			 SHARE "/wireguard.conf");
	/* What is not taken is not looked at either. */
	put(ETC "/network.batch", "{{");
	ck_assert_str_eq(rendered(MINE), "wireguard.conf: share mine\n"
			 "network.batch: mine\nfirewall.nft: ");
}
END_TEST

START_TEST(own_partials)
{
	put(ETC "/network.batch", "{{>mine}}{{>b.c}}\n");
	put(ETC "/partials/mine.mustache", "own");
	put(MINE "/partials/b.c.mustache", "dot");
	ck_assert_str_eq(rendered(MINE), "wireguard.conf: share share\n"
			 "network.batch: owndot\nfirewall.nft: share\n");
	/* It lies in the other folder alone. */
	ck_assert_str_eq(bare(rendered(NULL)), ETC "/network.batch:1:13: no "
			 "partial is called \"b.c\"\n"
			 "78: 1 error in the templates");
}
END_TEST

START_TEST(warns)
{
	put(MINE "/wireguard.cnf", "");
	put(MINE "/README", "");
	put(MINE "/.hidden", "");
	put(MINE "/partials/.hidden", "");
	put(MINE "/partials/peer.txt", "");
	put(MINE "/partials/.mustache", "");
	put(MINE "/partials/a b.mustache", "x");
	put(MINE "/partials/paer.mustache", "x");
	/* No template of ours uses this one any more: that is no warning. */
	put(ETC "/wireguard.conf", "etc\n");
	ck_assert_str_eq(bare(rendered(MINE)),
		"wireguard.conf: etc\nnetwork.batch: share\n"
		"firewall.nft: share\n"
		"warning: mine/README is not read: no template has this "
		"name\n"
		"warning: mine/partials/peer.txt is not read: a partial's "
		"name ends in .mustache\n"
		"warning: mine/wireguard.cnf is not read: no template has "
		"this name | did you mean 'wireguard.conf'?\n"
		"warning: no template includes mine/partials/a b.mustache\n"
		"warning: no template includes mine/partials/paer.mustache | "
		"did you mean 'peer'?\n");
}
END_TEST

START_TEST(refuses_folders)
{
	ck_assert_str_eq(bare(rendered("none")), "66: templates: open the "
			 "folder none: No such file or directory");
	put("file", "");
	ck_assert_str_eq(bare(rendered("file")), "1: templates: open the "
			 "folder file: Not a directory");
	rmdir(path_of(MINE "/partials"));
	put(MINE "/partials", "");
	ck_assert_str_eq(bare(rendered(MINE)), "78: templates: mine/partials: "
			 "partials is no folder but a regular file");
	unlink(path_of(MINE "/partials"));
	rmdir(path_of(ETC "/partials"));
	rmdir(path_of(ETC));
	ck_assert_int_eq(symlink("/", path_of(ETC)), 0);
	ck_assert_str_eq(bare(rendered(NULL)), "78: templates: " ETC
			 ": templates is no folder but a symbolic link, which "
			 "is not followed here");
}
END_TEST

START_TEST(refuses_too_many_files)
{
	for (int i = 0; i <= 1024; i++)
		put(arena_printf(arena, ETC "/partials/%d.mustache", i), "");
	ck_assert_str_eq(bare(rendered(NULL)), "78: templates: " ETC
			 "/partials: more than 1024 files");
}
END_TEST

/* What is there and is no good is not passed over. */
START_TEST(refuses_files)
{
	char *large = arena_alloc(arena, TEMPLATE_LIMIT + 1);

	ck_assert_int_eq(symlink("/etc/hostname",
				 path_of(ETC "/firewall.nft")), 0);
	ck_assert_str_eq(bare(rendered(NULL)), "78: templates: " ETC
			 ": firewall.nft is no regular file but a symbolic "
			 "link, which is not followed here");
	/* One that comes before it is taken instead. */
	put(MINE "/firewall.nft", "mine\n");
	ck_assert_str_eq(rendered(MINE), "wireguard.conf: share share\n"
			 "network.batch: share\nfirewall.nft: mine\n");
	unlink(path_of(ETC "/firewall.nft"));
	ck_assert_int_eq(mkdir(path_of(ETC "/partials/peer.mustache"), 0755),
			 0);
	ck_assert_str_eq(bare(rendered(NULL)), "78: templates: " ETC
			 "/partials: peer.mustache is no regular file but a "
			 "folder");
	rmdir(path_of(ETC "/partials/peer.mustache"));
	memset(large, 'x', TEMPLATE_LIMIT + 1);
	scratch_put(&scratch, ETC "/wireguard.conf", large,
		    TEMPLATE_LIMIT + 1, 0644);
	ck_assert_str_eq(bare(rendered(NULL)), "65: templates: " ETC
			 ": wireguard.conf is larger than 1048576 bytes");
	scratch_put(&scratch, ETC "/wireguard.conf", large, TEMPLATE_LIMIT,
		    0644);
	ck_assert_int_eq(load(NULL), 0);
	if (!geteuid()) {
		printf("SKIPPED: root reads what nobody may read\n");
		return;
	}
	put(ETC "/wireguard.conf", "");
	ck_assert_int_eq(chmod(path_of(ETC "/wireguard.conf"), 0), 0);
	ck_assert_str_eq(bare(rendered(NULL)), "77: templates: " ETC
			 ": open wireguard.conf: Permission denied");
}
END_TEST

START_TEST(refuses_texts)
{
	/* Templates and partials, all that is wrong with them. */
	put(ETC "/wireguard.conf", "{{#a}}\n{{>peer}}");
	put(ETC "/partials/peer.mustache", "{{a b}}");
	put(MINE "/network.batch", "{{/x}}");
	ck_assert_msg(!strncmp(bare(rendered(MINE)), "mine/network.batch:1:1: "
			       "{{/x}} closes no section: none is open\n"
			       ETC "/partials/peer.mustache:1:3: \"a b\" is "
			       "not a name", 93), "%s", bare(rendered(MINE)));
	ck_assert_uint_eq(diags.errors, 3);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_str_eq(e.text, "3 errors in the templates");
	ck_assert_ptr_null(templates.set);
}
END_TEST

/* Each file with what it can carry, and all three are tried. */
START_TEST(refuses_values)
{
	put(ETC "/wireguard.conf", "{{evil}}\n");
	put(ETC "/network.batch", "{{evil}}\n");
	put(ETC "/firewall.nft", "{{evil}}\n");
	ck_assert_str_eq(bare(rendered(NULL)),
		ETC "/firewall.nft:1:3: firewall.nft cannot carry "
		"\"a;b#c\" of {{evil}}: it holds ';'\n"
		ETC "/network.batch:1:3: network.batch cannot carry "
		"\"a;b#c\" of {{evil}}: it holds '#'\n"
		ETC "/wireguard.conf:1:3: wireguard.conf cannot carry "
		"\"a;b#c\" of {{evil}}: it holds '#'\n");
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(built_in),
		CHECK_CASE(built_in_loads),
		CHECK_CASE(first_found),
		CHECK_CASE(own_partials),
		CHECK_CASE(warns),
		CHECK_CASE(refuses_folders),
		CHECK_CASE(refuses_too_many_files),
		CHECK_CASE(refuses_files),
		CHECK_CASE(refuses_texts),
		CHECK_CASE(refuses_values),
	};

	return check_run_within("render-files", cases, array_size(cases), setup,
				teardown);
}
