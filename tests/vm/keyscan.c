/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where are keys?
 *
 *	keyscan KEYS FILE...
 *	keyscan KEYS -- COMMAND...
 *
 * KEYS holds keys in base64, one a line.  They are looked for as the bytes
 * themselves, as base64 and as hexadecimal digits, each half by itself.
 *
 * The first form prints the files that hold one.  The second one runs COMMAND,
 * and whenever it or a child of it is about to sync or to rename a file, or
 * to exit, and now and then when it is about to send something to the kernel,
 * it looks through all that process could be dumped of: while it lasts, keys
 * may be in mappings that are neither dumped nor swapped; once it exits,
 * nowhere.
 *
 * Exit status: 0 none is where it may not be; 1 some are; 2 it could not look;
 * in the second form, with none found, that of COMMAND plus 100 if it failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/key.h"
#include "base/str.h"

#define NEEDLES_MAX 256
#define NEEDLE 20	/* bytes of text: what one half of a key is at least */
#define WINDOW ((size_t)1 << 20)
#define SENT_STEP 4	/* each one of so many that are sent */
#define OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | \
		 PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | \
		 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
		 PTRACE_O_TRACEEXEC)

struct needle {
	unsigned char bytes[NEEDLE];
	size_t size;
	const char *form;
	int key;
};

static struct needle needles[NEEDLES_MAX];
static size_t needle_count;
/* Two bytes that a needle begins with: what all else is passed over by. */
static bool begins[1 << 16];
static unsigned char window[WINDOW + NEEDLE];
static bool found;
/* How often was looked, and how often a key was where it may be. */
static unsigned int looked, allowed;
static bool blind;

static void add_needle(const void *bytes, size_t size, const char *form,
		       int key)
{
	struct needle *n;

	if (needle_count == NEEDLES_MAX)
		return;
	n = &needles[needle_count++];
	n->size = size;
	n->form = form;
	n->key = key;
	memcpy(n->bytes, bytes, size);
	begins[n->bytes[0] << 8 | n->bytes[1]] = true;
}

static void add_key(const struct key *key, const char *text, int number)
{
	static const char *const alphabets[] = {
		"0123456789abcdef", "0123456789ABCDEF",
	};
	char digits[2 * KEY_SIZE];

	for (size_t i = 0; i < KEY_SIZE; i += KEY_SIZE / 2)
		add_needle(key->bytes + i, KEY_SIZE / 2, "bytes", number);
	add_needle(text, NEEDLE, "base64", number);
	add_needle(text + 23, NEEDLE, "base64", number);
	for (size_t f = 0; f < array_size(alphabets); f++) {
		for (size_t i = 0; i < KEY_SIZE; i++) {
			digits[2 * i] = alphabets[f][key->bytes[i] >> 4];
			digits[2 * i + 1] = alphabets[f][key->bytes[i] & 15];
		}
		add_needle(digits, NEEDLE, "hex", number);
		add_needle(digits + KEY_SIZE, NEEDLE, "hex", number);
	}
}

static int read_keys(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];
	struct key key;
	int number = 0;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (key_parse(str_of(line), &key)) {
			number = 0;
			break;
		}
		add_key(&key, line, ++number);
	}
	if (file)
		fclose(file);
	return number ? 0 : -1;
}

static const struct needle *find_in(const unsigned char *data, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		if (!begins[data[i] << 8 | data[i + 1]])
			continue;
		for (size_t k = 0; k < needle_count; k++)
			if (needles[k].size <= size - i &&
			    !memcmp(data + i, needles[k].bytes,
				    needles[k].size))
				return &needles[k];
	}
	return NULL;
}

/* The first needle in SIZE bytes of FD from START on, or NULL; what cannot be
   read was not looked at. */
static const struct needle *find_from(int fd, uint64_t start, uint64_t size)
{
	const struct needle *needle;
	size_t kept = 0;

	while (size) {
		ssize_t got = pread(fd, window + kept, size < WINDOW ?
				    (size_t)size : WINDOW, (off_t)start);

		if (got < 0)
			blind = true;
		if (got <= 0)
			return NULL;
		needle = find_in(window, kept + (size_t)got);
		if (needle)
			return needle;
		start += (uint64_t)got;
		size -= (uint64_t)got;
		/* One may lie across the border of two windows. */
		got += (ssize_t)kept;
		kept = got < NEEDLE ? (size_t)got : NEEDLE;
		memmove(window, window + got - kept, kept);
	}
	return NULL;
}

static int scan_file(const char *path)
{
	const struct needle *needle;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		/* It may have been renamed or deleted meanwhile. */
		if (errno == ENOENT)
			return 0;
		fprintf(stderr, "keyscan: %s: %s\n", path, strerror(errno));
		return -1;
	}
	needle = find_from(fd, 0, UINT64_MAX / 2);
	close(fd);
	if (needle) {
		found = true;
		printf("%s\n", path);
		fprintf(stderr, "# %s: key %d as %s\n", path, needle->key,
			needle->form);
	}
	return 0;
}

/* A mapping of the process that is looked at. */
struct mapping {
	uint64_t start, end;
	char access[5], name[256];
	bool hidden;		/* neither dumped nor swapped */
};

static void scan_mapping(int memory, pid_t pid, const struct mapping *m,
			 const char *at)
{
	const struct needle *needle;
	bool last = !strcmp(at, "exit");

	/* What is not written to is as its file is. */
	if (m->access[1] != 'w')
		return;
	needle = find_from(memory, m->start, m->end - m->start);
	if (!needle)
		return;
	if (m->hidden && !last) {
		allowed++;
		return;
	}
	found = true;
	fprintf(stderr, "# process %ld, at %s: key %d as %s in %s%s\n",
		(long)pid, at, needle->key, needle->form,
		*m->name ? m->name : "anonymous memory",
		m->hidden ? ", hidden" : "");
}

static void scan_process(pid_t pid, const char *at)
{
	char path[64], line[512];
	struct mapping m = { 0 }, new;
	FILE *maps;
	int memory;

	looked++;
	snprintf(path, sizeof(path), "/proc/%ld/smaps", (long)pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%ld/mem", (long)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (!maps || memory < 0) {
		fprintf(stderr, "keyscan: %s: %s\n", path, strerror(errno));
		blind = true;
	}
	while (maps && memory >= 0 && fgets(line, sizeof(line), maps)) {
		new = (struct mapping){ 0 };
		if (sscanf(line, "%" SCNx64 "-%" SCNx64
			   " %4s %*s %*s %*s %255[^\n]", &new.start,
			   &new.end, new.access, new.name) >= 3)
			m = new;
		if (strncmp(line, "VmFlags:", 8))
			continue;
		m.hidden = strstr(line, " dd") && strstr(line, " lo");
		scan_mapping(memory, pid, &m, at);
	}
	if (maps)
		fclose(maps);
	if (memory >= 0)
		close(memory);
}

/* The name of a system call that is looked at, or NULL. */
static const char *name_of(uint64_t number)
{
	switch (number) {
	case SYS_sendto: return "sendto";
	case SYS_sendmsg: return "sendmsg";
	case SYS_fsync: return "fsync";
	case SYS_fdatasync: return "fdatasync";
	case SYS_renameat2: return "renameat2";
	case SYS_renameat: return "renameat";
#ifdef SYS_rename
	case SYS_rename: return "rename";
#endif
	default: return NULL;
	}
}

static void at_call(pid_t pid)
{
	static unsigned int sent;
	struct __ptrace_syscall_info info;
	const char *name;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	name = name_of(info.entry.nr);
	/* They are many and much alike. */
	if (name && (strncmp(name, "send", 4) || sent++ % SENT_STEP == 0))
		scan_process(pid, name);
}

/* What the process stopped with; the signal it is to go on with. */
static int at_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		at_call(pid);
		return 0;
	}
	if (status >> 16 == PTRACE_EVENT_EXIT)
		scan_process(pid, "exit");
	/* An event, or the stop that a new child begins with. */
	if (status >> 16 || signal == SIGSTOP)
		return 0;
	return signal;
}

static int follow(pid_t first)
{
	int status, result = 2;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				result = !WIFEXITED(status) ? 2 :
					WEXITSTATUS(status) ?
					WEXITSTATUS(status) + 100 : 0;
			continue;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, at_stop(pid, status));
	}
	return result;
}

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid ||
	    ptrace(PTRACE_SEIZE, pid, 0, OPTIONS)) {
		perror("keyscan");
		return 2;
	}
	kill(pid, SIGCONT);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	status = follow(pid);
	fprintf(stderr, "# looked %u times, keys seen where they may be: "
		"%u\n", looked, allowed);
	return blind ? 2 : found ? 1 : status;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 3 || read_keys(argv[1])) {
		fputs("usage: keyscan KEYS FILE... | KEYS -- COMMAND...\n",
		      stderr);
		return 2;
	}
	if (!strcmp(argv[2], "--") && argc > 3)
		return run(argv + 3);
	for (int i = 2; i < argc; i++)
		bad |= scan_file(argv[i]);
	return bad || blind ? 2 : found;
}
