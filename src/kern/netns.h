/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces of ip-netns(8), by name. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct err;

/* A descriptor of the namespace NAME, or -1. */
int netns_open(const char *name, struct err *e) must_check_;
/* One of the namespace that this process is in. */
int netns_here(struct err *e) must_check_;
/* Is FD the namespace that this process is in? */
bool netns_is_here(int fd);
/* Go there; where we are already it takes no privilege. */
int netns_enter(int fd, struct err *e) must_check_;
