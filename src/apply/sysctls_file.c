/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of sysctls on disk, which all meshes of the host share. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apply/sysctl_side.h"
#include "apply/sysctls_private.h"
#include "base/arena.h"
#include "base/err.h"

#define LOCK ".lock"		/* no mesh can have this name */
#define LOCK_SECONDS 10
#define LOCK_TRIES 3		/* while others remove it */

#define ENTRY(name, kind, member) \
	{ name, kind, offsetof(struct sysctl_entry, member) }

static const struct field fields[] = {
	ENTRY("key", FIELD_STRING, key),
	ENTRY("before", FIELD_STRING, before),
	ENTRY("ours", FIELD_STRING, ours),
	ENTRY("root", FIELD_STRING, root),
	ENTRY("mesh", FIELD_STRING, mesh),
	ENTRY("netns", FIELD_U64, netns),
};

bool sysctl_is_here(const struct store *s, const struct sysctl_entry *entry)
{
	return entry->netns == s->here.netns;
}

bool sysctl_is_ours(const struct store *s, const struct sysctl_entry *entry)
{
	return sysctl_is_here(s, entry) && !strcmp(entry->mesh, s->mesh);
}

void sysctl_entries_add(struct sysctl_entries *list,
			const struct sysctl_entry *entry)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].netns == entry->netns &&
		    !strcmp(list->items[i].mesh, entry->mesh) &&
		    !strcmp(list->items[i].key, entry->key))
			return;
	arena_room(list->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	list->items[list->count++] = *entry;
}

void sysctl_entries_keep(const struct store *s, struct sysctl_entries *list)
{
	for (size_t i = 0; i < s->sysctl_count; i++)
		if (!sysctl_is_ours(s, &s->sysctls[i]))
			sysctl_entries_add(list, &s->sysctls[i]);
}

static bool entry_read(struct records *r, const struct record *record,
		       struct sysctl_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
	if (!str_is(record->kind, "sysctl") ||
	    !record_read(r, record, fields, array_size(fields), entry))
		return false;
	return entry->key && entry->before && entry->ours && entry->root &&
	       entry->mesh && entry->netns &&
	       sysctl_known(str_of(entry->key));
}

void sysctls_parse(struct store *s, struct arena *arena, struct str text)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = text };
	size_t count = 0, capacity = 0;
	struct sysctl_entry *items = NULL;
	struct identity of = { 0 };
	struct record record;

	s->sysctls = NULL;
	s->sysctl_count = 0;
	/* After a boot every value is the host's own again. */
	if (!header_read(&r, STORE_SYSCTLS, &of) || !store_same_boot(s, &of))
		return;
	while (record_next(&r, &record)) {
		arena_room(arena, &items, count, &capacity, sizeof(*items));
		if (!entry_read(&r, &record, &items[count]))
			return;
		count++;
	}
	/* One that is torn is lost: values are left as they are. */
	if (r.bad)
		return;
	s->sysctls = items;
	s->sysctl_count = count;
}

static int read_text(const struct store *s, struct arena *arena,
		     struct str *out, struct err *e)
{
	bool found;

	*out = (struct str){ 0 };
	return store_read(s->base, STORE_SYSCTLS, SYSCTLS_LIMIT, arena, out,
			  &found, e);
}

int sysctls_read(struct store *s, struct arena *arena, struct err *e)
{
	struct str text;

	if (read_text(s, arena, &text, e) < 0)
		return -1;
	s->sysctls_text = text;
	sysctls_parse(s, arena, text);
	return 0;
}

static void entries_write(struct sbuf *out, const struct store *s,
			  const struct sysctl_entries *list, bool ours_alone)
{
	for (size_t i = 0; i < list->count; i++)
		if (!ours_alone || sysctl_is_ours(s, &list->items[i]))
			record_write(out, "sysctl", fields,
				     array_size(fields), &list->items[i]);
}

static struct str content_of(const struct store *s,
			     const struct sysctl_entries *list)
{
	struct sbuf out;

	sbuf_init(&out, list->arena);
	header_write(&out, STORE_SYSCTLS, &s->here);
	entries_write(&out, s, list, false);
	return (struct str){ out.data, out.size };
}

/* As it says already, or nothing where it says nothing. */
static bool says(const struct store *s, struct str content, size_t count)
{
	return str_equal(content, s->sysctls_text) ||
	       (!s->sysctls_text.data && !count);
}

static int lock(struct store *s, struct err *e)
{
	if (s->sysctls_lock >= 0)
		return 0;
	for (int i = 0; i < LOCK_TRIES; i++) {
		s->sysctls_lock = lock_take(s->arena, s->base, LOCK,
					    "the registry of sysctls",
					    LOCK_SECONDS, e);
		if (s->sysctls_lock >= 0 || e->number != ESTALE)
			break;
	}
	return s->sysctls_lock < 0 ? -1 : 0;
}

/* It stays as long as there is something to be locked. */
void sysctls_unlock(struct store *s)
{
	if (s->sysctls_lock < 0)
		return;
	if (faccessat(s->base, STORE_SYSCTLS, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT) {
		folder_sweep(s->base);
		(void)unlinkat(s->base, LOCK, 0);
	}
	fd_closep(&s->sysctls_lock);
}

void sysctls_sweep(struct store *s)
{
	/* Without the lock they may be another mesh's, alive. */
	if (s->sysctls_lock < 0)
		s->sysctls_lock = lock_try(s->base, LOCK);
	if (s->sysctls_lock < 0)
		return;
	folder_sweep(s->base);
	sysctls_unlock(s);
}

/* Locked, and as it was read. */
static int lock_unchanged(struct store *s, struct arena *arena,
			  struct err *e)
{
	struct str now;

	if (lock(s, e) < 0 || read_text(s, arena, &now, e) < 0)
		return -1;
	if (!str_equal(now, s->sysctls_text))
		return err_set(e, ERR_BUSY, "another mesh changed the "
			       "registry of sysctls meanwhile");
	return 0;
}

int sysctls_put(struct store *s, const struct sysctl_entries *list,
		struct err *e)
{
	struct str content = content_of(s, list);
	struct sbuf ours;

	s->sysctls_ours = (struct str){ 0 };
	if (says(s, content, list->count))
		return 0;
	if (lock_unchanged(s, list->arena, e) < 0 ||
	    store_stage(s, list->arena, s->base, STORE_SYSCTLS, content, 0644,
			e) < 0) {
		sysctls_unlock(s);
		return -1;
	}
	sbuf_init(&ours, list->arena);
	entries_write(&ours, s, list, true);
	s->sysctls_ours = (struct str){ ours.data ? ours.data : "",
					ours.size };
	return 0;
}

void sysctls_ours_write(const struct store *s, struct sbuf *out)
{
	const struct sysctl_entries read = {
		.items = s->sysctls, .count = s->sysctl_count,
	};

	entries_write(out, s, &read, true);
}

/*
 * A mark names what becomes of the registry by this mesh's entries, not by the
 * file that was staged: until it is read others may have written theirs.
 */
void sysctls_pending_write(const struct store *s, struct sbuf *out)
{
	record_write(out, STORE_SYSCTLS, NULL, 0, NULL);
	sbuf_str(out, s->sysctls_ours);
}

void sysctls_pending_read(const struct store *s, struct records *r,
			  const struct record *record,
			  struct sysctl_entries *ours)
{
	struct sysctl_entry entry;

	if (entry_read(r, record, &entry) && sysctl_is_ours(s, &entry))
		sysctl_entries_add(ours, &entry);
	else
		r->bad = true;
}

static int put_merged(struct store *s, const struct sysctl_entries *ours,
		      struct err *e)
{
	struct sysctl_entries list = { .arena = s->arena };
	struct str content;

	if (sysctls_read(s, s->arena, e) < 0)
		return -1;
	sysctl_entries_keep(s, &list);
	for (size_t i = 0; i < ours->count; i++)
		sysctl_entries_add(&list, &ours->items[i]);
	content = content_of(s, &list);
	if (says(s, content, list.count))
		return 0;
	return file_write(s->base, STORE_SYSCTLS, content, 0644, e);
}

int sysctls_merge(struct store *s, const struct sysctl_entries *ours,
		  struct err *e)
{
	int status;

	if (lock(s, e) < 0)
		return -1;
	status = put_merged(s, ours, e);
	sysctls_unlock(s);
	return status;
}

int sysctls_remove_empty(struct store *s, struct err *e)
{
	int status = 0;

	if (sysctls_read(s, s->arena, e) < 0)
		return -1;
	if (!s->sysctls_text.data || s->sysctl_count)
		return 0;
	if (lock_unchanged(s, s->arena, e) < 0 ||
	    file_remove(s->base, STORE_SYSCTLS, e) < 0)
		status = -1;
	sysctls_unlock(s);
	return status;
}
