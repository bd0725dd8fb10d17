/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/arena.h"
#include "kern/attrs.h"
#include "kern/rt_codec.h"

/* More than the longest takes: of links, which have an alias; of others. */
#define LINK_SPACE 512
#define MESSAGE_SPACE 256

static struct nlmsghdr *start(struct arena *arena, uint16_t type,
			      uint16_t flags, const void *header, size_t size)
{
	size_t space = type <= RTM_SETLINK ? LINK_SPACE : MESSAGE_SPACE;
	struct nlmsghdr *message;

	message = mnl_nlmsg_put_header(arena_alloc(arena, space));
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
	return message;
}

static uint16_t flags_of(enum rt_change change)
{
	switch (change) {
	case RT_ADD:
		return NLM_F_CREATE | NLM_F_EXCL;
	case RT_ADD_TWIN:
		return NLM_F_CREATE;
	case RT_REPLACE:
		return NLM_F_CREATE | NLM_F_REPLACE;
	case RT_REMOVE:
		return 0;
	}
	return 0;
}

struct nlmsghdr *rt_encode_get_links(struct arena *arena)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };

	return start(arena, RTM_GETLINK, 0, &header, sizeof(header));
}

struct nlmsghdr *rt_encode_get_link(struct arena *arena, const char *name)
{
	struct nlmsghdr *message = rt_encode_get_links(arena);

	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return message;
}

struct nlmsghdr *rt_encode_get_addresses(struct arena *arena, uint8_t family,
					 uint32_t index)
{
	struct ifaddrmsg header = {
		.ifa_family = family,
		.ifa_index = index,
	};

	return start(arena, RTM_GETADDR, 0, &header, sizeof(header));
}

struct nlmsghdr *rt_encode_get_routes(struct arena *arena, uint8_t family,
				      uint32_t table, uint32_t index,
				      uint8_t protocol)
{
	struct rtmsg header = {
		.rtm_family = family,
		.rtm_protocol = protocol,
	};
	struct nlmsghdr *message = start(arena, RTM_GETROUTE, 0, &header,
					 sizeof(header));

	if (table)
		mnl_attr_put_u32(message, RTA_TABLE, table);
	if (index)
		mnl_attr_put_u32(message, RTA_OIF, index);
	return message;
}

struct nlmsghdr *rt_encode_get_rules(struct arena *arena, uint8_t family)
{
	struct fib_rule_hdr header = { .family = family };

	return start(arena, RTM_GETRULE, 0, &header, sizeof(header));
}

struct nlmsghdr *rt_encode_lookup(struct arena *arena, const struct ip *to,
				  uint32_t mark, uint32_t index, bool match)
{
	struct rtmsg header = {
		.rtm_family = to->family,
		.rtm_dst_len = (uint8_t)ip_bits(to->family),
		.rtm_flags = match ? RTM_F_FIB_MATCH : 0,
	};
	struct nlmsghdr *message;

	/* Else the table is always said to be main; IPv6 needs no asking. */
	if (to->family == AF_INET)
		header.rtm_flags |= RTM_F_LOOKUP_TABLE;
	message = start(arena, RTM_GETROUTE, 0, &header, sizeof(header));
	attr_put_ip(message, RTA_DST, to);
	if (mark)
		mnl_attr_put_u32(message, RTA_MARK, mark);
	if (index)
		mnl_attr_put_u32(message, RTA_OIF, index);
	return message;
}

/* A route's is its first attribute, if it has a device. */
void rt_set_index(struct nlmsghdr *message, uint32_t index)
{
	struct nlattr *first;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_GETLINK:
		((struct ifinfomsg *)mnl_nlmsg_get_payload(message))
			->ifi_index = (int)index;
		return;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		((struct ifaddrmsg *)mnl_nlmsg_get_payload(message))
			->ifa_index = index;
		return;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		first = mnl_nlmsg_get_payload_offset(message,
						     sizeof(struct rtmsg));
		if (mnl_attr_get_type(first) == RTA_OIF)
			memcpy(mnl_attr_get_payload(first), &index,
			       sizeof(index));
		return;
	}
}

struct nlmsghdr *rt_encode_link_create(struct arena *arena,
				       const struct device *device,
				       uint32_t master, int netns)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *message = start(arena, RTM_NEWLINK,
					 NLM_F_CREATE | NLM_F_EXCL, &header,
					 sizeof(header));
	struct nlattr *info;

	mnl_attr_put_strz(message, IFLA_IFNAME, device->name);
	mnl_attr_put_u32(message, IFLA_GROUP, device->group);
	if (device->mtu)
		mnl_attr_put_u32(message, IFLA_MTU, device->mtu);
	if (master)
		mnl_attr_put_u32(message, IFLA_MASTER, master);
	if (netns >= 0)
		mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)netns);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "wireguard");
	mnl_attr_nest_end(message, info);
	return message;
}

struct nlmsghdr *rt_encode_link_change(struct arena *arena,
				       const struct device *device,
				       unsigned int fields)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *message;

	if (fields & DEVICE_UP) {
		header.ifi_change = IFF_UP;
		header.ifi_flags = device->up ? IFF_UP : 0;
	}
	message = start(arena, RTM_NEWLINK, 0, &header, sizeof(header));
	if (fields & DEVICE_MTU)
		mnl_attr_put_u32(message, IFLA_MTU, device->mtu);
	if (fields & DEVICE_GROUP)
		mnl_attr_put_u32(message, IFLA_GROUP, device->group);
	/* Not terminated: an alias of no bytes is how one is taken away. */
	if (fields & DEVICE_ALIAS)
		mnl_attr_put(message, IFLA_IFALIAS, strlen(device->alias),
			     device->alias);
	return message;
}

struct nlmsghdr *rt_encode_link_delete(struct arena *arena)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };

	return start(arena, RTM_DELLINK, 0, &header, sizeof(header));
}

/* As ip(8) chooses: only what is of the loopback's net stays on the host. */
static uint8_t address_scope(const struct ip *ip)
{
	if (ip->family == AF_INET && ip->bytes[0] == 127)
		return RT_SCOPE_HOST;
	return RT_SCOPE_UNIVERSE;
}

struct nlmsghdr *rt_encode_address(struct arena *arena,
				   const struct prefix *address,
				   enum rt_change change)
{
	struct ifaddrmsg header = {
		.ifa_family = address->ip.family,
		.ifa_prefixlen = address->length,
		.ifa_scope = address_scope(&address->ip),
	};
	struct nlmsghdr *message = start(arena,
		change == RT_REMOVE ? RTM_DELADDR : RTM_NEWADDR,
		flags_of(change), &header, sizeof(header));

	attr_put_ip(message, IFA_LOCAL, &address->ip);
	attr_put_ip(message, IFA_ADDRESS, &address->ip);
	return message;
}

static void put_metrics(struct nlmsghdr *message, const struct route *route)
{
	struct nlattr *list;

	if (!route->mtu && !route->advmss)
		return;
	list = mnl_attr_nest_start(message, RTA_METRICS);
	if (route->mtu_locked)
		mnl_attr_put_u32(message, RTAX_LOCK, 1u << RTAX_MTU);
	if (route->mtu)
		mnl_attr_put_u32(message, RTAX_MTU, route->mtu);
	if (route->advmss)
		mnl_attr_put_u32(message, RTAX_ADVMSS, route->advmss);
	mnl_attr_nest_end(message, list);
}

struct nlmsghdr *rt_encode_route(struct arena *arena,
				 const struct route *route,
				 enum rt_change change)
{
	struct rtmsg header = {
		.rtm_family = route->prefix.ip.family,
		.rtm_dst_len = route->prefix.length,
		.rtm_tos = route->tos,
		.rtm_table = route->table < 256 ? (uint8_t)route->table
						: RT_TABLE_UNSPEC,
		.rtm_protocol = route->protocol,
		.rtm_scope = route->scope,
		.rtm_type = route->type,
		.rtm_flags = route->onlink ? RTNH_F_ONLINK : 0,
	};
	struct nlmsghdr *message = start(arena,
		change == RT_REMOVE ? RTM_DELROUTE : RTM_NEWROUTE,
		flags_of(change), &header, sizeof(header));

	/* First, where rt_set_index finds it. */
	if (route->device[0])
		mnl_attr_put_u32(message, RTA_OIF, 0);
	attr_put_ip(message, RTA_DST, &route->prefix.ip);
	mnl_attr_put_u32(message, RTA_TABLE, route->table);
	if (route->metric)
		mnl_attr_put_u32(message, RTA_PRIORITY, route->metric);
	if (route->via.family)
		attr_put_ip(message, RTA_GATEWAY, &route->via);
	if (route->source.family)
		attr_put_ip(message, RTA_PREFSRC, &route->source);
	put_metrics(message, route);
	return message;
}

static void put_ports(struct nlmsghdr *message, uint16_t type,
		      const uint16_t ports[static 2])
{
	struct fib_rule_port_range range = { ports[0], ports[1] };

	if (ports[0] || ports[1])
		mnl_attr_put(message, type, sizeof(range), &range);
}

static void put_selectors(struct nlmsghdr *message, const struct rule *rule)
{
	struct fib_rule_uid_range users = { rule->uid_range[0],
					    rule->uid_range[1] };

	if (rule->from.length)
		attr_put_ip(message, FRA_SRC, &rule->from.ip);
	if (rule->to.length)
		attr_put_ip(message, FRA_DST, &rule->to.ip);
	if (rule->iif[0])
		mnl_attr_put_strz(message, FRA_IIFNAME, rule->iif);
	if (rule->oif[0])
		mnl_attr_put_strz(message, FRA_OIFNAME, rule->oif);
	if (rule->fwmask) {
		mnl_attr_put_u32(message, FRA_FWMARK, rule->fwmark);
		mnl_attr_put_u32(message, FRA_FWMASK, rule->fwmask);
	}
	if (rule->ip_protocol)
		mnl_attr_put_u8(message, FRA_IP_PROTO, rule->ip_protocol);
	put_ports(message, FRA_SPORT_RANGE, rule->source_port);
	put_ports(message, FRA_DPORT_RANGE, rule->destination_port);
	if (users.start != 0 || users.end != UINT32_MAX)
		mnl_attr_put(message, FRA_UID_RANGE, sizeof(users), &users);
}

struct nlmsghdr *rt_encode_rule(struct arena *arena, const struct rule *rule,
				enum rt_change change)
{
	struct fib_rule_hdr header = {
		.family = rule->family,
		.src_len = rule->from.length,
		.dst_len = rule->to.length,
		.tos = rule->tos,
		.table = rule->table < 256 ? (uint8_t)rule->table
					   : RT_TABLE_UNSPEC,
		.action = rule->action,
		.flags = rule->invert ? FIB_RULE_INVERT : 0,
	};
	struct nlmsghdr *message = start(arena,
		change == RT_REMOVE ? RTM_DELRULE : RTM_NEWRULE,
		flags_of(change), &header, sizeof(header));

	put_selectors(message, rule);
	mnl_attr_put_u32(message, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(message, FRA_PROTOCOL, rule->protocol);
	if (rule->table)
		mnl_attr_put_u32(message, FRA_TABLE, rule->table);
	if (rule->suppress_prefixlength >= 0)
		mnl_attr_put_u32(message, FRA_SUPPRESS_PREFIXLEN,
				 (uint32_t)rule->suppress_prefixlength);
	return message;
}
