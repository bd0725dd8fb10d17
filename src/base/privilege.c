/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/privilege.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/*
 * FOWNER: to change the mode of a folder that was given to its owner.
 * NET_BIND_SERVICE: whoever brings a device up binds its listen port, which
 * may be 443.
 */
#define SETTLED (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE) | \
		 BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | \
		 BIT(CAP_IPC_LOCK))
#define TRIMMED (SETTLED | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE))
/* What a child becomes somebody else by, and is ended by. */
#define OF_CHILDREN (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL))

/* The numbers below are of this ABI alone. */
#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define NUMBERS_END 0x40000000u	/* from here on they are those of x32 */
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif
#ifndef NUMBERS_END
#define NUMBERS_END UINT32_MAX
#endif

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define UNLESS(value, skipped) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* The lower half of an argument, whose type is int. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ARGUMENT(n) (offsetof(struct seccomp_data, args[n]) + 4)
#else
#define ARGUMENT(n) offsetof(struct seccomp_data, args[n])
#endif
#ifdef __s390x__	/* CONFIG_CLONE_BACKWARDS2 */
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif
/* Jumps of a filter go no farther than 255. */
#define FILTERED_MAX 200

/* What takes a machine over, or looks into another process. */
static const uint32_t refused[] = {
	/* At its end a sanitised program traces itself. */
#ifndef SANITIZED
	SYS_ptrace,
#endif
	SYS_process_vm_readv, SYS_process_vm_writev,
	SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
	SYS_acct, SYS_quotactl, SYS_pivot_root,
	SYS_add_key, SYS_request_key, SYS_keyctl,
	SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
	SYS_open_by_handle_at, SYS_adjtimex,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_settimeofday
	SYS_settimeofday,
#endif
#ifdef SYS_clock_settime
	SYS_clock_settime,
#endif
#ifdef SYS_clock_settime64
	SYS_clock_settime64,
#endif
#ifdef SYS_iopl
	SYS_iopl, SYS_ioperm,
#endif
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
};

/* And what only a program has a use for that does more than talk. */
static const uint32_t secluded[] = {
	SYS_execve, SYS_execveat, SYS_kill, SYS_rt_sigqueueinfo,
	SYS_mount, SYS_umount2, SYS_chroot, SYS_unshare, SYS_setns,
	SYS_personality, SYS_listen,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_fsopen
	SYS_fsopen, SYS_open_tree, SYS_move_mount,
#endif
};

#ifdef ARCH
static void load_filter(struct sock_filter *code, unsigned short length)
{
	struct sock_fprog program = { .len = length, .filter = code };

	/* Whoever has no CAP_SYS_ADMIN must first forgo to gain any. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 &&
	    errno == EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#endif

/*
 * It lasts through execve().  Refusing is enough, and a run that is killed in
 * the middle of its writes would be worse than one that undoes them.
 */
static void filter_calls(const uint32_t *numbers, unsigned short count)
{
#ifdef ARCH
	const uint32_t no = SECCOMP_RET_ERRNO | EPERM;
	struct sock_filter code[FILTERED_MAX + 7];
	unsigned short n = 0, left = count;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, no);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
		NUMBERS_END, (uint8_t)(left + 1), 0);
	for (; left; left--)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K,
			numbers[count - left], (uint8_t)left, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, no);
	load_filter(code, n);
#endif
}

/*
 * Threads alone may be started, and sockets alone of those families that a
 * resolver and a client have.  What clone3(2) is given lies in memory, where a
 * filter does not look: libraries take clone(2) where there is none.
 */
static void filter_arguments(void)
{
#ifdef ARCH
	struct sock_filter code[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		UNLESS(SYS_clone3, 1), RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		UNLESS(SYS_clone, 4), LOAD(ARGUMENT(CLONE_FLAGS)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
		RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW),
		UNLESS(SYS_socket, 10), LOAD(ARGUMENT(0)),
		UNLESS(AF_UNIX, 1), RETURN(SECCOMP_RET_ALLOW),
		UNLESS(AF_INET, 1), RETURN(SECCOMP_RET_ALLOW),
		UNLESS(AF_INET6, 1), RETURN(SECCOMP_RET_ALLOW),
		UNLESS(AF_NETLINK, 1), RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		RETURN(SECCOMP_RET_ALLOW),
	};

	load_filter(code, array_size(code));
#endif
}

/* Does a program that is started get what this process has given up? */
static bool children_regain(void)
{
	return !geteuid() && !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) &&
	       !(prctl(PR_GET_SECUREBITS) & SECBIT_NOROOT);
}

/* Of what is permitted, KEPT stays; INHERITABLE is added to what is that. */
static void keep(uint64_t kept, uint32_t inheritable)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return;
	for (size_t i = 0; i < array_size(data); i++) {
		data[i].permitted &= (uint32_t)(kept >> (32 * i));
		data[i].effective &= data[i].permitted;
	}
	data[0].inheritable |= inheritable;
	(void)syscall(SYS_capset, &head, data);
}

void privilege_trim(void)
{
	filter_calls(refused, array_size(refused));
	keep(children_regain() ? TRIMMED : TRIMMED | OF_CHILDREN, 0);
}

void privilege_seclude(void)
{
	_Static_assert(array_size(refused) <= FILTERED_MAX, "refused");
	_Static_assert(array_size(secluded) <= FILTERED_MAX, "secluded");
	filter_arguments();
	filter_calls(secluded, array_size(secluded));
	filter_calls(refused, array_size(refused));
}

void privilege_settle(void)
{
	uint64_t kept = SETTLED;

	/* The compiler of firewalls wants a namespace. */
	if (!children_regain())
		return;
#ifdef SANITIZED
	kept |= BIT(CAP_SYS_PTRACE);
#endif
	keep(kept, 0);
}

void privilege_hand_on(void)
{
	keep(UINT64_MAX, (uint32_t)BIT(CAP_NET_ADMIN));
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
}
