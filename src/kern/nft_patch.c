/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a text compiles to, told from what another one did.  Only elements of
 * sets of plain addresses are written here, as the kernel dumps them; that it
 * does so is not taken for granted: what stands in the old text must give the
 * live elements, byte for byte.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "kern/nft.h"
#include "kern/nft_canon.h"
#include "kern/nft_wire.h"
#include "state/firewall_blocks.h"

/* nft's numbers of types, include/datatype.h. */
#define TYPE_IPADDR 7
#define TYPE_IP6ADDR 8
/* Of what nft keeps in a set's user data, libnftnl/udata.h. */
#define UDATA_SET_KEYBYTEORDER 0

#define ADDRESS_MAX 16
/* An element's attributes: a key with two headers, flags. */
#define BYTES_MAX 64
/* Address space: many times what two texts of the greatest size take. */
#define OWN_SIZE ((uint64_t)8 << 30)

/* An element: an address, or a border of an interval. */
struct border {
	unsigned char key[ADDRESS_MAX];
	bool end;
};

struct borders {
	struct border *items;
	size_t count;
};

/* A set whose elements are addresses of FAMILY and nothing else. */
struct kind {
	uint8_t family;
	size_t size;		/* of an address */
	bool intervals;
};

/* A set that is not written in both texts the same. */
struct change {
	const struct firewall_object *set;	/* of the live table */
	struct kind kind;
	struct borders old, new;
};

struct patch {
	struct arena *arena;
	struct arena *own;	/* for what is read of the texts, and goes */
	const struct firewall *live;
	struct change *changes;	/* in the order of objects */
	size_t count;
};

/* Is all that the user data say the byte order of keys? */
static bool says_byte_order(struct str udata)
{
	while (udata.size >= 2) {
		size_t size = 2 + (size_t)(unsigned char)udata.data[1];

		if (udata.data[0] != UDATA_SET_KEYBYTEORDER ||
		    size > udata.size)
			return false;
		udata.data += size;
		udata.size -= size;
	}
	return !udata.size;
}

/* Has the set no attribute but those that every set of addresses has? */
static bool has_plain_attributes(struct str bytes)
{
	struct str rest = bytes, payload;
	uint16_t type;

	while (nft_canon_next(&rest, &type, &payload)) {
		switch (type) {
		case NFTA_SET_TABLE:
		case NFTA_SET_NAME:
		case NFTA_SET_FLAGS:
		case NFTA_SET_KEY_TYPE:
		case NFTA_SET_KEY_LEN:
			break;
		case NFTA_SET_DESC:
			if (payload.size)
				return false;
			break;
		case NFTA_SET_USERDATA:
			if (!says_byte_order(payload))
				return false;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool kind_of(const struct firewall_object *set, struct kind *out)
{
	uint32_t type = nft_canon_u32(set->bytes, NFTA_SET_KEY_TYPE, 0);
	uint32_t size = nft_canon_u32(set->bytes, NFTA_SET_KEY_LEN, 0);
	uint32_t flags = nft_canon_u32(set->bytes, NFTA_SET_FLAGS, 0);

	if (!set->elements_writable || !has_plain_attributes(set->bytes) ||
	    (flags && flags != NFT_SET_INTERVAL))
		return false;
	*out = (struct kind){
		.family = type == TYPE_IPADDR ? AF_INET : AF_INET6,
		.size = type == TYPE_IPADDR ? 4 : 16,
		.intervals = flags,
	};
	return (type == TYPE_IPADDR || type == TYPE_IP6ADDR) &&
	       size == out->size;
}

/* The address behind a prefix; false: there is none, and nft marks it. */
static bool end_of(const struct prefix *prefix,
		   unsigned char key[static ADDRESS_MAX])
{
	size_t i = (prefix->length - 1u) / 8;
	unsigned int sum;

	if (!prefix->length)
		return false;
	memcpy(key, prefix->ip.bytes, ADDRESS_MAX);
	sum = key[i] + (0x80u >> (prefix->length - 1u) % 8);
	for (; sum > 0xff && i; sum = key[i] + 1u)
		key[i--] = (unsigned char)(sum & 0xff);
	key[i] = (unsigned char)(sum & 0xff);
	return sum <= 0xff;
}

static void put_border(struct borders *out, const unsigned char *key,
		       bool end)
{
	struct border *b = &out->items[out->count++];

	memcpy(b->key, key, ADDRESS_MAX);
	b->end = end;
}

/*
 * As nft makes intervals of prefixes (set_to_intervals() in intervals.c): a
 * start and an end for each, nothing joined, and an end at 0 where none
 * starts.  In the order of canonical bytes, where of one key the start goes
 * first.  false: some overlap, or one has no end.
 */
static bool intervals_of(const struct prefix *prefixes, size_t count,
			 struct borders *out)
{
	static const unsigned char zero[ADDRESS_MAX];
	unsigned char end[ADDRESS_MAX];
	bool ends = memcmp(prefixes[0].ip.bytes, zero, ADDRESS_MAX) != 0;

	memcpy(end, zero, sizeof(end));
	for (size_t i = 0; i < count; i++) {
		const unsigned char *start = prefixes[i].ip.bytes;
		bool touches = ends && !memcmp(start, end, ADDRESS_MAX);

		if (i && prefix_covers(&prefixes[i - 1], &prefixes[i]))
			return false;
		if (touches)
			put_border(out, start, false);
		if (ends)
			put_border(out, end, true);
		if (!touches)
			put_border(out, start, false);
		ends = true;
		if (!end_of(&prefixes[i], end))
			return false;
	}
	put_border(out, end, true);
	return true;
}

/* Each a whole address, and none twice. */
static bool addresses_of(const struct prefix *prefixes, size_t count,
			 struct borders *out)
{
	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].length != ip_bits(prefixes[i].ip.family) ||
		    (i && !prefix_compare(&prefixes[i - 1], &prefixes[i])))
			return false;
		put_border(out, prefixes[i].ip.bytes, false);
	}
	return true;
}

static bool borders_of(struct arena *arena, const struct kind *kind,
		       const struct firewall_block *block, struct borders *out)
{
	struct prefix *prefixes;
	size_t count;

	if (block->merges ||
	    !firewall_block_prefixes(arena, block, kind->family, &prefixes,
				     &count))
		return false;
	/* A prefix, of one address too, nft takes for intervals alone. */
	if (!kind->intervals && block->text.size &&
	    memchr(block->text.data, '/', block->text.size))
		return false;
	out->items = arena_new_array(arena, struct border, 2 * count + 1);
	out->count = 0;
	return kind->intervals ? intervals_of(prefixes, count, out) :
				 addresses_of(prefixes, count, out);
}

static void put_attr(struct str *out, char *space, uint16_t type,
		     const void *payload, size_t size)
{
	struct nlattr head = { (uint16_t)(NLA_HDRLEN + size), type };

	memcpy(space + out->size, &head, sizeof(head));
	memcpy(space + out->size + NLA_HDRLEN, payload, size);
	out->size += NLA_HDRLEN + size;
}

/* As nf_tables_fill_setelem() in nf_tables_api.c does. */
static struct str raw_of(const struct kind *kind, const struct border *b,
			 char space[static BYTES_MAX])
{
	uint32_t flags = htonl(NFT_SET_ELEM_INTERVAL_END);
	char value[BYTES_MAX];
	struct str inner = { value, 0 }, out = { space, 0 };

	put_attr(&inner, value, NFTA_DATA_VALUE, b->key, kind->size);
	put_attr(&out, space, NFTA_SET_ELEM_KEY, value, inner.size);
	if (b->end)
		put_attr(&out, space, NFTA_SET_ELEM_FLAGS, &flags,
			 sizeof(flags));
	return out;
}

/* By the way that what is dumped goes. */
static int make_element(struct patch *p, const struct kind *kind,
			const struct border *b, struct firewall_element *out)
{
	static const struct nft_named plain;
	/* OUT will view it. */
	char *space = arena_alloc(p->arena, BYTES_MAX);
	struct err ignored;
	struct nft_canon c = { .arena = p->arena, .e = &ignored,
			       .table_name = p->live->table };

	sbuf_init(&c.scratch, p->arena);
	return nft_canon_element(&c, &plain, raw_of(kind, b, space), out);
}

static const struct firewall_element *first_of(const struct patch *p,
					       const struct change *change)
{
	return p->live->elements + change->set->element_first;
}

/*
 * Is the live set what its old text gives?  Elements of one netlink form have
 * one canonical form, unless they hold what is not sent: then it is longer.
 */
static bool is_live(struct patch *p, const struct change *change)
{
	const struct firewall_element *live = first_of(p, change);
	const struct borders *old = &change->old;
	size_t sizes[2] = { 0 };	/* canonical: of a start, an end */

	if (change->set->element_count != old->count)
		return false;
	for (size_t i = 0; i < old->count; i++) {
		const struct border *b = &old->items[i];
		struct firewall_element made;
		char space[BYTES_MAX];

		if (!sizes[b->end]) {
			if (make_element(p, &change->kind, b, &made) < 0)
				return false;
			sizes[b->end] = made.bytes.size;
		}
		if (!live[i].sendable ||
		    live[i].bytes.size != sizes[b->end] ||
		    !str_equal(live[i].raw,
			       raw_of(&change->kind, b, space)))
			return false;
	}
	return true;
}

static const struct firewall_object *find_set(const struct firewall *f,
					      struct str name)
{
	for (size_t i = 0; i < f->object_count; i++)
		if (f->objects[i].kind == FIREWALL_SET &&
		    str_is(name, f->objects[i].name))
			return &f->objects[i];
	return NULL;
}

static bool read_change(struct patch *p, const struct firewall_block *old,
			const struct firewall_block *new)
{
	struct change *change = &p->changes[p->count];

	change->set = find_set(p->live, new->name);
	if (!change->set || !kind_of(change->set, &change->kind) ||
	    !borders_of(p->own, &change->kind, old, &change->old) ||
	    !borders_of(p->own, &change->kind, new, &change->new) ||
	    !is_live(p, change))
		return false;
	p->count++;
	return true;
}

/* What several blocks of one set say is put together. */
static bool is_several(const struct firewall_block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_equal(blocks[i].name, blocks[j].name))
				return true;
	return false;
}

static bool read_changes(struct patch *p, struct str old, struct str new)
{
	struct firewall_block *a, *b;
	size_t a_count = firewall_blocks(p->own, old, &a);
	size_t b_count = firewall_blocks(p->own, new, &b);

	if (!firewall_same_around(old, a, a_count, new, b, b_count) ||
	    is_several(b, b_count))
		return false;
	p->changes = arena_new_array(p->own, struct change, a_count);
	for (size_t i = 0; i < a_count; i++)
		if (!str_equal(a[i].text, b[i].text) &&
		    !read_change(p, &a[i], &b[i]))
			return false;
	return true;
}

/* In the order of their canonical bytes. */
static int compare_borders(const struct border *a, const struct border *b)
{
	int order = memcmp(a->key, b->key, ADDRESS_MAX);

	return order ? order : a->end - b->end;
}

/* What is there already is taken as it is. */
static int put_changed(struct patch *p, const struct change *change,
		       struct firewall_element *out)
{
	const struct firewall_element *live = first_of(p, change);
	const struct borders *old = &change->old, *new = &change->new;
	size_t at = 0;

	for (size_t i = 0; i < new->count; i++) {
		const struct border *b = &new->items[i];

		while (at < old->count &&
		       compare_borders(&old->items[at], b) < 0)
			at++;
		if (at < old->count && !compare_borders(&old->items[at], b))
			out[i] = live[at];
		else if (make_element(p, &change->kind, b, &out[i]) < 0)
			return -1;
	}
	return 0;
}

static const struct change *find_change(const struct patch *p,
					const struct firewall_object *set)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].set == set)
			return &p->changes[i];
	return NULL;
}

/* By how many elements those before FIRST in the live list are more now. */
static size_t shift(const struct patch *p, size_t first)
{
	size_t by = 0;

	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].set->element_first < first)
			by += p->changes[i].new.count - p->changes[i].old.count;
	return by;
}

/* All in the order of the live ones, as a compile would give them. */
static int build(struct patch *p, struct firewall *f)
{
	const struct firewall *live = p->live;
	size_t count = live->element_count + shift(p, SIZE_MAX);
	struct firewall_element *elements =
		arena_new_array(p->arena, struct firewall_element, count);
	struct firewall_object *objects =
		arena_copy(p->arena, live->objects,
			   live->object_count * sizeof(*objects));

	for (size_t i = 0; i < live->object_count; i++) {
		const struct firewall_object *from = &live->objects[i];
		const struct change *change = find_change(p, from);
		struct firewall_object *o = &objects[i];

		if (o->kind != FIREWALL_SET)
			continue;
		o->element_first += (uint32_t)shift(p, o->element_first);
		if (change)
			o->element_count = (uint32_t)change->new.count;
		else if (o->element_count)
			memcpy(elements + o->element_first,
			       live->elements + from->element_first,
			       o->element_count * sizeof(*elements));
		if (change &&
		    put_changed(p, change, elements + o->element_first) < 0)
			return -1;
	}
	f->objects = objects;
	f->object_count = live->object_count;
	f->elements = elements;
	f->element_count = count;
	f->compiled = true;
	return 0;
}

bool nft_patch(struct arena *arena, struct str old,
	       const struct firewall *live, struct firewall *f)
{
	struct patch p = { .arena = arena, .own = arena_new(OWN_SIZE),
			   .live = live };
	bool told = read_changes(&p, old, f->text) && build(&p, f) == 0;

	arena_free(p.own);
	return told;
}
