/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes: their words, their baseline, and what they see, look by look. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apply/apply.h"
#include "apply/probe.h"
#include "base/file.h"
#include "support/build.h"
#include "support/check.h"
#include "support/scratch.h"

static struct arena *arena;
static struct bench bench;
static struct build want;
static struct device *wg0;
static struct run run;
static struct probe probe;
static struct probe_eyes eyes;
static struct scratch scratch;
static struct plan_path path;
static struct err err;

static void setup(void)
{
	struct plan plan;

	arena = arena_new((size_t)1 << 28);
	scratch_open(&scratch);
	bench_init(&bench, arena, "office");
	build_init(&want, arena, "office");
	wg0 = build_device(&want, "wg0", 100);
	build_addresses(&want, wg0, "10.0.0.1/24");
	build_peer(&want, wg0, 1, "192.0.2.10:1", "10.0.0.2/32")->name = "tr";
	build_peer(&want, wg0, 2, "192.0.2.11:1", "10.0.0.3/32");
	build_peer(&want, wg0, 3, NULL, "10.0.0.4/32");
	ck_assert_msg(!bench_converge(&bench, &want.s, NULL, &plan, &err),
		      "%s", err.text);
	eyes = (struct probe_eyes){
		.kernel = &bench.model->kernel, .arena = arena,
		.secrets = arena, .helper_folder = scratch.path,
	};
	run = (struct run){ .arena = arena, .want = &want.s };
}

static void teardown(void)
{
	probe_close(&probe);
	scratch_close(&scratch);
	arena_free(arena);
}

static struct peer *peer(int seed)
{
	struct key key = build_key(seed);

	return model_peer(bench.model, "wg0", &key);
}

static void parse(const char *text)
{
	ck_assert_msg(!probe_parse(text, &probe, &err), "%s", err.text);
}

static enum probe_end look(void)
{
	return probe_look(&probe, &eyes);
}

/* The looks that only take what there is. */
static void first_looks(void)
{
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_eq(look(), PROBE_NOT_YET);
}

/* As the guard gets it: by a word, in another process. */
static const char *baseline(void)
{
	const char *word;
	struct probe other;

	bench_observe(&bench, &want.s, NULL, NULL, &run.have);
	ck_assert_msg(!probe_baseline(&run, &probe, &err), "%s", err.text);
	word = probe_write(arena, &probe);
	if (!word)
		return NULL;
	other = probe;
	other.peer_count = 0;
	memset(other.device, 0, sizeof(other.device));
	memset(other.peers, 0, sizeof(other.peers));
	other.connection = (struct connection){ 0 };
	ck_assert_msg(!probe_read(word, &other, &err), "%s", err.text);
	ck_assert_str_eq(probe_write(arena, &other), word);
	probe = other;
	return word;
}

START_TEST(words)
{
	parse("token");
	ck_assert_int_eq(probe.kind, PROBE_TOKEN);
	parse("ssh");
	ck_assert_int_eq(probe.kind, PROBE_SSH);
	parse("handshake");
	ck_assert_int_eq(probe.kind, PROBE_HANDSHAKE);
	ck_assert_str_eq(probe.peer, "");
	parse("handshake:tr");
	ck_assert_str_eq(probe.peer, "tr");
	parse("tcp:host.example:443");
	ck_assert_int_eq(probe.kind, PROBE_TCP);
	ck_assert_str_eq(probe.host, "host.example");
	ck_assert_str_eq(probe.port, "443");
	parse("tcp:[2001:db8::1]:22");
	ck_assert_str_eq(probe.host, "2001:db8::1");
	parse("command:/bin/true");
	ck_assert_int_eq(probe.kind, PROBE_COMMAND);
	ck_assert_str_eq(probe.path, "/bin/true");
}
END_TEST

START_TEST(no_probes)
{
	static const char *const texts[] = {
		"", "ping", "handshake:", "SSH", "ssh:", "ssh:x", "token:x",
		"tcp", "tcp:", "tcp:host", "tcp:host:", "tcp::22",
		"tcp:host:0", "tcp:host:65536", "tcp:host:ssh",
		"tcp:2001:db8::1:22", "tcp:[]:22", "tcp:-o:22",
		"tcp:a b:22", "tcp:a\nb:22", "command", "command:",
		"command:true", "command:bin/true", ":", "x:y",
	};
	char long_text[2048];

	for (size_t i = 0; i < array_size(texts); i++) {
		err.kind = 0;
		ck_assert_msg(probe_parse(texts[i], &probe, &err), "%s",
			      texts[i]);
		ck_assert_int_eq(err.kind, ERR_USAGE);
	}
	memset(long_text, 'a', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	memcpy(long_text, "command:/", 9);
	ck_assert(probe_parse(long_text, &probe, &err));
	memcpy(long_text, "handshake:", 10);
	ck_assert(probe_parse(long_text, &probe, &err));
}
END_TEST

START_TEST(torn_baselines)
{
	static const char *const peers[] = {
		"", ",", "wg0,", "wg0,x", "wg0,AAAA", "a-name-that-is-long,",
	};
	static const char *const ends[] = {
		"", "10.0.0.2", "10.0.0.2,1,10.0.0.1", "10.0.0.2,x,10.0.0.1,2",
		"10.0.0.2,1,10.0.0.1,70000", "10.0.0.2,1,fe80::1,2",
		"10.0.0.2,1,10.0.0.1,2,3", "wg0,1,2,3",
	};
	const char *many = "wg0";
	char key[KEY_TEXT_MAX];
	struct key one = build_key(1);

	for (size_t i = 0; i < array_size(peers); i++) {
		parse("handshake");
		/* "wg0," names no peer, which is fine. */
		ck_assert_msg(!probe_read(peers[i], &probe, &err) ==
			      !strcmp(peers[i], "wg0,"), "%s", peers[i]);
	}
	for (size_t i = 0; i < array_size(ends); i++) {
		parse("ssh");
		ck_assert_msg(probe_read(ends[i], &probe, &err), "%s",
			      ends[i]);
		ck_assert_int_eq(err.kind, ERR_DATA);
	}
	for (int i = 0; i <= PROBE_PEERS; i++)
		many = arena_printf(arena, "%s,%s", many,
				    key_format(&one, key));
	parse("handshake");
	ck_assert(probe_read(many, &probe, &err));
}
END_TEST

START_TEST(peers_of_the_baseline)
{
	char key[KEY_TEXT_MAX];
	struct key one = build_key(1), two = build_key(2);

	parse("handshake");
	ck_assert_str_eq(baseline(), "wg0");
	/* Those heard before, the latest first. */
	peer(1)->last_handshake = 100;
	peer(2)->last_handshake = 200;
	parse("handshake");
	baseline();
	ck_assert_uint_eq(probe.peer_count, 2);
	ck_assert(key_equal(&probe.peers[0].public_key, &two));
	ck_assert(key_equal(&probe.peers[1].public_key, &one));
	parse("handshake:tr");
	baseline();
	ck_assert_uint_eq(probe.peer_count, 1);
	ck_assert(key_equal(&probe.peers[0].public_key, &one));
	parse(arena_printf(arena, "handshake:%s", key_format(&two, key)));
	baseline();
	ck_assert(key_equal(&probe.peers[0].public_key, &two));
	parse("handshake:uae");
	ck_assert(probe_baseline(&run, &probe, &err));
	ck_assert_int_eq(err.kind, ERR_USAGE);
	/* One that goes is not waited for. */
	wg0->peers++;
	wg0->peer_count--;
	parse("handshake");
	baseline();
	ck_assert_uint_eq(probe.peer_count, 1);
	ck_assert(key_equal(&probe.peers[0].public_key, &two));
	want.s.device_count = 0;
	ck_assert(probe_baseline(&run, &probe, &err));
	ck_assert_int_eq(err.kind, ERR_USAGE);
}
END_TEST

START_TEST(many_peers)
{
	static int64_t times[] = { 5, 90, 7, 80, 1, 60, 70, 2, 50, 40, 30, 20 };

	for (size_t i = 0; i < array_size(times); i++) {
		struct peer *p = build_peer(&want, wg0, 50 + (int)i, NULL,
					    NULL);

		p->last_handshake = times[i];
	}
	run.have.devices = wg0;
	run.have.device_count = 1;
	parse("handshake");
	ck_assert(!probe_baseline(&run, &probe, &err));
	ck_assert_uint_eq(probe.peer_count, PROBE_PEERS);
	for (size_t i = 0; i < PROBE_PEERS; i++) {
		const struct peer *p =
			device_peer(wg0, &probe.peers[i].public_key);

		ck_assert_int_eq(p->last_handshake, 90 - 10 * (int64_t)i);
	}
}
END_TEST

START_TEST(a_new_handshake)
{
	peer(1)->last_handshake = 100;
	parse("handshake");
	baseline();
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	/* Another peer's does not count, the one's does. */
	peer(2)->last_handshake = 300;
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	peer(1)->last_handshake = 301;
	ck_assert_int_eq(look(), PROBE_GOOD);
}
END_TEST

/* A peer's keepalives, or its tries for a session, show one way alone. */
START_TEST(what_is_received_is_no_answer)
{
	peer(1)->last_handshake = 100;
	parse("handshake");
	baseline();
	first_looks();
	for (int i = 0; i < 30; i++) {
		peer(1)->sent += 128;
		peer(1)->received += i % 2 ? 32 : 148;
		ck_assert_int_eq(look(), PROBE_NOT_YET);
	}
}
END_TEST

/* Nothing counts while the run is at work, nor right after it. */
START_TEST(not_while_busy)
{
	peer(1)->last_handshake = 100;
	parse("handshake");
	baseline();
	eyes.busy = true;
	for (int i = 0; i < 5; i++) {
		peer(1)->last_handshake++;
		ck_assert_int_eq(look(), PROBE_NOT_YET);
	}
	eyes.busy = false;
	for (int i = 0; i < 2; i++) {
		peer(1)->last_handshake++;
		ck_assert_int_eq(look(), PROBE_NOT_YET);
	}
	peer(1)->last_handshake++;
	ck_assert_int_eq(look(), PROBE_GOOD);
}
END_TEST

START_TEST(nobody_was_heard)
{
	parse("handshake");
	baseline();
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	peer(3)->last_handshake = 7;
	ck_assert_int_eq(look(), PROBE_GOOD);
}
END_TEST

START_TEST(the_device_is_gone)
{
	parse("handshake");
	baseline();
	strcpy(probe.device, "wg7");
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
}
END_TEST

START_TEST(no_ssh)
{
	parse("ssh");
	ck_assert(probe_baseline(&run, &probe, &err));
	ck_assert_int_eq(err.kind, ERR_USAGE);
	path = (struct plan_path){
		.local = build_prefix("10.0.0.1").ip, .local_port = 22,
		.remote = build_prefix("10.0.0.2").ip, .remote_port = 50022,
	};
	run.options.path = &path;
	ck_assert_str_eq(baseline(), "10.0.0.2,50022,10.0.0.1,22");
	ck_assert(!ip_compare(&probe.connection.local, &path.local));
	/* There is no such connection. */
	ck_assert_int_eq(look(), PROBE_NEVER);
}
END_TEST

START_TEST(no_baseline)
{
	static const char *const texts[] = {
		"token", "tcp:host:22", "command:/bin/true",
	};

	for (size_t i = 0; i < array_size(texts); i++) {
		parse(texts[i]);
		ck_assert_ptr_null(baseline());
	}
	parse("token");
	ck_assert_int_eq(look(), PROBE_NEVER);
}
END_TEST

/* At most ten seconds until a child has ended. */
static enum probe_end look_long(void)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	enum probe_end end = PROBE_NOT_YET;

	for (int i = 0; i < 200 && end == PROBE_NOT_YET; i++) {
		nanosleep(&pause, NULL);
		end = look();
		if (!probe.child)
			break;
	}
	return end;
}

static const char *script(const char *name, const char *text)
{
	scratch_put(&scratch, name, text, strlen(text), 0700);
	return arena_printf(arena, "%s/%s", scratch.path, name);
}

static void command(const char *text)
{
	const char *file = script("command", text);

	parse(arena_printf(arena, "command:%s", file));
	first_looks();
	ck_assert_int_eq(probe.child, 0);
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_ne(probe.child, 0);
}

START_TEST(commands)
{
	command("#!/bin/sh\nexit 0\n");
	ck_assert_int_eq(look_long(), PROBE_GOOD);
	command("#!/bin/sh\nexit 3\n");
	ck_assert_int_eq(look_long(), PROBE_NOT_YET);
	/* And again. */
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_ne(probe.child, 0);
	probe_close(&probe);
	ck_assert_int_eq(probe.child, 0);
	parse("command:/nonexistent");
	first_looks();
	ck_assert_int_eq(look(), PROBE_NEVER);
}
END_TEST

/* Nothing of ours is there, and what it started is ended with it. */
START_TEST(a_command_alone)
{
	pid_t child;

	command("#!/bin/sh\n[ -z \"$HOME$SECRET\" ] && [ ! -e /dev/fd/9 ]\n");
	ck_assert_int_eq(look_long(), PROBE_GOOD);
	/* The guard ignores it, who is ended by it has not succeeded. */
	signal(SIGHUP, SIG_IGN);
	command("#!/bin/sh\nkill -HUP $$\n");
	ck_assert_int_eq(look_long(), PROBE_NOT_YET);
	signal(SIGHUP, SIG_DFL);
	command("#!/bin/sh\nsleep 100\n");
	child = probe.child;
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_eq(probe.child, child);
	eyes.busy = true;
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_eq(probe.child, 0);
	ck_assert_int_eq(getpgid(child), -1);
}
END_TEST

START_TEST(connections)
{
	script("meshapply-fetch",
	       "#!/bin/sh\n[ \"$*\" = 'connect 10.0.0.9 22' ]\n");
	parse("tcp:10.0.0.9:22");
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_eq(look_long(), PROBE_GOOD);
	parse("tcp:10.0.0.9:23");
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_eq(look_long(), PROBE_NOT_YET);
}
END_TEST

/* A session that lives on: its peer answers a packet, or does not. */
START_TEST(answers)
{
	peer(1)->last_handshake = 100;
	parse("handshake");
	baseline();
	script("meshapply-fetch", "#!/bin/sh\nexit 1\n");
	first_looks();
	ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_ne(probe.child, 0);
	ck_assert_int_eq(look_long(), PROBE_NOT_YET);
	script("meshapply-fetch", "#!/bin/sh\nexit 0\n");
	for (int i = 0; i < 10 && !probe.child; i++)
		ck_assert_int_eq(look(), PROBE_NOT_YET);
	ck_assert_int_ne(probe.child, 0);
	ck_assert_int_eq(look_long(), PROBE_GOOD);
}
END_TEST

/* A packet to the peer: not to what is our own. */
START_TEST(touches)
{
	struct str text = { 0 };
	char *allowed = arena_printf(arena, "%s/touched", scratch.path);

	script("meshapply-fetch", arena_printf(
		arena, "#!/bin/sh\necho \"$*\" >%s.new\nmv %s.new %s\n",
		allowed, allowed, allowed));
	peer(1)->last_handshake = 100;
	peer(2)->last_handshake = 90;
	/* The first address of its subnet is ours. */
	peer(2)->allowed_ips = &wg0->addresses[0];
	parse("handshake");
	baseline();
	first_looks();
	for (int i = 0; i < 200 && access(allowed, F_OK); i++) {
		const struct timespec pause = { .tv_nsec = 50000000 };

		if (!probe.child)
			ck_assert_int_eq(look(), PROBE_NOT_YET);
		nanosleep(&pause, NULL);
	}
	ck_assert(!file_read(scratch.folder, "touched", 100, arena, &text,
			     &err));
	ck_assert_msg(str_is(text, "touch wg0 10.0.0.2 10.0.0.2\n"), "%s",
		      text.data);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(words), CHECK_CASE(no_probes),
		CHECK_CASE(torn_baselines), CHECK_CASE(peers_of_the_baseline),
		CHECK_CASE(many_peers), CHECK_CASE(a_new_handshake),
		CHECK_CASE(what_is_received_is_no_answer), CHECK_CASE(answers),
		CHECK_CASE(not_while_busy), CHECK_CASE(nobody_was_heard),
		CHECK_CASE(the_device_is_gone), CHECK_CASE(no_ssh),
		CHECK_CASE(no_baseline), CHECK_CASE(commands),
		CHECK_CASE(a_command_alone), CHECK_CASE(connections),
		CHECK_CASE(touches),
	};

	return check_run_within("probe", cases, array_size(cases), setup,
				teardown);
}
