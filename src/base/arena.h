/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory: linear arenas, freed at once.  One serves a run, a second one,
 * locked and zeroed at its end, holds secrets and the buffers that WireGuard
 * dumps land in.  An arena is a reserved range of addresses that is committed
 * as it is used, so what it gives never moves.
 *
 * Running out ends the program (abort): that is no error path.  Apply
 * reserves with arena_populate() before its first write and stays within.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* A run has up to four arenas at a time: there must be room for all. */
#define ARENA_MOST (sizeof(void *) > 4 ? UINT64_MAX / 2 : (uint64_t)1 << 29)

/*
 * SIZE is address space in bytes, not memory; with 32-bit addresses it is cut
 * to ARENA_MOST.  Never NULL.
 */
struct arena *arena_new(uint64_t size);
/*
 * The same for secrets: locked as far as RLIMIT_MEMLOCK lets, not dumped.  A
 * child that is forked finds zeroes in its place, and makes its own.
 */
struct arena *arena_new_secret(uint64_t size);
/* NULL is fine.  A secret arena is zeroed first. */
void arena_free(struct arena *arena);
void arena_freep(struct arena **arena);
bool arena_is_secret(const struct arena *arena);

/* Zeroed, aligned for any type; SIZE 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((returns_nonnull, malloc));
/* COUNT objects of SIZE bytes; overflow ends the program. */
void *arena_calloc(struct arena *arena, size_t count, size_t size)
	__attribute__((returns_nonnull, malloc));
void *arena_copy(struct arena *arena, const void *data, size_t size);
/*
 * DATA of SIZE bytes made WANTED bytes long, what is new zeroed: where it
 * stands, if nothing was allocated since, else as a copy.
 */
void *arena_grow(struct arena *arena, void *data, size_t size, size_t wanted);
/* Give back what is behind the first WANTED bytes, if it was allocated last. */
void arena_shrink(struct arena *arena, void *data, size_t size, size_t wanted);
char *arena_strdup(struct arena *arena, const char *string);
char *arena_strndup(struct arena *arena, const char *data, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...)
	printf_(2, 3);

/* Commit and touch the next SIZE bytes: 0, or -1 if memory is short. */
int arena_populate(struct arena *arena, size_t size) must_check_;
size_t arena_used(const struct arena *arena);

/* Give back everything allocated since the mark was taken. */
size_t arena_mark(const struct arena *arena);
void arena_reset(struct arena *arena, size_t mark);

#define arena_new_object(arena, type) \
	((type *)arena_alloc(arena, sizeof(type)))
#define arena_new_array(arena, type, count) \
	((type *)arena_calloc(arena, count, sizeof(type)))

/*
 * Grow an array kept as ITEMS, COUNT and CAPACITY so that one more fits:
 * arena_room(a, &v->items, v->count, &v->capacity, sizeof(*v->items)).
 * Capacity doubles; an old place is not given back (arena_grow()).
 */
void arena_room(struct arena *arena, void *items, size_t count,
		size_t *capacity, size_t size);
