/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "nftc/nftc.h"

/*
 * A change of credentials forgets the signal (commit_creds() in cred.c), so
 * this is said once more after each.
 */
int parent_follow(long parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	return getppid() == parent ? 0 : -1;
}

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

int namespace_enter(struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t parent = getppid();

	if (unshare(CLONE_NEWNET) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
			err_sys(e, "no network namespace to compile in");
			e->kind = ERR_PERMISSION;
			return -1;
		}
		map_ids(uid, gid);
	}
	if (parent_follow(parent) < 0)
		return err_set(e, ERR_FAILED, "the parent is gone");
	return 0;
}

void privileges_drop(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept = 1u << CAP_NET_ADMIN;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return;
	kept &= data[0].permitted;
	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = kept;
	(void)syscall(SYS_capset, &head, data);
}
