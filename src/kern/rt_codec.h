/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, routes and rules as rtnetlink(7) messages: pure decoding
 * into the structs of state/, pure encoding of what is to be changed.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "state/state.h"

struct arena;
struct err;

/* Decoding: 0, or -1 where the message is malformed. */
int rt_decode_link(const struct nlmsghdr *message, struct link *out,
		   struct err *e) must_check_;

struct rt_address {
	uint32_t index;
	struct prefix prefix;	/* the local address */
	bool automatic;		/* made by the kernel itself */
};

int rt_decode_address(const struct nlmsghdr *message, struct rt_address *out,
		      struct err *e) must_check_;

/*
 * A route without the name of its device: INDEX is that of the link, of the
 * first next hop where there are several, 0 if there is none.
 */
struct rt_route {
	struct route route;
	uint32_t index;
	bool cloned;		/* an entry of a cache */
};

/*
 * .opaque is set where the message carries what struct route has no member
 * for: several next hops, a gateway of the other family, an encapsulation, a
 * nexthop object, metrics but mtu and advmss, realms, an expiry, a source
 * prefix, …
 */
int rt_decode_route(const struct nlmsghdr *message, struct rt_route *out,
		    struct err *e) must_check_;
int rt_decode_rule(const struct nlmsghdr *message, struct rule *out,
		   struct err *e) must_check_;

/* Dump requests.  INDEX, TABLE, PROTOCOL 0: any. */
struct nlmsghdr *rt_encode_get_links(struct arena *arena);
struct nlmsghdr *rt_encode_get_link(struct arena *arena, const char *name);
struct nlmsghdr *rt_encode_get_addresses(struct arena *arena, uint8_t family,
					 uint32_t index);
struct nlmsghdr *rt_encode_get_routes(struct arena *arena, uint8_t family,
				      uint32_t table, uint32_t index,
				      uint8_t protocol);
struct nlmsghdr *rt_encode_get_rules(struct arena *arena, uint8_t family);
/*
 * How TO is reached with MARK, through link INDEX if not 0.  MATCH asks for
 * the route that matches (RTM_F_FIB_MATCH), else the way taken.
 */
struct nlmsghdr *rt_encode_lookup(struct arena *arena, const struct ip *to,
				  uint32_t mark, uint32_t index, bool match);

/* Changes.  Of those that need it the link's index is set later. */
void rt_set_index(struct nlmsghdr *message, uint32_t index);
/*
 * A WireGuard link, down, with DEVICE's name, group and MTU (0: default), in
 * the VRF of index MASTER if not 0, in the network namespace of descriptor
 * NETNS if that is not -1.  Its UDP socket is of the namespace of the socket
 * that the message is sent by (wireguard's device.c, wg_newlink).
 */
struct nlmsghdr *rt_encode_link_create(struct arena *arena,
				       const struct device *device,
				       uint32_t master, int netns);
/* Of FIELDS: DEVICE_ALIAS, _GROUP, _MTU, _UP. */
struct nlmsghdr *rt_encode_link_change(struct arena *arena,
				       const struct device *device,
				       unsigned int fields);
struct nlmsghdr *rt_encode_link_delete(struct arena *arena);

enum rt_change {
	RT_ADD,		/* fails if it is there */
	RT_ADD_TWIN,	/* rules alone: beside one that differs in its maker */
	RT_REPLACE,	/* routes alone */
	RT_REMOVE,
};

struct nlmsghdr *rt_encode_address(struct arena *arena,
				   const struct prefix *address,
				   enum rt_change change);
/* Every selector there is goes into a removal, so that no other one goes. */
struct nlmsghdr *rt_encode_route(struct arena *arena,
				 const struct route *route,
				 enum rt_change change);
struct nlmsghdr *rt_encode_rule(struct arena *arena, const struct rule *rule,
				enum rt_change change);
