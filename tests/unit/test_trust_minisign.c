/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and signatures in minisign's formats.  tests/golden/trust/ was made by
 * minisign 0.11, but for cheap.key: the key of a.key behind the password of
 * sealed.key and a scrypt that takes a sixteenth of a second.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "support/check.h"
#include "support/golden.h"
#include "trust/minisign.h"

#define COMMENT "mesh=office serial=7 expires=2100-01-01T00:00:00Z"
#define PASSWORD "correct horse"

static struct arena *arena;
static struct str document;
static struct minisign_key key_a, key_b;
static struct err e;

static struct str vector(const char *name)
{
	struct str text = golden_read(arena, golden_path(
		arena, "tests/golden/trust", name));

	ck_assert_msg(text.data != NULL, "%s", name);
	return text;
}

static void setup(void)
{
	arena = arena_new((size_t)1 << 28);
	document = vector("office.json");
	memset(&e, 0, sizeof(e));
	ck_assert(!minisign_key_read(vector("a.pub"), "a", &key_a, &e));
	ck_assert(!minisign_key_read(vector("b.pub"), "b", &key_b, &e));
}

static void teardown(void)
{
	arena_freep(&arena);
}

static struct str text_of(const char *format, ...)
{
	struct sbuf out;
	va_list args;

	sbuf_init(&out, arena);
	va_start(args, format);
	sbuf_vprintf(&out, format, args);
	va_end(args);
	return (struct str){ out.data, out.size };
}

/* Line NUMBER of TEXT, from 1, without its end. */
static const char *line_of(struct str text, int number)
{
	struct str line = { 0 };

	while (number--)
		ck_assert(str_next(&text, '\n', &line));
	return arena_strndup(arena, line.data, line.size);
}

static void refused(int result, enum err_kind kind, const char *words)
{
	ck_assert_msg(result < 0, "taken: %s", words);
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.text, words) != NULL, "%s, not: %s", e.text,
		      words);
}

START_TEST(public_keys)
{
	const char *line = line_of(vector("a.pub"), 2);
	char text[MINISIGN_KEY_TEXT_MAX], id[MINISIGN_ID_TEXT_MAX];
	const struct str good[] = {
		text_of("%s", line), text_of("%s\n", line),
		text_of("%s\r\n", line),
		text_of("untrusted comment: \n%s", line),
		text_of("untrusted comment: x\r\n%s\r\n", line),
	};
	struct minisign_key key;

	ck_assert_str_eq(minisign_key_format(&key_a, text), line);
	/* As the comment that minisign has written says it. */
	ck_assert_ptr_nonnull(strstr(line_of(vector("a.pub"), 1),
				     minisign_id_format(key_a.id, id)));
	for (size_t i = 0; i < array_size(good); i++) {
		memset(&key, 0, sizeof(key));
		ck_assert_msg(!minisign_key_read(good[i], "k", &key, &e),
			      "%zu: %s", i, e.text);
		ck_assert_mem_eq(&key, &key_a, sizeof(key));
	}
}
END_TEST

START_TEST(public_keys_refused)
{
	const char *line = line_of(vector("a.pub"), 2);
	const char *secret = line_of(vector("a.key"), 2);
	static char many[1100];
	struct minisign_key key;

	memset(many, 'x', sizeof(many) - 1);
	const struct { struct str text; const char *words; } cases[] = {
		{ text_of("%s", ""), "ends where line 1, the public key" },
		{ text_of("untrusted comment: x\n"), "ends where line 2" },
		{ text_of("a comment\n%s\n", line), "9 characters are no" },
		{ text_of("%.55s\n", line), "55 characters" },
		{ text_of("%s=\n", line), "57 characters" },
		{ text_of("%s\n\n", line), "goes on behind line 1" },
		{ text_of("%s\n%s\n", line, line), "goes on behind line 1" },
		{ text_of("untrusted comment: x\n%s\nmore", line),
		  "goes on behind line 2" },
		{ text_of("untrusted comment: x\033[2J\n%s\n", line),
		  "control character" },
		{ text_of("untrusted comment: %s\n%s\n", many, line),
		  "line 1 has 1118 bytes, 1024 at most" },
		{ text_of("%.54s*%s\n", line, "A"), "is base64" },
		{ text_of(" %.55s\n", line), "is base64" },
		{ text_of("%.54s==\n", line), "is base64" },
		{ text_of("RU%s\n", line + 2), "begins with RW" },
		{ text_of("%s\n", secret), "characters are no public key" },
		/* of a small order: (0, 1) */
		{ text_of("RWRMgC7Smc9qiwEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			  "AAAA\n"), "no Ed25519 key" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		refused(minisign_key_read(cases[i].text, "k", &key, &e),
			ERR_CONFIG, cases[i].words);
		ck_assert_ptr_null(strstr(e.text, "RW" "R"));
		ck_assert(!strncmp(e.text, "k", 1));
	}
}
END_TEST

static bool verifies(struct str text, const struct minisign_key *key,
		     struct str bytes)
{
	struct minisign_signatures all;

	return !minisign_signatures_read(text, "s", &all, &e) &&
	       !minisign_verify(key, &all.items[0], bytes, &e);
}

START_TEST(signatures_of_minisign)
{
	struct str a = vector("a.minisig"), b = vector("b.minisig");
	struct minisign_signatures all;
	struct str both = text_of("%.*s%.*s", (int)a.size, a.data,
				  (int)b.size, b.data);

	ck_assert_msg(verifies(a, &key_a, document), "%s", e.text);
	ck_assert_msg(verifies(b, &key_b, document), "%s", e.text);
	ck_assert_msg(verifies(vector("legacy.minisig"), &key_a, document),
		      "%s", e.text);
	/* Its own comment has tabulators. */
	ck_assert_msg(verifies(vector("plain.minisig"), &key_a, document),
		      "%s", e.text);
	ck_assert(!minisign_signatures_read(both, "s", &all, &e));
	ck_assert_uint_eq(all.count, 2);
	ck_assert_mem_eq(all.items[0].id, key_a.id, sizeof(key_a.id));
	ck_assert_mem_eq(all.items[1].id, key_b.id, sizeof(key_b.id));
	ck_assert(all.items[0].prehashed);
	ck_assert(str_is(all.items[1].comment, COMMENT));
	ck_assert(!minisign_verify(&key_b, &all.items[1], document, &e));
	ck_assert(!minisign_signatures_read(vector("legacy.minisig"), "s",
					    &all, &e));
	ck_assert(!all.items[0].prehashed);
	/* Of another key it is none. */
	refused(minisign_verify(&key_b, &all.items[0], document, &e),
		ERR_TRUST, "not one of this document");
}
END_TEST

/* As Windows ends lines, and without the last end. */
START_TEST(line_ends)
{
	struct str a = vector("a.minisig");
	struct str crlf = text_of("%s\r\n%s\r\n%s\r\n%s\r\n", line_of(a, 1),
				  line_of(a, 2), line_of(a, 3),
				  line_of(a, 4));

	ck_assert_msg(verifies(crlf, &key_a, document), "%s", e.text);
	a.size--;
	ck_assert_msg(verifies(a, &key_a, document), "%s", e.text);
}
END_TEST

START_TEST(signatures_refused)
{
	struct str a = vector("a.minisig");
	const char *u = line_of(a, 1), *s = line_of(a, 2);
	const char *t = line_of(a, 3), *g = line_of(a, 4);
	static char many[8300];
	struct minisign_signatures all;
	struct sbuf crowd;

	memset(many, 'x', sizeof(many) - 1);
	sbuf_init(&crowd, arena);
	for (int i = 0; i <= MINISIGN_SIGNATURES_MAX; i++)
		sbuf_printf(&crowd, "%s\nRURM%c%s\n%s\n%s\n", u, 'a' + i,
			    s + 5, t, g);
	const struct { struct str text; const char *words; } cases[] = {
		{ text_of("%s", ""), "is empty" },
		{ text_of("\n"), "line 1 does not begin with" },
		{ text_of("%s\n", u), "ends where line 2, a signature" },
		{ text_of("%s\n%s\n", u, s), "ends where line 3" },
		{ text_of("%s\n%s\n%s\n", u, s, t), "ends where line 4" },
		{ text_of("%s\n%s\n%s\n%s\n\n", u, s, t, g),
		  "line 5 does not begin" },
		{ text_of("%s\n%s\n%s\n%s\nmore", u, s, t, g),
		  "line 5 does not begin" },
		{ text_of("Untrusted comment: x\n%s\n%s\n%s\n", s, t, g),
		  "line 1 does not begin" },
		{ text_of("%s\n%s\ncomment: x\n%s\n", u, s, g),
		  "line 3 does not begin with \"trusted comment: \"" },
		{ text_of("%s\n%s \n%s\n%s\n", u, s, t, g),
		  "line 2 has 101 characters" },
		{ text_of("%s\n%.99s*\n%s\n%s\n", u, s, t, g),
		  "line 2 is not base64" },
		{ text_of("%s\n%s\n%s\n%.86s\n", u, s, t, g),
		  "line 4 has 86 characters" },
		{ text_of("%s\n%s\n%s\n%.86s=A\n", u, s, t, g),
		  "line 4 is not base64" },
		{ text_of("%s\nRUZ%s\n%s\n%s\n", u, s + 3, t, g),
		  "kind that is not known" },
		{ text_of("%s\n%s\ntrusted comment: a\vb\n%s\n", u, s, g),
		  "line 3 holds a control character" },
		{ text_of("%s\n%s\ntrusted comment: a\177\n%s\n", u, s, g),
		  "line 3 holds a control character" },
		{ text_of("%s\n%s\ntrusted comment: a\rb\n%s\n", u, s, g),
		  "line 3 holds a control character" },
		{ text_of("untrusted comment: %.1100s\n%s\n%s\n%s\n", many, s,
			  t, g), "1024 at most" },
		{ text_of("%s\n%s\ntrusted comment: %s\n%s\n", u, s, many, g),
		  "8192 at most" },
		{ text_of("%.*s%.*s", (int)a.size, a.data, (int)a.size,
			  a.data), "two signatures of the key" },
		{ (struct str){ crowd.data, crowd.size },
		  "more than 16 signatures" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		refused(minisign_signatures_read(cases[i].text, "s", &all,
						 &e),
			ERR_TRUST, cases[i].words);
		ck_assert(!strncmp(e.text, "s", 1));
	}
}
END_TEST

/* Whatever bit is turned over, of the document or of what is signed. */
START_TEST(bits_turned)
{
	static const char *const files[] = { "a.minisig", "legacy.minisig" };
	char *bytes = arena_copy(arena, document.data, document.size);

	for (size_t f = 0; f < array_size(files); f++) {
		struct str text = vector(files[f]);
		char *copy = arena_copy(arena, text.data, text.size);
		size_t first = strlen(line_of(text, 1));
		size_t end = text.size - 1;

		for (size_t i = 0; i < document.size * 8; i += 7) {
			bytes[i / 8] ^= (char)(1 << i % 8);
			ck_assert_msg(!verifies(text, &key_a, (struct str){
				      bytes, document.size }), "bit %zu", i);
			ck_assert_int_eq(e.kind, ERR_TRUST);
			bytes[i / 8] ^= (char)(1 << i % 8);
		}
		for (size_t i = 0; i < text.size * 8; i++) {
			struct minisign_signatures all;

			/* What nobody trusts, and the last line's end. */
			if ((i / 8 >= strlen("untrusted comment: ") &&
			     i / 8 < first) || i / 8 == end)
				continue;
			copy[i / 8] ^= (char)(1 << i % 8);
			if (!minisign_signatures_read((struct str){ copy,
						      text.size }, "s", &all,
						      &e) &&
			    !memcmp(all.items[0].id, key_a.id,
				    sizeof(key_a.id)))
				ck_assert_msg(minisign_verify(
					&key_a, &all.items[0], document,
					&e) < 0, "%s: bit %zu", files[f], i);
			copy[i / 8] ^= (char)(1 << i % 8);
		}
	}
	refused(verifies(vector("a.minisig"), &key_a, (struct str){
			 document.data, document.size - 1 }) - 1, ERR_TRUST,
		"not one of this document");
}
END_TEST

START_TEST(comments_are_signed)
{
	struct str a = vector("a.minisig"), b = vector("plain.minisig");
	struct str changed = text_of("%s\n%s\ntrusted comment: mesh=office "
				     "serial=8\n%s\n", line_of(a, 1),
				     line_of(a, 2), line_of(a, 4));
	/* One and the same signature, the comment of another. */
	struct str moved = text_of("%s\n%s\n%s\n%s\n", line_of(a, 1),
				   line_of(a, 2), line_of(b, 3),
				   line_of(b, 4));
	struct str algorithm = vector("legacy.minisig");

	refused(verifies(changed, &key_a, document) - 1, ERR_TRUST,
		"trusted comment of the signature by the key");
	ck_assert_str_eq(line_of(a, 2), line_of(b, 2));
	/* That is as good: the key has said both of this document. */
	ck_assert(verifies(moved, &key_a, document));
	algorithm = text_of("%s\nRUR%s\n%s\n%s\n", line_of(algorithm, 1),
			    line_of(algorithm, 2) + 3, line_of(algorithm, 3),
			    line_of(algorithm, 4));
	refused(verifies(algorithm, &key_a, document) - 1, ERR_TRUST,
		"not one of this document");
}
END_TEST

static int opens(const char *name, const char *password,
		 struct minisign_secret *out)
{
	struct minisign_sealed sealed;

	return minisign_secret_read(vector(name), name, &sealed, &e) ||
		minisign_secret_open(&sealed, str_of(password), name, out,
				     &e) ? -1 : 0;
}

START_TEST(secret_keys)
{
	struct minisign_secret plain, sealed;
	struct minisign_key key;

	ck_assert_msg(!opens("a.key", NULL, &plain), "%s", e.text);
	minisign_secret_public(&plain, &key);
	ck_assert_mem_eq(&key, &key_a, sizeof(key));
	ck_assert_msg(!opens("cheap.key", PASSWORD, &sealed), "%s", e.text);
	ck_assert_mem_eq(&sealed, &plain, sizeof(plain));
	refused(opens("cheap.key", "correct horse ", &sealed), ERR_CONFIG,
		"the password is not the one");
	refused(opens("cheap.key", "", &sealed), ERR_CONFIG,
		"the password is not the one");
}
END_TEST

/* The bytes of a key's line. */
static uint8_t *raw_of(const char *name, size_t *size)
{
	const char *line = line_of(vector(name), 2);
	uint8_t *raw = arena_alloc(arena, 200);
	size_t n = 0;
	uint32_t bits = 0;
	int have = 0;

	for (; *line && *line != '='; line++) {
		static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
			"ghijklmnopqrstuvwxyz0123456789+/";

		bits = bits << 6 | (uint32_t)(strchr(digits, *line) - digits);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		raw[n++] = (uint8_t)(bits >> have);
	}
	*size = n;
	return raw;
}

static struct str key_file(const uint8_t *raw, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
		"ghijklmnopqrstuvwxyz0123456789+/";
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_puts(&out, "untrusted comment: x\n");
	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = (uint32_t)raw[i] << 16 |
			(i + 1 < size ? (uint32_t)raw[i + 1] << 8 : 0) |
			(i + 2 < size ? raw[i + 2] : 0);

		sbuf_putc(&out, digits[bits >> 18]);
		sbuf_putc(&out, digits[bits >> 12 & 63]);
		sbuf_putc(&out, i + 1 < size ? digits[bits >> 6 & 63] : '=');
		sbuf_putc(&out, i + 2 < size ? digits[bits & 63] : '=');
	}
	sbuf_putc(&out, '\n');
	return (struct str){ out.data, out.size };
}

/* That of NAME with the byte AT turned into BYTE, or as it is with AT 0. */
static int changed_opens(const char *name, size_t at, uint8_t byte)
{
	struct minisign_sealed sealed;
	struct minisign_secret secret;
	size_t size;
	uint8_t *raw = raw_of(name, &size);

	if (at)
		raw[at] = byte;
	return minisign_secret_read(key_file(raw, size), "k", &sealed, &e) ||
		minisign_secret_open(&sealed, STR(PASSWORD), "k", &secret,
				     &e) ? -1 : 0;
}

START_TEST(secret_keys_refused)
{
	struct str a = vector("a.key");
	const char *u = line_of(a, 1), *k = line_of(a, 2);
	struct minisign_sealed sealed;
	const struct { struct str text; const char *words; } cases[] = {
		{ text_of("%s", ""), "ends where line 1" },
		{ text_of("%s\n", k), "line 1 does not begin" },
		{ text_of("%s\n", u), "ends where line 2, the secret key" },
		{ text_of("%s\n%s\n%s\n", u, k, k), "goes on behind line 2" },
		{ text_of("%s\n%.100s\n", u, k), "100 characters, the secret "
		  "key has 212" },
		{ text_of("%s\n%.211s*\n", u, k), "line 2 is not base64" },
		{ vector("a.pub"), "56 characters, the secret key has 212" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		refused(minisign_secret_read(cases[i].text, "k", &sealed, &e),
			ERR_CONFIG, cases[i].words);
		ck_assert_ptr_null(strstr(e.text, "RWQAAEIy"));
	}
	ck_assert_msg(!changed_opens("a.key", 0, 0), "%s", e.text);
	ck_assert_msg(!changed_opens("cheap.key", 0, 0), "%s", e.text);
	refused(changed_opens("a.key", 1, 'x'), ERR_CONFIG, "not known");
	refused(changed_opens("a.key", 2, 'A'), ERR_CONFIG, "not known");
	refused(changed_opens("a.key", 4, 'C'), ERR_CONFIG, "not known");
	/* scrypt would take hours, or all memory */
	refused(changed_opens("cheap.key", 38 + 4, 1), ERR_CONFIG,
		"more of scrypt");
	refused(changed_opens("cheap.key", 46 + 4, 1), ERR_CONFIG,
		"more of scrypt");
	/* the seed, the public half, a checksum where none was */
	refused(changed_opens("a.key", 54 + 8, 1), ERR_CONFIG,
		"do not belong together");
	refused(changed_opens("a.key", 54 + 8 + 32, 1), ERR_CONFIG,
		"do not belong together");
	refused(changed_opens("a.key", 54 + 72, 1), ERR_CONFIG, "checksum");
	refused(changed_opens("cheap.key", 54 + 8, 1), ERR_CONFIG,
		"the password is not the one");
}
END_TEST

/* Signatures are the same whoever makes them, but for what is not signed. */
START_TEST(signing_as_minisign)
{
	struct str a = vector("a.minisig"), made;
	struct minisign_secret secret;

	ck_assert(!opens("a.key", NULL, &secret));
	ck_assert(!minisign_sign(arena, &secret, document, STR(COMMENT), &made,
				 &e));
	for (int i = 2; i <= 4; i++)
		ck_assert_str_eq(line_of(made, i), line_of(a, i));
	ck_assert(verifies(made, &key_a, document));
	ck_assert(!minisign_sign(arena, &secret, STR(""), STR(""), &made,
				 &e));
	ck_assert(verifies(made, &key_a, STR("")));
	refused(minisign_sign(arena, &secret, document, STR("a\nb"), &made,
			      &e), ERR_FAILED, "one line");
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(public_keys),
		CHECK_CASE(public_keys_refused),
		CHECK_CASE(signatures_of_minisign),
		CHECK_CASE(line_ends),
		CHECK_CASE(signatures_refused),
		CHECK_CASE(bits_turned),
		CHECK_CASE(comments_are_signed),
		CHECK_CASE(secret_keys),
		CHECK_CASE(secret_keys_refused),
		CHECK_CASE(signing_as_minisign),
	};

	return check_run_within("trust_minisign", cases, array_size(cases),
				setup, teardown);
}
