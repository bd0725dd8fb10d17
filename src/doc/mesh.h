/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mesh document, decoded: meshapply.json(5).  All of it is on one arena
 * (inline keys on the secret one); every value that a check may speak of has
 * its place in the JSON text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ip.h"
#include "base/key.h"
#include "state/value.h"
#include "trust/trust.h"

#define DOCUMENT_LIMIT (16u << 20)	/* bytes */
#define MESH_NODES_MAX 65536

/* A number that may be left out: where.source is NULL then. */
struct setting {
	uint32_t value;
	struct place where;
};

/* A name in the document, and where it stands. */
struct placed_name {
	const char *name;
	struct place where;
};

/* ADDRESS, [ADDRESS] or NAME, with or without a port. */
struct node_endpoint {
	struct ip ip;		/* family 0: HOST is a name */
	const char *host;	/* a name, else NULL */
	uint16_t port;		/* 0: not said */
	struct place where;	/* source NULL: there is no endpoint */
};

struct node {
	const char *name;
	struct place where;	/* of the name */
	struct key public_key;
	struct place key_where;
	/* As given: the length is that of the overlay the address is in, of
	   the whole address where it is in none (an error of its own). */
	struct prefix_list addresses;
	struct prefix_list subnets;	/* masked; /0: it is an exit */
	struct node_endpoint endpoint;
	struct setting listen_port, mtu, keepalive, fwmark, table;
	struct setting endpoint_policy;	/* of those who reach it */
	struct placed_name *labels;
	size_t label_count;
	struct placed_name hub;	/* where.source NULL: not said */
	struct placed_name vrf;	/* a link of the node; name NULL: none */
	bool disabled;
};

/* One side of a link: a node, or all nodes with a label ("label:NAME"). */
struct link_end {
	const char *name;	/* without "label:" */
	bool is_label;
	struct place where;
};

struct link_endpoint {
	struct placed_name node;
	struct node_endpoint endpoint;
};

/*
 * An edge of a custom topology; in the others, what is special to an edge
 * that is there already.
 */
struct mesh_link {
	struct link_end ends[2];
	struct place where;
	/* A bare name in the folder of keys, or a name made up for a key that
	   stands in the document itself; NULL: none */
	const char *preshared_key_file;
	struct place preshared_where;
	const struct key *preshared_key;	/* inline only */
	/* of both sides */
	struct setting keepalive, mtu, endpoint_policy;
	struct link_endpoint *endpoints;	/* where a side is reached */
	size_t endpoint_count;
};

enum topology {
	TOPOLOGY_FULL_MESH,
	TOPOLOGY_HUB_SPOKE,
	TOPOLOGY_CUSTOM,
};

/* { "from": NODE or ADDRESS, "to": ADDRESS or NODE, "expect": … } */
struct mesh_test {
	struct placed_name from, to;
	bool reachable;		/* expected */
	struct place where;
};

struct mesh {
	const struct source *source;
	const char *name;
	struct place name_where;
	uint64_t serial;	/* 0 where there is none */
	struct place serial_where;
	int64_t expires;	/* seconds since 1970; 0: never */
	struct place expires_where;
	/* of the documents to come, once this one is accepted; count 0: as
	   before */
	struct trust_keys trust;
	struct place trust_where;
	struct prefix_list overlay;
	enum topology topology;
	struct place topology_where;
	struct placed_name *hubs;
	size_t hub_count;
	struct mesh_link *links;
	size_t link_count;
	struct setting mtu;
	/* "interface", or "wg-" and as much of the mesh's name as fits */
	const char *interface;
	struct place interface_where;	/* source NULL: it was made up */
	/* "defaults" */
	struct setting listen_port, keepalive, endpoint_policy;
	bool firewall;
	bool inline_secrets;
	struct node *nodes;	/* sorted by name */
	size_t node_count;
	struct mesh_test *tests;
	size_t test_count;
};
