/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sock_diag's messages: golden bytes, cut short anywhere; and the kernel's. */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/connection.h"
#include "support/check.h"

static struct arena *arena;
static struct err e;

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
}

static void teardown(void)
{
	arena_free(arena);
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { 0 };

	ck_assert_int_eq(ip_parse(str_of(text), &ip), 0);
	return ip;
}

static struct connection between(const char *local, uint16_t local_port,
				 const char *remote, uint16_t remote_port)
{
	return (struct connection){
		.local = ip_of(local), .local_port = local_port,
		.remote = ip_of(remote), .remote_port = remote_port,
	};
}

/* An answer, with SIZE bytes of struct tcp_info (0: none). */
static struct nlmsghdr *answer(uint8_t family, const void *local,
			       const void *remote, uint8_t state, size_t size)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(arena_alloc(arena, 1024));
	struct inet_diag_msg *of = mnl_nlmsg_put_extra_header(m, sizeof(*of));
	struct tcp_info info = { .tcpi_bytes_acked = 1001,
				 .tcpi_bytes_received = 2002,
				 .tcpi_last_ack_recv = 33 };
	size_t length = family == AF_INET ? 4 : 16;

	m->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	of->idiag_family = family;
	of->idiag_state = state;
	of->idiag_inode = 4711;
	of->id.idiag_sport = htons(22);
	of->id.idiag_dport = htons(50022);
	of->id.idiag_if = 9;
	memcpy(of->id.idiag_src, local, length);
	memcpy(of->id.idiag_dst, remote, length);
	if (size)
		mnl_attr_put(m, INET_DIAG_INFO, size, &info);
	return m;
}

static const uint8_t four[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
static const uint8_t mapped[2][16] = {
	{ [10] = 0xff, 0xff, 10, 0, 0, 1 }, { [10] = 0xff, 0xff, 10, 0, 0, 2 },
};
static const uint8_t six[2][16] = {
	{ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	{ 0x20, 0x01, 0x0d, 0xb8, [15] = 2 },
};

START_TEST(requests)
{
	struct connection c = between("10.0.0.1", 22, "10.0.0.2", 50022);
	const struct inet_diag_req_v2 *r;
	struct nlmsghdr *m = connection_encode_list(arena, AF_INET6);

	r = mnl_nlmsg_get_payload(m);
	ck_assert_uint_eq(m->nlmsg_type, SOCK_DIAG_BY_FAMILY);
	ck_assert_uint_eq(m->nlmsg_len, 16 + 56);
	ck_assert_uint_eq(r->sdiag_family, AF_INET6);
	ck_assert_uint_eq(r->sdiag_protocol, IPPROTO_TCP);
	ck_assert_uint_eq(r->idiag_states, 1u << 1);
	ck_assert_uint_eq(r->idiag_ext, 0);
	m = connection_encode_find(arena, &c);
	r = mnl_nlmsg_get_payload(m);
	ck_assert_uint_eq(r->sdiag_family, AF_INET);
	ck_assert_uint_eq(r->idiag_ext, 1u << 1);
	ck_assert_uint_eq(ntohs(r->id.idiag_sport), 22);
	ck_assert_uint_eq(ntohs(r->id.idiag_dport), 50022);
	ck_assert_uint_eq(ntohl(r->id.idiag_src[0]), 0x0a000001);
	ck_assert_uint_eq(ntohl(r->id.idiag_dst[0]), 0x0a000002);
	ck_assert_uint_eq(r->id.idiag_src[1], 0);
	ck_assert_uint_eq(r->id.idiag_cookie[0], UINT32_MAX);
}
END_TEST

static void decodes(const struct nlmsghdr *m, const struct connection *like,
		    bool counted)
{
	struct connection c;

	ck_assert_msg(!connection_decode(m, &c, &e), "%s", e.text);
	ck_assert(connection_equal(&c, like));
	ck_assert_uint_eq(c.inode, 4711);
	ck_assert_uint_eq(c.bound, 9);
	ck_assert(c.established);
	ck_assert_int_eq(c.counted, counted);
	if (!counted)
		return;
	ck_assert_uint_eq(c.acked, 1001);
	ck_assert_uint_eq(c.received, 2002);
	ck_assert_uint_eq(c.last_ack, 33);
}

START_TEST(answers)
{
	struct connection c4 = between("10.0.0.1", 22, "10.0.0.2", 50022);
	struct connection c6 = between("2001:db8::1", 22, "2001:db8::2",
				       50022);
	size_t whole = sizeof(struct tcp_info);

	decodes(answer(AF_INET, four[0], four[1], 1, whole), &c4, true);
	decodes(answer(AF_INET6, mapped[0], mapped[1], 1, whole), &c4, true);
	decodes(answer(AF_INET6, six[0], six[1], 1, whole), &c6, true);
	/* An older kernel's ends before what is asked for. */
	decodes(answer(AF_INET, four[0], four[1], 1, 104), &c4, false);
	decodes(answer(AF_INET, four[0], four[1], 1, 0), &c4, false);
}
END_TEST

START_TEST(refused)
{
	struct connection c;
	struct nlmsghdr *m = answer(AF_INET, four[0], four[1], 10, 0);

	ck_assert(!connection_decode(m, &c, &e));
	ck_assert(!c.established);
	m->nlmsg_type = 16;
	ck_assert(connection_decode(m, &c, &e));
	m = answer(AF_UNIX, six[0], six[1], 1, 0);
	ck_assert(connection_decode(m, &c, &e));
}
END_TEST

START_TEST(cut_short)
{
	struct nlmsghdr *whole = answer(AF_INET, four[0], four[1], 1,
					sizeof(struct tcp_info));

	for (uint32_t size = MNL_NLMSG_HDRLEN; size < whole->nlmsg_len;
	     size++) {
		struct nlmsghdr *m = arena_copy(arena, whole, size);
		struct connection c;
		int status;

		m->nlmsg_len = size;
		status = connection_decode(m, &c, &e);
		/* Just before the attribute it is a whole one without it. */
		ck_assert_int_eq(status, size == 16 + 72 ? 0 : -1);
	}
}
END_TEST

struct pair {
	int listens, calls, answers;
	struct connection c;	/* as the caller has it */
};

/* A connection over lo; FAMILY is that of the one that listens, on LINK. */
static bool pair_open(struct pair *p, int family, const char *link)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET }, from;
	socklen_t size = sizeof(any);
	bool six_too = family == AF_INET6;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listens = socket(family, SOCK_STREAM, 0);
	if (p->listens < 0 ||
	    (link && setsockopt(p->listens, SOL_SOCKET, SO_BINDTODEVICE, link,
				(socklen_t)strlen(link))) ||
	    bind(p->listens, six_too ? (void *)&any : (void *)&to,
		 six_too ? sizeof(any) : sizeof(to)) || listen(p->listens, 1))
		return false;
	ck_assert(!getsockname(p->listens, (void *)&any, &size));
	/* The port stands at the same place in both. */
	to.sin_port = any.sin6_port;
	p->calls = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(p->calls, (void *)&to, sizeof(to)))
		return false;
	p->answers = accept(p->listens, NULL, NULL);
	size = sizeof(from);
	ck_assert(!getsockname(p->calls, (void *)&from, &size));
	p->c = between("127.0.0.1", ntohs(from.sin_port), "127.0.0.1",
		       ntohs(to.sin_port));
	return true;
}

static void pair_close(struct pair *p)
{
	close(p->calls);
	close(p->answers);
	close(p->listens);
}

static const struct connection *listed(const struct connection *like)
{
	struct connection *all;
	size_t count;

	ck_assert_msg(!connection_list(arena, &all, &count, &e), "%s", e.text);
	for (size_t i = 0; i < count; i++)
		if (connection_equal(&all[i], like))
			return &all[i];
	return NULL;
}

static void live(int family, const char *link)
{
	struct connection now, other, back;
	const struct connection *c;
	struct pair p = { 0 };
	struct stat st;
	bool found;

	if (!pair_open(&p, family, link)) {
		printf("SKIP: a connection over lo, family %d%s\n", family,
		       link ? ", bound" : "");
		return;
	}
	/* The one that answers: of IPv6, it has mapped addresses. */
	back = (struct connection){ .local = p.c.remote, .remote = p.c.local,
				    .local_port = p.c.remote_port,
				    .remote_port = p.c.local_port };
	c = listed(&back);
	ck_assert_ptr_nonnull(c);
	ck_assert(!fstat(p.answers, &st));
	ck_assert_uint_eq(c->inode, (uint32_t)st.st_ino);
	ck_assert_uint_eq(c->bound, link ? if_nametoindex(link) : 0);
	ck_assert(!connection_find(arena, &back, &now, &found, &e) && found);
	ck_assert(now.counted);
	ck_assert_int_eq(write(p.answers, "hello", 5), 5);
	ck_assert_int_eq(read(p.calls, &st, 5), 5);
	ck_assert(!connection_find(arena, &back, &other, &found, &e) && found);
	ck_assert_uint_eq(other.acked, now.acked + 5);
	ck_assert_uint_eq(other.received, now.received);
	other = back;
	other.remote_port = 1;
	/* The kernel answers with who listens there. */
	ck_assert(!connection_find(arena, &other, &now, &found, &e));
	ck_assert(!found);
	pair_close(&p);
	ck_assert(!connection_find(arena, &back, &now, &found, &e) && !found);
	ck_assert_ptr_null(listed(&back));
}

START_TEST(of_the_kernel)
{
	struct connection *all;
	size_t count;

	if (connection_list(arena, &all, &count, &e)) {
		printf("SKIP: sock_diag: %s\n", e.text);
		return;
	}
	live(AF_INET, NULL);
	live(AF_INET6, NULL);
	/* As those of link-local addresses, and of a VRF, are. */
	live(AF_INET, "lo");
	live(AF_INET6, "lo");
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(requests), CHECK_CASE(answers),
		CHECK_CASE(refused), CHECK_CASE(cut_short),
		CHECK_CASE(of_the_kernel),
	};

	return check_run_within("kern_connection", cases, array_size(cases),
				setup, teardown);
}
