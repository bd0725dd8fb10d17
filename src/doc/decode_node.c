/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "nodes". */
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/arena.h"
#include "doc/decode.h"

static int take_public_key(struct decoder *d, const struct field *field,
			   const struct doc_value *value, void *object)
{
	struct node *node = object;

	node->key_where = decode_place(d, value->offset);
	return decode_key(d, field->name, value, &node->public_key);
}

static int take_addresses(struct decoder *d, const struct field *field,
			  const struct doc_value *value, void *object)
{
	struct node *node = object;

	if (!value->first)
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s is empty, at least one is wanted", field->name);
	/* One that is left out takes part in no check: that is all. */
	decode_addresses(d, field->name, value, &node->addresses);
	return node->addresses.count ? 0 : -1;
}

static int take_subnets(struct decoder *d, const struct field *field,
			const struct doc_value *value, void *object)
{
	struct node *node = object;

	return decode_prefixes(d, field->name, value, &node->subnets);
}

static int take_endpoint(struct decoder *d, const struct field *field,
			 const struct doc_value *value, void *object)
{
	struct node *node = object;

	(void)field;
	return decode_endpoint(d, value, &node->endpoint);
}

static int take_labels(struct decoder *d, const struct field *field,
		       const struct doc_value *value, void *object)
{
	struct node *node = object;

	return decode_names(d, field, value, "a label", &node->labels,
			    &node->label_count);
}

static int take_disabled(struct decoder *d, const struct field *field,
			 const struct doc_value *value, void *object)
{
	struct node *node = object;

	(void)d;
	(void)field;
	node->disabled = value->truth;
	return 0;
}

/* What the device is put into has its own table. */
static int check_vrf(struct decoder *d, struct place where,
		     const struct node *node)
{
	struct diag *diag;

	if (!node->vrf.name || !node->table.where.source)
		return 0;
	diag = diag_error(d->diags, where, "this node has both 'vrf' and "
			  "'table'");
	diag->other = where.offset == node->vrf.where.offset ?
		node->table.where : node->vrf.where;
	diag->other_message = "the first is here";
	diag->hint = "the routes are in the table of the VRF";
	return -1;
}

static int take_vrf(struct decoder *d, const struct field *field,
		    const struct doc_value *value, void *object)
{
	struct place where = decode_place(d, value->offset);
	struct node *node = object;

	if (!device_name_valid(value->text)) {
		diag_error(d->diags, where, "%s is %s, not a name for a "
			   "device", field->name,
			   value_show(d->diags, value->text));
		return -1;
	}
	node->vrf.name = arena_strndup(d->arena, value->text.data,
				       value->text.size);
	node->vrf.where = where;
	return check_vrf(d, where, node);
}

static int take_hub(struct decoder *d, const struct field *field,
		    const struct doc_value *value, void *object)
{
	struct node *node = object;

	(void)field;
	return decode_name(d, "a node", value->text, value->offset,
			   &node->hub);
}

/* A number, or one in hexadecimal, which JSON has only as a text. */
static int take_fwmark(struct decoder *d, const struct field *field,
		       const struct doc_value *value, void *object)
{
	struct node *node = object;
	uint64_t mark = 0;

	if (value->kind == DOC_NUMBER)
		return take_setting(d, field, value, object);
	if (!str_starts(value->text, "0x") ||
	    str_uint_or_hex(value->text, UINT32_MAX, &mark) < 0 || !mark) {
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s is %s, not a number from 1 to 4294967295 or "
			   "such a number in hexadecimal, as \"0xca6c\"",
			   field->name, value_show(d->diags, value->text));
		return -1;
	}
	node->fwmark.value = (uint32_t)mark;
	node->fwmark.where = decode_place(d, value->offset);
	return 0;
}

static int take_table(struct decoder *d, const struct field *field,
		      const struct doc_value *value, void *object)
{
	struct node *node = object;
	struct place where = decode_place(d, value->offset);

	if (value->kind == DOC_TEXT) {
		if (!str_is(value->text, "main")) {
			diag_error(d->diags, where, "table is %s, not 'main' "
				   "or a number",
				   value_show(d->diags, value->text));
			return -1;
		}
		node->table = (struct setting){ RT_TABLE_MAIN, where };
		return check_vrf(d, where, node);
	}
	if (take_setting(d, field, value, object) < 0)
		return -1;
	if (node->table.value != RT_TABLE_LOCAL &&
	    node->table.value != RT_TABLE_DEFAULT)
		return check_vrf(d, where, node);
	diag_error(d->diags, where, "table %u is one of the kernel's own",
		   (unsigned int)node->table.value);
	node->table = (struct setting){ .value = 0 };
	return -1;
}

#define AT(member) .at = offsetof(struct node, member)

static const struct field fields[] = {
	{ "public_key", KIND(DOC_TEXT), take_public_key, .required = true },
	{ "addresses", KIND(DOC_LIST), take_addresses, .required = true },
	{ "endpoint", KIND(DOC_TEXT), take_endpoint, .required = false },
	{ "listen_port", KIND(DOC_NUMBER), take_setting, AT(listen_port),
	  .min = 1, .max = UINT16_MAX, .minor = true },
	{ "subnets", KIND(DOC_LIST), take_subnets, .minor = true },
	/* 68 is the least that IPv4 may have, RFC 791. */
	{ "mtu", KIND(DOC_NUMBER), take_setting, AT(mtu), .min = 68,
	  .max = UINT16_MAX, .minor = true },
	{ "keepalive", KIND(DOC_NUMBER), take_setting, AT(keepalive),
	  .max = UINT16_MAX, .minor = true },
	{ "endpoint_policy", KIND(DOC_TEXT), take_policy, AT(endpoint_policy),
	  .minor = true },
	{ "labels", KIND(DOC_LIST), take_labels, .required = false },
	{ "disabled", KIND(DOC_TRUTH), take_disabled, .required = false },
	{ "fwmark", KIND(DOC_NUMBER) | KIND(DOC_TEXT), take_fwmark, AT(fwmark),
	  .min = 1, .max = UINT32_MAX, .minor = true },
	{ "table", KIND(DOC_NUMBER) | KIND(DOC_TEXT), take_table, AT(table),
	  .min = 1, .max = UINT32_MAX, .minor = true },
	{ "vrf", KIND(DOC_TEXT), take_vrf, .minor = true },
	{ "hub", KIND(DOC_TEXT), take_hub, .required = false },
	{ "description", KIND(DOC_TEXT), take_nothing, .minor = true },
};

static const struct shape shape = {
	"a node", "this node", fields, array_size(fields),
};

static int node_compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void take_node(struct decoder *d, const struct doc_value *value)
{
	struct mesh *mesh = d->mesh;
	struct node *node = &mesh->nodes[mesh->node_count];
	/* No name that is taken has a blank: nobody can speak of this one. */
	struct placed_name name = { "a misnamed node",
				    decode_place(d, value->key_offset) };

	if (decode_name(d, "a node", value->key, value->key_offset,
			&name) < 0) {
		d->whole = false;
		d->names_whole = false;
	}
	*node = (struct node){ .name = name.name, .where = name.where };
	mesh->node_count++;
	if (value->kind == DOC_OBJECT) {
		decode_object(d, &shape, value, value->key_offset, node);
		return;
	}
	diag_error(d->diags, decode_place(d, value->offset),
		   "a node is an object, with 'public_key' and 'addresses'");
	d->whole = false;
}

int take_nodes(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;
	const struct doc_value *member = value->first;

	if (!value->count || value->count > MESH_NODES_MAX) {
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s has %zu nodes, 1 to %u are wanted", field->name,
			   value->count, MESH_NODES_MAX);
		return -1;
	}
	d->names_whole = true;
	mesh->nodes = arena_new_array(d->arena, struct node, value->count);
	for (; member; member = member->next)
		take_node(d, member);
	items_sort(mesh->nodes, mesh->node_count, sizeof(*mesh->nodes),
		   node_compare);
	return 0;
}
