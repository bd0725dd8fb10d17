/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Set elements changed in place, and tables deleted, on a real kernel. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/nft_wire.h"
#include "support/nft_live.h"

/* The packets that the element of an IPv4 ADDRESS has counted. */
static uint64_t packets_of(const char *address)
{
	struct str messages = live_dump(SETS), list;
	uint32_t key = inet_addr(address);
	struct nft_message m;
	struct nft_attr a, element, expr;
	uint64_t packets;

	while (nft_next_message(&messages, &m) == NFT_WALK_ITEM) {
		if (m.type != nft_type(NFT_MSG_NEWSETELEM) ||
		    !str_is(nft_attr_name(m.attrs, NFTA_SET_ELEM_LIST_SET),
			    "counted"))
			continue;
		ck_assert(nft_find_attr(m.attrs, NFTA_SET_ELEM_LIST_ELEMENTS,
					&a));
		list = a.payload;
		while (nft_next_attr(&list, &element) == NFT_WALK_ITEM) {
			if (!memmem(element.payload.data, element.payload.size,
				    &key, sizeof(key)))
				continue;
			ck_assert(nft_find_attr(element.payload,
						NFTA_SET_ELEM_EXPR, &expr));
			ck_assert(nft_find_attr(expr.payload, NFTA_EXPR_DATA,
						&expr));
			ck_assert(nft_find_attr(expr.payload,
						NFTA_COUNTER_PACKETS, &a));
			memcpy(&packets, a.payload.data, sizeof(packets));
			return be64toh(packets);
		}
	}
	ck_abort_msg("no element %s", address);
	return 0;
}

START_TEST(deltas_keep_the_counters_of_others)
{
	live_load(SETS, live_sets_text("127.0.0.2, 127.0.0.3", "10.0.0.0/24",
			     "10.0.0.1 . 53 : accept"));
	for (int i = 0; i < 5; i++)
		live_send_packet(SOCK_DGRAM, 999, "127.0.0.2");
	ck_assert_uint_eq(packets_of("127.0.0.2"), 5);
	live_apply_delta(live_sets_text(
		"127.0.0.2, 127.0.0.4, 127.0.0.5 comment \"x\"",
		"10.0.0.0/24, 10.0.4.0/22",
		"10.0.0.1 . 53 : drop, 10.2.0.0/16 . 1-99 : jump other"));
	ck_assert_uint_eq(packets_of("127.0.0.2"), 5);
	live_send_packet(SOCK_DGRAM, 999, "127.0.0.4");
	ck_assert_uint_eq(packets_of("127.0.0.4"), 1);
	/* a comment is part of an element: it is put in anew */
	live_apply_delta(live_sets_text(
		"127.0.0.2, 127.0.0.4 comment \"new\"", "10.0.4.0/22",
		"10.0.0.1 . 53 : accept"));
	ck_assert_uint_eq(packets_of("127.0.0.2"), 5);
	ck_assert_uint_eq(packets_of("127.0.0.4"), 0);
}
END_TEST

/* Intervals that touch, split, join, begin at 0 and reach to the end. */
START_TEST(deltas_of_intervals_end_where_a_load_does)
{
	static const char *const ranges[] = {
		"10.0.0.0/24, 10.0.1.0/24", "10.0.0.0/23",
		"10.0.0.0/25, 10.0.1.128/25", "0.0.0.0/8, 10.0.0.0/8",
		"0.0.0.0/0", "1.0.0.0-255.255.255.255", "255.255.255.255",
		"0.0.0.0, 255.0.0.0/8", "10.0.0.1, 10.0.0.2, 10.0.0.3",
		"10.0.0.2", "10.0.0.1-10.0.0.2, 10.0.0.3-10.0.0.9",
		"10.0.0.1-10.0.0.3, 10.0.0.4-10.0.0.9", "0.0.0.0-0.0.0.7",
	};
	enum { COUNT = array_size(ranges) };
	struct firewall made[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		made[i] = live_compile(SETS, live_with_ranges(ranges[i]));
	live_load(SETS, live_with_ranges(ranges[0]));
	for (size_t from = 0; from < COUNT; from++)
		for (size_t to = 0; to < COUNT; to++) {
			struct firewall have = live_observe(SETS);

			ck_assert_msg(live_send_delta(&made[to], &have) == 0,
				      "to %s: %s", ranges[to], live.e.text);
			have = live_observe(SETS);
			live_assert_same(&made[to], &have);
			ck_assert_msg(live_send_delta(&made[from], &have) == 0,
				      "to %s: %s", ranges[from], live.e.text);
		}
}
END_TEST

START_TEST(a_stale_generation_changes_nothing)
{
	struct str old = live_with_ranges("10.0.0.0/24");
	struct str new = live_sets_text("127.0.0.3", "10.0.0.0/24",
				   "10.0.0.1 . 53 : drop");
	struct firewall have, want, now;
	struct nftc *c;

	live_load(SETS, old);
	have = live_observe(SETS);
	want = live_compile(SETS, new);
	ck_assert_uint_eq(have.generation, live_generation());
	ck_assert_int_eq(nftc_prepare(live.arena, live.helper, -1, SETS, new,
				      &c, &live.e), 0);
	live_load("meshapply_foreign", STR("table inet meshapply_foreign { }"));
	ck_assert_uint_ne(have.generation, live_generation());
	ck_assert_int_eq(live_send_delta(&want, &have), -1);
	ck_assert_int_eq(live.e.kind, ERR_BUSY);
	ck_assert_int_eq(nftc_commit(c, have.generation, &live.e), -1);
	ck_assert_int_eq(live.e.kind, ERR_BUSY);
	nftc_close(c);
	now = live_observe(SETS);
	live_assert_same(&have, &now);
}
END_TEST

START_TEST(an_element_out_of_place_is_refused_in_words)
{
	struct firewall want, have;

	live_load(SETS, live_with_ranges("10.0.0.0/24"));
	have = live_observe(SETS);
	/* what is there is said not to be: adding it overlaps */
	for (size_t i = 0; i < have.object_count; i++)
		have.objects[i].element_count = 0;
	want = live_compile(SETS, live_with_ranges("10.0.0.5-10.0.0.9"));
	ck_assert_int_eq(live_send_delta(&want, &have), -1);
	ck_assert_int_eq(live.e.kind, ERR_FAILED);
	ck_assert_msg(strstr(live.e.text, "adding elements of set "), "%s",
		      live.e.text);
}
END_TEST

START_TEST(a_table_is_deleted)
{
	struct str batch, messages;
	bool found = true;

	live_load(SETS, live_with_ranges("10.0.0.0/24"));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(nft_encode_delete(live.arena, NFPROTO_INET,
						   SETS, 0, 5, &batch,
						   &live.e), 0);
		ck_assert_int_eq(nft_send(live.talk.socket, batch, &live.e),
				 -i);
	}
	ck_assert_int_eq(live.e.number, ENOENT);
	ck_assert_int_eq(nft_dump(live.talk.socket, live.arena, SETS,
				  &messages, &found, &live.e), 0);
	ck_assert(!found);
}
END_TEST

/* And deltas of as many, in one batch. */
START_TEST(a_delta_of_ten_thousand_elements)
{
	struct str few = live_with_ranges("10.0.0.0/24");
	struct firewall want, have;
	struct sbuf b;

	sbuf_init(&b, live.arena);
	sbuf_puts(&b, "127.0.0.2");
	for (int i = 0; i < 10000; i++)
		sbuf_printf(&b, ", 10.%d.%d.%d", i >> 14, i >> 6 & 255,
			    (i & 63) << 2);
	live_load(SETS, few);
	live_apply_delta(live_sets_text(b.data, b.data,
					"10.0.0.1 . 53 : drop"));
	want = live_compile(SETS, few);
	have = live_observe(SETS);
	ck_assert_msg(live_send_delta(&want, &have) == 0, "%s", live.e.text);
	have = live_observe(SETS);
	live_assert_same(&want, &have);
}
END_TEST

#define FLOW_PORT 4100
#define FLOW_TEXT(address) \
	"table inet " SETS " {\n" \
	"set counted { type ipv4_addr; counter; elements = { " address \
	" } }\nchain entry { type nat hook output priority -100;\n" \
	" ip daddr @counted counter\n" \
	" udp dport 4100 redirect to :4101\n}\n" \
	"chain first { type filter hook output priority 0; policy drop;\n" \
	" ct state established,related,new accept\n}\n}\n"

static struct sockaddr_in on_lo(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Numbered packets, a thousand a second, until we are stopped. */
static void send_flow(int count_to)
{
	struct sockaddr_in to = on_lo(FLOW_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t number = 0;
	bool stop = false;
	char byte;

	(void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
	while (!stop) {
		/* refused by a chain, it would not have gone out */
		if (send(fd, &number, sizeof(number), 0) < 0)
			_exit(1);
		number++;
		usleep(1000);
		stop = read(count_to, &byte, 1) == 1;
	}
	_exit((int)(write(count_to, &number, sizeof(number)) !=
		    sizeof(number)));
}

static uint32_t received(int fd)
{
	uint32_t number, count = 0;

	while (recv(fd, &number, sizeof(number), MSG_DONTWAIT) ==
	       sizeof(number))
		count++;
	return count;
}

/* All of it goes through a translation and a chain that drops the rest. */
START_TEST(a_flow_loses_nothing)
{
	struct sockaddr_in at = on_lo(FLOW_PORT + 1);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ends[2];
	uint32_t sent = 0, got = 0;
	struct firewall made[2], have;
	int room = 8 << 20;	/* until we come to read */
	pid_t sender;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
				    sizeof(room)), 0);
	made[0] = live_compile(SETS, STR(FLOW_TEXT("192.0.2.1")));
	made[1] = live_compile(SETS, STR(FLOW_TEXT("192.0.2.2, 192.0.2.3")));
	live_load(SETS, STR(FLOW_TEXT("192.0.2.1")));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
				    SOCK_NONBLOCK, 0, ends), 0);
	sender = fork();
	if (!sender)
		send_flow(ends[1]);
	for (int i = 0; i < 20; i++) {
		have = live_observe(SETS);
		if (i % 2)
			live_load(SETS, STR(FLOW_TEXT("192.0.2.1")));
		else
			ck_assert_int_eq(live_send_delta(&made[1], &have), 0);
		usleep(20000);
		got += received(fd);
	}
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	ck_assert_int_eq(read(ends[0], &sent, sizeof(sent)), sizeof(sent));
	got += received(fd);
	ck_assert_uint_gt(sent, 100);
	ck_assert_uint_eq(got, sent);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, deltas_keep_the_counters_of_others);
	tcase_add_test(t, deltas_of_intervals_end_where_a_load_does);
	tcase_add_test(t, a_stale_generation_changes_nothing);
	tcase_add_test(t, an_element_out_of_place_is_refused_in_words);
	tcase_add_test(t, a_table_is_deleted);
	tcase_add_test(t, a_flow_loses_nothing);
	tcase_add_test(t, a_delta_of_ten_thousand_elements);
}

int main(void)
{
	return live_main("nft: deltas", add);
}
