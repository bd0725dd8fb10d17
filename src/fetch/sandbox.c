/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"
#include "base/privilege.h"

#define NOBODY 65534

/* One number on all machines (asm-generic/unistd.h, Linux 5.13). */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

static int fail(const char *what)
{
	fprintf(stderr, "meshapply-fetch: %s: %s\n", what, strerror(errno));
	return -1;
}

/* In a user namespace that maps one user alone there is no other to become. */
int sandbox_drop_rights(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail("no_new_privs");
	if (!geteuid()) {
		if (setgroups(0, NULL) && errno != EPERM)
			return fail("setgroups");
		if (setresgid(NOBODY, NOBODY, NOBODY) && errno != EINVAL)
			return fail("setresgid");
		if (setresuid(NOBODY, NOBODY, NOBODY) && errno != EINVAL)
			return fail("setresuid");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, data))
		return fail("capset");
	return 0;
}

/* Names to addresses, the modules that do it, and OpenSSL's configuration. */
static const char *const readable[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	"/run/systemd/resolve/resolv.conf",
	"/run/systemd/resolve/stub-resolv.conf",
	"/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64",
	"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf",
	"/etc/crypto-policies", "/usr/share/crypto-policies",
#ifdef SANITIZED
	"/proc",	/* it looks for its own mappings */
#endif
};

/*
 * What a kernel of this version of the interface can refuse: all of it.  2
 * has LANDLOCK_ACCESS_FS_REFER, 3 _TRUNCATE, 5 _IOCTL_DEV: the bits 13 to 15.
 */
static uint64_t refusable(long version)
{
	unsigned int bits = version < 2 ? 13 : version < 3 ? 14 :
			    version < 5 ? 15 : 16;

	return (UINT64_C(1) << bits) - 1;
}

static void allow(int rules, const char *path)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return;
	if (S_ISDIR(st.st_mode))
		beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	(void)syscall(SYS_landlock_add_rule, rules,
		      LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

bool sandbox_confine_files(const char *const *paths, size_t count)
{
	struct landlock_ruleset_attr attr = { 0 };
	cleanup_fd int rules = -1;
	long version;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 1)
		return false;
	attr.handled_access_fs = refusable(version);
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr,
			     sizeof(attr), 0);
	if (rules < 0)
		return false;
	for (size_t i = 0; i < array_size(readable); i++)
		allow(rules, readable[i]);
	for (size_t i = 0; i < count; i++)
		allow(rules, paths[i]);
	return !syscall(SYS_landlock_restrict_self, rules, 0);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now))
		return;
	if (now.rlim_max < most)
		most = now.rlim_max;
	(void)setrlimit(resource, &(struct rlimit){ most, most });
}

void sandbox_confine_rest(uint64_t memory)
{
	/* Nor is it traced, or read, by others of the same user. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, 256);
#ifndef SANITIZED	/* it takes terabytes to note what is in use */
	limit(RLIMIT_DATA, memory);
#else
	(void)memory;
#endif
	privilege_seclude();
}
