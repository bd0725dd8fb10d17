/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meshapply-fetch: what has to talk to the network and must therefore hold
 * nothing worth taking.
 *
 * meshapply-fetch resolve
 *	Reads host names, one a line, and writes for the name of line N (from
 *	0) a line "N ADDRESS SCOPE" for each of its addresses, of every
 *	family, or "N ! WHY".  All names are asked for at once; what is not
 *	answered after RESOLVE_SECONDS is left out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "input/resolve.h"

#define NOBODY 65534

static int fail(const char *what)
{
	fprintf(stderr, "meshapply-fetch: %s: %s\n", what, strerror(errno));
	return -1;
}

/*
 * Give up every right: the user, where we are root, and all capabilities.
 * In a user namespace that maps one user alone there is no other to become.
 */
static int drop_rights(void)
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

static void print_addresses(size_t index, const struct addrinfo *list)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t n = 0; list && n < RESOLVE_ADDRESSES_MAX;
	     list = list->ai_next, n++) {
		if (list->ai_family == AF_INET) {
			const struct sockaddr_in *in =
				(const void *)list->ai_addr;

			inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
			printf("%zu %s 0\n", index, text);
		} else if (list->ai_family == AF_INET6) {
			const struct sockaddr_in6 *in6 =
				(const void *)list->ai_addr;

			inet_ntop(AF_INET6, &in6->sin6_addr, text,
				  sizeof(text));
			printf("%zu %s %u\n", index, text,
			       in6->sin6_scope_id);
		}
	}
}

static void print_answer(size_t index, struct gaicb *request)
{
	int error = gai_error(request);

	if (error == EAI_INPROGRESS)
		printf("%zu ! no answer in %d seconds\n", index,
		       RESOLVE_SECONDS);
	else if (error)
		printf("%zu ! %s\n", index, gai_strerror(error));
	else
		print_addresses(index, request->ar_result);
}

/* Wait until all are answered or the time is over. */
static void wait_all(struct arena *arena, struct gaicb **requests,
		     size_t count)
{
	const struct gaicb **pending = arena_new_array(arena,
						       const struct gaicb *,
						       count);
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += RESOLVE_SECONDS;
	for (;;) {
		struct timespec left;
		size_t open = 0;

		for (size_t i = 0; i < count; i++)
			if (gai_error(requests[i]) == EAI_INPROGRESS)
				pending[open++] = requests[i];
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!open || now.tv_sec >= end.tv_sec)
			break;
		left = (struct timespec){ .tv_sec = end.tv_sec - now.tv_sec };
		gai_suspend(pending, (int)open, &left);
	}
}

static size_t read_names(struct arena *arena, struct gaicb **requests)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
	};
	char line[512];
	size_t count = 0;

	while (count < RESOLVE_NAMES_MAX && fgets(line, sizeof(line), stdin)) {
		struct gaicb *request = arena_new_object(arena, struct gaicb);

		line[strcspn(line, "\n")] = '\0';
		request->ar_name = arena_strdup(arena, line);
		request->ar_request = &hints;
		requests[count++] = request;
	}
	return count;
}

static int resolve(void)
{
	struct arena *arena = arena_new((size_t)1 << 30);
	struct gaicb **requests = arena_new_array(arena, struct gaicb *,
						  RESOLVE_NAMES_MAX);
	size_t count = read_names(arena, requests);
	int error;

	if (count) {
		error = getaddrinfo_a(GAI_NOWAIT, requests, (int)count, NULL);
		if (error) {
			fprintf(stderr, "meshapply-fetch: %s\n",
				gai_strerror(error));
			return 1;
		}
		wait_all(arena, requests, count);
	}
	for (size_t i = 0; i < count; i++)
		print_answer(i, requests[i]);
	/* Names not answered still have threads of their own: no clean-up. */
	fflush(stdout);
	_exit(ferror(stdout) ? 1 : 0);
}

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "resolve")) {
		fputs("Usage: meshapply-fetch resolve\n"
		      "Started by meshapply: reads host names, writes their "
		      "addresses.\n", stderr);
		return 64;
	}
	if (drop_rights())
		return 1;
	return resolve();
}
