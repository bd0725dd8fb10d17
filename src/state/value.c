/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words, numbers, names and keys; lists and endpoints are value_address.c. */
#include "state/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "state/text.h"

#define SHOWN_MAX 48	/* bytes of a value repeated in a message */
#define LINE_WINDOW 256	/* bytes looked at around a place */

const char *const endpoint_policy_words[ENDPOINT_POLICIES] = {
	[ENDPOINT_ROAM] = "roam",
	[ENDPOINT_STATIC] = "static",
	[ENDPOINT_HINT] = "hint",
	[ENDPOINT_DNS] = "dns",
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool value_word_is(struct str text, const char *word)
{
	size_t i = 0;

	for (; i < text.size; i++) {
		if (is_blank(text.data[i]))
			continue;
		if (!*word || char_lower(text.data[i]) != char_lower(*word))
			return false;
		word++;
	}
	return !*word;
}

static bool has_key_run(struct str text)
{
	struct str run;

	return key_next_run(&text, &run);
}

static bool has_secret_word(struct str text)
{
	static const char *const words[] = { "PrivateKey", "PresharedKey" };

	for (size_t w = 0; w < array_size(words); w++) {
		size_t size = strlen(words[w]);

		for (size_t i = 0; i + size <= text.size; i++)
			if (str_is_nocase((struct str){ text.data + i, size },
					  words[w]))
				return true;
	}
	return false;
}

/* What a diagnostic at PLACE would show, of the text the user wrote. */
static bool place_may_hold_key(struct place where)
{
	struct place at = place_origin(where);
	struct str text = at.source->text;
	size_t start = at.offset, end = start;

	while (start > 0 && at.offset - start < LINE_WINDOW &&
	       text.data[start - 1] != '\n')
		start--;
	while (end < text.size && end - at.offset < LINE_WINDOW &&
	       text.data[end] != '\n')
		end++;
	text = (struct str){ text.data + start, end - start };
	return has_key_run(text) || has_secret_word(text);
}

struct diag *value_error(const struct source *source, struct str value,
			 struct diags *diags, const char *format, ...)
{
	struct place where = place_of(source, value);
	char message[256];
	struct diag *diag;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	diag = diag_error(diags, where, "%s", message);
	/* Beyond these none is shown, and a line may hold a million. */
	if (diags->count < DIAGS_MAX)
		diag->hidden = place_may_hold_key(where);
	return diag;
}

const char *value_show(struct diags *diags, struct str value)
{
	struct sbuf shown;

	if (!value.size)
		return "an empty value";
	if (diags->count >= DIAGS_MAX)
		return "this";
	if (has_key_run(value))
		return "this";
	sbuf_init(&shown, diags->arena);
	sbuf_putc(&shown, '\'');
	sbuf_show(&shown, value, SHOWN_MAX);
	sbuf_putc(&shown, '\'');
	return shown.data;
}

struct diag *value_unknown(const struct source *source, struct str word,
			   struct diags *diags, const char *what,
			   const char *const *words, size_t count)
{
	struct diag *diag;

	diag = value_error(source, word, diags, "%s is no %s that is known",
			   value_show(diags, word), what);
	diag_hint_nearest(diags, diag, word, words, count);
	return diag;
}

int value_check_text(const struct source *source, struct diags *diags)
{
	struct str text = source->text;
	struct place at = { source, 0 };
	const char *nul;

	if (!text.size) {
		diag_error(diags, at, "the file is empty");
		return -1;
	}
	if (text.size > TEXT_LIMIT) {
		diag_error(diags, at, "the file has more than %u MiB",
			   TEXT_LIMIT >> 20);
		return -1;
	}
	nul = memchr(text.data, '\0', text.size);
	if (!nul)
		return 0;
	at.offset = (size_t)(nul - text.data);
	diag_error(diags, at, "a NUL byte: this is no text")->hidden = true;
	return -1;
}

struct str value_squeeze(struct str value, char *buffer, size_t size)
{
	size_t used = 0, plain = 0;

	/* As nearly always: it may stay where it is. */
	while (plain < value.size && (unsigned char)value.data[plain] > ' ')
		plain++;
	if (plain == value.size && plain <= size)
		return value;
	for (size_t i = 0; i < value.size; i++) {
		if (is_blank(value.data[i]))
			continue;
		if (used == size)
			return (struct str){ buffer, 0 };
		buffer[used++] = value.data[i];
	}
	return (struct str){ buffer, used };
}

static bool all_digits(struct str text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!char_is_digit(text.data[i]))
			return false;
	return text.size > 0;
}

/* A decimal number from MIN to MAX; WHAT is it, with its article. */
static int number(const struct source *source, struct str value,
		  struct diags *diags, const char *what, uint64_t min,
		  uint64_t max, uint64_t *out)
{
	char buffer[32];
	struct str text = value_squeeze(value, buffer, sizeof(buffer));
	uint64_t result;

	if (str_uint(text, max, &result) < 0) {
		if (all_digits(text))
			value_error(source, value, diags,
				    "%s is %.*s, more than %ju", what,
				    (int)text.size, text.data,
				    (uintmax_t)max);
		else
			value_error(source, value, diags,
				    "%s is %s, not a number from %ju to %ju",
				    what, value_show(diags, value),
				    (uintmax_t)min, (uintmax_t)max);
		return -1;
	}
	if (result < min) {
		value_error(source, value, diags, "%s is %ju, less than %ju",
			    what, (uintmax_t)result, (uintmax_t)min);
		return -1;
	}
	*out = result;
	return 0;
}

int value_port(const struct source *source, struct str value,
	       struct diags *diags, uint16_t *out)
{
	uint64_t port;

	if (number(source, value, diags, "the port", 0, UINT16_MAX, &port) < 0)
		return -1;
	*out = (uint16_t)port;
	return 0;
}

int value_keepalive(const struct source *source, struct str value,
		    struct diags *diags, uint16_t *out)
{
	uint64_t seconds = 0;

	if (!value_word_is(value, "off") &&
	    number(source, value, diags, "the keepalive", 0, UINT16_MAX,
		   &seconds) < 0)
		return -1;
	*out = (uint16_t)seconds;
	return 0;
}

static bool is_automatic(struct str value, bool *automatic)
{
	if (!automatic)
		return false;
	*automatic = value_word_is(value, "auto");
	return *automatic;
}

int value_fwmark(const struct source *source, struct str value,
		 struct diags *diags, uint32_t *out, bool *automatic)
{
	uint64_t mark = 0;
	char buffer[32];
	struct str text = value_squeeze(value, buffer, sizeof(buffer));

	if (!is_automatic(value, automatic) && !value_word_is(value, "off") &&
	    str_uint_or_hex(text, UINT32_MAX, &mark) < 0) {
		value_error(source, value, diags,
			    "%s is no mark: 'off', or a number of at most 32 "
			    "bits, decimal or after 0x",
			    value_show(diags, value));
		return -1;
	}
	*out = (uint32_t)mark;
	return 0;
}

int value_mtu(const struct source *source, struct str value,
	      struct diags *diags, uint32_t *out, bool *automatic)
{
	uint64_t mtu = 0;

	/* 68 is the least that IPv4 may have, RFC 791. */
	if (!is_automatic(value, automatic) &&
	    number(source, value, diags, "the MTU", 68, UINT16_MAX, &mtu) < 0)
		return -1;
	*out = (uint32_t)mtu;
	return 0;
}

int value_key(const struct source *source, struct str value, const char *name,
	      struct diags *diags, struct key *out)
{
	char buffer[KEY_TEXT_MAX + 1];
	struct str text = value_squeeze(value, buffer, sizeof(buffer));
	int result = key_parse(text, out);

	explicit_bzero(buffer, sizeof(buffer));
	if (result < 0)
		value_error(source, value, diags,
			    "%s is not a key: 44 characters of base64 are "
			    "wanted", name)->hidden = true;
	return result;
}

/* Letters and digits, and any of OTHERS. */
static bool made_of(struct str name, const char *others)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!char_is_alphanumeric(c) &&
		    (!c || !strchr(others, c)))
			return false;
	}
	return true;
}

static bool is_dots(struct str name)
{
	return str_is(name, ".") || str_is(name, "..");
}

static bool name_valid(struct str name, size_t max)
{
	return name.size > 0 && name.size <= max && !is_dots(name) &&
	       name.data[0] != '-' && made_of(name, "_=+.-");
}

/* In the folder of all meshes a dot begins what is not one of them, and
   "sysctls" is the list of those that meshes share. */
bool mesh_name_valid(struct str name)
{
	return name_valid(name, MESH_NAME_MAX) && name.data[0] != '.' &&
	       !str_is(name, "sysctls");
}

/* "all" and "default" are taken by the kernel's sysctls, "lo" is there. */
bool device_name_valid(struct str name)
{
	return name_valid(name, IFNAMSIZ - 1) && !str_is(name, "all") &&
	       !str_is(name, "default") && !str_is(name, "lo");
}

bool link_name_valid(struct str name)
{
	return name.size > 0 && name.size < IFNAMSIZ && !is_dots(name) &&
	       made_of(name, "_=+.-!$%&()*,;<>?@[]^{|}~");
}

bool file_name_valid(struct str name)
{
	if (!name.size || name.size > 255 || is_dots(name) ||
	    name.data[0] == '-')
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~' ||
		    name.data[i] == '/')
			return false;
	return true;
}
