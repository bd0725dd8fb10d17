/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one node has of a mesh: decided here, only written down by templates. */
#pragma once

#include "doc/mesh.h"

struct view_peer {
	const struct node *node;
	const struct mesh_link *link;	/* special to it, or NULL */
	/* Sorted; where: the subnet or address it comes from.  No /0 of a
	   family that the node has one of itself. */
	struct prefix_list allowed;
	const struct node_endpoint *endpoint;	/* or NULL */
	uint16_t endpoint_port;		/* settled: never 0 with an endpoint */
	enum endpoint_policy endpoint_policy;
	uint16_t keepalive;		/* ours towards it; 0: off */
	uint32_t mtu;	/* of the routes to it; 0: the device's */
};

/* A prefix of a peer to which packets have to be smaller. */
struct view_narrow {
	struct prefix prefix;
	uint32_t mtu;
};

struct view {
	const struct mesh *mesh;
	const struct node *self;
	uint16_t listen_port;		/* 0: left to the kernel */
	struct place listen_port_where;	/* the best place to name for it */
	uint32_t mtu;			/* 0: automatic */
	uint32_t fwmark;		/* 0: none, or automatic if full */
	uint32_t table;			/* 254, main, where none is said */
	const char *vrf;		/* that the device is in, or NULL */
	struct view_peer *peers;	/* by name */
	size_t peer_count;
	/* Over our device, sorted; no /0.  Of a family that the node neither
	   has an address of nor forwards there are none, and no full tunnel. */
	struct prefix_list routes;
	struct view_narrow *narrow;	/* sorted by prefix; /0 among them */
	size_t narrow_count;
	/* The routes that the kernel makes for our addresses, sorted. */
	struct prefix_list connected;
	bool full4, full6;		/* a peer takes the whole family */
	struct place full4_where, full6_where;
	bool forwards4, forwards6;	/* between the mesh and others */
	bool relays;			/* from the mesh into the mesh: a hub */
	/* Sources that may come out of the mesh: those addresses and subnets
	   of other nodes that a peer's allowed IPs cover; sorted, no /0 */
	struct prefix_list members;
};

/* Are the routes in a table, or a VRF, of the node's own?  A full tunnel needs
   no mark and no rules then. */
bool view_is_apart(const struct view *view);
/* The MTU of the route to PREFIX; 0: that of the device. */
uint32_t view_route_mtu(const struct view *view, const struct prefix *prefix);
