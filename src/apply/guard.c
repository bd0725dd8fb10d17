/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"

#define GUARD_LIMIT ((size_t)1 << 12)
#define POLL_MS 50

struct guard {
	const char *token;
	uint32_t pid;
};

static const struct field fields[] = {
	{ "token", FIELD_STRING, offsetof(struct guard, token) },
	{ "pid", FIELD_U32, offsetof(struct guard, pid) },
};

/* One of another owner, or a link, is none. */
static int open_file(const struct store *s)
{
	if (s->run < 0)
		return -1;
	return openat(s->run, STORE_GUARD, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		      O_NONBLOCK | O_NOCTTY);
}

int guard_arm(struct store *s, struct arena *arena, const char *token,
	      struct err *e)
{
	struct guard guard = { .token = token, .pid = (uint32_t)getpid() };
	cleanup_fd int fd = -1;
	struct sbuf out;

	if (s->run < 0)
		return err_set(e, ERR_FAILED, "there is no folder for the "
			       "guard of %s", s->mesh);
	sbuf_init(&out, arena);
	header_write(&out, STORE_GUARD, &s->here);
	record_write(&out, STORE_GUARD, fields, array_size(fields), &guard);
	if (file_write(s->run, STORE_GUARD, (struct str){ out.data, out.size },
		       0600, e))
		return -1;
	fd = open_file(s);
	if (fd < 0)
		return err_sys(e, "open the guard's file");
	/* Whoever looks holds it for a moment. */
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock the guard's file");
	return fd_take(&fd);
}

void guard_leave(struct store *s)
{
	if (s->run >= 0)
		(void)unlinkat(s->run, STORE_GUARD, 0);
}

/* Of which record, by the file alone; NULL: of none. */
static const char *token_of(struct store *s, struct arena *arena)
{
	struct records r = { .arena = arena, .secrets = arena };
	struct guard guard = { 0 };
	struct identity of = { 0 };
	struct record record;
	struct err ignored;
	bool found;

	if (store_read(s->run, STORE_GUARD, GUARD_LIMIT, arena, &r.rest,
		       &found, &ignored) || !found ||
	    !header_read(&r, STORE_GUARD, &of) || !store_same_boot(s, &of) ||
	    !record_next(&r, &record) || !str_is(record.kind, STORE_GUARD) ||
	    !record_read(&r, &record, fields, array_size(fields), &guard))
		return NULL;
	return guard.token;
}

static bool is_locked(const struct store *s)
{
	cleanup_fd int fd = open_file(s);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 &&
	       errno == EWOULDBLOCK;
}

bool guard_holds(struct store *s, struct arena *arena, const char *token)
{
	size_t mark = arena_mark(arena);
	const char *of = token_of(s, arena);
	bool holds = of && !strcmp(of, token) && is_locked(s);

	arena_reset(arena, mark);
	return holds;
}

bool guard_wait(struct store *s, struct arena *arena, const char *token,
		unsigned int seconds)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };

	for (unsigned int i = 0; i < seconds * (1000 / POLL_MS); i++) {
		if (guard_holds(s, arena, token))
			return true;
		nanosleep(&poll, NULL);
	}
	return guard_holds(s, arena, token);
}
