/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects by the tables of their keys; numbers, words and names. */
#include <string.h>

#include "base/arena.h"
#include "doc/decode.h"

#define FIELDS_MAX 32
#define NUMBER_SHOWN_MAX 24	/* bytes of a number in a message */

struct place decode_place(const struct decoder *d, size_t offset)
{
	return (struct place){ d->source, offset };
}

static const char *kind_words(enum doc_kind kind)
{
	switch (kind) {
	case DOC_NULL:
		return "null";
	case DOC_TRUTH:
		return "true or false";
	case DOC_NUMBER:
		return "a number";
	case DOC_TEXT:
		return "a text";
	case DOC_LIST:
		return "a list";
	case DOC_OBJECT:
		return "an object";
	}
	return "nothing";
}

static const char *kind_of(const struct doc_value *value)
{
	if (value->kind == DOC_TRUTH)
		return value->truth ? "true" : "false";
	return kind_words(value->kind);
}

/* "a number or a text" */
static const char *kinds_words(struct decoder *d, unsigned int kinds)
{
	const char *words = NULL;

	for (unsigned int kind = DOC_NULL; kind <= DOC_OBJECT; kind++) {
		const char *one = kind_words((enum doc_kind)kind);

		if (!(kinds & KIND(kind)))
			continue;
		words = words ? arena_printf(d->diags->arena, "%s or %s",
					     words, one) : one;
	}
	return words ? words : "nothing";
}

bool decode_item_is(struct decoder *d, const char *name,
		    const struct doc_value *item, enum doc_kind kind)
{
	if (item->kind == kind)
		return true;
	diag_error(d->diags, decode_place(d, item->offset),
		   "an item of %s is %s, %s is wanted", name, kind_of(item),
		   kind_words(kind));
	return false;
}

#define HOOK_HINT "no commands are run: routes and rules of your own stand in " \
	"templates, meshapply-template(5)"

/* What a key is called elsewhere, and here, or why there is none. */
static const struct {
	const char *word, *key, *hint;
} elsewhere[] = {
	{ "persistent_keepalive", "keepalive", NULL },
	{ "port", "listen_port", NULL },
	{ "networks", "subnets", NULL },
	{ "psk", "preshared_key_file", NULL },
	{ "comment", "description", NULL },
	{ "private_key", NULL, "a private key stays on its node, in a file" },
	{ "preshared_key", NULL, "a preshared key belongs to a link" },
	{ "preshared_key_file", NULL, "a preshared key belongs to a link" },
	{ "psk", NULL, "a preshared key belongs to a link" },
	{ "allowed_ips", NULL, "they follow from addresses and subnets" },
	{ "peers", NULL, "who is linked to whom is the topology's" },
	/* wg-quick's words */
	{ "Address", "addresses", NULL },
	{ "AllowedIPs", NULL, "they follow from addresses and subnets" },
	{ "DNS", NULL, "name servers are the host's own: resolvectl(1)" },
	{ "Endpoint", "endpoint", NULL },
	{ "FwMark", "fwmark", NULL },
	{ "ListenPort", "listen_port", NULL },
	{ "MTU", "mtu", NULL },
	{ "PersistentKeepalive", "keepalive", NULL },
	{ "PresharedKey", "preshared_key_file", NULL },
	{ "PresharedKey", NULL, "a preshared key belongs to a link" },
	{ "PrivateKey", NULL, "a private key stays on its node, in a file" },
	{ "PublicKey", "public_key", NULL },
	{ "Table", "table", NULL },
	{ "PreUp", NULL, HOOK_HINT },
	{ "PostUp", NULL, HOOK_HINT },
	{ "PreDown", NULL, HOOK_HINT },
	{ "PostDown", NULL, HOOK_HINT },
};

static const struct field *field_of(const struct shape *shape, struct str name)
{
	for (size_t i = 0; i < shape->count; i++)
		if (str_is(name, shape->fields[i].name))
			return &shape->fields[i];
	return NULL;
}

/* The field that is meant by KEY, or NULL: then *WHY may tell why not. */
static const struct field *field_meant(const struct shape *shape,
				       struct str key, const char **why)
{
	const struct field *field = NULL;
	const char *names[FIELDS_MAX];

	for (size_t i = 0; i < shape->count; i++)
		names[i] = shape->fields[i].name;
	*why = str_nearest(key, names, shape->count);
	if (*why)
		return field_of(shape, str_of(*why));
	for (size_t i = 0; !field && i < array_size(elsewhere); i++) {
		if (!str_is(key, elsewhere[i].word))
			continue;
		*why = elsewhere[i].hint;
		if (*why)
			return NULL;
		field = field_of(shape, str_of(elsewhere[i].key));
	}
	return field;
}

/* Of what a minor key is meant to say nothing else depends. */
static void refuse_unknown(struct decoder *d, const struct shape *shape,
			   const struct doc_value *member)
{
	const char *why;
	const struct field *meant = field_meant(shape, member->key, &why);

	diag_error(d->diags, decode_place(d, member->key_offset),
		   "%s is not a key of %s",
		   value_show(d->diags, member->key), shape->one)->hint =
		meant ? arena_printf(d->diags->arena, "did you mean '%s'?",
				     meant->name) : why;
	if (meant && !meant->minor)
		d->whole = false;
}

static void take_member(struct decoder *d, const struct field *field,
			const struct doc_value *member, void *object)
{
	struct diag *diag;

	if (field->kinds & KIND(member->kind)) {
		if (field->take(d, field, member, object) < 0 && !field->minor)
			d->whole = false;
		return;
	}
	diag = diag_error(d->diags, decode_place(d, member->offset),
			  "%s is %s, %s is wanted", field->name,
			  kind_of(member), kinds_words(d, field->kinds));
	if (member->kind == DOC_NULL)
		diag->hint = "what is not said is left out, with its key";
	if (!field->minor)
		d->whole = false;
}

void decode_object(struct decoder *d, const struct shape *shape,
		   const struct doc_value *value, size_t where, void *object)
{
	const struct doc_value *member = value->first;
	uint32_t seen = 0;

	for (; member; member = member->next) {
		const struct field *field = field_of(shape, member->key);

		if (!field) {
			refuse_unknown(d, shape, member);
			continue;
		}
		seen |= 1u << (field - shape->fields);
		take_member(d, field, member, object);
	}
	for (size_t i = 0; i < shape->count; i++) {
		if (!shape->fields[i].required || seen & 1u << i)
			continue;
		diag_error(d->diags, decode_place(d, where), "%s has no '%s'",
			   shape->this, shape->fields[i].name);
		d->whole = false;
	}
}

int take_nothing(struct decoder *d, const struct field *field,
		 const struct doc_value *value, void *object)
{
	(void)d;
	(void)field;
	(void)value;
	(void)object;
	return 0;
}

int take_setting(struct decoder *d, const struct field *field,
		 const struct doc_value *value, void *object)
{
	struct setting *setting = (void *)((char *)object + field->at);
	uint64_t number;

	if (decode_number(d, field->name, value, field->min, field->max,
			  &number) < 0)
		return -1;
	setting->value = (uint32_t)number;
	setting->where = decode_place(d, value->offset);
	return 0;
}

int take_policy(struct decoder *d, const struct field *field,
		const struct doc_value *value, void *object)
{
	struct setting *setting = (void *)((char *)object + field->at);
	int word = decode_word(d, field->name, value, endpoint_policy_words,
			       ENDPOINT_POLICIES);

	if (word < 0)
		return -1;
	*setting = (struct setting){ (uint32_t)word,
				     decode_place(d, value->offset) };
	return 0;
}

static const char *number_show(struct decoder *d, struct str text)
{
	if (text.size > NUMBER_SHOWN_MAX)
		return arena_printf(d->diags->arena, "a number of %zu digits",
				    text.size);
	return arena_strndup(d->diags->arena, text.data, text.size);
}

int decode_number(struct decoder *d, const char *name,
		  const struct doc_value *value, uint64_t min, uint64_t max,
		  uint64_t *out)
{
	struct place where = decode_place(d, value->offset);
	struct str text = str_is(value->text, "-0") ? STR("0") : value->text;
	const char *shown = number_show(d, text);
	uint64_t number = 0;

	if (memchr(text.data, '.', text.size) ||
	    memchr(text.data, 'e', text.size) ||
	    memchr(text.data, 'E', text.size))
		diag_error(d->diags, where, "%s is %s, a whole number is "
			   "wanted", name, shown);
	else if (text.data[0] != '-' && str_uint(text, max, &number) < 0)
		diag_error(d->diags, where, "%s is %s, more than %ju", name,
			   shown, (uintmax_t)max);
	else if (text.data[0] == '-' || number < min)
		diag_error(d->diags, where, "%s is %s, less than %ju", name,
			   shown, (uintmax_t)min);
	else {
		*out = number;
		return 0;
	}
	return -1;
}

int decode_word(struct decoder *d, const char *name,
		const struct doc_value *value, const char *const *words,
		size_t count)
{
	struct diag *diag;
	struct sbuf all;

	for (size_t i = 0; i < count; i++)
		if (str_is(value->text, words[i]))
			return (int)i;
	sbuf_init(&all, d->diags->arena);
	for (size_t i = 0; i < count; i++)
		sbuf_printf(&all, "%s'%s'", !i ? "" : i + 1 < count ? ", " :
			    " or ", words[i]);
	diag = diag_error(d->diags, decode_place(d, value->offset),
			  "%s is %s, not %s", name,
			  value_show(d->diags, value->text), all.data);
	diag_hint_nearest(d->diags, diag, value->text, words, count);
	return -1;
}

static bool name_valid(struct str name)
{
	if (!name.size || name.size > NODE_NAME_MAX ||
	    !char_is_alphanumeric(name.data[0]))
		return false;
	for (size_t i = 1; i < name.size; i++)
		if (!char_is_alphanumeric(name.data[i]) &&
		    !strchr("_.-", name.data[i]))
			return false;
	return true;
}

int decode_name(struct decoder *d, const char *what, struct str text,
		size_t offset, struct placed_name *out)
{
	struct place where = decode_place(d, offset);
	struct diag *diag;
	struct ip ip;

	if (name_valid(text) && ip_parse(text, &ip) < 0) {
		*out = (struct placed_name){
			arena_strndup(d->arena, text.data, text.size), where };
		return 0;
	}
	diag = diag_error(d->diags, where, "%s is not a name for %s",
			  value_show(d->diags, text), what);
	diag->hint = "a name has 1 to 63 of A-Z a-z 0-9 _ . -, begins with a "
		     "letter or a digit, and is no address";
	return -1;
}

static int name_compare(const void *a, const void *b)
{
	const struct placed_name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : place_compare(x->where, y->where);
}

static int refuse_repeated(struct decoder *d, const struct field *field,
			   const struct placed_name *names, size_t count)
{
	struct placed_name *sorted = arena_copy(d->arena, names,
						count * sizeof(*names));
	int result = 0;

	items_sort(sorted, count, sizeof(*sorted), name_compare);
	for (size_t i = 1; i < count; i++) {
		struct diag *diag;

		if (strcmp(sorted[i - 1].name, sorted[i].name) != 0)
			continue;
		diag = diag_error(d->diags, sorted[i].where,
				  "%s is twice among the %s",
				  value_show(d->diags, str_of(sorted[i].name)),
				  field->name);
		diag->other = sorted[i - 1].where;
		diag->other_message = "the first is here";
		result = -1;
	}
	return result;
}

int decode_names(struct decoder *d, const struct field *field,
		 const struct doc_value *value, const char *what,
		 struct placed_name **items, size_t *count)
{
	const struct doc_value *item = value->first;
	struct placed_name *names;
	int result = 0;
	size_t used = 0;

	names = arena_new_array(d->arena, struct placed_name, value->count);
	for (; item; item = item->next) {
		if (!decode_item_is(d, field->name, item, DOC_TEXT) ||
		    decode_name(d, what, item->text, item->offset,
				&names[used]) < 0)
			result = -1;
		else
			used++;
	}
	if (refuse_repeated(d, field, names, used) < 0)
		result = -1;
	*items = names;
	*count = used;
	return result;
}
