/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/key_ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "input/keyfile.h"

void ring_open(struct session *s, struct key_ring *ring)
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

void ring_close(struct key_ring *ring)
{
	fd_closep(&ring->credentials);
	fd_closep(&ring->folder);
}

/* LoadCredential=key:FOLDER calls FOLDER/NAME key_NAME: systemd.exec(5). */
static int credential_read(struct session *s, int folder, const char *name,
			   struct key *key, struct err *e)
{
	const char *loaded = arena_printf(s->arena, "key_%s", name);

	if (!keyfile_read(NULL, folder, name, s->secrets, key, e))
		return 0;
	if (e->kind != ERR_NO_INPUT)
		return -1;
	return keyfile_read(NULL, folder, loaded, s->secrets, key, e);
}

const struct key *ring_find(struct session *s, const struct key_ring *ring,
			    const char *name, struct err *e)
{
	const struct key *known = named_key_find(ring->held, ring->held_count,
						 name);
	struct key *key;

	if (known)
		return known;
	key = arena_alloc(s->secrets, sizeof(*key));
	if (ring->credentials >= 0) {
		if (!credential_read(s, ring->credentials, name, key, e))
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
		/* A service is not meant to look into it: systemd is. */
		else if (e->kind == ERR_PERMISSION && ring->credentials >= 0)
			err_set(e, ERR_NO_INPUT, "there is none in "
				"$CREDENTIALS_DIRECTORY");
		err_wrap(e, "key %s", name);
		return NULL;
	}
	if (keyfile_read(NULL, ring->folder, name, s->secrets, key, e)) {
		err_wrap(e, "%s%s", s->options->root, KEY_FOLDER);
		return NULL;
	}
	return key;
}

const struct key *ring_private(struct session *s, struct key_ring *ring,
			       const char *name, struct err *e)
{
	struct key *given;

	if (!ring->given)
		return ring_find(s, ring, name, e);
	if (ring->given_key)
		return ring->given_key;
	given = arena_alloc(s->secrets, sizeof(*given));
	if (keyfile_read(ring->given, -1, NULL, s->secrets, given, e))
		return NULL;
	ring->given_key = given;
	return given;
}

static int device_private(struct session *s, struct key_ring *ring,
			  struct device *d, const char *how, struct err *e)
{
	if (!ring->given && !d->private_key_file)
		return err_set(e, ERR_DATA, "%s has no private key: write "
			       "%s into [Interface], or give --key FILE",
			       d->name, how);
	d->private_key = ring_private(s, ring, d->private_key_file, e);
	if (!d->private_key)
		return -1;
	d->has |= DEVICE_PRIVATE_KEY;
	key_public(d->private_key, &d->public_key);
	return 0;
}

/* What is missing may be many files, and is told at once. */
static int lose(struct session *s, struct key_ring *ring,
		const struct peer *peer, const struct err *failed,
		struct err *e)
{
	if (!ring->lost_count)
		*e = *failed;
	arena_room(s->arena, &ring->lost, ring->lost_count,
		   &ring->lost_capacity, sizeof(*ring->lost));
	ring->lost[ring->lost_count++] = (struct key_lost){
		peer, arena_strdup(s->arena, failed->text) };
	return -1;
}

int ring_device(struct session *s, struct key_ring *ring, struct device *d,
		const char *how, struct err *e)
{
	const char *name = NULL;	/* of KEY */
	const struct key *key = NULL;
	struct err failed = { 0 };
	int result = 0;

	if (device_private(s, ring, d, how, e))
		return -1;
	for (size_t i = 0; i < d->peer_count; i++) {
		struct peer *p = &d->peers[i];

		if (!p->preshared_key_file)
			continue;
		/* One that all peers share is read once. */
		if (!key || strcmp(name, p->preshared_key_file))
			key = ring_find(s, ring, p->preshared_key_file,
					&failed);
		name = p->preshared_key_file;
		p->preshared_key = key;
		if (!p->preshared_key)
			result = lose(s, ring, p, &failed, e);
		/* All zero is how the kernel says "none". */
		else if (key_is_zero(p->preshared_key))
			p->preshared_key = NULL;
	}
	return result;
}
