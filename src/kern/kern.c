/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/kern.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"
#include "kern/attrs.h"
#include "kern/netns.h"
#include "kern/nft.h"
#include "kern/rt_codec.h"

static int take_family(const struct nlmsghdr *answer, void *data,
		       struct err *e)
{
	const struct nlattr *table[CTRL_ATTR_FAMILY_ID + 1];
	uint16_t *family = data;
	struct attrs attrs;

	if (attrs_of(answer, sizeof(struct genlmsghdr), &attrs) < 0 ||
	    attrs_parse(attrs, table, CTRL_ATTR_FAMILY_ID, NULL) < 0 ||
	    attr_get(table[CTRL_ATTR_FAMILY_ID], family,
		     sizeof(*family)) < 0)
		return err_set(e, ERR_FAILED, "malformed answer");
	return 0;
}

int kern_wireguard(struct kern *k, struct err *e)
{
	_Alignas(struct nlmsghdr) char space[128] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(space);
	struct genlmsghdr *header;
	const struct talk_reader reader = {
		.each = take_family,
		.data = &k->wireguard,
	};

	if (k->wireguard)
		return 0;
	request->nlmsg_type = GENL_ID_CTRL;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->cmd = CTRL_CMD_GETFAMILY;
	header->version = 1;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	if (talk_request(&k->generic, request, &reader, e) < 0)
		return err_wrap(e, e->number == ENOENT ?
				"this kernel has no WireGuard" :
				"WireGuard");
	return k->wireguard ? 0 :
	       err_set(e, ERR_FAILED, "WireGuard: an answer without a number");
}

int kern_has_wireguard(struct kernel *k, struct err *e)
{
	return kern_wireguard((struct kern *)k, e);
}

int kern_nft(struct kern *k, struct err *e)
{
	if (k->nft.socket)
		return 0;
	return talk_open(&k->nft, k->arena, NETLINK_NETFILTER, e);
}

static int take_link(const struct nlmsghdr *answer, void *data,
		     struct err *e)
{
	return rt_decode_link(answer, data, e);
}

/* Also after the first write: what it takes of the arena, it gives back. */
static int link_index(struct kern *k, struct talk *talk, const char *name,
		      uint32_t *index, struct err *e)
{
	size_t mark = arena_mark(k->arena);
	struct link link = { 0 };
	const struct talk_reader reader = {
		.each = take_link,
		.data = &link,
	};
	int result = talk_request(talk, rt_encode_get_link(k->arena, name),
				  &reader, e);

	arena_reset(k->arena, mark);
	if (result < 0)
		return -1;
	*index = link.index;
	return 0;
}

int kern_link_index(struct kern *k, const char *name, uint32_t *index,
		    struct err *e)
{
	return link_index(k, &k->route, name, index, e);
}

struct talk *kern_outside(struct kern *k)
{
	return k->outside.socket ? &k->outside : &k->route;
}

int kern_is_outside(struct kern *k, const char *name, bool *there,
		    struct err *e)
{
	uint32_t index;

	*there = false;
	if (!k->outside.socket)
		return 0;
	*there = !link_index(k, &k->outside, name, &index, e);
	return *there || e->number == ENODEV ? 0 : -1;
}

static int compile(struct kernel *kernel, struct arena *arena,
		   struct firewall *f, struct diags *diags, struct err *e)
{
	struct kern *k = (struct kern *)kernel;

	/* What another program says of a text is not asked again. */
	trace_spoil();
	return nftc_compile(arena, k->options.helper_folder, k->options.lock,
			    f, diags, e);
}

static int list(struct kernel *kernel, struct arena *arena,
		const char *table, struct str *text, struct err *e)
{
	struct kern *k = (struct kern *)kernel;

	trace_spoil();
	return nftc_list(arena, k->options.helper_folder, k->options.lock,
			 table, text, e);
}

/* A socket stays in the namespace that it was opened in. */
static int open_outside(struct kern *k, struct err *e)
{
	int there = k->options.socket_netns, result;
	struct err lost;

	if (!there || netns_is_here(there))
		return 0;
	k->here = netns_here(e);
	if (k->here < 0 || netns_enter(there, e) < 0)
		return -1;
	result = talk_open(&k->outside, k->arena, NETLINK_ROUTE, e);
	if (netns_enter(k->here, &lost) == 0)
		return result;
	*e = lost;
	return -1;
}

int kern_open(struct arena *arena, const struct kern_options *options,
	      struct kernel **out, struct err *e)
{
	struct kern *k = arena_new_object(arena, struct kern);

	k->arena = arena;
	k->options = *options;
	k->here = -1;
	/* It may be opened anew where what is allocated goes again. */
	k->nft.buffer = arena_alloc(arena, TALK_BUFFER);
	k->kernel = (struct kernel){
		.observe = kern_observe,
		.widen = kern_widen,
		.lookup = kern_lookup,
		.compile = compile,
		.list = list,
		.encode = kern_encode,
		.send = kern_send,
		.finish = kern_finish,
	};
	if (talk_open(&k->route, arena, NETLINK_ROUTE, e) < 0)
		return -1;
	if (talk_open(&k->generic, arena, NETLINK_GENERIC, e) < 0 ||
	    open_outside(k, e) < 0) {
		kern_close(&k->kernel);
		return -1;
	}
	*out = &k->kernel;
	return 0;
}

void kern_close(struct kernel *kernel)
{
	struct kern *k = (struct kern *)kernel;

	if (!k)
		return;
	kern_finish(kernel);
	talk_close(&k->outside);
	fd_closep(&k->here);
	talk_close(&k->generic);
	talk_close(&k->route);
}
