/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files on their way: staged, renamed at the end, finished after a kill. */
#include "apply/sysctls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

#define TEMPORARY_MORE 14	/* base/file.c: ".NAME." and twelve digits */

static struct staged *staged_find(struct store *s, int folder,
				  const char *name)
{
	for (size_t i = 0; i < s->staged_count; i++)
		if (s->staged[i].file.folder == folder &&
		    !strcmp(s->staged[i].file.name, name))
			return &s->staged[i];
	return NULL;
}

int store_stage(struct store *s, struct arena *arena, int folder,
		const char *name, struct str content, mode_t mode,
		struct err *e)
{
	struct staged *staged = staged_find(s, folder, name);
	size_t mark = arena_mark(arena);
	struct str old;
	bool found, same;

	if (staged && str_equal(staged->content, content))
		return 0;
	if (staged) {
		file_abandon(&staged->file);
		*staged = s->staged[--s->staged_count];
	}
	if (store_read(folder, name, content.size + 1, arena, &old, &found,
		       e) < 0) {
		/* A longer one is another one. */
		if (e->kind != ERR_DATA)
			return -1;
		found = false;
	}
	same = found && str_equal(old, content);
	arena_reset(arena, mark);
	if (same)
		return 0;
	if (folder < 0 || s->staged_count == STAGED_MAX)
		return err_set(e, ERR_FAILED, "there is no place for %s",
			       name);
	staged = &s->staged[s->staged_count];
	if (file_stage(&staged->file, folder, name, content, mode, e) < 0)
		return -1;
	staged->content = content;
	s->staged_count++;
	return 0;
}

/* What is staged, the list last: it makes the rest count. */
static int commit_staged(struct store *s, bool list, uint64_t *writes,
			 struct err *e)
{
	for (size_t i = 0; i < s->staged_count; i++) {
		struct staged_file *file = &s->staged[i].file;

		if (!file->temporary[0] ||
		    !strcmp(file->name, STORE_FILES) != list)
			continue;
		if (file_commit(file, e) < 0)
			return -1;
		++*writes;
	}
	return 0;
}

int store_staged_commit(struct store *s, uint64_t *writes, struct err *e)
{
	if (commit_staged(s, false, writes, e) < 0)
		return -1;
	return commit_staged(s, true, writes, e);
}

void store_staged_abandon(struct store *s)
{
	for (size_t i = 0; i < s->staged_count; i++)
		file_abandon(&s->staged[i].file);
	s->staged_count = 0;
}

/* A rename that is yet to be done, in the mark. */
struct renaming {
	const char *folder, *name, *temporary;
};

static const struct field renaming_fields[] = {
	{ "folder", FIELD_STRING, offsetof(struct renaming, folder) },
	{ "name", FIELD_STRING, offsetof(struct renaming, name) },
	{ "temporary", FIELD_STRING, offsetof(struct renaming, temporary) },
};

static int folder_of(const struct store *s, const char *folder)
{
	return !strcmp(folder, "state") ? s->state :
	       !strcmp(folder, "applied") ? s->applied :
	       !strcmp(folder, STORE_GENERATIONS) ? s->generations : -1;
}

void store_pending_write(const struct store *s, struct sbuf *out)
{
	for (size_t i = 0; i < s->staged_count; i++) {
		const struct staged_file *file = &s->staged[i].file;
		struct renaming renaming = {
			.folder = file->folder == s->state ? "state" :
				  file->folder == s->applied ? "applied" :
				  STORE_GENERATIONS,
			.name = file->name, .temporary = file->temporary,
		};

		if (file->folder == s->base) {
			sysctls_pending_write(s, out);
			continue;
		}
		record_write(out, "rename", renaming_fields,
			     array_size(renaming_fields), &renaming);
	}
}

/* Only what store_stage() could have made of NAME. */
static bool renaming_fits(const struct store *s, const struct renaming *p)
{
	size_t size;

	if (!p->folder || !p->name || !p->temporary ||
	    strchr(p->name, '/') || strchr(p->temporary, '/') ||
	    folder_of(s, p->folder) < 0)
		return false;
	size = strlen(p->name);
	return size < sizeof(((struct staged_file *)NULL)->name) &&
	       p->temporary[0] == '.' &&
	       !strncmp(p->temporary + 1, p->name, size) &&
	       strlen(p->temporary) == size + TEMPORARY_MORE;
}

static int finish_rename(const struct store *s, struct records *r,
			 const struct record *record, struct err *e)
{
	struct renaming p = { 0 };
	struct staged_file file;

	if (!record_read(r, record, renaming_fields,
			 array_size(renaming_fields), &p) ||
	    !renaming_fits(s, &p)) {
		r->bad = true;
		return 0;
	}
	file = (struct staged_file){ .folder = folder_of(s, p.folder) };
	strcpy(file.name, p.name);
	strcpy(file.temporary, p.temporary);
	/* Done already where it is not there. */
	if (faccessat(file.folder, file.temporary, F_OK,
		      AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return file_commit(&file, e);
}

int store_pending_finish(struct store *s, struct str pending, bool this_boot,
			 struct err *e)
{
	struct records r = { .arena = s->arena, .secrets = s->arena,
			     .rest = pending, .line = 1 };
	struct sysctl_entries sysctls = { .arena = s->arena };
	struct record record;
	bool registry = false;

	if (generations_open(s, false, e))
		return -1;
	while (record_next(&r, &record)) {
		if (str_is(record.kind, "rename")) {
			if (finish_rename(s, &r, &record, e) < 0)
				return -1;
		} else if (str_is(record.kind, STORE_SYSCTLS) &&
			   !record.words.size) {
			registry = true;
		} else if (registry) {
			/* Of another boot nothing of it is left to be put
			   back, and its namespaces had other numbers. */
			if (this_boot)
				sysctls_pending_read(s, &r, &record, &sysctls);
		} else {
			r.bad = true;
		}
	}
	if (r.bad)
		return journal_error(&r, "the journal's mark", e);
	return registry && this_boot ? sysctls_merge(s, &sysctls, e) : 0;
}
