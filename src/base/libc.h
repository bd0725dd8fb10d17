/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the C libraries do each in their way; musl 1.2.3 lacks the glibc one. */
#pragma once

#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE	/* Linux 5.14, asm-generic/mman-common.h */
#define MADV_POPULATE_WRITE 23
#endif

/* In English where no locale is set; NULL: there is no such number. */
static inline const char *errno_words(int number)
{
#ifdef __GLIBC__
	return strerrordesc_np(number);
#else
	const char *words = strerror(number);

	return words == strerror(-1) ? NULL : words;
#endif
}

/*
 * The child gets no descriptor from FROM on, but for those ACTIONS have made
 * there before: close_range(2), which marks ours instead, does not see them.
 */
static inline void spawn_close_from(posix_spawn_file_actions_t *actions,
				    int from)
{
#ifdef __GLIBC__
	posix_spawn_file_actions_addclosefrom_np(actions, from);
#else
	const unsigned int close_range_cloexec = 4;

	(void)actions;
	(void)syscall(SYS_close_range, from, ~0u, close_range_cloexec);
#endif
}

/* A descriptor, close-on-exec, that is readable once PID has ended; or -1. */
static inline int process_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}
