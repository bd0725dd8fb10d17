/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/libc.h"
#include "base/str.h"

#ifdef SANITIZED
#include <sanitizer/asan_interface.h>
#define RED_ZONE 16	/* between two allocations, so that overruns are seen */
#else
#define RED_ZONE 0
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

#define ALIGNMENT _Alignof(max_align_t)
/* Committed at once.  Small for secrets: RLIMIT_MEMLOCK is soon used up. */
#define CHUNK ((size_t)1 << 20)
#define CHUNK_SECRET ((size_t)1 << 16)

/* It stands at the start of its own range; offsets count from there. */
struct arena {
	size_t size;		/* the whole range */
	size_t committed;	/* readable and writable up to here */
	size_t used;
	size_t touched;		/* from here on all bytes are zero still */
	bool secret;
};

#define HEADER ((sizeof(struct arena) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

static noreturn_ void out_of_memory(void)
{
	static const char message[] = "meshapply: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

	(void)ignored;
	abort();
}

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static char *at(const struct arena *arena, size_t offset)
{
	return (char *)(uintptr_t)arena + offset;
}

/* Make [0, END) usable.  END is within the range. */
static int commit(struct arena *arena, size_t end)
{
	size_t chunk = arena->secret ? CHUNK_SECRET : CHUNK;
	size_t from = arena->committed, size;

	if (end <= from)
		return 0;
	size = round_up(end - from, chunk);
	if (size > arena->size - from)
		size = arena->size - from;
	if (mprotect(at(arena, from), size, PROT_READ | PROT_WRITE) < 0)
		return -1;
	/* As far as the limit lets; a swapped secret is the lesser evil. */
	if (arena->secret)
		(void)mlock(at(arena, from), size);
	ASAN_POISON_MEMORY_REGION(at(arena, from), size);
	arena->committed = from + size;
	return 0;
}

static struct arena *arena_make(uint64_t wanted, bool secret)
{
	size_t chunk = secret ? CHUNK_SECRET : CHUNK;
	struct arena *arena;
	size_t size;

	if (wanted > ARENA_MOST)
		wanted = ARENA_MOST;
	size = round_up((size_t)wanted + HEADER, CHUNK);
	/* PROT_NONE is not counted where overcommit is off, RW would be. */
	arena = mmap(NULL, size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		out_of_memory();
	if (secret) {
		(void)madvise(arena, size, MADV_DONTDUMP);
		/* A child would hold a copy, which is not even locked. */
		(void)madvise(arena, size, MADV_WIPEONFORK);
	}
	if (mprotect(arena, chunk, PROT_READ | PROT_WRITE) < 0)
		out_of_memory();
	if (secret)
		(void)mlock(arena, chunk);
	*arena = (struct arena){
		.size = size, .committed = chunk, .used = HEADER,
		.touched = HEADER, .secret = secret,
	};
	ASAN_POISON_MEMORY_REGION(at(arena, HEADER), chunk - HEADER);
	return arena;
}

struct arena *arena_new(uint64_t size)
{
	return arena_make(size, false);
}

struct arena *arena_new_secret(uint64_t size)
{
	return arena_make(size, true);
}

void arena_free(struct arena *arena)
{
	size_t size;

	if (!arena)
		return;
	size = arena->size;
	arena_reset(arena, HEADER);
	/* The range may be somebody else's next. */
	ASAN_UNPOISON_MEMORY_REGION(arena, arena->committed);
	munmap(arena, size);
}

bool arena_is_secret(const struct arena *arena)
{
	return arena->secret;
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
	*arena = NULL;
}

/* SIZE bytes from START on, up to which all is used. */
static char *take(struct arena *arena, size_t start, size_t size)
{
	char *data;
	size_t end;

	if (start > arena->size || size > arena->size - start)
		out_of_memory();
	end = start + size;
	if (commit(arena, end) < 0)
		out_of_memory();
	data = at(arena, start);
	ASAN_UNPOISON_MEMORY_REGION(data, size);
	if (start < arena->touched)
		memset(data, 0, (end < arena->touched ? end : arena->touched) -
				start);
	if (end > arena->touched)
		arena->touched = end;
	arena->used = end;
	return data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return take(arena, round_up(arena->used + RED_ZONE, ALIGNMENT), size);
}

void *arena_grow(struct arena *arena, void *data, size_t size, size_t wanted)
{
	void *copy;

	if ((char *)data + size == at(arena, arena->used)) {
		take(arena, arena->used, wanted - size);
		return data;
	}
	copy = arena_alloc(arena, wanted);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

void arena_shrink(struct arena *arena, void *data, size_t size, size_t wanted)
{
	if ((char *)data + size == at(arena, arena->used))
		arena_reset(arena, arena->used - (size - wanted));
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *string)
{
	return arena_strndup(arena, string, strlen(string));
}

char *arena_strndup(struct arena *arena, const char *data, size_t size)
{
	char *copy;

	if (size == SIZE_MAX)
		out_of_memory();
	copy = arena_alloc(arena, size + 1);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char start[128];
	va_list args;
	int length;
	char *text;

	va_start(args, format);
	length = text_format(start, sizeof(start), format, args);
	va_end(args);
	if (length < 0)
		return arena_alloc(arena, 1);
	text = arena_alloc(arena, (size_t)length + 1);
	if ((size_t)length < sizeof(start)) {
		memcpy(text, start, (size_t)length);
	} else {
		va_start(args, format);
		text_format(text, (size_t)length + 1, format, args);
		va_end(args);
	}
	if (arena->secret)
		explicit_bzero(start, sizeof(start));
	return text;
}

/* Kernels before 5.14 cannot populate by advice. */
__attribute__((no_sanitize("address")))
static void touch(struct arena *arena, size_t start, size_t end)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t o = start; o < end; o = (o / page + 1) * page)
		*(volatile char *)at(arena, o) = 0;
}

int arena_populate(struct arena *arena, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), end, start;

	if (size > arena->size - arena->used)
		return -1;
	end = arena->used + size;
	if (commit(arena, end) < 0)
		return -1;
	start = arena->used / page * page;
	if (!madvise(at(arena, start), round_up(end, page) - start,
		     MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -1;
	touch(arena, arena->used, end);
	return 0;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

size_t arena_mark(const struct arena *arena)
{
	return arena->used;
}

void arena_reset(struct arena *arena, size_t mark)
{
	size_t size;

	if (mark < HEADER || mark > arena->used)
		abort();
	size = arena->used - mark;
	if (arena->secret) {
		ASAN_UNPOISON_MEMORY_REGION(at(arena, mark), size);
		explicit_bzero(at(arena, mark), size);
		arena->touched = mark;
	}
	ASAN_POISON_MEMORY_REGION(at(arena, mark), size);
	arena->used = mark;
}

void arena_room(struct arena *arena, void *items, size_t count,
		size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity : 4, bytes;
	void *old, *place;

	if (count < *capacity)
		return;
	if (__builtin_mul_overflow(wanted, 2, &wanted))
		out_of_memory();
	/* ITEMS points to a pointer of any type: only its bytes are known. */
	memcpy(&old, items, sizeof(old));
	if (__builtin_mul_overflow(wanted, size, &bytes))
		out_of_memory();
	place = *capacity ? arena_grow(arena, old, *capacity * size, bytes) :
		arena_alloc(arena, bytes);
	memcpy(items, &place, sizeof(place));
	*capacity = wanted;
}
