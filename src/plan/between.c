/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies between two states that both came from texts: the first is made
 * to look as the kernel has it once it is applied, then it is a plan like any
 * other.  Keys are not in texts: of a preshared one its file's name stands for
 * it, of a private one the public key that the caller has set.
 */
#include <string.h>

#include "plan/internal.h"

static const struct key key_one = { { 1 } }, key_other = { { 2 } };

struct between {
	struct planner p;	/* for its notes */
	struct state from, to;
};

static void copy_devices(struct arena *arena, struct state *s)
{
	s->devices = arena_copy(arena, s->devices,
				s->device_count * sizeof(*s->devices));
	s->routes = arena_copy(arena, s->routes,
			       s->route_count * sizeof(*s->routes));
	s->rules = arena_copy(arena, s->rules,
			      s->rule_count * sizeof(*s->rules));
	for (size_t i = 0; i < s->device_count; i++)
		s->devices[i].peers = arena_copy(
			arena, s->devices[i].peers,
			s->devices[i].peer_count *
			sizeof(*s->devices[i].peers));
}

static void make_live(struct arena *arena, struct state *s)
{
	s->links = arena_new_array(arena, struct link, s->device_count);
	s->link_count = s->device_count;
	for (size_t i = 0; i < s->device_count; i++) {
		struct device *d = &s->devices[i];
		struct link *link = &s->links[i];

		d->owned = true;
		d->index = (uint32_t)i + 1;
		strcpy(link->name, d->name);
		strcpy(link->kind, "wireguard");
		strcpy(link->alias, d->alias);
		link->index = d->index;
		link->group = d->group;
		link->mtu = d->mtu;
		link->up = true;
	}
	for (size_t i = 0; i < s->route_count; i++)
		s->routes[i].owned = true;
	for (size_t i = 0; i < s->rule_count; i++)
		s->rules[i].owned = true;
}

static const char *host_of(struct arena *arena, const struct peer *p)
{
	char text[ENDPOINT_TEXT_MAX];

	if (p && p->endpoint_host)
		return arena_printf(arena, "%s:%u", p->endpoint_host,
				    (unsigned int)p->endpoint_port);
	if (p && p->endpoint.ip.family)
		return arena_strdup(arena, endpoint_format(&p->endpoint,
							   text));
	return "none";
}

/* A name has no address until it is applied: its change is told in words. */
static void pair_endpoints(struct between *b, struct peer *from,
			   struct peer *to)
{
	const char *was = host_of(b->p.arena, from);
	const char *is = host_of(b->p.arena, to);
	char key[KEY_TEXT_MAX];

	if (!to->endpoint_host && !(from && from->endpoint_host))
		return;
	if (strcmp(was, is))
		plan_note(&b->p, "peer %s: endpoint %s -> %s",
			  key_format(&to->public_key, key), was, is);
	if (from && to->endpoint_host)
		from->endpoint = (struct endpoint){ 0 };
}

static void pair_preshared(struct peer *from, struct peer *to)
{
	const char *was = from ? from->preshared_key_file : NULL;
	const char *is = to->preshared_key_file;

	to->preshared_key = is ? &key_one : NULL;
	if (was)
		from->preshared_key = is && strcmp(was, is) ? &key_other :
			&key_one;
}

static struct peer *peer_of(struct device *d, const struct peer *like)
{
	const struct peer *found = d ? device_peer(d, &like->public_key) :
		NULL;

	return found ? &d->peers[found - d->peers] : NULL;
}

static void pair_peers(struct between *b)
{
	for (size_t i = 0; i < b->to.device_count; i++) {
		struct device *to = &b->to.devices[i];
		struct device *from = state_device(&b->from, to->name);

		for (size_t j = 0; j < to->peer_count; j++) {
			struct peer *peer = &to->peers[j];
			struct peer *before = peer_of(from, peer);

			pair_endpoints(b, before, peer);
			pair_preshared(before, peer);
		}
	}
}

/* Something that is equal for equal texts, and for those alone. */
static struct firewall *stand_in(struct arena *arena, const struct firewall *f)
{
	struct firewall *out;

	if (!f)
		return NULL;
	out = arena_copy(arena, f, sizeof(*f));
	out->objects = arena_new_object(arena, struct firewall_object);
	*out->objects = (struct firewall_object){
		.kind = FIREWALL_TABLE, .name = f->table, .bytes = f->text,
	};
	out->object_count = 1;
	out->elements = NULL;
	out->element_count = 0;
	out->compiled = true;
	return out;
}

static void pair_firewalls(struct between *b)
{
	struct state *from = &b->from, *to = &b->to;

	from->firewall = stand_in(b->p.arena, from->firewall);
	to->firewall = stand_in(b->p.arena, to->firewall);
	if (from->firewall && to->firewall &&
	    firewall_compare(to->firewall, from->firewall) != FIREWALL_SAME)
		plan_note(&b->p, "the firewalls are compared as texts: where "
			  "only elements of sets differ, only these are "
			  "written");
}

static void note_sysctls(struct between *b)
{
	for (size_t i = 0; i < b->from.sysctl_count; i++) {
		const struct sysctl *was = &b->from.sysctls[i];

		if (!state_sysctl(&b->to, was->key))
			plan_note(&b->p, "sysctl %s goes back to what it was "
				  "before the mesh", was->key);
	}
}

int plan_between(struct arena *arena, const struct state *from,
		 const struct state *to, struct plan *out, struct err *e)
{
	static const struct state nothing;
	struct between *b = arena_new_object(arena, struct between);
	struct plan_options options = { 0 };
	struct plan notes = { 0 };

	*b = (struct between){ .from = *from, .to = *to };
	b->p = (struct planner){ .arena = arena, .plan = &notes };
	copy_devices(arena, &b->from);
	copy_devices(arena, &b->to);
	if (settle_numbers(arena, &b->from, &nothing, NULL, e))
		return -1;
	make_live(arena, &b->from);
	pair_peers(b);
	pair_firewalls(b);
	note_sysctls(b);
	if (settle_numbers(arena, &b->to, &b->from, &b->from, e) ||
	    plan_diff(arena, &b->to, &b->from, &b->from, &options, out, e))
		return -1;
	/* Its own are about what the kernel does not have here. */
	out->notes = notes.notes;
	out->note_count = notes.note_count;
	out->note_capacity = notes.note_capacity;
	return 0;
}
