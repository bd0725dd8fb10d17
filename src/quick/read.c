/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a wg-quick file.  As wg does, blanks inside a key and its case
 * do not count, several [Interface] sections are one, and every [Peer] is
 * another peer.
 */
#include "base/arena.h"
#include "quick/file.h"
#include "state/text.h"

/* Directives wait for the line behind them: a header they stand on? */
struct reader {
	struct quick_file *file;
	enum quick_section section;
	struct quick_directive *waiting;
	size_t waiting_count, waiting_capacity;
};

static void flush(struct reader *reader)
{
	for (size_t i = 0; i < reader->waiting_count; i++)
		quick_take_directive(reader->file, reader->section,
				     &reader->waiting[i]);
	reader->waiting_count = 0;
}

/* An empty line parts a directive from a header, but not from the first. */
static void part(struct reader *reader)
{
	if (reader->section != QUICK_NOWHERE)
		flush(reader);
}

static void wait(struct reader *reader, const struct ini_line *line)
{
	if (line->blank_before)
		part(reader);
	arena_room(reader->file->arena, &reader->waiting,
		   reader->waiting_count, &reader->waiting_capacity,
		   sizeof(*reader->waiting));
	reader->waiting[reader->waiting_count++] =
		(struct quick_directive){ line->key, line->value };
}

/* False where there are too many peers. */
static bool add_peer(struct quick_file *file, struct str header)
{
	if (file->peer_count == TEXT_PEERS_MAX) {
		diag_error(file->diags, place_of(file->source, header),
			   "this is more than %u peers", TEXT_PEERS_MAX);
		return false;
	}
	arena_room(file->arena, &file->peers, file->peer_count,
		   &file->peer_capacity, sizeof(*file->peers));
	file->peers[file->peer_count++] = (struct quick_peer){
		.header = header, .allowed_first = file->allowed.count };
	return true;
}

static void unknown_section(struct quick_file *file, struct str name)
{
	static const char *const words[] = { "Interface", "Peer" };
	const char *hint = quick_foreign_section(name);
	struct diag *diag;

	diag = value_unknown(file->source, name, file->diags, "section", words,
			     array_size(words));
	if (hint)
		diag->hint = hint;
}

static bool enter_section(struct reader *reader, const struct ini_line *line)
{
	struct quick_file *file = reader->file;
	bool go_on = true;

	if (line->blank_before)
		part(reader);
	reader->section = QUICK_UNKNOWN;
	if (value_word_is(line->key, "Interface")) {
		reader->section = QUICK_INTERFACE;
		if (!file->header.data)
			file->header = line->key;
	} else if (value_word_is(line->key, "Peer")) {
		go_on = add_peer(file, line->key);
		if (go_on)
			reader->section = QUICK_PEER;
	} else {
		unknown_section(file, line->key);
	}
	flush(reader);
	return go_on;
}

/* QUICK_WORDS if it is none. */
static enum quick_word find_word(struct str key)
{
	unsigned int word = 0;

	while (word < QUICK_WORDS && !value_word_is(key, quick_word_name(word)))
		word++;
	return word;
}

/* Is this the name of something secret? */
static bool names_key(struct str name)
{
	for (size_t i = 0; i + 3 <= name.size; i++) {
		struct str part = { name.data + i, 3 };

		if (str_is_nocase(part, "key") || str_is_nocase(part, "psk"))
			return true;
	}
	return false;
}

/*
 * A slip in the name of a key leaves a key behind it, and half of one that
 * was broken over two lines looks like a name: neither is shown.
 */
static void unknown_key(struct quick_file *file, const struct ini_line *line)
{
	const char *names[QUICK_WORDS], *nearest;
	const char *hint = quick_foreign_key(line->key);
	struct diag *diag;

	for (unsigned int i = 0; i < QUICK_WORDS; i++)
		names[i] = quick_word_name(i);
	nearest = str_nearest(line->key, names, QUICK_WORDS);
	if (hint || nearest || line->value.size)
		diag = value_error(file->source, line->key, file->diags,
				   "%s is no key of a wg-quick file",
				   value_show(file->diags, line->key));
	else
		diag = value_error(file->source, line->key, file->diags,
				   "this is no key of a wg-quick file");
	if (!hint && nearest)
		hint = arena_printf(file->diags->arena, "did you mean '%s'?",
				    nearest);
	diag->hint = hint;
	diag->hidden |= names_key(line->key) || !line->value.size ||
			(nearest && names_key(str_of(nearest)));
}

static void take_pair(struct reader *reader, const struct ini_line *line)
{
	struct quick_file *file = reader->file;
	enum quick_word word = find_word(line->key);
	enum quick_section wanted = word < QUICK_INTERFACE_WORDS ?
		QUICK_INTERFACE : QUICK_PEER;

	/* Of a section that is not known one error is enough. */
	if (reader->section == QUICK_UNKNOWN)
		return;
	if (word == QUICK_WORDS)
		unknown_key(file, line);
	else if (reader->section != wanted)
		value_error(file->source, line->key, file->diags,
			    "%s belongs to %s, and stands %s",
			    quick_word_name(word),
			    wanted == QUICK_PEER ? "a [Peer]" : "[Interface]",
			    reader->section == QUICK_NOWHERE ?
			    "before the first section" :
			    wanted == QUICK_PEER ? "in [Interface]" :
			    "in a [Peer]");
	else
		quick_take(file, word, line->key, line->value);
}

static void take_bad(struct reader *reader, const struct ini_line *line)
{
	struct quick_file *file = reader->file;
	struct diag *diag;

	if (reader->section == QUICK_UNKNOWN)
		return;
	diag = value_error(file->source, line->key, file->diags,
			   "this line is neither [SECTION] nor KEY = VALUE");
	if (line->key.data[0] == ';' || line->key.data[0] == '/')
		diag->hint = "a comment starts with '#'";
	diag->hidden = true;
}

static void check_whole(struct quick_file *file)
{
	const unsigned int key = QUICK_PUBLIC_KEY - QUICK_INTERFACE_WORDS;

	if (!file->header.data)
		diag_error(file->diags, (struct place){ file->source, 0 },
			   "there is no [Interface]");
	for (size_t i = 0; i < file->peer_count; i++)
		if (!file->peers[i].said[key].key.data)
			diag_error(file->diags,
				   place_of(file->source,
					    file->peers[i].header),
				   "this [Peer] has no PublicKey");
}

void quick_read(struct quick_file *file)
{
	struct reader reader = { .file = file };
	const size_t most = file->diags->errors + DIAGS_MAX;
	struct ini_line line;
	struct ini ini;

	ini_start(&ini, file->source);
	/* Where so much is wrong no more of it would be shown. */
	while (file->diags->errors < most) {
		switch (ini_next(&ini, &line)) {
		case INI_SECTION:
			if (!enter_section(&reader, &line))
				return;
			break;
		case INI_PAIR:
			flush(&reader);
			take_pair(&reader, &line);
			break;
		case INI_DIRECTIVE:
			wait(&reader, &line);
			break;
		case INI_BAD:
			flush(&reader);
			take_bad(&reader, &line);
			break;
		case INI_END:
			flush(&reader);
			check_whole(file);
			return;
		}
	}
}
