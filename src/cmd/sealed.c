/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/sealed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/seal.h"
#include "base/arena.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/rendered.h"
#include "kern/netns.h"

/* Address space, for copies of all that was read and heard. */
#define TRACE_SIZE (8 * (uint64_t)TRACE_LIMIT)

static bool is_stream(const char *path)
{
	return path && (!strcmp(path, "-") || !strcmp(path, "/dev/stdin") ||
			strstr(path, "://"));
}

/*
 * What is named here is part of the key, changes nothing that is decided, or
 * keeps from a seal; an option that is new is to be thought of.
 */
static bool is_plain(const struct options *o)
{
	bool tells_more = o->verbose || o->strict || o->rehearse ||
		o->output || o->plan || o->max_disruption;
	bool overrules = o->force_count || o->ignore_hooks || o->ignore_dns;
	bool elsewhere = *o->root || o->netns;
	bool confirms = o->confirm_given || o->confirm || o->confirm_by ||
		o->wait_confirmed || o->token;

	return !tells_more && !overrules && !elsewhere && !confirms &&
		!is_stream(o->arguments[0]) && !is_stream(o->key);
}

static void add(struct sbuf *key, const char *word)
{
	sbuf_putc(key, word ? '+' : '-');
	sbuf_puts(key, word ? word : "");
	sbuf_putc(key, '\0');
}

/* All that a run is told and that it can decide by; data NULL: no key. */
static struct str key_of(struct session *s)
{
	const struct options *o = s->options;
	const char *const words[] = {
		program_id(s->arena), o->arguments[0], o->mesh, o->key,
		o->node, o->templates, getenv("CREDENTIALS_DIRECTORY"),
		arena_printf(s->arena, "%ju", (uintmax_t)geteuid()),
		arena_printf(s->arena, "%ju", (uintmax_t)netns_cookie()),
	};
	struct sbuf key;

	if (!words[0])
		return (struct str){ 0 };
	sbuf_init(&key, s->arena);
	for (size_t i = 0; i < array_size(words); i++)
		add(&key, words[i]);
	return (struct str){ key.data, key.size };
}

bool sealed_holds(struct session *s)
{
	size_t mark = arena_mark(s->arena);
	size_t secrets = arena_mark(s->secrets);
	struct seal seal;
	struct str key;

	if (!is_plain(s->options))
		return false;
	key = key_of(s);
	if (key.data && seal_find("", key, !s->options->dry_run, s->arena,
				  &seal) &&
	    s->run.options.now < seal.until &&
	    seal_holds(&seal, s->secrets)) {
		s->run.mesh = seal.mesh;
		return true;
	}
	arena_reset(s->arena, mark);
	arena_reset(s->secrets, secrets);
	return false;
}

void sealed_start(struct session *s)
{
	if (!is_plain(s->options) || s->options->dry_run)
		return;
	s->traced = arena_new(TRACE_SIZE);
	trace_start(s->traced, s->secrets);
}

void sealed_stop(struct session *s)
{
	if (!s->traced)
		return;
	(void)trace_end();
	arena_freep(&s->traced);
}

/* Whatever was said would have to be said again. */
static bool is_silent(const struct session *s,
		      const struct apply_result *result)
{
	return result->end == APPLY_NOTHING && !result->writes &&
		!result->unkept.kind && !result->pending.seconds &&
		!s->note_count && !s->diags.count && !s->run.plan.note_count &&
		!s->run.unresolved && !s->recovered && s->home < 0;
}

void sealed_keep(struct session *s, const struct apply_result *result)
{
	struct seal seal = { .mesh = s->run.mesh, .until = trace_ends() };
	struct err ignored;
	struct str key;

	if (!s->traced || !is_silent(s, result))
		return;
	seal.items = trace_end();
	key = key_of(s);
	/* Without it the next run takes longer. */
	if (key.data && seal.items.data &&
	    seal_write(s->run.store, key, &seal, s->traced, &ignored))
		return;
}
