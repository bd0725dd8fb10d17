/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apply/store.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"
#include "cmd/output.h"
#include "cmd/sealed.h"
#include "input/config.h"
#include "kern/kernel.h"
#include "kern/netns.h"
#include "state/value.h"

/* Address space, not memory; 20 000 peers with long lists take a part. */
#define ARENA_SIZE ((uint64_t)16 << 30)
#define SECRETS_SIZE ((size_t)2 << 30)
/* As deep as whatever handles keys goes. */
#define STACK_USED ((size_t)64 << 10)

void session_open(struct session *s, const struct options *o)
{
	memset(s, 0, sizeof(*s));
	s->options = o;
	s->arena = arena_new(ARENA_SIZE);
	s->secrets = arena_new_secret(SECRETS_SIZE);
	diags_init(&s->diags, s->arena);
	s->run.arena = s->arena;
	s->run.secrets = s->secrets;
	s->run.options.now = time(NULL);
	s->run.options.force = o->force;
	s->run.options.force_count = o->force_count;
	s->run.resolve = names_resolve;
	s->home = -1;
}

/* Another session of this process may be of another namespace. */
static void go_home(struct session *s)
{
	struct err lost;

	if (s->run.socket_netns)
		close(s->run.socket_netns);
	if (s->home >= 0 && netns_enter(s->home, &lost))
		abort();
	fd_closep(&s->home);
}

void session_close(struct session *s)
{
	/* It was not opened. */
	if (!s->arena)
		return;
	if (s->run.kernel)
		kern_close(s->run.kernel);
	if (s->run.store)
		store_close(s->run.store);
	go_home(s);
	sealed_stop(s);
	arena_free(s->secrets);
	arena_free(s->arena);
	/* The compiler leaves copies of keys where it likes. */
	sodium_stackzero(STACK_USED);
}

static int enter_netns(const char *name, struct err *e)
{
	cleanup_fd int fd = netns_open(name, e);

	if (fd < 0)
		return -1;
	return netns_enter(fd, e) ? err_wrap(e, "%s", name) : 0;
}

/* The namespaces that this host's config has for the mesh. */
static int enter_by_config(struct session *s, const struct config *config,
			   struct err *e)
{
	/* What is there could be asked again only from there. */
	if (config->netns || config->socket_netns)
		trace_spoil();
	if (config->socket_netns) {
		s->run.socket_netns = netns_open(config->socket_netns, e);
		if (s->run.socket_netns < 0) {
			s->run.socket_netns = 0;
			return -1;
		}
	}
	if (config->netns && !s->options->netns) {
		s->home = netns_here(e);
		if (s->home < 0 || enter_netns(config->netns, e))
			return -1;
	}
	s->run.options.outside = s->run.socket_netns &&
		!netns_is_here(s->run.socket_netns);
	return 0;
}

static int enter_mesh(struct session *s, const char *mesh, struct err *e)
{
	struct config config = { 0 };
	struct err failed = { 0 };

	if (config_read(s->options->root, mesh, s->arena, &config, &s->diags,
			&failed)) {
		if (failed.kind == ERR_NO_INPUT)
			return 0;
		*e = failed;
		return -1;
	}
	if (!enter_by_config(s, &config, e))
		return 0;
	if (e->kind != ERR_PERMISSION)
		e->kind = ERR_CONFIG;
	return err_wrap(e, "%s", config.text.name);
}

int session_enter(struct session *s, bool changes, struct err *e)
{
	const struct options *o = s->options;

	s->writes = changes;
	if (*o->root && changes && !o->netns && !options_force(o, "root"))
		return err_refuse(e, "root",
				  "--root %s is for files alone: the kernel "
				  "would be this host's; give --netns too",
				  o->root);
	if (o->netns)
		return enter_netns(o->netns, e);
	return 0;
}

/*
 * Of what waited to be confirmed, and is to be undone now, the record holds all
 * of the way back: a journal that is rubbish, WHY, must not be in its way.
 */
static bool set_aside(struct session *s, const struct err *why)
{
	const struct pending *p = NULL;
	struct err failed;

	if (strcmp(why->guard, "journal") != 0 ||
	    pending_read(s->run.store, s->arena, s->secrets, &p, &failed) ||
	    !p || !confirm_is_ours(s, p) || !pending_overdue(p) ||
	    journal_set_aside(s->run.store, &failed))
		return false;
	output_note(s, "%s: it is kept as %s/run/meshapply/%s/journal.bad, and "
		    "what was not confirmed is undone without it", why->text,
		    s->options->root, s->run.mesh);
	return true;
}

static int recover_first(struct session *s, struct err *e)
{
	bool did = false;

	if (journal_look(s->run.store) == JOURNAL_NONE)
		return 0;
	if (apply_recover(&s->run, &did, e) && !set_aside(s, e))
		return err_wrap(e, "undo what an interrupted run left");
	s->recovered = did;
	if (did)
		output_note(s, "an earlier run on %s was interrupted; what it "
			    "left half done is undone", s->run.mesh);
	return 0;
}

int session_store(struct session *s, const char *mesh, bool lock,
		  struct err *e)
{
	s->run.mesh = mesh;
	s->run.scope.mesh = mesh;
	if (enter_mesh(s, mesh, e))
		return -1;
	if (store_open(s->arena, s->options->root, mesh, lock, &s->run.store,
		       e))
		return -1;
	if (!lock) {
		if (journal_look(s->run.store) == JOURNAL_OPEN)
			output_note(s, "an earlier run on %s was interrupted: "
				    "meshapply recover %s undoes what it left",
				    mesh, mesh);
		return 0;
	}
	if (store_lock(s->run.store, s->options->wait, e))
		return -1;
	if (session_kernel(s, e))
		return -1;
	return recover_first(s, e) || confirm_first(s, e) ? -1 : 0;
}

int session_kernel(struct session *s, struct err *e)
{
	struct kern_options options = {
		.helper_folder = helper_folder(s->arena),
		.lock = s->run.store ? store_lock_descriptor(s->run.store) :
			-1,
		.socket_netns = s->run.socket_netns,
	};

	if (s->run.kernel)
		return 0;
	return kern_open(s->arena, &options, &s->run.kernel, e);
}

int session_last(struct session *s, struct err *e)
{
	const char *note = NULL;

	if (store_last_like(s->run.store, s->arena, &s->want, &s->run.last,
			    &note, e))
		return -1;
	if (note)
		output_note(s, "%s", note);
	return 0;
}

/* The folder this program runs from, where its helpers are beside it. */
const char *helper_folder(struct arena *arena)
{
	char path[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash, "/meshapply-nftc");
		if (!access(path, X_OK)) {
			*slash = '\0';
			return arena_strdup(arena, path);
		}
	}
	return MESHAPPLY_LIBEXECDIR;
}

int mesh_of_argument(struct session *s, const char *argument,
		     const char **mesh, struct err *e)
{
	const char *slash = strrchr(argument, '/');
	struct str name = str_of(slash ? slash + 1 : argument);

	if (name.size > strlen(".conf") && str_ends(name, ".conf"))
		name.size -= strlen(".conf");
	else if (slash)
		return err_set(e, ERR_USAGE,
			       "%s is a path: give the mesh's own name, which "
			       "meshapply status shows", argument);
	if (!mesh_name_valid(name))
		return err_set(e, ERR_USAGE,
			       "\"%s\" is no name of a mesh: it has 1 to %d "
			       "letters, digits or _=+.-, and no - first",
			       argument,
			       MESH_NAME_MAX);
	*mesh = arena_strndup(s->arena, name.data, name.size);
	return 0;
}

void session_closep(struct session *s)
{
	session_close(s);
}
