/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces of ip-netns(8), by name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct err;

/* A descriptor of the namespace NAME, or -1. */
int netns_open(const char *name, struct err *e) must_check_;
/* One of the namespace that this process is in. */
int netns_here(struct err *e) must_check_;
/*
 * The number of the one that this process is in, which no other one has or will
 * have in this boot; 0: the kernel does not tell (before Linux 5.14).
 */
uint64_t netns_cookie(void);
/* What the host begins with, and no container is in. */
#define NETNS_COOKIE_FIRST 1
/* Is process 1 in another one, as far as can be seen? */
bool netns_is_elsewhere(void);

enum netns_life {
	NETNS_UNKNOWN,		/* some process may not be looked at */
	NETNS_LIVES,
	NETNS_GONE,		/* no process that is here, no mount has it */
};

/* What has become of the one whose /proc/PID/ns/net had this INODE, and that
   this process is not in? */
enum netns_life netns_look(uint64_t inode);
/* Is FD the namespace that this process is in? */
bool netns_is_here(int fd);
/* Go there; where we are already it takes no privilege. */
int netns_enter(int fd, struct err *e) must_check_;
