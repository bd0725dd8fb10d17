/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/trace.h"

#define QUICK_FOLDER "/etc/wireguard/"

static bool device_byte(char c)
{
	return char_is_alphanumeric(c) || (c && strchr("_=+.-", c));
}

/*
 * wg-quick: [a-zA-Z0-9_=+.-]{1,15}.  The kernel (dev_valid_name) takes no "."
 * and "..", "all" and "default" are taken by its sysctls, "lo" is there.
 */
int device_name_check(struct str name, struct err *e)
{
	if (!name.size)
		return err_set(e, ERR_USAGE, "the name of the device is empty");
	if (name.size >= IFNAMSIZ)
		return err_set(e, ERR_USAGE, "the name of a device has at most "
			       "%d bytes, this one %zu", IFNAMSIZ - 1,
			       name.size);
	for (size_t i = 0; i < name.size; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (device_byte(name.data[i]))
			continue;
		if (c <= 0x20 || c >= 0x7f)
			return err_set(e, ERR_USAGE, "the byte 0x%02x cannot "
				       "be in the name of a device", c);
		return err_set(e, ERR_USAGE, "'%c' cannot be in the name of a "
			       "device, only letters, digits, and _=+.-", c);
	}
	if (str_is(name, ".") || str_is(name, "..") || str_is(name, "all") ||
	    str_is(name, "default") || str_is(name, "lo"))
		return err_set(e, ERR_USAGE, "no device can have the name %.*s",
			       (int)name.size, name.data);
	return 0;
}

/* "NAME" of "…/NAME.conf" to OUT's device. */
static int device_from_path(const char *path, struct input_source *out,
			    struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_of(slash ? slash + 1 : path);

	name.size -= strlen(".conf");
	if (device_name_check(name, e) < 0)
		return err_wrap(e, "%s", path);
	memcpy(out->device, name.data, name.size);
	out->device[name.size] = '\0';
	return 0;
}

/* The first byte that is neither blank, line break nor byte order mark. */
static char first_byte(struct str text)
{
	if (str_starts(text, "\xef\xbb\xbf")) {
		text.data += 3;
		text.size -= 3;
	}
	for (size_t i = 0; i < text.size; i++)
		if (!strchr(" \t\r\n\v\f", text.data[i]))
			return text.data[i];
	return '\0';
}

/* What no text of any kind may be. */
static int text_check(struct str text, const char *name, struct err *e)
{
	const char *nul;
	size_t line = 1;

	if (str_starts(text, "\xff\xfe") || str_starts(text, "\xfe\xff"))
		return err_set(e, ERR_DATA, "%s is UTF-16, save it as UTF-8",
			       name);
	nul = text.size ? memchr(text.data, '\0', text.size) : NULL;
	for (const char *p = text.data; nul && p < nul; p++)
		line += *p == '\n';
	if (nul)
		return err_set(e, ERR_DATA, "%s: line %zu holds a NUL byte",
			       name, line);
	if (!first_byte(text))
		return err_set(e, ERR_DATA, "%s is empty", name);
	return 0;
}

/* A path as it is shown beside what was found in the file. */
static const char *shown_name(struct arena *arena, const char *path)
{
	return str_show(arena, str_of(path), PATH_MAX);
}

static int open_document(const char *name, struct str text,
			 struct arena *arena, struct input_source *out,
			 struct err *e)
{
	if (text.size > SOURCE_DOCUMENT_LIMIT)
		return err_set(e, ERR_DATA, "%s has %zu bytes, a document has "
			       "at most %u", name, text.size,
			       SOURCE_DOCUMENT_LIMIT);
	out->kind = SOURCE_DOCUMENT;
	out->text.name = shown_name(arena, name);
	out->text.text = text;
	return 0;
}

/* A section's head, which no JSON begins with. */
static bool is_quick(struct str text)
{
	char first = first_byte(text);

	if (first != '[')
		return first == '#';
	while (text.data[0] != '[') {
		text.data++;
		text.size--;
	}
	return text.size > 2 && strchr("IiPp", text.data[1]) &&
		((text.data[2] | 0x20) == 'n' || (text.data[2] | 0x20) == 'e');
}

/* Kind by first byte; a key may be in it until that is known. */
static int open_unnamed(const char *path, const char *name, mode_t mode,
			struct arena *arena, struct arena *secrets,
			struct input_source *out, struct err *e)
{
	bool named = str_ends(str_of(name), ".json");
	struct str text;
	char first;

	if (file_read_path(path, named ? SOURCE_DOCUMENT_LIMIT : SOURCE_LIMIT,
			   secrets, &text, e) < 0 ||
	    text_check(text, name, e) < 0)
		return -1;
	first = first_byte(text);
	if (named && is_quick(text))
		return err_set(e, ERR_DATA, "%s holds a wg-quick file, whose "
			       "name is DEVICE.conf", name);
	out->exposed = S_ISREG(mode) && mode & 07;
	if (named || first == '{')
		return open_document(name, text, arena, out, e);
	if (first != '[' && first != '#')
		return err_set(e, ERR_DATA, "%s is neither a wg-quick file "
			       "(first byte '[' or '#') nor a document ('{')",
			       name);
	if (S_ISREG(mode))
		return err_set(e, ERR_USAGE, "%s: the name of a wg-quick file "
			       "is DEVICE.conf", name);
	out->kind = SOURCE_QUICK;
	out->text.name = shown_name(arena, name);
	out->text.text = text;
	return 0;
}

static int open_quick(const char *path, mode_t mode, struct arena *arena,
		      struct arena *secrets, struct input_source *out,
		      struct err *e)
{
	if (device_from_path(path, out, e) < 0 ||
	    file_read_path(path, SOURCE_LIMIT, secrets, &out->text.text,
			   e) < 0 ||
	    text_check(out->text.text, path, e) < 0)
		return -1;
	if (first_byte(out->text.text) == '{')
		return err_set(e, ERR_DATA, "%s holds a mesh document, whose "
			       "name ends in .json, not in .conf", path);
	out->kind = SOURCE_QUICK;
	out->exposed = (mode & 07) != 0;
	out->text.name = shown_name(arena, path);
	return 0;
}

static int folder_text(int folder, const char *path, const char *name,
		       bool wanted, struct arena *arena, struct arena *into,
		       struct source *out, struct err *e)
{
	size_t size = strlen(path);
	struct err failed;
	char *full;

	while (size > 1 && path[size - 1] == '/')
		size--;
	full = arena_printf(arena, "%.*s/%s", (int)size, path, name);
	if (file_read(folder, name, SOURCE_LIMIT, into, &out->text,
		      &failed) < 0) {
		if (failed.kind == ERR_NO_INPUT && !wanted)
			return 0;
		*e = failed;
		return err_wrap(e, "%s", path);
	}
	out->name = shown_name(arena, full);
	return text_check(out->text, full, e);
}

static int open_folder(const char *path, struct arena *arena,
		       struct arena *secrets, struct input_source *out,
		       struct err *e)
{
	cleanup_fd int folder = folder_open(path, "", false, 0, e);

	if (folder < 0)
		return -1;
	out->kind = SOURCE_FOLDER;
	/* No key belongs into the first, but one may be there by mistake. */
	if (folder_text(folder, path, "wireguard.conf", true, arena, secrets,
			&out->wireguard, e) < 0 ||
	    folder_text(folder, path, "network.batch", false, arena, arena,
			&out->network, e) < 0)
		return -1;
	return folder_text(folder, path, "firewall.nft", false, arena, arena,
			   &out->firewall, e);
}

static int open_path(const char *path, struct arena *arena,
		     struct arena *secrets, struct input_source *out,
		     struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "open %s", path);
	if (S_ISDIR(st.st_mode))
		return open_folder(path, arena, secrets, out, e);
	trace_place(AT_FDCWD, path, TRACE_FOLLOWS | TRACE_ACCESS);
	if (str_ends(str_of(path), ".conf"))
		return open_quick(path, st.st_mode, arena, secrets, out, e);
	return open_unnamed(path, path, st.st_mode, arena, secrets, out, e);
}

/* NAME alone.  A folder of that name here is not guessed at. */
static int open_name(const char *root, const char *name, struct arena *arena,
		     struct arena *secrets, struct input_source *out,
		     struct err *e)
{
	struct stat st;
	const char *path;

	if (device_name_check(str_of(name), e) < 0)
		return err_wrap(e, "%s", name);
	path = arena_printf(arena, "%s%s%s.conf", root, QUICK_FOLDER, name);
	if (open_path(path, arena, secrets, out, e) == 0)
		return 0;
	if ((e->kind == ERR_NO_INPUT || e->kind == ERR_PERMISSION) &&
	    !stat(name, &st))
		err_wrap(e, "write ./%s for what is here", name);
	return -1;
}

static int source_find(const char *root, const char *argument,
		       struct arena *arena, struct arena *secrets,
		       struct input_source *out, struct err *e)
{
	if (!argument[0])
		return err_set(e, ERR_USAGE, "SOURCE is empty");
	if (!strcmp(argument, "-") || !strcmp(argument, "/dev/stdin"))
		return open_unnamed("-", "<stdin>", 0, arena, secrets, out, e);
	if (!strncasecmp(argument, "http://", 7) ||
	    !strncasecmp(argument, "https://", 8)) {
		out->kind = SOURCE_URL;
		out->url = arena_strdup(arena, argument);
		return 0;
	}
	if (strstr(argument, "://"))
		return err_set(e, ERR_USAGE, "%s: only http:// and https:// "
			       "are known", argument);
	if (strchr(argument, '/') || !strcmp(argument, ".") ||
	    !strcmp(argument, "..") || str_ends(str_of(argument), ".conf") ||
	    str_ends(str_of(argument), ".json"))
		return open_path(argument, arena, secrets, out, e);
	return open_name(root, argument, arena, secrets, out, e);
}

int source_open(const char *root, const char *argument, struct arena *arena,
		struct arena *secrets, struct input_source *out,
		struct err *e)
{
	struct input_source source = { .kind = SOURCE_QUICK };

	if (source_find(root, argument, arena, secrets, &source, e) < 0)
		return -1;
	*out = source;
	return 0;
}
