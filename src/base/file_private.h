/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind base/file.h share. */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "base/attr.h"

struct err;

/*
 * openat() of NAME, one component, in FOLDER as base/file.h promises it,
 * O_CLOEXEC and O_NOFOLLOW added to FLAGS; O_PATH wants O_DIRECTORY with it, or
 * the link itself is opened.  A descriptor, or -1 and errno.
 */
int beneath_open(int folder, const char *name, int flags, mode_t mode);
/* ERR_DATA unless NAME is a bare name, of at most MAX bytes. */
int name_check(const char *name, size_t max, struct err *e) must_check_;
/* "a folder", "a named pipe", …; never NULL. */
const char *mode_words(mode_t mode);
/* By root: give what FD is open on the owner and group of FOLDER. */
int owner_inherit(int fd, int folder, struct err *e) must_check_;
/* NAME is worth nothing before its folder is on disk. */
int folder_sync(int folder, struct err *e) must_check_;
