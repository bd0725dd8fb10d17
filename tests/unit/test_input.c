/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys in files, and what SOURCE is. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/key.h"
#include "input/keyfile.h"
#include "input/source.h"

#include "../support/scratch.h"

#define KEY "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="

static struct arena *arena, *secrets;
static struct scratch scratch;
static const char *top;
static int folder;
static struct input_source source;
static struct err e;

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	secrets = arena_new_secret((size_t)1 << 28);
	scratch_open(&scratch);
	top = scratch.path;
	folder = scratch.folder;
	e = (struct err){ 0 };
	source = (struct input_source){ .url = "untouched" };
}

static void teardown(void)
{
	scratch_close(&scratch);
	arena_freep(&arena);
	arena_freep(&secrets);
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", top, name);
}

static void put_bytes(const char *name, const char *content, size_t size,
		      mode_t mode)
{
	scratch_put(&scratch, name, content, size, mode);
}

static void put(const char *name, const char *content)
{
	put_bytes(name, content, strlen(content), 0600);
}

static bool opens(const char *argument)
{
	e = (struct err){ 0 };
	return !source_open("", argument, arena, secrets, &source, &e);
}

/* The kind of the error, whose text holds WORDS; the source is left alone. */
static int refuses(const char *argument, const char *words)
{
	source = (struct input_source){ .url = "untouched" };
	ck_assert_msg(!opens(argument), "%s", argument);
	ck_assert_msg(strstr(e.text, words), "%s", e.text);
	ck_assert_str_eq(source.url, "untouched");
	return (int)e.kind;
}

START_TEST(keys_by_name_and_path)
{
	static const char *const good[] = {
		KEY, KEY "\n", KEY "\r\n", " " KEY " \n\n", ("\n" KEY),
	};
	struct key wanted, got;

	ck_assert(!key_parse(STR(KEY), &wanted));
	for (size_t i = 0; i < array_size(good); i++) {
		size_t used = arena_used(secrets);

		put("k", good[i]);
		memset(&got, 0, sizeof(got));
		ck_assert(!keyfile_read(NULL, folder, "k", secrets, &got,
					&e));
		ck_assert(key_equal(&got, &wanted));
		memset(&got, 0, sizeof(got));
		ck_assert(!keyfile_read(path_of("k"), -1, NULL, secrets, &got,
					&e));
		ck_assert(key_equal(&got, &wanted));
		ck_assert_uint_eq(arena_used(secrets), used);
	}
	ck_assert_int_eq(symlinkat("k", folder, "link"), 0);
	ck_assert(!keyfile_read(path_of("link"), -1, NULL, secrets, &got,
				&e));
	ck_assert(keyfile_read(NULL, folder, "link", secrets, &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert(keyfile_read(NULL, folder, "none", secrets, &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert(keyfile_read(NULL, folder, "../k", secrets, &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	ck_assert(keyfile_read(path_of("none"), -1, NULL, secrets, &got,
			       &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	put_bytes("open", KEY, strlen(KEY), 0644);
	ck_assert(keyfile_read(NULL, folder, "open", secrets, &got, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert(keyfile_read(path_of("open"), -1, NULL, secrets, &got,
			       &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert(key_equal(&got, &wanted));
}
END_TEST

START_TEST(keys_malformed)
{
	static const struct { const char *text, *words; } cases[] = {
		{ "", "is empty" }, { "\n \r\n", "is empty" },
		{ KEY "\n" KEY "\n", "more than one line" },
		{ "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo\n",
		  "43 characters" },
		{ "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=\n",
		  "base64" },
		{ "PrivateKey = " KEY, "57 characters" },
	};
	char longest[5000];
	struct key key;

	for (size_t i = 0; i < array_size(cases); i++) {
		put("k", cases[i].text);
		ck_assert(keyfile_read(NULL, folder, "k", secrets, &key,
				       &e) < 0);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_msg(strstr(e.text, cases[i].words), "%s", e.text);
		ck_assert_ptr_null(strstr(e.text, "dwdt"));
	}
	memset(longest, 'A', sizeof(longest));
	put_bytes("k", longest, sizeof(longest), 0600);
	ck_assert(keyfile_read(NULL, folder, "k", secrets, &key, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_DATA);
	ck_assert_ptr_null(strstr(e.text, "AAA"));
}
END_TEST

START_TEST(keys_from_a_pipe)
{
	struct key key;
	char path[32];
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(write(p[1], KEY "\n", 45), 45);
	close(p[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", p[0]);
	ck_assert(!keyfile_read(path, -1, NULL, secrets, &key, &e));
	close(p[0]);
	ck_assert(keyfile_read("/dev/null", -1, NULL, secrets, &key, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert(keyfile_read(top, -1, NULL, secrets, &key, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
}
END_TEST

START_TEST(device_names)
{
	static const char *const good[] = {
		"wg0", "a", "123456789012345", "A_=+.-z", "...", "all0",
	};
	static const struct { const char *name, *words; } bad[] = {
		{ "", "empty" }, { "1234567890123456", "at most 15" },
		{ "a b", "0x20" }, { "a/b", "'/'" }, { "a:b", "':'" },
		{ "a\nb", "0x0a" }, { "\xc3\xa9", "0xc3" }, { "a%d", "'%'" },
		{ ".", "no device" }, { "..", "no device" },
		{ "all", "no device" }, { "default", "no device" },
		{ "lo", "no device" },
	};

	for (size_t i = 0; i < array_size(good); i++)
		ck_assert_msg(!device_name_check(str_of(good[i]), &e), "%s",
			      good[i]);
	for (size_t i = 0; i < array_size(bad); i++) {
		ck_assert(device_name_check(str_of(bad[i].name), &e) < 0);
		ck_assert_int_eq(e.kind, ERR_USAGE);
		ck_assert_msg(strstr(e.text, bad[i].words), "%s", e.text);
	}
	ck_assert(device_name_check((struct str){ "a\0b", 3 }, &e) < 0);
}
END_TEST

START_TEST(quick_files)
{
	const char *path = path_of("wg0.conf");

	put("wg0.conf", "[Interface]\n");
	ck_assert_msg(opens(path), "%s", e.text);
	ck_assert_int_eq(source.kind, SOURCE_QUICK);
	ck_assert_str_eq(source.device, "wg0");
	ck_assert_str_eq(source.text.name, path);
	ck_assert(str_is(source.text.text, "[Interface]\n"));
	ck_assert(!source.exposed);
	ck_assert_ptr_null(source.text.origin);
	put_bytes("wg0.conf", "x", 1, 0640);
	ck_assert(opens(path) && !source.exposed);
	put_bytes("wg0.conf", "x", 1, 0644);
	ck_assert(opens(path) && source.exposed);
	/* also without a slash */
	ck_assert_int_eq(fchdir(folder), 0);
	ck_assert(opens("wg0.conf"));
	ck_assert_str_eq(source.device, "wg0");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(symlinkat("wg0.conf", folder, "wg1.conf"), 0);
	ck_assert(opens(path_of("wg1.conf")));
	ck_assert_str_eq(source.device, "wg1");

	put("a b.conf", "x");
	ck_assert_int_eq(refuses(path_of("a b.conf"), "0x20"), ERR_USAGE);
	put(".conf", "x");
	ck_assert_int_eq(refuses(path_of(".conf"), "empty"), ERR_USAGE);
	put("all.conf", "x");
	ck_assert_int_eq(refuses(path_of("all.conf"), "no device"),
			 ERR_USAGE);
	put("wg0", "[Interface]\n");
	ck_assert_int_eq(refuses(path_of("wg0"), "DEVICE.conf"), ERR_USAGE);
	ck_assert_int_eq(refuses(path_of("none.conf"), "No such file"),
			 ERR_NO_INPUT);
}
END_TEST

START_TEST(names_of_wg_quick)
{
	ck_assert_int_eq(mkdirat(folder, "etc", 0700), 0);
	ck_assert_int_eq(mkdirat(folder, "etc/wireguard", 0700), 0);
	put("etc/wireguard/wg0.conf", "[Interface]\n");
	ck_assert(!source_open(top, "wg0", arena, secrets, &source, &e));
	ck_assert_int_eq(source.kind, SOURCE_QUICK);
	ck_assert_str_eq(source.device, "wg0");
	ck_assert_str_eq(source.text.name, path_of("etc/wireguard/wg0.conf"));
	ck_assert(source_open(top, "wg1", arena, secrets, &source, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert(source_open(top, "wg 1", arena, secrets, &source, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_USAGE);
	/* what is here is not guessed at, but the way to name it is told */
	ck_assert_int_eq(fchdir(folder), 0);
	ck_assert(source_open(top, "etc", arena, secrets, &source, &e) < 0);
	ck_assert_int_eq(e.kind, ERR_NO_INPUT);
	ck_assert_ptr_nonnull(strstr(e.text, "./etc"));
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(refuses("", "empty"), ERR_USAGE);
}
END_TEST

START_TEST(texts_refused)
{
	const char *path = path_of("wg0.conf");
	static const char nul[] = "[Interface]\nAddress\n = \0\n";
	static const char *const empty[] = {
		"", "\n", "\xef\xbb\xbf", " \t\r\n", "\xef\xbb\xbf\n",
	};

	for (size_t i = 0; i < array_size(empty); i++) {
		put("wg0.conf", empty[i]);
		ck_assert_int_eq(refuses(path, "is empty"), ERR_DATA);
	}
	put_bytes("wg0.conf", nul, sizeof(nul) - 1, 0600);
	ck_assert_int_eq(refuses(path, "line 3 holds a NUL"), ERR_DATA);
	put_bytes("wg0.conf", "\0", 1, 0600);
	ck_assert_int_eq(refuses(path, "line 1 holds a NUL"), ERR_DATA);
	put_bytes("wg0.conf", "\xff\xfe[\0I\0", 6, 0600);
	ck_assert_int_eq(refuses(path, "UTF-16"), ERR_DATA);
	put_bytes("wg0.conf", "\xfe\xff\0[\0I", 6, 0600);
	ck_assert_int_eq(refuses(path, "UTF-16"), ERR_DATA);
	/* a hole of a file, one byte too large */
	ck_assert_int_eq(truncate(path, (off_t)SOURCE_LIMIT + 1), 0);
	ck_assert_int_eq(refuses(path, "larger than"), ERR_DATA);
}
END_TEST

/* A document of SIZE bytes: blanks, but for an object at their start. */
static void put_large(const char *name, size_t size)
{
	char *text = arena_alloc(arena, size);

	memset(text, ' ', size);
	memcpy(text, "{}", 2);
	put_bytes(name, text, size, 0600);
}

START_TEST(documents_too_large)
{
	put_large("mesh.json", SOURCE_DOCUMENT_LIMIT);
	ck_assert(opens(path_of("mesh.json")));
	put_large("mesh.json", SOURCE_DOCUMENT_LIMIT + 1);
	ck_assert_int_eq(refuses(path_of("mesh.json"), "larger than"),
			 ERR_DATA);
	put_large("mesh", SOURCE_DOCUMENT_LIMIT + 1);
	ck_assert_int_eq(refuses(path_of("mesh"), "at most 16777216"),
			 ERR_DATA);
}
END_TEST

START_TEST(documents_and_urls)
{
	put("mesh.json", "\xef\xbb\xbf \n{}");
	ck_assert(opens(path_of("mesh.json")));
	ck_assert_int_eq(source.kind, SOURCE_DOCUMENT);
	ck_assert_str_eq(source.text.name, path_of("mesh.json"));
	put("mesh", "{}");
	ck_assert(opens(path_of("mesh")));
	ck_assert_int_eq(source.kind, SOURCE_DOCUMENT);
	/* By this name it is one, whatever is in it. */
	put("mesh.json", "nothing");
	ck_assert(opens(path_of("mesh.json")));
	ck_assert_int_eq(source.kind, SOURCE_DOCUMENT);
	put("mesh.json", "[]");
	ck_assert(opens(path_of("mesh.json")));
	ck_assert_int_eq(source.kind, SOURCE_DOCUMENT);
	put("mesh", "nothing");
	ck_assert_int_eq(refuses(path_of("mesh"), "neither"), ERR_DATA);
	put("mesh", "[]");
	ck_assert_int_eq(refuses(path_of("mesh"), "DEVICE.conf"), ERR_USAGE);

	ck_assert(opens("https://panel.example/mesh.json"));
	ck_assert_int_eq(source.kind, SOURCE_URL);
	ck_assert_str_eq(source.url, "https://panel.example/mesh.json");
	ck_assert(opens("HTTP://x/wg0.conf") && source.kind == SOURCE_URL);
	ck_assert_int_eq(refuses("ftp://x/wg0.conf", "only http"), ERR_USAGE);
}
END_TEST

/* What the name says, and what the first bytes do. */
START_TEST(names_that_mislead)
{
	static const char *const quick[] = {
		"[Interface]\n", "# a comment\n[Interface]\n", "\n [peer]\n",
		"[INTERFACE]",
	};
	static const char *const json[] = {
		"{", "[", "[1]", "[\"Interface\"]", "[ \"Peer\" ]", "//",
	};

	for (size_t i = 0; i < array_size(quick); i++) {
		put("mesh.json", quick[i]);
		ck_assert_int_eq(refuses(path_of("mesh.json"),
					 "holds a wg-quick file"), ERR_DATA);
	}
	for (size_t i = 0; i < array_size(json); i++) {
		put("mesh.json", json[i]);
		ck_assert_msg(opens(path_of("mesh.json")), "%s", e.text);
		ck_assert_int_eq(source.kind, SOURCE_DOCUMENT);
	}
	put("wg0.conf", "\xef\xbb\xbf\n {}");
	ck_assert_int_eq(refuses(path_of("wg0.conf"), "holds a mesh document"),
			 ERR_DATA);
}
END_TEST

START_TEST(folders)
{
	const char *path = path_of("mesh");

	ck_assert_int_eq(mkdirat(folder, "mesh", 0700), 0);
	ck_assert_int_eq(refuses(path, "wireguard.conf"), ERR_NO_INPUT);
	put("mesh/wireguard.conf", "[Interface]\n");
	ck_assert(opens(path));
	ck_assert_int_eq(source.kind, SOURCE_FOLDER);
	ck_assert_str_eq(source.wireguard.name, path_of("mesh/wireguard.conf"));
	ck_assert(str_is(source.wireguard.text, "[Interface]\n"));
	ck_assert_ptr_null(source.network.text.data);
	ck_assert_ptr_null(source.firewall.text.data);
	put("mesh/network.batch", "# none\n");
	put("mesh/firewall.nft", "# none either\n");
	ck_assert(opens(arena_printf(arena, "%s//", path)));
	ck_assert(str_is(source.network.text, "# none\n"));
	ck_assert(str_is(source.firewall.text, "# none either\n"));
	ck_assert_str_eq(source.firewall.name, path_of("mesh/firewall.nft"));
	ck_assert_int_eq(fchdir(folder), 0);
	ck_assert(opens("./mesh"));
	ck_assert_int_eq(chdir(path), 0);
	ck_assert(opens("."));
	ck_assert_str_eq(source.wireguard.name, "./wireguard.conf");
	ck_assert_int_eq(chdir("/"), 0);
	/* a folder by a link is what the user named */
	ck_assert_int_eq(symlinkat("mesh", folder, "link"), 0);
	ck_assert(opens(path_of("link")));

	put("mesh/network.batch", "");
	ck_assert_int_eq(refuses(path, "network.batch is empty"), ERR_DATA);
	put_bytes("mesh/network.batch", "\n\0", 2, 0600);
	ck_assert_int_eq(refuses(path, "network.batch: line 2"), ERR_DATA);
	/* what lies in it is not followed */
	ck_assert_int_eq(unlinkat(folder, "mesh/network.batch", 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", folder,
				   "mesh/network.batch"), 0);
	ck_assert_int_eq(refuses(path, "symbolic link"), ERR_CONFIG);
	ck_assert_int_eq(unlinkat(folder, "mesh/network.batch", 0), 0);
	ck_assert_int_eq(mkfifoat(folder, "mesh/network.batch", 0600), 0);
	ck_assert_int_eq(refuses(path, "named pipe"), ERR_CONFIG);
}
END_TEST

/* What "-" is with TEXT on it: the kind, or minus the kind of the error. */
static int from_stdin(const char *text)
{
	int saved = dup(STDIN_FILENO), result;

	put("stdin", text);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_eq(dup2(openat(folder, "stdin", O_RDONLY),
			      STDIN_FILENO), STDIN_FILENO);
	result = opens("-") ? (int)source.kind : -(int)e.kind;
	dup2(saved, STDIN_FILENO);
	close(saved);
	return result;
}

START_TEST(standard_input)
{
	ck_assert_int_eq(from_stdin("[Interface]\n"), SOURCE_QUICK);
	ck_assert_str_eq(source.text.name, "<stdin>");
	ck_assert_str_eq(source.device, "");
	ck_assert_int_eq(from_stdin("\n# x\n[Interface]\n"), SOURCE_QUICK);
	ck_assert_int_eq(from_stdin(" \n{}"), SOURCE_DOCUMENT);
	ck_assert_int_eq(from_stdin(""), -ERR_DATA);
	ck_assert_int_eq(from_stdin("<html>"), -ERR_DATA);
	ck_assert_ptr_nonnull(strstr(e.text, "<stdin>"));
}
END_TEST

START_TEST(pipes)
{
	char path[32];
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(write(p[1], "[Interface]\n", 12), 12);
	close(p[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", p[0]);
	ck_assert(opens(path));
	ck_assert_int_eq(source.kind, SOURCE_QUICK);
	ck_assert_str_eq(source.device, "");
	close(p[0]);
	ck_assert_int_eq(refuses("/dev/null", "is empty"), ERR_DATA);
}
END_TEST

static const TTest *const *const tests[] = {
	&keys_by_name_and_path, &keys_malformed, &keys_from_a_pipe,
	&device_names, &quick_files, &names_of_wg_quick, &names_that_mislead,
	&texts_refused,
	&documents_and_urls, &documents_too_large, &folders, &standard_input,
	&pipes,
};

int main(void)
{
	TCase *tcase = tcase_create("input");
	Suite *suite = suite_create("input");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < array_size(tests); i++)
		tcase_add_test(tcase, *tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
