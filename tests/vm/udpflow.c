/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A numbered UDP flow: what does a change of the network cost it?
 *
 *	udpflow recv ADDR PORT [IDLE]
 *	udpflow send ADDR PORT RATE SECONDS [SRC]
 *
 * The receiver ends at the flow's end, at SIGTERM, or after IDLE seconds
 * (default 30) without a packet, and prints what arrived.  The sender sends
 * RATE packets a second for SECONDS (0: until SIGTERM), whatever becomes of
 * them: one that the kernel refuses is counted and its number is used up.
 * Then it tells the receiver how many there were.  Both have to run on one
 * machine: numbers are in its byte order, times are of its clock.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SEQ_MAX (1ULL << 24)
#define MS 1000000LL	/* in ns, as all times here */
#define SECOND (1000 * MS)
#define END_REPEAT 5	/* the end may get lost, too */
#define END_LINGER (200 * MS)	/* for what is still on its way behind it */

enum kind {
	KIND_DATA = 0x666c6f77,	/* seq: its number, from 0 */
	KIND_END,		/* seq: how many there were */
};

struct packet {
	uint64_t kind;
	uint64_t seq;
	int64_t sent;	/* ns */
};

struct stats {
	unsigned long long received;	/* different ones */
	unsigned long long expected;	/* from the end, or the highest */
	unsigned long long duplicates;
	unsigned long long reordered;
	long long last;			/* ns, 0 before the first */
	long long gap;			/* ns */
	long long latency;		/* ns */
};

struct end {
	struct sockaddr_storage addr;
	socklen_t len;
};

static bool seen[SEQ_MAX];
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static _Noreturn void usage(void)
{
	fputs("usage: udpflow recv ADDR PORT [IDLE]\n"
	      "       udpflow send ADDR PORT RATE SECONDS [SRC]\n", stderr);
	exit(2);
}

static long number(const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		usage();
	return value;
}

static struct end lookup(const char *addr, const char *port)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *found;
	struct end end;

	if (getaddrinfo(addr, port, &hints, &found))
		usage();
	memcpy(&end.addr, found->ai_addr, found->ai_addrlen);
	end.len = found->ai_addrlen;
	freeaddrinfo(found);
	return end;
}

static int open_socket(const char *addr, const char *port)
{
	struct end at = lookup(addr, port);
	int fd = socket(at.addr.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (const void *)&at.addr, at.len)) {
		perror(addr);
		exit(1);
	}
	return fd;
}

static void count_gap(struct stats *s, int64_t at)
{
	if (s->last && at - s->last > s->gap)
		s->gap = at - s->last;
	s->last = at;
}

static void count_data(struct stats *s, const struct packet *p, int64_t at)
{
	if (p->seq >= SEQ_MAX)
		return;
	if (seen[p->seq]) {
		s->duplicates++;
		return;
	}
	seen[p->seq] = true;
	s->received++;
	if (p->seq < s->expected)
		s->reordered++;
	else
		s->expected = p->seq + 1;
	count_gap(s, at);
	if (at - p->sent > s->latency)
		s->latency = at - p->sent;
}

/* Receive until the end; nothing but the flow's own packets counts. */
static void receive(int fd, struct stats *s, int64_t idle)
{
	struct packet p;
	int64_t deadline = now() + idle;
	bool ended = false;

	while (!stopped && now() < deadline) {
		bool whole = recv(fd, &p, sizeof(p), 0) == sizeof(p);
		int64_t at = now();

		if (!whole)
			continue;
		if (p.kind == KIND_DATA) {
			count_data(s, &p, at);
			if (!ended)
				deadline = at + idle;
		} else if (p.kind == KIND_END && !ended) {
			/* An outage that lasts to the end is one, too. */
			count_gap(s, at);
			if (p.seq > s->expected)
				s->expected = p.seq;
			deadline = at + END_LINGER;
			ended = true;
		}
	}
}

static int recv_main(int argc, char **argv)
{
	long idle = argc > 4 ? number(argv[4], 1, 86400) : 30;
	int fd = open_socket(argv[2], argv[3]);
	struct timeval look_up = { .tv_usec = 50000 };
	int size = 8 << 20;
	struct stats s = { 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look_up, sizeof(look_up));
	/* A receiver that was not scheduled in time is not a loss. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	puts("ready");
	fflush(stdout);
	receive(fd, &s, idle * SECOND);
	printf("received=%llu lost=%llu gap_ms=%lld reordered=%llu "
	       "duplicates=%llu latency_ms=%lld\n", s.received,
	       s.expected - s.received, s.gap / MS, s.reordered,
	       s.duplicates, s.latency / MS);
	return 0;
}

static int emit(int fd, const struct end *to, enum kind kind, uint64_t seq)
{
	struct packet p = { .kind = kind, .seq = seq, .sent = now() };

	return sendto(fd, &p, sizeof(p), MSG_DONTWAIT,
		      (const void *)&to->addr, to->len) == sizeof(p) ? 0 : -1;
}

static void sleep_until(int64_t when)
{
	struct timespec t = { when / SECOND, when % SECOND };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int send_main(int argc, char **argv)
{
	struct end to = lookup(argv[2], argv[3]);
	const char *any = strchr(argv[2], ':') ? "::" : "0.0.0.0";
	int fd = open_socket(argc > 6 ? argv[6] : any, "0");
	int64_t step = SECOND / number(argv[4], 1, 1000000);
	int size = 8 << 20;
	int64_t next = now(), until = number(argv[5], 0, 86400) * SECOND + next;
	bool forever = until == next;
	unsigned long long seq = 0, failed = 0;

	/* Packets that wait for a cipher not scheduled in time are no loss. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	while (!stopped && seq < SEQ_MAX && (forever || next < until)) {
		sleep_until(next);
		if (emit(fd, &to, KIND_DATA, seq++))
			failed++;
		next += step;
		/* No bursts after a pause: they would be lost for themselves */
		if (now() - next > SECOND / 20)
			next = now();
	}
	for (int i = 0; i < END_REPEAT; i++) {
		emit(fd, &to, KIND_END, seq);
		sleep_until(now() + SECOND / 50);
	}
	printf("sent=%llu failed=%llu\n", seq, failed);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = on_signal };

	sigaction(SIGTERM, &stop, NULL);
	if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "recv"))
		return recv_main(argc, argv);
	if (argc >= 6 && argc <= 7 && !strcmp(argv[1], "send"))
		return send_main(argc, argv);
	usage();
}
