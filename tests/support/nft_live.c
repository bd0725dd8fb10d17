/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/nft_live.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

struct live live;

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = IFF_UP;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void set_up(void)
{
	live.arena = arena_new((uint64_t)8 << 30);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	raise_loopback();
	ck_assert_int_eq(talk_open(&live.talk, live.arena, NETLINK_NETFILTER,
				   &live.e), 0);
}

static void tear_down(void)
{
	talk_close(&live.talk);
	arena_free(live.arena);
}

struct str live_read_text(const char *path)
{
	struct str text;

	ck_assert_msg(file_read_path(path, 1 << 20, live.arena, &text,
				     &live.e) == 0, "%s", live.e.text);
	return text;
}

struct str live_dump(const char *table)
{
	struct str messages;
	bool found;

	ck_assert_msg(nft_dump(live.talk.socket, live.arena, table, &messages,
			       &found, &live.e) == 0, "%s", live.e.text);
	ck_assert(found);
	return messages;
}

struct firewall live_observe(const char *table)
{
	struct firewall f;

	ck_assert_msg(nft_canonicalise(live.arena, live_dump(table), table, &f,
				       &live.e) == 0, "%s", live.e.text);
	return f;
}

int live_try_compile(const char *table, struct str text,
		     struct firewall *out, struct diags *diags)
{
	*out = (struct firewall){ .table = table, .text = text };
	diags_init(diags, live.arena);
	return nftc_compile(live.arena, live.helper, -1, out, diags, &live.e);
}

struct firewall live_compile(const char *table, struct str text)
{
	struct firewall f;
	struct diags diags;

	if (live_try_compile(table, text, &f, &diags) < 0) {
		struct sbuf out;

		sbuf_init(&out, live.arena);
		diags_format(&diags, &out);
		ck_abort_msg("%s\n%s", live.e.text, out.data);
	}
	return f;
}

void live_load(const char *table, struct str text)
{
	struct nftc *c;

	ck_assert_msg(nftc_prepare(live.arena, live.helper, -1, table, text, &c,
				   &live.e) == 0, "%s", live.e.text);
	ck_assert_msg(nftc_commit(c, 0, &live.e) == 0, "%s", live.e.text);
	nftc_close(c);
}

uint32_t live_generation(void)
{
	uint32_t now;

	ck_assert_int_eq(nft_generation(live.talk.socket, live.arena, &now,
					&live.e), 0);
	return now;
}

void live_send_packet(int type, uint16_t port, const char *address)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = inet_addr(address),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	(void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
	(void)!send(fd, "x", 1, MSG_NOSIGNAL);
	close(fd);
}

static void explain(const struct firewall *a, const struct firewall *b)
{
	for (size_t i = 0; i < a->object_count && i < b->object_count; i++) {
		const struct firewall_object *x = &a->objects[i];
		const struct firewall_object *y = &b->objects[i];

		if (!str_equal(x->bytes, y->bytes) ||
		    x->element_count != y->element_count)
			printf("kind %d: %s %u, %s %u: %zu, %zu bytes\n",
			       (int)x->kind, x->name, x->rank, y->name,
			       y->rank, x->bytes.size, y->bytes.size);
	}
}

void live_assert_same(const struct firewall *a, const struct firewall *b)
{
	enum firewall_difference difference = firewall_compare(a, b);

	if (difference != FIREWALL_SAME)
		explain(a, b);
	ck_assert_int_eq(difference, FIREWALL_SAME);
}

struct str live_sets_text(const char *counted, const char *ranges,
			  const char *pairs)
{
	char *text = arena_printf(live.arena,
		"table inet " SETS " {\n"
		"set counted { type ipv4_addr; counter; elements = { %s } }\n"
		"set ranges { type ipv4_addr; flags interval;"
		" elements = { %s } }\n"
		"map pairs { type ipv4_addr . inet_service : verdict;"
		" flags interval; elements = { %s } }\n"
		"chain entry { type filter hook output priority 0;\n"
		" ip daddr @counted\n"
		" ip daddr @ranges counter\n"
		" ip daddr . udp dport vmap @pairs\n"
		"}\nchain other { }\n}\n", counted, ranges, pairs);

	return str_of(text);
}

struct str live_with_ranges(const char *ranges)
{
	return live_sets_text("127.0.0.2", ranges, "10.0.0.1 . 53 : drop");
}

int live_send_delta(const struct firewall *want, const struct firewall *have)
{
	struct str batch;

	ck_assert_msg(nft_encode_elements(live.arena, want, have, 7000, &batch,
					  &live.e) == 0, "%s", live.e.text);
	return nft_send(live.talk.socket, batch, &live.e);
}

void live_apply_delta(struct str text)
{
	struct firewall have = live_observe(SETS);
	struct firewall want = live_compile(SETS, text);

	ck_assert_int_eq(firewall_compare(&want, &have), FIREWALL_ELEMENTS);
	ck_assert_msg(live_send_delta(&want, &have) == 0, "%s", live.e.text);
	have = live_observe(SETS);
	live_assert_same(&want, &have);
}

int live_become_service(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ 1u << CAP_NET_ADMIN, 1u << CAP_NET_ADMIN,
		  1u << CAP_NET_ADMIN },
	};

	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresgid(4242, 4242, 4242) < 0 ||
	    setresuid(4242, 4242, 4242) < 0 ||
	    syscall(SYS_capset, &head, data) < 0)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0,
		     0);
}

static void find_helper(void)
{
	char path[400];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (size < 0)
		size = 0;
	path[size] = '\0';
	for (int i = 0; i < 2 && strrchr(path, '/'); i++)
		*strrchr(path, '/') = '\0';
	snprintf(live.helper, sizeof(live.helper), "%s", path);
}

/* In a child of its own, as it enters a namespace. */
static bool can_run(void)
{
	char path[600];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/meshapply-nftc", live.helper);
	if (access(path, X_OK) < 0) {
		printf("SKIP: %s is not built\n", path);
		return false;
	}
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNET) < 0);
	waitpid(pid, &status, 0);
	if (status)
		printf("SKIP: no network namespace is to be had: run as "
		       "root, or by unshare -Ur\n");
	return !status;
}


int live_main(const char *name, void (*add)(TCase *tests))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create("live");
	SRunner *runner;
	int failed;

	find_helper();
	if (!can_run())
		return 0;
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 300);
	add(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
