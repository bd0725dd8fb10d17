/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of generations: which are there, the next one, the oldest. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/generation_private.h"
#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/text.h"

/* Three texts and a few lines. */
#define GENERATION_LIMIT (GENERATION_TEXTS * (size_t)TEXT_LIMIT + (1 << 20))
#define NAME_SIZE 24

/* enum generation_state, a bit each */
#define STATE(state) (1u << (state))
#define APPLIED STATE(GENERATION_APPLIED)
#define STANDING (APPLIED | STATE(GENERATION_PENDING))
#define ANY (STANDING | STATE(GENERATION_ROLLED_BACK))

struct numbers {
	uint64_t *items;	/* ascending */
	size_t count, capacity;
};

static const char *path_of(const struct store *s)
{
	return arena_printf(s->arena, "meshapply/%s/" STORE_GENERATIONS,
			    s->mesh);
}

/* Opened by the first who asks. */
int generations_open(struct store *s, bool create, struct err *e)
{
	return s->generations >= 0 ? 0 :
		store_folder(s, "/var/lib", path_of(s), create,
			     MADE_GENERATIONS, &s->generations, e);
}

static char *name_of(uint64_t number, char out[static NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%llu", (unsigned long long)number);
	return out;
}

/* A name as name_of() writes it. */
static bool number_of(const char *name, uint64_t *out)
{
	return name[0] != '0' &&
		!str_uint(str_of(name), GENERATION_NUMBER_MAX, out);
}

static int number_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int find_numbers(struct store *s, struct arena *arena,
			struct numbers *out, struct err *e)
{
	struct dirent *entry;
	DIR *folder;

	*out = (struct numbers){ 0 };
	if (generations_open(s, false, e))
		return -1;
	if (s->generations < 0)
		return 0;
	folder = folder_list(s->generations);
	if (!folder)
		return err_sys(e, "read the folder " STORE_GENERATIONS);
	while ((entry = readdir(folder))) {
		uint64_t number;

		if (!number_of(entry->d_name, &number))
			continue;
		arena_room(arena, &out->items, out->count, &out->capacity,
			   sizeof(*out->items));
		out->items[out->count++] = number;
	}
	closedir(folder);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items),
		      number_compare);
	return 0;
}

int generation_next(struct store *s, struct arena *arena, uint64_t *out,
		    struct err *e)
{
	struct numbers numbers;

	if (find_numbers(s, arena, &numbers, e))
		return -1;
	*out = numbers.count ? numbers.items[numbers.count - 1] + 1 : 1;
	if (*out > GENERATION_NUMBER_MAX)
		return err_set(e, ERR_CONFIG, "%s/var/lib/%s: there is no "
			       "number after %llu: remove that file", s->root,
			       path_of(s), (unsigned long long)(*out - 1));
	return 0;
}

static int read_one(struct store *s, struct arena *arena, uint64_t number,
		    struct identity *of, struct generation *out,
		    struct err *e)
{
	struct records r = { .arena = arena, .secrets = arena };
	char name[NAME_SIZE];
	bool found;

	if (generations_open(s, false, e) ||
	    store_read(s->generations, name_of(number, name), GENERATION_LIMIT,
		       arena, &r.rest, &found, e))
		return -1;
	if (!found)
		return err_set(e, ERR_NO_INPUT, "there is no generation %s of "
			       "%s: meshapply history %s lists them", name,
			       s->mesh, s->mesh);
	if (!generation_parse(&r, of, out) || out->number != number)
		return err_set(e, ERR_DATA, "generation %s of %s: line %zu of "
			       "its file is not as it was written", name,
			       s->mesh, r.line);
	return 0;
}

int generation_read(struct store *s, struct arena *arena, uint64_t number,
		    const struct generation **out, struct err *e)
{
	struct generation *g = arena_new_object(arena, struct generation);
	struct identity of = { 0 };

	if (read_one(s, arena, number, &of, g, e))
		return -1;
	*out = g;
	return 0;
}

/* What is torn, no file, or gone by now is as if it were lost. */
static bool is_lost(const struct err *e)
{
	return e->kind == ERR_DATA || e->kind == ERR_NO_INPUT ||
		e->kind == ERR_CONFIG;
}

/* The newest whose state is among STATES. */
static int find_newest(struct store *s, struct arena *arena,
		       unsigned int states, const struct generation **out,
		       struct err *e)
{
	struct numbers numbers;

	*out = NULL;
	if (find_numbers(s, arena, &numbers, e))
		return -1;
	for (size_t i = numbers.count; i; i--) {
		size_t mark = arena_mark(arena);
		struct err failed = { 0 };

		if (generation_read(s, arena, numbers.items[i - 1], out,
				    &failed)) {
			if (!is_lost(&failed)) {
				*e = failed;
				return -1;
			}
		} else if (states & STATE((*out)->state)) {
			return 0;
		}
		*out = NULL;
		arena_reset(arena, mark);
	}
	return 0;
}

int generation_newest(struct store *s, struct arena *arena,
		      const struct generation **out, struct err *e)
{
	return find_newest(s, arena, ANY, out, e);
}

int generation_standing(struct store *s, struct arena *arena,
			const struct generation **out, struct err *e)
{
	return find_newest(s, arena, STANDING, out, e);
}

int generation_applied(struct store *s, struct arena *arena,
		       const struct generation **out, struct err *e)
{
	return find_newest(s, arena, APPLIED, out, e);
}

int generation_list(struct store *s, struct arena *arena,
		    struct generations *out, struct err *e)
{
	struct numbers numbers;

	*out = (struct generations){ 0 };
	if (find_numbers(s, arena, &numbers, e))
		return -1;
	out->items = arena_new_array(arena, const struct generation *,
				     numbers.count);
	for (size_t i = 0; i < numbers.count; i++) {
		struct err failed = { 0 };

		if (!generation_read(s, arena, numbers.items[i],
				     &out->items[out->count], &failed)) {
			out->count++;
			continue;
		}
		if (!is_lost(&failed)) {
			*e = failed;
			return -1;
		}
		out->unread += failed.kind != ERR_NO_INPUT;
	}
	return 0;
}

/*
 * The oldest, once G is there too; what a rollback would go back to stays.
 * Chosen before the first write to the kernel, for this allocates.
 */
static int choose_pruned(struct store *s, struct arena *arena,
			 const struct generation *g, struct err *e)
{
	const struct generation *kept = g;
	struct numbers numbers;
	size_t count;

	s->pruned_count = 0;
	if (find_numbers(s, arena, &numbers, e))
		return -1;
	if (numbers.count < GENERATIONS_KEPT)
		return 0;
	if (g->state != GENERATION_APPLIED &&
	    generation_applied(s, arena, &kept, e))
		return -1;
	count = numbers.count - (GENERATIONS_KEPT - 1);
	for (size_t i = 0; s->pruned_count < count && i < numbers.count; i++)
		if (!kept || numbers.items[i] != kept->number)
			numbers.items[s->pruned_count++] = numbers.items[i];
	s->pruned = numbers.items;
	return 0;
}

int generation_stage(struct store *s, struct arena *arena,
		     const struct generation *g, struct err *e)
{
	char name[NAME_SIZE];
	struct sbuf out;

	if (generations_open(s, s->create, e) || choose_pruned(s, arena, g, e))
		return -1;
	sbuf_init(&out, arena);
	generation_write(&out, &s->here, g);
	if (store_stage(s, arena, s->generations, name_of(g->number, name),
			(struct str){ out.data, out.size }, 0644, e))
		return err_wrap(e, "keep generation %s", name);
	return 0;
}

int generation_mark(struct store *s, uint64_t number,
		    enum generation_state state, struct err *e)
{
	size_t mark = arena_mark(s->arena);
	struct identity of = { 0 };
	struct generation g = { 0 };
	char name[NAME_SIZE];
	struct sbuf out;
	int status;

	status = read_one(s, s->arena, number, &of, &g, e);
	if (!status && g.state != state) {
		g.state = state;
		sbuf_init(&out, s->arena);
		generation_write(&out, &of, &g);
		status = file_write(s->generations, name_of(number, name),
				    (struct str){ out.data, out.size }, 0644,
				    e);
	}
	arena_reset(s->arena, mark);
	return status ? err_wrap(e, "mark generation %llu as %s",
				 (unsigned long long)number,
				 generation_state_name(state)) : 0;
}

/* One too many is of no harm: the next one tries again. */
void generations_prune(struct store *s)
{
	for (size_t i = 0; i < s->pruned_count; i++) {
		char name[NAME_SIZE];

		(void)unlinkat(s->generations, name_of(s->pruned[i], name), 0);
	}
	s->pruned_count = 0;
}

int generations_forget(struct store *s, struct err *e)
{
	size_t mark = arena_mark(s->arena);
	struct numbers numbers;
	int status = find_numbers(s, s->arena, &numbers, e);

	for (size_t i = 0; !status && i < numbers.count; i++) {
		char name[NAME_SIZE];

		status = file_remove(s->generations,
				     name_of(numbers.items[i], name), e);
	}
	arena_reset(s->arena, mark);
	return status;
}
