/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/attrs.h"

#include <string.h>

int messages_next(struct attrs *left, const struct nlmsghdr **out)
{
	const struct nlmsghdr *message = (const void *)left->data;
	size_t space;

	if (!left->size)
		return 0;
	if (left->size < sizeof(*message) ||
	    message->nlmsg_len < sizeof(*message) ||
	    message->nlmsg_len > left->size)
		return -1;
	space = MNL_ALIGN((size_t)message->nlmsg_len);
	if (space > left->size)
		space = left->size;
	left->data += space;
	left->size -= space;
	*out = message;
	return 1;
}

int attrs_of(const struct nlmsghdr *message, size_t header, struct attrs *out)
{
	size_t start = MNL_NLMSG_HDRLEN + MNL_ALIGN(header);

	if (message->nlmsg_len < start)
		return -1;
	*out = (struct attrs){ (const char *)message + start,
			       message->nlmsg_len - start };
	return 0;
}

struct attrs attrs_nested(const struct nlattr *attribute)
{
	return (struct attrs){ mnl_attr_get_payload(attribute),
			       mnl_attr_get_payload_len(attribute) };
}

int attrs_next(struct attrs *left, const struct nlattr **out)
{
	const struct nlattr *attribute = (const void *)left->data;
	size_t space;

	if (!left->size)
		return 0;
	if (left->size < sizeof(*attribute) ||
	    attribute->nla_len < sizeof(*attribute) ||
	    attribute->nla_len > left->size)
		return -1;
	/* The last one may come without its padding. */
	space = MNL_ALIGN((size_t)attribute->nla_len);
	if (space > left->size)
		space = left->size;
	left->data += space;
	left->size -= space;
	*out = attribute;
	return 1;
}

int attrs_parse(struct attrs attrs, const struct nlattr **table,
		unsigned int max, bool *unknown)
{
	const struct nlattr *attribute;
	int more;

	for (unsigned int i = 0; i <= max; i++)
		table[i] = NULL;
	while ((more = attrs_next(&attrs, &attribute)) > 0) {
		if (mnl_attr_get_type(attribute) <= max)
			table[mnl_attr_get_type(attribute)] = attribute;
		else if (unknown)
			*unknown = true;
	}
	return more;
}

int attr_get(const struct nlattr *attribute, void *out, size_t size)
{
	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) != size)
		return -1;
	memcpy(out, mnl_attr_get_payload(attribute), size);
	return 0;
}

int attr_string(const struct nlattr *attribute, char *out, size_t size)
{
	const char *text;
	size_t length;

	if (!attribute)
		return 0;
	text = mnl_attr_get_payload(attribute);
	length = strnlen(text, mnl_attr_get_payload_len(attribute));
	if (length >= size)
		return -1;
	memcpy(out, text, length);
	memset(out + length, 0, size - length);
	return 0;
}

int attr_ip(const struct nlattr *attribute, uint8_t family, struct ip *out)
{
	if (!attribute)
		return 0;
	if (!ip_bits(family) ||
	    mnl_attr_get_payload_len(attribute) != ip_bits(family) / 8)
		return -1;
	*out = (struct ip){ .family = family };
	memcpy(out->bytes, mnl_attr_get_payload(attribute),
	       ip_bits(family) / 8);
	return 0;
}

void attr_put_ip(struct nlmsghdr *message, uint16_t type, const struct ip *ip)
{
	mnl_attr_put(message, type, ip_bits(ip->family) / 8, ip->bytes);
}
