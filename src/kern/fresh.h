/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace of this process alone, that is gone when it ends. */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct err;

/*
 * Enter a fresh one, inside a user namespace where the privilege for one is
 * missing.  ERR_PERMISSION: there is none to be had.
 */
int fresh_enter(struct err *e) must_check_;
/*
 * lo up, and a link of each name, of a kind that this kernel has; names that
 * are none are left out.  How many of them were made.
 */
size_t fresh_links(struct arena *arena, const char *const *names,
		   size_t count);
