/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/state_record.h"
#include "apply/store_private.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/trace.h"
#include "state/firewall.h"

#define JOURNAL "journal"
#define VERIFIED "journal.verified"
#define JOURNAL_LIMIT ((size_t)512 << 20)
#define VERIFIED_LIMIT (SYSCTLS_LIMIT + (1 << 16))
#define ADDED "added-"

/* The sizes of what follows the line. */
struct blobs {
	uint64_t text, canon;
	bool lost;
};

static const struct field blob_fields[] = {
	{ "text", FIELD_U64, offsetof(struct blobs, text) },
	{ "canon", FIELD_U64, offsetof(struct blobs, canon) },
	{ "lost", FIELD_BOOL, offsetof(struct blobs, lost) },
};

static void raw_write(struct sbuf *out, struct str bytes)
{
	sbuf_str(out, bytes);
	sbuf_putc(out, '\n');
}

static void firewall_write(struct sbuf *out, const struct firewall *f,
			   bool lost)
{
	struct str canon = firewall_pack(out->arena, f);
	struct blobs sizes = { .text = f->text.size, .canon = canon.size,
			       .lost = lost };

	record_write(out, "firewall", blob_fields, array_size(blob_fields),
		     &sizes);
	raw_write(out, f->text);
	raw_write(out, canon);
}

void journal_body(struct sbuf *out, const struct journal *journal)
{
	state_record_write(out, "", &journal->before);
	state_record_write(out, ADDED, &journal->added);
	if (journal->before.firewall)
		firewall_write(out, journal->before.firewall,
			       journal->firewall_lost);
	sbuf_puts(out, "end\n");
}

void journal_text(struct sbuf *out, const struct identity *here,
		  const struct journal *journal)
{
	header_write(out, JOURNAL, here);
	journal_body(out, journal);
}

int journal_write(struct store *s, struct arena *secrets,
		  const struct journal *journal, struct err *e)
{
	size_t mark = arena_mark(secrets);
	struct sbuf out;
	int status;

	if (s->run < 0)
		return err_set(e, ERR_FAILED, "there is no folder for the "
			       "journal");
	sbuf_init(&out, secrets);
	journal_text(&out, &s->here, journal);
	/* A mark without its journal says nothing. */
	status = file_remove(s->run, VERIFIED, e);
	if (!status)
		status = file_write(s->run, JOURNAL,
				    (struct str){ out.data, out.size }, 0600,
				    e);
	arena_reset(secrets, mark);
	return status < 0 ? err_wrap(e, "write the journal") : 0;
}

static bool is_there(const struct store *s, const char *name)
{
	struct stat st;

	if (s->run >= 0)
		trace_place(s->run, name, 0);
	return s->run >= 0 &&
	       !fstatat(s->run, name, &st, AT_SYMLINK_NOFOLLOW);
}

int journal_mark_verified(struct store *s, struct err *e)
{
	size_t mark = arena_mark(s->arena);
	struct err ignored;
	struct sbuf out;
	int status;

	sbuf_init(&out, s->arena);
	header_write(&out, "verified", &s->here);
	store_pending_write(s, &out);
	status = file_write(s->run, VERIFIED,
			    (struct str){ out.data, out.size }, 0600, e);
	arena_reset(s->arena, mark);
	/*
	 * It may stand there, only not for certain: what follows is an undo.
	 * If it cannot be taken away the next run goes by it, and so do we.
	 */
	if (status < 0 && file_remove(s->run, VERIFIED, &ignored) < 0 &&
	    is_there(s, VERIFIED))
		return 0;
	return status;
}

int journal_close(struct store *s, struct err *e)
{
	if (s->run < 0)
		return 0;
	if (file_remove(s->run, JOURNAL, e) < 0)
		return -1;
	return file_remove(s->run, VERIFIED, e);
}

static int rename_bad(const struct store *s, const char *name,
		      const char *bad, struct err *e)
{
	return !renameat(s->run, name, s->run, bad) || errno == ENOENT ? 0 :
		err_sys(e, "keep %s as %s", name, bad);
}

/* Without its journal a mark says nothing. */
int journal_set_aside(struct store *s, struct err *e)
{
	if (s->run < 0)
		return 0;
	return rename_bad(s, JOURNAL, JOURNAL_BAD, e) ||
	       rename_bad(s, VERIFIED, VERIFIED_BAD, e) ? -1 : 0;
}

void journal_sweep(const struct store *s)
{
	if (!is_there(s, JOURNAL) && is_there(s, VERIFIED))
		(void)unlinkat(s->run, VERIFIED, 0);
}

enum journal_mark journal_look(struct store *s)
{
	if (!is_there(s, JOURNAL))
		return JOURNAL_NONE;
	return is_there(s, VERIFIED) ? JOURNAL_VERIFIED : JOURNAL_OPEN;
}

/* Root hands this text to a compiler: it must be the one table and no more. */
static bool frame_is_good(struct arena *arena, const struct firewall *f)
{
	struct source source = { .name = JOURNAL, .text = f->text };
	struct diags diags;

	diags_init(&diags, arena);
	firewall_check_frame(&source, f->table, &diags);
	return !diags.errors;
}

static void firewall_read(struct records *r, const struct record *record,
			  const char *mesh, struct journal *out)
{
	struct firewall *f = arena_new_object(r->arena, struct firewall);
	struct blobs sizes = { 0 };
	struct str text, canon;
	struct err ignored;

	if (out->before.firewall ||
	    !record_read(r, record, blob_fields, array_size(blob_fields),
			 &sizes) ||
	    !record_raw(r, sizes.text, &text) ||
	    !record_raw(r, sizes.canon, &canon) ||
	    firewall_unpack(r->arena, canon, f, &ignored) < 0) {
		r->bad = true;
		return;
	}
	f->table = firewall_table_name(r->arena, mesh);
	f->compiled = true;
	/* Only the text can be: the raw form is not kept. */
	for (size_t i = 0; i < f->element_count; i++)
		f->elements[i].sendable = false;
	f->text = (struct str){ 0 };
	if (text.size) {
		f->text.data = arena_strndup(r->arena, text.data, text.size);
		f->text.size = text.size;
	}
	if (text.size && !frame_is_good(r->arena, f))
		r->bad = true;
	out->before.firewall = f;
	out->firewall_lost = sizes.lost;
}

bool journal_header(struct records *r, struct identity *of)
{
	return header_read(r, JOURNAL, of);
}

bool journal_lines(struct records *r, const char *mesh, struct journal *out)
{
	struct state_reader added = { .prefix = ADDED,
				      .state = &out->added };
	struct state_reader before = { .prefix = "",
				       .state = &out->before };
	struct record record;

	strcpy(out->before.mesh, mesh);
	strcpy(out->added.mesh, mesh);
	while (record_next(r, &record)) {
		if (str_is(record.kind, "end") && !r->rest.size) {
			state_record_end(&before);
			state_record_end(&added);
			return true;
		}
		if (str_is(record.kind, "firewall"))
			firewall_read(r, &record, mesh, out);
		else if (!state_record_read(&added, r, &record) &&
			 !state_record_read(&before, r, &record))
			r->bad = true;
	}
	return false;
}

/* What is of no use can only be given up. */
static int useless(struct err *e)
{
	e->kind = ERR_CONFIG;
	strcpy(e->guard, JOURNAL);
	return -1;
}

int journal_error(const struct records *r, const char *what, struct err *e)
{
	err_set(e, ERR_CONFIG, "%s: line %zu is not as it was written", what,
		r->line);
	return useless(e);
}

/* It is no file, or one that no run has written. */
static int unread(struct err *e)
{
	return e->kind == ERR_DATA || e->kind == ERR_CONFIG ? useless(e) : -1;
}

int journal_read(struct store *s, struct arena *arena, struct arena *secrets,
		 struct journal *out, bool *same_boot, struct err *e)
{
	struct records r = { .arena = arena, .secrets = secrets };
	struct identity of = { 0 };

	memset(out, 0, sizeof(*out));
	if (s->run < 0)
		return err_set(e, ERR_NO_INPUT, "there is no journal");
	if (file_read(s->run, JOURNAL, JOURNAL_LIMIT, secrets, &r.rest, e) < 0)
		return unread(e);
	if (!journal_header(&r, &of))
		return journal_error(&r, "the journal", e);
	*same_boot = !store_is_past(s, &of);
	if (!*same_boot)
		return 0;
	if (store_check_namespace(s, &of, "the journal", e) < 0)
		return -1;
	if (!journal_lines(&r, s->mesh, out))
		return journal_error(&r, "the journal", e);
	return 0;
}

static int finish_mark(struct store *s, struct str mark, struct err *e)
{
	struct records r = { .arena = s->arena, .secrets = s->arena,
			     .rest = mark };
	struct identity of = { 0 };

	if (!header_read(&r, "verified", &of))
		return journal_error(&r, "the journal's mark", e);
	if (store_check_namespace(s, &of, "the journal", e) < 0)
		return -1;
	return store_pending_finish(s, r.rest, !store_is_past(s, &of), e);
}

int journal_finish(struct store *s, struct err *e)
{
	struct str text;
	bool found;

	if (store_read(s->run, VERIFIED, VERIFIED_LIMIT, s->arena, &text,
		       &found, e) < 0)
		return unread(e);
	if (found && finish_mark(s, text, e) < 0)
		return -1;
	return journal_close(s, e);
}
