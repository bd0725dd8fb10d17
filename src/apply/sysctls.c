/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's registry of sysctls: what each was before the first mesh needed
 * it, and what it was given.  A key that the kernel changed along with one
 * that is wanted (its root) has an entry of its own where putting the root
 * back would not bring it back.
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "apply/sysctl_side.h"
#include "base/arena.h"
#include "base/err.h"

#define SYSCTLS_LIMIT ((size_t)16 << 20)
#define LOCK_TRIES 100
#define LOCK_POLL_NS 100000000L

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

static bool is_root(const struct sysctl_entry *entry)
{
	return !strcmp(entry->key, entry->root);
}

static bool is_here(const struct store *s, const struct sysctl_entry *entry)
{
	return entry->netns == s->here.netns;
}

static bool is_ours(const struct store *s, const struct sysctl_entry *entry)
{
	return is_here(s, entry) && !strcmp(entry->mesh, s->mesh);
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

int sysctls_read(struct store *s, struct arena *arena, struct err *e)
{
	struct str text = { 0 };
	bool found;

	if (store_read(s->base, STORE_SYSCTLS, SYSCTLS_LIMIT, arena, &text,
		       &found, e) < 0)
		return -1;
	s->sysctls_text = text;
	sysctls_parse(s, arena, text);
	return 0;
}

size_t sysctls_keys(const struct store *s, struct arena *arena,
		    const char *const **out)
{
	const char **keys = arena_new_array(arena, const char *,
					    s->sysctl_count);
	size_t count = 0;

	for (size_t i = 0; i < s->sysctl_count; i++)
		if (is_ours(s, &s->sysctls[i]))
			keys[count++] = s->sysctls[i].key;
	*out = keys;
	return count;
}

static const struct sysctl_entry *other_needs(const struct store *s,
					      const char *key)
{
	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl_entry *entry = &s->sysctls[i];

		if (is_here(s, entry) && !is_ours(s, entry) &&
		    !strcmp(entry->key, key))
			return entry;
	}
	return NULL;
}

/* What a link had needs no care when the link goes. */
static bool goes_with_link(const struct state *want, const struct state *have,
			   const char *key)
{
	const struct device *d = sysctl_device(have, key);

	return d && d->owned && !state_device(want, d->name);
}

/* The root goes back first: it takes the others along. */
static void restore_pass(const struct store *s, const struct state *want,
			 const struct state *have, bool roots,
			 struct state *out)
{
	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl_entry *entry = &s->sysctls[i];
		const struct sysctl *now = state_sysctl(have, entry->key);

		if (!is_ours(s, entry) || is_root(entry) != roots ||
		    state_sysctl(want, entry->root) ||
		    state_sysctl(want, entry->key) ||
		    other_needs(s, entry->key) ||
		    goes_with_link(want, have, entry->key))
			continue;
		/* Changed by others since, or gone with its link. */
		if (!now || strcmp(now->value, entry->ours))
			continue;
		out->sysctls[out->sysctl_count++] = (struct sysctl){
			.key = entry->key, .value = entry->before,
		};
	}
}

int sysctls_restore(struct store *s, struct arena *arena,
		    const struct state *want, const struct state *have,
		    struct state *out, struct err *e)
{
	(void)e;
	*out = (struct state){ 0 };
	out->sysctls = arena_new_array(arena, struct sysctl,
				       s->sysctl_count);
	restore_pass(s, want, have, true, out);
	restore_pass(s, want, have, false, out);
	return 0;
}

/* The entries as they will be. */
struct entries {
	struct arena *arena;
	struct sysctl_entry *items;
	size_t count, capacity;
};

static void add(struct entries *list, const struct sysctl_entry *entry)
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

/* Entries under ROOT of another mesh (or of ours) become ours as well. */
static bool inherit(const struct store *s, struct entries *list,
		    const struct sysctl *wanted, bool from_ours)
{
	bool found = false;

	for (size_t i = 0; i < s->sysctl_count; i++) {
		struct sysctl_entry entry = s->sysctls[i];

		if (!is_here(s, &entry) ||
		    is_ours(s, &s->sysctls[i]) != from_ours ||
		    strcmp(entry.root, wanted->key))
			continue;
		entry.mesh = s->mesh;
		if (is_root(&entry)) {
			entry.ours = wanted->value;
			found = true;
		}
		add(list, &entry);
	}
	return found;
}

static const char *turned(const char *value)
{
	return strcmp(value, "0") ? "0" : "1";
}

static void add_side(const struct store *s, struct entries *list,
		     const struct sysctl_side *side,
		     const struct sysctl_entry *root,
		     const struct sysctl *now)
{
	const char *back = side->inverse ? turned(root->before) :
					   root->before;
	struct sysctl_entry entry = {
		.key = side->key, .before = now->value, .root = root->key,
		.ours = side->inverse ? turned(root->ours) : root->ours,
		.mesh = s->mesh, .netns = s->here.netns,
	};

	/* Else the kernel puts it back along with the root. */
	if (strcmp(now->value, back))
		add(list, &entry);
}

/* A key that no mesh needed until now. */
static void take(const struct store *s, struct entries *list,
		 const struct sysctl *wanted, const struct state *want,
		 const struct state *have)
{
	const struct sysctl *now = state_sysctl(have, wanted->key);
	struct sysctl_side *sides;
	struct sysctl_entry root;
	size_t count;

	/* The link is yet to be made. */
	if (!now && sysctl_device(want, wanted->key))
		now = state_sysctl(have, sysctl_default(list->arena,
							wanted->key));
	if (!now)
		return;
	root = (struct sysctl_entry){
		.key = wanted->key, .before = now->value,
		.ours = wanted->value, .root = wanted->key,
		.mesh = s->mesh, .netns = s->here.netns,
	};
	add(list, &root);
	if (!strcmp(now->value, wanted->value))
		return;
	count = sysctl_sides(list->arena, wanted->key, have->links,
			     have->link_count, &sides);
	for (size_t i = 0; i < count; i++) {
		now = state_sysctl(have, sides[i].key);
		if (now && !state_sysctl(want, sides[i].key))
			add_side(s, list, &sides[i], &root, now);
	}
}

static struct str content_of(const struct store *s,
			     const struct entries *list)
{
	struct sbuf out;

	sbuf_init(&out, list->arena);
	header_write(&out, STORE_SYSCTLS, &s->here);
	for (size_t i = 0; i < list->count; i++)
		record_write(&out, "sysctl", fields, array_size(fields),
			     &list->items[i]);
	return (struct str){ out.data, out.size };
}

/* All meshes share it; held until the commit. */
static int lock(struct store *s, struct err *e)
{
	const struct timespec poll = { .tv_nsec = LOCK_POLL_NS };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(s->base, LOCK_EX | LOCK_NB)) {
			s->sysctls_locked = true;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock the registry of sysctls");
		nanosleep(&poll, NULL);
	}
	return err_set(e, ERR_BUSY, "another run holds the registry of "
		       "sysctls");
}

void sysctls_unlock(struct store *s)
{
	if (s->sysctls_locked)
		(void)flock(s->base, LOCK_UN);
	s->sysctls_locked = false;
}

/* Locked, and as it was read. */
static int lock_unchanged(struct store *s, struct arena *arena,
			  struct err *e)
{
	struct str now = { 0 };
	bool found;

	if (s->base < 0)
		return err_set(e, ERR_FAILED, "there is no folder for the "
			       "registry of sysctls");
	if (lock(s, e) < 0)
		return -1;
	if (store_read(s->base, STORE_SYSCTLS, SYSCTLS_LIMIT, arena, &now,
		       &found, e) < 0)
		return -1;
	if (!str_equal(now, s->sysctls_text))
		return err_set(e, ERR_BUSY, "another mesh changed the "
			       "registry of sysctls meanwhile");
	return 0;
}

int sysctls_stage(struct store *s, struct arena *arena,
		  const struct state *want, const struct state *have,
		  struct err *e)
{
	struct entries list = { .arena = arena };
	struct str content;

	for (size_t i = 0; i < s->sysctl_count; i++)
		if (!is_ours(s, &s->sysctls[i]))
			add(&list, &s->sysctls[i]);
	for (size_t i = 0; i < want->sysctl_count; i++) {
		const struct sysctl *wanted = &want->sysctls[i];

		if (!inherit(s, &list, wanted, true) &&
		    !inherit(s, &list, wanted, false))
			take(s, &list, wanted, want, have);
	}
	content = content_of(s, &list);
	if (str_equal(content, s->sysctls_text) ||
	    (!s->sysctls_text.data && !list.count))
		return 0;
	if (lock_unchanged(s, arena, e) < 0 ||
	    store_stage(s, arena, s->base, STORE_SYSCTLS, content, 0644,
			e) < 0) {
		sysctls_unlock(s);
		return -1;
	}
	return 0;
}

/* Empty, it is of no use to anybody. */
static int remove_empty(struct store *s, struct err *e)
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

int sysctls_forget(struct store *s, struct err *e)
{
	const struct state nothing = { 0 };
	uint64_t writes = 0;

	if (sysctls_read(s, s->arena, e) < 0 ||
	    sysctls_stage(s, s->arena, &nothing, &nothing, e) < 0 ||
	    store_commit(s, &writes, e) < 0)
		return -1;
	return remove_empty(s, e);
}
