/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/netns.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tells when it is there, and stays. */
static void hold(int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		_exit(1);
	if (write(ready, "", 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

uint64_t netns_living(void)
{
	char path[64], byte;
	struct stat st;
	int ready[2];
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		hold(ready[1]);
	close(ready[1]);
	got = read(ready[0], &byte, 1);
	close(ready[0]);
	if (got != 1) {
		fputs("SKIP: no other network namespace can be made\n",
		      stderr);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_ino;
}
