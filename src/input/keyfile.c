/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/keyfile.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/key.h"

#define KEYFILE_LIMIT 4096

static struct str trim_lines(struct str text)
{
	struct str before;

	do {
		before = text;
		text = str_trim(text);
		while (text.size && text.data[text.size - 1] == '\n')
			text.size--;
		while (text.size && text.data[0] == '\n') {
			text.data++;
			text.size--;
		}
	} while (text.size != before.size);
	return text;
}

/* Why TEXT is no key, in words that tell nothing of it but its size. */
static int not_a_key(struct str text, const char *name, struct err *e)
{
	if (!text.size)
		return err_set(e, ERR_CONFIG, "%s is empty, a key is wanted",
			       name);
	if (memchr(text.data, '\n', text.size))
		return err_set(e, ERR_CONFIG, "%s holds more than one line, "
			       "one key is wanted", name);
	if (text.size != KEY_TEXT_MAX - 1)
		return err_set(e, ERR_CONFIG, "%s holds %zu characters, a key "
			       "has %d", name, text.size, KEY_TEXT_MAX - 1);
	return err_set(e, ERR_CONFIG, "%s does not hold a key of 32 bytes in "
		       "base64", name);
}

int keyfile_read(const char *path, int folder, const char *name,
		 struct arena *secrets, struct key *out, struct err *e)
{
	size_t mark = arena_mark(secrets);
	struct str text;
	int result;

	if (path)
		result = file_read_secret_path(path, KEYFILE_LIMIT, secrets,
					       &text, e);
	else
		result = file_read_secret(folder, name, KEYFILE_LIMIT, secrets,
					  &text, e);
	if (result < 0)
		return err_wrap(e, "key");
	text = trim_lines(text);
	result = key_parse(text, out);
	if (result < 0)
		not_a_key(text, path ? path : name, e);
	arena_reset(secrets, mark);
	return result;
}
