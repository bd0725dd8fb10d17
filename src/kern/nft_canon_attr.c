/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/nft_canon.h"
#include "kern/nft_wire.h"

/* The kernel nests 8 deep at most: a limit's in a dynset's in a rule's. */
#define DEPTH_MAX 24

#define CANON_HEADER (sizeof(uint16_t) + sizeof(uint32_t))

static void put_header(struct sbuf *out, uint16_t type, size_t size)
{
	uint32_t size32 = (uint32_t)size;
	char header[CANON_HEADER];

	memcpy(header, &type, sizeof(type));
	memcpy(header + sizeof(type), &size32, sizeof(size32));
	sbuf_add(out, header, sizeof(header));
}

static void put(struct sbuf *out, uint16_t type, struct str payload)
{
	put_header(out, type, payload.size);
	sbuf_str(out, payload);
}

/* Written when what is inside has been. */
static void patch_size(struct sbuf *out, size_t header)
{
	uint32_t size = (uint32_t)(out->size - header - CANON_HEADER);

	memcpy(out->data + header + sizeof(uint16_t), &size, sizeof(size));
}

const char *nft_named_show(struct nft_canon *c, struct nft_named_list *list,
			   struct nft_named *named)
{
	if (named->shown)
		return named->shown;
	if (!named->anonymous) {
		named->shown = arena_strndup(c->arena, named->name.data,
					     named->name.size);
		return named->shown;
	}
	named->rank = (uint32_t)list->ranked_count;
	list->ranked[list->ranked_count++] = named;
	named->shown = arena_printf(c->arena, list->format, named->rank);
	return named->shown;
}

static void put_reference(struct nft_canon *c, struct nft_named_list *list,
			  const struct nft_attr *attr, bool filled)
{
	struct str name = nft_name(attr->payload);
	struct nft_named *named = nft_named_find(list, name);

	if (named) {
		name = str_of(nft_named_show(c, list, named));
		named->filled |= filled;
	}
	put(&c->scratch, attr->type, name);
}

/* NFT_QUOTA_F_DEPLETED says that the packets have used it up. */
static void put_quota_flags(struct nft_canon *c, const struct nft_attr *attr)
{
	uint32_t flags;

	if (attr->payload.size != sizeof(flags)) {
		put(&c->scratch, attr->type, attr->payload);
		return;
	}
	memcpy(&flags, attr->payload.data, sizeof(flags));
	flags &= ~htonl(NFT_QUOTA_F_DEPLETED);
	put(&c->scratch, attr->type,
	    (struct str){ (const char *)&flags, sizeof(flags) });
}

static int write_at(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema, int depth);

static int put_nest(struct nft_canon *c, const struct nft_attr *attr,
		    const struct nft_schema *inside, int depth)
{
	size_t header = c->scratch.size;

	put_header(&c->scratch, attr->type, 0);
	if (write_at(c, attr->payload, inside, depth + 1) < 0)
		return -1;
	patch_size(&c->scratch, header);
	return 0;
}

static int put_expr(struct nft_canon *c, const struct nft_attr *attr,
		    int depth)
{
	struct str name = nft_attr_name(attr->payload, NFTA_EXPR_NAME);
	const struct nft_rule_of_attr rule = {
		NFTA_EXPR_DATA, NFT_NEST, nft_schema_of_expr(name)
	};
	const struct nft_schema schema = { &rule, 1 };

	return put_nest(c, attr, &schema, depth);
}

static int put_attr(struct nft_canon *c, const struct nft_attr *attr,
		    const struct nft_rule_of_attr *rule, int depth)
{
	switch (rule->action) {
	case NFT_KEEP:
		put(&c->scratch, attr->type, attr->payload);
		return 0;
	case NFT_DROP:
		return 0;
	case NFT_NEST:
		return put_nest(c, attr, rule->inside, depth);
	case NFT_EXPR:
		return put_expr(c, attr, depth);
	case NFT_SET_REF:
		put_reference(c, &c->sets, attr, false);
		return 0;
	case NFT_FILLED_REF:
		put_reference(c, &c->sets, attr, true);
		return 0;
	case NFT_CHAIN_REF:
		put_reference(c, &c->chains, attr, false);
		return 0;
	case NFT_QUOTA_BITS:
		put_quota_flags(c, attr);
		return 0;
	}
	return 0;
}

static int write_at(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema, int depth)
{
	struct nft_attr attr;
	enum nft_walk walk;

	if (depth > DEPTH_MAX)
		return err_set(c->e, ERR_FAILED, "nftables: table %s: the dump"
			       " is nested too deeply", c->table_name);
	while ((walk = nft_next_attr(&attrs, &attr)) == NFT_WALK_ITEM)
		if (put_attr(c, &attr, nft_schema_find(schema, attr.type),
			     depth) < 0)
			return -1;
	if (walk == NFT_WALK_BAD)
		return err_set(c->e, ERR_FAILED, "nftables: table %s: an "
			       "attribute in the dump is malformed",
			       c->table_name);
	return 0;
}

int nft_write_attrs(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema)
{
	return write_at(c, attrs, schema, 0);
}

int nft_canon_bytes(struct nft_canon *c, struct str attrs,
		    const struct nft_schema *schema, struct str *out)
{
	c->scratch.size = 0;
	if (nft_write_attrs(c, attrs, schema) < 0)
		return -1;
	out->size = c->scratch.size;
	out->data = arena_copy(c->arena, c->scratch.data, out->size);
	return 0;
}

bool nft_canon_next(struct str *rest, uint16_t *type, struct str *payload)
{
	uint32_t size;

	if (rest->size < CANON_HEADER)
		return false;
	memcpy(type, rest->data, sizeof(*type));
	memcpy(&size, rest->data + sizeof(*type), sizeof(size));
	if (size > rest->size - CANON_HEADER)
		return false;
	*payload = (struct str){ rest->data + CANON_HEADER, size };
	rest->data += CANON_HEADER + size;
	rest->size -= CANON_HEADER + size;
	return true;
}

bool nft_canon_find(struct str bytes, uint16_t type, struct str *payload)
{
	uint16_t found;

	while (nft_canon_next(&bytes, &found, payload))
		if (found == type)
			return true;
	return false;
}

uint32_t nft_canon_u32(struct str bytes, uint16_t type, uint32_t absent)
{
	struct str payload;
	uint32_t value;

	if (!nft_canon_find(bytes, type, &payload) ||
	    payload.size != sizeof(value))
		return absent;
	memcpy(&value, payload.data, sizeof(value));
	return ntohl(value);
}
