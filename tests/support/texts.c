/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "texts.h"

#include <check.h>
#include <stdlib.h>

#include "base/arena.h"

static void add_place(struct sbuf *out, struct place where, const char *format)
{
	const char *name = NULL;
	size_t line, column;

	place_resolve(where, &name, &line, &column);
	sbuf_printf(out, format, line, column);
}

const char *diags_lines(struct arena *arena, struct diags *diags)
{
	struct sbuf out;

	diags_sort(diags);
	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		if (d->where.source) {
			sbuf_puts(&out, d->where.source->name);
			add_place(&out, d->where, ":%zu:%zu: ");
		}
		if (d->severity == SEVERITY_WARNING)
			sbuf_puts(&out, "warning: ");
		sbuf_puts(&out, d->message);
		if (d->other.source)
			add_place(&out, d->other, " (%zu:%zu)");
		if (d->hidden)
			sbuf_puts(&out, " [hidden]");
		if (d->hint)
			sbuf_printf(&out, " | %s", d->hint);
		sbuf_putc(&out, '\n');
	}
	return out.data ? out.data : "";
}

struct texts texts_of(const char *wireguard, const char *network,
		      const char *firewall)
{
	return (struct texts){
		.wireguard = { .name = TEXT_WIREGUARD,
			       .text = str_of(wireguard) },
		.network = { .name = TEXT_NETWORK, .text = str_of(network) },
		.firewall = { .name = TEXT_FIREWALL,
			      .text = str_of(firewall) },
	};
}

const char *texts_complain(struct arena *arena, const struct texts *texts,
			   struct state *out)
{
	struct diags diags;
	int result;

	diags_init(&diags, arena);
	*out = (struct state){ 0 };
	result = texts_read(arena, texts, "office", "wg0", out, &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	return diags_lines(arena, &diags);
}

static void add_text(struct sbuf *out, const struct source *source)
{
	if (!source->text.data)
		return;
	sbuf_printf(out, "=== %s\n", source->name);
	sbuf_str(out, source->text);
}

const char *texts_join(struct arena *arena, const struct texts *texts)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	add_text(&out, &texts->wireguard);
	add_text(&out, &texts->network);
	add_text(&out, &texts->firewall);
	return out.data;
}
