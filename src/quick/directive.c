/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "#@ KEY VALUE" in a wg-quick file.  To the stock tools it is a comment, so
 * one that means nothing here is a warning and no more.
 */
#include "base/arena.h"
#include "quick/file.h"
#include "state/text.h"

/* The words of meshapply-files(5), and where they stand. */
static const struct {
	const char *word;
	enum quick_section section;
} words[] = {
	{ "private-key-file", QUICK_INTERFACE },
	{ "sysctl", QUICK_INTERFACE },
	{ "name", QUICK_PEER },
	{ "endpoint", QUICK_PEER },
	{ "preshared-key-file", QUICK_PEER },
	{ "mesh", QUICK_NOWHERE },
	{ "interface", QUICK_NOWHERE },
};

static void warn_unknown(struct quick_file *file, struct str word)
{
	const char *known[array_size(words)];
	struct diag *diag;

	for (size_t i = 0; i < array_size(words); i++)
		known[i] = words[i].word;
	diag = diag_warning(file->diags, place_of(file->source, word),
			    "%s is no directive that is known, it is ignored",
			    value_show(file->diags, word));
	diag->hidden = true;
	diag_hint_nearest(file->diags, diag, word, known, array_size(words));
}

static void take_once(struct quick_file *file, struct str *seen,
		      const struct quick_directive *directive, const char *word)
{
	struct diag *diag;

	if (!seen->data) {
		*seen = directive->value;
		return;
	}
	diag = value_error(file->source, directive->key, file->diags,
			   "#@ %s is given twice", word);
	diag->other = place_of(file->source, *seen);
	diag->other_message = "the first is here";
}

static void take_sysctl(struct quick_file *file,
			const struct quick_directive *directive)
{
	arena_room(file->arena, &file->sysctls, file->sysctl_count,
		   &file->sysctl_capacity, sizeof(*file->sysctls));
	file->sysctls[file->sysctl_count++] = *directive;
}

static void take(struct quick_file *file, enum quick_section section,
		 const struct quick_directive *directive, const char *word)
{
	struct quick_peer *peer;

	if (section == QUICK_INTERFACE) {
		if (str_is(directive->key, "sysctl"))
			take_sysctl(file, directive);
		else
			take_once(file, &file->private_key_file, directive,
				  word);
		return;
	}
	peer = &file->peers[file->peer_count - 1];
	if (str_is(directive->key, "name"))
		take_once(file, &peer->name, directive, word);
	else if (str_is(directive->key, "endpoint"))
		take_once(file, &peer->endpoint_policy, directive, word);
	else
		take_once(file, &peer->preshared_key_file, directive, word);
}

void quick_take_directive(struct quick_file *file, enum quick_section section,
			  const struct quick_directive *directive)
{
	struct place where = place_of(file->source, directive->key);

	for (size_t i = 0; i < array_size(words); i++) {
		if (!str_is(directive->key, words[i].word))
			continue;
		if (words[i].section == QUICK_NOWHERE)
			diag_warning(file->diags, where,
				     "#@ %s is ignored: the file's name is "
				     "the mesh and the device",
				     words[i].word)->hidden = true;
		else if (words[i].section != section)
			diag_warning(file->diags, where,
				     "#@ %s is ignored: it belongs to %s",
				     words[i].word,
				     words[i].section == QUICK_PEER ?
				     "a [Peer]" : "[Interface]")->hidden = true;
		else
			take(file, section, directive, words[i].word);
		return;
	}
	warn_unknown(file, directive->key);
}
