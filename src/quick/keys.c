/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a file, apart from the texts that name them. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "quick/file.h"
#include "state/text.h"

const char *quick_private_key_name(const struct quick_file *file)
{
	return arena_printf(file->arena, "%s.key", file->options->name);
}

/* Base64 in the form for file names, RFC 4648 section 5, without padding. */
const char *quick_preshared_key_name(const struct quick_file *file,
				     const struct quick_peer *peer)
{
	char text[KEY_TEXT_MAX];

	key_format(&peer->public_key, text);
	for (char *c = text; *c; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	return arena_printf(file->arena, "peer-%s.psk", text);
}

/* Sorted without the keys themselves: qsort() makes copies as it likes. */
struct held {
	const char *name;
	const struct key *key;
};

static int held_compare(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void hold(struct quick_file *file, struct quick *out)
{
	struct held *held = arena_new_array(file->arena, struct held,
					    file->peer_count + 1);
	size_t count = 0;

	if (file->private_key)
		held[count++] = (struct held){ quick_private_key_name(file),
					       file->private_key };
	for (size_t i = 0; i < file->peer_count; i++) {
		const struct quick_peer *peer = &file->peers[i];

		if (peer->preshared_key)
			held[count++] = (struct held){
				quick_preshared_key_name(file, peer),
				peer->preshared_key };
	}
	qsort(held, count, sizeof(*held), held_compare);
	out->keys = arena_new_array(file->secrets, struct named_key, count);
	out->key_count = count;
	for (size_t i = 0; i < count; i++) {
		out->keys[i].name = held[i].name;
		out->keys[i].key = *held[i].key;
	}
}

/* A directive that names a file which is held here would get that key. */
static void check_name(struct quick_file *file, const struct quick *out,
		       struct str name)
{
	const char *wanted;

	if (!name.data)
		return;
	wanted = arena_strndup(file->arena, name.data, name.size);
	if (named_key_find(out->keys, out->key_count, wanted))
		value_error(file->source, name, file->diags,
			    "this name is taken by a key of this file")->hint =
			"give the key's file another name";
}

static void check_both(struct quick_file *file, struct str directive,
		       struct str key, const char *word)
{
	struct diag *diag;

	if (!directive.data || !key.data)
		return;
	diag = value_error(file->source, directive, file->diags,
			   "the key is in a file, and there is %s too", word);
	diag->other = place_of(file->source, key);
	diag->other_message = "here it is";
	diag->hidden = true;
}

void quick_hold_keys(struct quick_file *file, struct quick *out)
{
	const unsigned int word = QUICK_PRESHARED_KEY - QUICK_INTERFACE_WORDS;

	hold(file, out);
	check_both(file, file->private_key_file,
		   file->said[QUICK_PRIVATE_KEY].key, "PrivateKey");
	check_name(file, out, file->private_key_file);
	for (size_t i = 0; i < file->peer_count; i++) {
		const struct quick_peer *peer = &file->peers[i];

		check_both(file, peer->preshared_key_file, peer->said[word].key,
			   "PresharedKey");
		check_name(file, out, peer->preshared_key_file);
	}
}
