/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front of every run: a source to the state that is wanted. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "input/keyfile.h"
#include "input/resolve.h"
#include "input/source.h"
#include "quick/quick.h"
#include "state/firewall.h"
#include "state/text.h"

#define KEY_FOLDER "/etc/meshapply/keys"

/* Where keys come from, in the order in which they are looked for. */
struct key_ring {
	const struct quick *quick;	/* in the wg-quick file itself */
	int credentials;	/* $CREDENTIALS_DIRECTORY, or -1 */
	int folder;		/* KEY_FOLDER, or -1 and why not */
	struct err why;
};

static int broken(struct session *s, struct err *e)
{
	return err_set(e, ERR_DATA, "%zu error%s; nothing was changed",
		       s->diags.errors, s->diags.errors == 1 ? "" : "s");
}

static void ring_open(struct session *s, struct key_ring *ring)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct err ignored;

	ring->why = (struct err){ 0 };
	ring->credentials = -1;
	if (credentials && *credentials == '/')
		ring->credentials = folder_open("", credentials, false, 0,
						&ignored);
	ring->folder = folder_open(s->options->root, KEY_FOLDER, false, 0,
				   &ring->why);
}

static void ring_close(struct key_ring *ring)
{
	fd_closep(&ring->credentials);
	fd_closep(&ring->folder);
}

static const struct key *quick_key(const struct quick *quick,
				   const char *name)
{
	size_t low = 0, high = quick ? quick->key_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, quick->keys[middle].name);

		if (!order)
			return &quick->keys[middle].key;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct key *ring_find(struct session *s,
				   const struct key_ring *ring,
				   const char *name, struct err *e)
{
	const struct key *known = quick_key(ring->quick, name);
	struct key *key;

	if (known)
		return known;
	key = arena_alloc(s->secrets, sizeof(*key));
	if (ring->credentials >= 0) {
		if (!keyfile_read(NULL, ring->credentials, name, s->secrets,
				  key, e))
			return key;
		/* One that is there and no good is not passed over. */
		if (e->kind != ERR_NO_INPUT) {
			err_wrap(e, "$CREDENTIALS_DIRECTORY");
			return NULL;
		}
	}
	if (ring->folder < 0) {
		*e = ring->why;
		if (e->kind == ERR_NO_INPUT)
			err_set(e, ERR_NO_INPUT, "no folder %s%s",
				s->options->root, KEY_FOLDER);
		err_wrap(e, "key %s", name);
		return NULL;
	}
	if (keyfile_read(NULL, ring->folder, name, s->secrets, key, e)) {
		err_wrap(e, "%s%s", s->options->root, KEY_FOLDER);
		return NULL;
	}
	return key;
}

static int device_key(struct session *s, const struct key_ring *ring,
		      struct device *d, struct err *e)
{
	struct key *given;

	if (s->options->key) {
		given = arena_alloc(s->secrets, sizeof(*given));
		if (keyfile_read(s->options->key, -1, NULL, s->secrets, given,
				 e))
			return -1;
		d->private_key = given;
	} else if (d->private_key_file) {
		d->private_key = ring_find(s, ring, d->private_key_file, e);
		if (!d->private_key)
			return -1;
	} else {
		return err_set(e, ERR_DATA, "%s has no private key: write "
			       "%s into [Interface], or give --key FILE",
			       d->name, ring->quick->texts.wireguard.text.data ?
			       "PrivateKey = …" : "#@ private-key-file NAME");
	}
	d->has |= DEVICE_PRIVATE_KEY;
	key_public(d->private_key, &d->public_key);
	return 0;
}

static int read_keys(struct session *s, const struct key_ring *ring,
		     struct err *e)
{
	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];

		if (device_key(s, ring, d, e))
			return -1;
		for (size_t j = 0; j < d->peer_count; j++) {
			struct peer *p = &d->peers[j];

			if (!p->preshared_key_file)
				continue;
			p->preshared_key = ring_find(s, ring,
						     p->preshared_key_file, e);
			if (!p->preshared_key)
				return -1;
			/* All zero is how the kernel says "none". */
			if (key_is_zero(p->preshared_key))
				p->preshared_key = NULL;
		}
	}
	state_check_keys(&s->want, &s->diags);
	return s->diags.errors ? broken(s, e) : 0;
}

static void take_answer(struct session *s, struct peer *p,
			const struct resolve_query *q)
{
	if (!q->endpoint_count) {
		s->unresolved++;
		diag_warning(&s->diags, p->endpoint_where, "the endpoint name "
			     "%s does not resolve (%s): this peer keeps the "
			     "endpoint it has", q->host, q->why);
		return;
	}
	p->endpoint = q->endpoints[0];
	p->resolved = q->endpoints;
	p->resolved_count = q->endpoint_count;
}

static size_t count_names(const struct state *want)
{
	size_t count = 0;

	for (size_t i = 0; i < want->device_count; i++)
		for (size_t j = 0; j < want->devices[i].peer_count; j++)
			count += want->devices[i].peers[j].endpoint_host !=
				NULL;
	return count;
}

static int resolve(struct session *s, struct err *e)
{
	size_t count = count_names(&s->want), n = 0;
	struct resolve_query *queries;
	struct peer **peers;
	const char *program;

	if (!count)
		return 0;
	queries = arena_new_array(s->arena, struct resolve_query, count);
	peers = arena_new_array(s->arena, struct peer *, count);
	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			if (!d->peers[j].endpoint_host)
				continue;
			queries[n].host = d->peers[j].endpoint_host;
			queries[n].port = d->peers[j].endpoint_port;
			peers[n++] = &d->peers[j];
		}
	}
	program = arena_printf(s->arena, "%s/meshapply-fetch",
			       helper_folder(s->arena));
	if (resolve_names(s->arena, program, queries, n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		take_answer(s, peers[i], &queries[i]);
	return 0;
}

static int translate(struct session *s, struct input_source *in,
		     struct quick *quick, struct err *e)
{
	struct quick_options options = {
		.name = *in->device ? in->device : s->options->mesh,
		.mesh = s->options->mesh,
		.ignore_hooks = s->options->ignore_hooks,
		.ignore_dns = s->options->ignore_dns,
	};

	if (!options.name)
		return err_set(e, ERR_USAGE, "%s has no name of the form "
			       "NAME.conf: give --mesh NAME", in->text.name);
	if (device_name_check(str_of(options.name), e))
		return -1;
	if (in->exposed)
		output_note(s, "warning: others can read %s, which holds a "
			    "private key: chmod go= %s", in->text.name,
			    in->text.name);
	if (quick_translate(s->arena, s->secrets, &in->text, &options, quick,
			    &s->diags))
		return broken(s, e);
	return 0;
}

/* The texts of a source: as they are in a folder, or translated. */
static int read_texts(struct session *s, struct input_source *in,
		      struct quick *quick, struct texts *texts,
		      struct err *e)
{
	switch (in->kind) {
	case SOURCE_QUICK:
		if (translate(s, in, quick, e))
			return -1;
		*texts = quick->texts;
		return 0;
	case SOURCE_FOLDER:
		texts->wireguard = in->wireguard;
		texts->network = in->network;
		texts->firewall = in->firewall;
		return 0;
	case SOURCE_DOCUMENT:
		return err_set(e, ERR_USAGE, "%s is a mesh document, which "
			       "this version does not read yet: give a "
			       "wg-quick file or a folder", in->text.name);
	case SOURCE_URL:
		return err_set(e, ERR_USAGE, "%s: this version does not fetch "
			       "yet: give a wg-quick file or a folder",
			       in->url);
	}
	return -1;
}

/* "meshapply stauts": a verb that is none is taken for a source. */
static int suggest_verb(struct session *s, const char *source, struct err *e)
{
	/* Who is not root may not see what is in /etc/wireguard. */
	bool hidden = e->kind == ERR_NO_INPUT || e->kind == ERR_PERMISSION;
	const char *verb = s->options->implied && hidden &&
		!strchr(source, '/') ? verb_nearest(source) : NULL;

	if (!verb)
		return -1;
	return err_set(e, e->kind, "%s; did you mean the verb %s?",
		       arena_strdup(s->arena, e->text), verb);
}

int want_texts(struct session *s, const char *source, struct quick **quick,
	       struct err *e)
{
	struct input_source *in = arena_new_object(s->arena,
						   struct input_source);
	struct texts *texts = arena_new_object(s->arena, struct texts);

	*quick = arena_new_object(s->arena, struct quick);
	if (source_open("", source, s->arena, s->secrets, in, e))
		return suggest_verb(s, source, e);
	if (read_texts(s, in, *quick, texts, e))
		return -1;
	if (texts_read(s->arena, texts, s->options->mesh, NULL, &s->want,
		       &s->diags))
		return broken(s, e);
	s->run.mesh = s->want.mesh;
	return 0;
}

int want_keys(struct session *s, const struct quick *quick, struct err *e)
{
	struct key_ring ring = { .quick = quick };
	int result;

	ring_open(s, &ring);
	result = read_keys(s, &ring, e);
	ring_close(&ring);
	return result;
}

int want_read(struct session *s, const char *source, struct err *e)
{
	struct quick *quick;

	if (want_texts(s, source, &quick, e) || want_keys(s, quick, e))
		return -1;
	return resolve(s, e);
}
