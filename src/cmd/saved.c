/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/saved.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/plan_file.h"
#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

/*
 * As another working folder finds it again: a path in whole; the name of a
 * config as it is; standard input not at all.
 */
static const char *lasting(struct session *s, const char *source)
{
	char path[PATH_MAX];

	if (!source || !strcmp(source, "-") ||
	    !strcmp(source, "/dev/stdin"))
		return NULL;
	/* A config has named the real one, or /etc/wireguard has it. */
	if (strcmp(source, s->run.about.source) ||
	    (!strchr(source, '/') && access(source, F_OK)))
		return source;
	return realpath(source, path) ? arena_strdup(s->arena, path) : source;
}

int saved_write(struct session *s, const char *source, struct err *e)
{
	const char *path = s->options->output;
	struct plan_file file;
	struct sbuf out;

	if (!source)
		source = s->options->mesh;	/* its config has one */
	plan_file_make(s->arena, s->secrets, lasting(s, source),
		       s->run.options.now, &s->run.about, &s->want,
		       &s->run.plan, &file);
	sbuf_init(&out, s->arena);
	plan_file_text(&out, &file);
	if (file_write_path(path, (struct str){ out.data, out.size }, 0600, e))
		return err_wrap(e, "save the plan as %s", path);
	output_note(s, "saved: meshapply apply --plan=%s does exactly this",
		    path);
	return 0;
}

int saved_read(struct session *s, const char **source, struct err *e)
{
	struct plan_file *file = arena_new_object(s->arena, struct plan_file);
	const char *path = s->options->plan;
	struct str text;

	if (file_read_path(path, PLAN_FILE_LIMIT, s->arena, &text, e) ||
	    plan_file_parse(s->arena, path, text, file, e))
		return -1;
	s->gates.plan = file;
	if (*source || s->options->mesh)
		return 0;
	if (!file->source)
		return err_set(e, ERR_USAGE, "the plan %s was made from "
			       "standard input: give it the SOURCE again",
			       path);
	*source = file->source;
	return 0;
}
