/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meshapply-nftc and the run that started it, on a real kernel. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/nft_live.h"

START_TEST(loading_is_all_or_nothing)
{
	struct str text = live_with_ranges("10.0.0.0/24");
	uint32_t before = live_generation();
	struct nftc *c;

	/* Loading nothing would delete the table. */
	ck_assert_int_eq(nftc_prepare(live.arena, live.helper, -1, SETS,
				      (struct str){ 0 }, &c, &live.e), -1);
	ck_assert_int_eq(live.e.kind, ERR_FAILED);
	ck_assert_int_eq(nftc_prepare(live.arena, live.helper, -1, SETS, text,
				      &c, &live.e), 0);
	nftc_close(c);
	ck_assert_uint_eq(live_generation(), before);
	text = STR("table inet " SETS " {\n"
		   "chain a { goto nowhere; }\n}\n");
	ck_assert_int_eq(nftc_prepare(live.arena, live.helper, -1, SETS, text,
				      &c, &live.e), 0);
	ck_assert_int_eq(nftc_commit(c, before, &live.e), -1);
	nftc_close(c);
	ck_assert_int_eq(live.e.kind, ERR_FAILED);
	ck_assert_msg(strstr(live.e.text, "line 2, column "), "%s",
		      live.e.text);
	ck_assert_uint_eq(live_generation(), before);
}
END_TEST

/* Places are those of the text, also behind a line put before it. */
START_TEST(errors_have_their_places)
{
	struct source source = {
		.name = "firewall.nft",
		.text = STR("# first\n"
			    "table inet " SETS " {\n"
			    "\tchain a {\n"
			    "\t\tip saddr 1.2.3.4 tcp dport 70000\n"
			    "\t\tjump nowhere\n"
			    "\t}\n}\n"),
	};
	struct firewall f = { .table = SETS, .where.source = &source };
	struct diags diags;
	struct sbuf out;

	diags_init(&diags, live.arena);
	f.text = str_of(arena_printf(live.arena, "define fwmark = 5\n%s",
				     source.text.data));
	ck_assert_int_eq(nftc_compile(live.arena, live.helper, -1, &f, &diags,
				      &live.e), -1);
	ck_assert_int_eq(live.e.kind, ERR_DATA);
	ck_assert(!f.compiled);
	ck_assert_uint_ge(diags.errors, 1);
	sbuf_init(&out, live.arena);
	diags_format(&diags, &out);
	ck_assert_msg(strstr(out.data, "firewall.nft:4:30: error: "
				       "Service out of range"), "%s", out.data);
}
END_TEST

/* Errors of the kernel, in the throw-away namespace, have places too. */
START_TEST(a_refusal_by_the_kernel_has_its_place)
{
	struct firewall f = {
		.table = SETS,
		.text = STR("table inet " SETS " {\n"
			    "\tchain a {\n"
			    "\t\taccept\n"
			    "\t\tgoto nowhere\n"
			    "\t}\n}\n"),
	};
	struct diags diags;
	struct sbuf out;

	diags_init(&diags, live.arena);
	ck_assert_int_eq(nftc_compile(live.arena, live.helper, -1, &f, &diags,
				      &live.e), -1);
	ck_assert_int_eq(live.e.kind, ERR_DATA);
	sbuf_init(&out, live.arena);
	diags_format(&diags, &out);
	ck_assert_msg(strstr(out.data, "firewall.nft:4:"), "%s", out.data);
}
END_TEST

/*
 * A conntrack timeout leaves states out.  The kernel would fill in those of its
 * namespace, but libnftables sends them all.
 */
START_TEST(timeouts_do_not_come_from_the_namespace)
{
	static const char path[] = "/proc/sys/net/netfilter/"
				   "nf_conntrack_tcp_timeout_time_wait";
	struct str text = STR("table inet " SETS " {\n"
			      "ct timeout t { protocol tcp; l3proto ip;\n"
			      "policy = { established : 1200 }\n}\n}\n");
	struct firewall want, have;
	FILE *file;

	live_load(SETS, text);	/* so that conntrack is there */
	file = fopen(path, "we");
	if (!file || fputs("77", file) < 0 || fclose(file)) {
		printf("SKIP: %s cannot be written\n", path);
		return;
	}
	live_load(SETS, text);
	have = live_observe(SETS);
	want = live_compile(SETS, text);
	live_assert_same(&want, &have);
}
END_TEST

/* Flowtables and ingress hooks name links, which have to be there. */
START_TEST(links_have_stubs)
{
	static const char *const formats[] = {
		"table inet " SETS " {\n"
		"chain a { type filter hook ingress device \"%s\" priority 0;"
		" accept; }\n}\n",
		"table inet " SETS " {\n"
		"flowtable f { hook ingress priority 0; devices = { %s }; }\n"
		"chain a { type filter hook forward priority 0;"
		" ip protocol tcp flow add @f; }\n}\n",
	};
	struct str text = str_of(arena_printf(live.arena, formats[_i],
					      "stub0"));
	struct firewall f;
	struct diags diags;

	if (live_try_compile(SETS, text, &f, &diags) < 0) {
		text = str_of(arena_printf(live.arena, formats[_i], "lo"));
		ck_assert_msg(live_try_compile(SETS, text, &f, &diags) < 0,
			      "there was no stub");
		printf("SKIP: %s\n", diags.items[0].message);
		return;
	}
	ck_assert_uint_eq(f.object_count, 3 + _i);
}
END_TEST

/* Ten thousand of each kind of element: more than a socket takes unasked. */
static struct str many_elements(void)
{
	static const char *const heads[] = {
		"set ranges { type ipv4_addr; flags interval;",
		"set noted { type ipv4_addr;",
		"set pairs { type ipv4_addr . inet_service; flags interval;",
	};
	struct sbuf b;

	sbuf_init(&b, live.arena);
	sbuf_puts(&b, "table inet " SETS " {\n");
	for (size_t set = 0; set < array_size(heads); set++) {
		sbuf_printf(&b, "%s elements = {\n", heads[set]);
		for (int i = 0; i < 10000; i++)
			sbuf_printf(&b, "10.%d.%d.%d%s,\n", i >> 14,
				    i >> 6 & 255, (i & 63) << 2,
				    set == 0 ? "/31" :
				    set == 1 ? " comment \"one of many\"" :
					       " . 1-99");
		sbuf_puts(&b, "} }\n");
	}
	sbuf_puts(&b, "}\n");
	return (struct str){ b.data, b.size };
}

/*
 * The throw-away namespace is in a user namespace then, where large buffers
 * are not to be had but through the parent.
 */
START_TEST(a_service_compiles_ten_thousand_elements)
{
	char program[600];
	struct firewall want, have;
	struct str text = many_elements();

	if (live_become_service() < 0) {
		printf("SKIP: not root, cannot become another user\n");
		return;
	}
	snprintf(program, sizeof(program), "%s/meshapply-nftc", live.helper);
	if (access(program, X_OK) < 0) {
		printf("SKIP: user 4242 does not reach %s\n", program);
		return;
	}
	want = live_compile(SETS, text);
	ck_assert_uint_gt(want.element_count, 39000);
	live_load(SETS, text);
	have = live_observe(SETS);
	live_assert_same(&want, &have);
	text = live_with_ranges("10.0.0.0/24");
	live_load(SETS, text);
	have = live_observe(SETS);
	want = live_compile(SETS, text);
	live_assert_same(&want, &have);
}
END_TEST

/* A folder of its own with a program of this content as meshapply-nftc. */
static void fake_helper(const char *content)
{
	int folder, fd;

	snprintf(live.helper, sizeof(live.helper), "/tmp/test-nftc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(live.helper));
	folder = open(live.helper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (content) {
		fd = openat(folder, "meshapply-nftc",
			    O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		ck_assert_int_eq(write(fd, content, strlen(content)),
				 (ssize_t)strlen(content));
		close(fd);
	}
	close(folder);
}

static void remove_fake_helper(void)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/meshapply-nftc", live.helper);
	unlink(path);
	rmdir(live.helper);
}

START_TEST(a_wrong_helper_is_told)
{
	static const struct {
		const char *content, *words;
	} cases[] = {
		{ NULL, "No such file" },
		{ "#!/bin/sh\necho out of order >&2\n",
		  "ended without an answer: out of order" },
		{ "#!/bin/sh\nkill -SEGV $$\n", "died of signal 11" },
		{ "#!/bin/sh\nprintf '\\1\\0\\0\\0\\3\\0\\0\\0old' >&3\n",
		  "is of version old, this is " MESHAPPLY_VERSION },
		{ "#!/bin/sh\nprintf '\\1\\0\\0\\0\\3\\377\\377\\377old' "
		  ">&3\n", "malformed" },
	};
	struct firewall f = { .table = SETS, .text = STR("") };
	struct diags diags;

	diags_init(&diags, live.arena);
	fake_helper(cases[_i].content);
	ck_assert_int_eq(nftc_compile(live.arena, live.helper, -1, &f, &diags,
				      &live.e), -1);
	remove_fake_helper();
	ck_assert_int_eq(live.e.kind, ERR_FAILED);
	ck_assert_msg(strstr(live.e.text, cases[_i].words), "%s", live.e.text);
}
END_TEST

static pid_t child_of(pid_t pid)
{
	char path[64], line[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return (pid_t)atoi(line);
}

/* The child holds the lock and the prepared load; it must not outlive us. */
START_TEST(the_child_dies_with_its_parent)
{
	struct str text = live_with_ranges("10.0.0.0/24");
	pid_t parent, child;
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	parent = fork();
	if (!parent) {
		struct nftc *c;

		if (nftc_prepare(live.arena, live.helper, ready[0], SETS,
				 text, &c, &live.e))
			_exit(1);
		(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	child = child_of(parent);
	ck_assert_int_gt(child, 0);
	kill(parent, SIGKILL);
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 1000 && kill(child, 0) == 0; i++) {
		char path[64], state[256] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", child);
		file = fopen(path, "re");
		if (file && fgets(state, sizeof(state), file) &&
		    strstr(state, ") Z"))
			i = 1000;
		if (file)
			fclose(file);
		usleep(10000);
		ck_assert_int_ne(i, 999);
	}
}
END_TEST

/* What the child is given: its stream, the lock, nothing of ours. */
START_TEST(the_child_gets_no_other_descriptor)
{
	struct str text = STR("table inet " SETS " { }\n");
	int lock = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct nftc *c;
	pid_t child;

	(void)!dup(lock);
	ck_assert_int_eq(nftc_prepare(live.arena, live.helper, lock, SETS,
				      text, &c, &live.e), 0);
	child = child_of(getpid());
	for (int fd = 5; fd < 64; fd++) {
		char path[64], to[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, fd);
		(void)!readlink(path, to, sizeof(to) - 1);
		ck_assert_msg(strstr(to, "/dev/null") != to, "%s", path);
	}
	nftc_close(c);
	ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

static int write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t put = write(fd, value, strlen(value));

	close(fd);
	return put == (ssize_t)strlen(value) ? 0 : -1;
}

/* As root of namespaces of our own that may have none beneath them. */
static int forbid_namespaces(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
	    write_to("/proc/self/uid_map", map) < 0)
		return -1;
	if (write_to("/proc/sys/user/max_user_namespaces", "0") < 0)
		return -1;
	return write_to("/proc/sys/user/max_net_namespaces", "0");
}

START_TEST(without_a_namespace_it_is_checked_in_place)
{
	struct str bad = STR("table inet " SETS " {\n"
			     "\tchain a { acept; }\n}\n");
	struct str good = live_with_ranges("10.0.0.0/24");
	struct firewall f;
	struct diags diags;
	const char *name;
	size_t line, column;

	if (forbid_namespaces() < 0) {
		printf("SKIP: namespaces cannot be forbidden\n");
		return;
	}
	ck_assert_int_eq(live_try_compile(SETS, good, &f, &diags), -1);
	ck_assert_int_eq(live.e.kind, ERR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(live.e.text, "namespace"));
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_int_eq(live_try_compile(SETS, bad, &f, &diags), -1);
	ck_assert_int_eq(live.e.kind, ERR_DATA);
	ck_assert_uint_eq(diags.errors, 1);
	place_resolve(diags.items[0].where, &name, &line, &column);
	ck_assert_uint_eq(line, 2);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, loading_is_all_or_nothing);
	tcase_add_test(t, errors_have_their_places);
	tcase_add_test(t, a_refusal_by_the_kernel_has_its_place);
	tcase_add_test(t, timeouts_do_not_come_from_the_namespace);
	tcase_add_loop_test(t, links_have_stubs, 0, 2);
	tcase_add_test(t, a_service_compiles_ten_thousand_elements);
	tcase_add_loop_test(t, a_wrong_helper_is_told, 0, 5);
	tcase_add_test(t, the_child_dies_with_its_parent);
	tcase_add_test(t, the_child_gets_no_other_descriptor);
	tcase_add_test(t, without_a_namespace_it_is_checked_in_place);
}

int main(void)
{
	return live_main("nftc", add);
}
