/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, endpoints, prefixes, addresses and times. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
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

/* Digits of a time: FORM has a 0 for each, anything else stands for itself. */
static bool has_form(struct str text, const char *form)
{
	if (text.size != strlen(form))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		bool digit = char_is_digit(text.data[i]);

		if (form[i] == '0' ? !digit : text.data[i] != form[i])
			return false;
	}
	return true;
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
				    30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* "2026-12-31T00:00:00" */
static int date_parse(struct str text, int64_t *out)
{
	const char *t = text.data;
	int year, month, day, hour, minute, second;
	int64_t days;

	if (!has_form(text, "0000-00-00T00:00:00"))
		return -1;
	year = two(t) * 100 + two(t + 2);
	month = two(t + 5);
	day = two(t + 8);
	hour = two(t + 11);
	minute = two(t + 14);
	second = two(t + 17);
	if (year < 2000 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month) || hour > 23 || minute > 59 ||
	    second > 59)
		return -1;
	days = (int64_t)year * 365 + (year - 1) / 4 - (year - 1) / 100 +
	       (year - 1) / 400 - 719527;	/* of 1970-01-01 */
	for (int i = 1; i < month; i++)
		days += days_in(year, i);
	days += day - 1;
	*out = ((days * 24 + hour) * 60 + minute) * 60 + second;
	return 0;
}

/* "Z", "+03:30"; RFC 3339 section 5.6. */
static int offset_parse(struct str text, int64_t *out)
{
	int64_t seconds;

	*out = 0;
	if (str_is(text, "Z"))
		return 0;
	if (!text.size ||
	    (!has_form(text, "+00:00") && !has_form(text, "-00:00")))
		return -1;
	if (two(text.data + 1) > 23 || two(text.data + 4) > 59)
		return -1;
	seconds = (two(text.data + 1) * 60 + two(text.data + 4)) * 60;
	*out = text.data[0] == '-' ? -seconds : seconds;
	return 0;
}

/* A fraction of a second is dropped: nothing here is that exact. */
static struct str skip_fraction(struct str text)
{
	size_t size = 1;

	if (text.size < 2 || text.data[0] != '.')
		return text;
	while (size < text.size && text.data[size] >= '0' &&
	       text.data[size] <= '9')
		size++;
	if (size == 1)
		return text;
	return (struct str){ text.data + size, text.size - size };
}

int decode_time(struct decoder *d, const char *name,
		const struct doc_value *value, int64_t *out)
{
	const size_t date_size = strlen("2026-12-31T00:00:00");
	struct str date = value->text, rest = { NULL, 0 };
	int64_t seconds, offset;

	if (date.size > date_size) {
		rest = (struct str){ date.data + date_size,
				     date.size - date_size };
		date.size = date_size;
	}
	if (date_parse(date, &seconds) == 0 &&
	    offset_parse(skip_fraction(rest), &offset) == 0) {
		*out = seconds - offset;
		return 0;
	}
	diag_error(d->diags, decode_place(d, value->offset),
		   "%s is %s, not a time", name,
		   value_show(d->diags, value->text))->hint =
		"it is written 2026-12-31T00:00:00Z, or with +03:30 in place "
		"of Z, from the year 2000 on";
	return -1;
}
