/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/volatile.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <string.h>

#include "base/arena.h"
#include "kern/volatile_private.h"

struct blanked *blanked_new(struct arena *secrets)
{
	const uintptr_t wanted = _Alignof(struct blanked) - 1;
	char *room = arena_alloc(secrets, sizeof(struct blanked) + wanted);
	struct blanked *b = (void *)(room + (-(uintptr_t)room & wanted));

	blanked_start(b);
	return b;
}

void blanked_start(struct blanked *b)
{
	b->has_keys = false;
	b->generation = 0;
	b->moved = false;
}

/* Of a row of attributes in a buffer of ours. */
struct row {
	char *at, *end;
};

static struct nlattr *first(struct row row)
{
	return (struct nlattr *)(void *)row.at;
}

/* 1: *OUT is the next one, 0: there are no more, -1: it is cut short. */
static int next(struct row *row, struct nlattr **out)
{
	struct nlattr *attr = first(*row);
	size_t left = (size_t)(row->end - row->at), size;

	if (!left)
		return 0;
	if (left < sizeof(*attr) || attr->nla_len < sizeof(*attr) ||
	    attr->nla_len > left)
		return -1;
	size = NLA_ALIGN(attr->nla_len);
	row->at = size < left ? row->at + size : row->end;
	*out = attr;
	return 1;
}

static struct row inside(struct nlattr *attr)
{
	char *start = (char *)attr;

	return (struct row){ start + NLA_HDRLEN, start + attr->nla_len };
}

static void blank(struct nlattr *attr)
{
	struct row row = inside(attr);

	memset(row.at, 0, (size_t)(row.end - row.at));
}

static int type_of(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

/* Rows of attributes, and what is done with each. */
static int each(struct row row, struct blanked *b,
		int (*take)(struct nlattr *attr, struct blanked *b))
{
	struct nlattr *attr;
	int more;

	while ((more = next(&row, &attr)) > 0)
		if (take(attr, b) < 0)
			return -1;
	return more;
}

/* Links */


/* Of a link's kind the decoder reads what a VRF says alone. */
static int take_info(struct nlattr *info)
{
	struct row row = inside(info);
	struct nlattr *attr, *data = NULL;
	bool is_vrf = false;
	int more;

	while ((more = next(&row, &attr)) > 0) {
		struct row value = inside(attr);

		switch (type_of(attr)) {
		case IFLA_INFO_KIND:
			is_vrf = value.end - value.at >= 3 &&
				!memcmp(value.at, "vrf", 3);
			break;
		case IFLA_INFO_DATA:
			data = attr;
			break;
		case IFLA_INFO_XSTATS:
		case IFLA_INFO_SLAVE_DATA:
			blank(attr);
			break;
		}
	}
	if (data && !is_vrf)
		blank(data);
	return more;
}

static int take_link(struct nlattr *attr, struct blanked *b)
{
	(void)b;
	switch (type_of(attr)) {
	case IFLA_LINKINFO:
		return take_info(attr);
	case IFLA_STATS:
	case IFLA_STATS64:
	case IFLA_AF_SPEC:
	case IFLA_CARRIER_CHANGES:
	case IFLA_CARRIER_UP_COUNT:
	case IFLA_CARRIER_DOWN_COUNT:
		blank(attr);
		return 0;
	default:
		return 0;
	}
}

/* Addresses and routes */

static int take_address(struct nlattr *attr, struct blanked *b)
{
	(void)b;
	if (type_of(attr) == IFA_CACHEINFO)
		blank(attr);
	return 0;
}

/* That a route expires is read, and not when. */
static int take_route(struct nlattr *attr, struct blanked *b)
{
	struct rta_cacheinfo cache = { 0 };
	struct row value = inside(attr);
	bool expires;

	(void)b;
	if (type_of(attr) != RTA_CACHEINFO)
		return 0;
	if ((size_t)(value.end - value.at) < sizeof(cache))
		return -1;
	memcpy(&cache, value.at, sizeof(cache));
	expires = cache.rta_expires;
	blank(attr);
	cache = (struct rta_cacheinfo){ .rta_expires = expires };
	memcpy(value.at, &cache, sizeof(cache));
	return 0;
}

/* WireGuard */

static void take_key(struct nlattr *attr, struct blanked *b)
{
	struct row value = inside(attr);
	size_t size = (size_t)(value.end - value.at);

	if (!b->has_keys)
		crypto_generichash_init(&b->keys, NULL, 0, 32);
	b->has_keys = true;
	crypto_generichash_update(&b->keys, (unsigned char *)value.at, size);
	blank(attr);
}

/* An endpoint stays: where it roams to is looked at the long way. */
static int take_peer_part(struct nlattr *attr, struct blanked *b)
{
	switch (type_of(attr)) {
	case WGPEER_A_PRESHARED_KEY:
		take_key(attr, b);
		return 0;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
	case WGPEER_A_RX_BYTES:
	case WGPEER_A_TX_BYTES:
		blank(attr);
		return 0;
	default:
		return 0;
	}
}

static int take_peer(struct nlattr *attr, struct blanked *b)
{
	return each(inside(attr), b, take_peer_part);
}

static int take_device(struct nlattr *attr, struct blanked *b)
{
	switch (type_of(attr)) {
	case WGDEVICE_A_PRIVATE_KEY:
		take_key(attr, b);
		return 0;
	case WGDEVICE_A_PEERS:
		return each(inside(attr), b, take_peer);
	default:
		return 0;
	}
}

/* What follows the family's own header of HEADER bytes. */
static int blank_row(struct nlmsghdr *m, size_t header, struct blanked *b,
		     int (*take)(struct nlattr *attr, struct blanked *b))
{
	size_t before = NLMSG_HDRLEN + NLMSG_ALIGN(header);
	char *start = (char *)m;

	if (m->nlmsg_len < NLMSG_HDRLEN + header)
		return -1;
	if (m->nlmsg_len <= before)
		return 0;
	return each((struct row){ start + before, start + m->nlmsg_len }, b,
		    take);
}

static int blank_route(struct nlmsghdr *m, struct blanked *b)
{
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
		return blank_row(m, sizeof(struct ifinfomsg), b, take_link);
	case RTM_NEWADDR:
		return blank_row(m, sizeof(struct ifaddrmsg), b, take_address);
	case RTM_NEWROUTE:
		return blank_row(m, sizeof(struct rtmsg), b, take_route);
	default:
		return 0;
	}
}

int volatile_blank(int protocol, struct nlmsghdr *m, struct blanked *b)
{
	m->nlmsg_seq = 0;
	m->nlmsg_pid = 0;
	switch (protocol) {
	case NETLINK_ROUTE:
		return blank_route(m, b);
	case NETLINK_GENERIC:
		/* WireGuard is all that is asked besides for its number. */
		if (m->nlmsg_type == GENL_ID_CTRL)
			return 0;
		return blank_row(m, sizeof(struct genlmsghdr), b,
				 take_device);
	case NETLINK_NETFILTER:
		return volatile_blank_nft(m, b);
	default:
		return -1;
	}
}
