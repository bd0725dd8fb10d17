/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever drops what is forwarded.  An accept in our table does not overrule a
 * drop in another: a packet has to pass the base chains of all tables.
 */
#include <linux/netfilter.h>

#include "base/arena.h"
#include "doctor/host.h"

/* Tables of meshes have a name of their own. */
#define OUR_TABLES "meshapply_"

enum maker { MAKER_UNKNOWN, MAKER_DOCKER, MAKER_UFW, MAKER_FIREWALLD };

static enum maker maker_of(const struct doctor *d,
			   const struct nft_chain *chain)
{
	if (str_is(chain->table, "firewalld"))
		return MAKER_FIREWALLD;
	if (nft_forward_has(d->forward, chain, "DOCKER-USER"))
		return MAKER_DOCKER;
	if (nft_forward_has(d->forward, chain, "ufw-") ||
	    nft_forward_has(d->forward, chain, "ufw6-"))
		return MAKER_UFW;
	return MAKER_UNKNOWN;
}

static const char *maker_name(enum maker maker)
{
	switch (maker) {
	case MAKER_DOCKER:
		return "Docker";
	case MAKER_UFW:
		return "ufw";
	case MAKER_FIREWALLD:
		return "firewalld";
	case MAKER_UNKNOWN:
		break;
	}
	return NULL;
}

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" :
		family == NFPROTO_IPV6 ? "ip6" : "ip";
}

static void end_by_nft(struct doctor *d, struct finding *f,
		       const struct nft_chain *c, const char *device)
{
	static const char *const sides[] = { "iifname", "oifname" };

	for (size_t i = 0; i < array_size(sides); i++)
		f->commands[i] = doctor_printf(
			d, "nft insert rule %s %.*s %.*s %s \"%s\" accept",
			family_name(c->family), (int)c->table.size,
			c->table.data, (int)c->name.size, c->name.data,
			sides[i], device);
}

static void end_drop(struct doctor *d, struct finding *f,
		     const struct nft_chain *c, enum maker maker,
		     const char *device)
{
	const char *tables = c->family == NFPROTO_IPV6 ? "ip6tables" :
		"iptables";

	switch (maker) {
	case MAKER_DOCKER:
		f->commands[0] = doctor_printf(d, "%s -I DOCKER-USER -i %s "
					       "-j ACCEPT", tables, device);
		f->commands[1] = doctor_printf(d, "%s -I DOCKER-USER -o %s "
					       "-j ACCEPT", tables, device);
		return;
	case MAKER_UFW:
		f->commands[0] = doctor_printf(d, "ufw route allow in on %s",
					       device);
		f->commands[1] = doctor_printf(d, "ufw route allow out on %s",
					       device);
		return;
	case MAKER_FIREWALLD:
		f->commands[0] = doctor_printf(d, "firewall-cmd --permanent "
			"--zone=trusted --add-interface=%s", device);
		f->commands[1] = "firewall-cmd --permanent "
			"--new-policy=meshapply";
		f->commands[2] = "firewall-cmd --permanent --policy=meshapply "
			"--add-ingress-zone=ANY --add-egress-zone=trusted";
		f->commands[3] = "firewall-cmd --permanent --policy=meshapply "
			"--set-target=ACCEPT";
		f->commands[4] = "firewall-cmd --reload";
		return;
	case MAKER_UNKNOWN:
		end_by_nft(d, f, c, device);
		return;
	}
}

static void tell_drop(struct doctor *d, const struct doctor_mesh *m,
		      const struct nft_chain *c)
{
	enum maker maker = maker_of(d, c);
	const char *name = maker_name(maker);
	struct finding *f = finding_add(d, FINDING_ERROR, "forward-drop", m);

	f->what = doctor_printf(d, "%s%sthe chain %.*s of the table %s %.*s "
		"drops what is forwarded (%s), and no rule of that table "
		"names %s", name ? name : "", name ? ": " : "",
		(int)c->name.size, c->name.data, family_name(c->family),
		(int)c->table.size, c->table.data, c->drops_by_policy ?
		"policy drop" : "its last rule", m->device);
	f->why = "the mesh forwards between its peers and its subnets; an "
		"accept in the mesh's own table does not overrule this";
	end_drop(d, f, c, maker, m->device);
}

static bool concerns(const struct doctor_mesh *m, const struct nft_chain *c)
{
	return (m->forwards4 && c->family != NFPROTO_IPV6) ||
		(m->forwards6 && c->family != NFPROTO_IPV4);
}

void check_forward(struct doctor *d, const struct doctor_mesh *m)
{
	uint32_t index = m->have ? m->have->index : 0;

	for (size_t i = 0; d->forward && i < d->forward->count; i++) {
		const struct nft_chain *c = &d->forward->chains[i];

		if ((!c->drops_by_policy && !c->drops_at_end) ||
		    !concerns(m, c) || str_starts(c->table, OUR_TABLES) ||
		    nft_forward_names(d->forward, c, m->device, index))
			continue;
		tell_drop(d, m, c);
	}
}
