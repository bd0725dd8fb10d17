/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values that a file leaves open.  What our own device has now is kept, so
 * that a second run changes nothing; else what is free is taken, as wg-quick
 * does: 51820 and up for a mark and its table, the priorities next before
 * main's for the rules.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "plan/internal.h"

#define FIRST_MARK 51820u	/* WireGuard's port, wg-quick(8) */
#define MAIN_PRIORITY 32766u	/* of the rule that looks up main */

struct settle {
	struct arena *arena;
	struct state *want;
	const struct state *have, *last;
	struct err *e;
};

/* A mark and a table of this number: nobody else has either. */
static bool number_is_free(const struct settle *s, uint32_t number)
{
	const struct state *have = s->have;

	for (size_t i = 0; i < have->route_count; i++)
		if (have->routes[i].table == number && !have->routes[i].owned)
			return false;
	for (size_t i = 0; i < have->link_count; i++)
		if (have->links[i].vrf_table == number)
			return false;
	for (size_t i = 0; i < have->rule_count; i++) {
		const struct rule *r = &have->rules[i];

		if (!r->owned && (r->table == number ||
				  (r->fwmask && r->fwmark == number)))
			return false;
	}
	return true;
}

static uint32_t free_number(const struct settle *s)
{
	uint32_t number = FIRST_MARK;

	while (!number_is_free(s, number))
		number++;
	return number;
}

static bool wants_number(const struct state *want)
{
	for (size_t i = 0; i < want->route_count; i++)
		if (want->routes[i].automatic & ROUTE_TABLE)
			return true;
	for (size_t i = 0; i < want->rule_count; i++)
		if (want->rules[i].automatic & (RULE_TABLE | RULE_FWMARK))
			return true;
	return false;
}

/* A table without a mark: the one our routes are in already. */
static uint32_t owned_table(const struct settle *s)
{
	for (size_t i = 0; i < s->have->route_count; i++) {
		const struct route *r = &s->have->routes[i];

		if (r->owned && r->table > RT_TABLE_LOCAL)
			return r->table;
	}
	return 0;
}

static uint32_t settle_mark(struct settle *s, struct device *d)
{
	const struct device *have = state_device(s->have, d->name);

	if (d->automatic & DEVICE_FWMARK) {
		/* Also of a device to be adopted: its sessions bear it. */
		d->fwmark = have && have->fwmark ? have->fwmark :
			free_number(s);
		d->automatic &= ~(unsigned int)DEVICE_FWMARK;
		d->has |= DEVICE_FWMARK;
	}
	return d->fwmark;
}

static uint32_t settle_number(struct settle *s)
{
	uint32_t number = 0;

	for (size_t i = 0; i < s->want->device_count; i++)
		number = settle_mark(s, &s->want->devices[i]);
	if (number || !wants_number(s->want))
		return number;
	number = owned_table(s);
	return number ? number : free_number(s);
}

static void settle_device(struct settle *s, struct device *d)
{
	size_t room = sizeof(d->alias) - sizeof(OUR_ALIAS);

	strcpy(d->alias, OUR_ALIAS);
	strncat(d->alias, s->want->mesh, room);
	d->group = OUR_LINK_GROUP;
	d->up = true;
	d->has |= DEVICE_ALIAS | DEVICE_GROUP | DEVICE_UP;
	if (d->automatic & DEVICE_MTU)
		d->mtu = 0;
	if (d->automatic & DEVICE_LISTEN_PORT) {
		d->automatic &= ~(unsigned int)DEVICE_LISTEN_PORT;
		d->has &= ~(unsigned int)DEVICE_LISTEN_PORT;
	}
}

/* An automatic table is that of the VRF, else of the mark's number. */
static uint32_t settle_table(const struct settle *s, uint32_t number)
{
	uint32_t table = 0;

	for (size_t i = 0; !table && i < s->want->device_count; i++)
		table = device_vrf_table(s->have, &s->want->devices[i]);
	return table ? table : number;
}

static void settle_tables(struct settle *s, uint32_t number, uint32_t table)
{
	for (size_t i = 0; i < s->want->route_count; i++) {
		struct route *r = &s->want->routes[i];

		if (r->automatic & ROUTE_TABLE)
			r->table = table;
		r->automatic = 0;
	}
	for (size_t i = 0; i < s->want->rule_count; i++) {
		struct rule *r = &s->want->rules[i];

		if (r->automatic & RULE_TABLE)
			r->table = table;
		if (r->automatic & RULE_FWMARK) {
			r->fwmark = number;
			r->fwmask = MARK_MASK;
		}
		r->automatic &= (unsigned int)RULE_PRIORITY;
	}
}

static uint32_t pair_offset(const struct rule *r)
{
	return rule_is_suppress(r) ? 0 : 1;
}

/* Nobody else's rule, or of ours none but what is wanted there. */
static bool slot_is_free(const struct settle *s, uint32_t priority,
			 bool keeping)
{
	for (size_t i = 0; i < s->have->rule_count; i++) {
		const struct rule *r = &s->have->rules[i];

		if (r->priority == priority && !(keeping && r->owned))
			return false;
	}
	for (size_t i = 0; i < s->want->rule_count; i++) {
		const struct rule *r = &s->want->rules[i];

		if (r->priority == priority &&
		    !(r->automatic & RULE_PRIORITY))
			return false;
	}
	return true;
}

static bool pair_is_free(const struct settle *s, uint32_t priority,
			 bool keeping)
{
	return slot_is_free(s, priority, keeping) &&
		slot_is_free(s, priority + 1, keeping);
}

/* The pair that one of our rules is in already; 0: none. */
static uint32_t kept_pair(const struct settle *s, const struct rule *want)
{
	for (size_t i = 0; i < s->have->rule_count; i++) {
		const struct rule *have = &s->have->rules[i];
		uint32_t pair = have->priority - pair_offset(want);

		if (have->owned && have->priority &&
		    rule_same_selectors(want, have) &&
		    pair_is_free(s, pair, true))
			return pair;
	}
	return 0;
}

static uint32_t free_pair(const struct settle *s)
{
	for (uint32_t pair = MAIN_PRIORITY - 2; pair; pair -= 2)
		if (pair_is_free(s, pair, false))
			return pair;
	return 0;
}

static int settle_priorities(struct settle *s)
{
	struct state *want = s->want;
	uint32_t pair = 0;
	bool any = false;

	for (size_t i = 0; i < want->rule_count && !pair; i++) {
		if (!(want->rules[i].automatic & RULE_PRIORITY))
			continue;
		any = true;
		pair = kept_pair(s, &want->rules[i]);
	}
	if (any && !pair)
		pair = free_pair(s);
	if (any && !pair)
		return err_set(s->e, ERR_FAILED,
			       "no two rule priorities below %u are free",
			       MAIN_PRIORITY);
	for (size_t i = 0; i < want->rule_count; i++) {
		struct rule *r = &want->rules[i];

		if (r->automatic & RULE_PRIORITY)
			r->priority = pair + pair_offset(r);
		r->automatic = 0;
	}
	return 0;
}

static bool is_word(char c)
{
	return char_is_alphanumeric(c) || c == '_';
}

/* A word that stands at the start of a line of its own. */
static bool starts_line(struct str text, const char *at)
{
	while (at > text.data && (at[-1] == ' ' || at[-1] == '\t'))
		at--;
	return at == text.data || at[-1] == '\n';
}

static const char *find_word(struct str text, const char *from,
			     const char *word)
{
	size_t n = strlen(word);
	const char *end = text.data + text.size, *at = from;

	while ((at = memmem(at, (size_t)(end - at), word, n))) {
		at += n;
		if (at == end || !is_word(*at))
			return at - n;
	}
	return NULL;
}

/* "$fwmark" is used and not defined by the text itself. */
static bool uses_mark(struct str text)
{
	const char *at;

	if (!text.data || !find_word(text, text.data, "$fwmark"))
		return false;
	at = find_word(text, text.data, "define fwmark");
	while (at && !starts_line(text, at))
		at = find_word(text, at + 1, "define fwmark");
	return !at;
}

static void settle_firewall(struct settle *s, uint32_t number)
{
	struct firewall *f;
	struct sbuf text;

	if (!s->want->firewall || !uses_mark(s->want->firewall->text))
		return;
	f = arena_copy(s->arena, s->want->firewall, sizeof(*f));
	sbuf_init(&text, s->arena);
	sbuf_printf(&text, "define fwmark = %u\n", number);
	sbuf_str(&text, f->text);
	f->text = (struct str){ text.data, text.size };
	s->want->firewall = f;
}

static bool is_on(const struct state *s, const char *key)
{
	const struct sysctl *found = state_sysctl(s, key);

	return found && strcmp(found->value, "0") != 0;
}

/* Also where it was wanted before: the default route may be away for now. */
static bool needs_accept_ra(const struct settle *s, const struct link *link,
			    const char *key)
{
	if (state_sysctl(s->want, key) ||
	    !(is_on(s->want, "net.ipv6.conf.all.forwarding") ||
	      is_on(s->want, sysctl_of_link(s->arena, "ipv6", link->name,
					    "forwarding"))))
		return false;
	return link->advertised_default ||
		(s->last && state_sysctl(s->last, key));
}

static void settle_accept_ra(struct settle *s)
{
	struct state *want = s->want;
	struct sysctl *all;
	size_t count = want->sysctl_count;

	if (!count)
		return;
	all = arena_new_array(s->arena, struct sysctl,
			      count + s->have->link_count);
	memcpy(all, want->sysctls, count * sizeof(*all));
	for (size_t i = 0; i < s->have->link_count; i++) {
		const struct link *link = &s->have->links[i];
		const char *key = sysctl_of_link(s->arena, "ipv6", link->name,
						 "accept_ra");

		if (needs_accept_ra(s, link, key))
			all[count++] = (struct sysctl){ .key = key,
							.value = "2" };
	}
	want->sysctls = all;
	want->sysctl_count = count;
}

int settle_numbers(struct arena *arena, struct state *want,
		   const struct state *have, const struct state *last,
		   struct err *e)
{
	struct settle s = { arena, want, have, last, e };
	uint32_t number;

	for (size_t i = 0; i < want->device_count; i++)
		settle_device(&s, &want->devices[i]);
	number = settle_number(&s);
	settle_tables(&s, number, settle_table(&s, number));
	if (settle_priorities(&s))
		return -1;
	settle_firewall(&s, number);
	settle_accept_ra(&s);
	state_normalise(want);
	return 0;
}
