/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "flush ruleset" in nftables.conf: it takes the tables of all others too. */
#include "base/arena.h"
#include "doctor/host.h"

#define UNIT "nftables.service"
#define CONF "/etc/nftables.conf"

/* A statement of that name: lines may be indented, and end in a comment. */
static bool flushes(struct str text)
{
	struct str line, statement;

	while (str_next(&text, '\n', &line)) {
		if (!str_next(&line, '#', &statement))
			continue;
		for (struct str one; str_next(&statement, ';', &one);) {
			struct str word;

			one = str_trim(one);
			if (!str_next(&one, ' ', &word) ||
			    !str_is(word, "flush"))
				continue;
			one = str_trim(one);
			if (str_starts(one, "ruleset"))
				return true;
		}
	}
	return false;
}

void check_ruleset(struct doctor *d)
{
	struct finding *f;
	struct str text;

	if (!d->daemons ||
	    (!unit_is_active(d, UNIT) && !unit_enabled(d, UNIT)) ||
	    !host_read(d, CONF, &text) || !flushes(text))
		return;
	f = finding_add(d, FINDING_WARNING, "nftables-flush", NULL);
	f->what = CONF " flushes the whole ruleset, and " UNIT " loads it";
	f->why = "a reload, restart or stop of that service takes the tables "
		"of every mesh away, and those of Docker and others";
	f->file = "/etc/systemd/system/nftables.service.d/meshapply.conf";
	f->content = "[Service]\nExecStop=\n";
	f->commands[0] = "sed -i 's/^[[:space:]]*flush ruleset/table inet "
		"filter\\nflush table inet filter/' " CONF;
	f->commands[1] = "systemctl daemon-reload";
}
