/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sign: a document, with a secret key of minisign's. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/signed.h"
#include "cmd/want.h"
#include "doc/doc.h"
#include "trust/comment.h"
#include "trust/minisign.h"

/* Where minisign looks for one. */
static const char *default_key(struct session *s, struct err *e)
{
	const char *folder = getenv("MINISIGN_CONFIG_DIR");
	const char *home = getenv("HOME");

	if (s->options->secret_key)
		return s->options->secret_key;
	if (folder && *folder)
		return arena_printf(s->arena, "%s/minisign.key", folder);
	if (home && *home)
		return arena_printf(s->arena, "%s/.minisign/minisign.key",
				    home);
	err_set(e, ERR_USAGE, "which key signs? give --secret-key");
	return NULL;
}

static int read_secret(struct session *s, struct minisign_secret *out,
		       struct err *e)
{
	const char *path = default_key(s, e);
	struct str text, password = { 0 };
	struct minisign_sealed *sealed;

	if (!path)
		return -1;
	sealed = arena_new_object(s->secrets, struct minisign_sealed);
	if (file_read_secret_path(path, MINISIGN_KEY_LIMIT, s->secrets, &text,
				  e))
		return err_wrap(e, "secret key");
	if (minisign_secret_read(text, path, sealed, e) ||
	    (sealed->encrypted && password_read(s, path, &password, e)))
		return -1;
	return minisign_secret_open(sealed, password, path, out, e);
}

/* What no signature is to be given to. */
static int check_signable(struct session *s,
			  const struct signed_document *document,
			  struct err *e)
{
	const struct mesh *mesh = &document->mesh;
	struct place start = { &document->source, 0 };

	if (mesh_test(s->arena, mesh, &s->diags))
		return want_broken(s, ERR_DATA, e);
	if (!mesh->serial)
		diag_error(&s->diags, mesh->serial_where.source ?
			   mesh->serial_where : start,
			   "the document has no serial, and a signature says "
			   "which it is of")->hint =
			"\"serial\": 1, and one more with every change";
	if (mesh->expires && mesh->expires <= s->run.options.now)
		diag_error(&s->diags, mesh->expires_where,
			   "the document has expired");
	return s->diags.errors ? want_broken(s, ERR_DATA, e) : 0;
}

/* The same document's, as far as can be told without the others' keys. */
static int check_other(const struct signed_document *document,
		       const struct minisign_signature *other,
		       const struct minisign_secret *secret, struct err *e)
{
	struct trust_comment comment;
	char id[MINISIGN_ID_TEXT_MAX];

	minisign_id_format(other->id, id);
	if (!memcmp(other->id, secret->id, sizeof(other->id)))
		return err_set(e, ERR_FAILED, "the key %s has signed it "
			       "already", id);
	if (trust_comment_read(other->comment, &comment, e))
		return err_wrap(e, "key %s", id);
	if (str_is(comment.mesh, document->mesh.name) &&
	    comment.serial == document->mesh.serial)
		return 0;
	return err_set(e, ERR_TRUST, "the signature by the key %s is of "
		       "another mesh or serial: sign without --add first", id);
}

/* All of a file's, with OWN as the last one. */
static int add_to(struct session *s, const struct signed_document *document,
		  const char *path, const struct minisign_secret *secret,
		  struct minisign_signatures *all, struct str *own,
		  struct err *e)
{
	struct str before;

	if (file_read_path(path, MINISIGN_SIGNATURES_LIMIT, s->arena, &before,
			   e))
		return err_wrap(e, "add a signature");
	if (minisign_signatures_read(before, path, all, e))
		return -1;
	for (size_t i = 0; i < all->count; i++)
		if (check_other(document, &all->items[i], secret, e))
			return err_wrap(e, "%s", path);
	own->data = arena_printf(s->arena, "%.*s%s%.*s", (int)before.size,
				 before.data, str_ends(before, "\n") ? "" :
				 "\n", (int)own->size, own->data);
	own->size = strlen(own->data);
	return 0;
}

static int make(struct session *s, const struct signed_document *document,
		struct minisign_signatures *all, struct err *e)
{
	const struct mesh *mesh = &document->mesh;
	struct minisign_secret *secret =
		arena_new_object(s->secrets, struct minisign_secret);
	struct trust_comment comment = { str_of(mesh->name), mesh->serial,
					 mesh->expires };
	const char *path = arena_printf(s->arena, "%s" SIGNATURE_ENDING,
					s->options->arguments[0]);
	struct str text;

	if (read_secret(s, secret, e) ||
	    minisign_sign(s->arena, secret, document->source.text,
			  str_of(trust_comment_write(s->arena, &comment)),
			  &text, e))
		return -1;
	if (s->options->add &&
	    add_to(s, document, path, secret, all, &text, e))
		return -1;
	/* As it will be read, before it takes the place of another one. */
	if (minisign_signatures_read(text, path, all, e) ||
	    file_write_path(path, text, 0644, e))
		return err_wrap(e, "write %s", path);
	return 0;
}

static int sign(struct session *s, struct signed_document *document,
		struct minisign_signatures *all, struct err *e)
{
	const char *path = s->options->arguments[0];

	if (!strcmp(path, "-"))
		return err_set(e, ERR_USAGE, "what comes from standard input "
			       "has no name for a signature to lie beside");
	if (signed_read(s, path, document, e) ||
	    signed_decode(s, document, e) ||
	    check_signable(s, document, e))
		return -1;
	return make(s, document, all, e);
}

int cmd_sign(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct signed_document document = { 0 };
	struct minisign_signatures *all;
	struct signed_end end = { .result = "signed" };
	uint8_t ids[MINISIGN_SIGNATURES_MAX][MINISIGN_ID_SIZE];
	struct err e = { 0 };

	session_open(&s, o);
	all = arena_new_object(s.arena, struct minisign_signatures);
	if (sign(&s, &document, all, &e))
		return signed_end(&s, &end, &e);
	for (size_t i = 0; i < all->count; i++)
		memcpy(ids[i], all->items[i].id, sizeof(ids[i]));
	end.serial = document.mesh.serial;
	end.expires = document.mesh.expires;
	end.ids = (const uint8_t (*)[MINISIGN_ID_SIZE])ids;
	end.id_count = all->count;
	return signed_end(&s, &end, NULL);
}
