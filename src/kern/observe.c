/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel into a state: the whole, and its smaller parts. */
#include "kern/observe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/libc.h"
#include "kern/rt_codec.h"

/* How often links may come and go under a reading. */
#define ATTEMPTS 5

int observer_denied(struct observer *o, const struct err *e,
		    const char *format, ...)
{
	size_t used = strlen(o->unread);
	char what[128];
	va_list args;

	if (e->kind != ERR_PERMISSION)
		return -1;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(o->unread + used, sizeof(o->unread) - used, "%s%s",
		 used ? ", " : "", what);
	o->denied = *e;
	return 0;
}

static int index_order(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

struct link *observer_link(const struct observer *o, uint32_t index)
{
	const struct link key = { .index = index };

	if (!o->have->link_count)
		return NULL;
	return bsearch(&key, o->have->links, o->have->link_count, sizeof(key),
		       index_order);
}

static void start_links(void *data)
{
	struct observer *o = data;

	o->have->link_count = 0;
}

static int take_link(const struct nlmsghdr *answer, void *data, struct err *e)
{
	struct observer *o = data;
	struct state *have = o->have;

	arena_room(o->arena, &have->links, have->link_count,
		   &o->link_capacity, sizeof(*have->links));
	if (rt_decode_link(answer, &have->links[have->link_count], e) < 0)
		return -1;
	have->link_count++;
	return 0;
}

int observe_links(struct observer *o, struct err *e)
{
	const struct talk_reader reader = {
		.start = start_links,
		.each = take_link,
		.data = o,
	};

	if (talk_dump(&o->k->route, rt_encode_get_links(o->arena), &reader,
		      e) < 0)
		return err_wrap(e, "reading links");
	items_sort(o->have->links, o->have->link_count,
		   sizeof(*o->have->links), index_order);
	return 0;
}

static void start_rules(void *data)
{
	struct observer *o = data;

	o->have->rule_count = o->mark;
}

static int take_rule(const struct nlmsghdr *answer, void *data, struct err *e)
{
	struct observer *o = data;
	struct state *have = o->have;

	arena_room(o->arena, &have->rules, have->rule_count,
		   &o->rule_capacity, sizeof(*have->rules));
	if (rt_decode_rule(answer, &have->rules[have->rule_count], e) < 0)
		return -1;
	have->rule_count++;
	return 0;
}

int observe_rules(struct observer *o, struct err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	const struct talk_reader reader = {
		.start = start_rules,
		.each = take_rule,
		.data = o,
	};

	for (size_t i = 0; i < array_size(families); i++) {
		o->mark = o->have->rule_count;
		if (talk_dump(&o->k->route,
			      rt_encode_get_rules(o->arena, families[i]),
			      &reader, e) == 0)
			continue;
		/* A kernel without this family, or without policy routing. */
		if (e->number != EAFNOSUPPORT && e->number != EOPNOTSUPP)
			return err_wrap(e, "reading routing rules");
	}
	return 0;
}

static int observe_sysctls(struct observer *o, struct err *e)
{
	const struct scope *scope = o->scope;
	struct state *have = o->have;

	have->sysctl_count = 0;
	have->sysctls = arena_new_array(o->arena, struct sysctl,
					scope->sysctl_count);
	for (size_t i = 0; i < scope->sysctl_count; i++) {
		struct sysctl *s = &have->sysctls[have->sysctl_count];
		struct err why;

		if (sysctl_read(o->arena, scope->sysctls[i], &s->value,
				&why) < 0) {
			if (observer_denied(o, &why, "sysctl %s",
					    scope->sysctls[i]) == 0)
				continue;
			*e = why;
			return -1;
		}
		s->key = scope->sysctls[i];
		if (s->value)
			have->sysctl_count++;
	}
	return 0;
}

static int observe_all(struct observer *o, struct err *e)
{
	if (observe_links(o, e) < 0 || observe_devices(o, e) < 0 ||
	    observe_routes(o, e) < 0 || observe_rules(o, e) < 0 ||
	    observe_sysctls(o, e) < 0)
		return -1;
	return observe_firewall(o, e);
}

static bool is_gone(const struct err *e)
{
	return e->number == ENODEV || e->number == ENXIO;
}

/* What could not be read, as the error that a reading ends with: 0 or -1. */
static int end(const struct observer *o, struct err *e)
{
	if (!o->unread[0])
		return 0;
	*e = o->denied;
	return err_set(e, ERR_PERMISSION, "cannot read %s: %s", o->unread,
		       errno_words(EPERM));
}

/*
 * What could be read is there also where something could not: whoever plans
 * without privilege goes on with it.
 */
int kern_observe(struct kernel *kernel, struct arena *arena,
		 struct arena *secrets, const struct scope *scope,
		 struct state *have, struct err *e)
{
	struct kern *k = (struct kern *)kernel;
	void *buffer = arena_alloc(secrets, TALK_BUFFER);

	for (int i = 0; i < ATTEMPTS; i++) {
		struct state seen = { 0 };
		struct observer o = {
			.k = k,
			.arena = arena,
			.secrets = secrets,
			.scope = scope,
			.have = &seen,
			.buffer = buffer,
		};
		struct err why = { 0 };

		snprintf(seen.mesh, sizeof(seen.mesh), "%s", scope->mesh);
		if (observe_all(&o, &why) < 0) {
			if (is_gone(&why))
				continue;
			*e = why;
			return -1;
		}
		state_normalise(&seen);
		*have = seen;
		return end(&o, e);
	}
	return err_set(e, ERR_BUSY,
		       "links came and went in each of %d readings", ATTEMPTS);
}

int kern_widen(struct kernel *kernel, struct arena *arena,
	       struct arena *secrets, const struct scope *scope,
	       struct state *have, struct err *e)
{
	struct observer o = {
		.k = (struct kern *)kernel,
		.arena = arena,
		.secrets = secrets,
		.scope = scope,
		.have = have,
		.buffer = arena_alloc(secrets, TALK_BUFFER),
	};
	struct err why = { 0 };

	items_sort(have->links, have->link_count, sizeof(*have->links),
		   index_order);
	if (observe_tables(&o, &why) < 0 || observe_ports(&o, &why) < 0 ||
	    observe_sysctls(&o, &why) < 0)
		*e = why;
	state_normalise(have);
	return why.kind ? -1 : end(&o, e);
}
