/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/generation.h"

#include <stdlib.h>
#include <string.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/key_ring.h"
#include "cmd/meshes.h"
#include "cmd/want.h"
#include "state/text.h"

int generation_number(const char *text, bool now, uint64_t *out,
		      struct err *e)
{
	if (now && !strcmp(text, "now")) {
		*out = 0;
		return 0;
	}
	if (text[0] != '0' &&
	    !str_uint(str_of(text), GENERATION_NUMBER_MAX, out))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is no number of a generation%s: "
		       "meshapply history lists them", text,
		       now ? ", nor \"now\"" : "");
}

static int only_mesh(struct session *s, const char **mesh, struct err *e)
{
	struct mesh_names names = { 0 };

	mesh_names_kept(s, &names);
	if (!names.count)
		return err_set(e, ERR_NO_INPUT, "nothing is kept of any mesh "
			       "on this host");
	if (names.count > 1)
		return err_set(e, ERR_USAGE, "%s which mesh? There is %s, %s%s",
			       s->options->verb, names.items[0],
			       names.items[1], names.count > 2 ?
			       " and more" : "");
	*mesh = names.items[0];
	return 0;
}

int generation_mesh(struct session *s, int numbers, const char **mesh,
		    char ***rest, struct err *e)
{
	const struct options *o = s->options;
	bool named = o->argument_count > numbers;

	*rest = o->arguments + named;
	if (named && o->mesh && strcmp(o->arguments[0], o->mesh))
		return err_set(e, ERR_USAGE, "%s or --mesh %s?",
			       o->arguments[0], o->mesh);
	if (!named && !o->mesh)
		return only_mesh(s, mesh, e);
	return mesh_of_argument(s, named ? o->arguments[0] : o->mesh, mesh, e);
}

static int read_state(struct session *s, const struct generation *g,
		      struct state *out, struct err *e)
{
	struct texts *texts = arena_new_object(s->arena, struct texts);
	struct source *const sources[] = {
		&texts->wireguard, &texts->network, &texts->firewall,
	};

	generation_texts(g, texts);
	for (size_t i = 0; i < array_size(sources); i++)
		if (sources[i]->text.data)
			sources[i]->name = arena_printf(s->arena,
				"%s (generation %llu)", sources[i]->name,
				(unsigned long long)g->number);
	/* They were good once: it is this host where something is wrong. */
	if (texts_read(s->arena, texts, s->run.mesh, NULL, out, &s->diags))
		return want_broken(s, ERR_CONFIG, e);
	return 0;
}

int generation_state(struct session *s, uint64_t number, struct state *out,
		     struct err *e)
{
	const struct generation *g;

	if (generation_read(s->run.store, s->arena, number, &g, e) ||
	    read_state(s, g, out, e))
		return -1;
	for (size_t i = 0; i < out->device_count; i++) {
		out->devices[i].public_key = g->public_key;
		out->devices[i].has |= DEVICE_PRIVATE_KEY;
	}
	return 0;
}

static int look(struct session *s, struct state *have, struct err *e)
{
	const char **names = arena_new_array(s->arena, const char *,
					     s->want.device_count);
	struct scope scope = { .mesh = s->run.mesh, .devices = names,
			       .device_count = s->want.device_count };

	for (size_t i = 0; i < s->want.device_count; i++)
		names[i] = s->want.devices[i].name;
	return s->run.kernel->observe(s->run.kernel, s->arena, s->secrets,
				      &scope, have, e);
}

static bool is_of(const struct key *private_key, const struct key *public_key)
{
	struct key found;

	if (!private_key)
		return false;
	key_public(private_key, &found);
	return key_equal(&found, public_key);
}

static int no_private(const struct generation *g, const struct device *d,
		      struct err *e)
{
	char text[KEY_TEXT_MAX];

	return err_set(e, ERR_NO_INPUT, "the private key of %s in generation "
		       "%llu, of the public key %s, is not the running one%s%s"
		       ": give it by --key FILE", d->name,
		       (unsigned long long)g->number,
		       key_format(&g->public_key, text),
		       d->private_key_file ? ", nor that of the file " : "",
		       d->private_key_file ? d->private_key_file : "");
}

/* A key that was changed since is another node: it is not taken for it. */
static int find_private(struct session *s, const struct generation *g,
			struct key_ring *ring, const struct state *have,
			struct device *d, struct err *e)
{
	const struct key *key = NULL;
	struct err failed = { 0 };

	if (ring->given || d->private_key_file)
		key = ring_private(s, ring, d->private_key_file, &failed);
	if (!key && (ring->given || (failed.kind &&
				     failed.kind != ERR_NO_INPUT))) {
		*e = failed;
		return -1;
	}
	if (ring->given && !is_of(key, &g->public_key))
		return err_set(e, ERR_CONFIG, "the key of --key is not that "
			       "of generation %llu",
			       (unsigned long long)g->number);
	for (size_t i = 0; !is_of(key, &g->public_key); i++) {
		if (i == have->device_count)
			return no_private(g, d, e);
		key = have->devices[i].private_key;
	}
	d->private_key = key;
	d->public_key = g->public_key;
	d->has |= DEVICE_PRIVATE_KEY;
	return 0;
}

static const struct key *live_preshared(const struct state *have,
					const struct peer *p)
{
	for (size_t i = 0; i < have->device_count; i++) {
		const struct peer *live = device_peer(&have->devices[i],
						      &p->public_key);

		if (live && live->preshared_key)
			return live->preshared_key;
	}
	return NULL;
}

static int find_preshared(struct session *s, const struct key_ring *ring,
			  const struct state *have, struct peer *p,
			  struct err *e)
{
	struct err failed = { 0 };
	char text[KEY_TEXT_MAX];

	if (!p->preshared_key_file)
		return 0;
	p->preshared_key = ring_find(s, ring, p->preshared_key_file, &failed);
	if (p->preshared_key && key_is_zero(p->preshared_key))
		p->preshared_key = NULL;
	if (!failed.kind)
		return 0;
	if (failed.kind == ERR_NO_INPUT)
		p->preshared_key = live_preshared(have, p);
	if (p->preshared_key)
		return 0;
	*e = failed;
	return err_wrap(e, "the preshared key with peer %s, which has none on "
			"the running device", key_format(&p->public_key, text));
}

static int find_keys(struct session *s, const struct generation *g,
		     struct err *e)
{
	cleanup_ring struct key_ring ring = { .given = s->options->key };
	struct state *have = arena_new_object(s->arena, struct state);

	ring_open(s, &ring);
	if (look(s, have, e))
		return -1;
	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];

		if (find_private(s, g, &ring, have, d, e))
			return -1;
		for (size_t j = 0; j < d->peer_count; j++)
			if (find_preshared(s, &ring, have, &d->peers[j], e))
				return -1;
	}
	return 0;
}

int generation_want(struct session *s, uint64_t number, struct err *e)
{
	const struct generation *g;

	if (generation_read(s->run.store, s->arena, number, &g, e) ||
	    read_state(s, g, &s->want, e) || find_keys(s, g, e))
		return -1;
	s->run.about = (struct generation){
		.source = arena_printf(s->arena, "generation %llu",
				       (unsigned long long)number),
		.node = g->node, .has_serial = g->has_serial,
		.serial = g->serial, .back_to = number,
	};
	memcpy(s->run.about.digest, g->digest, sizeof(g->digest));
	return 0;
}
