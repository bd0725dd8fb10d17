/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a dump of WireGuard, one netlink message after the other. */
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/attrs.h"
#include "kern/wg_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded is written and read again: the same peers. */
static void again(struct arena *arena, const struct device *device)
{
	struct wg_entry *entries = arena_new_array(arena, struct wg_entry,
						   device->peer_count);
	struct device other = { 0 };
	struct wg_reader reader;
	struct wg_part *parts;
	struct err e;
	size_t count;

	for (size_t i = 0; i < device->peer_count; i++)
		entries[i] = (struct wg_entry){
			.public_key = &device->peers[i].public_key,
			.fields = PEER_PRESHARED_KEY | PEER_ENDPOINT |
				  PEER_KEEPALIVE,
			.peer = &device->peers[i],
			.prefixes = device->peers[i].allowed_ips,
			.prefix_count = device->peers[i].allowed_ip_count,
		};
	parts = wg_split(arena, entries, device->peer_count, &count);
	wg_read_start(&reader, arena, arena, &other);
	for (size_t i = 0; i < count; i++)
		if (wg_read_part(&reader, wg_encode_part(arena, 1, &parts[i]),
				 &e) < 0)
			__builtin_trap();
	wg_read_end(&reader);
	if (other.peer_count != device->peer_count)
		__builtin_trap();
	for (size_t i = 0; i < other.peer_count; i++)
		if (peer_compare(&other.peers[i], &device->peers[i]) ||
		    peer_diff(&device->peers[i], &other.peers[i]))
			__builtin_trap();
}

/* 0, or -1 as soon as one is malformed. */
static int read_parts(struct wg_reader *reader, struct attrs left)
{
	const struct nlmsghdr *m;
	uint16_t port;
	struct err e;

	while (messages_next(&left, &m) > 0)
		if (wg_decode_port(m, &port, &e) < 0 ||
		    wg_read_part(reader, m, &e) < 0)
			return -1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct device device = { 0 };
	struct wg_reader reader;
	size_t mark;

	if (!arena)
		arena = arena_new((size_t)1 << 30);
	mark = arena_mark(arena);
	wg_read_start(&reader, arena, arena, &device);
	/* A copy of its own, aligned, with an end that is guarded. */
	if (read_parts(&reader, (struct attrs){
			arena_copy(arena, data, size), size }) == 0) {
		wg_read_end(&reader);
		again(arena, &device);
	}
	arena_reset(arena, mark);
	return 0;
}
