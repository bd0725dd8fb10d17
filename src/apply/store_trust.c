/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/store_trust.h"

#include <sodium.h>
#include <string.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "trust/comment.h"

#define TRUST_LIMIT ((size_t)64 << 10)
#define DIGEST_TEXT (2 * TRUST_DIGEST_SIZE + 1)

struct accepted {
	uint64_t serial, expires;
	const char *digest;	/* of its bytes, hexadecimal */
};

static const struct field accepted_fields[] = {
	{ "serial", FIELD_U64, offsetof(struct accepted, serial) },
	{ "expires", FIELD_U64, offsetof(struct accepted, expires) },
	{ "digest", FIELD_STRING, offsetof(struct accepted, digest) },
};

struct named {
	uint32_t threshold;
	const char *anchors;
};

static const struct field named_fields[] = {
	{ "threshold", FIELD_U32, offsetof(struct named, threshold) },
	{ "anchors", FIELD_STRING, offsetof(struct named, anchors) },
};

struct key_line {
	const char *public_key;
};

static const struct field key_fields[] = {
	{ "public-key", FIELD_STRING, offsetof(struct key_line, public_key) },
};

static const char *digest_write(const uint8_t *digest,
				char out[static DIGEST_TEXT])
{
	return sodium_bin2hex(out, DIGEST_TEXT, digest, TRUST_DIGEST_SIZE);
}

/* In one form alone: as it is written. */
static bool digest_read(const char *text, uint8_t *out)
{
	char again[DIGEST_TEXT];

	return text && strlen(text) == DIGEST_TEXT - 1 &&
	       !sodium_hex2bin(out, TRUST_DIGEST_SIZE, text, DIGEST_TEXT - 1,
			       NULL, NULL, NULL) &&
	       !strcmp(text, digest_write(out, again));
}

void trust_body(struct sbuf *out, const struct trust_record *record)
{
	char digest[DIGEST_TEXT], anchors[DIGEST_TEXT];
	struct accepted accepted = {
		.serial = record->serial,
		.expires = (uint64_t)record->expires,
		.digest = digest_write(record->digest, digest),
	};
	struct named named = {
		.threshold = record->keys.threshold,
		.anchors = digest_write(record->anchors, anchors),
	};

	record_write(out, "accepted", accepted_fields,
		     array_size(accepted_fields), &accepted);
	if (!record->keys.count)
		return;
	record_write(out, "named", named_fields, array_size(named_fields),
		     &named);
	for (size_t i = 0; i < record->keys.count; i++) {
		char text[MINISIGN_KEY_TEXT_MAX];
		struct key_line line = {
			minisign_key_format(&record->keys.items[i], text),
		};

		record_write(out, "key", key_fields, array_size(key_fields),
			     &line);
	}
}

static bool read_accepted(struct records *r, struct trust_record *out)
{
	struct accepted accepted = { 0 };
	struct record line;

	if (!record_next(r, &line) || !str_is(line.kind, "accepted") ||
	    !record_read(r, &line, accepted_fields,
			 array_size(accepted_fields), &accepted) ||
	    !accepted.serial || accepted.serial > TRUST_SERIAL_MAX ||
	    accepted.expires > INT64_MAX ||
	    !digest_read(accepted.digest, out->digest))
		return false;
	out->serial = accepted.serial;
	out->expires = (int64_t)accepted.expires;
	return true;
}

static bool read_key(struct records *r, const struct record *line,
		     struct minisign_key *out)
{
	struct key_line key = { 0 };
	struct err ignored;

	return str_is(line->kind, "key") &&
	       record_read(r, line, key_fields, array_size(key_fields),
			   &key) && key.public_key &&
	       !minisign_key_parse(str_of(key.public_key), out, &ignored);
}

static bool read_named(struct records *r, const struct record *head,
		       struct trust_record *out)
{
	struct minisign_key *keys = arena_new_array(r->arena,
						    struct minisign_key,
						    TRUST_KEYS_MAX);
	struct named named = { 0 };
	struct record line;
	struct err ignored;
	size_t count = 0;

	if (!str_is(head->kind, "named") ||
	    !record_read(r, head, named_fields, array_size(named_fields),
			 &named) ||
	    !digest_read(named.anchors, out->anchors))
		return false;
	while (record_next(r, &line))
		if (count == TRUST_KEYS_MAX ||
		    !read_key(r, &line, &keys[count++]))
			return false;
	out->keys = (struct trust_keys){ keys, count, named.threshold };
	return !r->bad && !trust_keys_check(&out->keys, &ignored);
}

bool trust_lines(struct records *r, struct trust_record *out)
{
	struct trust_record record = { .serial = 0 };
	struct record line;

	if (!read_accepted(r, &record))
		return false;
	if (record_next(r, &line) && !read_named(r, &line, &record))
		return false;
	if (r->bad)
		return false;
	*out = record;
	return true;
}

int store_trust(struct store *s, struct arena *arena,
		const struct trust_record **out, struct err *e)
{
	struct trust_record *record = arena_new_object(arena,
						       struct trust_record);
	struct records r = { .arena = arena, .secrets = arena };
	struct identity of = { 0 };
	bool found;

	*out = NULL;
	if (store_read(s->state, STORE_TRUST, TRUST_LIMIT, arena, &r.rest,
		       &found, e) < 0)
		return -1;
	if (!found)
		return 0;
	/* What was accepted is so after a reboot and in any namespace. */
	if (!header_read(&r, STORE_TRUST, &of) || !trust_lines(&r, record))
		return err_set(e, ERR_CONFIG, "%s/var/lib/meshapply/%s/"
			       STORE_TRUST ", line %zu: this is not as it was "
			       "written; without that file the next document "
			       "is taken for the first", s->root, s->mesh,
			       r.line);
	*out = record;
	return 0;
}

/* Behind the first line, which says what boot it was written in. */
static struct str body_of(struct str text)
{
	struct str line;

	(void)str_next(&text, '\n', &line);
	return text;
}

int store_stage_trust(struct store *s, struct arena *arena,
		      const struct trust_record *record, struct err *e)
{
	struct str old, text;
	struct sbuf out;
	bool found;

	sbuf_init(&out, arena);
	header_write(&out, STORE_TRUST, &s->here);
	trust_body(&out, record);
	text = (struct str){ out.data, out.size };
	if (store_read(s->state, STORE_TRUST, TRUST_LIMIT, arena, &old, &found,
		       e) < 0)
		return -1;
	if (found && str_equal(body_of(old), body_of(text)))
		return 0;
	return store_stage(s, arena, s->state, STORE_TRUST, text, 0644, e);
}
