/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: whether a document is to be believed here, or by given keys. */
#include <stdlib.h>
#include <string.h>

#include "apply/store_trust.h"
#include "base/arena.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/signed.h"
#include "input/trusted.h"
#include "state/value.h"
#include "trust/comment.h"
#include "trust/trust.h"

/* A file, or the key itself. */
static int given_key(struct session *s, const char *given,
		     struct minisign_key *out, struct err *e)
{
	struct err ignored;
	struct str text;

	if (!minisign_key_parse(str_of(given), out, &ignored))
		return 0;
	if (file_read_path(given, MINISIGN_KEY_LIMIT, s->arena, &text, e))
		return err_wrap(e, "public key");
	return minisign_key_read(text, given, out, e);
}

/* Those of --public-key, else the host's. */
static int read_keys(struct session *s, struct trust_keys *out, struct err *e)
{
	const struct options *o = s->options;
	struct minisign_key *keys;
	size_t count = o->public_key_count;

	out->threshold = o->threshold ? o->threshold : 1;
	if (!count) {
		if (trusted_folder(o->root, s->arena, &keys, &count, e))
			return -1;
		if (!count)
			return err_set(e, ERR_CONFIG, "no key is trusted: put "
				       "its .pub file into %s" TRUSTED_FOLDER
				       ", or give --public-key", o->root);
	} else {
		keys = arena_new_array(s->arena, struct minisign_key, count);
		for (size_t i = 0; i < count; i++)
			if (given_key(s, o->public_keys[i], &keys[i], e))
				return -1;
	}
	out->items = keys;
	out->count = count;
	return 0;
}

/* None is no error here: that it is not there is for trust_check() to say. */
static int read_signatures(struct session *s, struct trust_request *request,
			   struct err *e)
{
	const struct options *o = s->options;
	bool given = o->argument_count > 1;
	struct err why = { 0 };

	request->name = given ? o->arguments[1] :
		arena_printf(s->arena, "%s" SIGNATURE_ENDING, o->arguments[0]);
	if (!file_read_path(request->name, MINISIGN_SIGNATURES_LIMIT, s->arena,
			    &request->signatures, &why))
		return 0;
	if (!given && why.kind == ERR_NO_INPUT)
		return 0;
	*e = why;
	return err_wrap(e, "signature");
}

/* The mesh that the signatures speak of: where to look for what is kept of
   it.  Nobody has vouched for it yet. */
static const char *mesh_claimed(struct session *s,
				const struct trust_request *request)
{
	struct minisign_signatures *all =
		arena_new_object(s->arena, struct minisign_signatures);
	struct trust_comment comment;
	struct err ignored;

	if (request->mesh)
		return request->mesh;
	if (minisign_signatures_read(request->signatures, request->name, all,
				     &ignored) ||
	    trust_comment_read(all->items[0].comment, &comment, &ignored) ||
	    !mesh_name_valid(comment.mesh))
		return NULL;
	return arena_strndup(s->arena, comment.mesh.data, comment.mesh.size);
}

/* What this host has accepted before, where it is the host's keys that
   count. */
static int read_record(struct session *s, struct trust_request *request,
		       struct err *e)
{
	const struct options *o = s->options;
	struct store *store;
	struct err why = { 0 };
	int result;

	if (o->mesh && mesh_of_argument(s, o->mesh, &request->mesh, e))
		return -1;
	if (o->public_key_count)
		return 0;
	request->mesh = mesh_claimed(s, request);
	if (!request->mesh)
		return 0;
	if (store_open(s->arena, o->root, request->mesh, false, &store, &why)) {
		if (why.kind != ERR_PERMISSION) {
			*e = why;
			return -1;
		}
		output_note(s, "what was accepted before is not looked at: %s",
			    why.text);
		return 0;
	}
	result = store_trust(store, s->arena, &request->last, e);
	store_close(store);
	return result;
}

static int check(struct session *s, struct signed_document *document,
		 struct trust_request *request, struct trust_proof *proof,
		 struct err *e)
{
	const struct mesh *mesh = &document->mesh;
	int64_t now = request->now;

	if (trust_check(s->arena, request, proof, e) ||
	    trust_check_last(proof, request->last, e))
		return err_wrap(e, "%s", document->source.name);
	/* Only now is it read. */
	if (signed_decode(s, document, e))
		return -1;
	if (trust_check_document(proof, mesh->name, mesh->serial,
				 mesh->expires, now, e))
		return err_wrap(e, "%s", document->source.name);
	return 0;
}

static int verify(struct session *s, struct signed_document *document,
		  struct trust_proof *proof, struct err *e)
{
	const char *path = s->options->arguments[0];
	struct trust_request request = { .now = s->run.options.now };

	if (!strcmp(path, "-") && s->options->argument_count < 2)
		return err_set(e, ERR_USAGE, "where is the signature of what "
			       "comes from standard input?");
	if (read_keys(s, &request.own, e) ||
	    signed_read(s, path, document, e) ||
	    read_signatures(s, &request, e) || read_record(s, &request, e))
		return -1;
	request.document = document->source.text;
	return check(s, document, &request, proof, e);
}

int cmd_verify(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct signed_document document = { 0 };
	struct signed_end end = { .result = "verified" };
	uint8_t ids[TRUST_KEYS_MAX][MINISIGN_ID_SIZE];
	struct trust_proof *proof;
	struct err e = { 0 };

	session_open(&s, o);
	proof = arena_new_object(s.arena, struct trust_proof);
	if (verify(&s, &document, proof, &e))
		return signed_end(&s, &end, &e);
	for (size_t i = 0; i < proof->signer_count; i++)
		memcpy(ids[i], proof->signers[i].id, sizeof(ids[i]));
	end.serial = proof->serial;
	end.expires = proof->expires;
	end.ids = (const uint8_t (*)[MINISIGN_ID_SIZE])ids;
	end.id_count = proof->signer_count;
	return signed_end(&s, &end, NULL);
}
