/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of minisign's files. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/minisign_private.h"

/* As they are in the files, packed. */
#define PUBLIC_RAW (2 + MINISIGN_ID_SIZE + MINISIGN_PUBLIC_SIZE)
#define SIGNATURE_RAW (2 + MINISIGN_ID_SIZE + MINISIGN_SIGNATURE_SIZE)
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

void minisign_ready(void)
{
	if (sodium_init() < 0)
		abort();
}

static int line_error(const struct minisign_lines *lines, const char *why,
		      struct err *e)
{
	return err_set(e, lines->kind, "%s: line %zu %s", lines->name,
		       lines->number, why);
}

int minisign_line(struct minisign_lines *lines, const char *what,
		  struct str *out, struct err *e)
{
	lines->number++;
	if (!str_next(&lines->rest, '\n', out))
		return err_set(e, lines->kind, "%s ends where line %zu, %s, "
			       "should be", lines->name, lines->number, what);
	if (out->size && out->data[out->size - 1] == '\r')
		out->size--;
	return 0;
}

bool minisign_comment_valid(struct str text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

int minisign_comment(struct minisign_lines *lines, const char *prefix,
		     size_t limit, struct str *out, struct err *e)
{
	struct str line;

	if (minisign_line(lines, "a comment", &line, e))
		return -1;
	if (!str_starts(line, prefix))
		return err_set(e, lines->kind, "%s: line %zu does not begin "
			       "with \"%s\"", lines->name, lines->number,
			       prefix);
	if (line.size > limit)
		return err_set(e, lines->kind, "%s: line %zu has %zu bytes, "
			       "%zu at most", lines->name, lines->number,
			       line.size, limit);
	if (!minisign_comment_valid(line))
		return line_error(lines, "holds a control character", e);
	out->data = line.data + strlen(prefix);
	out->size = line.size - strlen(prefix);
	return 0;
}

/* The one text there is of these bytes: padded, no bit left over. */
static bool base64_decode(struct str text, void *out, size_t size)
{
	unsigned char high = 0;
	size_t got;

	/* libsodium 1.0.18 takes some bytes that are not ASCII for digits. */
	for (size_t i = 0; i < text.size; i++)
		high |= (unsigned char)text.data[i] & 0x80;
	return text.size == BASE64_SIZE(size) && !high &&
	       !sodium_base642bin(out, size, text.data, text.size, NULL, &got,
				  NULL, sodium_base64_VARIANT_ORIGINAL) &&
	       got == size;
}

int minisign_base64(struct minisign_lines *lines, const char *what, void *out,
		    size_t size, struct err *e)
{
	struct str line;

	if (minisign_line(lines, what, &line, e))
		return -1;
	if (line.size != BASE64_SIZE(size))
		return err_set(e, lines->kind, "%s: line %zu has %zu "
			       "characters, %s has %zu", lines->name,
			       lines->number, line.size, what,
			       BASE64_SIZE(size));
	if (!base64_decode(line, out, size))
		return line_error(lines, "is not base64", e);
	return 0;
}

int minisign_end(const struct minisign_lines *lines, struct err *e)
{
	if (!lines->rest.size)
		return 0;
	return err_set(e, lines->kind, "%s goes on behind line %zu, where it "
		       "should end", lines->name, lines->number);
}

int minisign_key_parse(struct str text, struct minisign_key *out,
		       struct err *e)
{
	struct minisign_key key;
	uint8_t raw[PUBLIC_RAW];

	minisign_ready();
	if (text.size != MINISIGN_KEY_TEXT_MAX - 1)
		return err_set(e, ERR_CONFIG, "%zu characters are no public "
			       "key of minisign, which has %d", text.size,
			       MINISIGN_KEY_TEXT_MAX - 1);
	if (!base64_decode(text, raw, sizeof(raw)))
		return err_set(e, ERR_CONFIG, "a public key of minisign is "
			       "base64");
	if (memcmp(raw, "Ed", 2) != 0)
		return err_set(e, ERR_CONFIG, "a public key of minisign "
			       "begins with RW");
	memcpy(key.id, raw + 2, sizeof(key.id));
	memcpy(key.bytes, raw + 2 + sizeof(key.id), sizeof(key.bytes));
	/* With any other, one signature would do for many documents. */
	if (!crypto_core_ed25519_is_valid_point(key.bytes))
		return err_set(e, ERR_CONFIG, "no Ed25519 key is in it");
	*out = key;
	return 0;
}

int minisign_key_read(struct str file, const char *name,
		      struct minisign_key *out, struct err *e)
{
	struct minisign_lines lines = { file, name, ERR_CONFIG, 0 };
	struct minisign_key key;
	struct str line;

	if (str_starts(file, MINISIGN_UNTRUSTED) &&
	    minisign_comment(&lines, MINISIGN_UNTRUSTED,
			     MINISIGN_UNTRUSTED_MAX, &line, e))
		return -1;
	if (minisign_line(&lines, "the public key", &line, e))
		return -1;
	if (minisign_key_parse(line, &key, e))
		return err_wrap(e, "%s: line %zu", name, lines.number);
	if (minisign_end(&lines, e))
		return -1;
	*out = key;
	return 0;
}

char *minisign_key_format(const struct minisign_key *key,
			  char out[static MINISIGN_KEY_TEXT_MAX])
{
	uint8_t raw[PUBLIC_RAW] = { 'E', 'd' };

	memcpy(raw + 2, key->id, sizeof(key->id));
	memcpy(raw + 2 + sizeof(key->id), key->bytes, sizeof(key->bytes));
	return sodium_bin2base64(out, MINISIGN_KEY_TEXT_MAX, raw, sizeof(raw),
				 sodium_base64_VARIANT_ORIGINAL);
}

/* A number in little endian, minisign takes it for. */
char *minisign_id_format(const uint8_t id[static MINISIGN_ID_SIZE],
			 char out[static MINISIGN_ID_TEXT_MAX])
{
	for (size_t i = 0; i < MINISIGN_ID_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02X", id[MINISIGN_ID_SIZE - 1 - i]);
	return out;
}

static int signature_read(struct minisign_lines *lines,
			  struct minisign_signature *out, struct err *e)
{
	uint8_t raw[SIGNATURE_RAW];
	struct str comment;

	if (minisign_comment(lines, MINISIGN_UNTRUSTED, MINISIGN_UNTRUSTED_MAX,
			     &comment, e) ||
	    minisign_base64(lines, "a signature", raw, sizeof(raw), e))
		return -1;
	out->prehashed = !memcmp(raw, "ED", 2);
	if (!out->prehashed && memcmp(raw, "Ed", 2) != 0)
		return line_error(lines, "is a signature of a kind that is "
				  "not known", e);
	memcpy(out->id, raw + 2, sizeof(out->id));
	memcpy(out->bytes, raw + 2 + sizeof(out->id), sizeof(out->bytes));
	if (minisign_comment(lines, MINISIGN_TRUSTED, MINISIGN_TRUSTED_MAX,
			     &out->comment, e))
		return -1;
	return minisign_base64(lines, "a signature of a comment", out->global,
			       sizeof(out->global), e);
}

/* The last one is of another key than those before it. */
static int refuse_repeated(const struct minisign_lines *lines,
			   const struct minisign_signatures *all,
			   struct err *e)
{
	const struct minisign_signature *last = &all->items[all->count - 1];
	char id[MINISIGN_ID_TEXT_MAX];

	for (size_t i = 0; i + 1 < all->count; i++)
		if (!memcmp(all->items[i].id, last->id, sizeof(last->id)))
			return err_set(e, lines->kind, "%s holds two "
				       "signatures of the key %s", lines->name,
				       minisign_id_format(last->id, id));
	return 0;
}

int minisign_signatures_read(struct str file, const char *name,
			     struct minisign_signatures *out, struct err *e)
{
	struct minisign_lines lines = { file, name, ERR_TRUST, 0 };
	struct minisign_signatures all = { .count = 0 };

	minisign_ready();
	if (!file.size)
		return err_set(e, ERR_TRUST, "%s is empty, a signature is "
			       "wanted", name);
	while (lines.rest.size) {
		if (all.count == MINISIGN_SIGNATURES_MAX)
			return err_set(e, ERR_TRUST, "%s holds more than %d "
				       "signatures", name,
				       MINISIGN_SIGNATURES_MAX);
		if (signature_read(&lines, &all.items[all.count++], e) ||
		    refuse_repeated(&lines, &all, e))
			return -1;
	}
	*out = all;
	return 0;
}
