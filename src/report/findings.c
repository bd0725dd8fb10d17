/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/findings.h"

#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* A place as a user reads it. */
struct spot {
	const char *file;	/* NULL: none */
	size_t line, column;
};

static struct spot spot_of(struct place where, struct position at)
{
	struct spot spot = { .line = at.line, .column = 1 };
	size_t left = at.column ? at.column - 1 : 0;
	struct str text;

	where = place_origin(where);
	if (!where.source)
		return (struct spot){ 0 };
	spot.file = where.source->name ? where.source->name : "<text>";
	text = (struct str){ where.source->text.data + where.offset - left,
			     left };
	while (text.size) {
		size_t size = str_utf8(text, &(uint32_t){ 0 });

		if (!size)
			size = 1;
		text.data += size;
		text.size -= size;
		spot.column++;
	}
	return spot;
}

static const char *safe(struct arena *arena, const char *text)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_show(&out, str_of(text), SIZE_MAX);
	return out.data ? out.data : "";
}

/*
 * As the runner takes them apart: a property ends at a colon or a comma, a
 * command at its line's end, and a per cent sign escapes.
 */
static void github_text(struct sbuf *out, const char *text, bool property)
{
	const char *shown = safe(out->arena, text);

	for (; *shown; shown++) {
		if (*shown == '%' || (property && strchr(":,", *shown)))
			sbuf_printf(out, "%%%02X", (unsigned char)*shown);
		else
			sbuf_putc(out, *shown);
	}
}

static void github_diag(struct sbuf *out, const struct diag *d)
{
	struct spot at = spot_of(d->where, d->at);
	struct spot other = spot_of(d->other, d->other_at);

	sbuf_puts(out, d->severity == SEVERITY_ERROR ? "::error" :
		  "::warning");
	if (at.file) {
		sbuf_puts(out, " file=");
		github_text(out, at.file, true);
		sbuf_printf(out, ",line=%zu,col=%zu", at.line, at.column);
	}
	sbuf_puts(out, "::");
	github_text(out, d->message, false);
	if (other.file) {
		sbuf_puts(out, "%0A");
		github_text(out, other.file, false);
		sbuf_printf(out, ":%zu:%zu: ", other.line, other.column);
		github_text(out, d->other_message ? d->other_message :
			    "the other place is here", false);
	}
	if (d->hint) {
		sbuf_puts(out, "%0Ahint: ");
		github_text(out, d->hint, false);
	}
	sbuf_putc(out, '\n');
}

void findings_github(struct sbuf *out, const struct diags *diags,
		     const struct err *e)
{
	for (size_t i = 0; i < diags->count; i++)
		github_diag(out, &diags->items[i]);
	if (!e)
		return;
	sbuf_puts(out, "::error::");
	github_text(out, e->text, false);
	sbuf_putc(out, '\n');
}

static json_t *text_json(struct arena *arena, const char *text)
{
	return json_pack("{s:s}", "text", safe(arena, text));
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

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~/", c))
			sbuf_putc(&out, (char)c);
		else
			sbuf_printf(&out, "%%%02X", c);
	}
	return json_string(out.data ? out.data : "");
}

static json_t *location_json(struct arena *arena, struct spot at,
			     const char *message)
{
	json_t *location = json_pack("{s:{s:{s:o}, s:{s:I, s:I}}}",
				     "physicalLocation", "artifactLocation",
				     "uri", uri_json(arena, at.file), "region",
				     "startLine", (json_int_t)at.line,
				     "startColumn", (json_int_t)at.column);

	if (message)
		json_object_set_new(location, "message",
				    text_json(arena, message));
	return json_pack("[o]", location);
}

static json_t *result_json(struct arena *arena, const struct diag *d)
{
	struct spot at = spot_of(d->where, d->at);
	struct spot other = spot_of(d->other, d->other_at);
	json_t *result = json_object();
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_puts(&text, d->message);
	if (d->hint)
		sbuf_printf(&text, " (hint: %s)", d->hint);
	json_object_set_new(result, "level",
			    json_string(d->severity == SEVERITY_ERROR ?
					"error" : "warning"));
	json_object_set_new(result, "message", text_json(arena, text.data));
	if (at.file)
		json_object_set_new(result, "locations",
				    location_json(arena, at, NULL));
	if (other.file)
		json_object_set_new(result, "relatedLocations",
				    location_json(arena, other,
						  d->other_message ?
						  d->other_message :
						  "the other place is here"));
	return result;
}

/* What ended the run before it could look at everything. */
static json_t *invocations_json(struct arena *arena, const struct err *e)
{
	if (!e)
		return json_pack("[{s:b}]", "executionSuccessful", 1);
	return json_pack("[{s:b, s:[{s:s, s:o}]}]", "executionSuccessful", 0,
			 "toolExecutionNotifications", "level", "error",
			 "message", text_json(arena, e->text));
}

json_t *findings_sarif(struct arena *arena, const struct diags *diags,
		       const struct err *e)
{
	json_t *results = json_array();

	for (size_t i = 0; i < diags->count; i++)
		json_array_append_new(results, result_json(arena,
							&diags->items[i]));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s}}, s:s, s:o, s:o}]}",
			 "$schema", SARIF_SCHEMA, "version", "2.1.0", "runs",
			 "tool", "driver", "name", "meshapply", "version",
			 MESHAPPLY_VERSION, "columnKind", "unicodeCodePoints",
			 "invocations", invocations_json(arena, e), "results",
			 results);
}
