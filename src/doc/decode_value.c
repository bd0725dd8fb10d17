/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, endpoints, prefixes, addresses and times. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/time.h"
#include "doc/decode.h"

int decode_key(struct decoder *d, const char *name,
	       const struct doc_value *value, struct key *out)
{
	struct place where = decode_place(d, value->offset);
	struct key key;

	if (key_parse(value->text, &key) < 0) {
		diag_error(d->diags, where, "%s is not a key: 44 characters "
			   "of base64 are wanted", name)->hidden = true;
		return -1;
	}
	if (key_is_zero(&key)) {
		diag_error(d->diags, where, "%s is all zero", name);
		return -1;
	}
	*out = key;
	key_wipe(&key);
	return 0;
}

/* What an address means that is no node's and no network's, or NULL. */
static const char *special(const struct prefix *prefix)
{
	static const struct {
		struct prefix prefix;
		const char *what;
	} known[] = {
		{ { { AF_INET, { 0 } }, 32 }, "unspecified" },
		{ { { AF_INET, { 127 } }, 8 }, "loopback" },
		{ { { AF_INET, { 169, 254 } }, 16 }, "link-local" },
		{ { { AF_INET, { 224 } }, 4 }, "multicast" },
		{ { { AF_INET, { 255, 255, 255, 255 } }, 32 }, "broadcast" },
		{ { { AF_INET6, { 0 } }, 128 }, "unspecified" },
		{ { { AF_INET6, { [15] = 1 } }, 128 }, "loopback" },
		{ { { AF_INET6, { 0xfe, 0x80 } }, 10 }, "link-local" },
		{ { { AF_INET6, { 0xff } }, 8 }, "multicast" },
	};

	for (size_t i = 0; i < array_size(known); i++)
		if (prefix_covers(&known[i].prefix, prefix))
			return known[i].what;
	return NULL;
}

static int refuse_special(struct decoder *d, const struct prefix *prefix,
			  const struct doc_value *item)
{
	const char *what = special(prefix);

	if (!what)
		return 0;
	diag_error(d->diags, decode_place(d, item->offset),
		   "%s is %s, which no mesh can carry",
		   value_show(d->diags, item->text), what);
	return -1;
}

static bool is_of_one_host(const struct ip *ip)
{
	static const struct ip none;

	if (!memcmp(ip->bytes, none.bytes, sizeof(none.bytes)))
		return false;
	if (ip->family == AF_INET)
		return ip->bytes[0] < 224;	/* RFC 5771, RFC 1112 class E */
	return ip->bytes[0] != 0xff;		/* RFC 4291 section 2.7 */
}

int decode_endpoint(struct decoder *d, const struct doc_value *value,
		    struct node_endpoint *out)
{
	struct place where = decode_place(d, value->offset);
	const char *shown = value_show(d->diags, value->text);
	struct value_endpoint endpoint = { .host = NULL };
	struct value_refusal why = { .message = NULL };
	struct prefix whole;
	bool zoned, foreign;

	if (!value->text.size) {
		diag_error(d->diags, where, "the endpoint is empty")->hint =
			"a node that nobody can reach first has none";
		return -1;
	}
	if (value_endpoint_parse(d->arena, value->text, true, &endpoint,
				 &why) < 0) {
		diag_error(d->diags, where, why.message, shown)->hint =
			why.hint;
		return -1;
	}
	zoned = endpoint.endpoint.scope ||
		(endpoint.host && strchr(endpoint.host, '%'));
	foreign = !endpoint.host && !is_of_one_host(&endpoint.endpoint.ip);
	if (zoned || foreign) {
		diag_error(d->diags, where, zoned ?
			   "the endpoint %s has a zone, which means something "
			   "to one host only" :
			   "the endpoint %s is not the address of one host",
			   shown);
		return -1;
	}
	whole = prefix_whole(&endpoint.endpoint.ip);
	if (!endpoint.host && special(&whole)) {
		diag_error(d->diags, where, "the endpoint %s is %s, where no "
			   "other host reaches this one", shown,
			   special(&whole));
		return -1;
	}
	*out = (struct node_endpoint){ endpoint.endpoint.ip, endpoint.host,
				       endpoint.port, where };
	return 0;
}

static void append(struct decoder *d, struct prefix_list *list,
		   struct prefix prefix, const struct doc_value *item)
{
	arena_room(d->arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	list->items[list->count++] = (struct placed_prefix){
		prefix, decode_place(d, item->offset) };
}

/* A hint with one prefix in it. */
static const char *hint_of(struct decoder *d, const char *format,
			   const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	return arena_printf(d->diags->arena, format,
			    prefix_format(prefix, text));
}

static int take_prefix(struct decoder *d, const struct doc_value *item,
		       struct prefix_list *list)
{
	struct place where = decode_place(d, item->offset);
	struct prefix prefix, masked;
	const char *shown;

	if (prefix_parse(item->text, &prefix) < 0) {
		shown = value_show(d->diags, item->text);
		diag_error(d->diags, where, "%s is not a prefix", shown)
			->hint = "it is written ADDRESS/LENGTH, as in "
				 "192.168.1.0/24 or fd00:1::/64";
		return -1;
	}
	if (!memchr(item->text.data, '/', item->text.size)) {
		shown = value_show(d->diags, item->text);
		diag_error(d->diags, where, "%s has no length", shown)->hint =
			hint_of(d, "%s is this address alone", &prefix);
		return -1;
	}
	masked = prefix_mask(prefix);
	if (prefix_has_host_bits(&prefix)) {
		shown = value_show(d->diags, item->text);
		diag_error(d->diags, where, "%s has bits set behind its "
			   "length", shown)->hint =
			hint_of(d, "the network is %s", &masked);
		return -1;
	}
	if (refuse_special(d, &masked, item) < 0)
		return -1;
	append(d, list, masked, item);
	return 0;
}

int decode_prefixes(struct decoder *d, const char *name,
		    const struct doc_value *value, struct prefix_list *list)
{
	const struct doc_value *item = value->first;
	int result = 0;

	for (; item; item = item->next)
		if (!decode_item_is(d, name, item, DOC_TEXT) ||
		    take_prefix(d, item, list) < 0)
			result = -1;
	return result;
}

static void take_address(struct decoder *d, const struct doc_value *item,
			 struct prefix_list *list)
{
	bool valid, has_length;
	struct prefix prefix;
	struct diag *diag;
	const char *shown;

	valid = prefix_parse(item->text, &prefix) == 0;
	has_length = item->text.size &&
		     memchr(item->text.data, '/', item->text.size);
	if (valid && !has_length) {
		if (refuse_special(d, &prefix, item) < 0)
			return;
		append(d, list, prefix, item);
		return;
	}
	shown = value_show(d->diags, item->text);
	diag = diag_error(d->diags, decode_place(d, item->offset),
			  "%s is not an IP address", shown);
	if (valid)
		diag->hint = "an address stands without a length: that is the "
			     "overlay's";
}

void decode_addresses(struct decoder *d, const char *name,
		      const struct doc_value *value, struct prefix_list *list)
{
	const struct doc_value *item = value->first;

	for (; item; item = item->next)
		if (decode_item_is(d, name, item, DOC_TEXT))
			take_address(d, item, list);
}

int decode_time(struct decoder *d, const char *name,
		const struct doc_value *value, int64_t *out)
{
	if (time_parse(value->text, out) == 0)
		return 0;
	diag_error(d->diags, decode_place(d, value->offset),
		   "%s is %s, not a time", name,
		   value_show(d->diags, value->text))->hint =
		"it is written 2026-12-31T00:00:00Z, or with +03:30 in place "
		"of Z, from the year 2000 on";
	return -1;
}
