/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of firewall.nft.  Of what is accepted nothing is open: a statement
 * put behind it stands outside of the table, and is refused.
 */
#include <stdint.h>

#include "fixed_point.h"
#include "state/firewall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t errors_of(struct arena *arena, struct str text)
{
	struct source source = { .name = "fuzz", .text = text };
	struct diags diags;
	struct sbuf shown;

	diags_init(&diags, arena);
	firewall_check_frame(&source, "meshapply_office", &diags);
	diags_sort(&diags);
	sbuf_init(&shown, arena);
	diags_format(&diags, &shown);
	return diags.errors;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char more[] = "\nflush ruleset\n";
	struct arena *arena = fresh_arena();
	struct str text = { (const char *)data, size };
	const char *const *names;
	struct sbuf longer;
	size_t count;

	count = firewall_link_names(arena, text, &names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) >= 0)
			abort();
	if (errors_of(arena, text))
		return 0;
	sbuf_init(&longer, arena);
	sbuf_str(&longer, text);
	sbuf_puts(&longer, more);
	if (!errors_of(arena, (struct str){ longer.data, longer.size }))
		abort();
	return 0;
}
