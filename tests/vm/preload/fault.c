/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.so - one system call of a program fails, or is its last
 *
 *	FAULT="CALL COUNT LAST HOW VALUE" LD_PRELOAD=fault.so PROGRAM...
 *
 * The COUNT-th CALL of the program, and those after it up to the LAST-th, are
 * what HOW says: "error" is not made, and fails with the errno VALUE; "signal"
 * is made after the program was sent the signal VALUE; "both" is not made
 * either, and SIGHUP is sent; "delay" waits VALUE milliseconds before, "wait"
 * until the file that FAULT_LOG names is gone.  Calls are counted as strace(1)
 * counts them, but for those that the C library makes itself, which are those
 * of stdio.  strace does the same from outside, at twice the time where the
 * machine is emulated.
 *
 * When it has come to that, a line is appended to the file FAULT_LOG names.
 * Where CALL is "trace", none fails, and a line "CALL:COUNT BATCH" is appended
 * for each message that the program itself sends, none of its children: BATCH
 * is 1 if it is one to nftables that changes something.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
	char call[16], how[16];
	unsigned int first, last, count;
	int value;
	pid_t process;
} fault;

__attribute__((constructor)) static void read_fault(void)
{
	const char *words = getenv("FAULT");

	if (!words || sscanf(words, "%15s %u %u %15s %d", fault.call,
			     &fault.first, &fault.last, fault.how,
			     &fault.value) != 5)
		abort();
	fault.process = getpid();
}

static void leave_a_line(const char *line)
{
	const char *path = getenv("FAULT_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	long size = (long)strlen(line);

	if (fd < 0 || syscall(SYS_write, fd, line, size) != size)
		abort();
	close(fd);
}

static void trace(const char *call, const void *data, size_t size,
		  unsigned int *count)
{
	struct nlmsghdr m = { 0 };
	char line[64];

	if (strcmp(fault.call, "trace") != 0 || getpid() != fault.process)
		return;
	if (size >= sizeof(m))
		memcpy(&m, data, sizeof(m));
	snprintf(line, sizeof(line), "%s:%u %d\n", call, ++*count,
		 m.nlmsg_type == NFNL_MSG_BATCH_BEGIN);
	leave_a_line(line);
}

static void trace_message(const struct msghdr *message)
{
	static unsigned int count;

	if (message->msg_iovlen)
		trace("sendmsg", message->msg_iov->iov_base,
		      message->msg_iov->iov_len, &count);
}

static void trace_bytes(const void *data, size_t size)
{
	static unsigned int count;

	trace("sendto", data, size, &count);
}

/* Somebody does something meanwhile, and says so by removing the line. */
static void wait_for_others(void)
{
	const struct timespec poll = { .tv_nsec = 20 * 1000000L };

	while (!access(getenv("FAULT_LOG"), F_OK))
		nanosleep(&poll, NULL);
}

/* 0: make the call; -1: it has failed. */
static int meet(const char *call)
{
	struct timespec delay = {
		.tv_sec = fault.value / 1000,
		.tv_nsec = fault.value % 1000 * 1000000L,
	};

	if (strcmp(call, fault.call) != 0)
		return 0;
	fault.count++;
	if (fault.count < fault.first || fault.count > fault.last)
		return 0;
	leave_a_line("fault\n");
	if (!strcmp(fault.how, "signal"))
		kill(getpid(), fault.value);
	if (!strcmp(fault.how, "both"))
		kill(getpid(), SIGHUP);
	if (!strcmp(fault.how, "delay"))
		nanosleep(&delay, NULL);
	if (!strcmp(fault.how, "wait"))
		wait_for_others();
	if (strcmp(fault.how, "error") != 0 && strcmp(fault.how, "both") != 0)
		return 0;
	errno = fault.value;
	return -1;
}

#define WRAP(type, name, parameters, ...)				\
	WRAP_AFTER((void)0, type, name, parameters, __VA_ARGS__)
#define WRAP_AFTER(first, type, name, parameters, ...)			\
	__attribute__((visibility("default"))) type name parameters	\
	{								\
		type (*real) parameters = 0;				\
		void *symbol = dlsym(RTLD_NEXT, #name);			\
									\
		first;							\
		memcpy(&real, &symbol, sizeof(real));			\
		return meet(#name) ? -1 : real(__VA_ARGS__);		\
	}

WRAP_AFTER(trace_message(message), ssize_t, sendmsg,
	   (int fd, const struct msghdr *message, int flags),
	   fd, message, flags)
WRAP_AFTER(trace_bytes(buffer, size), ssize_t, sendto,
	   (int fd, const void *buffer, size_t size, int flags,
	    __CONST_SOCKADDR_ARG to, socklen_t length),
	   fd, buffer, size, flags, to, length)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
     fd, message, flags)
WRAP(ssize_t, write, (int fd, const void *buffer, size_t size),
     fd, buffer, size)
WRAP(int, fsync, (int fd), fd)
WRAP(int, renameat, (int from_folder, const char *from, int to_folder,
		     const char *to), from_folder, from, to_folder, to)
WRAP(int, unlinkat, (int folder, const char *name, int flags),
     folder, name, flags)
