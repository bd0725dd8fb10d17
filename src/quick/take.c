/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of wg(8) and wg-quick(8). */
#include <string.h>

#include "base/arena.h"
#include "quick/file.h"
#include "state/text.h"

/* A line of a known key. */
struct pair {
	enum quick_word word;
	struct str key, value;
};

static struct quick_peer *last_peer(struct quick_file *file)
{
	return &file->peers[file->peer_count - 1];
}

/*
 * wg takes the last of several.  Nobody means that, so both places are named.
 */
static bool is_repeated(struct quick_file *file, struct quick_said *said,
			const struct pair *pair)
{
	const char *name = quick_word_name(pair->word);
	struct diag *diag;

	if (!said->key.data) {
		*said = (struct quick_said){ pair->key, pair->value };
		return false;
	}
	diag = value_error(file->source, pair->key, file->diags,
			   "%s is given twice", name);
	diag->other = place_of(file->source, said->key);
	diag->other_message = "the first is here";
	/* The other line is shown too. */
	diag->hidden |= strstr(name, "Key") != NULL;
	return true;
}

/* On the secret arena; NULL and an error where it is none. */
static struct key *read_key(struct quick_file *file, const struct pair *pair)
{
	struct key *key = arena_new_object(file->secrets, struct key);

	if (value_key(file->source, pair->value, quick_word_name(pair->word),
		      file->diags, key) < 0)
		return NULL;
	return key;
}

static void take_private_key(struct quick_file *file, const struct pair *pair)
{
	struct key *key = read_key(file, pair);

	if (key && key_is_zero(key)) {
		value_error(file->source, pair->value, file->diags,
			    "PrivateKey is all zero, which is none");
		return;
	}
	file->private_key = key;
}

/* All zero is what the kernel takes for none. */
static void take_preshared_key(struct quick_file *file,
			       const struct pair *pair)
{
	struct key *key = read_key(file, pair);

	if (key && !key_is_zero(key))
		last_peer(file)->preshared_key = key;
}

static void take_table(struct quick_file *file, const struct pair *pair)
{
	struct str value = pair->value;
	/* Those of /etc/iproute2/rt_tables that the kernel knows of. */
	static const struct {
		const char *name;
		uint32_t number;
	} known[] = { { "default", 253 }, { "main", 254 }, { "local", 255 } };
	uint64_t number = 0;

	if (value_word_is(value, "auto"))
		return;
	if (value_word_is(value, "off")) {
		file->table = QUICK_TABLE_OFF;
		return;
	}
	for (size_t i = 0; i < array_size(known); i++)
		if (value_word_is(value, known[i].name))
			number = known[i].number;
	if (!number && str_uint_or_hex(value, UINT32_MAX, &number) < 0) {
		value_error(file->source, value, file->diags,
			    "Table is %s, not 'off', 'auto' or a table",
			    value_show(file->diags, value))->hint =
			"write the number of the table: names but main, "
			"default and local mean something on one host only";
		return;
	}
	if (!number) {
		value_error(file->source, value, file->diags,
			    "Table is 0, which is no table")->hint =
			"write 'off' for no routes";
		return;
	}
	file->table = QUICK_TABLE_NUMBER;
	file->table_number = (uint32_t)number;
}

static void take_dns(struct quick_file *file, const struct pair *pair)
{
	static const char message[] =
		"DNS is not set up: meshapply leaves the resolver alone";

	if (file->options->ignore_dns) {
		diag_warning(file->diags, place_of(file->source, pair->key),
			     "%s", message);
		return;
	}
	value_error(file->source, pair->key, file->diags, "%s",
		    message)->hint =
		"--ignore-dns goes on without; 'resolvectl dns' or the "
		"resolver's own configuration does what it did";
}

static void take_save_config(struct quick_file *file, const struct pair *pair)
{
	struct str value = pair->value;

	if (value_word_is(value, "false"))
		return;
	if (value_word_is(value, "true"))
		diag_warning(file->diags, place_of(file->source, pair->key),
			     "SaveConfig is ignored: meshapply never writes "
			     "to its input");
	else
		value_error(file->source, value, file->diags,
			    "SaveConfig is %s, neither 'true' nor 'false'",
			    value_show(file->diags, value));
}

static void take_hook(struct quick_file *file, const struct pair *pair)
{
	const char *hint = quick_hook_hint(pair->value);
	const char *name = quick_word_name(pair->word);
	struct diag *diag;

	if (file->options->ignore_hooks) {
		diag = diag_warning(file->diags,
				    place_of(file->source, pair->key),
				    "%s is not run", name);
		/* A command may well hold a key. */
		diag->hidden = true;
		diag->hint = hint;
		return;
	}
	diag = value_error(file->source, pair->key, file->diags,
			   "%s is not run: what a command does can be neither "
			   "planned nor compared nor taken back", name);
	diag->hint = arena_printf(file->diags->arena,
				  "%s; --ignore-hooks goes on without", hint);
}

/* What is wrong has been told, and the value left as it was. */
static void told(int result)
{
	(void)result;
}

static void take_endpoint(struct quick_file *file, const struct pair *pair)
{
	struct quick_peer *peer = last_peer(file);

	if (value_endpoint(file->arena, file->source, pair->value, file->diags,
			   &peer->endpoint) < 0)
		return;
	peer->endpoint_where = place_of(file->source, pair->value);
}

static void take_address(struct quick_file *file, const struct pair *pair)
{
	told(value_addresses(file->arena, file->source, pair->value,
			     file->diags, &file->addresses));
}

static void take_allowed_ips(struct quick_file *file, const struct pair *pair)
{
	struct quick_peer *peer = last_peer(file);

	told(value_allowed_ips(file->arena, file->source, pair->value,
			       file->diags, &file->allowed));
	peer->allowed_count = file->allowed.count - peer->allowed_first;
}

static void take_listen_port(struct quick_file *file, const struct pair *pair)
{
	told(value_port(file->source, pair->value, file->diags,
			&file->listen_port));
}

static void take_fwmark(struct quick_file *file, const struct pair *pair)
{
	told(value_fwmark(file->source, pair->value, file->diags,
			  &file->fwmark, NULL));
}

static void take_mtu(struct quick_file *file, const struct pair *pair)
{
	told(value_mtu(file->source, pair->value, file->diags, &file->mtu,
		       NULL));
}

static void take_public_key(struct quick_file *file, const struct pair *pair)
{
	told(value_key(file->source, pair->value, "PublicKey", file->diags,
		       &last_peer(file)->public_key));
}

static void take_keepalive(struct quick_file *file, const struct pair *pair)
{
	told(value_keepalive(file->source, pair->value, file->diags,
			     &last_peer(file)->keepalive));
}

/* What wg-quick takes for nothing said where the value is empty is that. */
static const struct {
	const char *name;
	bool once, may_be_empty;
	void (*take)(struct quick_file *file, const struct pair *pair);
} words[QUICK_WORDS] = {
	[QUICK_PRIVATE_KEY] = { "PrivateKey", true, false, take_private_key },
	[QUICK_LISTEN_PORT] = { "ListenPort", true, false, take_listen_port },
	[QUICK_FWMARK] = { "FwMark", true, false, take_fwmark },
	[QUICK_ADDRESS] = { "Address", false, true, take_address },
	[QUICK_MTU] = { "MTU", true, true, take_mtu },
	[QUICK_TABLE] = { "Table", true, true, take_table },
	[QUICK_DNS] = { "DNS", false, true, take_dns },
	[QUICK_SAVE_CONFIG] = { "SaveConfig", true, false, take_save_config },
	[QUICK_PRE_UP] = { "PreUp", false, true, take_hook },
	[QUICK_POST_UP] = { "PostUp", false, true, take_hook },
	[QUICK_PRE_DOWN] = { "PreDown", false, true, take_hook },
	[QUICK_POST_DOWN] = { "PostDown", false, true, take_hook },
	[QUICK_PUBLIC_KEY] = { "PublicKey", true, false, take_public_key },
	[QUICK_PRESHARED_KEY] = { "PresharedKey", true, false,
				  take_preshared_key },
	[QUICK_ALLOWED_IPS] = { "AllowedIPs", false, true, take_allowed_ips },
	[QUICK_ENDPOINT] = { "Endpoint", true, false, take_endpoint },
	[QUICK_KEEPALIVE] = { "PersistentKeepalive", true, false,
			      take_keepalive },
};

const char *quick_word_name(enum quick_word word)
{
	return words[word].name;
}

void quick_take(struct quick_file *file, enum quick_word word, struct str key,
		struct str value)
{
	struct pair pair = { word, key, value };
	struct quick_said *said = word < QUICK_INTERFACE_WORDS ?
		&file->said[word] :
		&last_peer(file)->said[word - QUICK_INTERFACE_WORDS];

	if (words[word].once && is_repeated(file, said, &pair))
		return;
	if (value.size)
		words[word].take(file, &pair);
	else if (!words[word].may_be_empty)
		value_error(file->source, key, file->diags, "%s has no value",
			    words[word].name);
}
