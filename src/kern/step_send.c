/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking the steps of an encoded plan.  Nothing is allocated here. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/libc.h"
#include "kern/nft.h"
#include "kern/rt_codec.h"
#include "kern/step.h"
#include "kern/wg_codec.h"

/* Put the object before the kernel's words. */
static int failed(struct kern *k, const struct plan *plan,
		  const struct outgoing *m, struct err *e)
{
	char words[240];

	k->kernel.refused = m->step;
	step_words(k, &plan->steps[m->step], words, sizeof(words));
	if (m->next - m->step > 1)
		return err_wrap(e, "%s, or one of the %zu after it", words,
				m->next - m->step - 1);
	return err_wrap(e, "%s", words);
}

static int set_index(struct kern *k, const struct plan *plan,
		     const struct outgoing *m, struct nlmsghdr *message,
		     enum channel channel, struct err *e)
{
	const struct target *target = m->target;

	if (!target || plan->steps[m->step].kind == STEP_LINK_CREATE)
		return 0;
	if (!target->index) {
		err_set(e, ERR_FAILED, "%s", errno_words(ENODEV));
		return failed(k, plan, m, e);
	}
	if (channel == CHANNEL_WIREGUARD)
		wg_set_index(message, target->index);
	else
		rt_set_index(message, target->index);
	return 0;
}

/* What a link's coming and going means for the messages to come. */
static int note_link(struct kern *k, const struct plan *plan,
		     const struct outgoing *m, struct err *e)
{
	enum step_kind kind = plan->steps[m->step].kind;

	if (kind == STEP_LINK_DELETE)
		m->target->index = 0;
	if (kind != STEP_LINK_CREATE)
		return 0;
	if (kern_link_index(k, m->target->name, &m->target->index, e) < 0)
		return failed(k, plan, m, e);
	return 0;
}

static int send_route(struct kern *k, const struct plan *plan,
		      const struct unit *unit, struct err *e)
{
	struct nlmsghdr *messages[TALK_BATCH];
	size_t refused;
	bool sent;
	int result;

	for (size_t i = 0; i < unit->count; i++) {
		messages[i] = unit->messages[i].message;
		if (set_index(k, plan, &unit->messages[i], messages[i],
			      unit->channel, e) < 0)
			return -1;
	}
	result = talk_batch(unit->channel == CHANNEL_OUTSIDE ?
			    kern_outside(k) : &k->route, messages, unit->count,
			    &sent, &refused, e);
	if (sent)
		k->kernel.writes += unit->count;
	if (result < 0)
		return failed(k, plan, &unit->messages[refused], e);
	/* Only a unit of one message is about a link. */
	return note_link(k, plan, &unit->messages[0], e);
}

static int send_one(struct kern *k, const struct plan *plan,
		    const struct outgoing *m, struct nlmsghdr *message,
		    struct err *e)
{
	size_t refused;
	bool sent;
	int result;

	if (set_index(k, plan, m, message, CHANNEL_WIREGUARD, e) < 0)
		return -1;
	result = talk_batch(&k->generic, &message, 1, &sent, &refused, e);
	if (sent)
		k->kernel.writes++;
	return result < 0 ? failed(k, plan, m, e) : 0;
}

/*
 * A message with nothing but removals of allowed IPs is refused whole where
 * the kernel does not know them: that is how it is found out, once.
 */
static int send_wireguard(struct kern *k, const struct plan *plan,
			  const struct unit *unit, struct err *e)
{
	for (size_t i = 0; i < unit->count; i++) {
		const struct outgoing *m = &unit->messages[i];
		struct err refused = { 0 };

		if (!m->fallback || !k->no_remove_me) {
			if (send_one(k, plan, m, m->message, &refused) == 0)
				continue;
			if (!m->fallback || (refused.number != EINVAL &&
					     refused.number != EOPNOTSUPP)) {
				*e = refused;
				return -1;
			}
			k->no_remove_me = true;
		}
		if (send_one(k, plan, m, m->fallback, e) < 0)
			return -1;
	}
	return 0;
}

static int send_unit(struct kern *k, const struct plan *plan,
		     struct unit *unit, struct err *e)
{
	const struct outgoing self = { .step = unit->first,
				       .next = unit->next };
	int result = 0;

	switch (unit->channel) {
	case CHANNEL_ROUTE:
	case CHANNEL_OUTSIDE:
		return send_route(k, plan, unit, e);
	case CHANNEL_WIREGUARD:
		return send_wireguard(k, plan, unit, e);
	case CHANNEL_NFT:
		result = nft_send(k->nft.socket, unit->batch, e);
		break;
	case CHANNEL_NFTC:
		result = nftc_commit(unit->nftc, unit->generation, e);
		break;
	case CHANNEL_SYSCTL:
		result = sysctl_write(unit->path, unit->value, e);
		break;
	}
	/* Also of one that failed: what became of it may not be known. */
	k->kernel.writes++;
	return result < 0 ? failed(k, plan, &self, e) : 0;
}

static struct unit *unit_of(struct encoded *encoded, size_t first)
{
	size_t i = encoded->cursor;

	if (i >= encoded->count || encoded->units[i].first != first)
		for (i = 0; i < encoded->count; i++)
			if (encoded->units[i].first == first)
				break;
	if (i == encoded->count)
		return NULL;
	encoded->cursor = i + 1;
	return &encoded->units[i];
}

int kern_send(struct kernel *kernel, const struct plan *plan, size_t first,
	      size_t *next, struct err *e)
{
	struct kern *k = (struct kern *)kernel;
	struct unit *unit = k->encoded ? unit_of(k->encoded, first) : NULL;

	if (!unit)
		return err_set(e, ERR_FAILED, "step %zu is not encoded",
			       first);
	k->kernel.refused = first;
	if (send_unit(k, plan, unit, e) < 0)
		return -1;
	*next = unit->next;
	return 0;
}

/* nft was used first; its socket, whose closing waits, is closed last. */
void kern_finish(struct kernel *kernel)
{
	struct kern *k = (struct kern *)kernel;
	struct encoded *encoded = k->encoded;

	k->encoded = NULL;
	for (size_t i = 0; encoded && i < encoded->count; i++) {
		nftc_close(encoded->units[i].nftc);
		encoded->units[i].nftc = NULL;
	}
	talk_close(&k->nft);
}
