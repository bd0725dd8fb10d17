/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

unsigned int ip_bits(uint8_t family)
{
	if (family == AF_INET)
		return 32;
	return family == AF_INET6 ? 128 : 0;
}

/* Four decimal parts without leading zeros, as inet_pton(3) wants them. */
static int ipv4_parse(struct str text, uint8_t *bytes)
{
	const char *at = text.data, *end = at + text.size;

	for (int i = 0; i < 4; i++) {
		unsigned int value = 0;
		const char *start;

		if (i && (at == end || *at++ != '.'))
			return -1;
		start = at;
		while (at < end && at - start < 3 && char_is_digit(*at))
			value = 10 * value + (unsigned int)(*at++ - '0');
		if (at == start || value > UINT8_MAX ||
		    (*start == '0' && at - start > 1))
			return -1;
		bytes[i] = (uint8_t)value;
	}
	return at == end ? 0 : -1;
}

/*
 * inet_pton() of glibc is as strict as we want to be of IPv6, and takes no
 * zone.  The tests hold it to that.
 */
int ip_parse(struct str text, struct ip *out)
{
	char copy[IP_TEXT_MAX];
	struct ip ip = { .family = AF_INET };

	if (text.size && !ipv4_parse(text, ip.bytes)) {
		*out = ip;
		return 0;
	}
	ip = (struct ip){ .family = AF_INET6 };
	if (!text.size || text.size >= sizeof(copy) ||
	    memchr(text.data, '\0', text.size))
		return -1;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	if (inet_pton(ip.family, copy, ip.bytes) != 1)
		return -1;
	*out = ip;
	return 0;
}

/* A number as we write it: no leading zero, which elsewhere is octal. */
static int number_parse(struct str text, uint64_t max, uint64_t *out)
{
	if (text.size > 1 && text.data[0] == '0')
		return -1;
	return str_uint(text, max, out);
}

int prefix_parse(struct str text, struct prefix *out)
{
	const char *slash = NULL;
	struct str address = text;
	struct prefix p = { 0 };
	uint64_t length;

	if (text.size)
		slash = memchr(text.data, '/', text.size);
	if (slash)
		address.size = (size_t)(slash - text.data);
	if (ip_parse(address, &p.ip) < 0)
		return -1;
	length = ip_bits(p.ip.family);
	if (slash) {
		struct str rest = { slash + 1, text.size - address.size - 1 };

		if (number_parse(rest, length, &length) < 0)
			return -1;
	}
	p.length = (uint8_t)length;
	*out = p;
	return 0;
}

/* "v6" or "v6%index" of a link-local address, RFC 4007 section 11. */
static int bracketed_parse(struct str text, struct endpoint *e)
{
	const char *percent = memchr(text.data, '%', text.size);
	struct str address = text;
	uint64_t scope = 0;

	if (percent) {
		struct str zone = { percent + 1, 0 };

		address.size = (size_t)(percent - text.data);
		zone.size = text.size - address.size - 1;
		/* The kernel's interface indexes are positive ints. */
		if (number_parse(zone, INT32_MAX, &scope) < 0 || !scope)
			return -1;
	}
	if (ip_parse(address, &e->ip) < 0 || e->ip.family != AF_INET6)
		return -1;
	if (scope && !ip_is_link_local(&e->ip))
		return -1;
	e->scope = (uint32_t)scope;
	return 0;
}

int endpoint_parse(struct str text, struct endpoint *out)
{
	const char *colon = NULL;
	struct endpoint e = { 0 };
	struct str address, port;
	uint64_t number;

	if (text.size)
		colon = memrchr(text.data, ':', text.size);
	if (!colon)
		return -1;
	address = (struct str){ text.data, (size_t)(colon - text.data) };
	port = (struct str){ colon + 1, text.size - address.size - 1 };
	if (number_parse(port, UINT16_MAX, &number) < 0 || !number)
		return -1;
	e.port = (uint16_t)number;
	if (address.size > 2 && address.data[0] == '[' &&
	    address.data[address.size - 1] == ']') {
		address.data++;
		address.size -= 2;
		if (bracketed_parse(address, &e) < 0)
			return -1;
	} else if (ip_parse(address, &e.ip) < 0 || e.ip.family != AF_INET) {
		return -1;
	}
	*out = e;
	return 0;
}

/* Four numbers and their dots; the end, where no NUL is written. */
static char *ipv4_format(const uint8_t *bytes, char *out)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		out += number_format(bytes[i], out);
	}
	return out;
}

/* glibc's inet_ntop() writes IPv6 as RFC 5952 wants it. */
char *ip_format(const struct ip *ip, char out[static IP_TEXT_MAX])
{
	if (ip->family == AF_INET)
		*ipv4_format(ip->bytes, out) = '\0';
	else if (!ip_bits(ip->family) ||
		 !inet_ntop(ip->family, ip->bytes, out, IP_TEXT_MAX))
		snprintf(out, IP_TEXT_MAX, "none");
	return out;
}

/* SIGN and NUMBER at the end of OUT. */
static void end_with(char *out, char sign, unsigned int number)
{
	out += strlen(out);
	*out++ = sign;
	out[number_format(number, out)] = '\0';
}

char *prefix_format(const struct prefix *p, char out[static PREFIX_TEXT_MAX])
{
	ip_format(&p->ip, out);
	end_with(out, '/', p->length);
	return out;
}

char *endpoint_format(const struct endpoint *e,
		      char out[static ENDPOINT_TEXT_MAX])
{
	bool brackets = e->ip.family == AF_INET6;
	size_t size;

	out[0] = '[';
	ip_format(&e->ip, out + brackets);
	if (e->scope)
		end_with(out, '%', e->scope);
	size = strlen(out);
	if (brackets)
		out[size++] = ']';
	out[size] = '\0';
	end_with(out, ':', e->port);
	return out;
}

static int number_compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	int order = number_compare(a->family, b->family);

	return order ? order : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = ip_compare(&a->ip, &b->ip);

	return order ? order : number_compare(a->length, b->length);
}

int endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = ip_compare(&a->ip, &b->ip);

	if (!order)
		order = number_compare(a->port, b->port);
	return order ? order : number_compare(a->scope, b->scope);
}

struct prefix prefix_whole(const struct ip *ip)
{
	return (struct prefix){ *ip, (uint8_t)ip_bits(ip->family) };
}

struct prefix prefix_mask(struct prefix p)
{
	size_t whole = p.length / 8, bits = p.length % 8;

	if (whole >= sizeof(p.ip.bytes))
		return p;
	if (bits)
		p.ip.bytes[whole++] &= (uint8_t)(0xff << (8 - bits));
	memset(p.ip.bytes + whole, 0, sizeof(p.ip.bytes) - whole);
	return p;
}

bool prefix_has_host_bits(const struct prefix *p)
{
	static const uint8_t zero[sizeof(p->ip.bytes)];
	size_t whole = p->length / 8, bits = p->length % 8;

	if (whole >= sizeof(zero))
		return false;
	if (bits && p->ip.bytes[whole++] & 0xff >> bits)
		return true;
	return memcmp(p->ip.bytes + whole, zero, sizeof(zero) - whole) != 0;
}

bool prefix_has(const struct prefix *p, const struct ip *ip)
{
	size_t bytes = p->length / 8;
	unsigned int bits = p->length % 8;

	if (!ip->family || p->ip.family != ip->family ||
	    memcmp(p->ip.bytes, ip->bytes, bytes))
		return false;
	return !bits || !((p->ip.bytes[bytes] ^ ip->bytes[bytes]) &
			  (0xff << (8 - bits)) & 0xff);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->length <= inner->length && prefix_has(outer, &inner->ip);
}

bool ip_is_link_local(const struct ip *ip)
{
	if (ip->family == AF_INET)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe &&
	       (ip->bytes[1] & 0xc0) == 0x80;
}
