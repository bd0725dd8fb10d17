/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of what is pending, as bytes and in their folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "apply/pending_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/value.h"

#define FOLDER "meshapply/.pending"
#define SETTLED_LIMIT ((size_t)1 << 16)

#define HEAD(name, kind, member) \
	{ name, kind, offsetof(struct pending, member) }
#define SIZE(name, member) \
	{ name, FIELD_U64, offsetof(struct sizes, member) }
#define SETTLED(name, kind, member) \
	{ name, kind, offsetof(struct settled_line, member) }

static const struct field head_fields[] = {
	HEAD("deadline", FIELD_U64, deadline),
	HEAD("until", FIELD_U64, until),
	HEAD("seconds", FIELD_U32, seconds),
	HEAD("token", FIELD_STRING, token),
	HEAD("by", FIELD_STRING, by),
	HEAD("baseline", FIELD_STRING, baseline),
	HEAD("generation-before", FIELD_U64, generation_before),
	HEAD("pass", FIELD_STRING, pass),
	HEAD("netns", FIELD_STRING, netns),
	HEAD("elsewhere", FIELD_BOOL, elsewhere),
	HEAD("inner", FIELD_BOOL, inner),
	HEAD("forget", FIELD_BOOL, forget),
};

/* Of the blobs that follow the line, in this order; one more than they have,
   for one that is not there is not an empty one. */
struct sizes {
	uint64_t kept[STORE_KEPT];
	uint64_t sysctls;
};

static const struct field size_fields[] = {
	SIZE("wireguard", kept[0]),
	SIZE("network", kept[1]),
	SIZE("firewall", kept[2]),
	SIZE("canon", kept[3]),
	SIZE("sysctls", sysctls),
};

struct settled_line {
	uint64_t time;
	const char *token;
	const char *why;
	bool confirmed;
};

static const struct field settled_fields[] = {
	SETTLED("time", FIELD_U64, time),
	SETTLED("token", FIELD_STRING, token),
	SETTLED("why", FIELD_STRING, why),
	SETTLED("confirmed", FIELD_BOOL, confirmed),
};

uint64_t pending_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

bool pending_overdue(const struct pending *p)
{
	return !p->same_boot || pending_now() >= p->deadline;
}

/* Neither l nor o, 0 nor 1: they are told by mouth. */
bool pending_is_token(const char *text)
{
	size_t i = 0;

	for (; text[i]; i++) {
		char c = text[i];

		if (i == 4 ? c != '-' : !((c >= 'a' && c <= 'z') ||
					  (c >= '2' && c <= '9')))
			return false;
	}
	return i == PENDING_TOKEN_MAX - 1;
}

static uint64_t size_of(struct str blob)
{
	return blob.data ? blob.size + 1 : 0;
}

static void blob_write(struct sbuf *out, struct str blob)
{
	if (!blob.data)
		return;
	sbuf_str(out, blob);
	sbuf_putc(out, '\n');
}

void pending_write(struct sbuf *out, const struct identity *here,
		   const struct pending_record *p)
{
	struct sizes sizes = { .sysctls = size_of(p->sysctls) };

	header_write(out, "pending", here);
	record_write(out, "head", head_fields, array_size(head_fields),
		     &p->head);
	for (size_t i = 0; i < STORE_KEPT; i++)
		sizes.kept[i] = size_of(p->kept.of[i]);
	record_write(out, "kept", size_fields, array_size(size_fields),
		     &sizes);
	for (size_t i = 0; i < STORE_KEPT; i++)
		blob_write(out, p->kept.of[i]);
	blob_write(out, p->sysctls);
	journal_body(out, &p->journal);
}

bool pending_head(struct records *r, struct identity *of, struct pending *out)
{
	struct record record;

	memset(out, 0, sizeof(*out));
	if (!header_read(r, "pending", of))
		return false;
	if (!record_next(r, &record) || !str_is(record.kind, "head") ||
	    !record_read(r, &record, head_fields, array_size(head_fields),
			 out) ||
	    !out->deadline || !out->until || !out->token ||
	    !pending_is_token(out->token) || !out->seconds ||
	    out->seconds > PENDING_SECONDS_MAX)
		r->bad = true;
	return !r->bad;
}

static bool blob_read(struct records *r, uint64_t size, struct str *out)
{
	*out = (struct str){ 0 };
	return !size || record_raw(r, (size_t)size - 1, out);
}

bool pending_rest(struct records *r, const char *mesh,
		  struct pending_record *out)
{
	struct sizes sizes = { 0 };
	struct record record;

	if (!record_next(r, &record) || !str_is(record.kind, "kept") ||
	    !record_read(r, &record, size_fields, array_size(size_fields),
			 &sizes)) {
		r->bad = true;
		return false;
	}
	for (size_t i = 0; i < STORE_KEPT; i++)
		if (!blob_read(r, sizes.kept[i], &out->kept.of[i]))
			return false;
	return blob_read(r, sizes.sysctls, &out->sysctls) &&
	       journal_lines(r, mesh, &out->journal);
}

static int open_folder(const char *root, bool create, struct err *e)
{
	char top[4096];

	if ((size_t)snprintf(top, sizeof(top), "%s/var/lib", root) >=
	    sizeof(top))
		return err_set(e, ERR_USAGE, "--root is too long");
	return folder_open(top, FOLDER, create, 0700, e);
}

int pending_folder(const char *root, struct err *e)
{
	return open_folder(root, false, e);
}

static int bad(const struct store *s, struct err *e)
{
	return err_refuse(e, "pending", "the record of what is pending of %s "
			  "is not as it was written", s->mesh);
}

static int read_record(struct store *s, struct arena *secrets, struct str *out,
		       bool *found, struct err *e)
{
	struct err failed = { 0 };
	cleanup_fd int folder = pending_folder(s->root, &failed);

	*found = false;
	if (folder < 0 && failed.kind == ERR_NO_INPUT)
		return 0;
	if (folder < 0) {
		*e = failed;
		return -1;
	}
	if (!store_read(folder, s->mesh, PENDING_LIMIT, secrets, out, found,
			&failed))
		return 0;
	if (failed.kind == ERR_DATA || failed.kind == ERR_CONFIG)
		return bad(s, e);
	*e = failed;
	return -1;
}

static void look_at(const struct store *s, const struct identity *of,
		    struct pending *p)
{
	p->same_boot = !store_is_past(s, of);
	p->here = store_is_here(s, of);
}

int pending_read(struct store *s, struct arena *arena, struct arena *secrets,
		 const struct pending **out, struct err *e)
{
	struct records r = { .arena = arena, .secrets = secrets };
	struct pending *p = arena_new_object(arena, struct pending);
	size_t mark = arena_mark(secrets);
	struct identity of = { 0 };
	bool found;

	*out = NULL;
	if (read_record(s, secrets, &r.rest, &found, e))
		return -1;
	if (!found)
		return 0;
	if (!pending_head(&r, &of, p)) {
		arena_reset(secrets, mark);
		return bad(s, e);
	}
	arena_reset(secrets, mark);
	look_at(s, &of, p);
	*out = p;
	return 0;
}

int pending_load(struct store *s, struct arena *arena, struct arena *secrets,
		 struct pending_record **out, struct err *e)
{
	struct pending_record *p = arena_new_object(arena,
						    struct pending_record);
	struct records r = { .arena = arena, .secrets = secrets };
	struct identity of = { 0 };
	bool found;

	*out = NULL;
	if (read_record(s, secrets, &r.rest, &found, e))
		return -1;
	if (!found)
		return 0;
	if (!pending_head(&r, &of, &p->head) ||
	    !pending_rest(&r, s->mesh, p))
		return bad(s, e);
	look_at(s, &of, &p->head);
	*out = p;
	return 0;
}

bool pending_exists(struct store *s)
{
	struct err ignored;
	cleanup_fd int folder = pending_folder(s->root, &ignored);
	struct stat st;

	return folder >= 0 &&
	       !fstatat(folder, s->mesh, &st, AT_SYMLINK_NOFOLLOW);
}

int pending_names(const char *root, struct arena *arena, const char ***names,
		  size_t *count, struct err *e)
{
	struct err failed = { 0 };
	cleanup_fd int folder = pending_folder(root, &failed);
	size_t capacity = 0;
	struct dirent *entry;
	DIR *dir;

	*names = NULL;
	*count = 0;
	if (folder < 0 && failed.kind == ERR_NO_INPUT)
		return 0;
	if (folder < 0) {
		*e = failed;
		return -1;
	}
	dir = folder_list(folder);
	if (!dir)
		return err_sys(e, "read the folder of what is pending");
	while ((entry = readdir(dir))) {
		if (!mesh_name_valid(str_of(entry->d_name)))
			continue;
		arena_room(arena, names, *count, &capacity, sizeof(**names));
		(*names)[(*count)++] = arena_strdup(arena, entry->d_name);
	}
	closedir(dir);
	*count = words_sort(*names, *count);
	return 0;
}

/*
 * What is in the folder is to be guarded, so a record is made elsewhere: what
 * a killed run leaves of it is swept there.
 */
int pending_store(struct store *s, struct str content, struct err *e)
{
	cleanup_fd int folder = open_folder(s->root, true, e);
	struct staged_file staged = { 0 };

	if (folder < 0 ||
	    file_stage(&staged, s->state, s->mesh, content, 0600, e) ||
	    file_commit_to(&staged, folder, e)) {
		file_abandon(&staged);
		return err_wrap(e, "write down what is pending");
	}
	return 0;
}

int pending_remove(struct store *s, struct err *e)
{
	struct err failed = { 0 };
	cleanup_fd int folder = pending_folder(s->root, &failed);

	if (folder < 0 && failed.kind == ERR_NO_INPUT)
		return 0;
	if (folder >= 0)
		return file_remove(folder, s->mesh, e);
	*e = failed;
	return -1;
}

int settled_write(struct store *s, struct arena *arena,
		  const struct settled *settled, struct err *e)
{
	struct settled_line line = {
		.time = (uint64_t)settled->time, .token = settled->token,
		.why = settled->why,
		.confirmed = settled->how == SETTLED_CONFIRMED,
	};
	struct sbuf out;

	if (s->state < 0)
		return 0;
	sbuf_init(&out, arena);
	header_write(&out, STORE_SETTLED, &s->here);
	record_write(&out, "settled", settled_fields,
		     array_size(settled_fields), &line);
	return file_write(s->state, STORE_SETTLED,
			  (struct str){ out.data, out.size }, 0644, e);
}

int settled_forget(struct store *s, struct err *e)
{
	return s->state < 0 ? 0 : file_remove(s->state, STORE_SETTLED, e);
}

void pending_settled(struct store *s, struct arena *arena,
		     struct settled *out)
{
	struct records r = { .arena = arena, .secrets = arena };
	struct settled_line line = { 0 };
	struct identity of = { 0 };
	struct record record;
	struct err ignored;
	bool found;

	*out = (struct settled){ .how = SETTLED_UNKNOWN };
	if (store_read(s->state, STORE_SETTLED, SETTLED_LIMIT, arena, &r.rest,
		       &found, &ignored) || !found)
		return;
	if (!header_read(&r, STORE_SETTLED, &of) ||
	    !record_next(&r, &record) || !str_is(record.kind, "settled") ||
	    !record_read(&r, &record, settled_fields,
			 array_size(settled_fields), &line) ||
	    !line.token || !line.time)
		return;
	*out = (struct settled){
		.how = line.confirmed ? SETTLED_CONFIRMED :
					SETTLED_ROLLED_BACK,
		.token = line.token, .time = (int64_t)line.time,
		.why = line.why,
	};
}
