/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/err.h"
#include "kern/attrs.h"
#include "kern/rt_codec.h"

static int malformed(struct err *e, const char *what)
{
	return err_set(e, ERR_FAILED, "malformed %s in the kernel's answer",
		       what);
}

/* The family's own header and the attributes behind it, up to MAX. */
static int parse(const struct nlmsghdr *message, void *header, size_t size,
		 const struct nlattr **table, unsigned int max, bool *unknown)
{
	struct attrs attrs;

	if (attrs_of(message, size, &attrs) < 0)
		return -1;
	memcpy(header, mnl_nlmsg_get_payload(message), size);
	return attrs_parse(attrs, table, max, unknown);
}

/* A module may give its links a name of any length: what fits is enough. */
static void decode_kind(const struct nlattr *kind, struct link *out)
{
	size_t size = strnlen(mnl_attr_get_payload(kind),
			      mnl_attr_get_payload_len(kind));

	if (size > sizeof(out->kind) - 1)
		size = sizeof(out->kind) - 1;
	memcpy(out->kind, mnl_attr_get_payload(kind), size);
}

static int decode_info(const struct nlattr *info, struct link *out)
{
	const struct nlattr *table[IFLA_INFO_DATA + 1];
	const struct nlattr *vrf[IFLA_VRF_TABLE + 1];

	if (!info)
		return 0;
	if (attrs_parse(attrs_nested(info), table, IFLA_INFO_DATA, NULL) < 0)
		return -1;
	if (table[IFLA_INFO_KIND])
		decode_kind(table[IFLA_INFO_KIND], out);
	if (strcmp(out->kind, "vrf") != 0 || !table[IFLA_INFO_DATA])
		return 0;
	if (attrs_parse(attrs_nested(table[IFLA_INFO_DATA]), vrf,
			IFLA_VRF_TABLE, NULL) < 0)
		return -1;
	return attr_get(vrf[IFLA_VRF_TABLE], &out->vrf_table,
			sizeof(out->vrf_table));
}

int rt_decode_link(const struct nlmsghdr *message, struct link *out,
		   struct err *e)
{
	const struct nlattr *table[IFLA_GROUP + 1];
	struct ifinfomsg header;
	struct link link = { 0 };

	if (parse(message, &header, sizeof(header), table, IFLA_GROUP,
		  NULL) < 0 ||
	    !table[IFLA_IFNAME] ||
	    attr_string(table[IFLA_IFNAME], link.name, sizeof(link.name)) < 0 ||
	    attr_string(table[IFLA_IFALIAS], link.alias,
			sizeof(link.alias)) < 0 ||
	    attr_get(table[IFLA_MTU], &link.mtu, sizeof(link.mtu)) < 0 ||
	    attr_get(table[IFLA_GROUP], &link.group, sizeof(link.group)) < 0 ||
	    attr_get(table[IFLA_MASTER], &link.master,
		     sizeof(link.master)) < 0 ||
	    decode_info(table[IFLA_LINKINFO], &link) < 0)
		return malformed(e, "link");
	link.index = (uint32_t)header.ifi_index;
	link.up = header.ifi_flags & IFF_UP;
	*out = link;
	return 0;
}

int rt_decode_address(const struct nlmsghdr *message, struct rt_address *out,
		      struct err *e)
{
	const struct nlattr *table[IFA_PROTO + 1];
	struct rt_address address = { 0 };
	struct ifaddrmsg header;
	uint8_t protocol = 0;
	const struct nlattr *local;

	if (parse(message, &header, sizeof(header), table, IFA_PROTO,
		  NULL) < 0)
		return malformed(e, "address");
	/* IFA_ADDRESS is the other side's where there is IFA_LOCAL. */
	local = table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS];
	if (!local ||
	    attr_ip(local, header.ifa_family, &address.prefix.ip) < 0 ||
	    header.ifa_prefixlen > ip_bits(header.ifa_family) ||
	    attr_get(table[IFA_PROTO], &protocol, sizeof(protocol)) < 0)
		return malformed(e, "address");
	address.prefix.length = header.ifa_prefixlen;
	address.index = header.ifa_index;
	address.automatic = protocol == IFAPROT_KERNEL_LO ||
			    protocol == IFAPROT_KERNEL_RA ||
			    protocol == IFAPROT_KERNEL_LL;
	*out = address;
	return 0;
}

static int decode_metrics(const struct nlattr *list, struct route *r)
{
	const struct nlattr *table[RTAX_ADVMSS + 1];
	bool unknown = false;
	uint32_t lock = 0;

	if (!list)
		return 0;
	if (attrs_parse(attrs_nested(list), table, RTAX_ADVMSS,
			&unknown) < 0 ||
	    attr_get(table[RTAX_LOCK], &lock, sizeof(lock)) < 0 ||
	    attr_get(table[RTAX_MTU], &r->mtu, sizeof(r->mtu)) < 0 ||
	    attr_get(table[RTAX_ADVMSS], &r->advmss, sizeof(r->advmss)) < 0)
		return -1;
	for (unsigned int i = 0; i <= RTAX_ADVMSS; i++)
		unknown |= table[i] && i != RTAX_LOCK && i != RTAX_MTU &&
			   i != RTAX_ADVMSS;
	r->mtu_locked = lock & (1u << RTAX_MTU);
	r->opaque |= unknown || (lock & ~(1u << RTAX_MTU));
	return 0;
}

/* The first link of several next hops, struct rtnexthop each. */
static int decode_multipath(const struct nlattr *list, struct rt_route *out)
{
	struct rtnexthop hop;

	if (!list)
		return 0;
	if (mnl_attr_get_payload_len(list) < sizeof(hop))
		return -1;
	memcpy(&hop, mnl_attr_get_payload(list), sizeof(hop));
	out->index = (uint32_t)hop.rtnh_ifindex;
	out->route.opaque = true;
	return 0;
}

/* What has no member in struct route, but where it says nothing. */
static bool is_opaque(const struct nlattr *const *table, bool unknown,
		      const struct rtmsg *header)
{
	static const uint8_t known[] = {
		RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC,
		RTA_METRICS, RTA_CACHEINFO, RTA_TABLE, RTA_PREF, RTA_PAD,
	};
	struct rta_cacheinfo cache = { 0 };
	uint64_t others = 0;
	uint8_t preference = 0;

	for (unsigned int i = 0; i <= RTA_NH_ID; i++)
		others |= table[i] ? UINT64_C(1) << i : 0;
	for (size_t i = 0; i < array_size(known); i++)
		others &= ~(UINT64_C(1) << known[i]);
	if (others || unknown || header->rtm_src_len ||
	    header->rtm_flags & RTNH_F_PERVASIVE)
		return true;
	return attr_get(table[RTA_CACHEINFO], &cache, sizeof(cache)) < 0 ||
	       cache.rta_expires ||
	       attr_get(table[RTA_PREF], &preference, 1) < 0 || preference;
}

static int decode_route(const struct nlattr *const *table,
			const struct rtmsg *header, struct rt_route *out)
{
	struct route *r = &out->route;
	uint8_t family = header->rtm_family;

	if (!ip_bits(family) || header->rtm_dst_len > ip_bits(family) ||
	    (header->rtm_dst_len && !table[RTA_DST]) ||
	    attr_ip(table[RTA_DST], family, &r->prefix.ip) < 0 ||
	    attr_get(table[RTA_TABLE], &r->table, sizeof(r->table)) < 0 ||
	    attr_get(table[RTA_PRIORITY], &r->metric,
		     sizeof(r->metric)) < 0 ||
	    decode_metrics(table[RTA_METRICS], r) < 0 ||
	    attr_ip(table[RTA_PREFSRC], family, &r->source) < 0 ||
	    decode_multipath(table[RTA_MULTIPATH], out) < 0 ||
	    attr_get(table[RTA_OIF], &out->index, sizeof(out->index)) < 0 ||
	    attr_ip(table[RTA_GATEWAY], family, &r->via) < 0)
		return -1;
	return 0;
}

int rt_decode_route(const struct nlmsghdr *message, struct rt_route *out,
		    struct err *e)
{
	const struct nlattr *table[RTA_NH_ID + 1];
	struct rt_route decoded = { 0 };
	struct route *r = &decoded.route;
	struct rtmsg header;
	bool unknown = false;

	if (parse(message, &header, sizeof(header), table, RTA_NH_ID,
		  &unknown) < 0)
		return malformed(e, "route");
	r->prefix.ip.family = header.rtm_family;
	r->prefix.length = header.rtm_dst_len;
	r->type = header.rtm_type;
	r->protocol = header.rtm_protocol;
	r->scope = header.rtm_scope;
	r->tos = header.rtm_tos;
	r->table = header.rtm_table;
	r->onlink = header.rtm_flags & RTNH_F_ONLINK;
	r->opaque = is_opaque(table, unknown, &header);
	decoded.cloned = header.rtm_flags & RTM_F_CLONED;
	if (decode_route(table, &header, &decoded) < 0)
		return malformed(e, "route");
	*out = decoded;
	return 0;
}

static int decode_ports(const struct nlattr *attribute, uint16_t out[static 2])
{
	struct fib_rule_port_range range = { 0 };

	if (attr_get(attribute, &range, sizeof(range)) < 0)
		return -1;
	out[0] = range.start;
	out[1] = range.end;
	return 0;
}

static int decode_users(const struct nlattr *attribute,
			uint32_t out[static 2])
{
	struct fib_rule_uid_range range = { 0, UINT32_MAX };

	if (attr_get(attribute, &range, sizeof(range)) < 0)
		return -1;
	out[0] = range.start;
	out[1] = range.end;
	return 0;
}

/* Newer than Debian 12's headers: masks of ports, all ones for one port. */
enum { FRA_SPORT_MASK_ = 28, FRA_DPORT_MASK_ = 29 };

static bool rule_is_opaque(const struct nlattr *const *table, bool unknown)
{
	static const uint8_t others[] = {
		FRA_GOTO, FRA_FLOW, FRA_TUN_ID, FRA_SUPPRESS_IFGROUP,
		FRA_DPORT_RANGE + 1, FRA_DPORT_RANGE + 2, FRA_DPORT_RANGE + 3,
	};
	uint16_t source = UINT16_MAX, destination = UINT16_MAX;
	uint8_t l3mdev = 0;

	for (size_t i = 0; i < array_size(others); i++)
		unknown |= table[others[i]] != NULL;
	return unknown ||
	       attr_get(table[FRA_L3MDEV], &l3mdev, 1) < 0 || l3mdev ||
	       attr_get(table[FRA_SPORT_MASK_], &source, 2) < 0 ||
	       attr_get(table[FRA_DPORT_MASK_], &destination, 2) < 0 ||
	       source != UINT16_MAX || destination != UINT16_MAX;
}

static int decode_prefix(const struct nlattr *attribute, uint8_t family,
			 uint8_t length, struct prefix *out)
{
	if (length > ip_bits(family) || (length && !attribute))
		return -1;
	*out = (struct prefix){ .ip.family = family, .length = length };
	return length ? attr_ip(attribute, family, &out->ip) : 0;
}

static int decode_rule(const struct nlattr *const *table,
		       const struct fib_rule_hdr *header, struct rule *r)
{
	uint8_t family = header->family;

	if (!ip_bits(family) ||
	    decode_prefix(table[FRA_SRC], family, header->src_len,
			  &r->from) < 0 ||
	    decode_prefix(table[FRA_DST], family, header->dst_len,
			  &r->to) < 0 ||
	    attr_string(table[FRA_IIFNAME], r->iif, sizeof(r->iif)) < 0 ||
	    attr_string(table[FRA_OIFNAME], r->oif, sizeof(r->oif)) < 0 ||
	    attr_get(table[FRA_PRIORITY], &r->priority, 4) < 0 ||
	    attr_get(table[FRA_FWMARK], &r->fwmark, 4) < 0 ||
	    attr_get(table[FRA_FWMASK], &r->fwmask, 4) < 0 ||
	    attr_get(table[FRA_TABLE], &r->table, 4) < 0 ||
	    attr_get(table[FRA_SUPPRESS_PREFIXLEN],
		     &r->suppress_prefixlength, 4) < 0 ||
	    attr_get(table[FRA_PROTOCOL], &r->protocol, 1) < 0 ||
	    attr_get(table[FRA_IP_PROTO], &r->ip_protocol, 1) < 0 ||
	    decode_ports(table[FRA_SPORT_RANGE], r->source_port) < 0 ||
	    decode_ports(table[FRA_DPORT_RANGE], r->destination_port) < 0 ||
	    decode_users(table[FRA_UID_RANGE], r->uid_range) < 0)
		return -1;
	return 0;
}

int rt_decode_rule(const struct nlmsghdr *message, struct rule *out,
		   struct err *e)
{
	const struct nlattr *table[FRA_DPORT_MASK_ + 1];
	struct fib_rule_hdr header;
	struct rule rule = { .suppress_prefixlength = -1 };
	bool unknown = false;

	if (parse(message, &header, sizeof(header), table, FRA_DPORT_MASK_,
		  &unknown) < 0)
		return malformed(e, "rule");
	rule.family = header.family;
	rule.action = header.action;
	rule.tos = header.tos;
	rule.table = header.table;
	rule.invert = header.flags & FIB_RULE_INVERT;
	if (decode_rule(table, &header, &rule) < 0)
		return malformed(e, "rule");
	rule.opaque = rule_is_opaque(table, unknown);
	*out = rule;
	return 0;
}
