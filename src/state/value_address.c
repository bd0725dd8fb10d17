/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints and lists of prefixes. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/text.h"
#include "state/value.h"

#define ITEM_MAX 64	/* bytes of a prefix, blanks not counted */
#define HOST_MAX 253	/* bytes of a name, RFC 1035 section 2.3.4 */
#define LABEL_MAX 63

/* Digits and dots alone: meant as an IPv4 address, in some loose form. */
static bool is_numeric(struct str text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!char_is_digit(text.data[i]) && text.data[i] != '.')
			return false;
	return text.size > 0;
}

static const char hint_ipv4[] =
	"an IPv4 address is four decimal numbers up to 255, with dots and "
	"without leading zeros";

static bool is_full(const struct source *source, struct str item,
		    struct diags *diags, const struct prefix_list *list)
{
	if (list->count < TEXT_PREFIXES_MAX)
		return false;
	value_error(source, item, diags, "this is more than %u prefixes",
		    TEXT_PREFIXES_MAX);
	return true;
}

/* Why TEXT, of ITEM, is no prefix. */
static void refuse_prefix(const struct source *source, struct str item,
			  struct str text, struct diags *diags)
{
	const char *slash = text.size ? memchr(text.data, '/', text.size)
				      : NULL;
	struct str address = text;
	struct diag *diag;
	struct ip ip;

	if (slash)
		address.size = (size_t)(slash - text.data);
	if (slash && ip_parse(address, &ip) == 0) {
		diag = value_error(source, item, diags,
				   "the prefix length of %s is not a number "
				   "from 0 to %u", value_show(diags, item),
				   ip_bits(ip.family));
		if (ip.family == AF_INET)
			diag->hint = "a netmask is not taken: 255.255.255.0 "
				     "is /24";
		return;
	}
	diag = value_error(source, item, diags, "%s is not an IP address",
			   value_show(diags, item));
	if (is_numeric(address))
		diag->hint = hint_ipv4;
	else if (address.size && strchr("+-", address.data[0]))
		diag->hint = "a list says what there is; it adds and takes "
			     "nothing away";
}

static int take_prefix(struct arena *arena, const struct source *source,
		       struct str item, struct diags *diags,
		       struct prefix_list *list)
{
	char buffer[ITEM_MAX];
	struct str text = value_squeeze(item, buffer, sizeof(buffer));
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0) {
		refuse_prefix(source, item, text, diags);
		return -1;
	}
	arena_room(arena, &list->items, list->count, &list->capacity,
		   sizeof(*list->items));
	list->items[list->count].prefix = prefix;
	list->items[list->count++].where = place_of(source, item);
	return 0;
}

int value_allowed_ips(struct arena *arena, const struct source *source,
		      struct str value, struct diags *diags,
		      struct prefix_list *list)
{
	struct str rest = value, item;
	int result = 0;

	if (!value.size)
		return 0;
	while (str_next(&rest, ',', &item)) {
		if (is_full(source, item, diags, list))
			return -1;
		if (take_prefix(arena, source, str_trim(item), diags, list) < 0)
			result = -1;
	}
	if (value.data[value.size - 1] != ',')
		return result;
	item = (struct str){ value.data + value.size - 1, 1 };
	value_error(source, item, diags, "nothing follows this comma");
	return -1;
}

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

int value_addresses(struct arena *arena, const struct source *source,
		    struct str value, struct diags *diags,
		    struct prefix_list *list)
{
	size_t start = 0, end;
	int result = 0;

	for (; start < value.size; start = end) {
		struct str item;

		end = start + 1;
		if (is_separator(value.data[start]))
			continue;
		while (end < value.size && !is_separator(value.data[end]))
			end++;
		item = (struct str){ value.data + start, end - start };
		if (is_full(source, item, diags, list))
			return -1;
		if (take_prefix(arena, source, item, diags, list) < 0)
			result = -1;
	}
	return result;
}

/* RFC 1123 section 2.1, and the underscore that is met in the wild. */
static bool host_valid(struct str host)
{
	struct str label;

	if (!host.size || host.size > HOST_MAX ||
	    host.data[host.size - 1] == '.')
		return false;
	while (str_next(&host, '.', &label)) {
		if (!label.size || label.size > LABEL_MAX ||
		    label.data[0] == '-')
			return false;
		for (size_t i = 0; i < label.size; i++) {
			char c = label.data[i];

			if (!char_is_alphanumeric(c) && c != '-' && c != '_')
				return false;
		}
	}
	return true;
}

/* What getaddrinfo() would read as an address in an old form: the last label
   is a number. */
static bool ends_in_number(struct str host)
{
	const char *dot = memrchr(host.data, '.', host.size);
	struct str last = host;
	uint64_t number;

	if (dot) {
		last.size -= (size_t)(dot + 1 - host.data);
		last.data = dot + 1;
	}
	return is_numeric(last) || str_uint_or_hex(last, UINT64_MAX,
						   &number) == 0;
}

/* fe80::1%eth0, which has an index only where it is used. */
static bool is_zoned(struct str host)
{
	const char *percent = memchr(host.data, '%', host.size);
	struct str address = host, zone;
	struct ip ip;

	if (!percent)
		return false;
	address.size = (size_t)(percent - host.data);
	zone = (struct str){ percent + 1, host.size - address.size - 1 };
	return ip_parse(address, &ip) == 0 && ip_is_link_local(&ip) &&
	       link_name_valid(zone) && !memchr(zone.data, ']', zone.size);
}

static int refuse(struct value_refusal *why, const char *message,
		  const char *hint)
{
	*why = (struct value_refusal){ message, hint };
	return -1;
}

/* HOST without its port; 0 if it can be resolved. */
static int check_host(struct str *host, struct value_refusal *why)
{
	if (host->size >= 2 && host->data[0] == '[' &&
	    host->data[host->size - 1] == ']') {
		host->data++;
		host->size -= 2;
		if (host->size && is_zoned(*host))
			return 0;
		return refuse(why, "the endpoint %s has no IPv6 address "
			      "between its brackets", NULL);
	}
	if (host->size && memchr(host->data, ':', host->size))
		return refuse(why, "the endpoint %s is not ADDRESS:PORT",
			      "an IPv6 address stands in brackets: "
			      "[2001:db8::1]:51820");
	if (!host_valid(*host))
		return refuse(why, "the endpoint %s has neither an address "
			      "nor a name before its port", NULL);
	if (ends_in_number(*host))
		return refuse(why, "the endpoint %s does not have an IP "
			      "address as it is written in full", hint_ipv4);
	return 0;
}

/* Cut the port off HOST; 0 where there is none. */
static int split_port(struct str *host, bool port_optional, uint16_t *port,
		      struct value_refusal *why)
{
	const char *colon = host->size ? memrchr(host->data, ':', host->size)
				       : NULL;
	struct str digits;
	uint64_t number;

	*port = 0;
	if (!colon || host->data[host->size - 1] == ']') {
		if (port_optional)
			return 0;
		return refuse(why, "the endpoint %s has no port",
			      "it is written ADDRESS:PORT");
	}
	digits = (struct str){ colon + 1, host->size };
	host->size = (size_t)(colon - host->data);
	digits.size -= host->size + 1;
	if (str_uint(digits, UINT16_MAX, &number) < 0 || !number ||
	    digits.data[0] == '0')
		return refuse(why, "the port of the endpoint %s is not a "
			      "number from 1 to 65535", NULL);
	*port = (uint16_t)number;
	return 0;
}

/* An address alone, IPv6 in brackets. */
static bool is_address(struct str host, struct ip *out)
{
	uint8_t family = AF_INET;
	struct ip ip;

	if (host.size > 2 && host.data[0] == '[' &&
	    host.data[host.size - 1] == ']') {
		host = (struct str){ host.data + 1, host.size - 2 };
		family = AF_INET6;
	}
	if (ip_parse(host, &ip) < 0 || ip.family != family)
		return false;
	*out = ip;
	return true;
}

int value_endpoint_parse(struct arena *arena, struct str text,
			 bool port_optional, struct value_endpoint *out,
			 struct value_refusal *why)
{
	struct value_endpoint result = { .host = NULL };
	struct str host = text;

	if (endpoint_parse(text, &result.endpoint) == 0) {
		result.port = result.endpoint.port;
		*out = result;
		return 0;
	}
	if (split_port(&host, port_optional, &result.port, why) < 0)
		return -1;
	if (!is_address(host, &result.endpoint.ip)) {
		if (check_host(&host, why) < 0)
			return -1;
		result.host = arena_strndup(arena, host.data, host.size);
	}
	*out = result;
	return 0;
}

int value_endpoint(struct arena *arena, const struct source *source,
		   struct str value, struct diags *diags,
		   struct value_endpoint *out)
{
	char buffer[HOST_MAX + 32];
	struct str text = value_squeeze(value, buffer, sizeof(buffer));
	struct value_refusal why;

	if (value_endpoint_parse(arena, text, false, out, &why) == 0)
		return 0;
	value_error(source, value, diags, why.message,
		    value_show(diags, value))->hint = why.hint;
	return -1;
}
