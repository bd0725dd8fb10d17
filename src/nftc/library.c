/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "nftc/nftc.h"

/* Descriptors of a process that has hardly opened any. */
#define DESCRIPTORS 64

/*
 * libnftables does not tell its socket.  It is the one of this protocol that
 * was opened last.
 */
static int find_socket(void)
{
	for (int fd = DESCRIPTORS - 1; fd > NFTC_FD; fd--) {
		int domain, protocol;
		socklen_t size = sizeof(int);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain,
			       &size) < 0 || domain != AF_NETLINK)
			continue;
		size = sizeof(int);
		if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol,
			       &size) == 0 && protocol == NETLINK_NETFILTER)
			return fd;
	}
	return -1;
}

int library_open(struct library *library, struct err *e)
{
	library->context = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!library->context)
		return err_set(e, ERR_FAILED, "libnftables does not start");
	nft_ctx_clear_include_paths(library->context);
	if (nft_ctx_buffer_output(library->context) ||
	    nft_ctx_buffer_error(library->context))
		return err_set(e, ERR_FAILED,
			       "libnftables does not buffer its output");
	library->socket = find_socket();
	if (library->socket < 0)
		return err_set(e, ERR_FAILED,
			       "libnftables opened no socket");
	return 0;
}

/*
 * Of a buffer libnftables tells no lines, of standard input it does: it is
 * read whole at first.
 */
static int put_on_stdin(struct str text, struct err *e)
{
	int fd cleanup_fd = memfd_create("firewall.nft", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "memfd_create");
	while (text.size) {
		ssize_t put = write(fd, text.data, text.size);

		if (put < 0)
			return err_sys(e, "memory file");
		text.data += put;
		text.size -= (size_t)put;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
		return err_sys(e, "memory file");
	return 0;
}

static struct str kept(struct arena *arena, const char *text)
{
	return str_of(arena_strdup(arena, text ? text : ""));
}

int library_run(struct library *library, struct arena *arena, struct str text,
		bool check, struct str *output, struct err *e)
{
	struct nft_ctx *context = library->context;

	if (put_on_stdin(text, e) < 0)
		return -1;
	nft_ctx_set_dry_run(context, check);
	if (nft_run_cmd_from_filename(context, "/dev/stdin") == 0)
		return 0;
	*output = kept(arena, nft_ctx_get_error_buffer(context));
	return 1;
}

int library_list(struct library *library, struct arena *arena,
		 const char *table, struct str *output, struct err *e)
{
	struct nft_ctx *context = library->context;
	const char *command = arena_printf(arena, "list table inet %s\n",
					   table);

	(void)e;
	nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_STATELESS);
	if (nft_run_cmd_from_buffer(context, command)) {
		*output = kept(arena, nft_ctx_get_error_buffer(context));
		return 1;
	}
	*output = kept(arena, nft_ctx_get_output_buffer(context));
	return 0;
}
