/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who this node is in its mesh.  A source that makes another one of it is
 * more often the wrong one, or one for another host, than meant.
 */
#include "plan/internal.h"

#include <string.h>

/* What runs now: of ours, or the one that is taken over. */
static const struct device *device_now(const struct state *want,
				       const struct state *have, bool adopt)
{
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned)
			return &have->devices[i];
	return adopt && want->device_count ?
		state_device(have, want->devices[0].name) : NULL;
}

static bool shares_address(const struct device *a, const struct device *b)
{
	for (size_t i = 0; i < a->address_count; i++)
		for (size_t j = 0; j < b->address_count; j++)
			if (!ip_compare(&a->addresses[i].ip,
					&b->addresses[j].ip))
				return true;
	return false;
}

static const char *addresses_of(struct sbuf *out, const struct device *d)
{
	char text[PREFIX_TEXT_MAX];

	sbuf_init(out, out->arena);
	for (size_t i = 0; i < d->address_count; i++) {
		if (i)
			sbuf_puts(out, ", ");
		sbuf_puts(out, prefix_format(&d->addresses[i], text));
	}
	return out->size ? out->data : "none";
}

static int refuse_node(const struct plan_identity *is,
		       const struct plan_identity *was, struct err *e)
{
	if (!is->node || !was->node || !strcmp(is->node, was->node))
		return 0;
	return err_refuse(e, "identity", "this host was the node %s when it "
			  "was applied last, and would become %s", was->node,
			  is->node);
}

/*
 * What was applied last is compared with, where that is known: a key or an
 * address that somebody changed by hand is mended, not guarded.
 */
static int refuse_key(const struct device *want, const struct device *now,
		      const struct plan_identity *was, struct err *e)
{
	const struct key *before = &was->public_key;
	char from[KEY_TEXT_MAX], to[KEY_TEXT_MAX];

	if (key_is_zero(before))
		before = &now->public_key;
	/* Zero: who may not read the kernel's keys, and texts alone. */
	if (key_is_zero(before) || key_is_zero(&want->public_key) ||
	    key_equal(before, &want->public_key) ||
	    key_equal(&now->public_key, &want->public_key))
		return 0;
	return err_refuse(e, "identity", "this node's public key would change "
			  "from %s to %s, and no peer that does not know the "
			  "new one would be reached", key_format(before, from),
			  key_format(&want->public_key, to));
}

static int refuse_addresses(struct arena *arena, const struct device *want,
			    const struct device *now,
			    const struct device *before, struct err *e)
{
	struct sbuf from = { .arena = arena }, to = { .arena = arena };

	if (!before->address_count || shares_address(want, before) ||
	    shares_address(want, now))
		return 0;
	return err_refuse(e, "identity", "every address of this node in the "
			  "mesh would change: %s to %s",
			  addresses_of(&from, before),
			  addresses_of(&to, want));
}

int plan_identity(struct arena *arena, const struct state *want,
		  const struct state *have, const struct state *last,
		  const struct plan_identity *is,
		  const struct plan_identity *was,
		  const struct plan_options *options, struct err *e)
{
	const struct device *now = device_now(want, have, options->adopt);
	const struct device *before = last && last->device_count ?
		&last->devices[0] : now;

	/* Nothing runs that could be lost, or nothing is wanted at all. */
	if (!now || !want->device_count || plan_options_force(options, "identity"))
		return 0;
	if (refuse_node(is, was, e) ||
	    refuse_key(&want->devices[0], now, was, e))
		return -1;
	return refuse_addresses(arena, &want->devices[0], now, before, e);
}
