/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other network namespaces, by the processes and mounts that hold them.  Which
 * one a process is in takes the right to trace it; whether it is in ours does
 * not: the files of /proc/PID/net are inodes of the namespace's own.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/netns.h"

#ifndef SO_NETNS_COOKIE		/* Linux 5.14, asm-generic/socket.h */
#define SO_NETNS_COOKIE 71
#endif

#define OWN "/proc/self/net/dev"

uint64_t netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}

bool netns_is_elsewhere(void)
{
	struct stat ours, first;

	return !stat(OWN, &ours) && !stat("/proc/1/net/dev", &first) &&
	       ours.st_ino != first.st_ino;
}

/* Of one thread; one that has ended holds nothing. */
static enum netns_life look_thread(const char *task, const char *thread,
				   ino_t own, uint64_t inode)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s/net/dev", task, thread);
	if (stat(path, &st))
		return errno == ENOENT || errno == ESRCH || errno == EINVAL ?
			NETNS_GONE : NETNS_UNKNOWN;
	if (st.st_ino == own)
		return NETNS_GONE;
	snprintf(path, sizeof(path), "%s/%s/ns/net", task, thread);
	if (stat(path, &st))
		return errno == ENOENT || errno == ESRCH ? NETNS_GONE :
			NETNS_UNKNOWN;
	return st.st_ino == inode ? NETNS_LIVES : NETNS_GONE;
}

/* To live goes before not to be known, and that before to be gone. */
static void take(enum netns_life *all, enum netns_life one)
{
	if (*all != NETNS_LIVES && one != NETNS_GONE)
		*all = one;
}

static void look_process(const char *pid, ino_t own, uint64_t inode,
			 enum netns_life *all)
{
	struct dirent *entry;
	char task[64];
	DIR *dir;

	snprintf(task, sizeof(task), "/proc/%.20s/task", pid);
	dir = opendir(task);
	/* It has ended. */
	if (!dir)
		return;
	while (*all != NETNS_LIVES && (entry = readdir(dir)))
		if (char_is_digit(entry->d_name[0]))
			take(all, look_thread(task, entry->d_name, own,
					      inode));
	closedir(dir);
}

/* As ip-netns(8) keeps them: "… net:[4026532000] /run/netns/blue … - nsfs …" */
static void look_mounts(const char *path, uint64_t inode,
			enum netns_life *all)
{
	FILE *file = fopen(path, "re");
	char word[64], line[PATH_MAX * 2];

	if (!file)
		return;
	snprintf(word, sizeof(word), " net:[%llu] ",
		 (unsigned long long)inode);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, word))
			*all = NETNS_LIVES;
	fclose(file);
}

enum netns_life netns_look(uint64_t inode)
{
	enum netns_life all = NETNS_GONE;
	struct dirent *entry;
	struct stat own, st;
	DIR *proc;

	look_mounts("/proc/self/mountinfo", inode, &all);
	look_mounts("/proc/1/mountinfo", inode, &all);
	/* Where even process 1 is hidden, so are others (proc(5), hidepid). */
	if (stat(OWN, &own) || stat("/proc/1/net/dev", &st))
		take(&all, NETNS_UNKNOWN);
	proc = opendir("/proc");
	if (!proc)
		take(&all, NETNS_UNKNOWN);
	while (proc && all != NETNS_LIVES && (entry = readdir(proc)))
		if (char_is_digit(entry->d_name[0]))
			look_process(entry->d_name, own.st_ino, inode, &all);
	if (proc)
		closedir(proc);
	return all;
}
