/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directives of wireguard.conf, and the sysctls a mesh may ask for. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/reader.h"

#define NAME_MAX_BYTES 255

static const char *const names[DIRECTIVE_COUNT] = {
	[DIRECTIVE_MESH] = "mesh",
	[DIRECTIVE_INTERFACE] = "interface",
	[DIRECTIVE_PRIVATE_KEY_FILE] = "private-key-file",
	[DIRECTIVE_VRF] = "vrf",
	[DIRECTIVE_SYSCTL] = "sysctl",
	[DIRECTIVE_NAME] = "name",
	[DIRECTIVE_ENDPOINT] = "endpoint",
	[DIRECTIVE_PRESHARED_KEY_FILE] = "preshared-key-file",
};

static enum wireguard_section section_of(enum wireguard_directive directive)
{
	return directive < DIRECTIVE_NAME ? SECTION_INTERFACE : SECTION_PEER;
}

/* KEY without PREFIX and without one of the words after its last dot. */
static bool link_of_key(struct str key, const char *prefix,
			const char *const *words, size_t count,
			struct str *link)
{
	size_t skip = strlen(prefix);
	struct str rest, last;
	const char *dot;

	if (!str_starts(key, prefix) || key.size == skip)
		return false;
	rest = (struct str){ key.data + skip, key.size - skip };
	dot = memrchr(rest.data, '.', rest.size);
	if (!dot)
		return false;
	*link = (struct str){ rest.data, (size_t)(dot - rest.data) };
	last = (struct str){ dot + 1, rest.size - link->size - 1 };
	for (size_t i = 0; i < count; i++)
		if (str_is(last, words[i]))
			return true;
	return false;
}

/* As sysctl(8) has it, a dot in a link's name is written as a slash. */
static bool link_part_valid(struct str link)
{
	char name[IFNAMSIZ];

	if (link.size >= sizeof(name))
		return false;
	for (size_t i = 0; i < link.size; i++) {
		if (link.data[i] == '.')
			return false;
		name[i] = link.data[i] == '/' ? '.' : link.data[i];
	}
	return link_name_valid((struct str){ name, link.size });
}

bool sysctl_allowed(struct str key)
{
	static const char *const words4[] = {
		"forwarding", "src_valid_mark", "rp_filter",
		"accept_redirects", "send_redirects",
	};
	static const char *const words6[] = { "forwarding", "accept_ra" };
	struct str link;

	if (str_is(key, "net.ipv4.ip_forward"))
		return true;
	if (!link_of_key(key, "net.ipv4.conf.", words4, array_size(words4),
			 &link) &&
	    !link_of_key(key, "net.ipv6.conf.", words6, array_size(words6),
			 &link))
		return false;
	return link_part_valid(link);
}

/* An integer in the kernel's own form: no plus, no leading zeros. */
static const char *integer_of(struct arena *arena, struct str text)
{
	bool negative = text.size && text.data[0] == '-';
	uint64_t number;

	if (negative)
		text = (struct str){ text.data + 1, text.size - 1 };
	if (str_uint(text, INT32_MAX, &number) < 0)
		return NULL;
	return arena_printf(arena, "%s%ju", negative && number ? "-" : "",
			    (uintmax_t)number);
}

/*
 * One variable of the kernel has two names (net/ipv4/devinet.c).  It has one
 * here, or two meshes would not know that they want the same.
 */
static const char *sysctl_name(struct arena *arena, struct str key)
{
	if (str_is(key, "net.ipv4.conf.all.forwarding"))
		return "net.ipv4.ip_forward";
	return arena_strndup(arena, key.data, key.size);
}

static void take_sysctl(struct wireguard_reader *r, struct str text)
{
	struct wireguard_text *out = r->out;
	const char *equals = memchr(text.data, '=', text.size);
	struct str key = text, value;
	const char *integer;

	if (!equals) {
		value_error(r->source, text, r->diags,
			    "a sysctl is written KEY = VALUE");
		return;
	}
	key.size = (size_t)(equals - text.data);
	value = str_trim((struct str){ equals + 1,
				       text.size - key.size - 1 });
	key = str_trim(key);
	if (!sysctl_allowed(key)) {
		value_error(r->source, key, r->diags,
			    "the sysctl %s is none that a mesh may ask for",
			    value_show(r->diags, key))->hint =
			"meshapply-files(5) lists them";
		return;
	}
	integer = integer_of(r->arena, value);
	if (!integer) {
		value_error(r->source, value, r->diags,
			    "%s is not an integer",
			    value_show(r->diags, value));
		return;
	}
	arena_room(r->arena, &out->sysctls, out->sysctl_count,
		   &r->sysctl_capacity, sizeof(*out->sysctls));
	out->sysctls[out->sysctl_count++] = (struct sysctl){
		.key = sysctl_name(r->arena, key),
		.value = integer,
		.where = place_of(r->source, key),
	};
}

/* What a person calls a peer: UTF-8 that can be shown as it is. */
static bool name_valid(struct str name)
{
	uint32_t character;

	if (name.size > NAME_MAX_BYTES)
		return false;
	while (name.size) {
		size_t size = str_utf8(name, &character);

		if (!size || character < ' ' ||
		    (character >= 0x7f && character < 0xa0))
			return false;
		name.data += size;
		name.size -= size;
	}
	return true;
}

static const char *text_if(struct wireguard_reader *r, struct str value,
			   bool valid, const char *what)
{
	if (valid)
		return arena_strndup(r->arena, value.data, value.size);
	value_error(r->source, value, r->diags, "%s is not %s",
		    value_show(r->diags, value), what);
	return NULL;
}

static const char bare_name[] = "the bare name of a file";

static void take_vrf(struct wireguard_reader *r, struct str value)
{
	struct device *device = &r->out->device;

	if (!text_if(r, value, device_name_valid(value), "a device's name"))
		return;
	memcpy(device->vrf, value.data, value.size);
	device->vrf_where = place_of(r->source, value);
}

static void take_interface(struct wireguard_reader *r,
			   enum wireguard_directive d, struct str value)
{
	struct device *device = &r->out->device;

	if (d == DIRECTIVE_SYSCTL) {
		take_sysctl(r, value);
	} else if (d == DIRECTIVE_VRF) {
		take_vrf(r, value);
	} else if (d == DIRECTIVE_PRIVATE_KEY_FILE) {
		device->private_key_file =
			text_if(r, value, file_name_valid(value), bare_name);
		device->has |= DEVICE_PRIVATE_KEY;
	} else if (d == DIRECTIVE_MESH) {
		if (text_if(r, value, mesh_name_valid(value), "a mesh's name"))
			r->out->mesh = value;
	} else if (text_if(r, value, device_name_valid(value),
			   "a device's name")) {
		r->out->interface = value;
	}
}

static void take_policy(struct wireguard_reader *r, struct str value,
			enum endpoint_policy *out)
{
	for (size_t i = 0; i < ENDPOINT_POLICIES; i++)
		if (str_is(value, endpoint_policy_words[i])) {
			*out = (enum endpoint_policy)i;
			return;
		}
	value_error(r->source, value, r->diags, "%s is no policy for an "
		    "endpoint: there are 'roam', 'static', 'hint' and 'dns'",
		    value_show(r->diags, value));
}

static void take_peer(struct wireguard_reader *r, enum wireguard_directive d,
		      struct str value)
{
	struct peer *peer = &r->peers[r->peer_count - 1];

	if (d == DIRECTIVE_NAME)
		peer->name = text_if(r, value, name_valid(value),
				     "a name: at most 255 bytes of UTF-8 "
				     "without control characters");
	else if (d == DIRECTIVE_PRESHARED_KEY_FILE)
		peer->preshared_key_file =
			text_if(r, value, file_name_valid(value), bare_name);
	else
		take_policy(r, value, &peer->endpoint_policy);
}

static void refuse_section(struct wireguard_reader *r, struct str key,
			   enum wireguard_directive d)
{
	bool peers = section_of(d) == SECTION_PEER;

	value_error(r->source, key, r->diags,
		    "#@ %s belongs to %s, not to %s", names[d],
		    peers ? "a [Peer]" : "[Interface]",
		    peers ? "[Interface]" : "a [Peer]")->hint =
		"a directive directly above a header belongs to that section; "
		"an empty line between them parts it";
}

/* Its words are put together only where they are wanted. */
static bool is_repeated(struct wireguard_reader *r,
			enum wireguard_directive d, struct str key)
{
	struct str *seen = &r->seen_directives[d];
	const char *name = !seen->data ? names[d] :
		arena_printf(r->arena, "#@ %s", names[d]);

	return wireguard_is_repeated(r, seen, key, name);
}

void wireguard_take_directive(struct wireguard_reader *r,
			      const struct ini_line *line)
{
	enum wireguard_directive d = 0;

	while (d < DIRECTIVE_COUNT && !str_is(line->key, names[d]))
		d++;
	if (d == DIRECTIVE_COUNT) {
		value_unknown(r->source, line->key, r->diags, "directive",
			      names, DIRECTIVE_COUNT);
		return;
	}
	if (r->section == SECTION_NONE) {
		value_error(r->source, line->key, r->diags,
			    "#@ %s stands in no section", names[d]);
		return;
	}
	if (section_of(d) != r->section) {
		refuse_section(r, line->key, d);
		return;
	}
	if (!line->value.size) {
		value_error(r->source, line->key, r->diags,
			    "#@ %s wants a value", names[d]);
		return;
	}
	if (d != DIRECTIVE_SYSCTL && is_repeated(r, d, line->key))
		return;
	if (r->section == SECTION_PEER)
		take_peer(r, d, line->value);
	else
		take_interface(r, d, line->value);
}
