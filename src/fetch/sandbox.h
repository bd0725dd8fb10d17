/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left to a program that talks with strangers: as little as will do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Give up every right: the user, where we are root, and all capabilities.
 * 0, or -1 and why is printed.
 */
int sandbox_drop_rights(void);

/*
 * From here on no file can be opened but, for reading, those that a resolver
 * and TLS need, and COUNT of PATHS (those that are there); false: this kernel
 * cannot do it (Landlock, Linux 5.13), which leaves what nobody may.
 */
bool sandbox_confine_files(const char *const *paths, size_t count);

/* No core, no file that grows, a limit of memory (bytes), threads only. */
void sandbox_confine_rest(uint64_t memory);
