/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The equivalences that "as desired" and "as before" mean. */
#include <string.h>

#include "state/state.h"

bool route_equal(const struct route *a, const struct route *b)
{
	return !a->opaque && !b->opaque && route_compare(a, b) == 0;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return !a->opaque && !b->opaque && rule_compare(a, b) == 0;
}

bool prefixes_equal(const struct prefix *a, size_t a_count,
		    const struct prefix *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (prefix_compare(&a[i], &b[i]) != 0)
			return false;
	return true;
}

/*
 * The private key is compared by the public key of it: the kernel clamps what
 * it is given, and a key and its clamped form are the same node.
 */
unsigned int device_diff(const struct device *want, const struct device *have)
{
	unsigned int diff = 0;

	if (key_compare(&want->public_key, &have->public_key) != 0)
		diff |= DEVICE_PRIVATE_KEY;
	if (want->listen_port != have->listen_port)
		diff |= DEVICE_LISTEN_PORT;
	if (want->fwmark != have->fwmark)
		diff |= DEVICE_FWMARK;
	if (want->mtu != have->mtu)
		diff |= DEVICE_MTU;
	if (want->up != have->up)
		diff |= DEVICE_UP;
	if (strcmp(want->alias, have->alias) != 0)
		diff |= DEVICE_ALIAS;
	if (want->group != have->group)
		diff |= DEVICE_GROUP;
	if (strcmp(want->vrf, have->vrf) != 0)
		diff |= DEVICE_VRF;
	return diff & want->has;
}

/* None and all zero are the same to the kernel. */
static bool preshared_equal(const struct key *a, const struct key *b)
{
	static const struct key none;

	return key_equal(a ? a : &none, b ? b : &none);
}

unsigned int peer_diff(const struct peer *want, const struct peer *have)
{
	unsigned int diff = 0;

	if (!preshared_equal(want->preshared_key, have->preshared_key))
		diff |= PEER_PRESHARED_KEY;
	if (want->endpoint.ip.family &&
	    endpoint_compare(&want->endpoint, &have->endpoint) != 0)
		diff |= PEER_ENDPOINT;
	if (want->keepalive != have->keepalive)
		diff |= PEER_KEEPALIVE;
	if (!prefixes_equal(want->allowed_ips, want->allowed_ip_count,
			    have->allowed_ips, have->allowed_ip_count))
		diff |= PEER_ALLOWED_IPS;
	return diff;
}
