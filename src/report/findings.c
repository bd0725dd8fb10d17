/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/findings.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* A place as a machine takes it. */
struct spot {
	const char *file;	/* NULL: none */
	size_t line, column, end;	/* END: column behind it, or 0 */
	const char *within;	/* "FILE:LINE:COLUMN: " for the message, or "" */
};

enum rule { RULE_WRONG, RULE_DOUBTFUL, RULE_UNREAD, RULES };

static const struct {
	const char *id, *words;
} rules[RULES] = {
	[RULE_WRONG] = { "wrong", "What is said here cannot be as it is." },
	[RULE_DOUBTFUL] = { "doubtful",
			    "What is said here may not be what was meant." },
	[RULE_UNREAD] = { "unread", "The source cannot be read at all." },
};

static enum rule rule_of(const struct diag *d)
{
	if (d->severity == SEVERITY_WARNING)
		return RULE_DOUBTFUL;
	return d->where.source && !d->where.source->text.data ? RULE_UNREAD :
		RULE_WRONG;
}

static size_t characters(struct str text)
{
	size_t count = 0;

	for (; text.size; count++) {
		size_t size = str_utf8(text, &(uint32_t){ 0 });

		if (!size)
			size = 1;
		text.data += size;
		text.size -= size;
	}
	return count;
}

/* The word or the quoted text that begins there, in bytes; 0: none does. */
static size_t word_size(struct str text)
{
	size_t size = 0;

	if (!text.size)
		return 0;
	if (text.data[0] != '"') {
		while (size < text.size &&
		       !memchr(" \t\r\n,:;=\"[]{}()", text.data[size], 16))
			size++;
		return size;
	}
	for (size = 1; size < text.size && text.data[size] != '\n'; size++) {
		if (text.data[size] == '"')
			return size + 1;
		if (text.data[size] == '\\')
			size++;
	}
	return 0;
}

/* Names in angle brackets are made up; a mesh's name alone is no file's. */
static bool is_file(const struct source *source)
{
	struct str name = str_of(source->name);

	if (!name.data || name.data[0] == '<')
		return false;
	return source->text.data || strchr(name.data, '/') ||
		str_ends(name, ".json") || str_ends(name, ".conf");
}

static struct spot spot_of(struct arena *arena, struct place where,
			   struct position at)
{
	struct spot spot = { .line = at.line, .within = "" };
	size_t left = at.column ? at.column - 1 : 0, size;
	const struct source *source, *shown;
	struct str text;

	where = place_origin(where);
	source = where.source;
	if (!source)
		return spot;
	shown = source->rendered_from ? source->rendered_from : source;
	text = source->text;
	if (!is_file(shown) || shown != source)
		spot.within = arena_printf(arena, "%s:%zu:%zu: ", source->name ?
					   source->name : "<text>", at.line,
					   at.column);
	if (!is_file(shown))
		return spot;
	spot.file = shown->name;
	if (shown != source || !text.data) {
		spot.line = spot.column = 1;
		return spot;
	}
	text.data += where.offset;
	text.size -= where.offset;
	spot.column = characters((struct str){ text.data - left, left }) + 1;
	size = word_size(text);
	if (size)
		spot.end = spot.column +
			characters((struct str){ text.data, size });
	return spot;
}

/*
 * As the runner takes them apart: a property ends at a colon or a comma, a
 * command at its line's end, and a per cent sign escapes.
 */
static void github_text(struct sbuf *out, const char *text, bool property)
{
	const char *shown = str_show(out->arena, str_of(text), SIZE_MAX);

	for (; *shown; shown++) {
		if (*shown == '%' || (property && strchr(":,", *shown)))
			sbuf_printf(out, "%%%02X", (unsigned char)*shown);
		else
			sbuf_putc(out, *shown);
	}
}

static void github_diag(struct sbuf *out, const struct diag *d)
{
	struct spot at = spot_of(out->arena, d->where, d->at);

	sbuf_puts(out, d->severity == SEVERITY_ERROR ? "::error" :
		  "::warning");
	if (at.file) {
		sbuf_puts(out, " file=");
		github_text(out, at.file, true);
		sbuf_printf(out, ",line=%zu", at.line);
		/* A whole file has no column. */
		if (!*at.within && d->where.source->text.data)
			sbuf_printf(out, ",col=%zu", at.column);
	}
	sbuf_puts(out, "::");
	github_text(out, at.within, false);
	github_text(out, d->message, false);
	if (d->other.source) {
		struct spot other = spot_of(out->arena, d->other, d->other_at);

		sbuf_puts(out, "%0A");
		if (*other.within) {
			github_text(out, other.within, false);
		} else {
			github_text(out, other.file, false);
			sbuf_printf(out, ":%zu:%zu: ", other.line,
				    other.column);
		}
		github_text(out, d->other_message ? d->other_message :
			    "the other place is here", false);
	}
	if (d->hint) {
		sbuf_puts(out, "%0Ahint: ");
		github_text(out, d->hint, false);
	}
	sbuf_putc(out, '\n');
}

void findings_github(struct sbuf *out, const struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		github_diag(out, &diags->items[i]);
}

static json_t *text_json(struct arena *arena, const char *text)
{
	return json_pack("{s:s}", "text", str_show(arena, str_of(text),
						   SIZE_MAX));
}

/* RFC 3986: a relative reference, or file:// for a whole path. */
static json_t *uri_json(struct arena *arena, const char *file)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	if (file[0] == '/')
		sbuf_puts(&out, "file://");
	for (; *file; file++) {
		unsigned char c = (unsigned char)*file;

		if (char_is_alphanumeric(*file) || strchr("-._~/", c))
			sbuf_putc(&out, *file);
		else
			sbuf_printf(&out, "%%%02X", c);
	}
	return json_string(out.data ? out.data : "");
}

static json_t *location_json(struct arena *arena, const struct spot *at,
			     const char *message)
{
	json_t *location = json_pack("{s:{s:{s:o}, s:{s:I, s:I}}}",
				     "physicalLocation", "artifactLocation",
				     "uri", uri_json(arena, at->file), "region",
				     "startLine", (json_int_t)at->line,
				     "startColumn", (json_int_t)at->column);
	json_t *region = json_object_get(json_object_get(location,
							 "physicalLocation"),
					 "region");

	if (at->end) {
		json_object_set_new(region, "endLine",
				    json_integer((json_int_t)at->line));
		json_object_set_new(region, "endColumn",
				    json_integer((json_int_t)at->end));
	}
	if (message)
		json_object_set_new(location, "message",
				    text_json(arena, message));
	return json_pack("[o]", location);
}

/* What is said of D, with the places that no file has. */
static json_t *message_json(struct arena *arena, const struct diag *d,
			    const struct spot *at, const struct spot *other)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_printf(&text, "%s%s", at->within, d->message);
	if (d->other.source && !other->file)
		sbuf_printf(&text, " (%s%s)", other->within, d->other_message ?
			    d->other_message : "the other place is here");
	if (d->hint)
		sbuf_printf(&text, " (hint: %s)", d->hint);
	return text_json(arena, text.data);
}

static const char *level_of(const struct diag *d)
{
	return d->severity == SEVERITY_ERROR ? "error" : "warning";
}

/* A result, or, without a file to show it in, a notification. */
static void add_json(struct arena *arena, const struct diag *d,
		     json_t *results, json_t *notifications)
{
	struct spot at = spot_of(arena, d->where, d->at);
	struct spot other = spot_of(arena, d->other, d->other_at);
	enum rule rule = rule_of(d);
	json_t *result = json_pack("{s:s, s:o}", "level", level_of(d),
				   "message", message_json(arena, d, &at,
							   &other));

	if (!at.file) {
		json_array_append_new(notifications, result);
		return;
	}
	json_object_set_new(result, "ruleId", json_string(rules[rule].id));
	json_object_set_new(result, "ruleIndex", json_integer(rule));
	json_object_set_new(result, "locations",
			    location_json(arena, &at, NULL));
	if (other.file)
		json_object_set_new(result, "relatedLocations",
				    location_json(arena, &other,
						  d->other_message ?
						  d->other_message :
						  "the other place is here"));
	json_array_append_new(results, result);
}

static json_t *tool_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RULES; i++)
		json_array_append_new(list, json_pack("{s:s, s:{s:s}}", "id",
						      rules[i].id,
						      "shortDescription",
						      "text", rules[i].words));
	return json_pack("{s:{s:s, s:s, s:o}}", "driver", "name", "meshapply",
			 "version", MESHAPPLY_VERSION, "rules", list);
}

json_t *findings_sarif(struct arena *arena, const struct diags *diags)
{
	json_t *results = json_array(), *notifications = json_array();

	for (size_t i = 0; i < diags->count; i++)
		add_json(arena, &diags->items[i], results, notifications);
	return json_pack("{s:s, s:s, s:[{s:o, s:s, s:[{s:b, s:o}], s:o}]}",
			 "$schema", SARIF_SCHEMA, "version", "2.1.0", "runs",
			 "tool", tool_json(), "columnKind",
			 "unicodeCodePoints", "invocations",
			 "executionSuccessful", !json_array_size(notifications),
			 "toolExecutionNotifications", notifications,
			 "results", results);
}
