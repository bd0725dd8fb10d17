/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, prefixes, endpoints: strict text forms, one total order.
 * IPv4 is four decimal parts without leading zeros, nothing shorter; IPv6 is
 * RFC 4291, written as in RFC 5952.  Bytes are in network order, the unused
 * tail is zero, so that values compare with memcmp.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct ip {
	uint8_t family;		/* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];
};

struct prefix {
	struct ip ip;		/* host bits may be set: see prefix_mask */
	uint8_t length;		/* bits */
};

struct endpoint {
	struct ip ip;
	uint16_t port;		/* host order */
	uint32_t scope;		/* interface index of a link-local, or 0 */
};

#define IP_TEXT_MAX 46		/* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX 50
#define ENDPOINT_TEXT_MAX 72	/* [v6%scope]:port */

unsigned int ip_bits(uint8_t family);	/* 32, 128; 0 for another family */
int ip_parse(struct str text, struct ip *out) must_check_;
/* With or without "/length"; without one it is the whole address. */
int prefix_parse(struct str text, struct prefix *out) must_check_;
/* ADDRESS:PORT with IPv6 in brackets, port 1 to 65535. */
int endpoint_parse(struct str text, struct endpoint *out) must_check_;

/* The formatters return their buffer. */
char *ip_format(const struct ip *ip, char out[static IP_TEXT_MAX]);
char *prefix_format(const struct prefix *p, char out[static PREFIX_TEXT_MAX]);
char *endpoint_format(const struct endpoint *e,
		      char out[static ENDPOINT_TEXT_MAX]);

/* Total orders: family, bytes (then length; port, scope). */
int ip_compare(const struct ip *a, const struct ip *b);
int prefix_compare(const struct prefix *a, const struct prefix *b);
int endpoint_compare(const struct endpoint *a, const struct endpoint *b);

struct prefix prefix_mask(struct prefix p);	/* host bits cleared */
struct prefix prefix_whole(const struct ip *ip);	/* of IP alone */
bool prefix_has_host_bits(const struct prefix *p);
/* OUTER covers INNER wholly (equal ones do); families must be the same. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_has(const struct prefix *p, const struct ip *ip);
bool ip_is_link_local(const struct ip *ip);	/* fe80::/10, 169.254/16 */
