/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "links" and "tests". */
#include <string.h>

#include "base/arena.h"
#include "doc/decode.h"

static int take_end(struct decoder *d, const struct doc_value *value,
		    struct link_end *end)
{
	struct placed_name name;
	struct str text = value->text;
	bool is_label;

	if (!decode_item_is(d, "between", value, DOC_TEXT))
		return -1;
	is_label = str_starts(text, LABEL_PREFIX);
	if (is_label) {
		text.data += strlen(LABEL_PREFIX);
		text.size -= strlen(LABEL_PREFIX);
	}
	if (decode_name(d, is_label ? "a label" : "a node", text,
			value->offset, &name) < 0)
		return -1;
	*end = (struct link_end){ name.name, is_label, name.where };
	return 0;
}

static int take_between(struct decoder *d, const struct field *field,
			const struct doc_value *value, void *object)
{
	struct mesh_link *link = object;
	const struct doc_value *item = value->first;
	int result = 0;

	if (value->count != 2) {
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s has %zu ends, 2 are wanted", field->name,
			   value->count);
		return -1;
	}
	for (size_t i = 0; item; item = item->next, i++)
		if (take_end(d, item, &link->ends[i]) < 0)
			result = -1;
	return result;
}

static void refuse_both(struct decoder *d, struct place where,
			const struct mesh_link *link)
{
	struct diag *diag;

	diag = diag_error(d->diags, where, "this link has both 'preshared_key' "
			  "and 'preshared_key_file'");
	diag->other = link->preshared_where;
	diag->other_message = "the first is here";
}

static int take_preshared_file(struct decoder *d, const struct field *field,
			       const struct doc_value *value, void *object)
{
	struct mesh_link *link = object;
	struct place where = decode_place(d, value->offset);
	struct str rest = value->text, run;

	if (key_next_run(&rest, &run)) {
		diag_error(d->diags, where, "%s is a key, or looks like one; "
			   "the name of a file is wanted", field->name)
			->hidden = true;
		return -1;
	}
	if (!file_name_valid(value->text)) {
		diag_error(d->diags, where, "%s is %s, not a bare file name",
			   field->name, value_show(d->diags, value->text))
			->hint = "the file lies in the key folder of each of "
				 "the two nodes, and its name has no '/'";
		return -1;
	}
	if (str_starts(value->text, INLINE_PREFIX)) {
		diag_error(d->diags, where, "names that begin with '%s' are "
			   "given to keys that stand in the document",
			   INLINE_PREFIX);
		return -1;
	}
	if (link->preshared_key) {
		refuse_both(d, where, link);
		return -1;
	}
	link->preshared_key_file = arena_strndup(d->arena, value->text.data,
						 value->text.size);
	link->preshared_where = where;
	return 0;
}

static int take_preshared_key(struct decoder *d, const struct field *field,
			      const struct doc_value *value, void *object)
{
	struct mesh_link *link = object;
	struct key *key = arena_new_object(d->secrets, struct key);
	struct place where = decode_place(d, value->offset);

	if (decode_key(d, field->name, value, key) < 0)
		return -1;
	if (link->preshared_key_file) {
		refuse_both(d, where, link);
		return -1;
	}
	link->preshared_key = key;
	link->preshared_where = where;
	return 0;
}

static int take_endpoints(struct decoder *d, const struct field *field,
			  const struct doc_value *value, void *object)
{
	struct mesh_link *link = object;
	const struct doc_value *member = value->first;
	int result = 0;

	link->endpoints = arena_new_array(d->arena, struct link_endpoint,
					  value->count);
	for (; member; member = member->next) {
		struct link_endpoint *out;

		out = &link->endpoints[link->endpoint_count];
		if (!decode_item_is(d, field->name, member, DOC_TEXT) ||
		    decode_name(d, "a node", member->key, member->key_offset,
				&out->node) < 0 ||
		    decode_endpoint(d, member, &out->endpoint) < 0)
			result = -1;
		else
			link->endpoint_count++;
	}
	return result;
}

static const struct field link_fields[] = {
	{ "between", KIND(DOC_LIST), take_between, .required = true },
	{ "preshared_key_file", KIND(DOC_TEXT), take_preshared_file,
	  .minor = true },
	{ "preshared_key", KIND(DOC_TEXT), take_preshared_key, .minor = true },
	{ "keepalive", KIND(DOC_NUMBER), take_setting,
	  .at = offsetof(struct mesh_link, keepalive), .max = UINT16_MAX,
	  .minor = true },
	{ "mtu", KIND(DOC_NUMBER), take_setting,
	  .at = offsetof(struct mesh_link, mtu), .min = LINK_MTU_MIN,
	  .max = LINK_MTU_MAX, .minor = true },
	{ "endpoint_policy", KIND(DOC_TEXT), take_policy,
	  .at = offsetof(struct mesh_link, endpoint_policy), .minor = true },
	{ "endpoints", KIND(DOC_OBJECT), take_endpoints, .required = false },
	{ "description", KIND(DOC_TEXT), take_nothing, .minor = true },
};

static const struct shape link_shape = {
	"a link", "this link", link_fields, array_size(link_fields),
};

static int end_compare(const struct link_end *a, const struct link_end *b)
{
	int order = strcmp(a->name, b->name);

	return order ? order : a->is_label - b->is_label;
}

/*
 * What the texts call a key that stands in the document: by the link's ends,
 * so that the order of links and of ends does not matter.
 */
static void name_inline_key(struct decoder *d, struct mesh_link *link)
{
	const struct link_end *a = &link->ends[0], *b = &link->ends[1];

	if (!link->preshared_key || !*a->name || !*b->name)
		return;
	if (end_compare(a, b) > 0) {
		const struct link_end *swap = a;

		a = b;
		b = swap;
	}
	link->preshared_key_file = arena_printf(
		d->arena, INLINE_PREFIX "%s%s:%s%s",
		a->is_label ? LABEL_PREFIX : "", a->name,
		b->is_label ? LABEL_PREFIX : "", b->name);
}

int take_links(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;
	const struct doc_value *item = value->first;

	d->links_given = value->count > 0;
	mesh->links = arena_new_array(d->arena, struct mesh_link, value->count);
	for (; item; item = item->next) {
		struct mesh_link *link = &mesh->links[mesh->link_count];

		if (!decode_item_is(d, field->name, item, DOC_OBJECT)) {
			d->whole = false;
			continue;
		}
		/* An end that is wrong is that of no node. */
		*link = (struct mesh_link){
			.ends = { { .name = "" }, { .name = "" } },
		};
		link->where = decode_place(d, item->offset);
		decode_object(d, &link_shape, item, item->offset, link);
		name_inline_key(d, link);
		mesh->link_count++;
	}
	return 0;
}

/* A node's name or an address. */
static int take_point(struct decoder *d, const struct doc_value *value,
		      struct placed_name *out)
{
	struct ip ip;

	if (ip_parse(value->text, &ip) < 0)
		return decode_name(d, "a node", value->text, value->offset,
				   out);
	*out = (struct placed_name){
		arena_strndup(d->arena, value->text.data, value->text.size),
		decode_place(d, value->offset),
	};
	return 0;
}

static int take_from(struct decoder *d, const struct field *field,
		     const struct doc_value *value, void *object)
{
	struct mesh_test *test = object;

	(void)field;
	return take_point(d, value, &test->from);
}

static int take_to(struct decoder *d, const struct field *field,
		   const struct doc_value *value, void *object)
{
	struct mesh_test *test = object;

	(void)field;
	return take_point(d, value, &test->to);
}

static int take_expect(struct decoder *d, const struct field *field,
		       const struct doc_value *value, void *object)
{
	static const char *const words[] = { "unreachable", "reachable" };
	struct mesh_test *test = object;
	int word = decode_word(d, field->name, value, words,
			       array_size(words));

	if (word < 0)
		return -1;
	test->reachable = word == 1;
	return 0;
}

static const struct field test_fields[] = {
	{ "from", KIND(DOC_TEXT), take_from, .required = true },
	{ "to", KIND(DOC_TEXT), take_to, .required = true },
	{ "expect", KIND(DOC_TEXT), take_expect, .minor = true },
	{ "description", KIND(DOC_TEXT), take_nothing, .minor = true },
};

static const struct shape test_shape = {
	"a test", "this test", test_fields, array_size(test_fields),
};

int take_tests(struct decoder *d, const struct field *field,
	       const struct doc_value *value, void *object)
{
	struct mesh *mesh = object;
	const struct doc_value *item = value->first;
	bool whole = d->whole;

	if (value->count > TESTS_MAX) {
		diag_error(d->diags, decode_place(d, value->offset),
			   "%s has %zu items, at most %u are taken",
			   field->name, value->count, TESTS_MAX);
		return -1;
	}
	mesh->tests = arena_new_array(d->arena, struct mesh_test,
				      value->count);
	for (; item; item = item->next) {
		struct mesh_test *test = &mesh->tests[mesh->test_count];

		if (!decode_item_is(d, field->name, item, DOC_OBJECT))
			continue;
		*test = (struct mesh_test){
			.where = decode_place(d, item->offset),
			.reachable = true,
		};
		decode_object(d, &test_shape, item, item->offset, test);
		mesh->test_count += test->from.name && test->to.name;
	}
	d->whole = whole;	/* no other check goes by tests */
	return 0;
}
