/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process may still do once it has given up the rest. */
#include "base/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "support/check.h"

#define BIT(capability) (UINT64_C(1) << (capability))

static uint64_t permitted(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	ck_assert_int_eq(syscall(SYS_capget, &head, data), 0);
	ck_assert(data[0].effective == data[0].permitted);
	ck_assert(data[1].effective == data[1].permitted);
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static bool filters(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

/* The exit status of FUNCTION in a process of its own. */
static int in_child(int (*function)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(function());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool refuses(long number)
{
	errno = 0;
	return syscall(number, -1, -1, -1, -1, -1, -1) == -1 &&
	       errno == EPERM;
}

static int after_trim(void)
{
	uint64_t before = permitted(), most = BIT(CAP_NET_ADMIN) |
		BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_DAC_OVERRIDE) |
		BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_IPC_LOCK) |
		BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE);

	privilege_trim();
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		most |= BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL);
	if (permitted() != (before & most))
		return 1;
	if (!filters())
		return 77;
	if (!refuses(SYS_bpf) || !refuses(SYS_reboot) ||
	    !refuses(SYS_process_vm_readv) || !refuses(SYS_init_module))
		return 2;
	return 0;
}

START_TEST(trimmed)
{
	int status = in_child(after_trim);

	if (status == 77)
		printf("SKIPPED: trimmed: no system calls are filtered here\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

/* Without root as well as with. */
static int as_nobody(void)
{
	if (!geteuid() && setresuid(65534, 65534, 65534) < 0)
		return 78;
	return after_trim();
}

START_TEST(trimmed_as_nobody)
{
	int status = in_child(as_nobody);

	if (status >= 77)
		printf("SKIPPED: trimmed_as_nobody: %s\n", status == 77 ?
		       "no system calls are filtered here" :
		       "no other user to become");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

/* As a device does that comes up, whose listen port is 443. */
static bool binds_low_port(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_port = htons(443) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&any,
					sizeof(any));

	close(fd);
	return !status;
}

static int after_settle(void)
{
	int fd;

	/* Nobody else has its ports. */
	if (unshare(CLONE_NEWNET))
		return 77;
	privilege_trim();
	privilege_settle();
	if (permitted() & BIT(CAP_SYS_ADMIN))
		return 1;
	if (!binds_low_port())
		return 5;
	/* What a run does to the end. */
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return 2;
	close(fd);
	fd = open("privilege.tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fchown(fd, 65534, 65534) < 0 || fchmod(fd, 0) < 0)
		return 3;
	close(fd);
	fd = open("privilege.tmp", O_RDWR | O_CLOEXEC);
	unlink("privilege.tmp");
	return fd < 0 ? 4 : 0;
}

START_TEST(settled)
{
	if (!(permitted() & BIT(CAP_SYS_ADMIN)) || geteuid() ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) {
		printf("SKIPPED: settled: needs root\n");
		return;
	}
	ck_assert_int_eq(in_child(after_settle), 0);
}
END_TEST

/* Another program has them again, and the filter still. */
static int other_program(void)
{
	privilege_trim();
	privilege_settle();
	execl("/bin/sh", "sh", "-c",
	      "grep -q '^Seccomp:[^0-9]*2' /proc/self/status || exit 77; "
	      "caps=$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status); "
	      "test $((0x$caps >> 21 & 1)) = 1", (char *)NULL);
	return 1;
}

START_TEST(children)
{
	int status;

	if (!(permitted() & BIT(CAP_SYS_ADMIN)) || geteuid() ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) {
		printf("SKIPPED: children: needs root\n");
		return;
	}
	status = in_child(other_program);
	if (status == 77)
		printf("SKIPPED: children: no system calls are filtered "
		       "here\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

static void *nothing(void *argument)
{
	return argument;
}

/* As meshapply-fetch: what it needs still goes, what it does not need fails. */
static int secluded(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };
	pthread_t thread;
	pid_t pid;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 1;
	privilege_seclude();
	if (!filters())
		return 77;
	pid = fork();
	if (!pid)
		_exit(2);
	if (pid > 0 || errno != EPERM)
		return 2;
	if (execv("/bin/true", argv) != -1 || errno != EPERM)
		return 3;
	if (pthread_create(&thread, NULL, nothing, NULL) ||
	    pthread_join(thread, NULL))
		return 4;
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 ||
	    socket(AF_INET6, SOCK_DGRAM, 0) < 0 ||
	    socket(AF_UNIX, SOCK_STREAM, 0) < 0 ||
	    socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0)
		return 5;
	if (socket(AF_PACKET, SOCK_DGRAM, 0) != -1 || errno != EAFNOSUPPORT)
		return 6;
	if (!refuses(SYS_unshare) || !refuses(SYS_kill) ||
	    !refuses(SYS_listen) || !refuses(SYS_bpf) ||
	    !refuses(SYS_process_vm_readv))
		return 7;
	return 0;
}

START_TEST(seclusion)
{
	int status = in_child(secluded);

	if (status == 77)
		printf("SKIPPED: seclusion: no system calls are filtered "
		       "here\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(seclusion),
		CHECK_CASE(trimmed),
		CHECK_CASE(trimmed_as_nobody),
		CHECK_CASE(settled),
		CHECK_CASE(children),
	};

	return check_run("privilege", cases, array_size(cases));
}
