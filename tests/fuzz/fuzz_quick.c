/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a wg-quick file: translated or refused with a diagnostic.
 * What is translated holds no key, and what is read from it and written
 * again reads once more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "quick/quick.h"
#include "state/state.h"

#define ARENA ((size_t)1 << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_map(const struct source *text)
{
	for (size_t i = 0; i < text->map_count; i++) {
		must(text->map[i].origin_offset <= text->origin->text.size);
		must(!i || text->map[i - 1].offset <= text->map[i].offset);
	}
}

static void check_secrets(const struct quick *quick)
{
	struct str text = quick->texts.wireguard.text;
	char key[KEY_TEXT_MAX];

	for (size_t i = 0; i < quick->key_count; i++) {
		key_format(&quick->keys[i].key, key);
		must(!memmem(text.data, text.size, key, strlen(key)));
	}
}

/* A peer's public key may well be the same bytes as a secret: then not. */
static bool has_public_key(const struct quick *quick, const struct state *state)
{
	for (size_t i = 0; i < quick->key_count; i++)
		if (device_peer(state->devices, &quick->keys[i].key))
			return true;
	return false;
}

static void check_texts(struct arena *arena, const struct quick *quick,
			struct diags *diags)
{
	struct state state, again;
	struct texts written;

	check_map(&quick->texts.wireguard);
	check_map(&quick->texts.network);
	check_map(&quick->texts.firewall);
	if (texts_read(arena, &quick->texts, NULL, NULL, &state, diags) < 0)
		return;
	if (!has_public_key(quick, &state))
		check_secrets(quick);
	texts_write(arena, &state, &written);
	must(!texts_read(arena, &written, NULL, NULL, &again, diags));
	must(state.devices->peer_count == again.devices->peer_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA);
	struct arena *secrets = arena_new_secret(ARENA);
	struct quick_options options = { .name = "wg0" };
	struct source source = { .name = "wg0.conf" };
	struct diags diags;
	struct quick quick;
	struct sbuf text;

	source.text = (struct str){ arena_copy(secrets, data, size), size };
	for (int ignore = 0; ignore < 2; ignore++) {
		int result;

		options.ignore_hooks = options.ignore_dns = ignore;
		diags_init(&diags, arena);
		result = quick_translate(arena, secrets, &source, &options,
					 &quick, &diags);
		must(result == (diags.errors ? -1 : 0));
		if (!result)
			check_texts(arena, &quick, &diags);
		diags_sort(&diags);
		sbuf_init(&text, arena);
		diags_format(&diags, &text);
	}
	arena_free(arena);
	arena_free(secrets);
	return 0;
}
