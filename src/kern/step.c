/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan to messages.  All is made here, before the first is sent, but for
 * sequence numbers and the indexes of links, which are filled in on the way.
 */
#include "kern/step.h"

#include <linux/netfilter.h>
#include <linux/wireguard.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft.h"
#include "kern/rt_codec.h"
#include "kern/wg_codec.h"

/* Kept for the words of an error after the first write. */
#define WORDS_SPACE ((size_t)64 << 10)
/* Batches of nft have their own sequence numbers, this far apart. */
#define NFT_SEQUENCES (1u << 20)

struct encoder {
	struct kern *k;
	struct arena *arena;
	const struct plan *plan;
	struct encoded *out;
	bool nft_used;		/* by a step before: the generation has moved */
	struct err *e;
};

/* The link a step's messages speak of by its index, or NULL. */
static const char *link_of(const struct step *step)
{
	if (step->route)
		return step->route->device[0] ? step->route->device : NULL;
	if (step->device || step->device_before)
		return step_device(step)->name;
	return NULL;
}

/* No more than there are changes of name from one step to the next. */
static size_t count_targets(const struct plan *plan)
{
	const char *last = "";
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const char *name = link_of(&plan->steps[i]);

		if (!name)
			continue;
		count += strcmp(name, last) != 0;
		last = name;
	}
	return count;
}

static struct target *find_target(struct encoder *c, const char *name)
{
	for (size_t i = 0; i < c->out->target_count; i++)
		if (!strcmp(c->out->targets[i].name, name))
			return &c->out->targets[i];
	return NULL;
}

/*
 * The link that STEP is about, in *OUT: the one that was read, where the step
 * tells, so that none which took its name since is written to; else one of the
 * kernel now, or one that this plan makes; NULL if it is about none.  There
 * are a few, and each is looked for once.
 */
static int target_of(struct encoder *c, const struct step *step,
		     struct target **out)
{
	const char *name = link_of(step);
	uint32_t index = 0;

	*out = name ? find_target(c, name) : NULL;
	if (!name || *out)
		return 0;
	if (step->device_before)
		index = step->device_before->index;
	if (!index && step->kind != STEP_LINK_CREATE &&
	    kern_link_index(c->k, name, &index, c->e) < 0)
		return -1;
	*out = &c->out->targets[c->out->target_count++];
	**out = (struct target){ name, index };
	return 0;
}

static struct unit *add_unit(struct encoder *c, enum channel channel,
			     size_t first, size_t next)
{
	struct encoded *out = c->out;

	arena_room(c->arena, &out->units, out->count, &out->capacity,
		   sizeof(*out->units));
	out->units[out->count] = (struct unit){
		.channel = channel,
		.first = first,
		.next = next,
	};
	return &out->units[out->count++];
}

static struct nlmsghdr *encode_route_message(struct arena *arena,
					     const struct step *step)
{
	switch (step->kind) {
	case STEP_LINK_CHANGE:
		return rt_encode_link_change(arena, step_device(step),
					     step->fields);
	case STEP_LINK_DELETE:
		return rt_encode_link_delete(arena);
	case STEP_ADDRESS_ADD:
		return rt_encode_address(arena, step->prefixes, RT_ADD);
	case STEP_ADDRESS_REMOVE:
		return rt_encode_address(arena, step->prefixes, RT_REMOVE);
	case STEP_ROUTE_ADD:
		return rt_encode_route(arena, step->route, RT_ADD);
	case STEP_ROUTE_REPLACE:
		return rt_encode_route(arena, step->route, RT_REPLACE);
	case STEP_ROUTE_REMOVE:
		return rt_encode_route(arena, step->route, RT_REMOVE);
	case STEP_RULE_ADD:
		return rt_encode_rule(arena, step->rule, step->twin ?
				      RT_ADD_TWIN : RT_ADD);
	case STEP_RULE_REMOVE:
		return rt_encode_rule(arena, step->rule, RT_REMOVE);
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
	case STEP_LINK_CREATE:
	case STEP_LINK_EMPTY:
	case STEP_DEVICE_SET:
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
	case STEP_PEER_REMOVE:
	case STEP_ALLOWED_IPS_REMOVE:
	case STEP_SYSCTL_SET:
	case STEP_FOREIGN_TABLE_DELETE:
		break;
	}
	return NULL;
}

/* Routes are many and alike; of all else each is waited for. */
static size_t route_run(const struct plan *plan, size_t first)
{
	const struct step *steps = plan->steps;
	size_t next = first + 1;

	if (!steps[first].route)
		return next;
	while (next < plan->count && next - first < TALK_BATCH &&
	       steps[next].kind == steps[first].kind &&
	       steps[next].phase == steps[first].phase)
		next++;
	return next;
}

static int encode_route(struct encoder *c, size_t first, size_t *next)
{
	struct unit *unit;

	*next = route_run(c->plan, first);
	unit = add_unit(c, CHANNEL_ROUTE, first, *next);
	unit->messages = arena_new_array(c->arena, struct outgoing,
					 *next - first);
	for (size_t i = first; i < *next; i++) {
		const struct step *step = &c->plan->steps[i];
		struct outgoing *m = &unit->messages[unit->count++];

		m->message = encode_route_message(c->arena, step);
		m->step = i;
		m->next = i + 1;
		if (target_of(c, step, &m->target) < 0)
			return -1;
	}
	return 0;
}

/* The kernel looks for the name where the message is sent from. */
static int check_outside(struct encoder *c, const char *name)
{
	bool there;

	if (kern_is_outside(c->k, name, &there, c->e) < 0)
		return -1;
	if (there)
		return err_set(c->e, ERR_REFUSED, "there is a link of this "
			       "name in the network namespace of its socket, "
			       "where the kernel makes it");
	return 0;
}

static int encode_create(struct encoder *c, size_t first)
{
	const struct device *device = step_device(&c->plan->steps[first]);
	bool outside = c->k->outside.socket;
	struct unit *unit = add_unit(c, outside ? CHANNEL_OUTSIDE :
				     CHANNEL_ROUTE, first, first + 1);
	struct outgoing *m = arena_new_object(c->arena, struct outgoing);
	uint32_t master = 0;

	unit->messages = m;
	unit->count = 1;
	m->step = first;
	m->next = first + 1;
	if (device->vrf[0] &&
	    kern_link_index(c->k, device->vrf, &master, c->e) < 0)
		return err_wrap(c->e, "VRF %s", device->vrf);
	if (check_outside(c, device->name) < 0)
		return -1;
	m->message = rt_encode_link_create(c->arena, device, master,
					   outside ? c->k->here : -1);
	return target_of(c, &c->plan->steps[first], &m->target);
}

/* One message of WireGuard that is a step of its own. */
static int encode_device(struct encoder *c, size_t first)
{
	const struct step *step = &c->plan->steps[first];
	struct unit *unit = add_unit(c, CHANNEL_WIREGUARD, first, first + 1);
	struct outgoing *m = arena_new_object(c->arena, struct outgoing);

	unit->messages = m;
	unit->count = 1;
	m->step = first;
	m->next = first + 1;
	m->message = step->kind == STEP_LINK_EMPTY ?
		wg_encode_empty(c->arena, c->k->wireguard) :
		wg_encode_device(c->arena, c->k->wireguard, step_device(step),
				 step->fields);
	return target_of(c, step, &m->target);
}

static struct wg_entry entry_of(const struct step *step)
{
	const struct peer *peer = step_peer(step);
	struct wg_entry entry = {
		.public_key = &peer->public_key,
		.peer = peer,
	};

	if (step->kind == STEP_PEER_REMOVE) {
		entry.flags = WGPEER_F_REMOVE_ME;
		return entry;
	}
	if (step->kind == STEP_PEER_ADD) {
		entry.fields = PEER_ENDPOINT |
			(peer->preshared_key ? PEER_PRESHARED_KEY : 0u) |
			(peer->keepalive ? PEER_KEEPALIVE : 0u);
		entry.prefixes = peer->allowed_ips;
		entry.prefix_count = peer->allowed_ip_count;
		return entry;
	}
	entry.flags = WGPEER_F_UPDATE_ONLY;
	entry.prefixes = step->prefixes;
	entry.prefix_count = step->prefix_count;
	if (step->kind == STEP_ALLOWED_IPS_REMOVE)
		entry.remove_prefixes = true;
	else
		entry.fields = step->fields & ~(unsigned)PEER_ALLOWED_IPS;
	return entry;
}

static bool is_peer_step(const struct step *step)
{
	return step->kind == STEP_PEER_ADD || step->kind == STEP_PEER_CHANGE ||
	       step->kind == STEP_PEER_REMOVE;
}

/* Steps in a row that the same messages can carry. */
static size_t peer_run(const struct plan *plan, size_t first)
{
	const struct step *a = &plan->steps[first];
	size_t next = first + 1;

	for (; next < plan->count; next++) {
		const struct step *b = &plan->steps[next];

		if (b->phase != a->phase ||
		    (b->kind != a->kind &&
		     !(is_peer_step(a) && is_peer_step(b))) ||
		    strcmp(step_device(a)->name, step_device(b)->name) != 0)
			break;
	}
	return next;
}

static void encode_part(struct encoder *c, struct unit *unit, size_t first,
			const struct wg_part *part, struct target *target)
{
	struct outgoing *m = &unit->messages[unit->count++];
	struct key fresh;

	m->message = wg_encode_part(c->arena, c->k->wireguard, part);
	m->target = target;
	m->step = first + part->first;
	m->next = part->next > part->first ? first + part->next : m->step + 1;
	if (!part->entries[0].remove_prefixes)
		return;
	key_generate_preshared(&fresh);
	m->fallback = wg_encode_moved_away(c->arena, c->k->wireguard, part,
					   &fresh);
}

/*
 * Peers of one device.  A unit ends where a message ends with a step, so that
 * a refusal is of as few of them as can be.
 */
static int encode_peers(struct encoder *c, size_t first, size_t *next)
{
	struct wg_entry *entries;
	struct target *target;
	struct wg_part *parts;
	size_t part_count, used;

	*next = peer_run(c->plan, first);
	if (target_of(c, &c->plan->steps[first], &target) < 0)
		return -1;
	entries = arena_new_array(c->arena, struct wg_entry, *next - first);
	for (size_t i = first; i < *next; i++)
		entries[i - first] = entry_of(&c->plan->steps[i]);
	parts = wg_split(c->arena, entries, *next - first, &part_count);
	for (size_t i = 0; i < part_count; i += used) {
		struct unit *unit;

		for (used = 1; parts[i + used - 1].next == parts[i].first;)
			used++;
		unit = add_unit(c, CHANNEL_WIREGUARD, first + parts[i].first,
				first + parts[i + used - 1].next);
		unit->messages = arena_new_array(c->arena, struct outgoing,
						 used);
		for (size_t j = i; j < i + used; j++)
			encode_part(c, unit, first, &parts[j], target);
	}
	return 0;
}

/* "ip NAME", "ip6 NAME". */
static int encode_foreign(struct encoder *c, const char *table,
			  uint32_t sequence, struct str *out)
{
	const char *name = strchr(table, ' ');
	struct str family = { table, name ? (size_t)(name - table) : 0 };

	if (!str_is(family, "ip") && !str_is(family, "ip6"))
		return err_set(c->e, ERR_FAILED, "table %s: of no known family",
			       table);
	return nft_encode_delete(c->arena, str_is(family, "ip") ?
				 NFPROTO_IPV4 : NFPROTO_IPV6, name + 1, 0,
				 sequence, out, c->e);
}

/* Only the first batch of a plan finds the generation that was observed. */
static int encode_nft(struct encoder *c, size_t first)
{
	const struct step *step = &c->plan->steps[first];
	uint32_t generation = c->nft_used ? 0 : c->k->generation;
	struct unit *unit = add_unit(c, step->kind == STEP_FIREWALL_LOAD ?
				     CHANNEL_NFTC : CHANNEL_NFT, first,
				     first + 1);
	struct firewall before;
	uint32_t sequence;

	c->nft_used = true;
	unit->generation = generation;
	if (kern_nft(c->k, c->e) < 0)
		return -1;
	sequence = c->k->nft.sequence += NFT_SEQUENCES;
	if (step->kind == STEP_FIREWALL_LOAD)
		return nftc_prepare(c->arena, c->k->options.helper_folder,
				    c->k->options.lock, step->firewall->table,
				    step->firewall->text, &unit->nftc, c->e);
	if (step->kind == STEP_FOREIGN_TABLE_DELETE)
		return encode_foreign(c, step->table, sequence, &unit->batch);
	if (step->kind == STEP_FIREWALL_DELETE)
		return nft_encode_delete(c->arena, NFPROTO_INET,
					 step->firewall->table, generation,
					 sequence, &unit->batch, c->e);
	before = *step->firewall_before;
	before.generation = generation;
	return nft_encode_elements(c->arena, step->firewall, &before, sequence,
				   &unit->batch, c->e);
}

static int encode_sysctl(struct encoder *c, size_t first)
{
	const struct sysctl *sysctl = c->plan->steps[first].sysctl;
	struct unit *unit = add_unit(c, CHANNEL_SYSCTL, first, first + 1);

	unit->path = sysctl_path(c->arena, sysctl->key);
	unit->value = sysctl->value;
	if (!unit->path)
		return err_set(c->e, ERR_FAILED, "not a key");
	return 0;
}

/* The steps from FIRST on that go together; *NEXT is the one after them. */
static int encode_step(struct encoder *c, size_t first, size_t *next)
{
	*next = first + 1;
	switch (c->plan->steps[first].kind) {
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
	case STEP_FOREIGN_TABLE_DELETE:
		return encode_nft(c, first);
	case STEP_LINK_CREATE:
		return encode_create(c, first);
	case STEP_LINK_CHANGE:
	case STEP_LINK_DELETE:
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_REMOVE:
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_REPLACE:
	case STEP_ROUTE_REMOVE:
	case STEP_RULE_ADD:
	case STEP_RULE_REMOVE:
		return encode_route(c, first, next);
	case STEP_LINK_EMPTY:
	case STEP_DEVICE_SET:
		return encode_device(c, first);
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
	case STEP_PEER_REMOVE:
	case STEP_ALLOWED_IPS_REMOVE:
		return encode_peers(c, first, next);
	case STEP_SYSCTL_SET:
		return encode_sysctl(c, first);
	}
	return 0;
}

static bool needs_wireguard(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		if (is_peer_step(step) || step->kind == STEP_LINK_CREATE ||
		    step->kind == STEP_LINK_EMPTY ||
		    step->kind == STEP_DEVICE_SET ||
		    step->kind == STEP_ALLOWED_IPS_REMOVE)
			return true;
	}
	return false;
}

int kern_encode(struct kernel *kernel, struct arena *arena,
		const struct plan *plan, struct err *e)
{
	struct kern *k = (struct kern *)kernel;
	struct encoder c = {
		.k = k,
		.arena = arena,
		.plan = plan,
		.out = arena_new_object(arena, struct encoded),
		.e = e,
	};
	size_t next;

	if (arena_populate(k->arena, WORDS_SPACE) < 0)
		return err_set(e, ERR_FAILED, "out of memory");
	if (needs_wireguard(plan) && kern_wireguard(k, e) < 0)
		return -1;
	if (k->encoded)
		kern_finish(kernel);
	c.out->targets = arena_new_array(arena, struct target,
					 count_targets(plan));
	/* From here on there may be children to be ended. */
	k->encoded = c.out;
	for (size_t i = 0; i < plan->count; i = next) {
		char words[256];

		if (encode_step(&c, i, &next) == 0)
			continue;
		step_words(k, &plan->steps[i], words, sizeof(words));
		return err_wrap(e, "%s", words);
	}
	return 0;
}
