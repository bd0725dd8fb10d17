/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/pending.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apply/pending_private.h"
#include "base/file.h"

#define KEPT "var/lib/meshapply/office"

#define RECORD "var/lib/meshapply/.pending/office"

size_t pending_asked;
static bool refuses;

static int arm(const struct confirm *confirm, struct run *run,
	       const struct pending *pending, struct err *e)
{
	(void)confirm;
	(void)run;
	ck_assert(pending_is_token(pending->token));
	/* By then it is on disk, and how to undo what it is about. */
	ck_assert(pending_is_there());
	ck_assert_int_ne(journal_look(run->store), JOURNAL_VERIFIED);
	pending_asked++;
	if (refuses)
		return err_refuse(e, "guard", "nobody is there");
	return 0;
}

const struct confirm pending_confirmable = { .seconds = 600, .arm = arm };

void pending_refuse(bool refuse)
{
	refuses = refuse;
}

void pending_start(struct run *run, const struct wanted *wanted)
{
	host_start(run);
	run->confirm = &pending_confirmable;
	host_plan(run, wanted);
}

void pending_settle(const struct wanted *wanted)
{
	struct apply_result result;
	struct run run;

	pending_start(&run, wanted);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "to %s: %s",
		      wanted->name, host.e.text);
	host_finish();
}

void pending_undo(void)
{
	struct run run;

	host_start(&run);
	ck_assert_msg(!pending_roll_back(&run, "tested", &host.e), "%s",
		      host.e.text);
	host_finish();
}

void pending_keep(void)
{
	struct run run;

	host_start(&run);
	ck_assert_msg(!pending_confirm(&run, "tested", &host.e), "%s",
		      host.e.text);
	host_finish();
}

const char *pending_kept(void)
{
	static const char *const names[] = {
		KEPT "/files", KEPT "/applied/wireguard.conf",
		KEPT "/applied/network.batch", KEPT "/applied/firewall.nft",
		KEPT "/applied/firewall.canon", "var/lib/meshapply/sysctls",
	};
	struct sbuf out;

	sbuf_init(&out, host.arena);
	for (size_t i = 0; i < array_size(names); i++) {
		const char *path = arena_printf(host.arena, "%s/%s",
						host.scratch.path, names[i]);
		struct str text;
		struct err ignored;

		if (file_read_path(path, (size_t)1 << 24, host.arena, &text,
				   &ignored))
			continue;
		sbuf_printf(&out, "== %s\n", names[i]);
		sbuf_str(&out, text);
	}
	return out.data ? out.data : "";
}

bool pending_is_there(void)
{
	return !faccessat(host.scratch.folder,
			  "var/lib/meshapply/.pending/office", F_OK,
			  AT_SYMLINK_NOFOLLOW);
}

const struct pending *pending_look(void)
{
	const struct pending *p;
	struct run run;

	host_start(&run);
	ck_assert_msg(!pending_read(host.store, host.arena, host.secrets, &p,
				    &host.e), "%s", host.e.text);
	host_finish();
	return p;
}

struct settled pending_how(void)
{
	struct settled out;
	struct run run;

	host_start(&run);
	pending_settled(host.store, host.arena, &out);
	host_finish();
	return out;
}

enum generation_state pending_newest(void)
{
	const struct generation *g;
	struct run run;

	host_start(&run);
	ck_assert_int_eq(generation_newest(host.store, host.arena, &g,
					   &host.e), 0);
	ck_assert_ptr_nonnull(g);
	host_finish();
	return g->state;
}

struct str pending_text(void)
{
	struct str text;

	ck_assert_msg(!file_read_path(arena_printf(host.arena, "%s/" RECORD,
						   host.scratch.path),
				      PENDING_LIMIT, host.secrets, &text,
				      &host.e), "%s", host.e.text);
	return text;
}

void pending_put(struct str text)
{
	cleanup_fd int folder = openat(host.scratch.folder,
				       "var/lib/meshapply/.pending",
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(!file_write(folder, "office", text, 0600, &host.e), "%s",
		      host.e.text);
}

/* In a copy, for it holds a table's raw form, too. */
char *pending_find(const char *copy, size_t size, const char *text)
{
	char *at = memmem(copy, size, text, strlen(text));

	ck_assert_msg(at != NULL, "there is no %s", text);
	return at;
}
