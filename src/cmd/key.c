/* SPDX-License-Identifier: GPL-2.0-or-later */
/* key gen, pub, psk: as wg genkey, wg pubkey, wg genpsk. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/key.h"
#include "cmd/cmd.h"

static void warn_if_readable(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & 0077))
		return;
	fputs("meshapply: warning: others can read the file this key is "
	      "written to; set umask 077 first\n", stderr);
}

static int key_print(struct key *key)
{
	char text[KEY_TEXT_MAX];

	puts(key_format(key, text));
	explicit_bzero(text, sizeof(text));
	key_wipe(key);
	return 0;
}

static int key_pub(void)
{
	struct arena *secrets = arena_new_secret(1 << 20);
	struct key private_key, public_key;
	struct err e;
	struct str text;
	int bad;

	bad = file_read_path("-", 4096, secrets, &text, &e) ||
		key_parse(str_trim((struct str){ text.data, text.size &&
			  text.data[text.size - 1] == '\n' ? text.size - 1 :
			  text.size }), &private_key);
	arena_free(secrets);
	if (bad) {
		usage_error("standard input holds no key: 44 characters of "
			    "base64");
		return ERR_DATA;
	}
	key_public(&private_key, &public_key);
	key_wipe(&private_key);
	return key_print(&public_key);
}

int cmd_key(struct options *o)
{
	const char *what = o->arguments[0];
	struct key key;

	if (!strcmp(what, "pub"))
		return key_pub();
	if (!strcmp(what, "gen")) {
		key_generate(&key);
	} else if (!strcmp(what, "psk")) {
		key_generate_preshared(&key);
	} else {
		usage_error("key gen, key pub or key psk, not key %s", what);
		return ERR_USAGE;
	}
	warn_if_readable();
	return key_print(&key);
}
