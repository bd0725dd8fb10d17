/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The document's own keys, and all of it together. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/decode.h"

#define FORMAT_VERSION 1
/* Of addresses, for DOC_VALUES_MAX values and their order. */
#define TREE_SPACE ((uint64_t)1 << 28)

static int take_mesh(struct decoder *d, const struct field *field,
		     const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	mesh->name_where = decode_place(d, value->offset);
	if (mesh_name_valid(value->text)) {
		mesh->name = arena_strndup(d->arena, value->text.data,
					   value->text.size);
		return 0;
	}
	diag_error(d->diags, mesh->name_where, "%s is %s, not a name for a "
		   "mesh", field->name, value_show(d->diags, value->text))
		->hint = "a name has 1 to 63 of a-z A-Z 0-9 _ = + . -, does "
			 "not begin with - or ., and is not 'sysctls'";
	return -1;
}

static int take_serial(struct decoder *d, const struct field *field,
		       const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	mesh->serial_where = decode_place(d, value->offset);
	return decode_number(d, field->name, value, 0, WHOLE_NUMBER_MAX,
			     &mesh->serial);
}

static int take_expires(struct decoder *d, const struct field *field,
			const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	mesh->expires_where = decode_place(d, value->offset);
	return decode_time(d, field->name, value, &mesh->expires);
}

static int take_overlay(struct decoder *d, const struct field *field,
			const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	if (!value->count || value->count > OVERLAYS_MAX) {
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s has %zu prefixes, 1 to %u are wanted",
			   field->name, value->count, OVERLAYS_MAX);
		return -1;
	}
	if (decode_prefixes(d, field->name, value, &mesh->overlay) < 0)
		return -1;
	d->overlay_whole = true;
	return 0;
}

static int take_topology(struct decoder *d, const struct field *field,
			 const struct doc_value *value, void *object)
{
	static const char *const words[] = {
		[TOPOLOGY_FULL_MESH] = "full-mesh",
		[TOPOLOGY_HUB_SPOKE] = "hub-spoke",
		[TOPOLOGY_CUSTOM] = "custom",
	};
	struct mesh *mesh = object;
	int word = decode_word(d, field->name, value, words,
			       array_size(words));

	mesh->topology_where = decode_place(d, value->offset);
	if (word < 0) {
		d->topology_wrong = true;
		return -1;
	}
	mesh->topology = (enum topology)word;
	return 0;
}

static int take_hubs(struct decoder *d, const struct field *field,
		     const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	d->hubs_where = decode_place(d, value->offset);
	if (!value->count) {
		diag_error(d->diags, d->hubs_where,
			   "%s is empty, at least one is wanted", field->name);
		return -1;
	}
	return decode_names(d, field, value, "a node", &mesh->hubs,
			    &mesh->hub_count);
}

static int take_interface(struct decoder *d, const struct field *field,
			  const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	mesh->interface_where = decode_place(d, value->offset);
	if (device_name_valid(value->text)) {
		mesh->interface = arena_strndup(d->arena, value->text.data,
						value->text.size);
		return 0;
	}
	diag_error(d->diags, mesh->interface_where, "%s is %s, not a name for "
		   "a device", field->name, value_show(d->diags, value->text))
		->hint = "a name has 1 to 15 of a-z A-Z 0-9 _ = + . -, does "
			 "not begin with -, and is not 'all', 'default' or "
			 "'lo'";
	return -1;
}

static int take_firewall(struct decoder *d, const struct field *field,
			 const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;

	(void)d;
	(void)field;
	mesh->firewall = value->truth;
	return 0;
}

static int take_secrets(struct decoder *d, const struct field *field,
			const struct doc_value *value, void *object)
{
	static const char *const words[] = { "files", "inline" };
	struct mesh *mesh = object;
	int word = decode_word(d, field->name, value, words,
			       array_size(words));

	/* After an error inline keys are not held against it as well. */
	mesh->inline_secrets = word != 0;
	d->source->secret |= word == 1;
	d->secrets_where = decode_place(d, value->offset);
	return word < 0 ? -1 : 0;
}

#define AT(member) .at = offsetof(struct mesh, member)

static const struct field default_fields[] = {
	{ "listen_port", KIND(DOC_NUMBER), take_setting, AT(listen_port),
	  .min = 1, .max = UINT16_MAX, .minor = true },
	{ "keepalive", KIND(DOC_NUMBER), take_setting, AT(keepalive),
	  .max = UINT16_MAX, .minor = true },
	{ "endpoint_policy", KIND(DOC_TEXT), take_policy, AT(endpoint_policy),
	  .minor = true },
};

static const struct shape default_shape = {
	"'defaults'", "'defaults'", default_fields, array_size(default_fields),
};

static int take_defaults(struct decoder *d, const struct field *field,
			 const struct doc_value *value, void *object)
{
	bool whole = d->whole;

	(void)field;
	decode_object(d, &default_shape, value, value->offset, object);
	d->whole = whole;	/* no other check goes by defaults */
	return 0;
}

static const struct field fields[] = {
	{ "meshapply", KIND(DOC_NUMBER), take_nothing, .required = true },
	{ "mesh", KIND(DOC_TEXT), take_mesh, .required = true },
	/* Editors find the schema by it. */
	{ "$schema", KIND(DOC_TEXT), take_nothing, .minor = true },
	{ "description", KIND(DOC_TEXT), take_nothing, .minor = true },
	{ "serial", KIND(DOC_NUMBER), take_serial, .minor = true },
	{ "expires", KIND(DOC_TEXT), take_expires, .minor = true },
	{ "trust", KIND(DOC_OBJECT), take_trust, .minor = true },
	{ "overlay", KIND(DOC_LIST), take_overlay, .required = true },
	{ "topology", KIND(DOC_TEXT), take_topology, .required = false },
	{ "hubs", KIND(DOC_LIST), take_hubs, .required = false },
	{ "links", KIND(DOC_LIST), take_links, .required = false },
	{ "mtu", KIND(DOC_NUMBER), take_setting, AT(mtu), .min = 68,
	  .max = UINT16_MAX, .minor = true },
	{ "interface", KIND(DOC_TEXT), take_interface, .minor = true },
	{ "defaults", KIND(DOC_OBJECT), take_defaults, .minor = true },
	{ "firewall", KIND(DOC_TRUTH), take_firewall, .minor = true },
	{ "secrets", KIND(DOC_TEXT), take_secrets, .minor = true },
	{ "nodes", KIND(DOC_OBJECT), take_nodes, .required = true },
	{ "tests", KIND(DOC_LIST), take_tests, .minor = true },
};

static const struct shape shape = {
	"the document", "the document", fields, array_size(fields),
};

/* Of another version nothing else is known. */
static int check_version(struct decoder *d, const struct doc_value *document)
{
	const struct doc_value *member = document->first;
	struct diag *diag;

	if (document->kind != DOC_OBJECT) {
		diag_error(d->diags, decode_place(d, document->offset),
			   "the document is a list, an object is wanted");
		return -1;
	}
	while (member && !str_is(member->key, "meshapply"))
		member = member->next;
	if (!member || member->kind != DOC_NUMBER || str_is(member->text, "1"))
		return 0;
	diag = diag_error(d->diags, decode_place(d, member->offset),
			  "meshapply is not %u, the only version of the "
			  "format that is known", FORMAT_VERSION);
	diag->hint = "a document of a later version wants a later meshapply";
	return -1;
}

static void check_hubs(struct decoder *d)
{
	struct mesh *mesh = d->mesh;
	struct diag *diag;

	if (d->topology_wrong)
		return;
	if (mesh->topology == TOPOLOGY_HUB_SPOKE && !d->hubs_where.source) {
		diag_error(d->diags, mesh->topology_where, "the topology "
			   "hub-spoke wants the key 'hubs'")->hint =
			"\"hubs\": [\"NODE\"]";
		d->whole = false;
	}
	if (mesh->topology == TOPOLOGY_HUB_SPOKE || !d->hubs_where.source)
		return;
	diag = diag_error(d->diags, d->hubs_where,
			  "'hubs' belongs to the topology hub-spoke");
	diag->other = mesh->topology_where;
	diag->other_message = "the topology is another one";
	if (!mesh->topology_where.source)
		diag->hint = "\"topology\": \"hub-spoke\"";
	d->whole = false;
}

/* Without a link a custom mesh is no mesh: the key was forgotten. */
static void check_custom(struct decoder *d)
{
	struct mesh *mesh = d->mesh;

	if (mesh->topology != TOPOLOGY_CUSTOM || d->topology_wrong ||
	    d->links_given)
		return;
	diag_error(d->diags, mesh->topology_where, "the topology custom wants "
		   "at least one of 'links'")->hint =
		"\"links\": [{ \"between\": [\"NODE\", \"NODE\"] }]";
	d->whole = false;
}

static void check_inline_keys(struct decoder *d)
{
	struct mesh *mesh = d->mesh;
	struct diag *diag;

	for (size_t i = 0; i < mesh->link_count && !mesh->inline_secrets; i++) {
		if (!mesh->links[i].preshared_key)
			continue;
		diag = diag_error(d->diags, mesh->links[i].preshared_where,
				  "a key in a document that does not say so");
		diag->hint = "name a file: \"preshared_key_file\", or say "
			     "\"secrets\": \"inline\" and keep the document "
			     "secret";
		diag->other = d->secrets_where;
		diag->other_message = "secrets are in files, it says here";
	}
}

/* The length of each address is that of the overlay it is in. */
static void set_lengths(const struct mesh *mesh, struct node *node)
{
	for (size_t i = 0; i < node->addresses.count; i++) {
		struct prefix *address = &node->addresses.items[i].prefix;

		for (size_t o = 0; o < mesh->overlay.count; o++) {
			struct prefix *p = &mesh->overlay.items[o].prefix;

			if (!prefix_has(p, &address->ip))
				continue;
			address->length = p->length;
			break;
		}
	}
}

static void finish(struct decoder *d)
{
	struct mesh *mesh = d->mesh;

	check_hubs(d);
	check_custom(d);
	check_inline_keys(d);
	for (size_t i = 0; i < mesh->node_count; i++)
		set_lengths(mesh, &mesh->nodes[i]);
	/* As much of the name as a device's name has room for. */
	if (mesh->name && !mesh->interface)
		mesh->interface = arena_printf(d->arena, "wg-%.*s",
					       IFNAMSIZ - 1 - 3, mesh->name);
}

static void decode(struct decoder *d)
{
	/* What is decoded points into the text, never into the tree. */
	cleanup_(arena_freep) struct arena *tree = arena_new(TREE_SPACE);
	const struct doc_value *document;

	if (doc_parse(tree, d->secrets, d->source, d->diags,
		      &document) < 0 || check_version(d, document) < 0)
		return;
	d->whole = true;
	decode_object(d, &shape, document, document->offset, d->mesh);
	finish(d);
}

static int read_document(struct arena *arena, struct arena *secrets,
			 struct source *source, bool check,
			 struct mesh *out, struct diags *diags)
{
	struct mesh mesh = { .source = source, .firewall = true };
	struct decoder d = { arena, secrets, source, diags, &mesh,
			     .whole = false };
	size_t errors = diags->errors;
	bool wrong = false;

	decode(&d);
	if (check && d.whole)
		wrong = mesh_check(arena, &mesh, diags) < 0;
	else if (check)
		wrong = mesh_check_parts(arena, &mesh, d.overlay_whole,
					 d.names_whole, diags) < 0;
	document_hide_keys(source, diags);
	if (wrong || diags->errors > errors)
		return -1;
	*out = mesh;
	return 0;
}

int mesh_decode(struct arena *arena, struct arena *secrets,
		struct source *source, struct mesh *out, struct diags *diags)
{
	return read_document(arena, secrets, source, false, out, diags);
}

int mesh_read(struct arena *arena, struct arena *secrets,
	      struct source *source, struct mesh *out, struct diags *diags)
{
	return read_document(arena, secrets, source, true, out, diags);
}

const struct node *mesh_node_of_key(const struct mesh *mesh,
				    const struct key *public_key)
{
	for (size_t i = 0; i < mesh->node_count; i++)
		if (key_equal(&mesh->nodes[i].public_key, public_key))
			return &mesh->nodes[i];
	return NULL;
}
