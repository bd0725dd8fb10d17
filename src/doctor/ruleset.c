/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "flush ruleset" in nftables.conf: it takes the tables of all others too. */
#include "base/arena.h"
#include "doctor/host.h"

#define UNIT "nftables.service"

/* Debian's and others'; Fedora's. */
static const char *const confs[] = { "/etc/nftables.conf",
				     "/etc/sysconfig/nftables.conf" };

/* A statement of that name: lines may be indented, and end in a comment. */
static bool flushes(struct str text)
{
	struct str line, statement;

	while (str_next(&text, '\n', &line)) {
		if (!str_next(&line, '#', &statement))
			continue;
		for (struct str one; str_next(&statement, ';', &one);) {
			struct str word;

			if (conf_word(&one, &word) && str_is(word, "flush") &&
			    conf_word(&one, &word) && str_is(word, "ruleset"))
				return true;
		}
	}
	return false;
}

/* What may stand in a command as it is. */
static bool is_plain(struct str word)
{
	for (size_t i = 0; i < word.size; i++)
		if (!char_is_alphanumeric(word.data[i]) &&
		    word.data[i] != '_' && word.data[i] != '-')
			return false;
	return word.size;
}

/*
 * What takes away the tables of TEXT alone, for sed(1): "table inet filter",
 * so that there is one, and "delete table inet filter".
 */
static const char *own_tables(struct doctor *d, struct str text)
{
	struct str line, word;
	struct sbuf out;

	sbuf_init(&out, d->arena);
	while (str_next(&text, '\n', &line)) {
		struct str family, name;

		if (!conf_word(&line, &word) || !str_is(word, "table") ||
		    !conf_word(&line, &family) || !conf_word(&line, &name))
			continue;
		if (str_starts(name, "{")) {
			name = family;
			family = STR("ip");
		}
		if (is_plain(family) && is_plain(name))
			sbuf_printf(&out, "%stable %.*s %.*s\\ndelete table "
				    "%.*s %.*s", out.size ? "\\n" : "",
				    (int)family.size, family.data,
				    (int)name.size, name.data,
				    (int)family.size, family.data,
				    (int)name.size, name.data);
	}
	/* It includes others: which tables, is for its author to say. */
	if (!out.size)
		sbuf_puts(&out, "table inet filter\\ndelete table inet filter");
	return out.data;
}

static void check_conf(struct doctor *d, const char *conf)
{
	struct finding *f;
	struct str text;

	if (!host_read(d, conf, &text) || !flushes(text))
		return;
	f = finding_add(d, FINDING_WARNING, "nftables-flush", NULL);
	f->what = doctor_printf(d, "%s flushes the whole ruleset, and " UNIT
				" loads it", conf);
	f->why = "a reload, restart or stop of that service takes the tables "
		"of every mesh away, and those of Docker and others";
	f->file = "/etc/systemd/system/nftables.service.d/meshapply.conf";
	f->content = "[Service]\nExecStop=\n";
	f->commands[0] = doctor_printf(d, "sed -Ei 's/^[[:space:]]*flush"
		"[[:space:]]+ruleset/%s/' %s", own_tables(d, text), conf);
	f->commands[1] = "systemctl daemon-reload";
}

void check_ruleset(struct doctor *d)
{
	if (!d->daemons || !unit_is_used(d, UNIT))
		return;
	for (size_t i = 0; i < array_size(confs); i++)
		check_conf(d, confs[i]);
}
