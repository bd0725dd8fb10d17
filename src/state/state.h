/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vocabulary of both halves: what a mesh is to the kernel.  The readers
 * of the three texts fill a struct state (want), observing the kernel fills
 * another (have); both are normalised the same way, so that comparing them
 * is a merge of sorted arrays.  Everything lives on the run's arena, keys on
 * the secret one.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ip.h"
#include "base/key.h"

/* Ours among routes and rules: rtm_protocol, FRA_PROTOCOL. */
#define OUR_PROTOCOL 77
/* The group of a link of ours, set when it is created: "mesh" in ASCII. */
#define OUR_LINK_GROUP 0x6d657368u
/* The alias of a link of ours, followed by the mesh's name. */
#define OUR_ALIAS "meshapply:"
#define MESH_NAME_MAX 63

/* Fields of a device and of a peer; for presence and for difference. */
enum device_field {
	DEVICE_PRIVATE_KEY = 1u << 0,
	DEVICE_LISTEN_PORT = 1u << 1,
	DEVICE_FWMARK = 1u << 2,
	DEVICE_MTU = 1u << 3,
	DEVICE_UP = 1u << 4,
	DEVICE_ALIAS = 1u << 5,
	DEVICE_GROUP = 1u << 6,
	DEVICE_VRF = 1u << 7,
};

enum peer_field {
	PEER_PRESHARED_KEY = 1u << 0,
	PEER_ENDPOINT = 1u << 1,
	PEER_KEEPALIVE = 1u << 2,
	PEER_ALLOWED_IPS = 1u << 3,
};

/* What becomes of an endpoint that a peer was heard from. */
enum endpoint_policy {
	ENDPOINT_ROAM,		/* it stays while it works */
	ENDPOINT_STATIC,	/* the file's is always put back */
	ENDPOINT_HINT,		/* the file's is for a peer without any */
	ENDPOINT_DNS,		/* as ROAM; a name is looked up only when
				   nothing is heard */
};
#define ENDPOINT_POLICIES 4

struct peer {
	struct key public_key;
	const struct key *preshared_key;  /* secret arena; NULL: none (zero) */
	const char *preshared_key_file;	/* want: name of it, or NULL */
	struct endpoint endpoint;	/* family 0: none */
	const char *endpoint_host;	/* want: a name yet to be resolved, or
					   the name endpoint came from */
	uint16_t endpoint_port;		/* want: the port beside that name */
	enum endpoint_policy endpoint_policy;	/* want */
	bool name_unasked;	/* want: there was no need to look it up */
	/* want: every address the name has now; endpoint is the first */
	const struct endpoint *resolved;
	size_t resolved_count;
	uint16_t keepalive;		/* seconds, 0: off */
	/* masked, sorted, each once */
	const struct prefix *allowed_ips;
	size_t allowed_ip_count;
	const char *name;		/* want: #@ name, or NULL */
	struct place where;		/* want: of its public key */
	struct place endpoint_where;	/* want */
	const struct place *allowed_ip_places;	/* want: one each, or NULL */
	/* have */
	int64_t last_handshake;		/* seconds since the epoch, 0: never */
	uint64_t received, sent;	/* bytes */
};

/* A WireGuard link with what belongs to it. */
struct device {
	char name[IFNAMSIZ];
	unsigned int has;	/* enum device_field: declared; have: all */
	unsigned int automatic;	/* of these, yet to be settled */
	const struct key *private_key;	/* secret arena; NULL: none */
	const char *private_key_file;	/* want: name of it, or NULL */
	struct key public_key;		/* of private_key; zero: none */
	uint16_t listen_port;
	uint32_t fwmark;
	uint32_t mtu;
	uint32_t group;
	char alias[256];		/* IFALIASZ */
	bool up;
	char vrf[IFNAMSIZ];		/* that it is enslaved to; "": none */
	struct place vrf_where;		/* want */
	struct peer *peers;		/* sorted by public key, each once */
	size_t peer_count;
	/* in the order given, which decides the source address; host bits
	   belong to them; IPv4 and IPv6 mixed as given */
	const struct prefix *addresses;
	size_t address_count;
	const struct place *address_places;	/* want */
	struct place where;		/* want: of [Interface] */
	/* have */
	uint32_t index;
	bool owned;
};

enum route_automatic { ROUTE_TABLE = 1u << 0 };

struct route {
	struct prefix prefix;	/* masked; family also of default routes */
	uint8_t type;		/* RTN_UNICAST, RTN_BLACKHOLE, … */
	uint8_t protocol;
	uint8_t scope;		/* RT_SCOPE_*; as the kernel has it */
	uint8_t tos;
	uint32_t table;
	uint32_t metric;	/* IPv6: 1024 where none is given */
	struct ip via;		/* family 0: none */
	char device[IFNAMSIZ];	/* "" : none (blackhole and its like) */
	struct ip source;	/* preferred source, family 0: none */
	uint32_t mtu, advmss;	/* 0: none */
	bool mtu_locked, onlink;
	unsigned int automatic;	/* want: enum route_automatic */
	struct place where;	/* want */
	/* have */
	bool owned;
	bool opaque;		/* carries what is not modelled here */
};

enum rule_automatic {
	RULE_TABLE = 1u << 0,
	RULE_FWMARK = 1u << 1,
	RULE_PRIORITY = 1u << 2,
};

struct rule {
	uint8_t family;
	uint8_t action;		/* FR_ACT_TO_TBL, FR_ACT_BLACKHOLE, … */
	uint8_t protocol;
	uint8_t tos;
	uint32_t priority;
	bool invert;		/* "not" */
	struct prefix from, to;	/* length 0: all */
	char iif[IFNAMSIZ], oif[IFNAMSIZ];	/* "": any */
	uint32_t fwmark, fwmask;	/* mask 0: no match on the mark */
	uint32_t table;
	int32_t suppress_prefixlength;	/* -1: none */
	uint8_t ip_protocol;	/* 0: any */
	uint16_t source_port[2], destination_port[2];	/* 0, 0: any */
	uint32_t uid_range[2];	/* 0, UINT32_MAX: any */
	unsigned int automatic;	/* want: enum rule_automatic */
	struct place where;	/* want */
	/* have */
	bool owned;
	bool opaque;
};

struct sysctl {
	const char *key;	/* net.ipv4.ip_forward */
	const char *value;	/* without the newline */
	struct place where;
};

/* Any link of the host, for conflicts and side effects; have only. */
struct link {
	char name[IFNAMSIZ];
	uint32_t index;
	uint32_t group;
	uint32_t mtu;
	char kind[16];		/* "wireguard", "veth", "" */
	char alias[256];
	bool up;
	uint32_t master;	/* index of the link it belongs to, or 0 */
	uint32_t vrf_table;	/* of a VRF; else 0 */
	uint16_t listen_port;	/* of WireGuard links, if asked for */
	bool advertised_default;	/* holds a default route by RA */
};

struct firewall;		/* state/firewall.h */

struct state {
	char mesh[MESH_NAME_MAX + 1];
	struct device *devices;		/* sorted by name; want has one or 0 */
	size_t device_count;
	struct route *routes;		/* sorted: route_compare */
	size_t route_count;
	struct rule *rules;		/* sorted: rule_compare */
	size_t rule_count;
	struct sysctl *sysctls;		/* sorted by key */
	size_t sysctl_count;
	struct firewall *firewall;	/* NULL: no table */
	struct link *links;		/* have: sorted by name */
	size_t link_count;
	/* have: wg-quick's own tables, "ip wg-quick-wg0", for adopt */
	const char *const *foreign_tables;
	size_t foreign_table_count;
};

/*
 * Total orders.  Two routes that the kernel takes for the same one are equal
 * under route_key_compare: family, table, prefix, tos, metric.
 */
int device_compare(const void *a, const void *b);
int peer_compare(const void *a, const void *b);
int route_key_compare(const struct route *a, const struct route *b);
int route_compare(const void *a, const void *b);
int rule_compare(const void *a, const void *b);
int sysctl_compare(const void *a, const void *b);
int link_compare(const void *a, const void *b);

/*
 * The equivalences that "as desired" and "as before" mean.  A route or rule
 * equals another when all that is declared is the same (opaque ones equal
 * nothing).  device_diff and peer_diff give the fields (enum device_field,
 * enum peer_field) in which have differs from what want declares; endpoints
 * are compared as they stand, the policy of roaming is the planner's.
 */
bool route_equal(const struct route *a, const struct route *b);
bool rule_equal(const struct rule *a, const struct rule *b);
unsigned int device_diff(const struct device *want, const struct device *have);
unsigned int peer_diff(const struct peer *want, const struct peer *have);
bool prefixes_equal(const struct prefix *a, size_t a_count,
		    const struct prefix *b, size_t b_count);

/* Sort and mask all arrays of a state, drop repeated prefixes. */
void state_normalise(struct state *s);
struct device *state_device(const struct state *s, const char *name);
const struct peer *device_peer(const struct device *d, const struct key *key);
const struct sysctl *state_sysctl(const struct state *s, const char *key);
const struct link *state_link(const struct state *s, const char *name);
/* "net.ipv4.conf.wg0.NAME"; a dot in the link's name is a slash, sysctl(8). */
const char *sysctl_of_link(struct arena *arena, const char *family,
			   const char *link, const char *name);
/* The table of the VRF that D is in, as S, what was observed, has it; 0: it
   is in none, or there is no VRF of this name. */
uint32_t device_vrf_table(const struct state *s, const struct device *d);
/* The mesh whose alias a link bears, within ALIAS; NULL: it is no mesh's. */
const char *alias_mesh(const char *alias);

/*
 * Which routes, rules and devices of HAVE are MESH's own: sets .owned.  By
 * their marks (alias, group and name, protocol with the
 * device, table, mark or priority pair that is the mesh's), by LAST (what was
 * applied before, may be NULL), and, where no other mesh is on the host, by
 * the protocol alone.  Another one is there if its link is, or OTHERS says so.
 * NAMES are devices the caller wants; one of them that has our group but no
 * alias is a killed run's, and ours.
 */
void state_claim(struct state *have, const char *mesh,
		 const struct state *last, const char *const *names,
		 size_t name_count, bool others);
