/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was applied last, and how it gets on disk. */
#include "apply/generation.h"
#include "apply/rendered.h"
#include "apply/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/trace.h"
#include "state/firewall.h"
#include "state/state.h"
#include "state/text.h"

#define DIGEST_SIZE 32
#define DIGEST_TEXT (2 * DIGEST_SIZE + 1)

/* In this order in the list, which is renamed last. */
static const char *const names[] = {
	TEXT_WIREGUARD, TEXT_NETWORK, TEXT_FIREWALL, STORE_CANON,
};
#define NAME_COUNT array_size(names)
_Static_assert(NAME_COUNT == STORE_KEPT, "struct contents has one of each");

struct listed {
	const char *path;	/* applied/NAME */
	const char *digest;	/* BLAKE2b-256, hexadecimal */
};

static const struct field listed_fields[] = {
	{ "path", FIELD_STRING, offsetof(struct listed, path) },
	{ "digest", FIELD_STRING, offsetof(struct listed, digest) },
};

static void digest(struct str text, char out[static DIGEST_TEXT])
{
	unsigned char hash[DIGEST_SIZE];

	crypto_generichash(hash, sizeof(hash),
			   (const unsigned char *)text.data, text.size, NULL,
			   0);
	sodium_bin2hex(out, DIGEST_TEXT, hash, sizeof(hash));
}

static struct str list_of(const struct store *s, struct arena *arena,
			  const struct contents *contents)
{
	struct sbuf list;

	sbuf_init(&list, arena);
	header_write(&list, STORE_FILES, &s->here);
	for (size_t i = 0; i < NAME_COUNT; i++) {
		char text[DIGEST_TEXT];
		struct listed file = {
			.path = arena_printf(arena, "applied/%s", names[i]),
			.digest = text,
		};

		if (!contents->of[i].data)
			continue;
		digest(contents->of[i], text);
		record_write(&list, "file", listed_fields,
			     array_size(listed_fields), &file);
	}
	return (struct str){ list.data, list.size };
}

static const char *const lost = "drift cannot be told from change";

/* The index in names of "applied/NAME", or NAME_COUNT. */
static size_t name_index(const char *path)
{
	size_t i = 0;

	while (i < NAME_COUNT && (strncmp(path, "applied/", 8) ||
				  strcmp(path + 8, names[i])))
		i++;
	return i;
}

/* What the list says of the texts, where it is yet to be looked at. */
struct sums {
	const char *of[GENERATION_TEXTS];
};

static bool is_listed(struct str content, const char *sum)
{
	char text[DIGEST_TEXT];

	digest(content, text);
	return !strcmp(text, sum);
}

/*
 * Hashing takes its time: where nothing will be written, a text that is what
 * is wanted needs no proof.
 */
static bool texts_are_listed(const struct contents *contents,
			     const struct sums *sums)
{
	for (size_t i = 0; i < GENERATION_TEXTS; i++)
		if (sums->of[i] && !is_listed(contents->of[i], sums->of[i]))
			return false;
	return true;
}

/* A file that LISTED names, if it is what was written. */
static int read_listed(struct store *s, struct arena *arena,
		       const struct listed *listed, struct contents *out,
		       struct sums *sums, bool *good, struct err *e)
{
	size_t i = listed->path ? name_index(listed->path) : NAME_COUNT;
	bool found;

	*good = false;
	if (i == NAME_COUNT || out->of[i].data || !listed->digest)
		return 0;
	if (store_read(s->applied, names[i], TEXT_LIMIT, arena, &out->of[i],
		       &found, e) < 0)
		return -1;
	if (!found)
		return 0;
	if (sums && i < GENERATION_TEXTS)
		sums->of[i] = listed->digest;
	*good = (sums && i < GENERATION_TEXTS) ||
		is_listed(out->of[i], listed->digest);
	return 0;
}

static const char *torn(struct arena *arena)
{
	return arena_printf(arena, "the record of what was applied last is "
			    "torn or was edited; %s", lost);
}

/* SUMS NULL: all is looked at. */
static int read_contents(struct store *s, struct arena *arena,
			 struct str list, struct contents *out,
			 struct sums *sums, const char **note, struct err *e)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = list };
	struct identity of = { 0 };
	struct record record;
	bool good = true;

	if (header_read(&r, STORE_FILES, &of) &&
	    store_check_namespace(s, &of, "what was applied last", e) < 0)
		return -1;
	while (good && record_next(&r, &record)) {
		struct listed listed = { 0 };

		if (!str_is(record.kind, "file") ||
		    !record_read(&r, &record, listed_fields,
				 array_size(listed_fields), &listed))
			r.bad = true;
		else if (read_listed(s, arena, &listed, out, sums, &good,
				     e) < 0)
			return -1;
	}
	if (r.bad || !good)
		*note = torn(arena);
	return 0;
}

static void source_of(struct source *source, const char *name,
		      struct str text)
{
	if (text.data)
		*source = (struct source){ .name = name, .text = text };
}

/* What came from the text stays: table, text, place. */
static int take_canon(struct arena *arena, struct str canon,
		      struct firewall *f, struct err *e)
{
	struct firewall kept = { 0 };

	if (!f || !canon.data)
		return 0;
	if (firewall_unpack(arena, canon, &kept, e))
		return -1;
	kept.table = f->table;
	kept.text = f->text;
	kept.where = f->where;
	kept.compiled = true;
	*f = kept;
	return 0;
}

int store_kept_state(struct store *s, struct arena *arena,
		     const struct contents *contents, struct state *out,
		     struct err *e)
{
	struct str canon = contents->of[3];
	struct texts texts = { 0 };
	struct diags diags;

	source_of(&texts.wireguard, names[0], contents->of[0]);
	source_of(&texts.network, names[1], contents->of[1]);
	source_of(&texts.firewall, names[2], contents->of[2]);
	diags_init(&diags, arena);
	if (texts_read(arena, &texts, s->mesh, NULL, out, &diags))
		return err_set(e, ERR_DATA, "%s", diags.count ?
			       diags.items[0].message : "unknown");
	return take_canon(arena, canon, out->firewall, e);
}

static int read_kept(struct store *s, struct arena *arena,
		     struct contents *out, struct sums *sums,
		     const char **note, struct err *e)
{
	struct str list;
	bool found;

	*note = NULL;
	if (store_read(s->state, STORE_FILES, FILES_LIMIT, arena, &list,
		       &found, e) < 0)
		return -1;
	s->kept = NULL;
	s->like = NULL;
	s->kept_list = list;
	return found ? read_contents(s, arena, list, out, sums, note, e) : 0;
}

int store_kept(struct store *s, struct arena *arena, struct contents *kept,
	       struct err *e)
{
	struct contents contents = { 0 };
	const char *note;

	*kept = (struct contents){ 0 };
	if (read_kept(s, arena, &contents, NULL, &note, e) < 0)
		return -1;
	if (!note && contents.of[0].data)
		*kept = contents;
	return 0;
}

/* What is settled later, in place, or found out anew in each run. */
static bool is_settled(const struct state *want)
{
	const struct device *d = want->devices;

	if (want->device_count != 1 || d->automatic)
		return false;
	for (size_t i = 0; i < d->peer_count; i++)
		if (d->peers[i].endpoint_host)
			return false;
	for (size_t i = 0; i < want->route_count; i++)
		if (want->routes[i].automatic)
			return false;
	for (size_t i = 0; i < want->rule_count; i++)
		if (want->rules[i].automatic)
			return false;
	return true;
}

static bool same_text(struct str kept, struct str written)
{
	return !kept.data == !written.data && str_equal(kept, written);
}

/*
 * A state that would be written as what is kept is what that would be read
 * as, but for the keys, which no text holds: half of the reading is saved
 * where nothing has changed.  Else NULL.
 */
static struct state *last_is(struct arena *arena, const struct state *want,
			     const struct contents *kept, struct err *e)
{
	struct texts texts;
	struct state *last;
	struct device *d;

	if (!want || !is_settled(want))
		return NULL;
	texts_write(arena, want, &texts);
	if (!same_text(kept->of[0], texts.wireguard.text) ||
	    !same_text(kept->of[1], texts.network.text) ||
	    !same_text(kept->of[2], texts.firewall.text))
		return NULL;
	last = arena_copy(arena, want, sizeof(*want));
	d = last->devices = arena_copy(arena, want->devices, sizeof(*d));
	d->private_key = NULL;
	d->has &= ~(unsigned int)DEVICE_PRIVATE_KEY;
	memset(&d->public_key, 0, sizeof(d->public_key));
	if (!last->firewall)
		return last;
	last->firewall = arena_copy(arena, want->firewall,
				    sizeof(*want->firewall));
	return take_canon(arena, kept->of[3], last->firewall, e) ? NULL : last;
}

int store_last_like(struct store *s, struct arena *arena,
		    const struct state *want, const struct state **out,
		    const char **note, struct err *e)
{
	struct contents contents = { 0 };
	struct err failed = { 0 };
	struct sums sums = { 0 };
	struct state *last;

	*out = NULL;
	if (read_kept(s, arena, &contents, &sums, note, e) < 0)
		return -1;
	/* Nothing was wanted: a removal that did not come to its end. */
	if (*note || !contents.of[0].data)
		return 0;
	*out = last = last_is(arena, want, &contents, &failed);
	if (!last && !texts_are_listed(&contents, &sums)) {
		*note = torn(arena);
		return 0;
	}
	/* A list that does not fit is to be written anew: see is_kept(). */
	if (s->lock >= 0 && (!last || texts_are_listed(&contents, &sums))) {
		s->kept = arena_copy(arena, &contents, sizeof(contents));
		s->like = last;
	}
	if (last)
		return 0;
	last = arena_new_object(arena, struct state);
	if (store_kept_state(s, arena, &contents, last, &failed) < 0)
		*note = arena_printf(arena, "the record of what was applied "
				     "last cannot be read (%s); %s",
				     failed.text, lost);
	else
		*out = last;
	return 0;
}

int store_last(struct store *s, struct arena *arena, const struct state **out,
	       const char **note, struct err *e)
{
	return store_last_like(s, arena, NULL, out, note, e);
}

static bool contents_equal(const struct contents *a, const struct contents *b)
{
	for (size_t i = 0; i < NAME_COUNT; i++)
		if (!a->of[i].data != !b->of[i].data ||
		    !str_equal(a->of[i], b->of[i]))
			return false;
	return true;
}

/*
 * Is this what was read?  Nobody else has written since, by the lock, and the
 * list has been found to fit: nothing is read or hashed again.
 */
static bool is_kept(const struct store *s, struct arena *arena,
		    const struct contents *contents)
{
	struct sbuf header;

	if (!s->kept || s->staged_count)
		return false;
	sbuf_init(&header, arena);
	header_write(&header, STORE_FILES, &s->here);
	return str_starts(s->kept_list, header.data) &&
	       contents_equal(s->kept, contents);
}

static bool sysctls_equal(const struct state *a, const struct state *b)
{
	if (a->sysctl_count != b->sysctl_count)
		return false;
	for (size_t i = 0; i < a->sysctl_count; i++)
		if (strcmp(a->sysctls[i].key, b->sysctls[i].key) != 0 ||
		    strcmp(a->sysctls[i].value, b->sysctls[i].value) != 0)
			return false;
	return true;
}

/*
 * Would WANT still be written as what was read?  It was when last_is() looked
 * at it, and settling it has changed nothing since but what is compared here:
 * is_settled() tells what it changes in the arrays.
 */
static bool is_like(const struct store *s, const struct state *want)
{
	const struct state *like = s->like;
	const struct device *a = want->devices, *b;

	if (!s->kept || !like || want->device_count != 1)
		return false;
	b = like->devices;
	return !strcmp(want->mesh, like->mesh) &&
	       !strcmp(a->name, b->name) && !strcmp(a->vrf, b->vrf) &&
	       a->private_key_file == b->private_key_file &&
	       a->peers == b->peers && a->peer_count == b->peer_count &&
	       a->addresses == b->addresses &&
	       a->address_count == b->address_count &&
	       a->listen_port == b->listen_port && a->fwmark == b->fwmark &&
	       a->mtu == b->mtu && a->automatic == b->automatic &&
	       !((a->has ^ b->has) & ~(unsigned int)DEVICE_PRIVATE_KEY) &&
	       want->routes == like->routes &&
	       want->route_count == like->route_count &&
	       want->rules == like->rules &&
	       want->rule_count == like->rule_count &&
	       sysctls_equal(want, like);
}

static int stage_contents(struct store *s, struct arena *arena,
			  const struct contents *contents, struct err *e)
{
	if (is_kept(s, arena, contents))
		return 0;
	for (size_t i = 0; i < NAME_COUNT; i++)
		if (contents->of[i].data &&
		    store_stage(s, arena, s->applied, names[i],
				contents->of[i], 0644, e) < 0)
			return -1;
	return store_stage(s, arena, s->state, STORE_FILES,
			   list_of(s, arena, contents), 0644, e);
}

int store_stage_rendered(struct store *s, struct arena *arena,
			 const struct rendered *rendered, struct err *e)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	rendered_write(&out, rendered);
	return store_stage(s, arena, s->state, STORE_RENDERED,
			   (struct str){ out.data, out.size }, 0600, e);
}

int store_stage_applied(struct store *s, struct arena *arena,
			const struct state *want, struct err *e)
{
	struct contents contents = { 0 };
	struct texts texts = { 0 };

	s->contents = NULL;
	if (is_like(s, want)) {
		contents.of[0] = s->kept->of[0];
		contents.of[1] = s->kept->of[1];
	} else {
		texts_write(arena, want, &texts);
		contents.of[0] = texts.wireguard.text;
		contents.of[1] = texts.network.text;
	}
	if (want->firewall) {
		contents.of[2] = want->firewall->text;
		/* The live table will be equal, or the run fails. */
		if (want->firewall->compiled)
			contents.of[3] = firewall_pack(arena, want->firewall);
	}
	s->contents = arena_copy(arena, &contents, sizeof(contents));
	return stage_contents(s, arena, s->contents, e);
}

void store_staged_texts(const struct store *s,
			struct str out[static GENERATION_TEXTS])
{
	for (size_t i = 0; i < GENERATION_TEXTS; i++)
		out[i] = s->contents ? s->contents->of[i] : (struct str){ 0 };
}

int store_stage_canon(struct store *s, struct arena *arena,
		      const struct firewall *live, struct err *e)
{
	struct str canon;

	if (!s->contents || !live || !s->contents->of[2].data)
		return 0;
	canon = firewall_pack(arena, live);
	if (str_equal(canon, s->contents->of[3]))
		return 0;
	s->contents->of[3] = canon;
	return stage_contents(s, arena, s->contents, e);
}

int store_commit(struct store *s, uint64_t *writes, struct err *e)
{
	if (s->staged_count)
		s->kept = NULL;
	if (store_staged_commit(s, writes, e) < 0)
		return -1;
	/* The list does not name them any more: of no harm if they stay. */
	for (size_t i = 0; s->contents && i < NAME_COUNT; i++) {
		if (s->contents->of[i].data)
			continue;
		trace_place(s->applied, names[i], 0);
		if (!faccessat(s->applied, names[i], F_OK,
			       AT_SYMLINK_NOFOLLOW) &&
		    !unlinkat(s->applied, names[i], 0))
			++*writes;
	}
	generations_prune(s);
	store_abandon(s);
	return 0;
}

static int remove_kept(struct store *s, struct err *e)
{
	s->kept = NULL;
	if (s->state >= 0 && file_remove(s->state, STORE_FILES, e) < 0)
		return -1;
	for (size_t i = 0; s->applied >= 0 && i < NAME_COUNT; i++)
		if (file_remove(s->applied, names[i], e) < 0)
			return -1;
	return 0;
}

int store_kept_put(struct store *s, struct arena *arena,
		   const struct contents *kept, uint64_t *writes,
		   struct err *e)
{
	store_abandon(s);
	if (!kept->of[0].data)
		return remove_kept(s, e);
	s->contents = arena_copy(arena, kept, sizeof(*kept));
	if (!stage_contents(s, arena, s->contents, e))
		return store_commit(s, writes, e);
	store_abandon(s);
	return -1;
}

void store_leave(struct store *s)
{
	s->staged_count = 0;
	store_abandon(s);
}

void store_abandon(struct store *s)
{
	store_staged_abandon(s);
	s->contents = NULL;
	s->pruned_count = 0;
	sysctls_unlock(s);
}

static int forget_folder(int at, const char *name, struct err *e)
{
	if (at < 0 || !unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT ||
	    errno == ENOTEMPTY || errno == EEXIST)
		return 0;
	/* The folder around it may be root's, and this one stays empty. */
	return errno == EACCES || errno == EPERM ? 0 :
	       err_sys(e, "remove the folder %s", name);
}

int store_forget(struct store *s, struct err *e)
{
	static const char *const run_names[] = {
		"sample", STORE_SEAL, JOURNAL_BAD, VERIFIED_BAD, STORE_LOCK,
	};
	cleanup_fd int run = -1;

	store_abandon(s);
	if (sysctls_forget(s, e) < 0 || remove_kept(s, e) < 0 ||
	    pending_forget_aside(s->root, s->mesh, e) < 0)
		return -1;
	if (s->state >= 0 && (file_remove(s->state, STORE_SETTLED, e) < 0 ||
			      file_remove(s->state, STORE_RENDERED, e) < 0 ||
			      file_remove(s->state, STORE_TRUST, e) < 0))
		return -1;
	if (generations_forget(s, e) < 0 ||
	    forget_folder(s->state, STORE_GENERATIONS, e) < 0 ||
	    forget_folder(s->state, "applied", e) < 0 ||
	    forget_folder(s->base, s->mesh, e) < 0)
		return -1;
	for (size_t i = 0; s->run >= 0 && i < array_size(run_names); i++)
		if (file_remove(s->run, run_names[i], e) < 0)
			return -1;
	if (s->run < 0)
		return 0;
	run = openat(s->run, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return forget_folder(run, s->mesh, e);
}

bool store_is_forgotten(const struct store *s)
{
	/* The list is the first that goes. */
	return s->state < 0 ||
	       (faccessat(s->state, STORE_FILES, F_OK, AT_SYMLINK_NOFOLLOW) &&
		errno == ENOENT);
}
