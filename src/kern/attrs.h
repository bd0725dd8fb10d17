/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of a netlink message, read strictly: libmnl's loops end without
 * a word at an attribute that is cut short, these tell.  Pure.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

/* What is left of a row of attributes, or of messages. */
struct attrs {
	const char *data;
	size_t size;
};

/*
 * 1: *OUT is the next of the messages in LEFT; 0: there are no more; -1: it
 * is cut short.  libmnl's mnl_nlmsg_ok() takes a length of 2 GiB and more for
 * a negative one, and lets it pass.
 */
int messages_next(struct attrs *left, const struct nlmsghdr **out)
	must_check_;

/* What follows the family's own header of HEADER bytes; -1: too short. */
int attrs_of(const struct nlmsghdr *message, size_t header,
	     struct attrs *out) must_check_;
struct attrs attrs_nested(const struct nlattr *attribute);
/* 1: *OUT is the next one; 0: there are no more; -1: it is cut short. */
int attrs_next(struct attrs *left, const struct nlattr **out) must_check_;
/*
 * TABLE[type] of each type up to MAX, the last one if repeated; NULL where
 * there is none.  *UNKNOWN, which may be NULL, is set if a type is above MAX.
 */
int attrs_parse(struct attrs attrs, const struct nlattr **table,
		unsigned int max, bool *unknown) must_check_;

/*
 * The getters leave OUT alone where ATTRIBUTE is NULL, and return -1 where it
 * has another size than OUT wants.
 */
int attr_get(const struct nlattr *attribute, void *out, size_t size)
	must_check_;
/* A string, terminated or not, that fits SIZE with its NUL. */
int attr_string(const struct nlattr *attribute, char *out, size_t size)
	must_check_;
int attr_ip(const struct nlattr *attribute, uint8_t family, struct ip *out)
	must_check_;

/* Space that an attribute with SIZE bytes of payload takes. */
#define ATTR_SPACE(size) ((size_t)MNL_ALIGN(MNL_ATTR_HDRLEN + (size)))
void attr_put_ip(struct nlmsghdr *message, uint16_t type, const struct ip *ip);
