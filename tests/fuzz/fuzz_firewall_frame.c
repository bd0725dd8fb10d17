/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of firewall.nft.  Of what is accepted nothing is open: a statement
 * put behind it stands outside of the table, and is refused.  A connection that
 * is let through leaves the frame as it is, and is found again.
 */
#include <stdint.h>

#include "fixed_point.h"
#include "state/firewall.h"
#include "state/firewall_blocks.h"
#include "state/firewall_pass.h"

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

/* Nothing is taken away, and no line is added. */
static void let_through(struct arena *arena, struct str text)
{
	struct firewall_pass pass = { .local_port = 22, .remote_port = 5 };
	struct firewall_sees before = firewall_sees(text), after;
	struct str longer;
	size_t lines = 0;

	pass.local.family = pass.remote.family = 2;
	longer = firewall_pass_add(arena, text, &pass);
	after = firewall_sees(longer);
	if (errors_of(arena, longer) || before.own != after.own ||
	    before.filters != after.filters)
		abort();
	for (size_t i = 0; i < longer.size; i++)
		lines += longer.data[i] == '\n';
	for (size_t i = 0; i < text.size; i++)
		lines -= text.data[i] == '\n';
	if (lines || longer.size < text.size)
		abort();
}

/* They lie in the text one behind the other, and are read within. */
static void read_blocks(struct arena *arena, struct str text)
{
	const char *end = text.data;
	struct firewall_block *blocks;
	size_t count = firewall_blocks(arena, text, &blocks);

	for (size_t i = 0; i < count; i++) {
		const struct firewall_block *b = &blocks[i];
		struct prefix *prefixes;
		size_t n;

		if (b->text.data < end || b->text.size > text.size -
		    (size_t)(b->text.data - text.data))
			abort();
		end = b->text.data + b->text.size;
		if (firewall_block_prefixes(arena, b, 2, &prefixes, &n) && !n)
			abort();
	}
	if (!firewall_same_around(text, blocks, count, text, blocks, count))
		abort();
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
	read_blocks(arena, text);
	if (errors_of(arena, text))
		return 0;
	let_through(arena, text);
	sbuf_init(&longer, arena);
	sbuf_str(&longer, text);
	sbuf_puts(&longer, more);
	if (!errors_of(arena, (struct str){ longer.data, longer.size }))
		abort();
	return 0;
}
