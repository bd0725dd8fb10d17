/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "kern/fresh.h"
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

int namespace_enter(struct err *e)
{
	pid_t parent = getppid();

	if (fresh_enter(e) < 0)
		return -1;
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
