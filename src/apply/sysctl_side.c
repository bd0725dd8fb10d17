/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/sysctl_side.h"

#include <string.h>

#include "base/arena.h"
#include "state/text.h"

#define IPV4_CONF "net.ipv4.conf."
#define IPV6_CONF "net.ipv6.conf."

struct sides {
	struct arena *arena;
	struct sysctl_side *items;
	size_t count, capacity;
};

static struct sysctl_side *add(struct sides *s, const char *key)
{
	arena_room(s->arena, &s->items, s->count, &s->capacity,
		   sizeof(*s->items));
	s->items[s->count] = (struct sysctl_side){ .key = key };
	return &s->items[s->count++];
}

/* As sysctl(8): a dot in a link's name stands as a slash. */
static const char *link_key(struct arena *arena, const char *conf,
			    const char *link, const char *leaf)
{
	char *key = arena_printf(arena, "%s%s.%s", conf, link, leaf);

	for (char *c = key + strlen(conf); c < key + strlen(conf) +
	     strlen(link); c++)
		if (*c == '.')
			*c = '/';
	return key;
}

static void add_ipv4(struct sides *s, const char *key,
		     const struct link *links, size_t link_count)
{
	static const char *const same[] = {
		"net.ipv4.ip_forward", IPV4_CONF "all.forwarding",
		IPV4_CONF "default.forwarding",
	};

	for (size_t i = 0; i < array_size(same); i++)
		if (strcmp(key, same[i]))
			add(s, same[i]);
	add(s, IPV4_CONF "all.accept_redirects")->inverse = true;
	for (size_t i = 0; i < link_count; i++)
		add(s, link_key(s->arena, IPV4_CONF, links[i].name,
				"forwarding"));
}

static void add_ipv6(struct sides *s, const struct link *links,
		     size_t link_count)
{
	add(s, IPV6_CONF "default.forwarding");
	for (size_t i = 0; i < link_count; i++)
		add(s, link_key(s->arena, IPV6_CONF, links[i].name,
				"forwarding"));
}

size_t sysctl_sides(struct arena *arena, const char *key,
		    const struct link *links, size_t link_count,
		    struct sysctl_side **out)
{
	struct sides s = { .arena = arena };

	if (!strcmp(key, "net.ipv4.ip_forward") ||
	    !strcmp(key, IPV4_CONF "all.forwarding"))
		add_ipv4(&s, key, links, link_count);
	else if (!strcmp(key, IPV6_CONF "all.forwarding"))
		add_ipv6(&s, links, link_count);
	*out = s.items;
	return s.count;
}

const char *sysctl_side_value(const struct sysctl_side *side,
			      const char *value)
{
	if (!side->inverse)
		return value;
	return strcmp(value, "0") ? "0" : "1";
}

static bool names_link(struct str part, const char *link)
{
	if (part.size != strlen(link))
		return false;
	for (size_t i = 0; i < part.size; i++)
		if (part.data[i] != (link[i] == '.' ? '/' : link[i]))
			return false;
	return true;
}

const struct device *sysctl_device(const struct state *s, const char *key)
{
	struct str rest = str_of(key), part;

	if (!str_starts(rest, IPV4_CONF) && !str_starts(rest, IPV6_CONF))
		return NULL;
	rest.data += strlen(IPV4_CONF);
	rest.size -= strlen(IPV4_CONF);
	if (!str_next(&rest, '.', &part))
		return NULL;
	for (size_t i = 0; i < s->device_count; i++)
		if (names_link(part, s->devices[i].name))
			return &s->devices[i];
	return NULL;
}

const char *sysctl_default(struct arena *arena, const char *key)
{
	return arena_printf(arena, "%.*sdefault%s", (int)strlen(IPV4_CONF),
			    key, strrchr(key, '.'));
}

/* One component of a path, as a link's name may be; "/" stands for a dot. */
static bool is_link_name(struct str name)
{
	bool other = false;

	if (!name.size || name.size > 15)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c <= ' ' || c == 0x7f)
			return false;
		other |= c != '/';
	}
	return other;		/* "//" would be the folder above */
}

bool sysctl_known(struct str key)
{
	static const char *const leaves[] = {
		"forwarding", "accept_redirects", "accept_ra",
		"promote_secondaries",
	};
	struct str name;

	if (sysctl_allowed(key) || str_is(key, "net.ipv4.ip_forward"))
		return true;
	if (!str_starts(key, IPV4_CONF) && !str_starts(key, IPV6_CONF))
		return false;
	key.data += strlen(IPV4_CONF);
	key.size -= strlen(IPV4_CONF);
	if (!str_next(&key, '.', &name) || !is_link_name(name))
		return false;
	for (size_t i = 0; i < array_size(leaves); i++)
		if (str_is(key, leaves[i]))
			return true;
	return false;
}
