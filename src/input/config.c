/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"

#define BOM "\xef\xbb\xbf"
#define SHOWN_MAX 60	/* bytes of an unknown key */

enum word {
	WORD_SOURCE,
	WORD_KEY,
	WORD_NODE,
	WORD_TEMPLATES,
	WORD_NETNS,
	WORD_SOCKET_NETNS,
	WORD_CONFIRM_BY,
	WORDS,
};

static const char *const words[WORDS] = {
	[WORD_SOURCE] = "source",
	[WORD_KEY] = "key",
	[WORD_NODE] = "node",
	[WORD_TEMPLATES] = "templates",
	[WORD_NETNS] = "netns",
	[WORD_SOCKET_NETNS] = "socket_netns",
	[WORD_CONFIRM_BY] = "confirm_by",
};

/* The file that is being read, and what it has said so far. */
struct reader {
	const char *root;
	struct arena *arena;
	struct diags *diags;
	const struct source *source;
	struct str said[WORDS];		/* data NULL: not yet */
};

static struct place place_at(const struct reader *r, struct str view)
{
	return (struct place){ r->source,
			       (size_t)(view.data - r->source->text.data) };
}

/* A control character is in no path and in no name that is meant. */
static bool printable(struct str text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

/* As a shell or systemd take them away, and nobody does here. */
static bool quoted(struct str text)
{
	return text.size > 1 && strchr("\"'", text.data[0]) &&
		text.data[0] == text.data[text.size - 1];
}

static void unknown(struct reader *r, struct str key)
{
	const char *nearest = str_nearest(key, words, WORDS);
	struct diag *diag;

	diag = diag_error(r->diags, place_at(r, key), "unknown key \"%s\"",
			  str_show(r->diags->arena, key, SHOWN_MAX));
	diag->hint = nearest ?
		arena_printf(r->diags->arena, "%s is meant?", nearest) :
		"the keys are source, key, node, templates, netns, "
		"socket_netns and confirm_by";
}

static void take(struct reader *r, struct str key, struct str value)
{
	size_t word = 0;
	struct diag *diag;

	while (word < WORDS && !str_is(key, words[word]))
		word++;
	if (word == WORDS) {
		unknown(r, key);
	} else if (r->said[word].data) {
		diag = diag_error(r->diags, place_at(r, key),
				  "%s is said twice", words[word]);
		diag->other = place_at(r, r->said[word]);
		diag->other_message = "it is said here already";
	} else if (!value.size) {
		diag_error(r->diags, place_at(r, key), "%s has no value",
			   words[word]);
	} else if (!printable(value)) {
		diag_error(r->diags, place_at(r, value),
			   "%s holds a control character", words[word]);
	} else if (quoted(value)) {
		diag_error(r->diags, place_at(r, value), "%s stands in quotes",
			   words[word])->hint = "a value is all that stands "
			"behind the sign: write it without them";
	} else {
		r->said[word] = value;
	}
}

static void read_line(struct reader *r, struct str line)
{
	struct str key, value;
	const char *sign;

	line = str_trim(line);
	if (!line.size || line.data[0] == '#')
		return;
	sign = memchr(line.data, '=', line.size);
	if (!sign || sign == line.data) {
		diag_error(r->diags, place_at(r, line),
			   "a line is KEY = VALUE, or a comment after #");
		return;
	}
	key = (struct str){ line.data, (size_t)(sign - line.data) };
	value = (struct str){ sign + 1, line.size - key.size - 1 };
	take(r, str_trim(key), str_trim(value));
}

static void read_lines(struct reader *r)
{
	struct str rest = r->source->text, line;

	if (str_starts(rest, BOM)) {
		rest.data += sizeof(BOM) - 1;
		rest.size -= sizeof(BOM) - 1;
	}
	while (str_next(&rest, '\n', &line))
		read_line(r, line);
}

static const char *word_text(const struct reader *r, enum word word)
{
	struct str said = r->said[word];

	return said.data ? arena_strndup(r->arena, said.data, said.size) :
		NULL;
}

static const char *word_path(const struct reader *r, enum word word)
{
	const char *text = word_text(r, word);

	if (!text || text[0] == '/')
		return text;
	return arena_printf(r->arena, "%s" CONFIG_FOLDER "/%s", r->root, text);
}

static void finish(const struct reader *r, struct config *out)
{
	const char *source = word_text(r, WORD_SOURCE);

	out->source = source && strstr(source, "://") ? source :
		word_path(r, WORD_SOURCE);
	if (source)
		out->source_where = place_at(r, r->said[WORD_SOURCE]);
	out->key = word_path(r, WORD_KEY);
	out->node = word_text(r, WORD_NODE);
	out->templates = word_path(r, WORD_TEMPLATES);
	out->netns = word_text(r, WORD_NETNS);
	out->socket_netns = word_text(r, WORD_SOCKET_NETNS);
	out->confirm_by = word_text(r, WORD_CONFIRM_BY);
}

static int open_folder(const char *root, struct err *e)
{
	return folder_open(root, CONFIG_FOLDER, false, 0, e);
}

int config_read(const char *root, const char *mesh, struct arena *arena,
		struct config *out, struct diags *diags, struct err *e)
{
	cleanup_fd int folder = open_folder(root, e);
	struct reader r = { root, arena, diags, &out->text, { { 0 } } };
	size_t errors = diags->errors;
	struct str text;

	if (folder < 0)
		return -1;
	if (file_read(folder, arena_printf(arena, "%s.conf", mesh),
		      CONFIG_LIMIT, arena, &text, e) < 0)
		return err_wrap(e, "%s" CONFIG_FOLDER, root);
	*out = (struct config){
		.text = { .name = arena_printf(arena, "%s" CONFIG_FOLDER
					       "/%s.conf", root, mesh),
			  .text = text } };
	read_lines(&r);
	if (diags->errors != errors)
		return err_set(e, ERR_CONFIG, "%s is not as it should be",
			       out->text.name);
	finish(&r, out);
	return 0;
}

static void close_listing(DIR **listing)
{
	if (*listing)
		closedir(*listing);
}

/* NAME of NAME.conf on ARENA, or NULL. */
static const char *config_name(struct arena *arena, const char *file)
{
	struct str name = str_of(file);

	/* Without one before it, the ending's dot is the first byte. */
	if (file[0] == '.' || !str_ends(name, ".conf"))
		return NULL;
	return arena_strndup(arena, file, name.size - strlen(".conf"));
}

/* All that an open folder holds. */
static int list(DIR *listing, struct arena *arena, const char ***names,
		size_t *count)
{
	const char **found = NULL, *name;
	size_t n = 0, capacity = 0;
	const struct dirent *entry;

	while ((errno = 0, entry = readdir(listing))) {
		name = config_name(arena, entry->d_name);
		if (!name)
			continue;
		arena_room(arena, &found, n + 1, &capacity, sizeof(*found));
		found[n++] = name;
	}
	if (errno)
		return -1;
	*names = found;
	*count = words_sort(found, n);
	return 0;
}

int config_names(const char *root, struct arena *arena, const char ***names,
		 size_t *count, struct err *e)
{
	cleanup_(close_listing) DIR *listing = NULL;
	struct err failed;
	int folder = open_folder(root, &failed);

	*names = NULL;
	*count = 0;
	if (folder < 0 && failed.kind == ERR_NO_INPUT)
		return 0;
	if (folder < 0) {
		*e = failed;
		return -1;
	}
	trace_at(folder, TRACE_TIMES);
	listing = fdopendir(folder);
	if (!listing)
		fd_closep(&folder);
	if (!listing || list(listing, arena, names, count))
		return err_sys(e, "read %s" CONFIG_FOLDER, root);
	return 0;
}
