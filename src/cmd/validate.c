/* SPDX-License-Identifier: GPL-2.0-or-later */
/* validate: everything that can be found without this host's kernel state. */
#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "kern/nft.h"
#include "plan/plan.h"
#include "state/firewall.h"

/* The keys of a folder lie on its node: elsewhere they are not missed. */
static int check_keys(struct session *s, const struct quick *quick,
		      struct err *e)
{
	struct err why = { 0 };

	if (!want_keys(s, quick, &why))
		return 0;
	if (why.kind == ERR_DATA) {
		*e = why;
		return -1;
	}
	output_note(s, "keys were not checked: %s", why.text);
	return 0;
}

static int check_firewall(struct session *s, struct err *e)
{
	static const struct state nothing;
	struct err why = { 0 };

	/* A mark for $fwmark, as on a host where nothing is taken. */
	if (settle_numbers(s->arena, &s->want, &nothing, NULL, e))
		return -1;
	if (!s->want.firewall ||
	    !nftc_compile(s->arena, helper_folder(s->arena), -1,
			  s->want.firewall, &s->diags, &why))
		return 0;
	if (why.kind == ERR_DATA) {
		*e = why;
		return -1;
	}
	output_note(s, "firewall.nft was not compiled: %s", why.text);
	return 0;
}

static int validate(struct session *s, struct err *e)
{
	struct quick *quick;

	if (want_texts(s, s->options->arguments[0], &quick, e))
		return -1;
	if (check_keys(s, quick, e))
		return -1;
	return check_firewall(s, e);
}

int cmd_validate(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	int result;

	session_open(&s, o);
	result = validate(&s, &e);
	output_diags(&s);
	if (result)
		return output_end(&s, "invalid", NULL, &e, (int)e.kind);
	return output_end(&s, "valid", NULL, NULL, 0);
}
