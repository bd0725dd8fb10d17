/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/signed.h"

#include <jansson.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "doc/doc.h"
#include "report/report.h"
#include "trust/minisign.h"

int signed_read(struct session *s, const char *path,
		struct signed_document *out, struct err *e)
{
	out->source.name = str_show(s->arena, str_of(path), SIZE_MAX);
	/* A key may stand in it. */
	return file_read_path(path, DOCUMENT_LIMIT, s->secrets,
			      &out->source.text, e);
}

int signed_decode(struct session *s, struct signed_document *document,
		  struct err *e)
{
	if (mesh_read(s->arena, s->secrets, &document->source,
		      &document->mesh, &s->diags))
		return want_broken(s, ERR_DATA, e);
	s->run.mesh = document->mesh.name;
	return 0;
}

static const char *id_text(struct session *s, const uint8_t *id)
{
	char *text = arena_alloc(s->arena, MINISIGN_ID_TEXT_MAX);

	return minisign_id_format(id, text);
}

static json_t *end_json(struct session *s, const struct signed_end *end,
			const struct err *e)
{
	json_t *object = result_json(s, e, e ? (int)e->kind : 0);
	json_t *ids = json_array();
	char time[TIME_TEXT_MAX];

	json_object_set_new(object, "mesh", text_json(s->arena, s->run.mesh));
	json_object_set_new(object, "result",
			    json_string(e ? "refused" : end->result));
	json_object_set_new(object, "serial", e ? json_null() :
			    json_integer((json_int_t)end->serial));
	json_object_set_new(object, "expires", e || !end->expires ?
			    json_null() :
			    json_string(time_format(end->expires, time)));
	for (size_t i = 0; !e && i < end->id_count; i++)
		json_array_append_new(ids, json_string(id_text(
			s, end->ids[i])));
	json_object_set_new(object, "signed_by", ids);
	json_object_set_new(object, "diagnostics", diags_json(&s->diags));
	json_object_set_new(object, "notes", notes_json(s));
	return object;
}

static void print_text(struct session *s, const struct signed_end *end)
{
	char time[TIME_TEXT_MAX];

	printf("%s: %s: serial %llu", s->run.mesh, end->result,
	       (unsigned long long)end->serial);
	if (end->expires)
		printf(", until %s", time_format(end->expires, time));
	if (!end->id_count)
		fputs(", as accepted before", stdout);
	for (size_t i = 0; i < end->id_count; i++)
		printf("%s%s", i ? ", " : ", signed by ",
		       id_text(s, end->ids[i]));
	putchar('\n');
}

int signed_end(struct session *s, const struct signed_end *end,
	       const struct err *e)
{
	const struct options *o = s->options;
	struct err counted = { 0 };

	if (e)
		counted = *e;
	output_diags(s, e ? &counted : NULL);
	if (e)
		output_error(s, &counted);
	if (o->json || o->jsonl)
		print_result(o, end_json(s, end, e ? &counted : NULL));
	else if (!e && !o->quiet)
		print_text(s, end);
	return e ? (int)e->kind : 0;
}
