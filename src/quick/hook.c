/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostUp and its like run commands, which can be neither planned nor compared
 * nor taken back.  What such a command is mostly for has a place of its own
 * here: told by its first word that is known.
 */
#include <string.h>

#include "base/attr.h"
#include "quick/file.h"

struct hook {
	const char *command;
	const char *argument;	/* which ip lets be cut short; NULL: any */
	const char *hint;
};

#define LOOKED_AT 4096	/* bytes of a command */

#define FIREWALL "write it as a rule in firewall.nft"
#define RESOLVER "set the resolver outside of meshapply, it leaves DNS alone"
#define SYSCTL "write '#@ sysctl KEY = VALUE' in [Interface]"
#define HOST_FIREWALL \
	"open the port for good in that firewall's own configuration, and " \
	"write what is for the tunnel alone as a rule in firewall.nft"

static const struct hook hooks[] = {
	{ "ip", "route",
	  "write it as a line of network.batch: 'route replace PREFIX ...'" },
	{ "ip", "rule", "write it as a line of network.batch: 'rule add ...'" },
	{ "ip", "address", "write Address in [Interface]" },
	{ "ip", "link", "write MTU in [Interface]; meshapply raises the link" },
	{ "route", NULL,
	  "write it as a line of network.batch: 'route replace PREFIX ...'" },
	{ "iptables", NULL, FIREWALL },
	{ "ip6tables", NULL, FIREWALL },
	{ "iptables-nft", NULL, FIREWALL },
	{ "ip6tables-nft", NULL, FIREWALL },
	{ "iptables-legacy", NULL, FIREWALL },
	{ "ip6tables-legacy", NULL, FIREWALL },
	{ "iptables-restore", NULL, FIREWALL },
	{ "ip6tables-restore", NULL, FIREWALL },
	{ "nft", NULL, FIREWALL },
	{ "ufw", NULL, HOST_FIREWALL },
	{ "firewall-cmd", NULL, HOST_FIREWALL },
	{ "sysctl", NULL, SYSCTL },
	{ "wg", NULL,
	  "write it as a key of [Interface] or [Peer]; a key's file is named "
	  "by '#@ private-key-file NAME' or '#@ preshared-key-file NAME'" },
	{ "resolvconf", NULL, RESOLVER },
	{ "resolvectl", NULL, RESOLVER },
	{ "systemd-resolve", NULL, RESOLVER },
	{ "ping", NULL, "write PersistentKeepalive in [Peer]" },
	{ "ping6", NULL, "write PersistentKeepalive in [Peer]" },
};

static const char other[] =
	"run it from a unit of its own, ordered after meshapply's";

/* What parts the words of a shell: blanks, lists, pipes, quotes. */
static bool is_break(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' ||
	       strchr(";&|<>(){}`\"'", c);
}

static struct str next_word(struct str *rest)
{
	struct str word;
	size_t size = 0;

	while (rest->size && is_break(rest->data[0])) {
		rest->data++;
		rest->size--;
	}
	while (size < rest->size && !is_break(rest->data[size]))
		size++;
	word = (struct str){ rest->data, size };
	rest->data += size;
	rest->size -= size;
	return word;
}

/* The name of a command without the folder before it. */
static struct str base_name(struct str word)
{
	const char *slash = memrchr(word.data, '/', word.size);
	size_t cut = slash ? (size_t)(slash - word.data) + 1 : 0;

	return (struct str){ word.data + cut, word.size - cut };
}

static const char *find(struct str command, struct str rest)
{
	struct str argument;

	do
		argument = next_word(&rest);
	while (argument.size && argument.data[0] == '-');
	for (size_t i = 0; i < array_size(hooks); i++) {
		struct str whole = str_of(hooks[i].argument);

		if (!str_is(command, hooks[i].command))
			continue;
		if (!whole.size)
			return hooks[i].hint;
		if (argument.size && argument.size <= whole.size &&
		    !memcmp(argument.data, whole.data, argument.size))
			return hooks[i].hint;
	}
	return NULL;
}

const char *quick_hook_hint(struct str command)
{
	if (command.size > LOOKED_AT)
		command.size = LOOKED_AT;
	for (;;) {
		struct str word = next_word(&command);
		const char *hint;

		if (!word.size)
			return other;
		if (str_starts(word, "/proc/sys/"))
			return SYSCTL;
		hint = find(base_name(word), command);
		if (hint)
			return hint;
	}
}
