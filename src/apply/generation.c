/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generation as lines, and back. */
#include "apply/generation_private.h"

#include <sodium.h>
#include <string.h>

#include "base/diag.h"
#include "state/text.h"

#define GENERATION "generation"

static const char *const names[GENERATION_TEXTS] = {
	TEXT_WIREGUARD, TEXT_NETWORK, TEXT_FIREWALL,
};

static const char *const states[] = {
	[GENERATION_APPLIED] = "applied",
	[GENERATION_PENDING] = "pending",
	[GENERATION_ROLLED_BACK] = "rolled back",
};

/* What the first line says, in the forms that lines have. */
struct about {
	uint64_t number, time, serial, back_to;
	const char *source, *node, *digest, *disruption, *state;
	struct key public_key;
	bool has_serial;
};

#define ABOUT(name, kind, member) { name, kind, offsetof(struct about, member) }

static const struct field about_fields[] = {
	ABOUT("number", FIELD_U64, number),
	ABOUT("time", FIELD_U64, time),
	ABOUT("source", FIELD_STRING, source),
	ABOUT("node", FIELD_STRING, node),
	ABOUT("has-serial", FIELD_BOOL, has_serial),
	ABOUT("serial", FIELD_U64, serial),
	ABOUT("digest", FIELD_STRING, digest),
	ABOUT("public-key", FIELD_KEY, public_key),
	ABOUT("disruption", FIELD_STRING, disruption),
	ABOUT("state", FIELD_STRING, state),
	ABOUT("back-to", FIELD_U64, back_to),
};

struct text_line {
	const char *name;
	uint64_t size;
};

static const struct field text_fields[] = {
	{ "name", FIELD_STRING, offsetof(struct text_line, name) },
	{ "size", FIELD_U64, offsetof(struct text_line, size) },
};

const char *generation_state_name(enum generation_state state)
{
	return states[state];
}

void digest_format(const uint8_t digest[static GENERATION_DIGEST],
		   char out[static DIGEST_TEXT_MAX])
{
	sodium_bin2hex(out, DIGEST_TEXT_MAX, digest, GENERATION_DIGEST);
}

int digest_parse(const char *text, uint8_t out[static GENERATION_DIGEST])
{
	char again[DIGEST_TEXT_MAX];
	size_t size;

	if (!text || strlen(text) != DIGEST_TEXT_MAX - 1 ||
	    sodium_hex2bin(out, GENERATION_DIGEST, text, DIGEST_TEXT_MAX - 1,
			   NULL, &size, NULL) || size != GENERATION_DIGEST)
		return -1;
	/* One digest has one form. */
	digest_format(out, again);
	return strcmp(text, again) ? -1 : 0;
}

/* Sizes stand before what they are of, so no two triples give one input. */
static void digest_text(crypto_generichash_state *hash, struct str text)
{
	unsigned char head[9] = { text.data ? 1 : 0 };

	for (unsigned int i = 0; i < 8; i++)
		head[i + 1] = (unsigned char)((uint64_t)text.size >> 8 * i);
	crypto_generichash_update(hash, head, sizeof(head));
	if (text.size)
		crypto_generichash_update(hash,
					  (const unsigned char *)text.data,
					  text.size);
}

void generation_digest(const struct texts *texts,
		       uint8_t out[static GENERATION_DIGEST])
{
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, NULL, 0, GENERATION_DIGEST);
	digest_text(&hash, texts->wireguard.text);
	digest_text(&hash, texts->network.text);
	digest_text(&hash, texts->firewall.text);
	crypto_generichash_final(&hash, out, GENERATION_DIGEST);
}

void generation_texts(const struct generation *g, struct texts *out)
{
	struct source *const sources[GENERATION_TEXTS] = {
		&out->wireguard, &out->network, &out->firewall,
	};

	*out = (struct texts){ 0 };
	for (size_t i = 0; i < GENERATION_TEXTS; i++)
		if (g->texts[i].data)
			*sources[i] = (struct source){ .name = names[i],
						       .text = g->texts[i] };
}

void generation_write(struct sbuf *out, const struct identity *of,
		      const struct generation *g)
{
	char digest[DIGEST_TEXT_MAX];
	struct about about = {
		.number = g->number,
		.time = g->time > 0 ? (uint64_t)g->time : 0,
		.source = g->source, .node = g->node,
		.has_serial = g->has_serial, .serial = g->serial,
		.digest = digest, .public_key = g->public_key,
		.disruption = disruption_name(g->disruption),
		.state = states[g->state], .back_to = g->back_to,
	};

	digest_format(g->digest, digest);
	header_write(out, GENERATION, of);
	record_write(out, "about", about_fields, array_size(about_fields),
		     &about);
	for (size_t i = 0; i < GENERATION_TEXTS; i++) {
		struct text_line line = { names[i], g->texts[i].size };

		if (!g->texts[i].data)
			continue;
		record_write(out, "text", text_fields,
			     array_size(text_fields), &line);
		sbuf_str(out, g->texts[i]);
		sbuf_putc(out, '\n');
	}
	sbuf_puts(out, "end\n");
}

static bool find_state(const char *name, enum generation_state *out)
{
	for (size_t i = 0; i < array_size(states); i++)
		if (name && !strcmp(name, states[i])) {
			*out = (enum generation_state)i;
			return true;
		}
	return false;
}

static void about_read(struct records *r, struct generation *out)
{
	struct about about = { 0 };
	struct record record;

	if (!record_next(r, &record) || !str_is(record.kind, "about") ||
	    !record_read(r, &record, about_fields, array_size(about_fields),
			 &about) ||
	    !about.number || about.number > GENERATION_NUMBER_MAX ||
	    about.back_to > GENERATION_NUMBER_MAX ||
	    about.time > INT64_MAX || about.serial > INT64_MAX ||
	    (about.serial && !about.has_serial) ||
	    digest_parse(about.digest, out->digest) ||
	    !disruption_parse(about.disruption, &out->disruption) ||
	    !find_state(about.state, &out->state)) {
		r->bad = true;
		return;
	}
	out->number = about.number;
	out->time = (int64_t)about.time;
	out->source = about.source;
	out->node = about.node;
	out->has_serial = about.has_serial;
	out->serial = about.serial;
	out->public_key = about.public_key;
	out->back_to = about.back_to;
}

/* In their order, each once; *NEXT is the first that may come. */
static void text_read(struct records *r, const struct record *record,
		      size_t *next, struct generation *out)
{
	struct text_line line = { 0 };
	size_t i = *next;

	if (!record_read(r, record, text_fields, array_size(text_fields),
			 &line) || !line.name || line.size > TEXT_LIMIT) {
		r->bad = true;
		return;
	}
	while (i < GENERATION_TEXTS && strcmp(names[i], line.name))
		i++;
	if (i == GENERATION_TEXTS ||
	    !record_raw(r, (size_t)line.size, &out->texts[i])) {
		r->bad = true;
		return;
	}
	*next = i + 1;
}

bool generation_parse(struct records *r, struct identity *of,
		      struct generation *out)
{
	struct record record;
	size_t next = 0;

	*out = (struct generation){ 0 };
	if (!header_read(r, GENERATION, of))
		return false;
	about_read(r, out);
	while (record_next(r, &record)) {
		if (str_is(record.kind, "end") && !record.words.size)
			return !r->rest.size;
		if (str_is(record.kind, "text"))
			text_read(r, &record, &next, out);
		else
			r->bad = true;
	}
	return false;
}
