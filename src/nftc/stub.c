/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/talk.h"
#include "nftc/nftc.h"

#define REQUEST_SIZE 512
#define LOOPBACK_INDEX 1

/* In the order of what they weigh; a kernel has some of them. */
static const char *const kinds[] = { "dummy", "ifb", "bridge", "veth" };

static struct ifinfomsg *request(char *buffer, uint16_t flags,
				 struct nlmsghdr **head)
{
	*head = mnl_nlmsg_put_header(buffer);
	(*head)->nlmsg_type = RTM_NEWLINK;
	(*head)->nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(*head, sizeof(struct ifinfomsg));
}

static int make(struct talk *talk, const char *name, const char *kind)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *head;
	struct nlattr *info;
	struct err ignored;

	request(buffer, NLM_F_CREATE | NLM_F_EXCL, &head);
	mnl_attr_put_strz(head, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(head, IFLA_LINKINFO);
	mnl_attr_put_strz(head, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(head, info);
	return talk_request(talk, head, NULL, &ignored);
}

static void raise_loopback(struct talk *talk)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct ifinfomsg *link;
	struct nlmsghdr *head;
	struct err ignored;

	link = request(buffer, 0, &head);
	link->ifi_index = LOOPBACK_INDEX;
	link->ifi_flags = link->ifi_change = IFF_UP;
	if (talk_request(talk, head, NULL, &ignored) < 0)
		return;
}

/* What fails here shows, if it matters, when the compiler misses the link. */
void stubs_make(struct arena *arena, const char *const *names, size_t count)
{
	struct err ignored;
	struct talk talk = { 0 };

	if (talk_open(&talk, arena, NETLINK_ROUTE, &ignored) < 0)
		return;
	raise_loopback(&talk);
	for (size_t i = 0; i < count; i++) {
		if (!*names[i] || strlen(names[i]) >= IFNAMSIZ)
			continue;
		for (size_t k = 0; k < array_size(kinds); k++)
			if (make(&talk, names[i], kinds[k]) == 0)
				break;
	}
	talk_close(&talk);
}
