/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/fresh.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "kern/talk.h"

static void write_file(const char *path, const char *value, size_t size)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, size) < 0)
		return;
}

/* Ourselves as ourselves; user_namespaces(7) wants setgroups denied first. */
static void map_ids(uid_t uid, gid_t gid)
{
	char line[64];
	int size;

	write_file("/proc/self/setgroups", "deny", 4);
	size = snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", line, (size_t)size);
	size = snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", line, (size_t)size);
}

int fresh_enter(struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!unshare(CLONE_NEWNET))
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		err_sys(e, "no network namespace is to be had");
		e->kind = ERR_PERMISSION;
		return -1;
	}
	map_ids(uid, gid);
	return 0;
}

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
	_Alignas(struct nlmsghdr) char buffer[REQUEST_SIZE] = { 0 };
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
	_Alignas(struct nlmsghdr) char buffer[REQUEST_SIZE] = { 0 };
	struct ifinfomsg *link;
	struct nlmsghdr *head;
	struct err ignored;

	link = request(buffer, 0, &head);
	link->ifi_index = LOOPBACK_INDEX;
	link->ifi_flags = link->ifi_change = IFF_UP;
	if (talk_request(talk, head, NULL, &ignored) < 0)
		return;
}

/* What fails here shows, if it matters, when the link is missed. */
size_t fresh_links(struct arena *arena, const char *const *names,
		   size_t count)
{
	struct err ignored;
	struct talk talk = { 0 };
	size_t made = 0;

	if (talk_open(&talk, arena, NETLINK_ROUTE, &ignored) < 0)
		return 0;
	raise_loopback(&talk);
	for (size_t i = 0; i < count; i++) {
		bool done = !*names[i] || strlen(names[i]) >= IFNAMSIZ;

		for (size_t k = 0; !done && k < array_size(kinds); k++) {
			done = make(&talk, names[i], kinds[k]) == 0;
			made += done;
		}
	}
	talk_close(&talk);
	return made;
}
