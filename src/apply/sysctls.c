/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's registry of sysctls: what each was before the first mesh needed
 * it, and what it was given.  A key that the kernel changed along with one
 * that is wanted (its root) has an entry of its own where putting the root
 * back would not bring it back.
 */
#include <string.h>

#include "apply/sysctl_side.h"
#include "apply/sysctls_private.h"
#include "base/arena.h"

static bool is_root(const struct sysctl_entry *entry)
{
	return !strcmp(entry->key, entry->root);
}

size_t sysctls_keys(const struct store *s, struct arena *arena,
		    const char *const **out)
{
	const char **keys = arena_new_array(arena, const char *,
					    s->sysctl_count);
	size_t count = 0;

	for (size_t i = 0; i < s->sysctl_count; i++)
		if (sysctl_is_ours(s, &s->sysctls[i]))
			keys[count++] = s->sysctls[i].key;
	*out = keys;
	return count;
}

static const struct sysctl_entry *other_needs(const struct store *s,
					      const char *key)
{
	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl_entry *entry = &s->sysctls[i];

		if (sysctl_is_here(s, entry) && !sysctl_is_ours(s, entry) &&
		    !strcmp(entry->key, key))
			return entry;
	}
	return NULL;
}

/* ROOT is needed by others, and makes NOW what it is. */
static bool gives(struct arena *arena, const struct sysctl_entry *root,
		  const struct sysctl *now, const struct state *have)
{
	struct sysctl_side *sides;
	size_t count = sysctl_sides(arena, root->key, have->links,
				    have->link_count, &sides);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(sides[i].key, now->key))
			return !strcmp(now->value,
				       sysctl_side_value(&sides[i],
							 root->ours));
	return false;
}

bool sysctls_needed(const struct store *s, struct arena *arena,
		    const struct sysctl *now, const struct state *changed,
		    const struct state *have)
{
	for (size_t i = 0; i < s->sysctl_count; i++) {
		const struct sysctl_entry *entry = &s->sysctls[i];

		if (!sysctl_is_here(s, entry) || sysctl_is_ours(s, entry))
			continue;
		if (!strcmp(entry->key, now->key) &&
		    !strcmp(entry->ours, now->value))
			return true;
		if (is_root(entry) && state_sysctl(changed, entry->key) &&
		    gives(arena, entry, now, have))
			return true;
	}
	return false;
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

		if (!sysctl_is_ours(s, entry) || is_root(entry) != roots ||
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

/* Entries under ROOT of another mesh (or of ours) become ours as well. */
static bool inherit(const struct store *s, struct sysctl_entries *list,
		    const struct sysctl *wanted, bool from_ours)
{
	bool found = false;

	for (size_t i = 0; i < s->sysctl_count; i++) {
		struct sysctl_entry entry = s->sysctls[i];

		if (!sysctl_is_here(s, &entry) ||
		    sysctl_is_ours(s, &s->sysctls[i]) != from_ours ||
		    strcmp(entry.root, wanted->key))
			continue;
		entry.mesh = s->mesh;
		if (is_root(&entry)) {
			entry.ours = wanted->value;
			found = true;
		}
		sysctl_entries_add(list, &entry);
	}
	return found;
}

static void add_side(const struct store *s, struct sysctl_entries *list,
		     const struct sysctl_side *side,
		     const struct sysctl_entry *root,
		     const struct sysctl *now)
{
	const char *back = sysctl_side_value(side, root->before);
	struct sysctl_entry entry = {
		.key = side->key, .before = now->value, .root = root->key,
		.ours = sysctl_side_value(side, root->ours),
		.mesh = s->mesh, .netns = s->here.netns,
	};

	/* Else the kernel puts it back along with the root. */
	if (strcmp(now->value, back))
		sysctl_entries_add(list, &entry);
}

/* A key that no mesh needed until now. */
static void take(const struct store *s, struct sysctl_entries *list,
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
	sysctl_entries_add(list, &root);
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

int sysctls_stage(struct store *s, struct arena *arena,
		  const struct state *want, const struct state *have,
		  struct err *e)
{
	struct sysctl_entries list = { .arena = arena };

	sysctl_entries_keep(s, &list);
	for (size_t i = 0; i < want->sysctl_count; i++) {
		const struct sysctl *wanted = &want->sysctls[i];

		if (!inherit(s, &list, wanted, true) &&
		    !inherit(s, &list, wanted, false))
			take(s, &list, wanted, want, have);
	}
	return sysctls_put(s, &list, e);
}

int sysctls_forget(struct store *s, struct err *e)
{
	const struct state nothing = { 0 };
	uint64_t writes = 0;

	if (sysctls_read(s, s->arena, e) < 0 ||
	    sysctls_stage(s, s->arena, &nothing, &nothing, e) < 0 ||
	    store_commit(s, &writes, e) < 0)
		return -1;
	return sysctls_remove_empty(s, e);
}
