/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

#define HERE "/proc/self/ns/net"

int netns_open(const char *name, struct err *e)
{
	char path[256];
	int fd;

	if (!*name || strchr(name, '/') || name[0] == '.' ||
	    strlen(name) > sizeof(path) - sizeof("/run/netns/"))
		return err_set(e, ERR_USAGE, "\"%s\" is no name of a network "
			       "namespace that ip netns knows", name);
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "network namespace %s", name) : fd;
}

int netns_here(struct err *e)
{
	int fd = open(HERE, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open %s", HERE) : fd;
}

bool netns_is_here(int fd)
{
	struct stat there, here;

	return !fstat(fd, &there) && !stat(HERE, &here) &&
		there.st_ino == here.st_ino && there.st_dev == here.st_dev;
}

int netns_enter(int fd, struct err *e)
{
	if (netns_is_here(fd) || !setns(fd, CLONE_NEWNET))
		return 0;
	return err_sys(e, "enter the network namespace");
}
